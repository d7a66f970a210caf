"""A tier's reasons and its terms as sentences in the reader's language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhike.kernel.money import yuan_text

if TYPE_CHECKING:
    from zhike.loyalty.queries.members import TierView
    from zhike.loyalty.queries.standing import TierStanding


def yuan(fen: int) -> str:
    """¥1,234.50, or ¥1,234 where nothing stands behind the point."""
    whole, _point, rest = yuan_text(fen).partition(".")
    return f"¥{int(whole):,}" + ("" if rest == "00" else f".{rest}")


def day_text(day: dt.date) -> str:
    return date_format(day, "Y-m-d")


def standing_of(one: TierStanding) -> str:
    """Until when a tier is held and what keeps it, in one sentence or two."""
    parts = []
    if one.lent is not None:
        words = {"tier": one.tier.name, "day": day_text(one.lent.last_day), "earned": one.earned.name}
        parts.append(_("%(tier)s is lent to you until %(day)s; earned by yourself: %(earned)s.") % words)
    if one.until is None:
        return " ".join(parts)
    words = {"tier": one.earned.name, "day": day_text(one.until), "amount": yuan(one.missing_fen)}
    if one.in_grace and one.grace_until is not None:
        words["day"] = day_text(one.grace_until)
        text = _("The period of %(tier)s is over; spend %(amount)s more by %(day)s and you keep it.")
    elif one.is_kept:
        text = _("%(tier)s is yours until %(day)s, and you have done what keeps it for the next period.")
    else:
        text = _("%(tier)s is yours until %(day)s; spend %(amount)s more and you keep it.")
    parts.append(text % words)
    if one.keep_visits and not one.is_kept:
        missing = max(0, one.keep_visits - one.counted_visits)
        parts.append(
            ngettext("Or buy on %(days)s more day.", "Or buy on %(days)s more days.", missing)
            % {"days": missing}
        )
    return " ".join(parts)


def reason_of(
    cause: str, why: Mapping[str, Any], after: TierView, until: dt.date | None, grant_reason: str = ""
) -> str:
    """Why a decision on a tier came out as it did."""
    words = {
        "tier": after.name,
        "spend": yuan(int(why.get("spend_fen", 0))),
        "needed": yuan(int(why.get("keep_fen", why.get("threshold_fen", 0)))),
        "until": day_text(until) if until else "",
        "ended": str(why.get("period_end", "")),
        "reason": grant_reason or str(why.get("reason", "")),
    }
    text = _sentences().get(cause, "") % words
    if until and cause in ("spend", "review", "kept", "fallen", "refund", "merge"):
        text += " " + _("Held until %(until)s.") % words
    return text


def _sentences() -> dict[str, str]:
    return {
        "spend": _("Reached %(tier)s with a spend of %(spend)s in the window."),
        "review": _("Counted anew at night: a spend of %(spend)s in the window gives %(tier)s."),
        "kept": _("Kept: spent %(spend)s in the period that ended on %(ended)s; %(needed)s was needed."),
        "fallen": _(
            "Not kept: spent %(spend)s in the period that ended on %(ended)s; %(needed)s was needed."
        ),
        "refund": _("A return took the purchases away that gave the tier; %(spend)s is left in the window."),
        "merge": _("Two records became one, or two again; the spend that counts is %(spend)s."),
        "temporary": _("A temporary tier began or ended. %(reason)s"),
        "exception": _("An exception that two colleagues agreed on: %(reason)s"),
        "revoked": _("A lent tier was taken back. %(reason)s"),
    }
