"""A member's tier: until when, what keeps it, what is lent above it, and how it came about, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import QuerySet

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, require, visible
from zhike.loyalty.models import Account, Member, MemberActivity, Tier, TierChange, TierGrant
from zhike.loyalty.queries.counting import counted_since
from zhike.loyalty.queries.members import (
    TierView,
    family_of,
    growth_in_window,
    owner_id_of,
    require_member,
    tiers,
)
from zhike.loyalty.queries.snapshots import Programme, read_programme
from zhike.loyalty.queries.tier_words import ahead_of, amount_of, reason_of, standing_of
from zhike.loyalty.rules.awards import REASONS as AWARDS
from zhike.loyalty.rules.calendar import add_months, window_start
from zhike.loyalty.rules.standing import Lent, keeps, standing, stands_until
from zhike.loyalty.rules.tiers import next_step

GRANT = "tiers.grant"
SHOWN = 100
DORMANT_SHOWN = 50
DORMANT_MONTHS = 6


@dataclass(frozen=True, slots=True)
class GrantView:
    """A lent tier. ``state``: asked, coming, running, over, refused or revoked; ``last_day`` in the programme's zone."""

    id: int
    member_id: int
    tier: TierView
    kind: str
    state: str
    source: str
    reference: str
    reason: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    last_day: dt.date
    asked_by: str
    asked_at: dt.datetime
    decided_by: str
    decided_at: dt.datetime | None
    note: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class TierStanding:
    """Where a member stands. ``tier`` counts; ``earned`` is what remains when nothing is lent, held through ``until``.

    ``keep`` from ``counts_from`` on keeps it, of which ``counted`` is there, in what the ladder counts (``basis``); or purchases
    on ``keep_visits`` days. ``toward`` is what counts toward the next tier, ``growth`` the growth value in that window.
    ``grace_until``: purchases count toward keeping through that day. ``lent`` is the grant that ``tier`` comes from.
    """

    member_id: int
    tier: TierView
    earned: TierView
    since: dt.datetime
    counts_from: dt.date
    until: dt.date | None
    grace_until: dt.date | None
    in_grace: bool
    basis: str
    keep: int
    counted: int
    missing: int
    keep_visits: int | None
    counted_visits: int
    is_kept: bool
    falls_to: TierView | None
    lent: GrantView | None
    next_tier: TierView | None
    toward: int
    growth: int
    sentence: str

    @property
    def to_next(self) -> int:
        """What is missing to the next tier, in what the ladder counts."""
        return max(0, self.next_tier.threshold - self.toward) if self.next_tier else 0

    @property
    def ahead(self) -> str:
        """What is missing to the next tier, in a sentence; empty at the top."""
        return ahead_of(self.to_next, self.next_tier.name, self.basis) if self.next_tier else ""

    @property
    def counted_text(self) -> str:
        return amount_of(self.counted, self.basis)

    @property
    def keep_text(self) -> str:
        return amount_of(self.keep, self.basis)

    def in_fen(self, amount: int) -> int | None:
        """An amount in fen, where the ladder counts spend."""
        return amount if self.basis == "spend" else None


@dataclass(frozen=True, slots=True)
class TierLine:
    """One decision, newest first: ``why`` in figures and ``sentence`` in words."""

    id: int
    at: dt.datetime
    before: TierView
    after: TierView
    earned: TierView | None
    until: dt.date | None
    cause: str
    why: Mapping[str, Any]
    actor: str
    sentence: str


@dataclass(frozen=True, slots=True)
class DormantView:
    """A member of a higher tier who has bought nothing for long."""

    member_id: int
    name: str
    tier: TierView
    until: dt.date | None
    last_purchase_at: dt.datetime | None


def tier_standing(viewer: Viewer, member_id: int, now: dt.datetime) -> TierStanding:
    """Where a member stands today, also between a temporary tier's end and the job that settles it. Raises MemberNotFound."""
    require_member(viewer, member_id)
    member = Member.objects.get(id=owner_id_of(member_id))
    programme = read_programme(member.program_id)
    terms, today = programme.tier_terms, programme.today(now)
    steps = {tier.id: tier for tier in tiers(member.program_id)}
    earned_id = member.earned_tier_id or member.tier_id
    lent = _running(member, programme, earned_id, now)
    tier_id = lent.tier.id if lent else earned_id
    step = terms.step(earned_id)
    until = member.tier_until if terms.is_held else None
    since = (member.tier_from if until else None) or window_start(terms.window, until or today)
    account_id = Account.objects.values_list("id", flat=True).get(member=member)
    counted = counted_since(account_id, since, terms.basis)
    above = next_step(earned_id, terms.ladder)
    window = window_start(terms.window, today)
    toward = counted if until is None else counted_since(account_id, window, terms.basis)
    below = [one for one in terms.ladder if one.rank < step.rank]
    found = TierStanding(
        member_id=member.pk,
        tier=steps[tier_id],
        earned=steps[earned_id],
        since=member.tier_since,
        counts_from=since,
        until=until,
        grace_until=until + dt.timedelta(days=terms.grace_days) if until and terms.grace_days else None,
        in_grace=until is not None and until < today,
        basis=terms.basis,
        keep=step.to_keep,
        counted=counted.of(terms.basis),
        missing=max(0, step.to_keep - counted.of(terms.basis)),
        keep_visits=step.keep_visits,
        counted_visits=counted.visits,
        is_kept=keeps(step, counted),
        falls_to=steps[max(below, key=lambda one: one.rank).tier_id] if below else None,
        lent=lent,
        next_tier=steps[above.tier_id] if above else None,
        toward=toward.of(terms.basis),
        growth=growth_in_window(account_id, programme, now),
        sentence="",
    )
    return replace(found, sentence=standing_of(found))


@dataclass(frozen=True, slots=True)
class Held:
    """How long a member stands how high without anything more."""

    programme: Programme
    earned_id: int
    earned_until: dt.datetime | None
    lent: Sequence[Lent]
    now: dt.datetime

    @property
    def today(self) -> dt.date:
        return self.programme.today(self.now)

    def last_day(self, length: int, unit: str) -> dt.date:
        """The last day of a tier bought today for so many days, beside today, or months."""
        if unit == "month":
            return add_months(self.today, length)
        return self.today + dt.timedelta(days=length)

    def covers(self, tier_id: int, day: dt.date) -> bool:
        """Whether they stand as high as this tier through a day, as far as is known."""
        terms = self.programme.tier_terms
        until = stands_until(terms, tier_id, self.earned_id, self.earned_until, self.lent, self.now)
        return until is None or until >= after(day, self.programme)


def held_tiers(member_id: int, now: dt.datetime) -> Held:
    """For contexts above, which have checked already: how long a member has which tier."""
    member = Member.objects.get(id=owner_id_of(member_id))
    programme = read_programme(member.program_id)
    lent = [Lent(row.pk, row.tier_id, row.starts_at, row.ends_at) for row in _given(member.pk, now)]
    until = member.tier_until if programme.tier_terms.is_held else None
    earned_id = member.earned_tier_id or member.tier_id
    return Held(programme, earned_id, after(until, programme) if until else None, lent, now)


def after(day: dt.date, programme: Programme) -> dt.datetime:
    """The first moment after a day of the programme."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min, ZoneInfo(programme.time_zone))


_DONE_SINCE = """
WITH own AS (SELECT transfer_id AS last FROM loyalty_redemption WHERE id = %(own)s),
    mine AS (SELECT id FROM loyalty_account WHERE member_id = ANY(%(members)s))
SELECT EXISTS (SELECT FROM own, loyalty_redemption r WHERE r.member_id = ANY(%(members)s) AND r.transfer_id > own.last
        AND r.reversed_points < r.points)
    OR EXISTS (SELECT FROM own, loyalty_hold h WHERE h.member_id = ANY(%(members)s) AND h.transfer_id > own.last
        AND h.status = 'open')
    OR EXISTS (SELECT FROM own, mine, loyalty_transfer t WHERE t.credit_account_id = mine.id AND t.id > own.last
        AND t.reason = ANY(%(awards)s))
    OR EXISTS (SELECT FROM mine, loyalty_award w, sales_receipt r WHERE w.account_id = mine.id AND r.id = w.receipt_id
        AND r.recorded_at >= %(since)s)"""


def used_tier_since(member_id: int, since: dt.datetime, redemption_id: UUID) -> bool:
    """Whether a member did anything since in which the tier counts: bought, was given points, spent some but by this
    redemption. For contexts above, which have checked already.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _DONE_SINCE,
            {"members": family_of(member_id), "since": since, "own": redemption_id, "awards": list(AWARDS)},
        )
        return bool(cursor.fetchone()[0])


def tier_id_by_code(member_id: int, code: str) -> int:
    """The tier of this code on a member's ladder; 0 for none, or for nobody."""
    found = Tier.objects.filter(code=code, program__in=Member.objects.filter(id=member_id).values("program"))
    return found.values_list("id", flat=True).first() or 0


def tier_history(viewer: Viewer, member_id: int, limit: int = 20) -> list[TierLine]:
    """What was decided on a member's tier, newest first. Raises MemberNotFound."""
    require_member(viewer, member_id)
    owner = owner_id_of(member_id)
    rows = list(TierChange.objects.filter(member_id=owner).select_related("member").order_by("-id")[:limit])
    steps = {tier.id: tier for tier in tiers(rows[0].member.program_id)} if rows else {}
    grants = {
        grant.pk: grant
        for grant in TierGrant.objects.filter(
            id__in=[row.why.get("grant") for row in rows if row.why.get("grant")]
        )
    }
    found = []
    for row in rows:
        grant = grants.get(row.why.get("grant", 0))
        line = TierLine(
            row.pk, row.changed_at, steps[row.before_id], steps[row.after_id],
            steps[row.earned_id] if row.earned_id else None, row.until, row.cause, row.why, row.actor,
            reason_of(row.cause, row.why, steps[row.after_id], row.until, grant.reason if grant else ""),
        )  # fmt: skip
        found.append(line)
    return found


def tier_grants(viewer: Viewer, member_id: int, now: dt.datetime) -> list[GrantView]:
    """Every tier that was lent to a member or asked for, newest first. Raises MemberNotFound."""
    require_member(viewer, member_id)
    rows = TierGrant.objects.filter(member_id__in=family_of(member_id)).select_related("member")
    return _views(list(rows.order_by("-id")[:SHOWN]), now)


def tier_exceptions(viewer: Viewer, now: dt.datetime) -> list[GrantView]:
    """Exceptions of members in the viewer's scope: those that wait, the oldest first, then the newest decided.

    Raises NotAllowed.
    """
    require(viewer, GRANT)
    columns = {"mall": "member__mall_id", "merchant": "member__merchant_id"}
    rows = visible(TierGrant.objects.select_related("member"), viewer, GRANT, columns).filter(
        kind=TierGrant.Kind.EXCEPTION
    )
    waiting = list(rows.filter(status=TierGrant.Status.ASKED).order_by("asked_at", "id")[:SHOWN])
    done = rows.exclude(status=TierGrant.Status.ASKED).order_by("-decided_at", "-id")[:SHOWN]
    return _views([*waiting, *done], now, named=True)


def dormant_members(viewer: Viewer, program_id: int, now: dt.datetime) -> list[DormantView]:
    """Members above the lowest tier who bought nothing for DORMANT_MONTHS, the highest tiers first. Raises NotAllowed."""
    require(viewer, GRANT)
    since = now - dt.timedelta(days=DORMANT_MONTHS * 30)
    lowest = tiers(program_id)[0].id
    mine = visible(Member.objects.all(), viewer, GRANT, {"mall": "mall_id", "merchant": "merchant_id"})
    rows = (
        MemberActivity.objects.filter(member__in=mine, last_purchase_at__lt=since, member__status="active")
        .filter(member__program_id=program_id)
        .exclude(member__tier_id=lowest)
        .select_related("member")
        .order_by("-member__tier__rank", "last_purchase_at")[:DORMANT_SHOWN]
    )
    names = customers.summaries([row.member.person_id for row in rows])
    steps = {tier.id: tier for tier in tiers(program_id)}
    return [
        DormantView(
            row.member.pk,
            names[row.member.person_id].name,
            steps[row.member.tier_id],
            row.member.tier_until,
            row.last_purchase_at,
        )
        for row in rows
    ]


def _running(member: Member, programme: Programme, earned_id: int, now: dt.datetime) -> GrantView | None:
    """The grant that the member's tier comes from now; None when it is their own."""
    if member.tier_due is None and member.earned_tier_id is None:
        return None
    rows = _given(member.pk, now)
    lent = [Lent(row.pk, row.tier_id, row.starts_at, row.ends_at) for row in rows]
    best = standing(programme.tier_terms, earned_id, lent, now).grant_id
    found = [row for row in rows.select_related("member") if row.pk == best]
    return _views(found, now)[0] if found else None


def _given(member_id: int, now: dt.datetime) -> QuerySet[TierGrant]:
    """The grants that run or are still to come."""
    return TierGrant.objects.filter(
        member_id__in=family_of(member_id), status=TierGrant.Status.GIVEN, ends_at__gt=now
    )


def _views(rows: Sequence[TierGrant], now: dt.datetime, *, named: bool = False) -> list[GrantView]:
    programmes = {
        program_id: read_programme(program_id) for program_id in {row.member.program_id for row in rows}
    }
    steps = {tier.id: tier for program_id in programmes for tier in tiers(program_id)}
    names = customers.summaries([row.member.person_id for row in rows]) if named else {}
    return [
        GrantView(
            id=row.pk,
            member_id=row.member_id,
            tier=steps[row.tier_id],
            kind=row.kind,
            state=_state(row, now),
            source=row.source,
            reference=row.reference,
            reason=row.reason,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            last_day=programmes[row.member.program_id].today(row.ends_at - dt.timedelta(seconds=1)),
            asked_by=row.asked_by,
            asked_at=row.asked_at,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            note=row.note,
            name=names[row.member.person_id].name if named else "",
        )
        for row in rows
    ]


def _state(row: TierGrant, now: dt.datetime) -> str:
    if row.status != TierGrant.Status.GIVEN:
        return str(row.status)
    if now >= row.ends_at:
        return "over"
    return "running" if now >= row.starts_at else "coming"
