"""Faults of a journey as sentences, and nodes as people call them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy

from zhike.insight import queries as insight
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotFound
from zhike.loyalty import queries as loyalty
from zhike.marketing.rules.journeys import checking
from zhike.marketing.rules.journeys.checking import Fault
from zhike.marketing.rules.journeys.graph import Definition, Node
from zhike.messaging import queries as messaging
from zhike.offers import queries as offers

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NODE_NAMES: dict[str, StrOrPromise] = {
    "message": gettext_lazy("Send a message"),
    "delay": gettext_lazy("Wait a while"),
    "wait": gettext_lazy("Wait for something to happen"),
    "branch": gettext_lazy("Branch by condition"),
    "split": gettext_lazy("Random split"),
    "ab": gettext_lazy("A/B test"),
    "coupon": gettext_lazy("Give a coupon"),
    "points": gettext_lazy("Give points"),
    "tag": gettext_lazy("Give or take a tag"),
    "tier": gettext_lazy("Lend a tier"),
    "ticket": gettext_lazy("Open a ticket"),
    "signal": gettext_lazy("Tell another system"),
    "goal": gettext_lazy("Goal reached"),
    "exit": gettext_lazy("Exit"),
}
OUTCOME_NAMES: dict[str, StrOrPromise] = {
    "sent": gettext_lazy("sent"),
    "refused": gettext_lazy("not possible"),
    "given": gettext_lazy("given"),
    "next": gettext_lazy("then"),
    "happened": gettext_lazy("it happened"),
    "timeout": gettext_lazy("it did not"),
    "yes": gettext_lazy("yes"),
    "no": gettext_lazy("no"),
}
_FAULTS: dict[str, StrOrPromise] = {
    "trigger": gettext_lazy("Say who enters the journey, and when."),
    "trigger-event": gettext_lazy(
        "The event with which people enter is missing, or its conditions cannot be read."
    ),
    "trigger-segment": gettext_lazy("Choose the segment whose members enter."),
    "trigger-day": gettext_lazy(
        "Say how many days before (0 to 90) people enter, at an hour between 08:00 and 21:00."
    ),
    "no-beginning": gettext_lazy("The journey has no first step."),
    "too-many": gettext_lazy("A journey has at most 60 steps."),
    "reentry": gettext_lazy("Entering again is possible never, always, or after 1 to 3,650 days."),
    "holdout": gettext_lazy("The holdout is at most 50%."),
    "window": gettext_lazy("The time in which results count is between 1 and 90 days."),
    "goal": gettext_lazy("The goal’s conditions cannot be read."),
    "leave": gettext_lazy("The conditions of leaving cannot be read."),
    "kind": gettext_lazy("“%(name)s” is no kind of step."),
    "delay": gettext_lazy("“%(name)s”: say how long, at most a year, or until what time of day."),
    "delay-hour": gettext_lazy(
        "“%(name)s”: the time of day lies between 08:00 and 21:00, when people may be written to."
    ),
    "wait-event": gettext_lazy(
        "“%(name)s”: choose what is waited for; its conditions have a field, a comparison and a value."
    ),
    "wait-timeout": gettext_lazy("“%(name)s”: say after what time the waiting ends, at most a year."),
    "condition": gettext_lazy("“%(name)s”: choose a condition."),
    "condition-unreadable": gettext_lazy("“%(name)s”: the condition cannot be read."),
    "ways": gettext_lazy("“%(name)s” needs two to six ways with different names and weights from 1 to 100."),
    "template": gettext_lazy("“%(name)s”: choose a wording."),
    "template-gone": gettext_lazy("“%(name)s”: the wording is not approved, or is gone."),
    "template-values": gettext_lazy("“%(name)s”: the wording needs values that a journey does not know."),
    "points": gettext_lazy("“%(name)s”: between 1 and 100,000 points."),
    "coupon": gettext_lazy("“%(name)s”: choose a coupon."),
    "coupon-over": gettext_lazy("“%(name)s”: the coupon cannot be given to members any more."),
    "tag": gettext_lazy("“%(name)s”: choose a tag, and whether it is given or taken."),
    "tag-gone": gettext_lazy("“%(name)s”: the tag is not live, or is gone."),
    "tier": gettext_lazy("“%(name)s”: choose a tier."),
    "tier-days": gettext_lazy("“%(name)s”: a tier is lent for 1 to 90 days."),
    "tier-gone": gettext_lazy("“%(name)s”: the tier is gone."),
    "ticket": gettext_lazy("“%(name)s”: say what is to be done."),
    "signal": gettext_lazy("“%(name)s”: the name has 1 to 60 letters, digits, hyphens or underscores."),
    "open-end": gettext_lazy("“%(name)s”: nothing follows “%(outcome)s”. Every path must end."),
    "unreachable": gettext_lazy("Nothing leads to “%(name)s”."),
    "circle": gettext_lazy(
        "“%(name)s” is in a circle in which nobody ever waits: put a “Wait a while” into it."
    ),
    "never-ends": gettext_lazy("From “%(name)s” there is no way out of the journey."),
}
VALUES = frozenset({"name"})
"""What a wording of a journey may say of a person."""


@dataclass(frozen=True, slots=True)
class FaultView:
    """``node`` is where, "" for the journey itself."""

    node: str
    code: str
    sentence: str


def node_name(node: Node) -> str:
    """What people call a node: its own title, or its kind with its number."""
    own = str(node.params.get("title", "")).strip()
    return own or f"{NODE_NAMES.get(node.kind, node.kind)} {node.key[1:]}"


def outcome_name(outcome: str) -> str:
    return str(OUTCOME_NAMES.get(outcome, outcome))


def fault_views(viewer: Viewer, definition: Definition, now: dt.datetime) -> list[FaultView]:
    """Everything that keeps a definition from being published, in words: its shape, and what it names in the house."""
    found = checking.faults(definition)
    wrong = {one.node for one in found}
    for node in definition.nodes.values():
        if node.key not in wrong and (code := _named(viewer, node, now)):
            found.append(Fault(code, node.key))
    return [_view(definition, one) for one in found]


def _named(viewer: Viewer, node: Node, now: dt.datetime) -> str:
    """Whether what a node names is there and can be used."""
    if node.kind == "message":
        said = messaging.values_said(str(node.params["template"]))
        return "template-gone" if said is None else "template-values" if said - VALUES else ""
    if node.kind == "coupon":
        try:
            batch = offers.batch(viewer, int(node.params["batch"]), now)
        except NotFound:
            return "coupon-over"
        return "coupon-over" if batch.is_bearer or batch.state in ("closed", "over") else ""
    if node.kind == "tag":
        return "" if node.params["tag"] in insight.live_tags() else "tag-gone"
    if node.kind == "tier":
        program_id = loyalty.default_program_id()
        known = {one.id for one in loyalty.tiers(program_id)} if program_id else set()
        return "" if node.params["tier"] in known else "tier-gone"
    if node.kind == "branch":
        try:
            insight.parse(node.params["condition"])
        except insight.BadDefinition:
            return "condition-unreadable"
    return ""


def _view(definition: Definition, fault: Fault) -> FaultView:
    node = definition.nodes.get(fault.node)
    values = {"name": node_name(node) if node else "", "outcome": outcome_name(fault.outcome)}
    return FaultView(fault.node, fault.code, str(_FAULTS[fault.code]) % values)
