"""How much of what was earned will be spent: hazards by age, as life tables do it, and their test on the past.

A cohort is the points that lapse together; its age counts months since the first of them was earned. In each month of
age a share of what is still there is spent. The share of an age is taken over all cohorts that were watched through it
(spent ÷ exposed, the life-table estimate, Kaplan and Meier 1958), ages nobody has reached yet get the mean of the last
three. What is expected to lapse is what survives every month that is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TAIL_AGES = 3


@dataclass(frozen=True, slots=True)
class Month:
    """One cohort in one month of its life: points there at its begin or added in it, and points spent in it."""

    exposed: int
    spent: int


@dataclass(frozen=True, slots=True)
class Cohort:
    """``months`` by age from 0; ``life`` is how many months its points live; None: for ever."""

    key: str
    months: tuple[Month, ...]
    remaining: int
    life: int | None


def hazards(cohorts: Sequence[Cohort]) -> list[float]:
    """The share spent per month of age, over all cohorts that reached the age."""
    ages = max((len(cohort.months) for cohort in cohorts), default=0)
    found = []
    for age in range(ages):
        seen = [cohort.months[age] for cohort in cohorts if len(cohort.months) > age]
        exposed = sum(month.exposed for month in seen)
        found.append(sum(month.spent for month in seen) / exposed if exposed else 0.0)
    return found


def hazard_at(known: Sequence[float], age: int) -> float:
    """The share of an age; beyond the oldest one the mean of the last three."""
    if age < len(known):
        return known[age]
    tail = known[-TAIL_AGES:]
    return sum(tail) / len(tail) if tail else 0.0


def surviving(known: Sequence[float], age: int, until: int) -> float:
    """The share of what is there at the end of ``age`` that is still unspent at the end of age ``until``."""
    share = 1.0
    for each in range(age + 1, until + 1):
        share *= 1 - hazard_at(known, each)
    return share


def curve(known: Sequence[float], life: int) -> list[float]:
    """The share of a cohort that is spent by the end of each month of its life."""
    return [1 - surviving(known, -1, age) for age in range(life)]


def expected_to_lapse(known: Sequence[float], cohort: Cohort) -> int:
    """Points of the cohort's remaining ones that nobody will spend; those that live for ever do not lapse."""
    if cohort.life is None:
        return 0
    return round(cohort.remaining * surviving(known, len(cohort.months) - 1, cohort.life - 1))


@dataclass(frozen=True, slots=True)
class BackTest:
    """Spending of the last ``months``, as the months before foretold it and as it was."""

    months: int
    predicted: int
    actual: int
    by_cohort: Mapping[str, tuple[int, int]]

    @property
    def error(self) -> float | None:
        return (self.predicted - self.actual) / self.actual if self.actual else None


def back_test(cohorts: Sequence[Cohort], months: int) -> BackTest | None:
    """Forget the last ``months``, foretell them from the rest, compare. None when nothing is old enough.

    Only cohorts that had begun by then take part; points they earned later are left out on both sides as far as the
    exposure tells: the prediction runs on what was there, plus what is known to have been added.
    """
    past = [
        Cohort(cohort.key, cohort.months[:-months], 0, cohort.life)
        for cohort in cohorts
        if len(cohort.months) > months
    ]
    if not past:
        return None
    known = hazards(past)
    by_cohort: dict[str, tuple[int, int]] = {}
    for cohort in cohorts:
        seen = len(cohort.months) - months
        if seen <= 0:
            continue
        predicted, there = 0.0, 0.0
        for age in range(seen, len(cohort.months)):
            month, before = cohort.months[age], cohort.months[age - 1]
            added = month.exposed - (before.exposed - before.spent)
            there = (there if age > seen else float(before.exposed - before.spent)) + added
            spent = max(0.0, there) * hazard_at(known, age)
            predicted += spent
            there -= spent
        actual = sum(month.spent for month in cohort.months[seen:])
        by_cohort[cohort.key] = (round(predicted), actual)
    return BackTest(
        months,
        sum(predicted for predicted, _ in by_cohort.values()),
        sum(actual for _, actual in by_cohort.values()),
        by_cohort,
    )
