"""Verifies a coupon at a till that has no network: python verify_coupon.py KEYS.txt PAYLOAD [USED.txt].

Stands alone on purpose: Python's own library and a file with the public keys in hex, one a line, are all a till needs. The
till's key cannot make coupons. USED.txt remembers the codes that were taken here, so that none is taken twice; the
sales are sent to the mall when the network is back, and a coupon that was taken elsewhere meanwhile is told then.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import sys
import time
from pathlib import Path
from typing import NamedTuple

KINDS = {"C": "cash", "T": "threshold", "P": "percent", "G": "gift", "F": "parking", "S": "service"}
_P = 2**255 - 19
_Q = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
Point = tuple[int, int, int, int]


class Coupon(NamedTuple):
    """``value`` and ``minimum_fen`` in fen, the value of a percentage in basis points; moments in Unix seconds."""

    code: str
    batch: int
    kind: str
    value: int
    minimum_fen: int
    begins: int
    ends: int


def verify(payload: str, keys: list[bytes], used: set[str], now: float) -> Coupon:
    """The coupon, or ValueError. ``used`` remembers what was taken here."""
    said, _, mark = payload.strip().upper().rpartition(".")
    parts = said.split(".")
    if parts[0] != "ZKS" or len(parts) != 6:
        raise ValueError("not a signed coupon")
    try:
        signature = base64.b32decode(mark + "=" * (-len(mark) % 8))
        value, minimum = map(int, parts[3][1:].split("-"))
        coupon = Coupon(
            parts[1], int(parts[2]), KINDS[parts[3][0]], value, minimum, int(parts[4]), int(parts[5])
        )
    except (LookupError, ValueError, binascii.Error):
        raise ValueError("not a signed coupon") from None
    if not any(is_signed(key, said.encode(), signature) for key in keys):
        raise ValueError("the signature does not fit")
    if not coupon.begins <= now < coupon.ends:
        raise ValueError("not good yet" if now < coupon.begins else "expired")
    if coupon.code in used:
        raise ValueError("already taken here")
    used.add(coupon.code)
    return coupon


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Ed25519, RFC 8032 section 5.1.7."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    a, r = _point(public_key), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= _Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % _Q
    base_y = 4 * pow(5, _P - 2, _P) % _P
    base = _point(base_y.to_bytes(32, "little"))
    assert base is not None
    left, right = _times(s, base), _add(r, _times(h, a))
    return (
        (left[0] * right[2] - right[0] * left[2]) % _P == 0 == (left[1] * right[2] - right[1] * left[2]) % _P
    )


def _point(data: bytes) -> Point | None:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= _P:
        return None
    x2 = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(x2, (_P + 3) // 8, _P)
    if (x * x - x2) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if (x * x - x2) % _P or (x == 0 and sign):
        return None
    x = _P - x if (x & 1) != sign else x
    return (x, y, 1, x * y % _P)


def _add(one: Point, two: Point) -> Point:
    e = (one[1] - one[0]) * (two[1] - two[0]) % _P
    f = (one[1] + one[0]) * (two[1] + two[0]) % _P
    g, h = 2 * one[3] * two[3] * _D % _P, 2 * one[2] * two[2] % _P
    return ((f - e) * (h - g) % _P, (h + g) * (f + e) % _P, (h - g) * (h + g) % _P, (f - e) * (f + e) % _P)


def _times(number: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = _add(result, point)
        point, number = _add(point, point), number >> 1
    return result


if __name__ == "__main__":
    known = [bytes.fromhex(line) for line in Path(sys.argv[1]).read_text().split()]
    ledger = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    taken = set(ledger.read_text().split()) if ledger and ledger.exists() else set()
    try:
        found = verify(sys.argv[2], known, taken, time.time())
    except ValueError as refusal:
        sys.exit(str(refusal))
    if ledger:
        with ledger.open("a") as file:
            file.write(found.code + "\n")
    print(*found)
