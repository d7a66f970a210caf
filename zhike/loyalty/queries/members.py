"""Members: found, listed, and one in full."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import crypto
from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty.models import (
    Account,
    Member,
    MemberActivity,
    MemberCard,
    Tier,
    Transfer,
)
from zhike.loyalty.queries.counting import counted_since, grown_for
from zhike.loyalty.queries.snapshots import Programme, read_programme
from zhike.loyalty.queries.tier_words import ahead_of, amount_of
from zhike.loyalty.rules import cards
from zhike.loyalty.rules.awards import REASONS as AWARDED
from zhike.loyalty.rules.calendar import NEVER, window_start
from zhike.loyalty.rules.tiers import next_step
from zhike.organization import queries as organization

COLUMNS = {"mall": "mall_id", "merchant": "merchant_id", "own": "person__associate_id"}
NEWEST = Keyset((("enrolled_at", "desc"), ("id", "desc")))
EXPIRING_SOON = dt.timedelta(days=30)
COUNT_MAX = 10_000
CARD_FIELD = "loyalty.card_secret"


class MemberNotFound(NotFound):
    code = "member-not-found"
    title = _("There is no such member.")


@dataclass(frozen=True, slots=True)
class TierView:
    id: int
    code: str
    name: str
    rank: int
    threshold_fen: int
    colour: str
    benefits: str = ""
    keep_fen: int | None = None
    keep_visits: int | None = None
    threshold_count: int = 0
    keep_count: int | None = None
    basis: str = "spend"

    @property
    def threshold(self) -> int:
        """What reaches it, in what the ladder counts; 0 of the lowest."""
        return self.threshold_fen if self.basis == "spend" else self.threshold_count

    @property
    def reached_with(self) -> str:
        """What reaches it, in the reader's language: ¥5,000, 12 visits, 3,200 growth value."""
        return amount_of(self.threshold, self.basis)

    @property
    def kept_with(self) -> str:
        """What keeps it at the end of its period, in the reader's language."""
        own = self.keep_fen if self.basis == "spend" else self.keep_count
        return amount_of(self.threshold if own is None else own, self.basis)


@dataclass(frozen=True, slots=True)
class LotView:
    """Points that lapse together; ``expires_on`` is the last day they can be spent, None for never."""

    expires_on: dt.date | None
    remaining: int


@dataclass(frozen=True, slots=True)
class WaitingView:
    """Points that can be spent from ``available_on``, when the return window of their purchases has closed."""

    available_on: dt.date
    points: int


@dataclass(frozen=True, slots=True)
class HoldView:
    """Points set aside for a purchase being paid; they come back at ``expires_at`` unless it is confirmed."""

    hold_id: UUID
    points: int
    value_fen: int
    merchant_name: str
    reference: str
    held_at: dt.datetime
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class MemberFile:
    """One member as every desk needs it. ``balance`` is what can be spent, ``debt`` what a refund left owing.

    ``waiting`` and ``holds`` stand beside the balance: neither can be spent.
    """

    member_id: int
    person: customers.PersonView
    number: str
    status: str
    tier: TierView
    next_tier: TierView | None
    tier_since: dt.datetime
    qualifying_fen: int
    balance: int
    debt: int
    lots: tuple[LotView, ...]
    waiting: tuple[WaitingView, ...]
    holds: tuple[HoldView, ...]
    expiring_30d: int
    lifetime_earned: int
    lifetime_spent: int
    programme: Programme
    mall_id: int | None
    merchant_id: int | None
    enrolled_at: dt.datetime
    source: str
    restraint: str = ""
    """"", "spending" or "all": what oversight has stopped."""
    counted: int = 0
    """What counts toward the tier in its window: fen, visits or growth value, as the ladder counts."""
    growth: int = 0
    """Growth value in the window, where the programme has any."""

    @property
    def counted_text(self) -> str:
        """What counts, in the reader's language."""
        return amount_of(self.counted, self.tier.basis)

    @property
    def to_next(self) -> int:
        """What is missing to the next tier, in what the ladder counts; 0 at the top."""
        return max(0, self.next_tier.threshold - self.counted) if self.next_tier else 0

    @property
    def ahead(self) -> str:
        """What is missing to the next tier as a sentence in the reader's language; empty at the top."""
        return ahead_of(self.to_next, self.next_tier.name, self.tier.basis) if self.next_tier else ""

    @property
    def pending(self) -> int:
        """Points earned that cannot be spent yet."""
        return sum(one.points for one in self.waiting)

    @property
    def held(self) -> int:
        return sum(one.points for one in self.holds)

    @property
    def progress_percent(self) -> int:
        """How far from this tier's threshold to the next one's, 0 to 100."""
        if self.next_tier is None:
            return 100
        span = self.next_tier.threshold - self.tier.threshold
        return max(0, min(100, (self.counted - self.tier.threshold) * 100 // max(1, span)))


@dataclass(frozen=True, slots=True)
class MemberRow:
    member_id: int
    person_id: int
    number: str
    name: str
    phone_masked: str
    tier: TierView
    balance: int
    debt: int
    qualifying_fen: int
    enrolled_at: dt.datetime
    mall_id: int | None
    mall_name: str
    status: str


def member_id_by(
    viewer: Viewer,
    *,
    phone: str | None = None,
    card: str | None = None,
    number: str | None = None,
    email: str | None = None,
    plate: str | None = None,
) -> int:
    """The member an exact identifier names, for whoever has it before them. Raises MemberNotFound, NotAllowed."""
    require(viewer, "members.lookup")
    given = {"phone": phone, "card": card or number, "email": email, "plate": plate}
    kind, value = next((kind, value) for kind, value in given.items() if value)
    person_id = customers.person_id_by(kind, value)
    member_id = member_id_of_person(person_id) if person_id is not None else None
    if member_id is None:
        raise MemberNotFound
    return member_id


def member_id_of_person(person_id: int) -> int | None:
    """Their membership, or that of whoever stands for them."""
    own = Member.objects.filter(person_id=person_id).order_by("id").values_list("id", flat=True).first()
    if own is not None:
        return own
    survivor = customers.survivor_of(person_id)
    return None if survivor == person_id else member_id_of_person(survivor)


def owner_id_of(member_id: int) -> int:
    """The membership that stands for this one now: itself, or what it was merged into. Raises MemberNotFound."""
    owner = Member.objects.filter(id=member_id).values_list(Coalesce("survivor_id", "id"), flat=True).first()
    if owner is None:
        raise MemberNotFound
    return int(owner)


def family_of(member_id: int) -> list[int]:
    """Every membership that means the same member: the one that stands for all first."""
    owner = owner_id_of(member_id)
    merged = Member.objects.filter(survivor_id=owner).order_by("id").values_list("id", flat=True)
    return [owner, *merged]


def tier_rank(member_id: int) -> int:
    """The place of a member's tier on its ladder, the lowest 0; 0 for nobody."""
    return Member.objects.filter(id=member_id).values_list("tier__rank", flat=True).first() or 0


def tier_id_of(member_id: int) -> int:
    """The tier a member is in; 0 for nobody."""
    return Member.objects.filter(id=member_id).values_list("tier_id", flat=True).first() or 0


def person_id_of(member_id: int) -> int:
    """Raises MemberNotFound."""
    person_id = Member.objects.filter(id=member_id).values_list("person_id", flat=True).first()
    if person_id is None:
        raise MemberNotFound
    return person_id


@dataclass(frozen=True, slots=True)
class Membership:
    """A member in few words, for contexts above; whoever asks has authorised it."""

    member_id: int
    person_id: int
    program_id: int
    status: str
    mall_id: int | None
    enrolled_at: dt.datetime


def membership(member_id: int) -> Membership:
    """A membership by its own id; of one that was merged, with the state of the one that stands for it.

    Raises MemberNotFound.
    """
    rows = Member.objects.filter(id=member_id).values_list(
        "id",
        "person_id",
        "program_id",
        Coalesce("survivor__status", "status"),
        "mall_id",
        "enrolled_at",
    )
    row = rows.first()
    if row is None:
        raise MemberNotFound
    return Membership(*row)


def program_ids_of(member_ids: Sequence[int]) -> dict[int, int]:
    """The programmes of many members at once; unknown ones are left out."""
    return (
        dict(Member.objects.filter(id__in=member_ids).values_list("id", "program_id")) if member_ids else {}
    )


def person_ids_of(member_ids: Sequence[int]) -> dict[int, int]:
    """The persons of many members at once; unknown ones are left out."""
    return dict(Member.objects.filter(id__in=member_ids).values_list("id", "person_id")) if member_ids else {}


def member_file(viewer: Viewer, member_id: int, now: dt.datetime, *, presented: bool = False) -> MemberFile:
    """One member in full. ``presented``: the member showed a card or phone, so ``members.lookup`` is enough.

    Raises MemberNotFound for a missing and for a hidden member alike.
    """
    account = _account(viewer, member_id, presented)
    member = account.member
    assert member is not None
    programme = read_programme(member.program_id)
    steps = {tier.id: tier for tier in tiers(member.program_id)}
    tier_id = _tier_at(member, now)
    above = next_step(tier_id, programme.ladder)
    lots, waiting, holds = _standing(account)
    soon = now.date() + EXPIRING_SOON
    earned, spent = _lifetime(member.pk)
    return MemberFile(
        member_id=member.pk,
        person=customers.person(member.person_id),
        number=member.number,
        status=member.status,
        tier=steps[tier_id],
        next_tier=steps[above.tier_id] if above else None,
        tier_since=member.tier_since,
        qualifying_fen=account.qualifying_fen,
        balance=account.balance,
        debt=account.debt,
        lots=lots,
        waiting=waiting,
        holds=holds,
        expiring_30d=sum(lot.remaining for lot in lots if lot.expires_on and lot.expires_on <= soon),
        lifetime_earned=earned,
        lifetime_spent=spent - sum(hold.points for hold in holds),
        programme=programme,
        mall_id=member.mall_id,
        merchant_id=member.merchant_id,
        enrolled_at=member.enrolled_at,
        source=member.source,
        restraint=account.restraint,
        counted=_counted(account, programme, now),
        growth=growth_in_window(account.pk, programme, now),
    )


def _counted(account: Account, programme: Programme, now: dt.datetime) -> int:
    """What counts toward the tier, in what the ladder counts."""
    if not programme.counts_after:
        return account.qualifying_fen
    start = window_start(programme.tier_window, programme.today(now))
    return counted_since(account.pk, start, programme.tier_basis).of(programme.tier_basis)


def growth_in_window(account_id: int, programme: Programme, now: dt.datetime) -> int:
    """Growth value in the tiers' window; 0 where the programme has none."""
    if not programme.growth:
        return 0
    start = window_start(programme.tier_window, programme.today(now))
    return grown_for([account_id], [start]).get(account_id, 0)


def _tier_at(member: Member, now: dt.datetime) -> int:
    """The tier that counts now, also while one that has begun or ended is not settled yet."""
    if member.tier_due is None or member.tier_due > now:
        return member.tier_id
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT loyalty_tier_at(%s, %s, %s, %s, %s)",
            [member.pk, member.tier_id, member.earned_tier_id, member.tier_due, now],
        )
        return int(cursor.fetchone()[0])


def require_member(viewer: Viewer, member_id: int) -> None:
    """Raises MemberNotFound for a missing and for a hidden member alike."""
    _account(viewer, member_id, False)


def member_place(viewer: Viewer, member_id: int, *, presented: bool = False) -> tuple[int, int | None]:
    """(person, mall) of a member, as ``member_file`` gives them, and nothing else. Raises MemberNotFound."""
    member = _account(viewer, member_id, presented).member
    assert member is not None
    return member.person_id, member.mall_id


def _account(viewer: Viewer, member_id: int, presented: bool) -> Account:
    asked = Member.objects.filter(id=member_id)
    if presented and viewer.kind != "member":
        require(viewer, "members.lookup")
    else:
        asked = visible(asked, viewer, "members.view", {**COLUMNS, "person": "person_id"})
    owners = asked.annotate(owner=Coalesce("survivor_id", "id")).values("owner")
    account = Account.objects.filter(member_id__in=owners).select_related("member").first()
    if account is None:
        raise MemberNotFound
    return account


# A member with whoever was merged into them, and every account that ever held points of theirs.
_MEMBERS = "SELECT id FROM loyalty_member WHERE id = %(member)s OR survivor_id = %(member)s"
_ACCOUNTS = f"""SELECT id FROM loyalty_account WHERE member_id IN ({_MEMBERS}
    UNION SELECT survivor_id FROM loyalty_membermerge WHERE merged_id IN ({_MEMBERS}))"""
_STANDING = """
SELECT (SELECT json_agg(json_build_array(expires_on, points) ORDER BY expires_on) FROM (
        SELECT expires_on, sum(remaining) AS points FROM loyalty_lot
        WHERE account_id = %(account)s AND remaining > 0 GROUP BY 1) lots),
    (SELECT json_agg(json_build_array(available_on, points) ORDER BY available_on) FROM (
        SELECT w.available_on, sum(w.remaining) AS points FROM loyalty_pendingpoints w
        JOIN sales_receipt r ON r.id = w.receipt_id
        WHERE w.account_id IN ({accounts}) AND w.remaining > 0 AND r.person_id IN (
            SELECT p.id FROM loyalty_member m JOIN customers_person p ON p.id = m.person_id OR p.merged_into_id = m.person_id
            WHERE m.id = %(member)s)
        GROUP BY 1) waiting),
    (SELECT json_agg(json_build_array(id, points, value_fen, merchant_id, reference, held_at, expires_at)
        ORDER BY held_at, id) FROM loyalty_hold WHERE member_id IN ({members}) AND status = 'open')"""


def _standing(
    account: Account,
) -> tuple[tuple[LotView, ...], tuple[WaitingView, ...], tuple[HoldView, ...]]:
    """What can be spent by last day, what waits, and what is set aside; in one query."""
    with connection.cursor() as cursor:
        sql = _STANDING.format(accounts=_ACCOUNTS, members=_MEMBERS)
        cursor.execute(sql, {"account": account.pk, "member": account.member_id})
        lots, waiting, holds = (
            json.loads(part) if isinstance(part, str) else part for part in cursor.fetchone()
        )
    days = [(dt.date.fromisoformat(day), int(points)) for day, points in lots or ()]
    return (
        tuple(LotView(None if day == NEVER else day, points) for day, points in days),
        tuple(WaitingView(dt.date.fromisoformat(day), int(points)) for day, points in waiting or ()),
        tuple(_hold_view(*row) for row in holds or ()),
    )


def _hold_view(
    hold_id: str,
    points: int,
    value_fen: int,
    merchant_id: int | None,
    reference: str,
    held_at: str,
    expires_at: str,
) -> HoldView:
    merchant = organization.merchant_ref(merchant_id) if merchant_id else None
    moments = [dt.datetime.fromisoformat(text).astimezone(dt.UTC) for text in (held_at, expires_at)]
    return HoldView(UUID(hold_id), points, value_fen, merchant.name if merchant else "", reference, *moments)


def _lifetime(member_id: int) -> tuple[int, int]:
    """Points ever earned and spendable (less clawbacks), and ever redeemed or held (less what came back)."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH mine AS MATERIALIZED ({_ACCOUNTS}), moved AS (
                SELECT t.points, t.reason, true AS entering, t.explanation, t.credit_account_id AS account_id
                FROM mine JOIN loyalty_transfer t ON t.credit_account_id = mine.id AND t.credit_account_id > 0
                UNION ALL
                SELECT t.points, t.reason, false, t.explanation, t.debit_account_id
                FROM mine JOIN loyalty_transfer t ON t.debit_account_id = mine.id AND t.debit_account_id > 0)
            SELECT coalesce(sum(points) FILTER (WHERE reason = ANY(%(earning)s) AND entering), 0)
                - coalesce(sum(points) FILTER (WHERE reason IN ('clawback', 'undo', 'take_back')), 0),
                coalesce(sum(points) FILTER (WHERE reason IN ('redeem', 'hold')), 0)
                - coalesce(sum(points) FILTER (WHERE reason IN ('restore', 'unhold')), 0)
            FROM moved JOIN loyalty_account a ON a.id = moved.account_id
            WHERE coalesce((moved.explanation->>'side')::bigint, a.member_id) IN ({_MEMBERS})""",
            {"member": member_id, "earning": ["earn", "release", "adjust", "reinstate", *AWARDED]},
        )
        earned, spent = cursor.fetchone()
    return int(earned), int(spent)


@dataclass(frozen=True, slots=True)
class ActivityView:
    """How a member shops, seconds behind the till: ``visits`` are days with a purchase."""

    visits: int = 0
    purchases: int = 0
    returns: int = 0
    spent_fen: int = 0
    first_purchase_at: dt.datetime | None = None
    last_purchase_at: dt.datetime | None = None
    last_merchant_name: str = ""

    @property
    def average_fen(self) -> int:
        """What stayed spent per purchase (客单价)."""
        return self.spent_fen // self.purchases if self.purchases else 0


def activity_of(member_id: int) -> ActivityView:
    """The caller has authorised the member."""
    row = MemberActivity.objects.filter(member_id=owner_id_of(member_id)).first()
    if row is None:
        return ActivityView()
    merchant = organization.merchant_ref(row.last_merchant_id) if row.last_merchant_id else None
    return ActivityView(
        row.visits,
        row.purchases,
        row.returns,
        row.spent_fen,
        row.first_purchase_at,
        row.last_purchase_at,
        merchant.name if merchant else "",
    )


def tiers(program_id: int) -> list[TierView]:
    """The ladder, lowest first."""
    return [
        TierView(
            tier.pk,
            tier.code,
            tier.name,
            tier.rank,
            tier.threshold_fen,
            tier.colour,
            tier.benefits,
            tier.keep_fen,
            tier.keep_visits,
            tier.threshold_count,
            tier.keep_count,
            tier.program.tier_basis,
        )
        for tier in Tier.objects.filter(program_id=program_id).select_related("program").order_by("rank")
    ]


def members_page(
    viewer: Viewer,
    *,
    q: str = "",
    tier_id: int | None = None,
    mall_id: int | None = None,
    merchant_id: int | None = None,
    status: str = "",
    enrolled_from: dt.datetime | None = None,
    enrolled_to: dt.datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[MemberRow]:
    """Members in scope, newest first; ``q`` is the one search box (name, pinyin, phone, card …)."""
    rows = _filtered(viewer, q, tier_id, mall_id, merchant_id, status, enrolled_from, enrolled_to)
    page = NEWEST.page(rows, cursor, min(max(limit, 1), 200))
    return Listing(rows_of(page.items), page.next_cursor, page.previous_cursor)


def members_count(viewer: Viewer, **filters: Any) -> tuple[int, bool]:
    """How many members the filters of ``members_page`` match, counted to 10,000; True when there are more."""
    rows = _filtered(
        viewer,
        filters.get("q", ""),
        filters.get("tier_id"),
        filters.get("mall_id"),
        filters.get("merchant_id"),
        filters.get("status", ""),
        filters.get("enrolled_from"),
        filters.get("enrolled_to"),
    )
    count = rows.order_by()[: COUNT_MAX + 1].count()
    return min(count, COUNT_MAX), count > COUNT_MAX


def _filtered(
    viewer: Viewer,
    q: str,
    tier_id: int | None,
    mall_id: int | None,
    merchant_id: int | None,
    status: str,
    enrolled_from: dt.datetime | None,
    enrolled_to: dt.datetime | None,
) -> QuerySet[Member]:
    rows = visible(Member.objects.filter(survivor=None), viewer, "members.view", COLUMNS)
    conditions = {
        "tier_id": tier_id,
        "mall_id": mall_id,
        "merchant_id": merchant_id,
        "status": status or None,
        "enrolled_at__gte": enrolled_from,
        "enrolled_at__lt": enrolled_to,
    }
    rows = rows.filter(**{name: value for name, value in conditions.items() if value is not None})
    if q.strip():
        rows = rows.filter(person_id__in=[hit.person_id for hit in customers.search(viewer, q, limit=200)])
    return rows


def rows_of(members: Sequence[Member]) -> list[MemberRow]:
    """Lines of a list; the caller has authorised the members."""
    people = customers.summaries([member.person_id for member in members])
    accounts = {
        account.member_id: account
        for account in Account.objects.filter(member_id__in=[member.pk for member in members])
    }
    steps = {tier.id: tier for program_id in {m.program_id for m in members} for tier in tiers(program_id)}
    malls = {mall_id: organization.mall(mall_id).name for mall_id in {m.mall_id for m in members} if mall_id}
    rows = []
    for member in members:
        person, account = people[member.person_id], accounts[member.pk]
        rows.append(
            MemberRow(
                member_id=member.pk,
                person_id=member.person_id,
                number=member.number,
                name=person.name,
                phone_masked=person.masked_phone,
                tier=steps[member.tier_id],
                balance=account.balance,
                debt=account.debt,
                qualifying_fen=account.qualifying_fen,
                enrolled_at=member.enrolled_at,
                mall_id=member.mall_id,
                mall_name=malls.get(member.mall_id or 0, ""),
                status=member.status,
            )
        )
    return rows


def card_secret(card: MemberCard) -> str:
    """The seed of a card's rotating code, in hex."""
    return crypto.decrypt(bytes(card.secret), field=CARD_FIELD, row=card.number)


def qr_payload(member_id: int, now: dt.datetime) -> str:
    """What the member's QR shows now; it changes every 30 seconds. The caller has authorised the member."""
    card = MemberCard.objects.filter(member_id=member_id, status="active").order_by("-id").first()
    if card is None:
        raise MemberNotFound
    return cards.payload(card.number, card_secret(card), now.timestamp())


def last_transfers(account_id: int, limit: int) -> list[Transfer]:
    """The newest transfers of an account, both directions."""
    entering = Transfer.objects.filter(credit_account_id=account_id).order_by("-id")[:limit]
    leaving = Transfer.objects.filter(debit_account_id=account_id).order_by("-id")[:limit]
    return sorted([*entering, *leaving], key=lambda transfer: -transfer.pk)[:limit]
