"""The reach planner: before anything is sent, who would get it, who would not and why, and what it would cost."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from django.db import transaction

from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed
from zhike.loyalty import queries as loyalty
from zhike.marketing.models import Campaign, CampaignWave
from zhike.marketing.operations import _wake
from zhike.marketing.operations.choosing import Chooser
from zhike.marketing.operations.filling import ask_gates, chunks, draw_of, persons_in
from zhike.marketing.operations.planning import StepNotPossible
from zhike.marketing.queries.audiences import audience_members
from zhike.marketing.queries.found import EDIT, arms_of, locked
from zhike.marketing.queries.spending import points_fen
from zhike.marketing.rules.assignment import HOLDOUT
from zhike.marketing.rules.campaigns import GLOBAL
from zhike.offers import queries as offers


def forecast_campaign(*, actor: Viewer, campaign_id: int, now: dt.datetime) -> dict[str, Any]:
    """Reckon the reach of a campaign that has not begun, at the moment it would begin, and keep it with the campaign.

    Asked of messaging's own gates for every member of the audience in the actor's scope. Writes nothing but the forecast.
    Raises NotFound, StepNotPossible once it was launched.
    """
    with transaction.atomic():
        row = locked(actor, campaign_id, EDIT)
        if row.status not in ("draft", "submitted", "approved"):
            raise StepNotPossible
        version = row.version
    found = reckon(actor, row, now)
    Campaign.objects.filter(pk=campaign_id, version=version, launched_at=None).update(forecast=found)
    return found


def reckon(viewer: Viewer, row: Campaign, now: dt.datetime) -> dict[str, Any]:
    """The figures of a forecast, for the audience in the viewer's scope.

    ``people`` in the audience, after a model has chosen (``left_out`` it did not, ``by_score`` it did);
    ``rest`` wait for the end of the test; ``held`` and ``global`` get nothing on purpose; ``refused`` by
    gate and reason; ``by_channel`` and ``by_arm`` who would be reached; ``postponed`` of them; costs in thousandths of a fen and fen.
    """
    arms = arms_of(row.pk)
    at = max(row.starts_at or now, now)
    draw = draw_of(row, CampaignWave(campaign=row, number=1, starts_at=at), arms)
    chooser = Chooser(row, at)
    chooser.look_over(persons_in(audience_members(viewer, row.segment, row.mall_id, now)))
    counts: Counter[str] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    by_channel: Counter[str] = Counter()
    by_arm: Counter[str] = Counter()
    for member_ids in chunks(audience_members(viewer, row.segment, row.mall_id, now)):
        person_ids = sorted(loyalty.person_ids_of(member_ids).values())
        marks = chooser.marks(person_ids)
        chosen = {pk: draw.arm(pk) for pk in marks}
        counts["people"] += len(chosen)
        counts["left_out"] += len(person_ids) - len(marks)
        counts["by_score"] += sum(mark == "score" for mark in marks.values())
        counts["rest"] += sum(arm is None for arm in chosen.values())
        for pk, fate in ask_gates(row, arms, [pk for pk, arm in chosen.items() if arm], at).items():
            arm = chosen[pk] or ""
            if arm == GLOBAL:
                counts["global"] += 1
            elif fate.gate:
                refused[fate.gate, fate.reason] += 1
            elif arm == HOLDOUT:
                counts["held"] += 1
            else:
                by_arm[arm] += 1
                by_channel[fate.channels[arm]] += 1
                counts["postponed"] += fate.is_postponed
                counts["cost"] += fate.costs[arm]
    return {
        **{
            name: counts[name]
            for name in ("people", "rest", "held", "global", "postponed", "cost", "left_out", "by_score")
        },
        "reached": sum(by_arm.values()),
        "refused": [[gate, reason, count] for (gate, reason), count in refused.most_common()],
        "by_channel": dict(by_channel),
        "by_arm": dict(by_arm),
        "benefits_fen": _benefits(row, by_arm, now),
        "at": at.isoformat(),
        "made_at": now.isoformat(),
    }


def _benefits(row: Campaign, by_arm: Counter[str], now: dt.datetime) -> dict[str, int]:
    """Points at their value, and coupons at the most they can cost, when every one is used."""
    found = Counter({"points": 0, "coupons_at_most": 0})
    for arm in arms_of(row.pk):
        count = by_arm[arm.key]
        if arm.points:
            found["points"] += count * points_fen(arm.points, now)
        if arm.batch_id is not None:
            found["coupons_at_most"] += count * offers.coupon_cost_at_most(arm.batch_id)
    return dict(found)


@transaction.atomic
def ask_forecast(*, actor: Viewer, campaign_id: int, now: dt.datetime) -> None:
    """Have the worker reckon the reach, in the scope of the member of staff who asks; a page shows it when it is there.

    Raises NotFound, StepNotPossible, NotAllowed for a program with a key, which reckons it itself.
    """
    if actor.kind not in ("staff", "system"):
        raise NotAllowed
    row = locked(actor, campaign_id, EDIT)
    if row.status not in ("draft", "submitted", "approved"):
        raise StepNotPossible
    row.forecast_asked_at = now
    row.save(update_fields=["forecast_asked_at"])
    staff_id = actor.id if actor.kind == "staff" else None
    transaction.on_commit(lambda: _wake.forecast(campaign_id, staff_id))
