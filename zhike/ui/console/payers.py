"""Who pays for points, in words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from zhike.kernel.errors import NotFound
from zhike.organization import queries as organization


def payer_name(code: str, group_id: int | None = None) -> str:
    """ "mall" → the mall; "merchant:12" → its name; a bank or another party by the code it was given."""
    kind, _colon, key = code.partition(":")
    if kind == "mall":
        return _mall_name(key) if key else _("The mall")
    if kind == "merchant" and key.isdecimal():
        merchant = organization.merchant_ref(int(key))
        return merchant.name if merchant else code
    if kind == "brand" and key.isdecimal() and group_id is not None:
        found = next((brand.name for brand in organization.brands(group_id) if brand.id == int(key)), key)
        return _("Brand %(name)s") % {"name": found}
    if kind == "bank":
        return _("Bank %(name)s") % {"name": key.upper()}
    return code


def _mall_name(key: str) -> str:
    try:
        return organization.mall(int(key)).name
    except (NotFound, ValueError):
        return key
