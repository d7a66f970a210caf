"""Who pays for points, in words."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from zhike.kernel.errors import NotFound
from zhike.organization import queries as organization

BANKS = ("icbc", "ccb", "abc", "boc", "bocom", "cmb", "psbc", "citic", "spdb", "cgb")


def payer_name(code: str, group_id: int | None = None) -> str:
    """ "mall" → the mall; "merchant:12" → its name; a bank or another party by the code it was given."""
    code = code.partition("@")[0]
    kind, _colon, key = code.partition(":")
    if kind == "mall":
        return _mall_name(key) if key else _("The mall")
    if code == "merchant":
        return _("The merchant of the purchase")
    if kind == "merchant" and key.isdecimal():
        merchant = organization.merchant_ref(int(key))
        return merchant.name if merchant else code
    if kind == "brand" and key.isdecimal() and group_id is not None:
        found = next((brand.name for brand in organization.brands(group_id) if brand.id == int(key)), key)
        return _brand(found)
    if kind == "bank":
        return _("Bank %(name)s") % {"name": key.upper()}
    return code


def rule_payers(group_id: int, merchants: Iterable[organization.MerchantRef]) -> list[tuple[str, str]]:
    """Who may pay for the points of a rule, as (code, name)."""
    brands = [(f"brand:{one.id}", _brand(one.name)) for one in organization.brands(group_id)]
    shops = [(f"merchant:{one.id}", one.name) for one in merchants]
    others = [(code, payer_name(code)) for code in ("mall", "merchant", *(f"bank:{bank}" for bank in BANKS))]
    return [*others, *brands, *shops]


def _brand(name: str) -> str:
    return _("Brand %(name)s") % {"name": name}


def _mall_name(key: str) -> str:
    try:
        return organization.mall(int(key)).name
    except (NotFound, ValueError):
        return key
