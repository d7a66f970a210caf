"""A campaign is planned, changed, handed in, sent back and approved by somebody else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotAllowed
from zhike.marketing.events import CampaignChanged, MarketingPolicyChanged
from zhike.marketing.models import Campaign, CampaignArm, MarketingPolicy
from zhike.marketing.queries.found import APPROVE, EDIT, locked, plan_of
from zhike.marketing.queries.uplift import usable_run
from zhike.marketing.rules import campaigns as rules
from zhike.marketing.rules.campaigns import Plan
from zhike.messaging import queries as messaging
from zhike.offers import queries as offers

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

VALUES = frozenset({"name", "link"})
"""What a wording of a campaign may say of a person."""
_FAULTS = {
    "missing": _("This is needed."),
    "too-long": _("This is too long."),
    "unknown": _("There is no such choice."),
    "out-of-range": _("This is out of range."),
    "twice": _("Every group needs a name of its own."),
    "daily-needs-dates": _("A daily campaign needs a first day and a last day, at most 400 days later."),
    "test-needs-arms": _("Trying on a part first needs two groups or more and a single day."),
    "in-the-past": _("This is over."),
}


_NOT_BETTER = _("This model is not better than chance on people it has not seen, so it may not choose.")


class PlanUnusable(Invalid):
    code = "campaign-plan-unusable"
    title = _("The campaign cannot be like this.")


class StepNotPossible(Conflict):
    code = "campaign-step-not-possible"
    title = _("This cannot be done with the campaign as it stands.")


class OwnApproval(NotAllowed):
    code = "campaign-own-approval"
    title = _("A campaign is approved by somebody who neither planned nor changed it.")


class ReasonMissing(Invalid):
    code = "campaign-reason-missing"
    title = _("Please say why.")


class ChangedMeanwhile(Conflict):
    code = "campaign-changed"
    title = _("Somebody else has changed the campaign in the meantime.")


@transaction.atomic
def plan_campaign(*, actor: Viewer, group_id: int, plan: Plan, now: dt.datetime) -> int:
    """A new draft; its id. Raises PlanUnusable (by field), NotAllowed."""
    require_touch(actor, EDIT, mall=plan.mall_id)
    _check(actor, plan, now)
    row = Campaign(group_id=group_id, created_at=now, created_by=actor.audit_id)
    _write(row, plan, actor)
    tell(actor, row, "plan", now)
    return row.pk


@transaction.atomic
def edit_campaign(
    *, actor: Viewer, campaign_id: int, plan: Plan, version: int | None = None, now: dt.datetime
) -> None:
    """Change a draft; what the reach planner said is forgotten. ``version`` refuses to overwrite somebody else's change.

    Raises NotFound, StepNotPossible, ChangedMeanwhile, PlanUnusable, NotAllowed.
    """
    row = locked(actor, campaign_id, EDIT)
    require_touch(actor, EDIT, mall=plan.mall_id)
    if row.status not in rules.EDITABLE:
        raise StepNotPossible
    if version is not None and version != row.version:
        raise ChangedMeanwhile
    _check(actor, plan, now)
    before = plan_of(row)
    row.version += 1
    row.forecast, row.forecast_asked_at = None, None
    _write(row, plan, actor)
    tell(actor, row, "edit", now, before={"name": before.name, "holdout_bp": before.holdout_bp})


@transaction.atomic
def submit_campaign(*, actor: Viewer, campaign_id: int, now: dt.datetime) -> None:
    """Hand a draft in for approval. Raises NotFound, StepNotPossible, PlanUnusable when its start has passed."""
    row = locked(actor, campaign_id, EDIT)
    if row.status == "submitted":
        return
    if row.starts_at is not None and row.starts_at < now:
        raise PlanUnusable(fields={"starts_at": [_FAULTS["in-the-past"]]})
    step(row, "submit")
    row.save(update_fields=["status"])
    tell(actor, row, "submit", now)


@transaction.atomic
def approve_campaign(*, actor: Viewer, campaign_id: int, now: dt.datetime) -> None:
    """A second person's yes. Raises NotFound, StepNotPossible, OwnApproval."""
    row = locked(actor, campaign_id, APPROVE)
    if row.status == "approved":
        return
    if actor.audit_id in (row.created_by, row.edited_by):
        raise OwnApproval
    step(row, "approve")
    row.approved_by, row.approved_at = actor.audit_id, now
    row.save(update_fields=["status", "approved_by", "approved_at"])
    tell(actor, row, "approve", now)


@transaction.atomic
def send_back_campaign(*, actor: Viewer, campaign_id: int, reason: str, now: dt.datetime) -> None:
    """Back to a draft, with a reason. Raises NotFound, StepNotPossible, ReasonMissing."""
    row = locked(actor, campaign_id, EDIT)
    if not reason.strip():
        raise ReasonMissing
    step(row, "send_back")
    row.approved_by, row.approved_at = "", None
    row.save(update_fields=["status", "approved_by", "approved_at"])
    tell(actor, row, "send_back", now, reason=reason.strip()[:200])


@transaction.atomic
def note_lessons(*, actor: Viewer, campaign_id: int, lessons: str, now: dt.datetime) -> None:
    """What people learnt from a campaign, for the review. Raises NotFound, Invalid."""
    row = locked(actor, campaign_id, EDIT)
    if len(lessons) > 5_000:
        raise Invalid
    before, row.lessons = row.lessons, lessons.strip()
    row.save(update_fields=["lessons"])
    subject = ("campaign", row.pk)
    audit.record(
        actor=actor,
        action="campaign.lessons",
        subject=subject,
        before={"lessons": before},
        after={"lessons": row.lessons},
        now=now,
    )


@transaction.atomic
def save_marketing_policy(
    *,
    actor: Viewer,
    group_id: int,
    global_holdout_bp: int,
    margin_bp: int | None,
    now: dt.datetime,
    withdrawn_max_bp: int | None = None,
    complained_max_bp: int | None = None,
) -> None:
    """What part of all members gets no campaign in a quarter, up to 20 %, and what is left of a yuan of sales.

    ``margin_bp`` None: nobody knows it for whatever has no rate of its own. The limits are shares of the people reached, None: none.
    Raises Invalid, NotAllowed.
    """
    require_touch(actor, APPROVE)
    if not 0 <= global_holdout_bp <= 2_000 or any(
        not 0 <= (share or 0) <= 10_000 for share in (margin_bp, withdrawn_max_bp, complained_max_bp)
    ):
        raise Invalid
    after = {
        "global_holdout_bp": global_holdout_bp,
        "margin_bp": margin_bp,
        "withdrawn_max_bp": withdrawn_max_bp,
        "complained_max_bp": complained_max_bp,
    }
    MarketingPolicy.objects.update_or_create(group_id=group_id, defaults={**after, "updated_at": now})
    audit.record(
        actor=actor, action="marketing_policy.save", subject=("group", group_id), after=after, now=now
    )
    events.publish(MarketingPolicyChanged(group_id), actor=actor, now=now)


def step(row: Campaign, name: str) -> None:
    """Take a step in the campaign's life; the caller writes it. Raises StepNotPossible."""
    status = rules.next_status(row.status, name)
    if status is None:
        raise StepNotPossible
    row.status = status


def tell(
    actor: Viewer,
    row: Campaign,
    change: str,
    now: dt.datetime,
    *,
    before: Mapping[str, object] | None = None,
    reason: str = "",
) -> None:
    """One entry of the audit trail and one fact."""
    audit.record(
        actor=actor,
        action=f"campaign.{change}",
        subject=("campaign", row.pk),
        before=before,
        after={"name": row.name, "status": row.status, "holdout_bp": row.holdout_bp, "budget": row.budget},
        reason=reason,
        now=now,
    )
    events.publish(CampaignChanged(row.pk, change, reason), actor=actor, now=now)


def _check(actor: Viewer, plan: Plan, now: dt.datetime) -> None:
    faults: dict[str, list[StrOrPromise]] = {
        name: [_FAULTS[fault]] for name, fault in rules.plan_faults(plan).items()
    }
    if not faults:
        said = [sentence for arm in plan.arms if (sentence := _arm_fault(actor, arm, now)) is not None]
        if said:
            faults["arms"] = said
        if plan.target is not None and usable_run(actor, plan.target.run) is None:
            faults["target"] = [_NOT_BETTER]
    if faults:
        raise PlanUnusable(fields=faults)


def _arm_fault(actor: Viewer, arm: rules.ArmPlan, now: dt.datetime) -> StrOrPromise | None:
    said = messaging.values_said(arm.template)
    if said is None:
        return _("No approved wording called “%(code)s”.") % {"code": arm.template}
    if said - VALUES:
        return _("The wording needs values that a campaign does not know: %(names)s.") % {
            "names": ", ".join(sorted(said - VALUES))
        }
    if arm.batch_id is not None:
        batch = offers.batch(actor, arm.batch_id, now)
        if batch.is_bearer or batch.state in ("closed", "over"):
            return _("Coupons of “%(name)s” cannot be given to members any more.") % {"name": batch.name}
    return None


def _write(row: Campaign, plan: Plan, actor: Viewer) -> None:
    for name in (
        "name", "goal", "mall_id", "scenario", "theme", "segment", "holdout_bp", "test_bp", "window_days",
        "rhythm", "starts_at", "ends_on",
    ):  # fmt: skip
        setattr(row, name, getattr(plan, name))
    row.name, row.theme, row.budget = plan.name.strip(), plan.theme.strip(), dict(plan.budget or {})
    row.target = asdict(plan.target) if plan.target else None
    row.edited_by = actor.audit_id
    row.save()
    CampaignArm.objects.filter(campaign=row).delete()
    CampaignArm.objects.bulk_create(
        CampaignArm(
            campaign=row,
            key=arm.key.strip(),
            template=arm.template,
            batch_id=arm.batch_id,
            points=arm.points,
            weight=arm.weight,
        )
        for arm in plan.arms
    )
