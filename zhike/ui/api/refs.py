"""From what a till says (codes, phone numbers, texts) to what an operation takes (ids, values)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import clock
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Invalid, NotAllowed, Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as loyalty_queries
from zhike.organization import queries as organization
from zhike.sales import operations as sales
from zhike.sales import queries as sales_queries
from zhike.ui.api.sentences import OUT_OF_RANGE
from zhike.ui.api.shapes import LineIn, MemberRef, ReceiptIn

YEAR_MIN, YEAR_MAX = 2000, 9000


class MerchantUnknown(Invalid):
    code = "merchant-unknown"
    title = _("There is no such merchant, or its code is not unique without the mall's.")


class MerchantClosed(Invalid):
    code = "merchant-closed"
    title = _("This merchant is closed.")


class MemberUnknown(Invalid):
    code = "member-unknown"
    title = _("Nobody is known by this phone number, card or member id.")


class CategoryUnknown(Invalid):
    code = "category-unknown"
    title = _("There is no product category with this code.")


class LineTwice(Invalid):
    code = "line-twice"
    title = _("Two lines have the same number.")


class OneOfThese(Invalid):
    code = "one-of-these"
    title = _("Give exactly one of these: %(names)s.")


class NamesMerchant(Protocol):
    merchant_id: int | None
    merchant_code: str | None
    mall_code: str | None


def merchant_of(body: NamesMerchant) -> organization.MerchantRef:
    """The merchant a body names. Raises OneOfThese, MerchantUnknown."""
    if (body.merchant_id is None) == (body.merchant_code is None):
        raise OneOfThese(names="merchant_id, merchant_code")
    if body.merchant_id is not None:
        merchant = organization.merchant_ref(body.merchant_id)
    else:
        merchant = organization.merchant_by_code(body.merchant_code or "", mall_code=body.mall_code)
    if merchant is None:
        raise MerchantUnknown
    return merchant


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who bought, by whichever id was at hand."""

    member_id: int | None = None
    person_id: int | None = None


NOBODY = Buyer()


def buyer_of(ref: MemberRef | None, viewer: Viewer, now: dt.datetime) -> Buyer:
    """Whom a body names; a rotating code is used up by it. Raises OneOfThese, MemberUnknown, and what `read_qr` does."""
    if ref is None:
        return NOBODY
    given = [name for name in ("member_id", "phone", "card", "code") if getattr(ref, name) is not None]
    if len(given) != 1:
        raise OneOfThese(names="member_id, phone, card, code")
    if ref.member_id is not None:
        return Buyer(member_id=ref.member_id)
    if ref.code is not None:
        return Buyer(member_id=loyalty.read_qr(actor=viewer, payload=ref.code, now=now))
    require(viewer, "members.lookup")
    kind = given[0]
    person_id = customers.person_id_by(kind, getattr(ref, kind))
    if person_id is None:
        raise MemberUnknown
    return Buyer(person_id=person_id)


def buyers_of(refs: Sequence[MemberRef | None], viewer: Viewer) -> list[Buyer | Problem]:
    """Whom many bodies name, in a few statements; a rotating code is no use in a batch. In the order given."""
    given = [None if ref is None else _named(ref) for ref in refs]
    may_look_up = viewer.may("members.lookup")
    members = loyalty_queries.person_ids_of(
        [int(value) for kind, value in filter(None, given) if kind == "member_id"]
    )
    known: dict[tuple[str, str], int] = {("member_id", str(key)): person for key, person in members.items()}
    for kind in ("phone", "card") if may_look_up else ():
        values = [value for name, value in filter(None, given) if name == kind]
        known |= {(kind, value): person for value, person in customers.person_ids_by(kind, values).items()}
    return [_buyer(one, known, may_look_up=may_look_up) for one in given]


def _named(ref: MemberRef) -> tuple[str, str]:
    """(kind, value); the kind is empty when it is not exactly one of member_id, phone and card."""
    given = [
        (kind, getattr(ref, kind))
        for kind in ("member_id", "phone", "card", "code")
        if getattr(ref, kind) is not None
    ]
    return (given[0][0], str(given[0][1])) if len(given) == 1 and given[0][0] != "code" else ("", "")


def _buyer(
    given: tuple[str, str] | None, known: Mapping[tuple[str, str], int], *, may_look_up: bool
) -> Buyer | Problem:
    if given is None:
        return NOBODY
    if not given[0]:
        return OneOfThese(names="member_id, phone, card")
    if given[0] != "member_id" and not may_look_up:
        return NotAllowed()
    person_id = known.get(given)
    return MemberUnknown() if person_id is None else Buyer(person_id=person_id)


def new_receipt(body: ReceiptIn, buyer: Buyer) -> sales.NewReceipt:
    """The sale as an operation takes it. Raises MerchantUnknown, MerchantClosed, CategoryUnknown, OneOfThese, Invalid."""
    merchant = merchant_of(body)
    if not merchant.is_open:
        raise MerchantClosed
    if not YEAR_MIN <= body.occurred_at.year <= YEAR_MAX:
        raise Invalid(fields={"occurred_at": [OUT_OF_RANGE]})
    return sales.NewReceipt(
        merchant_id=merchant.id,
        mall_id=merchant.mall_id,
        kind="sale",
        till=body.till.strip(),
        number=body.number.strip(),
        business_date=body.business_date or clock.business_date(body.occurred_at, merchant.time_zone),
        occurred_at=body.occurred_at,
        lines=new_lines(body.lines, merchant.group_id),
        tenders=tuple(
            sales.NewTender(tender.kind, tender.amount_fen, tender.reference) for tender in body.tenders
        ),
        person_id=buyer.person_id,
        cashier=body.cashier,
        source="api",
    )


def new_lines(lines: list[LineIn], group_id: int) -> tuple[sales.NewLine, ...]:
    codes = {line.category_code for line in lines if line.category_code is not None}
    categories = category_ids(group_id) if codes else {}
    if codes - categories.keys():
        raise CategoryUnknown
    return tuple(
        sales.NewLine(
            line_no=line.line_no or position,
            sku=line.sku,
            name=line.name,
            quantity=Decimal(str(line.quantity)),
            unit_price_fen=line.unit_price_fen,
            net_fen=line.net_fen,
            discount_fen=line.discount_fen,
            category_id=categories[line.category_code] if line.category_code is not None else None,
        )
        for position, line in enumerate(lines, start=1)
    )


def category_ids(group_id: int) -> dict[str, int]:
    return {category.code: category.id for category in sales_queries.product_categories(group_id)}
