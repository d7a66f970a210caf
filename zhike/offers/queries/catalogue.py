"""Templates and batches as staff see them, with the figures of each batch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Count, Sum

from zhike.kernel.access import Viewer, load_visible, visible
from zhike.kernel.paging import Keyset, Listing
from zhike.offers.models import CouponBatch, CouponTemplate, CouponUse
from zhike.offers.queries.known import BatchNotFound, from_json
from zhike.offers.queries.sentences import condition_text, value_text
from zhike.offers.rules.terms import CouponTerms, parse_terms

VIEW = "offers.view"
COLUMNS = {"mall": "mall_id"}
NEWEST = Keyset((("created_at", "desc"), ("id", "desc")))


@dataclass(frozen=True, slots=True)
class TemplateView:
    id: int
    group_id: int
    mall_id: int | None
    code: str
    name: str
    kind: str
    terms: CouponTerms
    definition: Mapping[str, Any]
    instructions: str
    version: int
    is_retired: bool
    created_at: dt.datetime

    @property
    def value_text(self) -> str:
        return value_text(self.terms)

    @property
    def condition_text(self) -> str:
        return condition_text(self.terms)


@dataclass(frozen=True, slots=True)
class BatchView:
    """``state`` is what it means now: open, paused, closed, sold-out, early or over."""

    id: int
    template_id: int
    mall_id: int | None
    code: str
    name: str
    kind: str
    terms: CouponTerms
    instructions: str
    stock: int
    issued: int
    per_member: int
    is_bearer: bool
    is_public: bool
    claim_from: dt.datetime
    claim_until: dt.datetime
    tier_ids: tuple[int, ...]
    status: str
    state: str
    created_at: dt.datetime
    early_from: dt.datetime | None = None
    early_tier_ids: tuple[int, ...] = ()
    early_quota: int = 0
    early_taken: int = 0
    early_stays: bool = False

    @property
    def left(self) -> int:
        return self.stock - self.issued

    @property
    def value_text(self) -> str:
        return value_text(self.terms)

    @property
    def condition_text(self) -> str:
        return condition_text(self.terms)


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """Coupons by state now; ``uses`` ever, ``returned`` of them; fen off and the baskets they came with, returns apart."""

    counts: dict[str, int] = field(default_factory=dict)
    uses: int = 0
    returned: int = 0
    discount_fen: int = 0
    sales_fen: int = 0
    funding: dict[str, int] = field(default_factory=dict)
    claimed: int = 0

    def __add__(self, other: BatchFigures) -> BatchFigures:
        return BatchFigures(
            _sum(self.counts, other.counts),
            self.uses + other.uses,
            self.returned + other.returned,
            self.discount_fen + other.discount_fen,
            self.sales_fen + other.sales_fen,
            _sum(self.funding, other.funding),
            self.claimed + other.claimed,
        )

    @property
    def use_share(self) -> float | None:
        issued = sum(self.counts.values())
        return self.counts.get("used", 0) / issued if issued else None


def templates(viewer: Viewer, *, with_retired: bool = False) -> list[TemplateView]:
    """All templates in scope, newest first."""
    rows = visible(CouponTemplate.objects.all(), viewer, VIEW, COLUMNS)
    if not with_retired:
        rows = rows.filter(retired_at=None)
    return [_template(row) for row in rows.order_by("-created_at", "-id")]


def template(viewer: Viewer, template_id: int) -> TemplateView:
    """Raises NotFound."""
    return _template(load_visible(CouponTemplate.objects.all(), template_id, viewer, VIEW, COLUMNS))


def batches_page(
    viewer: Viewer,
    *,
    now: dt.datetime,
    mall_id: int | None = None,
    template_id: int | None = None,
    status: str = "",
    q: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[BatchView]:
    """Batches in scope, newest first; ``q`` is a part of the name or the beginning of the code. Raises BadCursor."""
    rows = visible(CouponBatch.objects.all(), viewer, VIEW, COLUMNS)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    if template_id is not None:
        rows = rows.filter(template_id=template_id)
    if status:
        rows = rows.filter(status=status)
    if q.strip():
        rows = rows.filter(name__icontains=q.strip()) | rows.filter(code__istartswith=q.strip())
    page = NEWEST.page(rows, cursor, min(max(limit, 1), 200))
    return Listing([batch_view(row, now) for row in page.items], page.next_cursor, page.previous_cursor)


def batch(viewer: Viewer, batch_id: int, now: dt.datetime) -> BatchView:
    """Raises NotFound."""
    return batch_view(load_visible(CouponBatch.objects.all(), batch_id, viewer, VIEW, COLUMNS), now)


def batch_id_of(code: str) -> int:
    """Raises BatchNotFound."""
    found = CouponBatch.objects.filter(code=code).values_list("id", flat=True).first()
    if found is None:
        raise BatchNotFound
    return found


def batch_figures(batch_ids: Sequence[int]) -> dict[int, BatchFigures]:
    """What became of batches; the caller has authorised them. Two statements whatever their number."""
    found = {batch_id: BatchFigures() for batch_id in batch_ids}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT batch_id, json_object_agg(status, n), sum(claimed) FROM (
                SELECT batch_id, status, count(*) AS n, count(*) FILTER (WHERE source = 'claim') AS claimed
                FROM offers_coupon WHERE batch_id = ANY(%s) GROUP BY 1, 2) s GROUP BY 1""",
            [list(batch_ids)],
        )
        counts = {row[0]: (from_json(row[1]), int(row[2])) for row in cursor.fetchall()}
        cursor.execute(
            """WITH used AS (
                SELECT u.id, c.batch_id, u.state, u.discount_fen, u.basket_fen, u.funding
                FROM offers_couponuse u JOIN offers_coupon c ON c.id = u.coupon_id
                WHERE c.batch_id = ANY(%s) AND u.state IN ('used', 'kept', 'returned'))
            SELECT batch_id, count(*), count(*) FILTER (WHERE state = 'returned'),
                coalesce(sum(discount_fen) FILTER (WHERE state = 'used'), 0),
                coalesce(sum(basket_fen - discount_fen) FILTER (WHERE state = 'used'), 0),
                (SELECT json_object_agg(party, fen) FROM (
                    SELECT f.key AS party, sum(f.value::bigint) AS fen FROM used i, jsonb_each_text(i.funding) f
                    WHERE i.batch_id = used.batch_id AND i.state = 'used' GROUP BY 1) shares)
            FROM used GROUP BY 1""",
            [list(batch_ids)],
        )
        uses = {row[0]: row[1:] for row in cursor.fetchall()}
    for batch_id in found:
        by_state, claimed = counts.get(batch_id, ({}, 0))
        used, returned, off, sold, funding = uses.get(batch_id, (0, 0, 0, 0, None))
        found[batch_id] = BatchFigures(
            by_state, int(used), int(returned), int(off), int(sold), from_json(funding) or {}, claimed
        )
    return found


def figures_by_template(template_ids: Sequence[int]) -> dict[int, BatchFigures]:
    """What became of all batches of each template together; the caller has authorised them."""
    rows = CouponBatch.objects.filter(template_id__in=template_ids).values_list("id", "template_id")
    template_of = dict(rows)
    found: dict[int, BatchFigures] = {}
    for batch_id, one in batch_figures(list(template_of)).items():
        template_id = template_of[batch_id]
        found[template_id] = found.get(template_id, BatchFigures()) + one
    return found


@dataclass(frozen=True, slots=True)
class UsesByReference:
    """Coupons given under a reference; how many of them are used, and fen off by who pays."""

    given: int = 0
    used: int = 0
    discount_fen: int = 0
    funding: Mapping[str, int] = field(default_factory=dict)


def uses_by_reference(batch_ids: Sequence[int], reference: str) -> UsesByReference:
    """What became of the coupons of these batches that were given under a reference; the caller has authorised them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH given AS MATERIALIZED (
                SELECT id FROM offers_coupon WHERE batch_id = ANY(%s) AND reference = %s),
            used AS (SELECT u.discount_fen, u.funding FROM offers_couponuse u JOIN given g ON g.id = u.coupon_id
                WHERE u.state = 'used')
            SELECT (SELECT count(*) FROM given), count(*), coalesce(sum(discount_fen), 0),
                (SELECT json_object_agg(party, fen) FROM (SELECT f.key AS party, sum(f.value::bigint) AS fen
                    FROM used, jsonb_each_text(used.funding) f GROUP BY 1) shares)
            FROM used""",
            [list(batch_ids), reference],
        )
        given, used, off, funding = cursor.fetchone()
    return UsesByReference(int(given), int(used), int(off), from_json(funding) or {})


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}


def _template(row: CouponTemplate) -> TemplateView:
    return TemplateView(
        row.pk,
        row.group_id,
        row.mall_id,
        row.code,
        row.name,
        row.kind,
        parse_terms(row.terms),
        row.terms,
        row.instructions,
        row.version,
        row.retired_at is not None,
        row.created_at,
    )


def batch_view(row: CouponBatch, now: dt.datetime) -> BatchView:
    return BatchView(
        row.pk,
        row.template_id,
        row.mall_id,
        row.code,
        row.name,
        row.kind,
        parse_terms(row.terms),
        row.instructions,
        row.stock,
        row.issued,
        row.per_member,
        row.is_bearer,
        row.is_public,
        row.claim_from,
        row.claim_until,
        tuple(row.tier_ids),
        row.status,
        _state(row, now),
        row.created_at,
        row.early_from,
        tuple(row.early_tier_ids),
        row.early_quota,
        row.early_taken,
        row.early_stays,
    )


def _state(row: CouponBatch, now: dt.datetime) -> str:
    if row.status != CouponBatch.Status.OPEN:
        return row.status
    if now >= row.claim_until:
        return "over"
    if row.issued >= row.stock:
        return "sold-out"
    return "early" if row.is_public and now < row.claim_from else "open"


def taken_off_by(coupon_ids: Sequence[int]) -> tuple[int, int]:
    """How many of these coupons are used, and the fen they took off; the caller has authorised them."""
    used = CouponUse.objects.filter(coupon_id__in=coupon_ids, state=CouponUse.State.USED)
    found = used.aggregate(count=Count("id"), fen=Sum("discount_fen"))
    return int(found["count"]), int(found["fen"] or 0)
