"""Coupon codes. 15 free characters of `kernel.codes` are 74 bits."""

from __future__ import annotations

from zhike.kernel import codes
from zhike.kernel.codes import spoken
from zhike.offers.rules import offline

__all__ = ["LENGTH", "code_of", "is_importable", "is_ours", "payload", "read_code", "spoken"]

FREE = 15
LENGTH = FREE + 1
QR_PREFIX = "ZKC."
IMPORTED_MIN, IMPORTED_MAX = 6, 40


def code_of(random: bytes) -> str | None:
    """A code from random bytes; None when there were too few of use."""
    return codes.code_of(random, FREE)


def is_ours(code: str) -> bool:
    """Whether it is a code as we make them, its check character right."""
    return codes.is_right(code, FREE)


def read_code(text: str) -> str:
    """A code as scanned or typed, in the form in which it is stored."""
    return codes.read(offline.code_in(text), QR_PREFIX)


def payload(code: str) -> str:
    """What the coupon's QR says."""
    return QR_PREFIX + code


def is_importable(code: str) -> bool:
    """Whether a foreign code can be kept: plain letters, digits and a few signs."""
    return (
        IMPORTED_MIN <= len(code) <= IMPORTED_MAX
        and code.isascii()
        and all(letter.isalnum() or letter in "_.:/+=" for letter in code)
    )
