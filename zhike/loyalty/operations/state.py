"""Reading accounts before a decision and writing it back after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from django.db import DatabaseError
from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Viewer
from zhike.kernel.errors import Conflict, Problem
from zhike.kernel.idempotency import problem_of
from zhike.kernel.statements import Utf8, fetch_row, fetch_rows, padded
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.snapshots import Programme, programme
from zhike.loyalty.rules.accounts import AccountState, LotParts, Movement
from zhike.loyalty.rules.calendar import FOR_EVER

STALE, NOT_NEW = "ZK001", "ZK410"
OPTIMISTIC_TRIES = 3


class MemberFrozen(Conflict):
    code = "member-frozen"
    title = _("This membership is frozen or closed.")


class SpendingStopped(MemberFrozen):
    code = "spending-stopped"
    title = _(
        "Points of this membership cannot be used while something is being checked. The service desk knows more."
    )


class EarningStopped(MemberFrozen):
    code = "earning-stopped"
    title = _("This membership gets no points while something is being checked. The service desk knows more.")


@dataclass(frozen=True, slots=True)
class Once:
    """The caller's idempotency key: who calls what (``scope``), the key, and the SHA-256 of the request."""

    scope: str
    key: str
    digest: bytes


def answer_row(once: Once, answer: dict[str, Any]) -> dict[str, Any]:
    """An answer to be kept under its key, as ``kernel_idempotency_keep`` takes it."""
    return {"scope": once.scope, "key": once.key, "hash": once.digest.hex(), "result": answer}


@dataclass(slots=True)
class Holder:
    """A member's account as read, with the programme it obeys.

    ``member_id`` and ``person_id`` are who was asked for; of a merged member the account, tier and status are those of
    ``owner_id``, who stands for them now, and what is written keeps saying which side it came by. From ``tier_due`` on
    the tier has to be settled before anything is decided by it (operations.temporary).
    """

    member_id: int
    person_id: int
    status: str
    state: AccountState
    programme: Programme
    merged_owner_id: int | None = None
    tier_due: dt.datetime | None = None
    restraint: str = ""

    @property
    def owner_id(self) -> int:
        """The member whose account and tier these are."""
        return self.merged_owner_id or self.member_id

    def is_due(self, now: dt.datetime) -> bool:
        """Whether a temporary tier has begun or ended since the tier was settled."""
        return self.tier_due is not None and self.tier_due <= now

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    @property
    def earns(self) -> bool:
        """Whether purchases give points: the membership is active and nothing stops it."""
        return self.is_active and self.restraint != "all"

    def require_spending(self) -> None:
        """Raises MemberFrozen or SpendingStopped. The account's version tells when it is another one."""
        if not self.is_active:
            raise MemberFrozen
        if self.restraint:
            raise SpendingStopped

    def require_earning(self) -> None:
        """Raises MemberFrozen or EarningStopped."""
        if not self.is_active:
            raise MemberFrozen
        if not self.earns:
            raise EarningStopped


_COLUMNS = """a.id, a.version, a.balance, a.debt, a.qualifying_fen, m.tier_id, {side}, m.status, p.id, p.stamp, {caps},
    {lots}, m.id, m.earned_tier_id, m.tier_due, a.restraint"""
_CAPS = """(SELECT json_agg(json_build_array(c.rule_id, c.cap, c.period, c.used)) FROM loyalty_capusage c
     WHERE c.account_id = a.id AND {condition})"""
_SELECT = f"""
SELECT {_COLUMNS.replace("{caps}", _CAPS.format(condition="c.period IN (%s, '0001-01-01')"))}
FROM {{asked}}
JOIN loyalty_account a ON a.member_id = m.id
JOIN loyalty_program p ON p.id = a.program_id
WHERE s.id = %s
LIMIT 1"""
# Who is asked for leads to the member that stands for them: themself, or whom they were merged into.
_BY_MEMBER = "loyalty_member s JOIN loyalty_member m ON m.id = coalesce(s.survivor_id, s.id)"
_BY_PERSON = """customers_person s JOIN loyalty_member m ON m.person_id = coalesce(s.merged_into_id, s.id)
LEFT JOIN loyalty_member o ON o.person_id = s.id AND o.survivor_id = m.id"""
_SIDE_OF_MEMBER, _SIDE_OF_PERSON = "s.id, s.person_id", "coalesce(o.id, m.id), s.id"
_ANY_PERIOD = "(c.period = ANY(%s) OR c.period = '0001-01-01')"
_SELECT_MANY = f"""
SELECT {_COLUMNS.format(side="m.id, m.person_id", caps=_CAPS.format(condition=_ANY_PERIOD), lots="{lots}")}
FROM loyalty_account a
JOIN loyalty_member m ON m.id = a.member_id
JOIN loyalty_program p ON p.id = a.program_id
WHERE (m.id = ANY(%s) OR m.person_id = ANY(%s)) AND m.survivor_id IS NULL"""
_LOTS = """(SELECT json_agg(json_build_array(l.expires_on, l.funding_id, l.remaining)) FROM loyalty_lot l
     WHERE l.account_id = a.id AND l.remaining > 0)"""

_HELD = f"""
SELECT {_COLUMNS.format(side=_SIDE_OF_MEMBER, caps="NULL", lots=_LOTS)}, h.id, h.points, h.value_fen, h.used_points, h.status,
    h.reference, h.merchant_id, w.mall_id, h.expires_at, t.id, t.lots::text, t.explanation::text
FROM loyalty_hold h JOIN loyalty_transfer t ON t.id = h.transfer_id LEFT JOIN organization_merchant w ON w.id = h.merchant_id
JOIN loyalty_member s ON s.id = h.member_id JOIN loyalty_member m ON m.id = coalesce(s.survivor_id, s.id)
JOIN loyalty_account a ON a.member_id = m.id JOIN loyalty_program p ON p.id = a.program_id
WHERE h.id = ANY(%s::uuid[])"""


def read_holder(
    *,
    member_id: int | None = None,
    person_id: int | None = None,
    day: dt.date = FOR_EVER,
    lots: bool = False,
    lock: bool = False,
) -> Holder | None:
    """One member's account in one round trip; ``day`` selects the cap counters, ``lock`` holds the account row."""
    asked, side = (_BY_MEMBER, _SIDE_OF_MEMBER) if member_id is not None else (_BY_PERSON, _SIDE_OF_PERSON)
    key = member_id if member_id is not None else person_id
    sql = _SELECT.format(lots=_LOTS if lots else "NULL", asked=asked, side=side)
    held = None
    while True:
        if (
            lock
        ):  # wait for the row first: the sub-selects of the same statement would read from before the wait
            held = fetch_row(
                f"SELECT a.id FROM {asked} JOIN loyalty_account a ON a.member_id = m.id"
                " WHERE s.id = %s FOR UPDATE OF a",
                [key],
            )
        row = fetch_row(sql, [day, key])
        if row is None or held is None or held[0] == row[0]:
            return None if row is None else _holder(row)
        # they were merged or parted while we waited: the account that counts now is another


def read_holders(
    asked: Sequence[tuple[int | None, int | None]],
    days: Sequence[dt.date] = (FOR_EVER,),
    *,
    lots: bool = False,
) -> dict[tuple[int | None, int | None], Holder]:
    """Many accounts in one round trip, by what was asked for: (member id, None) or (None, person id).

    Those merged into somebody else are left out.
    """
    rows = fetch_rows(
        _SELECT_MANY.format(lots=_LOTS if lots else "NULL"),
        [
            sorted(set(days)),
            padded([member_id for member_id, _ in asked if member_id is not None], 0),
            padded(
                [person_id for member_id, person_id in asked if member_id is None and person_id is not None],
                0,
            ),
        ],
    )
    found: dict[tuple[int | None, int | None], Holder] = {}
    for row in rows:
        holder = _holder(row)
        found[holder.member_id, None] = found[None, holder.person_id] = holder
    return found


def locked_holder(member_id: int, day: dt.date = FOR_EVER) -> Holder:
    """The account with its lots, its row held until the transaction ends. Raises MemberNotFound."""
    holder = read_holder(member_id=member_id, day=day, lots=True, lock=True)
    if holder is None:
        raise MemberNotFound
    return holder


@dataclass(frozen=True, slots=True)
class HeldPoints:
    """A hold as read, with the account it goes back to and what its own transfer took and said."""

    holder: Holder
    id: UUID
    points: int
    value_fen: int
    used_points: int
    status: str
    reference: str
    merchant_id: int | None
    mall_id: int | None
    expires_at: dt.datetime
    transfer_id: int
    lots: LotParts
    explanation: dict[str, Any]


def read_held(hold_ids: Sequence[UUID]) -> list[HeldPoints]:
    """These holds in one round trip."""
    found = []
    for row in fetch_rows(_HELD, [padded(hold_ids, UUID(int=0))]):
        own: list[Any] = [*row[17:27], lots_of_json(from_json(row[27])), from_json(row[28])]
        found.append(HeldPoints(_holder(row), *own))
    return found


def _holder(row: tuple[Any, ...]) -> Holder:
    state = AccountState(*row[:6])
    state.earned_id = row[14] or 0
    for rule_id, cap, period, used in row[11] or ():
        state.caps[rule_id, cap, dt.date.fromisoformat(period)] = used
    for expires_on, funding_id, remaining in row[12] or ():
        state.lots[dt.date.fromisoformat(expires_on), funding_id] = remaining
    return Holder(row[6], row[7], row[8], state, programme(row[9], row[10]), row[13], row[15], row[16])


@dataclass(slots=True)
class Posting:
    """What is to be written for one account: transfers in order, cap changes, change of the qualifying spend.

    ``points`` and ``debt`` are what the transfers come to: by how much balance and debt of the account change.
    """

    holder: Holder
    version: int
    points: int = 0
    debt: int = 0
    transfers: list[dict[str, Any]] = field(default_factory=list)
    caps: list[dict[str, Any]] = field(default_factory=list)
    qualifying_fen: int = 0

    def add(
        self,
        movement: Movement,
        *,
        against: int,
        reason: str,
        reference: str,
        actor: Viewer,
        occurred_at: dt.datetime,
        now: dt.datetime,
        explanation: dict[str, Any],
        rule_version_id: int | None = None,
        reverses: int | None = None,
    ) -> None:
        """Append the transfer of a movement; ``against`` names the programme's system account on the other side."""
        system, own = self.holder.programme.system_account(against), self.holder.state.account_id
        debit, credit = (system, own) if movement.sign > 0 else (own, system)
        self.points += movement.sign * (movement.points - movement.debt_points)
        self.debt -= movement.sign * movement.debt_points
        self._append(
            debit, credit, movement, reason, reference, actor, occurred_at, now, explanation, rule_version_id, reverses
        )  # fmt: skip

    def add_beside(
        self,
        lots: LotParts,
        *,
        debit: int,
        credit: int,
        reason: str,
        reference: str,
        actor: Viewer,
        occurred_at: dt.datetime,
        now: dt.datetime,
        explanation: dict[str, Any],
        rule_version_id: int | None = None,
        reverses: int | None = None,
    ) -> None:
        """Append a transfer between two of the programme's system accounts: the member's own account does not move."""
        programme = self.holder.programme
        moved = Movement(0, sum(part for _, _, part in lots), lots, 0, self.holder.state.net)
        source, target = programme.system_account(debit), programme.system_account(credit)
        self._append(
            source, target, moved, reason, reference, actor, occurred_at, now, explanation, rule_version_id, reverses
        )  # fmt: skip

    def _append(
        self,
        debit: int,
        credit: int,
        movement: Movement,
        reason: str,
        reference: str,
        actor: Viewer,
        occurred_at: dt.datetime,
        now: dt.datetime,
        explanation: dict[str, Any],
        rule_version_id: int | None,
        reverses: int | None,
    ) -> None:
        if self.holder.owner_id != self.holder.member_id:
            explanation = {**explanation, "side": self.holder.member_id}
        self.transfers.append(
            {
                "debit": debit,
                "credit": credit,
                "points": movement.points,
                "reason": reason,
                "reference": reference,
                "rule_version": rule_version_id,
                "funding": movement.lots[0][1] if movement.lots else self.holder.programme.funding_id,
                "lots": lots_json(movement.lots),
                "debt_points": movement.debt_points,
                "balance_after": movement.balance_after,
                "reverses": reverses,
                "explanation": explanation,
                "actor": actor.audit_id,
                "occurred_at": occurred_at,
                "posted_at": now,
            }
        )

    @property
    def account_row(self) -> dict[str, Any]:
        """How the account moves, as ``loyalty_post_all`` takes it."""
        return {
            "id": self.holder.state.account_id,
            "version": self.version,
            "points": self.points,
            "debt": self.debt,
            "qualifying_fen": self.qualifying_fen,
        }

    def lot_rows(self, lots: LotParts) -> list[dict[str, Any]]:
        """Parts of the account's lots, as the SQL functions for several acts take them."""
        account_id = self.holder.state.account_id
        return [
            {"account": account_id, "expires_on": expires_on, "funding": funding_id, "points": part}
            for expires_on, funding_id, part in lots
        ]

    def add_caps(self, moved: Sequence[tuple[int, str, dt.date, int]]) -> None:
        self.caps += [
            {"rule": rule_id, "cap": cap, "period": period.isoformat(), "points": points}
            for rule_id, cap, period, points in moved
        ]


def lots_json(lots: LotParts) -> list[list[Any]]:
    """Lot parts as they stand in a jsonb column."""
    return [[expires_on.isoformat(), funding_id, part] for expires_on, funding_id, part in lots]


def lots_of_json(rows: Sequence[Sequence[Any]] | None) -> LotParts:
    return tuple((dt.date.fromisoformat(day), funding_id, part) for day, funding_id, part in rows or ())


def posting_for(holder: Holder) -> Posting:
    return Posting(holder, holder.state.version)


def post(posting: Posting) -> list[int]:
    """Write the posting; returns the transfers' ids. Raises Stale when the account moved since it was read."""
    state = posting.holder.state
    row = call(
        "SELECT loyalty_post(%s, %s, %s, %s, %s)",
        [
            state.account_id,
            posting.version,
            posting.qualifying_fen,
            to_json(posting.transfers),
            to_json(posting.caps),
        ],
    )
    return list(row[0] or ())


class Stale(Exception):
    """Somebody moved the account between reading and writing."""


class NotNew(Stale):
    """A key or a receipt that was to be written is known already, or in flight."""


def call(sql: str, args: Sequence[Any]) -> tuple[Any, ...]:
    """Call a posting function. Its own SQLSTATEs become Stale, NotNew, InFlight or KeyReused."""
    try:
        row = fetch_row(sql, args)
    except (psycopg.Error, DatabaseError) as error:
        raise refusal_of(error) or error from error
    assert row is not None
    return row


def call_each(function: str, calls: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """Call one posting function for each of the lists of arguments, in that order, in one statement; all or nothing."""
    args = [arg for call_args in calls for arg in call_args]
    return call(f"SELECT {', '.join([function] * len(calls))}", args) if calls else ()


def refusal_of(error: BaseException) -> Stale | Problem | None:
    source = error.__cause__ if isinstance(error, DatabaseError) else error
    state = getattr(source, "sqlstate", None)
    if state in (STALE, NOT_NEW):
        return Stale() if state == STALE else NotNew()
    return problem_of(error)


def to_json(value: Any) -> str:
    """JSON text of plain values, UUIDs and dates, for a jsonb parameter."""
    return msgspec.json.encode(value).decode()


def to_json_text(value: Any) -> Utf8:
    """The same for a parameter of `zhike.kernel.statements`, which takes it as it is."""
    return Utf8(msgspec.json.encode(value))


def from_json(value: Any) -> Any:
    """A jsonb column as Python; Django's connections hand jsonb over as text."""
    return msgspec.json.decode(value) if isinstance(value, str | bytes) else value
