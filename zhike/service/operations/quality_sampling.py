"""The draw: which conversations are looked at, and by whom. A week is drawn once, with a seed that nobody knew before."""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict
from zhike.organization import queries as organization
from zhike.service.events import QualityDrawn
from zhike.service.models import Conversation, QualityDraw, QualityPick, QualityPlan
from zhike.service.operations._quality import REVIEW, lock_key
from zhike.service.queries import quality_sampling as queries
from zhike.service.rules import quality as rules

WEEKS_BACK = 4


class WeekNotOver(Conflict):
    code = "quality-week-not-over"
    title = _("A week is drawn when it is over, so that nobody can know beforehand what is looked at.")


class NoPlan(Conflict):
    code = "quality-no-plan"
    title = _("There is no sampling plan for this mall, or no checklist.")


@transaction.atomic
def draw_quality(
    *, actor: Viewer, mall_id: int, week: dt.date, now: dt.datetime, seed: str | None = None
) -> int:
    """Draw one week (its Monday) of a mall; the draw. Drawn before it changes nothing: nobody can draw until they like it.

    ``seed`` is for the simulator; otherwise the program makes it at this moment. Raises WeekNotOver, NoPlan, NotAllowed.
    """
    require_touch(actor, REVIEW, mall=mall_id)
    lock_key("quality_draw", mall_id)
    week -= dt.timedelta(days=week.weekday())
    known = QualityDraw.objects.filter(mall_id=mall_id, week=week).first()
    if known is not None:
        return known.pk
    if queries.week_span(mall_id, week)[1] > now:
        raise WeekNotOver
    plan = queries.plan_in_force(mall_id)
    checklists = queries.checklists_for(organization.mall(mall_id).group_id)
    if plan is None or not checklists:
        raise NoPlan
    found = queries.candidates(plan, week)
    seed = seed or secrets.token_hex(16)
    row = QualityDraw.objects.create(
        mall_id=mall_id, plan=plan, week=week, seed=seed, population=len(found), drawn_at=now
    )
    chosen = set(rules.draw(found, seed, plan.percent, plan.at_least))
    many = _take(row, plan, found, chosen, now)
    audit.record(
        actor=actor,
        action="quality.draw",
        subject=("quality_draw", row.pk),
        after={"week": week.isoformat(), "seed": seed, "population": len(found), "picks": many},
        now=now,
    )
    fact = QualityDrawn(row.pk, mall_id, week.isoformat(), seed, len(found), many)
    events.publish(fact, actor=actor, now=now)
    return row.pk


def _take(
    row: QualityDraw, plan: QualityPlan, found: list[rules.Candidate], chosen: set[int], now: dt.datetime
) -> int:
    """Write down what was drawn and what is looked at anyway, in the order of the draw, and share it out."""
    reasons = {one.id: (("random",) if one.id in chosen else ()) + one.reasons for one in found}
    taken = sorted(
        (one for one in found if reasons[one.id]), key=lambda one: rules.order_key(row.seed, one.number)
    )
    known = queries.checklists_for(organization.mall(row.mall_id).group_id)
    rows = Conversation.objects.in_bulk([one.id for one in taken])
    picks = []
    for one in taken:
        conversation = rows[one.id]
        version = queries.checklist_of(known, conversation.skill, conversation.channel)
        if version is None:
            continue
        picks.append(
            QualityPick(
                conversation=conversation,
                draw=row,
                mall_id=row.mall_id,
                agent_id=one.agent_id,
                skill=conversation.skill,
                week=row.week,
                reasons=list(reasons[one.id]),
                checklist=version,
                is_double=rules.is_double(row.seed, one.number, plan.double_percent),
                picked_at=now,
            )
        )
    QualityPick.objects.bulk_create(picks, ignore_conflicts=True)
    _share_out(row, plan)
    return len(picks)


def _share_out(row: QualityDraw, plan: QualityPlan) -> None:
    """Reviewers with places left of their week's quota get what nobody has, never their own conversations."""
    quota = _left(row, plan)
    picks = list(QualityPick.objects.select_for_update().filter(draw=row, done_at=None).order_by("id"))
    by_id = {one.pk: one for one in picks}
    for seat in ("first", "second"):
        waiting = [
            (one.pk, frozenset(pk for pk in (one.agent_id, one.first_id, one.second_id) if pk))
            for one in picks
            if getattr(one, f"{seat}_id") is None and (seat == "first" or one.is_double)
        ]
        for pick_id, staff_id in rules.share_out(waiting, quota):
            setattr(by_id[pick_id], f"{seat}_id", staff_id)
            quota[staff_id] -= 1
    QualityPick.objects.bulk_update(picks, ["first", "second"])


def _left(row: QualityDraw, plan: QualityPlan) -> dict[int, int]:
    rows = QualityPick.objects.filter(draw=row).values_list("first_id", "second_id")
    used = Counter(pk for pair in rows for pk in pair if pk)
    able = {pk for pk, _name in organization.staff_at(REVIEW, row.mall_id)}
    return {pk: max(0, many - used[pk]) for pk, many in plan.reviewers if pk in able}


def sample_quality(*, actor: Viewer, now: dt.datetime) -> int:
    """Draw every week that is over and is not drawn, and take what has become a reason since (a low score, a word); how many."""
    made = 0
    for mall_id in QualityPlan.objects.order_by("mall_id").values_list("mall_id", flat=True).distinct():
        first = QualityPlan.objects.filter(mall_id=mall_id, version=1).get().published_at
        week = queries.week_of(mall_id, now)
        for _back in range(WEEKS_BACK):
            week -= queries.WEEK
            if queries.week_span(mall_id, week)[1] < first - queries.WEEK:
                break
            try:
                draw_quality(actor=actor, mall_id=mall_id, week=week, now=now)
            except NoPlan:
                break
            made += take_late_reasons(actor=actor, mall_id=mall_id, week=week, now=now)
    return made


@transaction.atomic
def take_late_reasons(*, actor: Viewer, mall_id: int, week: dt.date, now: dt.datetime) -> int:
    """Conversations of a drawn week for which a reason came up afterwards; how many. Raises NotAllowed."""
    require_touch(actor, REVIEW, mall=mall_id)
    lock_key("quality_draw", mall_id)
    row = QualityDraw.objects.select_related("plan").filter(mall_id=mall_id, week=week).first()
    if row is None:
        return 0
    known = set(QualityPick.objects.filter(draw=row).values_list("conversation_id", flat=True))
    new = [one for one in queries.candidates(row.plan, week) if one.reasons and one.id not in known]
    return _take(row, row.plan, new, set(), now) if new else 0
