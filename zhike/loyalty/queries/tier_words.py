"""A tier's reasons and its terms as sentences in the reader's language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhike.kernel.money import yuan_text
from zhike.loyalty.rules.growth import GrowthRules

if TYPE_CHECKING:
    from zhike.loyalty.queries.members import TierView
    from zhike.loyalty.queries.standing import TierStanding


def yuan(fen: int) -> str:
    """¥1,234.50, or ¥1,234 where nothing stands behind the point."""
    whole, _point, rest = yuan_text(fen).partition(".")
    return f"¥{int(whole):,}" + ("" if rest == "00" else f".{rest}")


def amount_of(counted: int, basis: str) -> str:
    """What a ladder counts, with its unit: ¥1,234, 3 visits, 320 growth value."""
    if basis == "visits":
        return ngettext("%(count)s visit", "%(count)s visits", counted) % {"count": f"{counted:,}"}
    if basis == "growth":
        return _("%(count)s growth value") % {"count": f"{counted:,}"}
    return yuan(counted)


def ahead_of(missing: int, tier: str, basis: str) -> str:
    """What is missing to a tier, in one sentence."""
    words = {"amount": amount_of(missing, basis), "tier": tier}
    if basis == "spend":
        return _("Spend %(amount)s more to reach %(tier)s.") % words
    return _("%(amount)s more to reach %(tier)s.") % words


def growth_words(rules: GrowthRules | None) -> str:
    """How growth value is earned, in one sentence."""
    if rules is None:
        return _("No growth value is given any more.")
    parts = []
    if rules.growth:
        parts.append(
            _("%(growth)s for every %(amount)s spent")
            % {"growth": rules.growth, "amount": yuan(rules.per_fen)}
        )
    if rules.visit:
        parts.append(_("%(growth)s for a day with a purchase") % {"growth": rules.visit})
    names = deed_names()
    parts += [f"{name} {rules.deeds[deed]}" for deed, name in names.items() if rules.deeds.get(deed)]
    text = _("Growth value: %(parts)s.") % {"parts": _(", ").join(parts)}
    if not rules.returns:
        text += " " + _("Goods that go back leave it untouched.")
    return text


def deed_names() -> dict[str, str]:
    """What gives growth value besides buying, by reason code."""
    return {
        "check_in": _("a check-in"),
        "birthday": _("a birthday gift"),
        "referral": _("an invitation that succeeded"),
        "mission": _("a finished mission"),
        "prize": _("points won in a draw"),
        "journey": _("points of a campaign"),
        "welcome": _("the welcome gift of a first purchase"),
        "stamps": _("a full stamp card"),
    }


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
    basis = one.earned.basis
    words = {"tier": one.earned.name, "day": day_text(one.until), "amount": amount_of(one.missing, basis)}
    if one.in_grace and one.grace_until is not None:
        words["day"] = day_text(one.grace_until)
        text = (
            _("The period of %(tier)s is over; spend %(amount)s more by %(day)s and you keep it.")
            if basis == "spend"
            else _("The period of %(tier)s is over; %(amount)s more by %(day)s and you keep it.")
        )
    elif one.is_kept:
        text = _("%(tier)s is yours until %(day)s, and you have done what keeps it for the next period.")
    elif basis == "spend":
        text = _("%(tier)s is yours until %(day)s; spend %(amount)s more and you keep it.")
    else:
        text = _("%(tier)s is yours until %(day)s; %(amount)s more and you keep it.")
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
        "spend": _figure(why, "counted", "spend_fen"),
        "needed": _figure(why, "keep" if "keep" in why else "threshold", "keep_fen", "threshold_fen"),
        "until": day_text(until) if until else "",
        "ended": str(why.get("period_end", "")),
        "reason": grant_reason or str(why.get("reason", "")),
    }
    text = _sentences(why.get("basis", "spend")).get(cause, "") % words
    if until and cause in ("spend", "visits", "growth", "review", "kept", "fallen", "refund", "merge"):
        text += " " + _("Held until %(until)s.") % words
    return text


def _figure(why: Mapping[str, Any], name: str, *of_spend: str) -> str:
    """A figure of a decision's reasons, as its ladder counts."""
    basis = why.get("basis", "spend")
    if basis != "spend":
        return amount_of(int(why.get(name, 0)), basis)
    return yuan(next((int(why[one]) for one in of_spend if one in why), 0))


def _sentences(basis: str) -> dict[str, str]:
    found = {
        "visits": _("Reached %(tier)s with %(spend)s in the window."),
        "growth": _("Reached %(tier)s with %(spend)s in the window."),
        "temporary": _("A temporary tier began or ended. %(reason)s"),
        "exception": _("An exception that two colleagues agreed on: %(reason)s"),
        "revoked": _("A lent tier was taken back. %(reason)s"),
    }
    if basis == "spend":
        return found | _spent()
    return found | {
        "review": _("Counted anew at night: %(spend)s in the window give %(tier)s."),
        "kept": _("Kept: %(spend)s in the period that ended on %(ended)s; %(needed)s was needed."),
        "fallen": _("Not kept: %(spend)s in the period that ended on %(ended)s; %(needed)s was needed."),
        "refund": _("A return took away what gave the tier; %(spend)s is left in the window."),
        "merge": _("Two records became one, or two again; what counts is %(spend)s."),
    }


def _spent() -> dict[str, str]:
    return {
        "spend": _("Reached %(tier)s with a spend of %(spend)s in the window."),
        "review": _("Counted anew at night: a spend of %(spend)s in the window gives %(tier)s."),
        "kept": _("Kept: spent %(spend)s in the period that ended on %(ended)s; %(needed)s was needed."),
        "fallen": _(
            "Not kept: spent %(spend)s in the period that ended on %(ended)s; %(needed)s was needed."
        ),
        "refund": _("A return took the purchases away that gave the tier; %(spend)s is left in the window."),
        "merge": _("Two records became one, or two again; the spend that counts is %(spend)s."),
    }
