"""Models of whom a message changes: their measures, what they are worth on public data, and a campaign that chooses by one."""

from __future__ import annotations

import csv
import gzip
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.marketing.conftest import (
    DAY,
    HOUR,
    advance,
    agree,
    buy,
    launched,
    people_in,
    plan,
    populate,
)
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import AuditEntry
from zhike.marketing import _uplift as models
from zhike.marketing import operations, queries
from zhike.marketing.models import CampaignRecipient
from zhike.marketing.operations.uplifting import _effect
from zhike.marketing.rules import uplift as rules

pytestmark = pytest.mark.feature("N8")


def sample(x: Any, y: Any, treated: Any, chance: float | None = None) -> models.Sample:
    sides = np.asarray(treated, dtype=float)
    share = float(sides.mean()) if chance is None else chance
    return models.Sample(
        np.asarray(x, dtype=float), np.asarray(y, dtype=float), sides, np.full(len(sides), share)
    )


TREATED = "0001010100011001001000011100110000101011"
SCORES = "7825422094709583430453094318149921862517 5"
BOUGHT = "1000000010100100000011000000110000001000"


def test_qini_and_auuc_as_scikit_uplift_reckons_them() -> None:
    """The figures are those of scikit-uplift 0.5.1 (qini_auc_score, uplift_auc_score) for the same 40 people, with ties."""
    scores = np.array(
        [7, 8, 2, 5, 4, 2, 2, 10, 9, 4, 7, 0, 9, 5, 8, 3, 4, 3, 10, 4, 5, 10, 9, 4, 3, 8, 1, 4, 9, 9, 2, 1, 8, 6, 2, 5, 1, 7,
         5, 7], dtype=float,
    )  # fmt: skip
    people = sample(np.zeros((40, 1)), [int(one) for one in BOUGHT], [int(one) for one in TREATED])
    found = models.curve(scores, people)
    assert found.qini_coefficient == pytest.approx(-0.2708870739554737)
    assert found.auuc == pytest.approx(-0.15623435838938593)
    assert (found.qini[0], found.share[-1], len(found.qini)) == (0, 1, 101)
    flat = models.curve(np.zeros(40), people)
    assert flat.qini_coefficient == pytest.approx(0) and flat.auuc == pytest.approx(0)


def test_uplift_of_the_best_by_hand() -> None:
    """Of ten people the best six: 2 of 3 treated bought and 1 of 3 others."""
    people = sample(np.zeros((10, 1)), [1, 1, 0, 1, 0, 0, 0, 0, 1, 1], [1, 0, 1, 1, 0, 0, 1, 1, 0, 0])
    scores = np.arange(10, 0, -1, dtype=float)
    assert models.uplift_at(scores, people, 0.6) == pytest.approx(2 / 3 - 1 / 3)
    assert models.top(scores, 0.6).sum() == 6


def planted(rng: np.random.Generator, n: int, lift: float, extra: float) -> tuple[models.Sample, Any]:
    """People of whom a third, told by their first feature, are changed by ``lift + extra``, the others by ``lift``."""
    x = rng.normal(size=(n, 4))
    is_responsive = x[:, 0] > 0.43
    truth = lift + extra * is_responsive
    treated = (rng.random(n) < 0.6).astype(float)
    y = (rng.random(n) < 0.12 + 0.05 * (x[:, 1] > 0) + truth * treated).astype(float)
    return sample(x, y, treated, 0.6), truth


@pytest.mark.feature("C206")
def test_planted_uplift_lies_inside_the_stated_interval() -> None:
    rng = np.random.default_rng(11)
    inside_it = 0
    for _run in range(100):
        taught, _truth = planted(rng, 2_000, 0.02, 0.25)
        unseen, truth = planted(rng, 1_200, 0.02, 0.25)
        scores = models.predicted(models.learners()["two_linear"](taught), unseen.x)
        effect = _effect(scores, unseen, 0.3)
        assert effect is not None
        inside_it += effect[1] <= truth[models.top(scores, 0.3)].mean() <= effect[2]
    assert inside_it >= 94


@pytest.mark.slow  # Sixty models are learnt and tried.
@pytest.mark.feature("C206")
def test_where_nobody_differs_a_model_hardly_ever_claims_to_choose() -> None:
    """A against A, and a campaign that works the same for everybody: at most one in twenty, and chance."""
    rng = np.random.default_rng(12)
    for lift in (0.0, 0.08):
        claimed = 0
        for run in range(30):
            taught, _truth = planted(rng, 900, lift, 0.0)
            unseen, _truth = planted(rng, 600, lift, 0.0)
            scores = models.predicted(models.learners()["two_linear"](taught), unseen.x)
            claimed += models.qini_interval(scores, unseen, run, rules.CONFIDENCE)[0] > 0
        assert claimed <= 3


def test_every_learner_finds_who_is_changed_and_is_kept_as_numbers() -> None:
    rng = np.random.default_rng(13)
    people, _truth = planted(rng, 3_000, 0.0, 0.4)
    unseen, truth = planted(rng, 3_000, 0.0, 0.4)
    for name, learn in models.learners().items():
        parts = learn(people)
        scores = models.predicted(parts, unseen.x)
        if name != "null":
            assert truth[models.top(scores, 0.3)].mean() > 0.3, name
            assert models.qini_interval(scores, unseen, 1, rules.CONFIDENCE)[0] > 0
    best, tried = models.chosen(people, 1)
    assert best != "null" and tried["null"] == 0 and tried[best] == max(tried.values())


ZIPS, CHANNELS = ("Surburban", "Urban", "Rural"), ("Phone", "Web", "Multichannel")


def hillstrom(path: Path, *arms: str) -> models.Sample:
    """Visits of whoever got one of these e-mails or none, in the half that we hold."""
    with gzip.open(path / "hillstrom" / "train.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["segment"] in (*arms, "No E-Mail")]
    x = [
        [
            *(float(row[name]) for name in ("recency", "history", "mens", "womens", "newbie")),
            *(row["zip_code"] == one for one in ZIPS),
            *(row["channel"] == one for one in CHANNELS),
        ]
        for row in rows
    ]
    return sample(x, [float(row["visit"]) for row in rows], [row["segment"] != "No E-Mail" for row in rows])


@pytest.mark.slow  # Two models are chosen by cross-validation and learnt.
@pytest.mark.feature("C206")
def test_the_best_three_tenths_of_hillstrom(zhike_data: Path) -> None:
    """uplift@30 % ("overall": rate of the treated less rate of the others among the best 30 % of unseen people) of the women's
    e-mail against none, visits within a fortnight: mean of two splits of 70 to 30 with fixed seeds, the learner chosen on the 70
    only. Everybody together gains 0.045."""
    people = hillstrom(zhike_data, "Womens E-Mail")
    found = []
    for seed in range(2):
        taught = np.random.default_rng(seed).random(len(people)) < 0.7
        best, _tried = models.chosen(people.where(taught), seed)
        unseen = people.where(~taught)
        scores = models.predicted(models.learners()[best](people.where(taught)), unseen.x)
        found.append(models.uplift_at(scores, unseen, 0.3))
    assert sum(found) / len(found) >= 0.066


# --- in the house ----------------------------------------------------------------------------------------------------


def test_who_is_in() -> None:
    target = rules.Target(1, share_bp=3_000, explore_bp=1_000)
    scores = [percent / 100 for percent in range(100)]
    assert rules.cut_of(target, scores, 100, 900) == 0.7
    assert rules.cut_of(target, scores[:20], 100, 900) == 0.0
    assert rules.cut_of(target, [], 2, 900) == rules.NOBODY
    gain = rules.Target(1, rule="gain", cost_fen=45)
    assert rules.cut_of(gain, [], 0, 900) == 0.05
    assert rules.cut_of(gain, [], 0, 0) == rules.NOBODY
    marks = {pk: rules.mark_of(target, "s", pk, pk % 100 / 100, 0.7) for pk in range(10_000)}
    explored = [pk for pk, mark in marks.items() if mark == "explore"]
    assert 850 < len(explored) < 1_150 and 250 < sum(pk % 100 >= 70 for pk in explored) < 350
    assert all(mark == "score" for pk, mark in marks.items() if pk % 100 >= 70 and pk not in set(explored))
    assert rules.mark_of(target, "s", 7, None, -1.0) in (None, "explore")
    assert not rules.Target(1, explore_bp=0).is_usable


REGULARS = 260
PEOPLE = 640


def past(town: Town) -> int:
    """A campaign that is over: it moved whoever had bought in the months before, and hardly anybody else."""
    ids = populate(town, PEOPLE, "push")
    buy(town, ids[:REGULARS], 5_000, NOW - 20 * DAY)
    agree(town, ids[:5], "any", decision="refused", purpose="personalisation")
    campaign_id = launched(town, holdout_bp=4_000)
    rng, given, held = random.Random(5), people_in(campaign_id, "A"), people_in(campaign_id, "holdout")
    regulars = set(ids[:REGULARS])
    moved = [pk for pk in given if rng.random() < (0.4 if pk in regulars else 0.1)]
    buy(town, [*moved, *(pk for pk in held if rng.random() < 0.1)], 8_000, NOW + HOUR)
    advance(NOW + 8 * DAY)
    return campaign_id


@pytest.mark.feature("C206")
def test_learnt_kept_and_chosen_by(town: Town, mall_manager: Viewer, stranger: Viewer) -> None:
    campaign_id = past(town)
    later = NOW + 9 * DAY
    run_id = operations.learn_uplift(actor=SYSTEM, group_id=town.group_id, now=later)
    run = queries.uplift_run(SYSTEM, run_id)
    assert run.fault == "" and run.beats_random and run.qini_low > 0
    assert run.people == PEOPLE - 5 and run.taught + run.unseen == run.people
    assert [name for _pk, name in run.campaigns] == ["会员日"] and run.purchase_fen == 8_000
    assert run.at[2].low < 0.6 and run.at[2].high > 0.1  # planted: 0.3
    bought = {name for name, _weight in run.weights[:3]} - {"days_a_member", "age", "is_woman", "is_man"}
    assert bought
    assert AuditEntry.objects.filter(action="uplift.learn").exists()
    assert queries.uplift_runs(SYSTEM)[0].id == run_id
    for viewer in (mall_manager, stranger):
        with pytest.raises(NotAllowed):
            operations.learn_uplift(actor=viewer, group_id=town.group_id, now=later)
        with pytest.raises(NotFound):
            queries.uplift_run(viewer, run_id)
        assert queries.uplift_runs(viewer) == []

    chosen = launched(town, now=later, target=operations.Target(run_id, share_bp=4_000, explore_bp=2_000))
    counts = queries.chosen_counts(chosen)
    assert 150 < counts["score"] < 270 and 90 < counts["explore"] < 170
    rows = CampaignRecipient.objects.filter(campaign_id=chosen)
    assert (
        rows.filter(chosen="score", arm="holdout").exists()
        and rows.filter(chosen="explore", arm="holdout").exists()
    )
    everybody = sorted(people_in(campaign_id))
    regulars = set(everybody[:REGULARS])
    by_score = set(rows.filter(chosen="score").values_list("person_id", flat=True))
    assert len(by_score & regulars) > 0.7 * len(by_score)
    assert not by_score & set(everybody[:5])
    told = operations.forecast_campaign(
        actor=SYSTEM,
        campaign_id=operations.plan_campaign(
            actor=SYSTEM,
            group_id=town.group_id,
            plan=plan(name="按利润", target=operations.Target(run_id, rule="gain", cost_fen=10**6)),
            now=later,
        ),
        now=later,
    )
    assert told["by_score"] == 0 and told["left_out"] > 500 and told["people"] == PEOPLE - told["left_out"]


def test_too_few_to_learn_from_and_a_model_that_may_not_choose(town: Town) -> None:
    nothing = operations.learn_uplift(actor=SYSTEM, group_id=town.group_id, now=NOW)
    assert queries.uplift_run(SYSTEM, nothing).fault == "no-campaigns"
    populate(town, 60, "push")
    launched(town)
    advance(NOW + 8 * DAY)
    few = operations.learn_uplift(actor=SYSTEM, group_id=town.group_id, now=NOW + 9 * DAY)
    run = queries.uplift_run(SYSTEM, few)
    assert (run.fault, run.beats_random, run.people, run.at) == ("too-few-people", False, 60, ())
    for run_id in (few, 10**6):
        with pytest.raises(operations.PlanUnusable) as refused:
            operations.plan_campaign(
                actor=SYSTEM, group_id=town.group_id, plan=plan(target=operations.Target(run_id)), now=NOW
            )
        assert "target" in refused.value.fields
