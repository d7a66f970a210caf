"""A walk through a graph with one real member, without sending, giving or writing anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotFound, Problem
from zhike.marketing.models import Journey, JourneyVersion
from zhike.marketing.queries.found import EDIT
from zhike.marketing.queries.journeys.found import (
    WALKER,
    Candidate,
    candidates,
    definition_of,
    fitting_members,
    journey_row,
    zone_of_journey,
)
from zhike.marketing.rules import assignment
from zhike.marketing.rules.journeys import walking
from zhike.marketing.rules.journeys.graph import ENDS, Definition, Node
from zhike.messaging import operations as messaging

STEPS_MAX = 60


@dataclass(frozen=True, slots=True)
class TrialStep:
    """A node the member would leave at a moment, by which outcome; ``reason`` is what the gates say to a message sent then."""

    node: Node
    outcome: str
    reason: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Trial:
    """``is_held``: in earnest this member would be in the holdout and walk nowhere. ``is_cut``: there would be more steps."""

    member_id: int
    is_held: bool
    is_minor: bool
    steps: tuple[TrialStep, ...]
    is_cut: bool = False


def rehearse_journey(
    *,
    actor: Viewer,
    journey_id: int,
    number: int,
    member_id: int,
    is_awaited: bool = False,
    now: dt.datetime,
) -> Trial:
    """Which way one member would go through a version, beginning now; ``is_awaited``: everything waited for happens.

    Splits and the holdout are answered as in earnest, messages by their own gates as they would stand at that moment, conditions
    as they stand now. Writes nothing. Raises NotFound for a journey, version or member out of scope, NotAllowed.
    """
    row = journey_row(actor, journey_id, EDIT)
    version = JourneyVersion.objects.filter(journey=row, number=number).first()
    found = candidates(actor, member_ids=[member_id])
    if version is None or not found:
        raise NotFound
    definition = definition_of(version)
    steps, is_cut = _walk(actor, row, definition, found[0], is_awaited=is_awaited, now=now)
    return Trial(
        member_id,
        assignment.is_held_out(walking.salt_of(row.pk), found[0].person_id, definition.holdout_bp),
        not walking.is_of_age(found[0].birthday, now.date()),
        steps,
        is_cut,
    )


def _walk(
    actor: Viewer, row: Journey, definition: Definition, one: Candidate, *, is_awaited: bool, now: dt.datetime
) -> tuple[tuple[TrialStep, ...], bool]:
    steps: list[TrialStep] = []
    node, at, zone = definition.nodes.get(definition.first), now, zone_of_journey(row)
    while node is not None and len(steps) < STEPS_MAX:
        if node.kind == "delay":
            at, outcome, reason = walking.rests_until(node.params, at, zone), "next", ""
        elif node.kind == "wait":
            at = at if is_awaited else walking.waits_until(node.params, at)
            outcome, reason = ("happened" if is_awaited else "timeout"), ""
        else:
            outcome, reason = _answer(actor, row, node, one, at, now)
        steps.append(TrialStep(node, outcome, reason, at))
        if node.kind in ENDS:
            return tuple(steps), False
        node = definition.nodes.get(node.outs.get(outcome, ""))
    return tuple(steps), node is not None


def _answer(
    actor: Viewer, row: Journey, node: Node, one: Candidate, at: dt.datetime, now: dt.datetime
) -> tuple[str, str]:
    if node.kind in ("split", "ab"):
        return walking.way_of(row.pk, node, one.person_id), ""
    if node.kind == "branch":
        fits = one.member_id in fitting_members(actor, node.params["condition"], [one.member_id], now)
        return ("yes" if fits else "no"), ""
    if node.kind == "message":
        return _gates(node.params, one, at)
    return next(iter(node.outcomes), ""), ""


def _gates(params: Mapping[str, object], one: Candidate, at: dt.datetime) -> tuple[str, str]:
    try:
        told = messaging.rehearse_messages(
            actor=WALKER, template=str(params.get("template", "")), person_ids=[one.person_id], at=at
        )
    except Problem as problem:
        return "refused", problem.code
    if not told or told[0].decision == "refuse":
        return "refused", f"{told[0].gate}:{told[0].reason}" if told else "person_gone"
    return "sent", "postponed" if told[0].decision == "wait" else ""
