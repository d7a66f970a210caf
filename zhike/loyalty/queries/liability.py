"""Points as a liability: what is outstanding, for whose account, when it lapses, and how it got there.

A movement counts by the accounts it joins, not by its reason. *Inside* are members' accounts and the programme's
accounts on which points wait (pending, held, merging, pooled); *outside* the others. From issued comes what is earned, to redeemed goes
what is spent, and so on; what moves inside changes nothing. Months are those in which the movement was posted, in the
programme's zone, so a month that is over never changes again.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.utils import timezone

from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.snapshots import one_snapshot
from zhike.loyalty.models import Funding
from zhike.loyalty.rules import breakage
from zhike.loyalty.rules.calendar import NEVER

PERMISSION = "finance.view"

# The last digit of a system account's id is its kind: 1 issued, 2 redeemed, 3 expired, 4 adjusted; on 5, 6 and 8 (a
# household's pool) points wait, through 7 they pass from one merged member to the other.
# A part is (funding, month it lapses, points) of a movement; a debt repaid on the way inside takes points out.
_LEGS = """
WITH legs AS (
    SELECT t.id, t.debt_points, t.lots, t.reason, t.funding_id,
        date_trunc('month', t.posted_at AT TIME ZONE %(zone)s)::date AS month,
        CASE WHEN t.credit_account_id > 0 THEN 0 ELSE -t.credit_account_id %% 10 END AS credit_kind,
        CASE WHEN t.debit_account_id > 0 THEN 0 ELSE -t.debit_account_id %% 10 END AS debit_kind
    FROM loyalty_transfer t
    WHERE -least(t.credit_account_id, t.debit_account_id) / 10 = %(program)s
), sides AS (
    SELECT l.*, credit_kind IN (0, 5, 6, 7, 8) AS credit_inside, debit_kind IN (0, 5, 6, 7, 8) AS debit_inside,
        CASE WHEN credit_kind IN (0, 5, 6, 7, 8) THEN debit_kind ELSE credit_kind END AS outside
    FROM legs l
)"""
_FLOWS = (
    _LEGS
    + """, parts AS (
    SELECT month, (lot->>1)::bigint AS funding_id, date_trunc('month', (lot->>0)::date)::date AS lapses,
        CASE WHEN credit_inside THEN 1 ELSE -1 END * (lot->>2)::bigint AS points,
        CASE WHEN reason = 'opening' THEN 'imported' WHEN outside = 1 THEN 'earned' WHEN outside = 2 THEN 'spent'
             WHEN outside = 3 THEN 'expired' ELSE 'adjusted' END AS flow
    FROM sides, jsonb_array_elements(lots) AS lot WHERE credit_inside <> debit_inside
    UNION ALL
    SELECT month, funding_id, coalesce(date_trunc('month', (lots->0->>0)::date)::date, month),
        CASE WHEN debit_kind = 0 THEN debt_points ELSE -debt_points END, 'adjusted'
    FROM sides WHERE credit_inside AND debit_inside AND debt_points > 0
)
SELECT month, funding_id, lapses, flow, sum(points)::bigint FROM parts GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"""
)
_WAITING = (
    _LEGS
    + """
SELECT funding_id, lapses, sum(points)::bigint FROM (
    SELECT (lot->>1)::bigint AS funding_id, date_trunc('month', (lot->>0)::date)::date AS lapses,
        CASE WHEN credit_kind IN (5, 6, 7, 8) THEN 1 ELSE 0 END * (lot->>2)::bigint
        - CASE WHEN debit_kind IN (5, 6, 7, 8) THEN 1 ELSE 0 END * (lot->>2)::bigint AS points
    FROM sides, jsonb_array_elements(lots) AS lot WHERE credit_kind IN (5, 6, 7, 8) OR debit_kind IN (5, 6, 7, 8)
    UNION ALL
    SELECT funding_id, coalesce(date_trunc('month', (lots->0->>0)::date)::date, month),
        CASE WHEN debit_kind = 0 THEN debt_points ELSE -debt_points END
    FROM sides WHERE credit_inside AND debit_inside AND debt_points > 0) waits
GROUP BY 1, 2 HAVING sum(points) <> 0 ORDER BY 1, 2"""
)


@dataclass(slots=True)
class MonthFlows:
    """One month of one payer, or of all: opening + the rest = closing; what leaves is negative."""

    month: dt.date
    opening: int = 0
    imported: int = 0
    earned: int = 0
    spent: int = 0
    expired: int = 0
    adjusted: int = 0

    @property
    def closing(self) -> int:
        return self.opening + self.imported + self.earned + self.spent + self.expired + self.adjusted


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays: the code of the funding and its split in basis points."""

    funding_id: int
    code: str
    split: dict[str, int]


@dataclass(slots=True)
class PayerLiability:
    payer: Payer
    remaining: int = 0
    by_month: dict[dt.date, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CohortView:
    """Points that lapse in one month: earned ever, spent, lapsed, left, and how many of those are expected to lapse."""

    lapses: dt.date | None
    earned: int
    spent: int
    expired: int
    remaining: int
    expected_to_lapse: int
    used: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Breakage:
    """``curve``: the share spent by the end of each month of age, over all cohorts; ``oldest`` the last age observed."""

    cohorts: tuple[CohortView, ...]
    curve: tuple[float, ...]
    oldest: int
    expected_to_lapse: int
    back_test: breakage.BackTest | None


@dataclass(frozen=True, slots=True)
class Liability:
    """The whole page: ``outstanding`` as the lots say, ``ledger`` as the movements say; they must be the same.

    ``waiting`` of them wait on the programme's own accounts, ``debt`` is owed by members.
    """

    outstanding: int
    ledger: int
    waiting: int
    debt: int
    payers: tuple[PayerLiability, ...]
    months: tuple[MonthFlows, ...]
    by_payer: dict[int, tuple[MonthFlows, ...]]
    breakage: Breakage

    @property
    def ties_out(self) -> bool:
        return self.outstanding == self.ledger


Row = tuple[dt.date, int, dt.date, str, int]


def liability(viewer: Viewer, program_id: int, now: dt.datetime) -> Liability:
    """Everything finance asks of a programme, from the movements, as of one moment. Raises NotAllowed."""
    require_touch(viewer, PERMISSION)
    with one_snapshot():
        rows: list[Row] = _read(_FLOWS, program_id)
        lots, debt = _lots(program_id)
        waiting = _read(_WAITING, program_id)
        payers = _payers()
    lots += waiting
    this_month = now.astimezone(timezone.get_default_timezone()).date().replace(day=1)
    by_payer = {
        funding_id: roll_forward([row for row in rows if row[1] == funding_id], this_month)
        for funding_id in sorted({row[1] for row in rows})
    }
    liabilities = {funding_id: PayerLiability(payers[funding_id]) for funding_id in sorted(by_payer)}
    for funding_id, lapses, points in lots:
        one = liabilities.setdefault(funding_id, PayerLiability(payers[funding_id]))
        one.remaining += points
        one.by_month[lapses] = one.by_month.get(lapses, 0) + points
    months = roll_forward(rows, this_month)
    return Liability(
        outstanding=sum(points for _, _, points in lots),
        ledger=months[-1].closing if months else 0,
        waiting=sum(points for _, _, points in waiting),
        debt=debt,
        payers=tuple(liabilities.values()),
        months=months,
        by_payer=by_payer,
        breakage=_breakage(rows, this_month),
    )


def _read(sql: str, program_id: int) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"zone": timezone.get_default_timezone_name(), "program": program_id})
        rows: list[Any] = cursor.fetchall()
    return rows


def _lots(program_id: int) -> tuple[list[tuple[int, dt.date, int]], int]:
    """(funding, month it lapses, points) of what members have; and what they owe."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT l.funding_id, date_trunc('month', l.expires_on)::date, sum(l.remaining)::bigint
            FROM loyalty_lot l JOIN loyalty_account a ON a.id = l.account_id
            WHERE a.program_id = %s AND l.remaining > 0 GROUP BY 1, 2 ORDER BY 1, 2""",
            [program_id],
        )
        lots = cursor.fetchall()
        cursor.execute(
            "SELECT coalesce(sum(debt), 0)::bigint FROM loyalty_account WHERE program_id = %s", [program_id]
        )
        debt = cursor.fetchone()[0]
    return lots, debt


def _payers() -> dict[int, Payer]:
    return {row.pk: Payer(row.pk, row.code, row.split) for row in Funding.objects.all()}


def roll_forward(rows: list[Row], until: dt.date) -> tuple[MonthFlows, ...]:
    """Month by month without a gap, from the first movement through the month ``until``."""
    if not rows:
        return ()
    sums: dict[dt.date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for month, _funding, _lapses, flow, points in rows:
        sums[month][flow] += points
    months: list[MonthFlows] = []
    month, opening = min(sums), 0
    while month <= max(until, max(sums)):
        flows: Any = dict(sums.get(month, {}))
        months.append(MonthFlows(month, opening, **flows))
        opening = months[-1].closing
        month = next_month(month)
    return tuple(months)


def next_month(month: dt.date) -> dt.date:
    return (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1)


def _months_between(first: dt.date, last: dt.date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month


def _breakage(rows: list[Row], this_month: dt.date) -> Breakage:
    """Cohorts by the month they lapse in; the current month counts as watched only when it is over."""
    grouped: dict[dt.date, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[2]].append(row)
    cohorts = [_cohort(lapses, mine, this_month) for lapses, mine in sorted(grouped.items())]
    known = breakage.hazards(cohorts)
    views = []
    for cohort, (lapses, mine) in zip(cohorts, sorted(grouped.items()), strict=True):
        total: dict[str, int] = defaultdict(int)
        for row in mine:
            total[row[3]] += row[4]
        earned = total["earned"] + total["imported"] + total["adjusted"]
        spent, used = 0, []
        for month in cohort.months:
            spent += month.spent
            used.append(spent / earned if earned > 0 else 0.0)
        views.append(
            CohortView(
                None if lapses.year == NEVER.year else lapses,
                earned,
                -total["spent"],
                -total["expired"],
                cohort.remaining,
                breakage.expected_to_lapse(known, cohort),
                tuple(used),
            )
        )
    life = max((cohort.life for cohort in cohorts if cohort.life), default=0)
    return Breakage(
        tuple(views),
        tuple(breakage.curve(known, min(life, 60))),
        len(known),
        sum(view.expected_to_lapse for view in views),
        breakage.back_test(cohorts, 2),
    )


def _cohort(lapses: dt.date, rows: list[Row], this_month: dt.date) -> breakage.Cohort:
    sums: dict[dt.date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for month, _funding, _lapses, flow, points in rows:
        sums[month][flow] += points
    first, there = min(sums), 0
    months: list[breakage.Month] = []
    month = first
    while month < this_month and month <= lapses:
        flows = sums.get(month, {})
        entering = sum(flows.get(flow, 0) for flow in ("imported", "earned", "adjusted"))
        spent = -flows.get("spent", 0)
        months.append(breakage.Month(max(0, there + entering), max(0, spent)))
        there += entering - spent + flows.get("expired", 0)
        month = next_month(month)
    remaining = sum(points for flows in sums.values() for points in flows.values())
    life = None if lapses.year == NEVER.year else _months_between(first, lapses) + 1
    return breakage.Cohort(lapses.isoformat(), tuple(months), remaining, life)
