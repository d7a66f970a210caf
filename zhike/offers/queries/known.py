"""What never changes about a batch, kept per process: its terms, its place and its mall's time zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import NotFound
from zhike.offers.models import CouponBatch
from zhike.offers.rules.terms import CouponTerms, parse_terms
from zhike.organization import queries as organization

KNOWN_MAX = 10_000


class BatchNotFound(NotFound):
    code = "coupon-batch-not-found"
    title = _("There is no such batch of coupons.")


@dataclass(frozen=True, slots=True)
class KnownBatch:
    id: int
    template_id: int
    group_id: int
    mall_id: int | None
    zone: str
    name: str
    kind: str
    terms: CouponTerms


_known: dict[int, KnownBatch] = {}


def known_batch(batch_id: int) -> KnownBatch:
    """From memory after the first time. Raises BatchNotFound."""
    found = _known.get(batch_id)
    if found is None:
        row = CouponBatch.objects.filter(id=batch_id).select_related("template", "mall").first()
        if row is None:
            raise BatchNotFound
        found = KnownBatch(
            row.pk,
            row.template_id,
            row.template.group_id,
            row.mall_id,
            zone_of(row.mall_id),
            row.name,
            row.kind,
            parse_terms(row.terms),
        )
        if len(_known) >= KNOWN_MAX:
            _known.clear()
        _known[batch_id] = found
    return found


def batch_name(batch_id: int) -> str:
    """For lines about somebody's own coupons. Raises BatchNotFound."""
    return known_batch(batch_id).name


def zone_of(mall_id: int | None) -> str:
    """The time zone that days of a coupon are counted in; of a group's coupon, its first mall's."""
    first = mall_id or organization.first_mall_id()
    return organization.mall(first).time_zone if first else "Asia/Shanghai"


def from_json(value: Any) -> Any:
    """A jsonb value as Python; Django's connections hand it over as text."""
    return msgspec.json.decode(value) if isinstance(value, str | bytes) else value


def terms_json(terms: CouponTerms) -> Mapping[str, Any]:
    """The terms as they are stored."""
    found: dict[str, Any] = msgspec.to_builtins(terms)
    return found


def coupon_cost_at_most(batch_id: int) -> int:
    """The most one coupon of a batch can cost its payers, in fen; 0 for a percentage without a cap. Raises BatchNotFound."""
    terms = known_batch(batch_id).terms
    return (terms.cap_fen or 0) if terms.kind == "percent" else terms.value_fen
