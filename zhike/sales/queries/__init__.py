"""Every read of the sales context."""

from zhike.sales.queries.bulk import (
    KnownReceipt,
    NaturalKey,
    ProductRef,
    ReturnableLine,
    SoldBy,
    product_refs,
    receipts_by_keys,
    returnable_lines,
)
from zhike.sales.queries.catalogue import CategoryRef, product_categories
from zhike.sales.queries.receipts import (
    DayOfSales,
    LineView,
    ReceiptRow,
    ReceiptView,
    TenderView,
    merchant_of_receipt,
    receipt,
    receipt_by_key,
    receipts_of_person,
    receipts_page,
    sales_by_day,
    sales_by_merchant,
)

__all__ = [
    "CategoryRef",
    "DayOfSales",
    "KnownReceipt",
    "LineView",
    "NaturalKey",
    "ProductRef",
    "ReceiptRow",
    "ReceiptView",
    "ReturnableLine",
    "SoldBy",
    "TenderView",
    "merchant_of_receipt",
    "product_categories",
    "product_refs",
    "receipt",
    "receipt_by_key",
    "receipts_by_keys",
    "receipts_of_person",
    "receipts_page",
    "returnable_lines",
    "sales_by_day",
    "sales_by_merchant",
]
