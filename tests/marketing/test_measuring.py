"""The measurement rules against simulated truth, published figures and tables of the literature."""

from __future__ import annotations

import csv
import gzip
import math
import random
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.marketing.rules import assignment, measuring, sizing
from zhike.marketing.rules.assignment import Arm
from zhike.marketing.rules.distributions import chi_square_tail, t_of, t_two_sided_p
from zhike.marketing.rules.measuring import Moments

ARMS = [Arm("a"), Arm("b"), Arm("c", 2)]
pytestmark = pytest.mark.feature("N8")


def binomial(rng: random.Random, n: int, p: float) -> int:
    return (
        rng.binomialvariate(n, p)
        if hasattr(rng, "binomialvariate")
        else sum(rng.random() < p for _ in range(n))
    )


@pytest.mark.feature("C139", "B17")
@given(st.integers(1, 2**62), st.permutations(ARMS))
@settings(max_examples=60, deadline=None)
def test_an_arm_does_not_depend_on_order_and_moves_only_to_a_new_arm(unit: int, order: list[Arm]) -> None:
    arm = assignment.arm_of("salt", unit, ARMS)
    assert assignment.arm_of("salt", unit, order) == arm
    assert assignment.arm_of("salt", unit, [*order, Arm("new")]) in (arm, "new")
    assert assignment.arm_of("salt", unit, [*order, Arm("none", 0)]) == arm


@pytest.mark.feature("C139", "B17")
def test_assignment_keeps_the_shares_and_experiments_do_not_know_each_other() -> None:
    units = range(40_000)
    drawn = [assignment.assigned("one", unit, ARMS, 1_000) for unit in units]
    counts = {key: drawn.count(key) for key in ("a", "b", "c", assignment.HOLDOUT)}
    shares = {"a": 0.225, "b": 0.225, "c": 0.45, assignment.HOLDOUT: 0.1}
    assert not measuring.split(counts, shares).is_broken
    other = [assignment.is_held_out("two", unit, 1_000) for unit in units]
    both = sum(mine == assignment.HOLDOUT and theirs for mine, theirs in zip(drawn, other, strict=True))
    assert 320 < both < 480
    held = {unit for unit in units if assignment.is_held_out("one", unit, 1_000)}
    assert held < {unit for unit in units if assignment.is_held_out("one", unit, 1_500)}


@pytest.mark.feature("C139")
def test_a_broken_split_is_seen() -> None:
    assert measuring.split({"a": 5_000, "b": 5_400}, {"a": 1, "b": 1}).is_broken
    assert not measuring.split({"a": 5_000, "b": 5_100}, {"a": 1, "b": 1}).is_broken
    assert measuring.split({"a": 10, "ghost": 1}, {"a": 1, "b": 1}).is_broken


def test_tails_as_the_tables_have_them() -> None:
    assert chi_square_tail(3.841, 1) == pytest.approx(0.05, abs=1e-4)
    assert chi_square_tail(18.307, 10) == pytest.approx(0.05, abs=1e-4)
    assert chi_square_tail(0.5, 4) == pytest.approx(0.97350, abs=1e-5)
    assert t_of(0.95, 5) == pytest.approx(2.5706, abs=1e-4)
    assert t_two_sided_p(2.2281, 10) == pytest.approx(0.05, abs=1e-4)
    assert t_of(0.95, 500) == pytest.approx(1.96, abs=1e-2)


def test_newcombes_own_example() -> None:
    """Newcombe 1998, table II, (a): 56 of 70 against 48 of 80 by method 10: 0.0524 to 0.3339."""
    found = measuring.rates(56, 70, 48, 80)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)
    assert found.is_found and found.relative == pytest.approx(1 / 3)


@pytest.mark.slow
@pytest.mark.feature("C139")
def test_a_against_a_at_a_fixed_end_is_wrong_one_time_in_twenty() -> None:
    rng = random.Random(20_260_101)
    runs, wrong = 1_500, 0
    for _run in range(runs):
        effect = measuring.rates(binomial(rng, 900, 0.12), 900, binomial(rng, 300, 0.12), 300)
        assert effect is not None
        wrong += effect.is_found
    assert 0.035 <= wrong / runs <= 0.065


@pytest.mark.slow
@pytest.mark.feature("C139")
def test_looking_every_day_deceives_the_fixed_test_but_not_the_sequential_one() -> None:
    rng = random.Random(7)
    runs, fixed, sequential = 300, 0, 0
    for _run in range(runs):
        hits, n = [0, 0], 0
        peeked = {"fixed": False, "sequential": False}
        for _day in range(25):
            n += 100
            hits = [count + binomial(rng, 100, 0.15) for count in hits]
            arms = [Moments(n, count, count) for count in hits]
            one, other = measuring.means(*arms), measuring.always_valid(*arms)
            assert one is not None and other is not None
            peeked["fixed"] |= one.is_found
            peeked["sequential"] |= other.is_found
        fixed += peeked["fixed"]
        sequential += peeked["sequential"]
    assert sequential / runs <= 0.05
    assert fixed / runs > 0.15


@pytest.mark.slow
@pytest.mark.feature("C206")
def test_planted_lifts_are_inside_the_interval() -> None:
    rng = random.Random(99)
    runs, inside, always = 1_000, 0, 0
    for _run in range(runs):
        lift = rng.choice([0.0, 0.01, 0.03, 0.06])
        treated, control = binomial(rng, 1_200, 0.1 + lift), binomial(rng, 400, 0.1)
        fixed = measuring.rates(treated, 1_200, control, 400)
        valid = measuring.always_valid(Moments(1_200, treated, treated), Moments(400, control, control))
        assert fixed is not None and valid is not None
        inside += fixed.low <= lift <= fixed.high
        always += valid.low <= lift <= valid.high
    assert inside / runs >= 0.94
    assert always / runs >= 0.97


@pytest.mark.slow
@pytest.mark.feature("C206")
def test_what_people_did_before_narrows_the_interval_and_keeps_the_truth_inside() -> None:
    rng = random.Random(3)
    runs, inside, plain_width, width = 150, 0, 0.0, 0.0
    for _run in range(runs):
        arms: dict[str, Moments] = {}
        for key, n, lift in (("treated", 300, 15.0), ("holdout", 150, 0.0)):
            people = [(rng.gammavariate(2, 60), rng.gammavariate(2, 25)) for _ in range(n)]
            arms[key] = measuring.moments([(x * 0.8 + noise + lift, x) for x, noise in people])
        plain = measuring.means(arms["treated"], arms["holdout"])
        better, reduction = measuring.adjusted(arms)
        effect = measuring.means(better["treated"], better["holdout"])
        assert plain is not None and effect is not None and reduction > 0.5
        inside += effect.low <= 15.0 <= effect.high
        plain_width += plain.high - plain.low
        width += effect.high - effect.low
    assert inside / runs >= 0.92
    assert width < 0.6 * plain_width


@pytest.mark.feature("C139")
def test_sample_sizes_as_in_the_book_and_found_by_simulation() -> None:
    """Fleiss, Levin and Paik, table A.3: 0.25 against 0.40 at 5 % and 80 % takes 152 each, before the correction."""
    sizes = sizing.for_rates(0.25, 0.15, 0.5)
    assert (sizes.treated, sizes.control) == (152, 152)
    uneven = sizing.for_rates(0.1, 0.03, 0.2)
    rng, found = random.Random(5), 0
    for _run in range(300):
        effect = measuring.rates(
            binomial(rng, uneven.treated, 0.13),
            uneven.treated,
            binomial(rng, uneven.control, 0.1),
            uneven.control,
        )
        found += bool(effect and effect.is_found)
    assert 0.72 <= found / 300 <= 0.88
    lift = sizing.smallest_lift(0.1, uneven.treated, uneven.control)
    assert lift == pytest.approx(0.03, abs=2e-4)
    means = sizing.for_means(100, 10, 0.5)
    assert means.control == math.ceil(2 * (1.959964 + 0.841621) ** 2 * 100)
    with pytest.raises(ValueError, match="no such"):
        sizing.for_rates(0.9, 0.2, 0.5)


PUBLISHED = {"Mens E-Mail": 0.1828, "Womens E-Mail": 0.1514, "No E-Mail": 0.1062}
"""Visit rates of the MineThatData e-mail experiment as its author printed them, of all 64,000 customers."""


@pytest.mark.feature("C206")
def test_hillstroms_visit_rates_and_lifts(zhike_data: Path) -> None:
    """We hold a random half of it, so the published figures stand within half a point, and their lifts in our intervals."""
    visits: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with gzip.open(zhike_data / "hillstrom" / "train.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            visits[row["segment"]].append((float(row["visit"]), float(row["history"])))
    arms = {name: measuring.moments(pairs) for name, pairs in visits.items()}
    assert not measuring.split({k: a.n for k, a in arms.items()}, dict.fromkeys(arms, 1.0)).is_broken
    for name, published in PUBLISHED.items():
        assert arms[name].mean == pytest.approx(published, abs=0.005)
    silent = arms["No E-Mail"]
    for name in ("Mens E-Mail", "Womens E-Mail"):
        lift = PUBLISHED[name] - PUBLISHED["No E-Mail"]
        fixed = measuring.rates(int(arms[name].y), arms[name].n, int(silent.y), silent.n)
        valid = measuring.always_valid(arms[name], silent)
        assert fixed is not None and fixed.low < lift < fixed.high and fixed.low > 0
        assert valid is not None and valid.low < fixed.low and fixed.high < valid.high and valid.is_found
