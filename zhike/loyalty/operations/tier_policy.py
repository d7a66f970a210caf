"""The terms of the tiers: published in versions, announced before they take anything away, written in when they begin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.loyalty.events import TierNoticeGiven, TierPolicyPublished
from zhike.loyalty.models import Member, Program, Tier, TierNotice, TierPolicyVersion
from zhike.loyalty.operations.announcing import (
    EDIT,
    Announcement,
    announce,
    is_in_the_past,
    locked_program,
    next_number,
    touch,
    untold,
    withdraw,
)
from zhike.loyalty.queries.snapshots import read_programme, starts_at
from zhike.loyalty.queries.tier_policy import pending, policy_at, policy_now
from zhike.loyalty.rules.tier_policy import (
    Change,
    TierPolicy,
    TierPolicyError,
    changes,
    is_worse,
    parse_policy,
    plain_policy,
)
from zhike.messaging import operations as messaging

TEMPLATE = "tier_policy_notice"
WORDINGS = {
    "zh-hans": (
        "会员等级政策将调整",
        "${name}，会员等级政策自 ${day} 起调整。您目前是${tier}，在此之前仍按现行政策执行。调整内容见会员中心“等级政策”。",
    ),
    "zh-hant": (
        "會員等級政策將調整",
        "${name}，會員等級政策自 ${day} 起調整。您目前是${tier}，在此之前仍按現行政策執行。調整內容見會員中心「等級政策」。",
    ),
    "en": (
        "The terms of the tiers are going to change",
        "${name}, the terms of the tiers change on ${day}. You are ${tier}; today's terms hold until then. See Terms of the tiers.",
    ),
}


class InvalidTierPolicy(Invalid):
    code = "invalid-tier-policy"
    title = _("These terms of the tiers cannot be used: %(path)s is wrong (%(reason)s).")


class TierPolicyInThePast(Invalid):
    code = "tier-policy-in-the-past"
    title = _("Terms of tiers take effect now or later, not in the past.")


class TierPolicyTooSoon(Conflict):
    code = "tier-policy-too-soon"
    title = _("This makes the terms worse for members: they are told %(days)s days before.")


class TierPolicyUnchanged(Conflict):
    code = "tier-policy-unchanged"
    title = _("Nothing differs from the version before it.")


class TierPolicyInForce(Conflict):
    code = "tier-policy-in-force"
    title = _("This version has begun; publish another one instead.")


class TierPolicyPending(Conflict):
    code = "tier-policy-pending"
    title = _("A version of the terms waits to begin. Withdraw it first, or publish another one.")


class TierPolicyFollowed(Conflict):
    code = "tier-policy-followed"
    title = _("A later version was compared with this one. Withdraw that one first.")


class TierChangeNeedsNotice(Conflict):
    code = "tier-change-needs-notice"
    title = _(
        "This makes the terms worse for members. Publish it as a version of the terms: they are told %(days)s days before."
    )


@transaction.atomic
def publish_tier_policy(
    *,
    actor: Viewer,
    program_id: int,
    definition: Mapping[str, Any],
    effective_from: dt.datetime,
    now: dt.datetime,
    texts_only_add: bool = False,
    note: str = "",
    backdated: bool = False,
) -> int:
    """Publish the next version of the terms of the tiers (rules.tier_policy.TierPolicy); its id.

    One that is worse for anybody than the version it follows takes effect after the programme's ``rate_notice_days``,
    counted from the moment every member was told (`give_tier_policy_notices`). ``texts_only_add``: whoever publishes says
    that the changed words take nothing away. What may begin now begins now. ``backdated`` is for a made history (only the
    system may). Raises InvalidTierPolicy, TierPolicyInThePast, TierPolicyTooSoon, TierPolicyUnchanged, NotFound, NotAllowed.
    """
    program = locked_program(actor, program_id)
    ladder = list(Tier.objects.filter(program_id=program_id).order_by("rank").values_list("id", flat=True))
    try:
        policy = parse_policy(definition, ladder)
    except TierPolicyError as error:
        raise InvalidTierPolicy(path=error.path, reason=error.reason) from None
    is_made = backdated and actor.kind == "system"
    if is_in_the_past(effective_from, now) and not is_made:
        raise TierPolicyInThePast
    found = changes(policy_at(program_id, effective_from), policy)
    if not found:
        raise TierPolicyUnchanged
    worse = is_worse(found, texts_only_add=texts_only_add)
    days = program.rate_notice_days if worse else 0
    if worse and effective_from < now + dt.timedelta(days=days):
        raise TierPolicyTooSoon(days=days)
    _begin_versions(actor, program, policy_now(program_id), now)
    row = _write(actor, program, policy, found, effective_from, now, worsens=worse, days=days, note=note)
    _apply_due(actor, program, now)
    return row.pk


def _begin_versions(actor: Viewer, program: Program, before: TierPolicy, now: dt.datetime) -> None:
    """Before the first version: what held until now becomes version 1. The caller holds the programme."""
    if not TierPolicyVersion.objects.filter(program=program).exists():
        began = min(program.created_at, now)
        _write(actor, program, before, [], began, now, applied_at=began)


def _write(
    actor: Viewer,
    program: Program,
    policy: TierPolicy,
    found: list[Change],
    effective_from: dt.datetime,
    now: dt.datetime,
    *,
    worsens: bool = False,
    days: int = 0,
    note: str = "",
    applied_at: dt.datetime | None = None,
) -> TierPolicyVersion:
    row = TierPolicyVersion.objects.create(
        program=program,
        version=next_number(TierPolicyVersion, program.pk),
        definition=plain_policy(policy),
        effective_from=effective_from,
        changes=[one.as_json() for one in found],
        worsens=worsens,
        notice_days=days,
        published_at=now,
        published_by=actor.audit_id,
        note=note.strip()[:300],
        applied_at=applied_at,
    )
    after = {"version": row.version, "effective_from": effective_from.isoformat(), "worsens": worsens}
    audit.record(
        actor=actor,
        action="tier_policy.publish",
        subject=("program", program.pk),
        after=after | {"changes": row.changes},
        reason=row.note,
        now=now,
    )
    fact = TierPolicyPublished(program.pk, row.version, effective_from, worsens)
    events.publish(fact, actor=actor, now=now)
    return row


@transaction.atomic
def withdraw_tier_policy(*, actor: Viewer, version_id: int, now: dt.datetime) -> None:
    """Take back a version that has not begun. Who was told of it keeps the message.

    Raises NotFound, TierPolicyInForce, TierPolicyFollowed, NotAllowed.
    """
    require_touch(actor, EDIT)
    known = TierPolicyVersion.objects.filter(id=version_id).first()
    if known is None:
        raise NotFound
    locked_program(actor, known.program_id)
    row = TierPolicyVersion.objects.get(id=version_id)
    if row.applied_at is not None:
        raise TierPolicyInForce
    if any(one.version > row.version for one in pending(row.program_id)):
        raise TierPolicyFollowed
    withdraw(row, TierPolicyInForce, action="tier_policy.withdraw", actor=actor, now=now)


def begin_tier_policies(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Write the versions in whose moment has come; how many. Members move at their next receipt or the night's review."""
    require(actor, EDIT)
    if not any(_is_due(row, now) for row in pending(program_id)):
        return 0
    with transaction.atomic():
        return _apply_due(actor, locked_program(actor, program_id), now)


def _is_due(row: TierPolicyVersion, now: dt.datetime) -> bool:
    begins = starts_at(row)
    return begins is not None and begins <= now


def _apply_due(actor: Viewer, program: Program, now: dt.datetime) -> int:
    due = [row for row in pending(program.pk) if _is_due(row, now)]
    for row in sorted(due, key=lambda one: (starts_at(one), one.version)):
        before = policy_now(program.pk)
        policy = parse_policy(row.definition, [one["tier"] for one in row.definition["tiers"]])
        _put(program, policy)
        row.applied_at = now
        row.save(update_fields=["applied_at"])
        audit.record(
            actor=actor,
            action="tier_policy.begin",
            subject=("program", program.pk),
            before={"definition": plain_policy(before)},
            after={"version": row.version},
            now=now,
        )
    return len(due)


def _put(program: Program, policy: TierPolicy) -> None:
    for term in policy.tiers:
        Tier.objects.filter(id=term.tier, program=program).update(
            threshold_fen=term.threshold_fen,
            keep_fen=term.keep_fen,
            keep_visits=term.keep_visits,
            threshold_count=term.threshold_count,
            keep_count=term.keep_count,
            benefits=term.benefits,
        )
    Program.objects.filter(id=program.pk).update(
        tier_basis=policy.basis,
        growth=plain_policy(policy)["growth"],
        tier_window=policy.window,
        tier_period=policy.period,
        tier_grace_days=policy.grace_days,
        tier_fall=policy.fall,
        tier_reverses_on_refund=policy.reverses_on_refund,
    )
    program.refresh_from_db()
    touch(program.pk)


# --- terms that are changed without a date


def require_no_pending(program_id: int) -> None:
    """Terms are not changed by hand, nor the ladder, while a version waits to begin. Raises TierPolicyPending."""
    if pending(program_id):
        raise TierPolicyPending


def follow_change(actor: Viewer, program: Program, before: TierPolicy, now: dt.datetime) -> None:
    """Terms were changed by hand, at once: they become a version of their own, if members were promised others.

    The caller holds the programme. Raises TierChangeNeedsNotice where they are worse for members, TierPolicyPending.
    """
    after = policy_now(program.pk)
    found = changes(before, after)
    if not found or not Member.objects.filter(program=program, status=Member.Status.ACTIVE).exists():
        return
    require_no_pending(program.pk)
    if program.rate_notice_days and is_worse(found, texts_only_add=False):
        raise TierChangeNeedsNotice(days=program.rate_notice_days)
    _begin_versions(actor, program, before, now)
    _write(actor, program, after, found, now, now, applied_at=now)


# --- members are told


Batch = list[tuple[int, int, int, int]]
"""(account, member, person, tier)"""


def give_tier_policy_notices(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Tell every active member of each version that makes the terms worse; how many were told.

    In batches that commit one by one: stop it anywhere, run it again; nobody is told twice of one version. Each row of
    TierNotice is the evidence. When nobody is left the notice period begins. Raises NotAllowed.
    """
    require(actor, EDIT)
    rows = [row for row in pending(program_id) if row.worsens and row.noticed_at is None]
    programme, told = read_programme(program_id), 0
    for row in rows:
        messaging.begin_inbox_template(
            actor=actor,
            group_id=programme.group_id,
            code=TEMPLATE,
            name="等级政策调整通知",
            wordings=WORDINGS,
            now=now,
        )
        begins = max(row.effective_from, now + dt.timedelta(days=row.notice_days))
        day = programme.today(begins).isoformat()
        names = {step.tier_id: step.name for step in programme.ladder}
        announcement = Announcement(
            row,
            TierNotice,
            untold(_UNTOLD, {"version": row.pk, "program": program_id}),
            partial(_tell, actor, row, day, names, now),
            partial(TierNoticeGiven, program_id, row.version),
            "tier_policy.notice",
        )
        told += announce(announcement, actor=actor, now=now)
    return told


_UNTOLD = """
SELECT a.id, m.id, m.person_id, m.tier_id FROM loyalty_account a JOIN loyalty_member m ON m.id = a.member_id
WHERE m.program_id = %(program)s AND m.status = 'active' AND a.id > %(last)s AND NOT EXISTS (
    SELECT FROM loyalty_tiernotice n WHERE n.version_id = %(version)s AND n.member_id = m.id)"""


def _tell(
    actor: Viewer, row: TierPolicyVersion, day: str, names: Mapping[int, str], now: dt.datetime, batch: Batch
) -> int:
    """Messages and evidence of one batch."""
    notices = [
        TierNotice(version=row, member_id=member_id, tier_id=tier_id, told_at=now)
        for _account, member_id, _person, tier_id in batch
    ]
    TierNotice.objects.bulk_create(notices, ignore_conflicts=True)
    messaging.send_messages(
        actor=actor,
        template=TEMPLATE,
        person_ids=[person_id for _account, _member, person_id, _tier in batch],
        values={"day": day},
        own_values={person_id: {"tier": names[tier_id]} for _account, _member, person_id, tier_id in batch},
        once=f"tier_policy:{row.pk}",
        now=now,
    )
    return len(notices)
