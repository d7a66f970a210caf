"""Why these points, or none: one sentence and the steps behind it, in the reader's language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from zhike.kernel.money import yuan_text
from zhike.loyalty.models import Award
from zhike.loyalty.queries.labels import rule_label, tier_name
from zhike.loyalty.rules.awards import REASONS as AWARDED
from zhike.loyalty.rules.awards import TAKEN_BACK
from zhike.loyalty.rules.definition import UNIT_BP
from zhike.loyalty.rules.earning import payers_of
from zhike.organization import queries as organization

REFUSALS = {
    "no_member": gettext_lazy(
        "No points: nobody's membership was shown at the till. The receipt can still be claimed."
    ),
    "member_frozen": gettext_lazy("No points: the membership is frozen or closed."),
    "no_rule": gettext_lazy("No points: no earning rule was in force for this mall on that day."),
    "below_minimum": gettext_lazy("No points: the purchase is below the minimum spend."),
    "tenders_excluded": gettext_lazy("No points: it was paid in ways that earn no points."),
    "merchant_excluded": gettext_lazy("No points: this merchant does not take part."),
    "category_excluded": gettext_lazy("No points: these goods do not take part."),
    "rounds_to_zero": gettext_lazy("No points: the purchase is too small for a whole point."),
    "cap_reached": gettext_lazy("No points: the limit for this period was reached already."),
    "return_exceeds": gettext_lazy("Refused: more was returned than was bought."),
}
AWARD_LIMITS = {
    "month": gettext_lazy("No more were left this month."),
    "year": gettext_lazy("No more were left this year."),
}
CAPS = {
    "receipt": gettext_lazy("Limit per receipt"),
    "member_day": gettext_lazy("Limit per day"),
    "member_merchant_day": gettext_lazy("Limit per merchant and day"),
    "member_total": gettext_lazy("Limit in all"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the arithmetic: what it is and its value, ready to show."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Explained:
    points: int
    sentence: str
    steps: tuple[Step, ...] = ()
    refusal: str | None = None


def explain_award(receipt_id: UUID) -> Explained:
    """Why a receipt gave the points it gave, or none (also for a receipt of nobody)."""
    award = Award.objects.filter(receipt_id=receipt_id).first()
    if award is None:
        return Explained(0, str(REFUSALS["no_member"]), (), "no_member")
    return explain(award.explanation)


def payers_of_award(receipt_id: UUID) -> dict[str, int]:
    """Who pays for how many of a receipt's points, by code; empty when no rule names payers. For staff only."""
    award = Award.objects.filter(receipt_id=receipt_id).values_list("explanation", flat=True).first()
    return payers_of(award) if award else {}


def explain_awards(receipt_ids: Sequence[UUID]) -> dict[UUID, Explained]:
    """The same for the receipts of a list, without steps, in one query."""
    nobody = Explained(0, str(REFUSALS["no_member"]), (), "no_member")
    awards = Award.objects.filter(receipt_id__in=receipt_ids).values_list("receipt_id", "explanation")
    found = {receipt_id: explain(explanation, with_steps=False) for receipt_id, explanation in awards}
    return {receipt_id: found.get(receipt_id, nobody) for receipt_id in receipt_ids}


def explain(explanation: Mapping[str, Any], *, with_steps: bool = True) -> Explained:
    """The sentence of an award's explanation (``rules.earning.Explanation``), and unless told otherwise its steps."""
    points = int(explanation.get("points", 0))
    refusal = explanation.get("refusal")
    steps: list[Step] = []
    for part in explanation.get("rules", ()) if with_steps else ():
        if "base" in part:
            steps += _steps(part, explanation)
    if refusal:
        return Explained(0, _refusal_sentence(refusal, explanation), tuple(steps), refusal)
    return Explained(points, _earned_sentence(points, explanation), tuple(steps))


def _refusal_sentence(refusal: str, explanation: Mapping[str, Any]) -> str:
    if refusal == "below_minimum":
        minimum = max((part.get("minimum_fen", 0) for part in explanation["rules"]), default=0)
        return _("No points: the purchase of ¥%(spent)s is below the minimum of ¥%(minimum)s.") % {
            "spent": yuan_text(explanation.get("net_fen", 0)),
            "minimum": yuan_text(minimum),
        }
    return str(REFUSALS.get(refusal, REFUSALS["no_rule"]))


def _earned_sentence(points: int, explanation: Mapping[str, Any]) -> str:
    """“¥128.00 eligible, 1 point per ¥1.00, ×1.5 (Gold): 192 points.”"""
    giving = [part for part in explanation["rules"] if part["points"]]
    part = max(giving, key=lambda one: one["points"])
    counted, total = _patterns(get_language() or "", *part["base"])
    text = counted.replace("{}", yuan_text(part["eligible_fen"]))
    for kind, which, bp in part["factors"]:
        text += _(", ×%(factor)s (%(why)s)") % {"factor": _times(bp), "why": _factor_name(kind, which)}
    if part["points"] < part["rounded"]:
        text += _(", limited to %(points)s") % {"points": _count_points(part["points"])}
    if len(giving) > 1:
        text += _(", and %(rules)s more rules") % {"rules": len(giving) - 1}
    return total % {"arithmetic": text, "points": _count_points(points)}


@lru_cache(maxsize=1000)
def _patterns(language: str, base_points: int, per_fen: int) -> tuple[str, str]:
    """The parts of the sentence that are the same for every purchase under one rate; ``{}`` is what counted."""
    del language  # the one that is active
    counted = _("¥%(eligible)s counted, %(base)s per ¥%(per)s") % {
        "eligible": "{}",
        "base": _count_points(base_points),
        "per": yuan_text(per_fen),
    }
    return counted, _("%(arithmetic)s: %(points)s.")


def _count_points(points: int) -> str:
    return _counted(get_language() or "", points)


@lru_cache(maxsize=10_000)
def _counted(language: str, points: int) -> str:
    del language
    return ngettext("%(count)s point", "%(count)s points", points) % {"count": f"{points:,}"}


def _times(bp: int) -> str:
    return f"{bp / UNIT_BP:.4f}".rstrip("0").rstrip(".")


def _factor_name(kind: str, which: Any) -> str:
    if kind == "tier":
        return tier_name(which) or _("tier")
    if kind == "merchant":
        merchant = organization.merchant_ref(which)
        return merchant.name if merchant else _("merchant")
    if kind == "calendar":
        return str(which)
    return _("trade category")


def _steps(part: Mapping[str, Any], explanation: Mapping[str, Any]) -> list[Step]:
    label = rule_label(part["version"])
    steps = []
    if label is not None:
        sentence = _("%(name)s, version %(version)s") % {"name": label[0], "version": label[1]}
        steps.append(Step(_("Rule"), sentence))
    steps.append(Step(_("Spent"), f"¥{yuan_text(explanation.get('net_fen', 0))}"))
    steps.append(Step(_("Counted"), f"¥{yuan_text(part['eligible_fen'])}"))
    base_points, per_fen = part["base"]
    rate = _("%(points)s per ¥%(per)s") % {"points": _count_points(base_points), "per": yuan_text(per_fen)}
    steps.append(Step(_("Base rate"), rate))
    steps += [Step(_factor_name(kind, which), f"×{_times(bp)}") for kind, which, bp in part["factors"]]
    steps += [
        Step(_("Line %(number)s") % {"number": no}, f"¥{yuan_text(fen)} ×{_times(bp)} → {points}")
        for no, fen, bp, points in part["lines"]
        if len(part["lines"]) > 1 or bp != UNIT_BP
    ]
    steps.append(Step(_("Rounded"), _count_points(part["rounded"])))
    for cap, limit, used in part["caps"]:
        cap_name = str(CAPS.get(cap.partition(":")[0], cap))
        steps.append(
            Step(
                cap_name,
                _("%(used)s of %(limit)s used before") % {"used": f"{used:,}", "limit": f"{limit:,}"},
            )
        )
    steps.append(Step(_("Points"), _count_points(part["points"])))
    return steps


def award_sentence(reason: str, amount: str, explanation: Mapping[str, Any]) -> str:
    """Points for something else than a purchase, or taken back: “Checked in 3 days in a row: 5 points.”"""
    if reason == "check_in":
        text = _("Checked in, day %(streak)s in a row: %(points)s.")
    elif reason == "birthday":
        text = _("Happy birthday: %(points)s.")
    elif reason == "referral" and explanation.get("as") == "invitee":
        text = _("Invited by a friend, and the first purchase is made: %(points)s.")
    elif reason == "referral":
        text = _("A friend you invited made their first purchase: %(points)s.")
    elif reason == "mission":
        text = _("Mission “%(name)s” accomplished: %(points)s.")
    elif reason == "journey":
        text = _("A gift for you, %(name)s: %(points)s.")
    elif reason == "welcome":
        text = _("Welcome: your first purchase gives %(points)s on top.")
    elif reason == "stamps":
        text = _("Stamp card “%(name)s” is full: %(points)s.")
    elif reason == "prize":
        text = _("Won in a draw: %(points)s.")
    else:
        text = _("The purchase it was given for was returned: %(points)s taken back.")
    known = {name: explanation.get(name, "") for name in ("streak", "name")}
    sentence = text % {"points": amount, **known}
    limited_by = AWARD_LIMITS.get(explanation.get("limited_by", ""))
    return f"{sentence} {limited_by}" if limited_by else sentence


def entry_sentence(reason: str, points: int, explanation: Mapping[str, Any], award: Award | None) -> str:
    """The one sentence of a statement's entry; ``points`` is signed."""
    if reason == "earn" and award is not None:
        return explain(award.explanation).sentence
    if reason == "release" and award is not None:
        return _("The return window closed. %(award)s") % {"award": explain(award.explanation).sentence}
    amount = _count_points(abs(points))
    if reason == "clawback":
        if "unmatched" in explanation:
            return _("Returned without its receipt: %(points)s taken back.") % {"points": amount}
        return _(
            "Goods returned: the purchase gave %(awarded)s, what was kept gives %(kept)s; %(points)s taken back."
        ) % {
            "awarded": _count_points(explanation.get("awarded", 0)),
            "kept": _count_points(explanation.get("kept", 0)),
            "points": amount,
        }
    if reason == "redeem":
        rate = explanation.get("rate", [100, 100])
        return _("Redeemed %(points)s for ¥%(value)s.") % {
            "points": amount,
            "value": yuan_text(abs(points) * rate[1] // rate[0]),
        }
    if reason == "expire":
        day = dt.date.fromisoformat(explanation["expired_on"])
        return _("%(points)s expired on %(day)s.") % {
            "points": amount,
            "day": date_format(day, "DATE_FORMAT"),
        }
    if reason in AWARDED or reason == TAKEN_BACK:
        return award_sentence(reason, amount, explanation)
    if reason == "adjust":
        return _("Corrected by staff: %(reason)s") % {"reason": explanation.get("reason", "")}
    if reason == "reinstate":
        return _("Expired points given back: %(reason)s") % {"reason": explanation.get("reason", "")}
    if reason == "grant":
        return _("Given by us: %(note)s") % {"note": explanation.get("note", "")}
    if reason == "revoke":
        return _("Given by us and taken back: %(note)s") % {"note": explanation.get("note", "")}
    is_bid = str(explanation.get("for", "")).startswith("auction:")
    sentences = {
        "restore": _("A redemption was reversed: %(points)s given back to where they came from."),
        "hold": _("%(points)s set aside for a bid.") if is_bid else _("%(points)s set aside for a purchase."),
        "unhold": _("A bid ended or was outbid: %(points)s given back.")
        if is_bid
        else _("Set aside for a purchase and given back: %(points)s."),
        "opening": _("Brought in from another system: %(points)s."),
        "waive": _("Debt waived: %(points)s."),
        "merge": _("Joined with another membership of the same person: %(points)s."),
        "unmerge": _("Parted from another membership again: %(points)s."),
        "pool_in": _("Put into the household's pool: %(points)s."),
        "pool_out": _("Taken back from the household's pool: %(points)s."),
        "undo": _("An import was undone: %(points)s taken back."),
        "forfeit": _("The membership ended: %(points)s lapsed."),
    }
    return sentences.get(reason, "%(points)s") % {"points": amount}
