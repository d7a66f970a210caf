"""What the nodes do to people: each takes a group that stands on one node and says what came of it for every one.

All of it is written in the transaction that moves the people on, so it happens exactly once, whatever dies when.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from django.db import transaction

from zhike.insight import operations as tagging
from zhike.insight import queries as insight
from zhike.kernel import events
from zhike.kernel.errors import Problem
from zhike.kernel.queries import events_since
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.marketing.events import JourneySignalled
from zhike.marketing.models import Journey
from zhike.marketing.queries.journeys.found import (
    WALKER,
    fitting_members,
    journey_code,
    launcher_of_journey,
    zone_of_journey,
)
from zhike.marketing.rules.journeys import graph, walking
from zhike.marketing.rules.journeys.graph import Node
from zhike.messaging import operations as messaging
from zhike.offers import operations as offers
from zhike.organization import queries as organization
from zhike.service import operations as service

GONE = "person_gone"


@dataclass(slots=True)
class Walker:
    """One entry as it is being moved."""

    id: int
    person_id: int
    member_id: int
    number: int
    node: str
    since: dt.datetime
    is_resting: bool
    due_at: dt.datetime | None
    signal: bool
    visit: int
    waits_for: str = ""
    goal_at: dt.datetime | None = None
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """What all people of a batch share."""

    row: Journey
    now: dt.datetime
    zone: str = field(default="")

    @classmethod
    def of(cls, row: Journey, now: dt.datetime) -> Scene:
        return cls(row, now, zone_of_journey(row))


Outcome = tuple[str, str]
"""What came of a node for one person: the way out of it and, where it was refused, why."""
Outcomes = Mapping[int, Outcome]
Effect = Callable[[Scene, Node, Sequence[Walker]], Outcomes]
"""Outcomes by person; whoever is not in them rests where they are."""


def _all(people: Sequence[Walker], outcome: str, reason: str = "") -> Outcomes:
    return {one.person_id: (outcome, reason) for one in people}


def _delay(scene: Scene, node: Node, people: Sequence[Walker]) -> Outcomes:
    found: dict[int, Outcome] = {}
    for one in people:
        if not one.is_resting:
            one.is_resting, one.due_at = True, walking.rests_until(node.params, scene.now, scene.zone)
        if one.due_at is None or one.due_at <= scene.now:
            found[one.person_id] = ("next", "")
    return found


def _wait(scene: Scene, node: Node, people: Sequence[Walker]) -> Outcomes:
    """Who was woken goes on; whose time is up is looked up in the log once more: they may have come here while it happened."""
    watch = node.watch
    assert watch is not None
    found: dict[int, Outcome] = {}
    late: list[Walker] = []
    for one in people:
        if not one.is_resting:
            one.is_resting, one.waits_for = True, watch.event
            one.due_at = walking.waits_until(node.params, scene.now)
        if one.signal:
            found[one.person_id] = ("happened", "")
        elif one.due_at is not None and one.due_at <= scene.now:
            late.append(one)
    if late:
        since = min(one.since for one in late)
        subjects = [f"person/{one.person_id}" for one in late]
        told = defaultdict(list)
        for subject, at, data in events_since(subjects, event_type=watch.event, since=since):
            if graph.matches(watch, data):
                told[subject].append(at)
        for one in late:
            happened = any(one.since <= at for at in told[f"person/{one.person_id}"])
            found[one.person_id] = ("happened" if happened else "timeout", "")
    return found


def _branch(scene: Scene, node: Node, people: Sequence[Walker]) -> Outcomes:
    """A condition that can no longer be read, or a launcher who may no longer see it, is answered with no, and says so."""
    try:
        viewer = launcher_of_journey(scene.row)
        fitting = fitting_members(
            viewer, node.params["condition"], [one.member_id for one in people], scene.now
        )
    except (Problem, insight.BadDefinition) as problem:
        return _all(people, "no", getattr(problem, "code", "condition")[:60])
    return {one.person_id: ("yes" if one.member_id in fitting else "no", "") for one in people}


def _split(scene: Scene, node: Node, people: Sequence[Walker]) -> Outcomes:
    return {one.person_id: (walking.way_of(scene.row.pk, node, one.person_id), "") for one in people}


def _message(scene: Scene, node: Node, people: Sequence[Walker]) -> Outcomes:
    """Asked of messaging's own gates first: whom they refuse goes the other way, with the gate and its reason."""
    template = str(node.params["template"])
    ids = [one.person_id for one in people]
    try:
        with transaction.atomic():
            told = messaging.rehearse_messages(actor=WALKER, template=template, person_ids=ids, at=scene.now)
            fates: dict[int, Outcome] = {one.person_id: ("refused", GONE) for one in people}
            fates |= {
                one.person_id: ("refused", f"{one.gate}:{one.reason}"[:60])
                if one.decision == "refuse"
                else ("sent", "")
                for one in told
            }
            _send(scene, node, template, [one for one in people if fates[one.person_id][0] == "sent"])
    except Problem as problem:
        return _all(people, "refused", problem.code[:60])
    return fates


def _send(scene: Scene, node: Node, template: str, people: Sequence[Walker]) -> None:
    """The key names journey, node, walk and visit, and messaging adds the person: nobody is written to twice for one step."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for one in people:
        groups[one.number, one.visit].append(one.person_id)
    code = journey_code(scene.row.pk)
    for (number, visit), ids in sorted(groups.items()):
        messaging.send_messages(
            actor=WALKER,
            template=template,
            person_ids=ids,
            campaign=code,
            once=f"{code}:{node.key}:{number}:{visit}",
            now=scene.now,
        )


def _points(scene: Scene, node: Node, people: Sequence[Walker]) -> Outcomes:
    programs = members.program_ids_of([one.member_id for one in people])
    by_program: dict[int, list[Walker]] = defaultdict(list)
    for one in people:
        if one.member_id in programs:
            by_program[programs[one.member_id]].append(one)
    given: set[int] = set()
    for program_id, group in sorted(by_program.items()):
        gifts = [
            loyalty.Gift(
                one.member_id,
                int(node.params["points"]),
                f"journey:{one.id}:{one.visit}",
                {"name": scene.row.name, "journey": scene.row.pk},
            )
            for one in group
        ]
        given |= loyalty.award_to_many(
            actor=WALKER, program_id=program_id, reason="journey", gifts=gifts, now=scene.now
        ).keys()
    return {
        one.person_id: ("given", "") if one.member_id in given else ("refused", "member_frozen")
        for one in people
    }


def _coupon(scene: Scene, node: Node, people: Sequence[Walker]) -> Outcomes:
    """In one statement where it can be; where the stock or a limit does not reach, in halves, down to single people."""
    if not people:
        return {}
    try:
        with transaction.atomic():
            pushed = offers.issue_to_members(
                actor=WALKER,
                batch_id=int(node.params["batch"]),
                member_ids=[one.member_id for one in people],
                reason=scene.row.name,
                source="journey",
                reference=journey_code(scene.row.pk),
                now=scene.now,
            )
            if pushed.issued < len(people):
                raise _Short
        return _all(people, "given")
    except _Short:
        reason = "coupon_limit"
    except Problem as problem:
        reason = problem.code[:60]
        if not isinstance(problem, offers.SoldOut):
            return _all(people, "refused", reason)
    if len(people) == 1:
        return _all(people, "refused", reason)
    middle = len(people) // 2
    return {**_coupon(scene, node, people[:middle]), **_coupon(scene, node, people[middle:])}


class _Short(Exception):
    """Not everybody got one, and it is not known who."""


def _tag(scene: Scene, node: Node, people: Sequence[Walker]) -> Outcomes:
    """Said as staff say it, in order of the people; what members took off themselves stays off."""
    found: dict[int, Outcome] = {}
    for one in sorted(people, key=lambda one: one.person_id):
        try:
            with transaction.atomic():
                tagging.mark_tag(
                    actor=WALKER,
                    person_id=one.person_id,
                    tag_id=int(node.params["tag"]),
                    is_on=node.params["do"] == "give",
                    note=scene.row.name,
                    now=scene.now,
                )
            found[one.person_id] = ("given", "")
        except Problem as problem:
            found[one.person_id] = ("refused", problem.code[:60])
    return found


def _tier(scene: Scene, node: Node, people: Sequence[Walker]) -> Outcomes:
    """Lent through so many days after today; refused to whoever stands as high for as long without it."""
    days = dt.timedelta(days=int(node.params["days"]))
    until = scene.now.astimezone(ZoneInfo(scene.zone)).date() + days
    code = journey_code(scene.row.pk)
    found: dict[int, Outcome] = {}
    for one in sorted(people, key=lambda one: one.member_id):
        try:
            with transaction.atomic():
                loyalty.grant_tier(
                    actor=WALKER,
                    member_id=one.member_id,
                    tier_id=int(node.params["tier"]),
                    until=until,
                    reason=scene.row.name,
                    source="journey",
                    reference=f"{code}:{one.id}:{one.visit}",
                    must_gain=True,
                    now=scene.now,
                )
            found[one.person_id] = ("given", "")
        except Problem as problem:
            found[one.person_id] = ("refused", problem.code[:60])
    return found


def _ticket(scene: Scene, node: Node, people: Sequence[Walker]) -> Outcomes:
    mall_id = scene.row.mall_id or organization.first_mall_id()
    found: dict[int, Outcome] = {}
    for one in people:
        try:
            with transaction.atomic():
                number = service.open_ticket(
                    actor=WALKER,
                    type=str(node.params.get("type") or "question"),
                    text=str(node.params["text"]),
                    title=scene.row.name,
                    channel="api",
                    mall_id=mall_id,
                    person_id=one.person_id,
                    now=scene.now,
                )
            found[one.person_id] = ("next", number)
        except Problem as problem:
            found[one.person_id] = ("next", problem.code[:60])
    return found


def _signal(scene: Scene, node: Node, people: Sequence[Walker]) -> Outcomes:
    """A fact in the log, from which webhooks and the feed of events tell whoever listens."""
    name = str(node.params["name"])
    facts = [
        JourneySignalled(scene.row.pk, one.person_id, one.member_id, one.id, name, one.visit)
        for one in people
    ]
    events.publish_many(facts, actor=WALKER, now=scene.now)
    return _all(people, "next")


def _end(scene: Scene, node: Node, people: Sequence[Walker]) -> Outcomes:
    for one in people:
        one.ended_by = node.kind
    return _all(people, "")


EFFECTS: Mapping[str, Effect] = {
    "delay": _delay, "wait": _wait, "branch": _branch, "split": _split, "ab": _split, "message": _message, "points": _points,
    "coupon": _coupon, "tag": _tag, "tier": _tier, "ticket": _ticket, "signal": _signal, "goal": _end, "exit": _end,
}  # fmt: skip
