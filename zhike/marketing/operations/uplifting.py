"""Learning from campaigns that are over whom a message changes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import transaction

from zhike.insight import queries as insight
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch, visible
from zhike.marketing.events import UpliftLearnt
from zhike.marketing.models import Campaign, CampaignRecipient, CampaignWave, UpliftRun
from zhike.marketing.operations import _wake
from zhike.marketing.queries.found import COLUMNS, EDIT, arms_of
from zhike.marketing.queries.spending import spent_by
from zhike.marketing.rules import campaigns as plans
from zhike.marketing.rules import measuring
from zhike.marketing.rules import uplift as rules
from zhike.marketing.rules.assignment import HOLDOUT
from zhike.sales import queries as sales

if TYPE_CHECKING:
    from zhike.marketing._uplift import Matrix, Sample

CHUNK = 5_000
SEED = 20_260_101
Row = tuple[tuple[float, ...], float, int, float, int, int]
"""Features, bought, treated, the chance of being treated, the person, fen spent."""


def learn_uplift(*, actor: Viewer, group_id: int, mall_id: int | None = None, now: dt.datetime) -> int:
    """Learn from every campaign of the scope that is over and had a holdout, and keep what came of it; the run's id.

    People are those whom every gate would have let through, on both sides alike, whether the message arrived or not; features
    are from before the wave, the outcome is at least one purchase in the window. Whoever refused to be profiled is left out. With
    too few people the run says so and holds nothing else. Raises NotAllowed.
    """
    require_touch(actor, EDIT, mall=mall_id)
    over = visible(Campaign.objects.filter(status="done", holdout_bp__gt=0), actor, EDIT, COLUMNS)
    over = over.filter(group_id=group_id, **({"mall_id": mall_id} if mall_id is not None else {}))
    campaigns = list(over.order_by("id"))
    rows = [row for campaign in campaigns for row in _rows(campaign)]
    step = max(1, -(-len(rows) // rules.PEOPLE_MAX))
    rows = rows[::step]
    treated = sum(row[2] for row in rows)
    buyers = sum(row[1] > 0 for row in rows)
    run = UpliftRun(
        group_id=group_id,
        mall_id=mall_id,
        ran_at=now,
        ran_by=actor.label,
        campaigns=[campaign.pk for campaign in campaigns],
        people=len(rows),
        treated=treated,
        buyers=buyers,
        fault=rules.shortage(treated, len(rows) - treated, buyers) if campaigns else "no-campaigns",
    )
    if not run.fault:
        _learn(run, rows, campaigns, now)
    return _keep(actor, run, now)


def order_uplift(*, actor: Viewer, group_id: int, mall_id: int | None = None, now: dt.datetime) -> None:
    """Have a worker learn soon; while one waits another order changes nothing. Raises NotAllowed."""
    require_touch(actor, EDIT, mall=mall_id)
    staff_id = actor.id if actor.kind == "staff" else None
    transaction.on_commit(lambda: _wake.learn_uplift(group_id, mall_id, staff_id))


def _keep(actor: Viewer, run: UpliftRun, now: dt.datetime) -> int:
    with transaction.atomic():
        run.save()
        after = {
            "people": run.people,
            "learner": run.learner,
            "beats_random": run.beats_random,
            "fault": run.fault,
        }
        audit.record(actor=actor, action="uplift.learn", subject=("uplift_run", run.pk), after=after, now=now)
        fact = UpliftLearnt(run.pk, run.people, run.learner, run.beats_random, run.fault)
        events.publish(fact, actor=actor, now=now)
    return run.pk


def _rows(campaign: Campaign) -> list[Row]:
    found = []
    window = dt.timedelta(days=campaign.window_days)
    chance = 1 - campaign.holdout_bp / 10_000
    for wave in CampaignWave.objects.filter(campaign=campaign).order_by("number"):
        people = CampaignRecipient.objects.filter(campaign=campaign, wave=wave, gate="").exclude(
            arm=plans.GLOBAL
        )
        arms = dict(people.order_by("person_id").values_list("person_id", "arm"))
        ids = list(arms)
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            features = insight.features_before(part, wave.starts_at)
            bought = sales.purchases_of(part, wave.starts_at, wave.starts_at + window)
            for pk in part:
                if pk in features:
                    count, fen = bought.get(pk, (0, 0))
                    side = int(arms[pk] != HOLDOUT)
                    found.append((features[pk], float(count > 0), side, chance, pk, fen))
    return found


def _learn(run: UpliftRun, rows: list[Row], campaigns: list[Campaign], now: dt.datetime) -> None:
    import numpy as np

    from zhike.marketing import _uplift as models

    sample = models.Sample(
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows], dtype=float),
        np.array([row[3] for row in rows]),
    )
    held = np.array([rules.is_held_back(row[4]) for row in rows])
    taught, unseen = sample.where(~held), sample.where(held)
    run.learner, tried = models.chosen(taught, SEED)
    run.parts = models.learners()[run.learner](taught)
    scores = models.predicted(run.parts, unseen.x)
    low, high = models.qini_interval(scores, unseen, SEED, rules.CONFIDENCE)
    found = models.curve(scores, unseen)
    run.beats_random = rules.beats_random(run.learner, low)
    spent = [fen for row in rows if row[1] > 0 for fen in (row[5],)]
    run.figures = {
        "tried": tried,
        "taught": int((~held).sum()),
        "unseen": int(held.sum()),
        "qini": found.qini_coefficient,
        "qini_low": low,
        "qini_high": high,
        "auuc": found.auuc,
        "curve": [list(found.share), list(found.qini), list(found.uplift)],
        "at": {str(one): _effect(scores, unseen, one / 100) for one in rules.DECILES},
        "purchase_fen": round(sum(spent) / len(spent)),
        "cost_fen": _cost(campaigns, now),
        "weights": _weights(run.parts, sample),
    }


def _effect(scores: Matrix, unseen: Sample, share: float) -> list[float] | None:
    """[uplift, low, high, people] of the best so many, with Newcombe's interval. People of several campaigns are weighted by the
    inverse of their chance and counted as what their weights are worth (Kish): with one campaign that changes nothing."""
    from zhike.marketing import _uplift as models

    part = unseen.where(models.top(scores, share))
    sides = []
    for side in (1, 0):
        mask = part.treated == side
        if not mask.any():
            return None
        weight = 1 / part.chance[mask] if side else 1 / (1 - part.chance[mask])
        worth = float(weight.sum() ** 2 / (weight**2).sum())
        rate = float((part.y[mask] * weight).sum() / weight.sum())
        sides.append((rate * worth, worth))
    (hits, n), (silent_hits, silent_n) = sides
    effect = measuring.rates(round(hits), round(n), round(silent_hits), round(silent_n))
    assert effect is not None
    return [effect.difference, effect.low, effect.high, float(len(part))]


def _cost(campaigns: list[Campaign], now: dt.datetime) -> int:
    """What reaching one person has cost, in fen, rounded up: messages, points, coupons used."""
    total = people = 0
    for campaign in campaigns:
        total += sum(spent_by(campaign.pk, arms_of(campaign.pk), now).by_party().values())
        people += CampaignRecipient.objects.filter(campaign=campaign, state="given").count()
    return -(-total // people) if people else 0


def _weights(parts: list[dict[str, Any]], sample: Sample) -> list[list[Any]]:
    """[feature, how much of the predictions' scatter goes when it is put to its mean], the weightiest first."""
    from zhike.marketing import _uplift as models

    whole = models.predicted(parts, sample.x)
    scatter = float(((whole - whole.mean()) ** 2).mean())
    found: list[list[Any]] = []
    for at, name in enumerate(insight.FEATURES):
        x = sample.x.copy()
        x[:, at] = x[:, at].mean()
        moved = float(((models.predicted(parts, x) - whole) ** 2).mean())
        found.append([name, moved / scatter if scatter else 0.0])
    return sorted(found, key=lambda one: -one[1])
