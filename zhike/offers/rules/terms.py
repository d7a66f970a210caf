"""The terms of a coupon as data: parsed once from JSON, refused with the path of what is wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from zhike.offers.rules.shares import UNIT_BP

Kind = Literal["cash", "threshold", "percent", "gift", "parking", "service"]
KINDS: tuple[Kind, ...] = ("cash", "threshold", "percent", "gift", "parking", "service")
MONEY_KINDS = ("cash", "threshold", "percent")
FUNDERS = ("mall", "merchant", "brand")
VALUE_FEN_MAX = 100_000_000
DAYS_MAX = 3660
MINUTES_MAX = 60 * 24 * 31


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"excluded": "except"}):
    """Which of them take part; ``only`` empty: all but ``except``."""

    only: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()

    def covers(self, key: int | None) -> bool:
        return (not self.only or key in self.only) and key not in self.excluded

    @property
    def is_open(self) -> bool:
        return not self.only and not self.excluded


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A time of the week, in the mall's zone: ISO weekdays (none: every day), minutes of the day, half-open."""

    weekdays: tuple[int, ...] = ()
    from_minute: int = 0
    to_minute: int = 1440

    def covers(self, local: dt.datetime) -> bool:
        minute = local.hour * 60 + local.minute
        return (not self.weekdays or local.isoweekday() in self.weekdays) and (
            self.from_minute <= minute < self.to_minute
        )


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where, on what, when and for whom. Empty parts restrict nothing; ``skus`` are the merchants' article numbers."""

    malls: tuple[int, ...] = ()
    merchants: Choice = Choice()
    trade_categories: Choice = Choice()
    product_categories: Choice = Choice()
    skus: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    blackout_dates: tuple[dt.date, ...] = ()
    tiers: tuple[int, ...] = ()


class Validity(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_date": "from", "to_date": "to"}
):
    """Fixed (``from``, ``to``: dates inclusive) or relative (``days`` from ``after_days`` days after the issue on)."""

    from_date: dt.date | None = None
    to_date: dt.date | None = None
    days: int | None = None
    after_days: int = 0


class CouponTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``value_fen``: off (cash, threshold), or what a gift, parking or service costs whoever pays for it.

    ``percent_bp`` is taken off (2,000 is 八折), at most ``cap_fen``. ``minimum_fen``: from so much of what the coupon
    covers. ``on_return``: what happens when all that it was used for comes back: given back, or kept. A coupon given back
    after its end is good for ``grace_days`` more. ``alone``: not with another coupon on the same basket. ``offline``: its QR is
    signed, so that a till without network can trust it.
    """

    kind: Kind
    validity: Validity
    value_fen: int = 0
    minimum_fen: int = 0
    percent_bp: int = 0
    cap_fen: int | None = None
    minutes: int = 0
    item: str = ""
    scope: Scope = Scope()
    funding: dict[str, int] = msgspec.field(default_factory=lambda: {"mall": UNIT_BP})
    on_return: Literal["give_back", "keep"] = "give_back"
    grace_days: int = 0
    alone: bool = False
    offline: bool = False


class TermsError(ValueError):
    """``path`` is the JSON path of what is wrong, ``reason`` a stable word."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def parse_terms(data: Mapping[str, Any]) -> CouponTerms:
    """Parse and check. Raises TermsError."""
    try:
        terms = msgspec.convert(data, CouponTerms, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        raise TermsError(path.strip("`") or "$", reason) from None
    for path, is_right in _conditions(terms):
        if not is_right:
            raise TermsError(path, "out-of-range")
    return terms


def _conditions(terms: CouponTerms) -> list[tuple[str, bool]]:
    value_needed = terms.kind in ("cash", "threshold")
    validity = terms.validity
    fixed = validity.from_date is not None and validity.to_date is not None
    relative = validity.days is not None
    return [
        ("value_fen", (1 if value_needed else 0) <= terms.value_fen <= VALUE_FEN_MAX),
        ("minimum_fen", (1 if terms.kind == "threshold" else 0) <= terms.minimum_fen <= VALUE_FEN_MAX),
        ("minimum_fen", terms.kind != "threshold" or terms.minimum_fen >= terms.value_fen),
        (
            "percent_bp",
            1 <= terms.percent_bp <= UNIT_BP if terms.kind == "percent" else terms.percent_bp == 0,
        ),
        ("cap_fen", terms.cap_fen is None or 1 <= terms.cap_fen <= VALUE_FEN_MAX),
        ("minutes", 1 <= terms.minutes <= MINUTES_MAX if terms.kind == "parking" else terms.minutes == 0),
        ("item", bool(terms.item.strip()) if terms.kind in ("gift", "service") else True),
        ("item", len(terms.item) <= 120),
        ("validity", fixed != relative),
        ("validity.to", not fixed or _in_order(validity)),
        ("validity.days", not relative or 1 <= (validity.days or 0) <= DAYS_MAX),
        ("validity.after_days", 0 <= validity.after_days <= DAYS_MAX),
        ("funding", set(terms.funding) <= set(FUNDERS) and sum(terms.funding.values()) == UNIT_BP),
        ("funding", all(0 < share <= UNIT_BP for share in terms.funding.values())),
        ("grace_days", 0 <= terms.grace_days <= DAYS_MAX),
        ("scope.windows", all(_is_window(window) for window in terms.scope.windows)),
    ]


def _in_order(validity: Validity) -> bool:
    assert validity.from_date is not None and validity.to_date is not None
    return validity.from_date <= validity.to_date


def _is_window(window: Window) -> bool:
    return 0 <= window.from_minute < window.to_minute <= 1440 and all(
        1 <= day <= 7 for day in window.weekdays
    )


def validity_of(terms: CouponTerms, issued_at: dt.datetime, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """From when and until when (exclusive) a coupon issued now is good. Days are whole days of the mall.

    The day of the issue is the first of a relative validity, so "7 days" issued on Monday ends with Sunday.
    """
    validity = terms.validity
    if validity.days is None:
        assert validity.from_date is not None and validity.to_date is not None
        return _midnight(validity.from_date, zone), _midnight(validity.to_date + dt.timedelta(days=1), zone)
    first = issued_at.astimezone(ZoneInfo(zone)).date() + dt.timedelta(days=validity.after_days)
    begin = issued_at if validity.after_days == 0 else _midnight(first, zone)
    return begin, _midnight(first + dt.timedelta(days=validity.days), zone)


def _midnight(day: dt.date, zone: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.min, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
