"""Rules of tags without a database: what they say, and that going step by step is the same as looking at everything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from zhike.insight.rules.tags.catalogue import KINDS, Happening
from zhike.insight.rules.tags.judging import Plan, plan
from zhike.insight.rules.tags.machine import Machine
from zhike.insight.rules.tags.rule import (
    DAY_MS,
    HOUR_MS,
    BadRule,
    Compared,
    Figure,
    Group,
    Share,
    Unfollowed,
    between,
    leaves,
    parse,
    stored,
)

pytestmark = pytest.mark.feature("C046", "C022")

BOUGHT = {
    "ask": "figure",
    "event": "purchase",
    "measure": "count",
    "within": {"days": 30},
    "op": "at_least",
    "value": 2,
}
SPENT = BOUGHT | {"measure": "sum", "of": "net_fen", "value": 30_000, "within": {"hours": 60}}
AVERAGE = SPENT | {"measure": "average", "op": "between", "value": [5_000, 15_000]}
SHOPS = BOUGHT | {"measure": "distinct", "of": "merchant_id", "value": 3}
FEW = BOUGHT | {"op": "at_most", "value": 1, "within": {"days": 5}}
DEAR = BOUGHT | {"value": 1, "where": [{"key": "net_fen", "op": "at_least", "value": 15_000}]}
LEFT = {
    "ask": "unfollowed", "event": "behaviour.product_viewed", "by": "purchase", "wait": {"days": 2}, "within": {"days": 14},
    "value": 2,
}  # fmt: skip
PART = {
    "ask": "share", "event": "coupon_used", "to": "purchase", "measure": "count", "within": {"days": 20}, "op": "at_least",
    "value": 40, "least": 2,
}  # fmt: skip


def rule(*conditions: dict[str, Any], match: str = "all") -> dict[str, Any]:
    return {"match": match, "of": list(conditions)}


RULES = [
    rule(BOUGHT), rule(SPENT), rule(AVERAGE), rule(SHOPS), rule(DEAR), rule(LEFT), rule(PART), rule(LEFT, SHOPS, match="any"),
    rule(BOUGHT, FEW), rule(DEAR, {"match": "none", "of": [PART]}), rule({"match": "any", "of": [LEFT, SPENT]}, BOUGHT),
]  # fmt: skip


@pytest.mark.parametrize("given", RULES)
def test_a_rule_is_stored_as_it_was_read(given: dict[str, Any]) -> None:
    tree = parse(given)
    assert parse(stored(tree)) == tree


@pytest.mark.parametrize(
    ("given", "path", "code"),
    [
        ([], "", "shape"),
        (BOUGHT, "", "root"),
        (rule(), "", "empty"),
        (rule(FEW), "", "everybody"),
        (rule(BOUGHT, match="none"), "", "everybody"),
        (rule(BOUGHT | {"event": "nothing"}), "1", "event"),
        (rule(BOUGHT | {"event": "purchase.x"}), "1", "event"),
        (rule(BOUGHT | {"extra": 1}), "1", "shape"),
        (rule(BOUGHT | {"measure": "sum"}), "1", "of"),
        (rule(BOUGHT | {"of": "net_fen"}), "1", "of"),
        (rule(BOUGHT | {"value": -1}), "1", "value"),
        (rule(BOUGHT | {"value": True}), "1", "value"),
        (rule(BOUGHT | {"value": None}), "1", "value-missing"),
        (rule(BOUGHT | {"op": "between", "value": [3, 2]}), "1", "order"),
        (rule(BOUGHT | {"within": {"days": 0}}), "1", "time"),
        (rule(BOUGHT | {"within": {"weeks": 1}}), "1", "time"),
        (rule(BOUGHT | {"within": {"days": 5_000}}), "1", "time"),
        (rule(BOUGHT, LEFT | {"wait": {"days": 14}}), "2", "wait"),
        (
            rule(DEAR | {"where": [{"key": "net_fen", "op": "at_least", "value": "many"}]}),
            "1",
            "property-number",
        ),
        (rule(DEAR | {"where": [{"key": "", "op": "equals", "value": "x"}]}), "1", "where"),
        (rule(*[BOUGHT] * 13), "", "too-many"),
        (rule(rule(rule(rule(rule(BOUGHT))))), "1.1.1.1", "too-deep"),
        (rule({"ask": "magic"}), "1", "ask"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(given: Any, path: str, code: str) -> None:
    with pytest.raises(BadRule) as found:
        parse(given)
    assert (found.value.path, found.value.code) == (path, code)


# --- an oracle that looks at everything ----------------------------------------------------------------------------


def fits(where: Sequence[Compared], one: Happening) -> bool:
    return all(
        one.properties.get(each.key, -1) >= each.value for each in where
    )  # the tests compare numbers only


def lively(events: Sequence[Happening], event: str, where: Any, since: int, now: int) -> list[Happening]:
    return [one for one in events if event in one.codes and since < one.at <= now and fits(where, one)]


def holds(node: Any, events: Sequence[Happening], now: int) -> bool:
    """Whether a rule holds at a moment, by looking at all that ever happened."""
    if isinstance(node, Group):
        found = [holds(one, events, now) for one in node.of]
        return {"all": all(found), "any": any(found), "none": not any(found)}[node.match]
    if isinstance(node, Unfollowed):
        last = max((one.at for one in events if node.then.event in one.codes and one.at <= now), default=-1)
        first = lively(events, node.first.event, node.first.where, now - node.within_ms, now - node.wait_ms)
        return sum(one.at > last for one in first) >= node.times
    since = now - node.within_ms
    if isinstance(node, Share):
        part = lively(events, node.part.event, node.part.where, since, now)
        whole = lively(events, node.whole.event, node.whole.where, since, now)
        share = 100 * len(part) / len(whole) if len(whole) >= node.least and whole else None
        return between(share, node.low, node.high)
    assert isinstance(node, Figure)
    live = lively(events, node.chosen.event, node.chosen.where, since, now)
    values = [one.properties.get(node.of, 0) for one in live]
    figure = {
        "count": len(live), "sum": sum(values), "distinct": len(set(values)),
        "average": sum(values) / len(values) if values else None,
    }[node.measure]  # fmt: skip
    return between(figure, node.low, node.high)


def oracle(made: Plan, events: Sequence[Happening], now: int) -> int | None:
    """Since when the tag is held at ``now``, or None: judged at every moment at which anything could change."""
    moments = {now}
    spans = {0}
    for leaf in leaves(made.root):
        spans |= {leaf.within_ms} | ({leaf.wait_ms} if isinstance(leaf, Unfollowed) else set())
    spans |= {made.ttl_ms} if made.ttl_ms else set()
    moments |= {one.at + span for one in events for span in spans if one.at + span <= now}
    basis = [slot.chosen for slot in made.slots if slot.is_basis]
    since: int | None = None
    for at in sorted(moments):
        seen = [one for one in events if one.at <= at]
        based_on = [
            one.at for one in seen for each in basis if each.event in one.codes and fits(each.where, one)
        ]
        newest = max(based_on, default=0)
        held = holds(made.root, seen, at) and (made.ttl_ms is None or at < newest + made.ttl_ms)
        since = (at if since is None else since) if held else None
    return since


def random_events(rng: Random, subject: int, count: int, days: int = 45) -> list[Happening]:
    start = 1_700_000_000_000
    found = []
    for number in range(count):
        at = start + rng.randrange(days * 24) * HOUR_MS
        code = rng.choice(["purchase", "purchase", "behaviour.product_viewed", "coupon_used"])
        properties = {"net_fen": rng.randrange(1, 40) * 1_000, "merchant_id": rng.randrange(1, 6)}
        found.append(
            Happening(subject, (code.partition(".")[0], code), at, f"{subject}/{number}", properties)
        )
    return sorted(found, key=lambda one: (one.at, one.key))


@pytest.mark.parametrize("seed", range(3))
def test_step_by_step_is_the_same_as_looking_at_everything(seed: int) -> None:
    """Random events taken in one by one, timers let off at random moments, against the oracle: who, and since when."""
    rng = Random(seed)
    plans = {
        number: plan(number, 1, parse(given), rng.choice([None, 10 * DAY_MS]))
        for number, given in enumerate(RULES, start=1)
    }
    machine = Machine(plans)
    events = random_events(rng, 7, 60)
    for number, one in enumerate(events):
        machine.take(one)
        machine.take(one)  # a second time it is not there
        now = rng.randint(one.at, events[number + 1].at) if number + 1 < len(events) else one.at + 9 * DAY_MS
        if rng.random() < 0.3:
            machine.tick(now)
        if number % 12 == 0 or number + 1 == len(events):
            machine.tick(now)
            for tag_id, made in plans.items():
                held = machine.held.get((tag_id, 7))
                assert (held.since if held else None) == oracle(made, events[: number + 1], now), RULES[
                    tag_id - 1
                ]


def test_late_events_count_from_when_they_happened() -> None:
    made = plan(1, 1, parse(rule(BOUGHT)), None)
    early, late, last = (Happening(7, ("purchase",), at * DAY_MS, str(at), {}) for at in (100, 110, 125))
    machine = Machine({1: made})
    machine.take(early)
    machine.take(last)
    assert machine.held[1, 7].since == 125 * DAY_MS
    machine.tick(131 * DAY_MS)
    assert not machine.held  # the first is older than thirty days
    machine.take(late)
    assert machine.held[1, 7].figures == (2,)
    machine.tick(140 * DAY_MS)
    assert not machine.held


def test_two_who_are_one_have_one_history_and_get_their_own_back() -> None:
    made = plan(1, 1, parse(rule(BOUGHT)), None)
    machine = Machine({1: made})
    for subject, day in ((7, 100), (8, 101), (8, 102)):
        machine.take(Happening(subject, ("purchase",), day * DAY_MS, f"{subject}/{day}", {}))
    assert set(machine.held) == {(1, 8)}
    machine.join(8, 7)
    assert {key: one.figures for key, one in machine.held.items()} == {(1, 7): (3,)}
    machine.take(Happening(8, ("purchase",), 103 * DAY_MS, "8/103", {}))
    assert machine.held[1, 7].figures == (4,)
    machine.part(8)
    assert {key: one.figures for key, one in machine.held.items()} == {(1, 8): (3,)}
    machine.tick(200 * DAY_MS)
    assert not machine.held
    assert not machine.states
    assert not machine.timers


def test_what_a_visitor_did_becomes_a_persons_and_nobodys_again() -> None:
    viewed = rule(BOUGHT | {"event": "behaviour.product_viewed"})
    machine = Machine({1: plan(1, 1, parse(viewed), None)})
    codes = ("behaviour", "behaviour.product_viewed")
    for day in (100, 101, 103):
        machine.take(Happening(-5, codes, day * DAY_MS, str(day), {}))
    assert not machine.held
    machine.join(-5, 7, 102 * DAY_MS)
    assert machine.held[1, 7].figures == (2,)
    machine.part(-5, into=9)
    assert machine.held
    machine.part(-5, into=7)
    assert not machine.held


def test_who_refuses_is_forgotten_at_once_and_begins_anew() -> None:
    machine = Machine({1: plan(1, 1, parse(rule(BOUGHT)), None)})
    for day in (100, 101):
        machine.take(Happening(7, ("purchase",), day * DAY_MS, str(day), {}), position=day)
    machine.decide(7, is_off=True, position=102)
    assert not machine.held
    assert not machine.states
    machine.take(Happening(7, ("purchase",), 103 * DAY_MS, "103", {}), position=103)
    assert not machine.states
    machine.decide(7, is_off=False, position=104)
    machine.take(Happening(7, ("purchase",), 105 * DAY_MS, "105", {}), position=105)
    assert not machine.held
    machine.take(Happening(7, ("purchase",), 106 * DAY_MS, "106", {}), position=106)
    assert machine.held[1, 7].figures == (2,)


def test_the_one_who_refused_refuses_for_whoever_they_are_one_with() -> None:
    machine = Machine({1: plan(1, 1, parse(rule(BOUGHT)), None)})
    for day in (100, 101):
        machine.take(Happening(7, ("purchase",), day * DAY_MS, str(day), {}))
    machine.decide(8, is_off=True, position=102)
    machine.join(8, 7)
    assert not machine.held
    machine.take(Happening(7, ("purchase",), 103 * DAY_MS, "103", {}))
    assert not machine.states


def test_receipts_taken_out_again_count_no_more() -> None:
    machine = Machine({1: plan(1, 1, parse(rule(BOUGHT)), None)})
    for day in (100, 101):
        machine.take(Happening(7, ("purchase",), day * DAY_MS, f"r{day}", {}))
    machine.take_out(7, ["r101"])
    assert not machine.held


def test_every_kind_names_events_and_properties_that_are_recorded() -> None:
    """The catalogue writes types of contexts above out; here they are held against the recorded shapes."""
    import json
    from pathlib import Path

    folder = Path(__file__).parents[2] / "docs" / "events"
    derived = {"weekday", "hour", "trades"}
    for kind in KINDS.values():
        for event_type in kind.types:
            shape = json.loads((folder / f"{event_type}.json").read_text())
            text = json.dumps(shape)
            for one in kind.properties:
                if one.code not in derived and kind.code != "behaviour":
                    assert f'"{one.code}"' in text, (kind.code, one.code)


def test_moments_are_milliseconds() -> None:
    from zhike.insight.rules.tags.catalogue import milliseconds, moment

    at = dt.datetime(2026, 3, 8, 2, 0, 0, 123_000, tzinfo=dt.UTC)
    assert moment(milliseconds(at)) == at
