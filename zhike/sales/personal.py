"""What sales keeps of a person: what they bought."""

from __future__ import annotations

from zhike.kernel.personal import BLANK, KEEP, Holding

HOLDINGS = (
    Holding(
        "sales_receiptline", "sales_receipt", "receipt_id", "purchases", "contract", KEEP, "accounting",
        export=("receipt_id", "line_no", "sku", "name", "quantity", "unit_price_fen", "discount_fen", "net_fen"),
    ),
    Holding(
        "sales_tender", "sales_receipt", "receipt_id", "purchases", "contract", KEEP, "accounting",
        export=("receipt_id", "kind", "amount_fen"),
    ),
    Holding(
        "sales_receipt", "person", "person_id", "purchases", "contract", BLANK, "accounting",
        export=(
            "id", "kind", "mall_id", "merchant_id", "number", "business_date", "occurred_at", "gross_fen", "discount_fen",
            "net_fen",
        ),
        blanks={"person_id": "NULL"},
    ),
)  # fmt: skip
"""Receipts are vouchers of the accounts: they stay, and forget whose they were."""
