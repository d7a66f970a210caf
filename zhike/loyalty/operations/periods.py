"""The night's review: who reaches a tier, who keeps the one they hold, who falls; and the days before, who is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from zhike.kernel import events
from zhike.kernel.access import Viewer, require
from zhike.kernel.events.base import Fact
from zhike.loyalty.events import TierChanged, TierKept
from zhike.loyalty.operations.growing import settle_growth
from zhike.loyalty.operations.tiering import lent_to, write_standing
from zhike.loyalty.queries.counting import COUNTED, counted_for
from zhike.loyalty.queries.snapshots import Programme, read_programme
from zhike.loyalty.rules.calendar import window_start
from zhike.loyalty.rules.standing import Counted, Verdict, at_period_end, needed_name, period_end, standing
from zhike.loyalty.rules.tiers import tier_for

REVIEW_BATCH = 5_000

_NEXT = """
SELECT a.id FROM loyalty_account a JOIN loyalty_member m ON m.id = a.member_id
WHERE a.program_id = %s AND a.id > %s AND m.survivor_id IS NULL ORDER BY a.id LIMIT %s FOR UPDATE OF a"""
_RECOUNT = f"""
WITH spend AS ({COUNTED})
UPDATE loyalty_account a SET qualifying_fen = coalesce(spend.fen, 0), version = version + 1
FROM unnest(%(accounts)s::bigint[]) AS one(id) LEFT JOIN spend ON spend.account_id = one.id
WHERE a.id = one.id AND a.qualifying_fen <> coalesce(spend.fen, 0)"""
_STANDING = """
SELECT a.id, m.id, m.person_id, m.tier_id, m.earned_tier_id, m.tier_from, m.tier_until, m.tier_since, a.qualifying_fen
FROM loyalty_account a JOIN loyalty_member m ON m.id = a.member_id WHERE a.id = ANY(%s) ORDER BY a.id"""
_FIRST_PERIODS = """
UPDATE loyalty_member m SET tier_from = n.since, tier_until = n.until
FROM unnest(%s::bigint[], %s::date[], %s::date[]) AS n(id, since, until) WHERE m.id = n.id"""


@dataclass(slots=True)
class _Held:
    """A member as the review finds them."""

    account_id: int
    member_id: int
    person_id: int
    tier_id: int
    earned_tier_id: int | None
    counts_from: dt.date | None
    until: dt.date | None
    since: dt.datetime
    fen: int
    counted: Counted | None = None

    @property
    def done(self) -> Counted:
        """What counts in the window."""
        return self.counted or Counted(self.fen, 0)

    @property
    def earned_id(self) -> int:
        return self.earned_tier_id or self.tier_id


def review_tiers(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Count every member's qualifying spend in the window anew; move who reaches more, and decide where a period is over.

    Where tiers are held for a period, nobody falls before its last day and the days of grace; where they are not, whoever
    no longer reaches their tier moves at once. Set-based, in batches by account id, each its own transaction: stop it
    anywhere; running it again the same day changes nothing. Returns how many members moved or kept their tier.
    """
    require(actor, "programme.edit")
    settle_growth(actor=actor, program_id=program_id, now=now)
    programme = read_programme(program_id)
    decided, last = 0, 0
    while True:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_NEXT, [program_id, last, REVIEW_BATCH])
                account_ids = [row[0] for row in cursor.fetchall()]
            if not account_ids:
                return decided
            decided += _review_batch(programme, account_ids, actor, now)
        last = account_ids[-1]


def open_tier_periods(*, actor: Viewer, program_id: int, now: dt.datetime) -> None:
    """Give whoever holds a tier from the time before there were periods the end of the one that runs.

    The night's review does it as well; this is for a programme whose members should see it at once. Raises NotAllowed.
    """
    require(actor, "programme.edit")
    programme = read_programme(program_id)
    last = 0
    while programme.tier_terms.is_held:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_NEXT, [program_id, last, REVIEW_BATCH])
            account_ids = [row[0] for row in cursor.fetchall()]
            if not account_ids:
                return
            cursor.execute(_STANDING, [account_ids])
            held = [_Held(*row) for row in cursor.fetchall()]
            _open_first_periods(programme, held, programme.today(now))
        last = account_ids[-1]


def _review_batch(programme: Programme, account_ids: list[int], actor: Viewer, now: dt.datetime) -> int:
    today = programme.today(now)
    starts = [window_start(programme.tier_window, today)] * len(account_ids)
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT, {"accounts": account_ids, "starts": starts})
        cursor.execute(_STANDING, [account_ids])
        held = [_Held(*row) for row in cursor.fetchall()]
    if programme.counts_after:
        counted = counted_for(account_ids, starts, programme.tier_basis)
        for one in held:
            one.counted = counted.get(one.account_id, Counted(0, 0))
    if programme.tier_terms.is_held:
        _open_first_periods(programme, held, today)
    verdicts = _verdicts(programme, held, today)
    rows, facts = _written(programme, held, verdicts, actor, now)
    write_standing(rows)
    if facts:
        events.publish_many(facts, actor=actor, now=now)
    return len(rows)


def _open_first_periods(programme: Programme, held: Sequence[_Held], today: dt.date) -> None:
    """Whoever has a tier from the time before there were periods holds it to the end of the one that runs."""
    terms = programme.tier_terms
    opened = []
    for one in held:
        if one.until is None and terms.held_until(one.earned_id, today) is not None:
            day = programme.today(one.since)
            one.until = period_end(terms.period, day)
            while one.until < today:
                day, one.until = one.until, period_end(terms.period, one.until + dt.timedelta(days=1))
            one.counts_from = terms.counts_from(day)
            opened.append(one)
    if opened:
        with connection.cursor() as cursor:
            columns = zip(*((one.member_id, one.counts_from, one.until) for one in opened), strict=True)
            cursor.execute(_FIRST_PERIODS, [list(column) for column in columns])


def _verdicts(programme: Programme, held: Sequence[_Held], today: dt.date) -> dict[int, Verdict]:
    """What is decided, by member: who reaches more, and of the others whose period is over."""
    terms = programme.tier_terms
    found: dict[int, Verdict] = {}
    over = []
    for one in held:
        reached = tier_for(one.done.of(terms.basis), programme.ladder)
        rises = reached.rank > terms.rank(one.earned_id)
        if rises or (not terms.is_held and reached.tier_id != one.earned_id):
            needed = terms.step(reached.tier_id if rises else one.earned_id).threshold
            why = one.done.why(terms.basis) | {needed_name(terms.basis, "threshold"): needed}
            until = terms.held_until(reached.tier_id, today)
            found[one.member_id] = Verdict("review", reached.tier_id, terms.counts_from(today), until, why)
        elif terms.is_held and one.until is not None and one.until < today:
            over.append((one, one.counts_from or window_start(programme.tier_window, one.until), one.until))
    counted = counted_for(
        [one.account_id for one, _, _ in over], [since for _, since, _ in over], terms.basis
    )
    for one, since, period_end_day in over:
        bought = counted.get(one.account_id, Counted(0, 0))
        verdict = at_period_end(terms, one.earned_id, since, period_end_day, bought, today)
        if verdict.kind != "grace":
            found[one.member_id] = verdict
    return found


def _written(
    programme: Programme,
    held: Sequence[_Held],
    verdicts: dict[int, Verdict],
    actor: Viewer,
    now: dt.datetime,
) -> tuple[list[dict[str, Any]], list[Fact]]:
    """The rows of the decisions and what the log is told."""
    terms = programme.tier_terms
    lent = lent_to(list(verdicts), now) if verdicts else {}
    rows: list[dict[str, Any]] = []
    facts: list[Fact] = []
    for one in held:
        verdict = verdicts.get(one.member_id)
        if verdict is None:
            continue
        stands = standing(terms, verdict.tier_id, lent.get(one.member_id, []), now)
        rows.append(
            {
                "member": one.member_id, "tier": stands.tier_id, "earned": stands.earned_id,
                "since": verdict.since, "until": verdict.until,
                "cause": verdict.kind, "reference": "", "why": verdict.why, "actor": actor.audit_id, "at": now,
                "settled": True, "due": stands.due,
            }
        )  # fmt: skip
        if stands.tier_id != one.tier_id:
            facts.append(TierChanged(one.member_id, one.person_id, one.tier_id, stands.tier_id, verdict.kind))
        if verdict.kind == "kept" and verdict.until is not None:
            facts.append(TierKept(one.member_id, one.person_id, verdict.tier_id, verdict.until))
    return rows, facts
