"""The code of a receipt that nobody owns yet: printed as a QR, it gives its points to whoever scans it first.

The receipt's id and the first bytes of its HMAC-SHA-256 under the program's secret key, in URL-safe base64: 35 characters.
Whoever has it holds the paper, so nobody has to review it; it cannot be guessed or made.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
from dataclasses import dataclass
from uuid import UUID

from django.utils.crypto import salted_hmac

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.loyalty.queries.members import member_file
from zhike.organization import queries as organization
from zhike.sales import queries as records

SIGNATURE_BYTES = 10
LENGTH = 35
_SALT = "zhike.loyalty.receipt"


@dataclass(frozen=True, slots=True)
class ScannedReceipt:
    """A receipt in front of the member who scanned it. ``state``: free, own, taken, returned, late or unknown; what was
    bought is told while it is free or their own."""

    state: str
    receipt_id: UUID | None = None
    merchant_name: str = ""
    net_fen: int = 0
    occurred_at: dt.datetime | None = None


def receipt_code(receipt_id: UUID) -> str:
    raw = receipt_id.bytes
    return base64.urlsafe_b64encode(raw + _signature(raw)).rstrip(b"=").decode()


def receipt_of_code(code: str) -> UUID | None:
    """The receipt of a code; None for one that is not ours."""
    text = code.strip()
    if len(text) != LENGTH or not text.isascii():
        return None
    try:
        raw = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    body = raw[:16]
    if not hmac.compare_digest(_signature(body), raw[16:]):
        return None
    return UUID(bytes=body)


def _signature(raw: bytes) -> bytes:
    return salted_hmac(_SALT, raw, algorithm="sha256").digest()[:SIGNATURE_BYTES]


def scanned_receipt(viewer: Viewer, member_id: int, code: str, now: dt.datetime) -> ScannedReceipt:
    """What a member sees of the code they scanned, before they take its points. Raises MemberNotFound."""
    file = member_file(viewer, member_id, now)
    receipt_id = receipt_of_code(code)
    receipt = records.recorded_sale(receipt_id) if receipt_id else None
    if receipt is None:
        return ScannedReceipt("unknown")
    state = "free"
    if receipt.person_id is not None:
        is_own = customers.survivor_of(receipt.person_id) == file.person.id
        state = "own" if is_own else "taken"
    elif records.was_returned(receipt.pk):
        state = "returned"
    elif is_too_late(receipt.business_date, file.programme.claim_window_days, now):
        state = "late"
    if state not in ("free", "own"):
        return ScannedReceipt(state)
    merchant = organization.merchant_ref(receipt.merchant_id)
    name = merchant.name if merchant else ""
    return ScannedReceipt(state, receipt.pk, name, receipt.net_fen, receipt.occurred_at)


def is_too_late(business_date: dt.date, days: int, now: dt.datetime) -> bool:
    """Whether a sale of that day can no longer be claimed in a programme that allows so many days."""
    return (now.date() - business_date).days > days
