"""Tags in words: what a rule asks, and why somebody has a tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import get_language, gettext_lazy, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from zhike.insight import queries
from zhike.insight.queries import tag_rule as rules
from zhike.kernel.money import yuan_text
from zhike.ui.components.formatting import grouped

CATEGORIES = {
    "taste": pgettext_lazy("tag category", "Taste"),
    "visit": pgettext_lazy("tag category", "Visits"),
    "value": pgettext_lazy("tag category", "Spending"),
    "life": pgettext_lazy("tag category", "Way of life"),
    "service": pgettext_lazy("tag category", "Service"),
    "note": pgettext_lazy("tag category", "Notes of staff"),
}
STATES = {
    "draft": pgettext_lazy("tag state", "Draft"),
    "live": pgettext_lazy("tag state", "Live"),
    "retired": pgettext_lazy("tag state", "Put away"),
}
STATE_TONES = {"draft": "warning", "live": "success", "retired": ""}
KINDS = {"rule": gettext_lazy("By rule"), "manual": gettext_lazy("By hand")}
SOURCES = {
    "rule": gettext_lazy("By rule"),
    "staff": gettext_lazy("By staff"),
    "member": gettext_lazy("By the member"),
}
EVENTS = {
    "purchase": pgettext_lazy("tag event", "purchases"),
    "return": pgettext_lazy("tag event", "returns"),
    "behaviour": pgettext_lazy("tag event", "anything done online"),
    "behaviour.product_viewed": pgettext_lazy("tag event", "products looked at"),
    "behaviour.product_list_viewed": pgettext_lazy("tag event", "lists looked through"),
    "behaviour.products_searched": pgettext_lazy("tag event", "searches"),
    "behaviour.product_added": pgettext_lazy("tag event", "products put into the cart"),
    "behaviour.product_added_to_wishlist": pgettext_lazy("tag event", "products wished for"),
    "behaviour.checkout_started": pgettext_lazy("tag event", "checkouts begun"),
    "behaviour.order_completed": pgettext_lazy("tag event", "orders online"),
    "behaviour.page_viewed": pgettext_lazy("tag event", "pages looked at"),
    "behaviour.screen_viewed": pgettext_lazy("tag event", "screens looked at"),
    "coupon_issued": pgettext_lazy("tag event", "coupons received"),
    "coupon_used": pgettext_lazy("tag event", "coupons used"),
    "coupon_expired": pgettext_lazy("tag event", "coupons lapsed"),
    "points_earned": pgettext_lazy("tag event", "points earned"),
    "points_redeemed": pgettext_lazy("tag event", "points redeemed"),
    "points_expired": pgettext_lazy("tag event", "points lapsed"),
    "reward_exchanged": pgettext_lazy("tag event", "rewards exchanged"),
    "ticket_drawn": pgettext_lazy("tag event", "lucky draws"),
    "benefit_used": pgettext_lazy("tag event", "tier benefits used"),
    "check_in": pgettext_lazy("tag event", "check-ins"),
    "invitation_rewarded": pgettext_lazy("tag event", "rewarded invitations"),
    "enrolled": pgettext_lazy("tag event", "becoming a member"),
    "case_opened": pgettext_lazy("tag event", "tickets opened"),
    "survey_answered": pgettext_lazy("tag event", "surveys answered"),
    "message_read": pgettext_lazy("tag event", "messages read"),
    "link_opened": pgettext_lazy("tag event", "campaign links opened"),
}
PROPERTIES = {
    "net_fen": gettext_lazy("Amount paid"),
    "discount_fen": gettext_lazy("Discount"),
    "basket_fen": gettext_lazy("Basket"),
    "price_fen": gettext_lazy("Price"),
    "value_fen": gettext_lazy("Worth"),
    "cost_fen": gettext_lazy("Cost"),
    "merchant_id": gettext_lazy("Merchant"),
    "trades": gettext_lazy("Trade category"),
    "mall_id": gettext_lazy("Mall"),
    "points": gettext_lazy("Points"),
    "streak": gettext_lazy("Days in a row"),
    "score": gettext_lazy("Score"),
    "weekday": gettext_lazy("Weekday"),
    "hour": gettext_lazy("Hour of the day"),
    "day": gettext_lazy("Day"),
    "category": gettext_lazy("Category of the product"),
    "brand": gettext_lazy("Brand"),
    "query": gettext_lazy("Words searched for"),
    "product_id": gettext_lazy("Product"),
    "batch_id": gettext_lazy("Batch of coupons"),
    "source": gettext_lazy("Source"),
    "kind": gettext_lazy("Kind"),
    "severity": gettext_lazy("Severity"),
    "verdict": gettext_lazy("Verdict"),
    "channel": gettext_lazy("Channel"),
    "side": gettext_lazy("Side"),
    "campaign_id": gettext_lazy("Campaign"),
}
MEASURES = {
    "count": gettext_lazy("how often"),
    "sum": gettext_lazy("the sum of"),
    "average": gettext_lazy("the average of"),
    "distinct": gettext_lazy("how many different"),
    "largest": gettext_lazy("the largest"),
}
ASKS = {
    "figure": gettext_lazy("how often or how much"),
    "share": gettext_lazy("what part of something else"),
    "unfollowed": gettext_lazy("happened, and something else did not follow"),
}
OPS = {
    "equals": pgettext_lazy("property", "is"),
    "one_of": pgettext_lazy("property", "is one of"),
    "differs": pgettext_lazy("property", "is not"),
    "contains": pgettext_lazy("property", "contains"),
    "at_least": pgettext_lazy("property", "at least"),
    "at_most": pgettext_lazy("property", "at most"),
}
Names = Mapping[str, Mapping[Any, Any]]
"""What ids are called, by the name of the choice, as segments have it."""


def name_of(ref: queries.TagRef) -> str:
    """In the reader's language, where there is a name in it."""
    return ref.name_en if ref.name_en and (get_language() or "").startswith("en") else ref.name


def event_name(code: str) -> str:
    """What a rule's happening is called; a behaviour without a word by its own name."""
    return str(EVENTS.get(code) or _("“%(name)s” online") % {"name": code.partition(".")[2]})


def sentence(node: rules.Node, names: Names) -> str:
    """A rule as one reads it aloud."""
    if not isinstance(node, rules.Group):
        return _leaf(node, names)
    parts = [
        f"{_('(')}{sentence(one, names)}{_(')')}"
        if isinstance(one, rules.Group) and len(one.of) > 1 and one.match != "none"
        else sentence(one, names)
        for one in node.of
    ]
    if node.match == "none":
        return _("not (%(parts)s)") % {"parts": _(", or ").join(parts)}
    return (_(", and ") if node.match == "all" else _(", or ")).join(parts)


def lasting(ttl_days: int | None) -> str:
    """How long a tag stays after the last it is based on."""
    if ttl_days is None:
        return _("As long as the rule holds")
    return _("At most %(days)s days after the last of it") % {"days": ttl_days}


def why(rule: rules.Group | None, figures: Sequence[int], names: Names) -> str:
    """What somebody did to have the tag, by its figures."""
    if rule is None:
        return ""
    told = [
        _told(leaf, figure, names)
        for (leaf, is_said), figure in zip(_said(rule), figures, strict=False)
        if is_said
    ]
    return _("; ").join(told)


def _said(node: rules.Node, is_said: bool = True) -> Iterator[tuple[rules.Leaf, bool]]:
    """Conditions in reading order, and whether they speak for the tag rather than against something else."""
    if not isinstance(node, rules.Group):
        yield node, is_said
        return
    for one in node.of:
        yield from _said(one, is_said and node.match != "none")


def _told(leaf: rules.Leaf, figure: int, names: Names) -> str:
    when = span(leaf.within_ms)
    if isinstance(leaf, rules.Unfollowed):
        given = {"what": _chosen(leaf.first, names), "number": figure, "then": _chosen(leaf.then, names)}
        return _("%(what)s: %(number)s, and no %(then)s after it") % given
    if isinstance(leaf, rules.Share):
        given = {
            "part": _chosen(leaf.part, names),
            "whole": _chosen(leaf.whole, names),
            "number": figure,
            "when": when,
        }
        return _("%(part)s are %(number)s%% of %(whole)s within %(when)s") % given
    given = {
        "what": _chosen(leaf.chosen, names),
        "number": _amount(leaf.of, figure, leaf.measure),
        "when": when,
    }
    given["of"] = property_name(leaf.of)
    return str(_FIGURES[leaf.measure]) % given


_FIGURES = {
    "count": gettext_lazy("%(what)s within %(when)s: %(number)s"),
    "sum": gettext_lazy("%(what)s within %(when)s: %(of)s %(number)s in all"),
    "average": gettext_lazy("%(what)s within %(when)s: %(of)s %(number)s on average"),
    "distinct": gettext_lazy("%(what)s within %(when)s: %(number)s different of “%(of)s”"),
    "largest": gettext_lazy("%(what)s within %(when)s: %(of)s %(number)s at most"),
}


def _leaf(leaf: rules.Leaf, names: Names) -> str:
    when = span(leaf.within_ms)
    if isinstance(leaf, rules.Unfollowed):
        return _("%(what)s within %(when)s: at least %(times)s, and for %(wait)s no %(then)s") % {
            "what": _chosen(leaf.first, names), "when": when, "times": leaf.times, "wait": span(leaf.wait_ms),
            "then": _chosen(leaf.then, names),
        }  # fmt: skip
    if isinstance(leaf, rules.Share):
        text = (
            _("%(part)s are %(bounds)s of %(whole)s within %(when)s (from %(least)s of them)")
            if leaf.measure == "count"
            else _(
                "%(part)s make %(bounds)s of the %(of)s of %(whole)s within %(when)s (from %(least)s of them)"
            )
        )
        return text % {
            "part": _chosen(leaf.part, names), "whole": _chosen(leaf.whole, names), "when": when, "least": leaf.least,
            "bounds": _bounds(leaf.low, leaf.high, lambda number: f"{number}%"), "of": property_name(leaf.of),
        }  # fmt: skip
    bounds = _bounds(leaf.low, leaf.high, lambda number: _amount(leaf.of, number, leaf.measure))
    given = {
        "what": _chosen(leaf.chosen, names),
        "when": when,
        "number": bounds,
        "of": property_name(leaf.of),
    }
    return str(_FIGURES[leaf.measure]) % given


def _bounds(low: int | None, high: int | None, told: Any) -> str:
    if low is None:
        return _("at most %(high)s") % {"high": told(high)}
    if high is None:
        return _("at least %(low)s") % {"low": told(low)}
    return _("from %(low)s to %(high)s") % {"low": told(low), "high": told(high)}


def _amount(of: str, number: int, measure: str) -> str:
    if of.endswith("_fen") and measure in ("sum", "average", "largest"):
        return f"¥{yuan_text(number).removesuffix('.00')}"
    return grouped(number)


def span(milliseconds: int) -> str:
    """ "30 days", "6 hours"."""
    if milliseconds % rules.DAY_MS:
        return _("%(number)s hours") % {"number": milliseconds // rules.HOUR_MS}
    return _("%(number)s days") % {"number": milliseconds // rules.DAY_MS}


def property_name(code: str) -> str:
    return str(PROPERTIES.get(code, code))


def _chosen(chosen: rules.Chosen, names: Names) -> str:
    what = event_name(chosen.event)
    if not chosen.where:
        return what
    parts = [_compared(chosen.event, one, names) for one in chosen.where]
    return _("%(what)s (%(parts)s)") % {"what": what, "parts": _("; ").join(parts)}


def _compared(event: str, one: rules.Compared, names: Names) -> str:
    found = property_of(event, one.key)
    known = names.get(found.choices, {}) if found else {}

    def told(value: Any) -> str:
        if found and found.kind == "money" and isinstance(value, int | float):
            return f"¥{yuan_text(round(value)).removesuffix('.00')}"
        if not known:
            return str(value)
        return str(known.get(value) or known.get(int(value) if str(value).isdecimal() else value, value))

    values = one.value if isinstance(one.value, tuple) else (one.value,)
    text = _(" or ").join(told(value) for value in values)
    if known and one.op in ("equals", "one_of"):
        return text
    return pgettext("property of an event", "%(key)s %(op)s %(value)s") % {
        "key": property_name(one.key),
        "op": OPS[one.op],
        "value": text,
    }


def property_of(event: str, key: str) -> queries.tag_catalogue.Property | None:
    kind = queries.tag_catalogue.kind_of(event)
    return next((one for one in kind.properties if one.code == key), None) if kind else None
