"""Money is an integer number of fen. Text becomes fen here and nowhere else; no float ever does."""

from __future__ import annotations

import re
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Invalid

FEN_MAX = 10**15
_AMOUNT = re.compile(r"[+-]?[0-9]{1,13}(\.[0-9]{1,2})?", re.ASCII)


class NotAnAmount(Invalid):
    code = "not-an-amount"
    title = _("“%(text)s” is not an amount in yuan with at most two decimals.")


def fen_from_text(text: str) -> int:
    """Fen of an amount in yuan such as "12.34". Strict: no separators, no exponent, no third decimal.

    Raises NotAnAmount.
    """
    stripped = text.strip()
    if not _AMOUNT.fullmatch(stripped):
        raise NotAnAmount(text=text[:40])
    return int(Decimal(stripped) * 100)


def yuan_text(fen: int) -> str:
    """Plain "-12.34": for files and APIs. Pages format with the reader's separators instead."""
    sign = "-" if fen < 0 else ""
    yuan, rest = divmod(abs(fen), 100)
    return f"{sign}{yuan}.{rest:02d}"


def round_half_up_ratio(numerator: int, denominator: int) -> int:
    """numerator / denominator to the nearest integer, halves away from zero, integers only.

    Symmetric about zero, so that a refund is the exact mirror of what it refunds.
    """
    if denominator == 0:
        raise ZeroDivisionError("ratio with a zero denominator")
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude
