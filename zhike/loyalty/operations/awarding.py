"""Points for what members do besides buying (签到, 生日, 邀请, 任务): given once, within limits, and taken back if need be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, Sum

from zhike.kernel import events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid
from zhike.loyalty.events import AwardTakenBack, PointsAwarded
from zhike.loyalty.models import Transfer
from zhike.loyalty.operations.crediting import credit_sql
from zhike.loyalty.operations.payers import enter_payer, enter_split, since_of
from zhike.loyalty.operations.spending import expire_overdue
from zhike.loyalty.operations.state import (
    Holder,
    from_json,
    locked_holder,
    lots_of_json,
    post,
    posting_for,
    to_json,
)
from zhike.loyalty.queries.snapshots import ISSUED, Programme, read_programme, system_account
from zhike.loyalty.rules import awards
from zhike.loyalty.rules.accounts import credit, debit

UNIT_BP = 10_000


@dataclass(frozen=True, slots=True)
class AwardLimit:
    """At most ``points`` of one reason for a member since a moment; ``name`` (day, month, year) is what the entry says."""

    name: str
    since: dt.datetime
    points: int


@dataclass(frozen=True, slots=True)
class AwardOutcome:
    """``points`` given, fewer than asked when ``limited_by`` names a limit; ``replayed``: it had been given before."""

    points: int
    balance: int
    limited_by: str = ""
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Gift:
    """Points for one of many members; ``reference`` names the occasion and is given once."""

    member_id: int
    points: int
    reference: str
    explanation: Mapping[str, Any]


@transaction.atomic
def award_points(
    *,
    actor: Viewer,
    member_id: int,
    points: int,
    reason: str,
    reference: str,
    explanation: Mapping[str, Any],
    now: dt.datetime,
    expires_on: dt.date | None = None,
    funding: Mapping[str, int] | None = None,
    limits: Sequence[AwardLimit] = (),
) -> AwardOutcome:
    """Give a member points for something they did. ``reason`` is one of rules.awards.REASONS, ``reference`` the occasion.

    The same reason and reference give a member points once; the second time tells what was given. ``expires_on`` None:
    as the programme says; ``funding`` {payer: basis points} None: the programme's. Raises MemberNotFound, MemberFrozen,
    Invalid, NotAllowed.
    """
    require_touch(actor, "points.adjust")
    if reason not in awards.REASONS or points < 0:
        raise Invalid
    holder = locked_holder(member_id)
    known = _given(holder, reason, reference)
    if known is not None:
        return AwardOutcome(known.points, holder.state.net, replayed=True)
    holder.require_earning()
    used = [(limit, _given_since(holder, reason, limit.since)) for limit in limits]
    allowed = awards.within(points, [(limit.points, before) for limit, before in used])
    limited_by = next((limit.name for limit, before in used if limit.points - before < points), "")
    if not allowed:
        return AwardOutcome(0, holder.state.net, limited_by)
    programme, posting = holder.programme, posting_for(holder)
    expire_overdue(posting, actor, now)
    expiry = expires_on or programme.expiry_policy.last_day(programme.today(now))
    reasons = dict(explanation) | ({"limited_by": limited_by, "asked": points} if limited_by else {})
    posting.add(
        credit(holder.state, allowed, expiry, funding_id(funding, programme)),
        against=ISSUED,
        reason=reason,
        reference=reference,
        actor=actor,
        occurred_at=now,
        now=now,
        explanation=reasons,
    )
    post(posting)
    fact = PointsAwarded(member_id, holder.person_id, reason, allowed, reference)
    events.publish(fact, actor=actor, now=now)
    return AwardOutcome(allowed, holder.state.net, limited_by)


_DUE = """
    SELECT a.id AS account_id, g.reference AS key, g.points,
        jsonb_build_array(jsonb_build_array(%(expires_on)s::date, %(funding)s::bigint, g.points)) AS lots,
        %(issued)s::bigint AS debit_account_id, g.reference, NULL::bigint AS reverses_id, g.explanation
    FROM jsonb_to_recordset(%(gifts)s::jsonb) AS g(member_id bigint, points bigint, reference text, explanation jsonb)
    JOIN loyalty_account a ON a.member_id = g.member_id
    WHERE a.id = ANY(%(accounts)s) AND NOT EXISTS (
        SELECT FROM loyalty_transfer t
        WHERE t.reference = g.reference AND t.reason = %(reason)s AND t.credit_account_id = a.id)"""


@transaction.atomic
def award_to_many(
    *,
    actor: Viewer,
    program_id: int,
    reason: str,
    gifts: Sequence[Gift],
    now: dt.datetime,
    expires_on: dt.date | None = None,
    funding: Mapping[str, int] | None = None,
) -> dict[int, int]:
    """The same for some thousand members at once, in one statement; the points by member of those that got some now.

    Whoever got theirs before, is frozen or unknown is passed over. Raises Invalid, NotAllowed.
    """
    require_touch(actor, "points.adjust")
    if reason not in awards.REASONS or any(gift.points <= 0 for gift in gifts):
        raise Invalid
    if not gifts:
        return {}
    programme = read_programme(program_id)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.id FROM loyalty_account a JOIN loyalty_member m ON m.id = a.member_id
            WHERE m.id = ANY(%s) AND m.status = 'active' AND a.restraint <> 'all' AND a.program_id = %s
            ORDER BY a.id FOR UPDATE OF a""",
            [[gift.member_id for gift in gifts], program_id],
        )
        accounts = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            credit_sql(_DUE, earned=True),
            {
                "gifts": to_json(gifts),
                "accounts": accounts,
                "expires_on": expires_on or programme.expiry_policy.last_day(programme.today(now)),
                "funding": funding_id(funding, programme),
                "issued": system_account(program_id, ISSUED),
                "reason": reason,
                "actor": actor.audit_id,
                "now": now,
            },
        )
        rows = cursor.fetchall()
    facts = [PointsAwarded(member, person, reason, points, key) for _, member, person, key, points in rows]
    events.publish_many(facts, actor=actor, now=now)
    return {fact.member_id: fact.points for fact in facts}


@transaction.atomic
def take_back_award(
    *, actor: Viewer, member_id: int, reason: str, reference: str, why: str, now: dt.datetime
) -> int:
    """Take back what an occasion gave, from its own lots first; how many points, 0 when there is nothing (left) to take.

    What was spent meanwhile becomes debt, unless the programme waives what it cannot take. Once, however often it is
    asked. Raises MemberNotFound, NotAllowed.
    """
    require_touch(actor, "points.adjust")
    holder = locked_holder(member_id)
    given = _given(holder, reason, reference)
    if given is None or Transfer.objects.filter(reference=reference, reverses_id=given.pk).exists():
        return 0
    posting = posting_for(holder)
    expire_overdue(posting, actor, now)
    waives = holder.programme.shortfall == "waive"
    due = min(given.points, holder.state.balance) if waives else given.points
    if not due:
        return 0
    first = tuple((day, funding) for day, funding, _part in lots_of_json(from_json(given.lots)))
    posting.add(
        debit(holder.state, due, first=first, into_debt=not waives),
        against=ISSUED,
        reason=awards.TAKEN_BACK,
        reference=reference,
        actor=actor,
        occurred_at=now,
        now=now,
        explanation={"reason": reason, "why": why, "waived_points": given.points - due},
        reverses=given.pk,
    )
    post(posting)
    fact = AwardTakenBack(member_id, holder.person_id, reason, due, reference)
    events.publish(fact, actor=actor, now=now)
    return due


def _given(holder: Holder, reason: str, reference: str) -> Transfer | None:
    """What an occasion gave, also when it was given to a membership that was merged into this one since."""
    own = Q(credit_account_id=holder.state.account_id)
    merged = Q(credit_account__member__survivor_id=holder.owner_id)
    return Transfer.objects.filter(own | merged, reference=reference, reason=reason).first()


def _given_since(holder: Holder, reason: str, since: dt.datetime) -> int:
    """Points of one reason since a moment; taken back or not, for a limit counts what was given."""
    rows = Transfer.objects.filter(
        credit_account_id=holder.state.account_id, reason=reason, occurred_at__gte=since
    )
    return int(rows.aggregate(points=Sum("points"))["points"] or 0)


def funding_id(split: Mapping[str, int] | None, programme: Programme) -> int:
    """The funding of a split; its code is the payer, or the split itself, so that equal ones are one row."""
    if not split:
        return programme.funding_id
    if sum(split.values()) != UNIT_BP or any(share <= 0 for share in split.values()):
        raise Invalid
    parts = dict(sorted(split.items()))
    if len(parts) == 1:
        return enter_payer(next(iter(parts)), since_of(programme))
    code = "+".join(f"{payer}:{share}" for payer, share in parts.items())[:40]
    return enter_split(code, parts, since_of(programme))
