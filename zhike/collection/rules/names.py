"""Event names of Segment's E-commerce specification v2, and the amounts they carry. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

_SPOKEN = (
    "Products Searched", "Product List Viewed", "Product List Filtered", "Promotion Viewed", "Promotion Clicked",
    "Product Clicked", "Product Viewed", "Product Added", "Product Removed", "Cart Viewed", "Checkout Started",
    "Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered", "Order Completed", "Order Updated",
    "Order Refunded", "Order Cancelled", "Coupon Entered", "Coupon Applied", "Coupon Denied", "Coupon Removed",
    "Product Added to Wishlist", "Product Removed from Wishlist", "Wishlist Product Added to Cart", "Product Shared",
    "Cart Shared", "Product Reviewed",
)  # fmt: skip
_OLDER = {
    "viewed product": "product_viewed",
    "viewed product category": "product_list_viewed",
    "added product": "product_added",
    "removed product": "product_removed",
    "completed order": "order_completed",
}
"""Names of the first version, which old sites still send."""

COMMERCE: Mapping[str, str] = {
    name.casefold(): name.casefold().replace(" ", "_") for name in _SPOKEN
} | _OLDER
COMMERCE_NAMES = frozenset(COMMERCE.values())
NECESSARY = frozenset({"order_completed", "order_updated", "order_refunded", "order_cancelled"})
"""What a shop must keep of its customer to perform the contract, consent or not (PIPL 13(1)2)."""

NAME_LENGTH_MAX = 100
_AMOUNTS = ("price", "value", "total", "subtotal", "revenue", "shipping", "tax", "discount")
_FEN_MAX = 10**13


def canonical(said: str) -> str:
    """Our word for an event: that of the specification, else the source's own, without stray spaces."""
    text = " ".join(said.split())[:NAME_LENGTH_MAX]
    return COMMERCE.get(text.casefold(), text)


def with_fen(properties: dict[str, Any]) -> dict[str, Any]:
    """Amounts of a commerce event in fen beside what was said: price 12.5 → price_fen 1250, in its products too.

    Only in yuan (currency CNY, RMB or none); other currencies keep their own numbers.
    """
    currency = str(properties.get("currency") or "CNY").upper()
    if currency not in ("CNY", "RMB"):
        return properties
    found: dict[str, Any] = {
        f"{name}_fen": fen for name in _AMOUNTS if (fen := _fen(properties.get(name))) is not None
    }
    products = properties.get("products")
    if isinstance(products, list):
        found["products"] = [_priced(one) for one in products]
    return properties | found if found else properties


def _priced(product: Any) -> Any:
    fen = _fen(product.get("price")) if isinstance(product, dict) else None
    return product if fen is None else product | {"price_fen": fen}


def _fen(amount: Any) -> int | None:
    """Half a fen is rounded to the even one, as Decimal does; None for what is no amount."""
    if isinstance(amount, bool) or not isinstance(amount, int | float | str):
        return None
    try:
        fen = Decimal(str(amount)) * 100
        return int(fen.to_integral_value()) if fen.is_finite() and abs(fen) < _FEN_MAX else None
    except (InvalidOperation, ValueError):
        return None
