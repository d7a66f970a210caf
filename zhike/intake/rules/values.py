"""Words of a file as values: amounts, quantities, dates, phones. Strict where a guess could cost money."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from zoneinfo import ZoneInfo

AMOUNT_FEN_MAX = 10_000_000_000
QUANTITY_MILLI_MAX = 1_000_000_000
MILLI = 1000

_PLAIN = re.compile(r"([+-]?)([0-9]{1,15})(?:\.([0-9]{1,15}))?", re.ASCII)
_CURRENCY = re.compile(r"^(-?)\s*(?:¥|￥|\$|£|€|RMB|CNY|元)\s*|\s*(?:元|RMB|CNY)$", re.IGNORECASE)
_ISO = re.compile(
    r"([0-9]{4})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*日?"
    r"(?:[T\s]\s*([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?)?",
    re.ASCII,
)
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[T\s]?([0-9]{2})([0-9]{2})([0-9]{2})?)?", re.ASCII)
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?", re.ASCII)
_CHINA_MOBILE = re.compile(r"1[3-9][0-9]{9}", re.ASCII)
_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


class TooFine(ValueError):
    """A number with more decimals than its unit has."""


def plain_number(text: str, decimal: str, thousands: str) -> str:
    """The digits of a number as people write it: without currency sign and thousands separators, with a decimal point.

    Separators must stand between groups of three, so that "1,5" is never taken for 15. Raises ValueError.
    """
    if decimal == "." and _PLAIN.fullmatch(text):
        return text
    cleaned = _CURRENCY.sub(r"\1", text.strip()).strip()
    negative = cleaned.startswith("(") and cleaned.endswith(")")
    if negative:
        cleaned = cleaned[1:-1].strip()
    whole, point, fraction = cleaned.partition(decimal)
    if thousands and thousands in whole:
        sign, digits = (whole[0], whole[1:]) if whole[:1] in "+-" else ("", whole)
        first, *groups = digits.split(thousands)
        if not 1 <= len(first) <= 3 or any(len(group) != 3 for group in groups):
            raise ValueError("thousands are not in groups of three")
        whole = sign + first + "".join(groups)
    number = f"{whole}.{fraction}" if point else whole
    if not _PLAIN.fullmatch(number):
        raise ValueError("not a number")
    return f"-{number}" if negative else number


def scaled(number: str, decimals: int, *, rounded: bool = False) -> int:
    """A plain number as an integer of its smallest unit: scaled("12.3", 2) is 1230.

    Raises TooFine when digits would be lost, unless `rounded` (halves away from zero).
    """
    match = _PLAIN.fullmatch(number)
    if match is None:
        raise ValueError("not a number")
    sign, whole, fraction = match[1], match[2], match[3] or ""
    kept, lost = fraction[:decimals].ljust(decimals, "0"), fraction[decimals:]
    value = int(whole + kept)
    if lost.strip("0"):
        if not rounded:
            raise TooFine("more decimals than the unit has")
        value += lost[0] >= "5"
    return -value if sign == "-" else value


def line_fen(quantity_milli: int, unit_price_fen: int) -> int:
    """Quantity × price in whole fen, halves up; both are zero or more."""
    return (2 * quantity_milli * unit_price_fen + MILLI) // (2 * MILLI)


@lru_cache(maxsize=65536)
def parse_moment(text: str, pattern: str) -> tuple[dt.datetime, bool]:
    """A local moment and whether it had a time of day. `pattern` is a strptime format, or auto: year first.

    Dates out of a spreadsheet come year first, whatever its cells showed, and are always understood.
    Raises ValueError.
    """
    text = text.strip()
    if match := _ISO.fullmatch(text) or (_COMPACT.fullmatch(text) if pattern == "auto" else None):
        year, month, day, hour, minute, second = match.groups()
        return dt.datetime(  # noqa: DTZ001  local on purpose; the caller knows the zone
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)
        ), hour is not None
    if pattern == "auto":
        raise ValueError("not a date that begins with the year")
    moment = dt.datetime.strptime(text, pattern)  # noqa: DTZ007  local on purpose
    if moment.tzinfo is not None:
        raise ValueError("the format must not hold a zone")
    return moment, any(code in pattern for code in ("%H", "%I", "%X", "%c", "%T"))


def parse_time(text: str) -> dt.time:
    """A time of day such as 9:05 or 21:05:00. Raises ValueError."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a time of day")
    return dt.time(int(match[1]), int(match[2]), int(match[3] or 0))


def to_utc(local: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return local.replace(tzinfo=zone).astimezone(dt.UTC)


@lru_cache(maxsize=65536)
def parse_phone(text: str) -> str:
    """E.164 of a Chinese mobile number however it is spaced, or of an international one. Raises ValueError."""
    digits = re.sub(r"[\s\-()（）.]", "", text)
    for prefix in ("+86", "0086", "86"):
        if digits.startswith(prefix) and _CHINA_MOBILE.fullmatch(digits.removeprefix(prefix)):
            return "+86" + digits.removeprefix(prefix)
    if _CHINA_MOBILE.fullmatch(digits):
        return "+86" + digits
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if _INTERNATIONAL.fullmatch(digits) and not digits.startswith("+86"):
        return digits
    raise ValueError("not a phone number")
