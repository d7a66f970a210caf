"""Every write of the sales context. Values to build a receipt from: NewReceipt, NewLine, NewTender."""

from zhike.sales.operations.catalogue import NewProduct, create_category, load_products
from zhike.sales.operations.receipts import (
    SENTENCES,
    InvalidReceipt,
    ReceiptConflict,
    attach_person,
    check_receipt,
    forget_receipts,
    insert_receipts,
    mark_returned,
    receipt_rows,
)
from zhike.sales.rules import TENDER_KINDS, NewLine, NewReceipt, NewTender, refund_share

__all__ = [
    "SENTENCES",
    "TENDER_KINDS",
    "InvalidReceipt",
    "NewLine",
    "NewProduct",
    "NewReceipt",
    "NewTender",
    "ReceiptConflict",
    "attach_person",
    "check_receipt",
    "create_category",
    "forget_receipts",
    "insert_receipts",
    "load_products",
    "mark_returned",
    "receipt_rows",
    "refund_share",
]
