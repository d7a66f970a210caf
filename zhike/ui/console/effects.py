"""Measured effects as text: always with the interval, never without a holdout."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from zhike.marketing.queries import ArmFigures, Effect, JourneyResults, Relative, Review, Stretch
from zhike.ui.components.formatting import yuan


def share_text(effect: Effect | None) -> str:
    """+7.6 points (5.9 to 9.3)."""
    if effect is None:
        return "–"
    return _("%(lift)s points (%(low)s to %(high)s)") % {
        "lift": _signed(effect.difference * 100),
        "low": _signed(effect.low * 100),
        "high": _signed(effect.high * 100),
    }


def money_text(effect: Effect | None) -> str:
    """+¥12.30 (¥3.10 to ¥21.50)."""
    if effect is None:
        return "–"
    return range_text(round(effect.difference), round(effect.low), round(effect.high))


def range_text(fen: int, low: int, high: int) -> str:
    return _("%(lift)s (%(low)s to %(high)s)") % {
        "lift": f"{'+' if fen > 0 else ''}{yuan(fen)}",
        "low": yuan(low),
        "high": yuan(high),
    }


def roi_text(review: Review | JourneyResults) -> str:
    """As a multiple of the cost."""
    if review.roi is None:
        return "–"
    middle, low, high = (_signed(value) for value in review.roi)
    return _("%(lift)s (%(low)s to %(high)s)") % {"lift": middle, "low": low, "high": high}


def stretch_text(one: Stretch | None, *, is_signed: bool = True) -> str:
    """An amount of fen with its interval; ``is_signed`` puts a plus before a gain."""
    if one is None:
        return "–"
    if is_signed:
        return range_text(round(one.middle), round(one.low), round(one.high))
    ends = {"low": yuan(round(one.low)), "high": yuan(round(one.high))}
    return _("%(lift)s (%(low)s to %(high)s)") % {"lift": yuan(round(one.middle)), **ends}


def times_text(one: Stretch | None) -> str:
    """As a multiple of the cost, with its interval."""
    if one is None:
        return "–"
    middle, low, high = (_signed(value) for value in (one.middle, one.low, one.high))
    return _("%(lift)s (%(low)s to %(high)s)") % {"lift": middle, "low": low, "high": high}


def relative_text(one: Relative | None) -> str:
    """+21% (3% to 42%)."""
    if one is None:
        return "–"
    middle, low, high = (signed_percent(value) for value in (one.change, one.low, one.high))
    return _("%(lift)s (%(low)s to %(high)s)") % {"lift": middle, "low": low, "high": high}


def signed_percent(value: float) -> str:
    text = f"{value:.1%}"
    return f"+{text}" if value > 0 else text.replace("-", "−")


def tone_of(effect: Effect | None) -> str:
    if effect is None or not effect.is_found:
        return ""
    return "success" if effect.low > 0 else "error"


def arm_rows(review: Review) -> list[dict[str, Any]]:
    """All arms together, each one where there are several, and the holdout."""
    rows = []
    if review.together is not None and len(review.arms) != 1:
        rows.append(_row(_("All groups"), review.together))
    rows += [_row(_("Group %(key)s") % {"key": one.key}, one) for one in review.arms]
    if review.holdout is not None:
        rows.append(_row(_("Holdout"), review.holdout))
    return rows


def _row(name: str, arm: ArmFigures) -> dict[str, Any]:
    return {
        "name": name,
        "arm": arm,
        "visit": share_text(arm.visit),
        "visit_tone": tone_of(arm.visit),
        "revenue": money_text(arm.revenue),
        "revenue_tone": tone_of(arm.revenue),
    }


def _signed(value: float) -> str:
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return f"+{text}" if value > 0 else text.replace("-", "−")
