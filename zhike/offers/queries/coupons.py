"""Single coupons: a member's own, the one on the desk, and all of them in a list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from zhike.customers import queries as customers
from zhike.kernel import signing
from zhike.kernel.access import Viewer, require, require_touch, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty.queries import family_of, member_file, person_ids_of
from zhike.offers.models import BatchHolding, Coupon, CouponBatch, CouponUse
from zhike.offers.queries.catalogue import VIEW, BatchView, batch_view
from zhike.offers.queries.held import BasketAsked, MerchantUnknown, Quote, read_quote, refusals
from zhike.offers.queries.known import KnownBatch, known_batch
from zhike.offers.queries.sentences import condition_text, refusal_sentence, value_text
from zhike.offers.rules import offline
from zhike.offers.rules.codes import is_ours, payload, read_code, spoken
from zhike.offers.rules.terms import CouponTerms
from zhike.offers.rules.using import HeldCoupon, Refusal, state_refusal
from zhike.organization import queries as organization

COLUMNS = {"mall": "batch__mall_id"}
NEWEST = Keyset((("id", "desc"),))
ENDED = ("used", "expired", "void")


@dataclass(frozen=True, slots=True)
class CouponView:
    """``state`` is what it means now: usable, not-yet, locked, used, expired or void."""

    id: int
    code: str
    batch_id: int
    name: str
    kind: str
    terms: CouponTerms
    zone: str
    state: str
    member_id: int | None
    valid_from: dt.datetime
    valid_until: dt.datetime
    issued_at: dt.datetime
    source: str
    ended_at: dt.datetime | None
    end_reason: str
    instructions: str = ""

    @property
    def value_text(self) -> str:
        return value_text(self.terms)

    @property
    def condition_text(self) -> str:
        return condition_text(self.terms)

    @property
    def spoken_code(self) -> str:
        return spoken(self.code)

    @property
    def payload(self) -> str:
        """What its QR says; signed for tills without network where the terms ask for it."""
        if not is_ours(self.code):
            return self.code
        if not self.terms.offline:
            return payload(self.code)
        said = offline.statement(self.code, self.batch_id, self.terms, self.valid_from, self.valid_until)
        return offline.signed(said, signing.sign(offline.PURPOSE, said.encode()).value)

    @property
    def last_moment(self) -> dt.datetime:
        """The last second it is good, for a page to show as a day."""
        return self.valid_until - dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class UseView:
    lock_id: UUID
    state: str
    merchant_id: int
    merchant_name: str
    basket_fen: int
    discount_fen: int
    funding: dict[str, int]
    till: str
    number: str
    business_date: dt.date
    locked_at: dt.datetime
    used_at: dt.datetime | None
    ended_at: dt.datetime | None
    used_by: str


@dataclass(frozen=True, slots=True)
class CouponRow:
    """A coupon in the console's list, with the holder's name as the viewer may see it."""

    coupon: CouponView
    holder: str


def member_coupons(
    viewer: Viewer, member_id: int, now: dt.datetime, *, presented: bool = False, limit: int = 200
) -> list[CouponView]:
    """A member's coupons, newest first. Raises MemberNotFound for whoever the viewer may not see."""
    member_file(viewer, member_id, now, presented=presented)
    mine = Coupon.objects.filter(member_id__in=family_of(member_id))
    rows = mine.select_related("batch").order_by("-id")[:limit]
    return [coupon_view(row, now) for row in rows]


def member_coupon(viewer: Viewer, member_id: int, coupon_id: int, now: dt.datetime) -> CouponView:
    """One of a member's own. Raises NotFound."""
    member_file(viewer, member_id, now)
    mine = Coupon.objects.filter(member_id__in=family_of(member_id), id=coupon_id)
    row = mine.select_related("batch").first()
    if row is None:
        raise NotFound
    return coupon_view(row, now)


@dataclass(frozen=True, slots=True)
class Claimable:
    """A public batch in front of one member: how many they took, and why they cannot take one (None: they can).

    ``opens_at`` is when it opens for them, ``is_early`` whether that is before everybody, for their tier; ``left`` are those
    they may still have.
    """

    batch: BatchView
    taken: int
    refusal: str | None
    opens_at: dt.datetime
    is_early: bool
    left: int


def claimable(viewer: Viewer, member_id: int, now: dt.datetime) -> list[Claimable]:
    """The batches that members may claim now or soon, those this member can take first. Raises MemberNotFound."""
    file = member_file(viewer, member_id, now)
    rows = list(
        CouponBatch.objects.filter(
            Q(mall=None) | Q(mall_id=file.mall_id) | Q(mall__group_id=file.programme.group_id),
            template__group_id=file.programme.group_id,
            is_public=True,
            status=CouponBatch.Status.OPEN,
            claim_until__gt=now,
        ).order_by("claim_until", "id")[:100]
    )
    held = BatchHolding.objects.filter(
        member_id__in=family_of(member_id), batch_id__in=[row.pk for row in rows]
    )
    taken = dict(held.values_list("batch_id").annotate(Sum("taken")))
    found = [_claimable(row, taken.get(row.pk, 0), file.tier.id, now) for row in rows]
    return sorted(found, key=lambda one: one.refusal is not None)


def _claimable(row: CouponBatch, taken: int, tier_id: int, now: dt.datetime) -> Claimable:
    """As the database decides it (offers_claim)."""
    is_theirs = row.early_from is not None and tier_id in row.early_tier_ids
    is_before = now < row.claim_from
    kept = row.early_quota - row.early_taken if row.early_from and (is_before or row.early_stays) else 0
    has_kept = is_theirs and kept > 0
    left = row.stock - row.issued if has_kept or not kept else row.stock - row.issued - kept
    if is_before:
        left = kept if is_theirs else left
    opens_at = row.early_from if has_kept and row.early_from else row.claim_from
    refusal = None
    if row.per_member and taken >= row.per_member:
        refusal = "limit"
    elif row.tier_ids and tier_id not in row.tier_ids:
        refusal = "tier"
    elif is_before and is_theirs and not kept:
        refusal = "early_quota"
    elif now < opens_at:
        refusal = "early"
    elif left <= 0:
        refusal = "stock"
    return Claimable(batch_view(row, now), taken, refusal, opens_at, has_kept and is_before, left)


def coupon_by_code(viewer: Viewer, code: str, now: dt.datetime) -> CouponView | None:
    """The coupon somebody holds in front of a till; whoever may use coupons may look. None for a code nobody knows."""
    require(viewer, "coupons.use")
    row = Coupon.objects.filter(code=read_code(code)).select_related("batch").first()
    return coupon_view(row, now) if row else None


def signing_keys(viewer: Viewer) -> dict[str, str]:
    """The public keys that signed coupons are checked by, in hex by their id, oldest first. Raises NotAllowed."""
    require(viewer, "coupons.use")
    return {kid: key.hex() for kid, key in signing.public_keys(offline.PURPOSE).items()}


def looks_like_code(text: str) -> bool:
    """Whether a scanned or typed text is a coupon's code of ours, by its check character."""
    return is_ours(read_code(text))


def coupon_of(coupon_id: int, now: dt.datetime) -> CouponView:
    """The caller has authorised it. Raises NotFound."""
    row = Coupon.objects.filter(id=coupon_id).select_related("batch").first()
    if row is None:
        raise NotFound
    return coupon_view(row, now)


def coupons_page(
    viewer: Viewer,
    *,
    now: dt.datetime,
    batch_id: int | None = None,
    member_id: int | None = None,
    state: str = "",
    code: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[CouponRow]:
    """Coupons in scope, newest first. Raises BadCursor."""
    rows = visible(Coupon.objects.select_related("batch"), viewer, VIEW, COLUMNS)
    if batch_id is not None:
        rows = rows.filter(batch_id=batch_id)
    if member_id is not None:
        rows = rows.filter(member_id__in=family_of(member_id))
    if code.strip():
        rows = rows.filter(code=read_code(code))
    page = NEWEST.page(_in_state(rows, state, now), cursor, min(max(limit, 1), 200))
    holders = _holders(page.items)
    items = [CouponRow(coupon_view(row, now), holders.get(row.member_id or 0, "")) for row in page.items]
    return Listing(items, page.next_cursor, page.previous_cursor)


def _in_state(rows: QuerySet[Coupon], state: str, now: dt.datetime) -> QuerySet[Coupon]:
    if state == "usable":
        return rows.filter(status="issued", valid_until__gt=now)
    if state == "expired":
        return rows.filter(Q(status="expired") | Q(status="issued", valid_until__lte=now))
    return rows.filter(status=state) if state else rows


def _holders(rows: Sequence[Coupon]) -> dict[int, str]:
    persons = person_ids_of([row.member_id for row in rows if row.member_id is not None])
    names = customers.summaries(list(persons.values()))
    return {member_id: names[person_id].name for member_id, person_id in persons.items()}


def coupon_file(viewer: Viewer, coupon_id: int, now: dt.datetime) -> tuple[CouponRow, list[UseView]]:
    """One coupon with every use it ever had, newest first. Raises NotFound."""
    row = visible(Coupon.objects.select_related("batch"), viewer, VIEW, COLUMNS).filter(id=coupon_id).first()
    if row is None:
        raise NotFound
    uses = CouponUse.objects.filter(coupon_id=coupon_id).order_by("-id")
    holders = _holders([row])
    return CouponRow(coupon_view(row, now), holders.get(row.member_id or 0, "")), [_use(use) for use in uses]


def coupon_view(row: Coupon, now: dt.datetime) -> CouponView:
    batch = known_batch(row.batch_id)
    refusal = state_refusal(_held(row, batch), now)
    state = "usable" if refusal is None or refusal.code == "batch-closed" else refusal.code
    return CouponView(
        row.pk,
        row.code,
        row.batch_id,
        batch.name,
        batch.kind,
        batch.terms,
        batch.zone,
        state,
        row.member_id,
        row.valid_from,
        row.valid_until,
        row.issued_at,
        row.source,
        row.ended_at,
        row.end_reason,
        row.batch.instructions,
    )


def _held(row: Coupon, batch: KnownBatch) -> HeldCoupon:
    return HeldCoupon(
        row.pk,
        row.code,
        row.status,
        row.member_id,
        row.valid_from,
        row.valid_until,
        row.lock_until,
        "open",
        batch.terms,
    )


def _use(use: CouponUse) -> UseView:
    merchant = organization.merchant_ref(use.merchant_id)
    return UseView(
        use.lock_id,
        use.state,
        use.merchant_id,
        merchant.name if merchant else "",
        use.basket_fen,
        use.discount_fen,
        use.funding,
        use.till,
        use.number,
        use.business_date,
        use.locked_at,
        use.used_at,
        use.ended_at,
        use.used_by,
    )


@dataclass(frozen=True, slots=True)
class QuotedCoupon:
    """``refusal`` is a stable code, "" when it can be used; ``sentence`` says it in words."""

    code: str
    coupon: CouponView | None
    discount_fen: int
    lines: tuple[tuple[int, int], ...]
    funding: dict[str, int]
    refusal: str
    sentence: str


@dataclass(frozen=True, slots=True)
class QuoteView:
    basket_fen: int
    discount_fen: int
    coupons: tuple[QuotedCoupon, ...]

    @property
    def is_usable(self) -> bool:
        return not any(one.refusal for one in self.coupons)


def quote_coupons(viewer: Viewer, basket: BasketAsked, codes: Sequence[str], now: dt.datetime) -> QuoteView:
    """What coupons would take off a basket, in the order given, or why they cannot be used; changes nothing.

    Raises BasketUnusable, MerchantUnknown, NotAllowed.
    """
    merchant = organization.merchant_ref(basket.merchant_id)
    if merchant is None:
        raise MerchantUnknown
    require_touch(viewer, "coupons.use", mall=merchant.mall_id, merchant=merchant.id)
    quote = read_quote(basket, codes, now)
    zone = merchant.time_zone
    why = refusals(quote)
    rows = {
        row.code: row for row in Coupon.objects.filter(code__in=list(quote.facts)).select_related("batch")
    }
    return QuoteView(
        quote.basket.total_fen,
        quote.discount_fen,
        tuple(_quoted(code, quote, why.get(code), rows.get(code), zone, now) for code in quote.codes),
    )


def _quoted(
    code: str, quote: Quote, refusal: Refusal | None, row: Coupon | None, zone: str, now: dt.datetime
) -> QuotedCoupon:
    verdict = quote.verdicts.get(code)
    share = verdict.share if verdict else None
    return QuotedCoupon(
        code,
        coupon_view(row, now) if row else None,
        share.discount_fen if share else 0,
        share.lines if share else (),
        share.funding if share else {},
        refusal.code if refusal else "",
        refusal_sentence(refusal, zone) if refusal else "",
    )
