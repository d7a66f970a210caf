"""What is wrong with a tag's rule, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.insight.rules.tags.rule import DAY_MS, DAYS_MAX, BadRule, Group, Unfollowed, leaves, parse
from zhike.kernel.errors import Invalid

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class TagRuleInvalid(Invalid):
    code = "tag-rule-invalid"
    title = gettext_lazy("The rule cannot be used: %(what)s")


_FAULTS: dict[str, StrOrPromise] = {
    "shape": gettext_lazy("it is not a tree of conditions."),
    "root": gettext_lazy("it begins with all, any or none."),
    "empty": gettext_lazy("a group has no condition in it."),
    "too-deep": gettext_lazy("groups stand in groups more than four deep."),
    "too-many": gettext_lazy("there are more than twelve conditions."),
    "everybody": gettext_lazy("it fits whoever never did anything: ask for something that happened as well."),
    "ask": gettext_lazy("this cannot be asked."),
    "event": gettext_lazy("what happened is not known."),
    "where": gettext_lazy("what narrows it does not fit."),
    "measure": gettext_lazy("this cannot be measured."),
    "of": gettext_lazy("say of what; a mere count is of nothing."),
    "op": gettext_lazy("this cannot be asked of it."),
    "value": gettext_lazy("a value does not fit."),
    "value-missing": gettext_lazy("a value is missing."),
    "order": gettext_lazy("the first bound is above the second."),
    "time": gettext_lazy("the time cannot be read: hours or days, up to three years."),
    "wait": gettext_lazy("the wait must be shorter than the time in which it counts."),
    "property-number": gettext_lazy("a property is compared with a number."),
    "ttl": gettext_lazy("the tag lasts between one day and three years."),
    "ttl-wait": gettext_lazy("the tag would end before the wait is over."),
}


def fault_sentence(fault: BadRule) -> str:
    """With the place, counted as one reads: condition 2.1 is the first of the second group."""
    what = str(_FAULTS[fault.code])
    return _("condition %(path)s: %(what)s") % {"path": fault.path, "what": what} if fault.path else what


def checked_rule(rule: Any, ttl_days: int | None) -> Group:
    """The tree of a rule that may be published. Raises TagRuleInvalid."""
    try:
        tree = parse(rule)
        if ttl_days is not None:
            if not 0 < ttl_days <= DAYS_MAX:
                raise BadRule("", "ttl")
            waits = [leaf.wait_ms for leaf in leaves(tree) if isinstance(leaf, Unfollowed)]
            if waits and max(waits) >= ttl_days * DAY_MS:
                raise BadRule("", "ttl-wait")
    except BadRule as fault:
        raise TagRuleInvalid(what=fault_sentence(fault)) from fault
    return tree
