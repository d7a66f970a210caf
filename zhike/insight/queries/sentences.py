"""What is wrong with a definition, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.insight.rules.definition import BadDefinition

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_FAULTS: dict[str, StrOrPromise] = {
    "shape": gettext_lazy("it is not a tree of conditions."),
    "root": gettext_lazy("it begins with all, any or none."),
    "empty": gettext_lazy("a group has no condition in it."),
    "too-deep": gettext_lazy("groups stand in groups more than four deep."),
    "too-many": gettext_lazy("there are more than forty conditions."),
    "field": gettext_lazy("it asks for something that is not known."),
    "op": gettext_lazy("this cannot be asked of it."),
    "value": gettext_lazy("a value does not fit."),
    "value-missing": gettext_lazy("a value is missing."),
    "order": gettext_lazy("the first bound is above the second."),
    "window": gettext_lazy("the time cannot be read: days up to ten years, or dates."),
    "where": gettext_lazy("what narrows it does not fit."),
    "property-number": gettext_lazy("a property is compared with a number."),
}


def fault_sentence(fault: BadDefinition) -> str:
    """With the place, counted as one reads: condition 2.1 is the first of the second group."""
    what = str(_FAULTS[fault.code])
    return _("condition %(path)s: %(what)s") % {"path": fault.path, "what": what} if fault.path else what
