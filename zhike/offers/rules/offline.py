"""What a coupon's QR says when tills without network shall trust it: code, batch, worth, first and last moment, signed.

``ZKS.<code>.<batch>.<kind><value>-<minimum>.<from>.<until>.<signature>``: the kind by a letter (LETTERS), value and minimum in
fen (of a percentage: basis points), moments in Unix seconds (until: the first at which it is no longer good), the
signature (Ed25519, RFC 8032, over all that stands before it) in base32 without padding. Only letters and digits that a
QR code packs tightly, and that survive a scanner which knows capitals only.
"""

from __future__ import annotations

import base64
import datetime as dt

from zhike.offers.rules.terms import CouponTerms

PREFIX = "ZKS."
PURPOSE = "coupon"
LETTERS = {"cash": "C", "threshold": "T", "percent": "P", "gift": "G", "parking": "F", "service": "S"}


def statement(code: str, batch_id: int, terms: CouponTerms, begin: dt.datetime, end: dt.datetime) -> str:
    """All that is signed."""
    value = terms.percent_bp if terms.kind == "percent" else terms.value_fen
    worth = f"{LETTERS[terms.kind]}{value}-{terms.minimum_fen}"
    return f"{PREFIX}{code}.{batch_id}.{worth}.{int(begin.timestamp())}.{int(end.timestamp())}"


def signed(said: str, signature: bytes) -> str:
    """The whole payload."""
    return f"{said}.{base64.b32encode(signature).decode().rstrip('=')}"


def code_in(text: str) -> str:
    """The code of such a payload; any other text as it is."""
    text = text.strip()
    if not text.upper().startswith(PREFIX):
        return text
    return text[len(PREFIX) :].partition(".")[0]
