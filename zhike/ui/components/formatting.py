"""Values as the reader of the active language writes them. Pure: values in, text out; `now` is an argument."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.utils import formats, timezone
from django.utils.translation import get_language, gettext, ngettext

DASH = "–"
MINUS = "−"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_HOME_REGION = "CN"


def grouped(value: int | Decimal, decimals: int = 0) -> str:
    """1234567 → 1,234,567 in the reader's separators, with a real minus sign."""
    # Django cuts decimals off instead of rounding them.
    rounded = abs(Decimal(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    text = str(formats.number_format(rounded, decimal_pos=decimals, use_l10n=True, force_grouping=True))
    return f"{MINUS}{text}" if value < 0 else text


def yuan(fen: int) -> str:
    """123450 → ¥1,234.50."""
    text = grouped(Decimal(abs(fen)) / 100, 2)
    return f"{MINUS}¥{text}" if fen < 0 else f"¥{text}"


def signed(value: int) -> str:
    """120 → +120, -120 → −120: movements of points."""
    return f"+{grouped(value)}" if value > 0 else grouped(value)


def points_text(value: int) -> str:
    return ngettext("%(points)s point", "%(points)s points", value) % {"points": grouped(value)}


def compact(value: int) -> str:
    """A long count in few characters: 123456 → 12.3万 in Chinese, 123.5K in English."""
    is_chinese = (get_language() or "").startswith("zh")
    steps = (
        ((10**8, gettext("%(number)s hundred million")), (10**4, gettext("%(number)s ten thousand")))
        if is_chinese
        else ((10**9, "%(number)sB"), (10**6, "%(number)sM"), (10**3, "%(number)sK"))
    )
    for size, pattern in steps:
        if abs(value) >= size:
            number = grouped(Decimal(value) / size, 1)
            return pattern % {"number": number.removesuffix(".0")}
    return grouped(value)


def percent(share: float, decimals: int = 1) -> str:
    """0.1234 → 12.3%."""
    return f"{grouped(Decimal(str(share)) * 100, decimals)}%"


def phone(text: str) -> str:
    """Digits in the groups people read aloud: 138 0013 8000, 138 **** 8000, +852 9123 4567."""
    compacted = text.replace(" ", "")
    local = compacted.removeprefix("+86")
    if len(local) == 11 and local.startswith("1"):
        return f"{local[:3]} {local[3:7]} {local[7:]}"
    if "*" in compacted:
        return text
    import phonenumbers  # 58 modules, and most numbers are answered above

    try:
        number = phonenumbers.parse(compacted, _HOME_REGION)
    except phonenumbers.NumberParseException:
        return text
    style = phonenumbers.PhoneNumberFormat
    at_home = phonenumbers.region_code_for_number(number) == _HOME_REGION
    return phonenumbers.format_number(number, style.NATIONAL if at_home else style.INTERNATIONAL)


def moment(value: datetime) -> str:
    """Date and time in the mall's zone: 2026-11-22 14:05."""
    return formats.date_format(timezone.localtime(_aware(value)), "SHORT_DATETIME_FORMAT")


def day(value: date) -> str:
    """The date alone, in the mall's zone when a moment is given: 2026-11-22."""
    local = timezone.localtime(_aware(value)).date() if isinstance(value, datetime) else value
    return formats.date_format(local, "SHORT_DATE_FORMAT")


def relative(value: datetime, now: datetime) -> str:
    """3 minutes ago, in 2 days; beyond thirty days the date."""
    seconds = round((now - _aware(value)).total_seconds())
    if abs(seconds) < _MINUTE:
        return gettext("just now")
    if abs(seconds) >= 30 * _DAY:
        return day(value)
    return _past(seconds) if seconds > 0 else _future(-seconds)


def _past(seconds: int) -> str:
    if seconds < _HOUR:
        number = seconds // _MINUTE
        return ngettext("%(n)s minute ago", "%(n)s minutes ago", number) % {"n": number}
    if seconds < _DAY:
        number = seconds // _HOUR
        return ngettext("%(n)s hour ago", "%(n)s hours ago", number) % {"n": number}
    number = seconds // _DAY
    return ngettext("%(n)s day ago", "%(n)s days ago", number) % {"n": number}


def _future(seconds: int) -> str:
    if seconds < _HOUR:
        number = seconds // _MINUTE
        return ngettext("in %(n)s minute", "in %(n)s minutes", number) % {"n": number}
    if seconds < _DAY:
        number = seconds // _HOUR
        return ngettext("in %(n)s hour", "in %(n)s hours", number) % {"n": number}
    number = seconds // _DAY
    return ngettext("in %(n)s day", "in %(n)s days", number) % {"n": number}


def duration(value: timedelta) -> str:
    """90 minutes → 1:30:00 is for machines; people read 1 h 30 min."""
    minutes, seconds = divmod(round(value.total_seconds()), _MINUTE)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return gettext("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": seconds}
    return gettext("%(seconds)s s") % {"seconds": seconds}


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)
