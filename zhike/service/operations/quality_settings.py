"""What quality is judged by: checklists and the plan of a mall. Both are versioned and never edited."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Invalid
from zhike.organization import queries as organization
from zhike.service.events import QualityTermsPublished
from zhike.service.models import QualityChecklist, QualityChecklistVersion, QualityPlan
from zhike.service.operations._quality import EDIT, REVIEW, lock_key
from zhike.service.rules import quality as rules
from zhike.service.rules.conversations import CHANNELS, SKILLS
from zhike.service.rules.quality_usual import USUAL

_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class ChecklistInvalid(Invalid):
    code = "quality-checklist-invalid"
    title = _(
        "A checklist needs a code, a name and 1 to %(limit)s items, each with a section, words and a weight of 1 to 20."
    )


class PlanInvalid(Invalid):
    code = "quality-plan-invalid"
    title = _("Shares are 0 to 100 per cent, and reviewers are people who may review in this mall.")


@dataclass(frozen=True, slots=True)
class Plan:
    """Shares in per cent; ``at_least`` conversations per agent and week; ``reviewers`` with how many a week each.

    ``vip_rank``: from which tier on ("vip" in ``always``); ``answer_within_s`` is what the fact *first answer* is held against.
    """

    percent: int = 5
    at_least: int = 2
    double_percent: int = 10
    always: tuple[str, ...] = ("low_csat", "words", "handoff")
    vip_rank: int = 3
    answer_within_s: int = 180
    appeal_days: int = 5
    reviewers: tuple[tuple[int, int], ...] = ()


@transaction.atomic
def save_checklist(
    *,
    actor: Viewer,
    group_id: int,
    code: str,
    name: str,
    items: Sequence[rules.Item],
    skills: Sequence[str] = (),
    channels: Sequence[str] = (),
    is_open: bool = True,
    now: dt.datetime,
) -> int:
    """Publish a checklist; its version. Unchanged items make no new version. Raises ChecklistInvalid, NotAllowed."""
    require_touch(actor, EDIT)
    code, name = code.strip().lower(), " ".join(name.split())
    fits = _CODE.fullmatch(code) and 0 < len(name) <= 80 and rules.items_are_right(items)
    if not fits or not set(skills) <= set(SKILLS) or not set(channels) <= set(CHANNELS):
        raise ChecklistInvalid(limit=rules.ITEMS_MAX)
    lock_key("quality_checklist", group_id)
    row, _made = QualityChecklist.objects.update_or_create(
        group_id=group_id,
        code=code,
        defaults={
            "name": name,
            "skills": sorted(set(skills)),
            "channels": sorted(set(channels)),
            "is_open": is_open,
        },
    )
    wanted = [asdict(one) for one in items]
    newest = QualityChecklistVersion.objects.filter(checklist=row, version=row.version).first()
    if newest is None or newest.items != wanted:
        row.version += 1
        row.save(update_fields=["version"])
        QualityChecklistVersion.objects.create(
            checklist=row, version=row.version, items=wanted, published_at=now, published_by=actor.label
        )
        events.publish(QualityTermsPublished(group_id, code, row.version), actor=actor, now=now)
    audit.record(
        actor=actor,
        action="quality.checklist",
        subject=("quality_checklist", row.pk),
        after={"code": code, "version": row.version, "is_open": is_open},
        now=now,
    )
    return row.version


@transaction.atomic
def publish_quality_plan(*, actor: Viewer, mall_id: int, plan: Plan, now: dt.datetime) -> int:
    """How conversations of a mall are chosen from the next draw on; the version. Raises PlanInvalid, NotFound, NotAllowed."""
    require_touch(actor, EDIT, mall=mall_id)
    group_id = organization.mall(mall_id).group_id
    if not _is_right(plan, mall_id):
        raise PlanInvalid
    lock_key("quality_plan", mall_id)
    version = QualityPlan.objects.filter(mall_id=mall_id).count() + 1
    values = asdict(plan) | {
        "always": sorted(set(plan.always), key=rules.REASONS.index),
        "reviewers": [list(pair) for pair in plan.reviewers],
    }
    row = QualityPlan.objects.create(
        mall_id=mall_id, version=version, published_at=now, published_by=actor.label, **values
    )
    audit.record(
        actor=actor,
        action="quality.plan",
        subject=("quality_plan", row.pk),
        after={"mall": mall_id, "version": version, **values},
        now=now,
    )
    events.publish(QualityTermsPublished(group_id, f"plan:{mall_id}", version), actor=actor, now=now)
    return version


def _is_right(plan: Plan, mall_id: int) -> bool:
    ranges = (
        (plan.percent, 0, 100),
        (plan.at_least, 0, 50),
        (plan.double_percent, 0, 100),
        (plan.vip_rank, 1, 100),
        (plan.answer_within_s, 10, 86_400),
        (plan.appeal_days, 1, 30),
    )
    able = {pk for pk, _name in organization.staff_at(REVIEW, mall_id)}
    chosen = [staff_id for staff_id, _many in plan.reviewers]
    return (
        all(low <= value <= high for value, low, high in ranges)
        and set(plan.always) <= set(rules.REASONS[1:])
        and len(set(chosen)) == len(chosen)
        and set(chosen) <= able
        and all(1 <= many <= 500 for _staff, many in plan.reviewers)
    )


def found_quality(*, actor: Viewer, group_id: int, now: dt.datetime) -> None:
    """The usual checklist, where there is none. Raises NotAllowed."""
    require(actor, EDIT)
    if QualityChecklist.objects.filter(group_id=group_id).exists():
        return
    for code, name, skills, items in USUAL:
        save_checklist(
            actor=actor, group_id=group_id, code=code, name=name, items=items, skills=skills, now=now
        )
