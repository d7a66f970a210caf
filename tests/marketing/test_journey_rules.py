"""The rules of journeys: what a graph must be, how it is edited and drawn, who may enter, how long to rest."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.marketing.journeys import BOUGHT, SALE, days, graph, node
from zhike.marketing.rules.journeys import checking, drawing, editing, templates, walking
from zhike.marketing.rules.journeys import graph as graphs
from zhike.marketing.rules.journeys.graph import Definition, Node

pytestmark = pytest.mark.feature("C124")
ZONE = "Asia/Shanghai"
NOON = dt.datetime(2026, 6, 10, 4, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def codes(definition: Definition) -> set[tuple[str, str]]:
    return {(one.code, one.node) for one in checking.faults(definition)}


def test_a_sound_graph_has_no_faults() -> None:
    sound = graph(
        node("n1", "wait", {**BOUGHT, "value": 3, "unit": "days"}, happened="n3", timeout="n2"),
        node("n2", "delay", days(2), next="n1"),
        node("n3", "goal"),
    )
    assert checking.faults(sound) == []
    assert graphs.read(graphs.stored(sound)) == sound


def test_what_is_wrong_with_a_graph_is_named() -> None:
    broken = graph(
        node("n1", "points", {"points": 5}, given="n2", refused=""),
        node("n2", "signal", {"name": "a"}, next="n1"),
        node("n4", "exit"),
        node("n5", "delay", days(1), next="n6"),
        node("n6", "delay", days(1), next="n5"),
    )
    found = codes(broken)
    assert {
        ("open-end", "n1"),
        ("unreachable", "n4"),
        ("unreachable", "n5"),
        ("circle", "n1"),
        ("circle", "n2"),
    } <= found
    endless = graph(node("n1", "delay", days(1), next="n2"), node("n2", "delay", days(1), next="n1"))
    assert codes(endless) == {("never-ends", "n1"), ("never-ends", "n2")}


@pytest.mark.parametrize(
    ("kind", "params", "code"),
    [
        ("delay", {"value": 0, "unit": "days"}, "delay"),
        ("delay", {"value": 400, "unit": "days"}, "delay"),
        ("delay", {"value": 1, "unit": "days", "at": "23:00"}, "delay-hour"),
        ("wait", {"value": 1, "unit": "days"}, "wait-event"),
        ("wait", {**BOUGHT, "value": 0, "unit": "days"}, "wait-timeout"),
        ("wait", {"event": "x", "where": [["a", "near", "1"]], "value": 1, "unit": "days"}, "wait-event"),
        ("branch", {}, "condition"),
        ("split", {"ways": [{"key": "A", "weight": 1}]}, "ways"),
        ("ab", {"ways": [{"key": "A", "weight": 1}, {"key": "A", "weight": 1}]}, "ways"),
        ("ab", {"ways": [{"key": "A", "weight": 0}, {"key": "B", "weight": 1}]}, "ways"),
        ("message", {}, "template"),
        ("points", {"points": 0}, "points"),
        ("coupon", {}, "coupon"),
        ("ticket", {"text": " "}, "ticket"),
        ("signal", {"name": "no spaces"}, "signal"),
        ("nonsense", {}, "kind"),
    ],
)
def test_nodes_that_say_too_little(kind: str, params: dict[str, Any], code: str) -> None:
    assert (code, "n1") in codes(graph(node("n1", kind, params), node("n2", "exit")))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"trigger": {"kind": "event"}}, "trigger-event"),
        ({"trigger": {"kind": "segment", "who": "now"}}, "trigger-segment"),
        ({"trigger": {"kind": "birthday", "days": 3, "at": "22:30"}}, "trigger-day"),
        ({"trigger": {}}, "trigger"),
        ({"reentry": "after"}, "reentry"),
        ({"holdout_bp": 6_000}, "holdout"),
        ({"window_days": 0}, "window"),
        ({"first": "n9"}, "no-beginning"),
    ],
)
def test_journeys_that_say_too_little(changes: dict[str, Any], code: str) -> None:
    assert (code, "") in codes(graph(node("n1", "exit"), **changes))


def test_conditions_on_what_happened() -> None:
    data = {"kind": "sale", "net_fen": 12_000, "properties": {"category": "美妆"}, "is_new": True}
    for key, op, value, fits in (
        ("kind", "equals", "sale", True), ("kind", "differs", "sale", False), ("net_fen", "at_least", "12000", True),
        ("net_fen", "at_most", "100", False), ("properties.category", "contains", "美", True), ("is_new", "equals", "true", True),
        ("gone.deep", "equals", "", True), ("gone", "at_least", "1", False),
    ):  # fmt: skip
        assert graphs.matches(graphs.Watch("e", ((key, op, value),)), data) is fits, (key, op)


def test_edits_keep_a_graph_whole() -> None:
    definition = graphs.empty({"kind": "api"})
    for kind in graphs.KINDS[:-2]:
        definition, key = editing.apply(definition, editing.AddNode(kind))
        assert definition.first == key
        shape = {one.code for one in checking.faults(definition)}
        assert not shape & {"open-end", "unreachable", "circle", "never-ends"}, kind
    for key in [one.key for one in definition.nodes.values() if one.outcomes]:
        definition, _key = editing.apply(definition, editing.RemoveNode(key))
        shape = {one.code for one in checking.faults(definition)}
        assert not shape & {"open-end", "unreachable", "circle", "never-ends"}
    assert {one.kind for one in definition.nodes.values()} == {"exit"}
    with pytest.raises(editing.NotPossible):
        editing.apply(definition, editing.RemoveNode("n999"))
    with pytest.raises(editing.NotPossible):
        editing.apply(definition, editing.AddNode("points", "n999", "given"))


def test_a_node_moves_with_what_it_says() -> None:
    definition = graph(
        node("n1", "delay", days(1), next="n2"),
        node("n2", "points", {"points": 5}, given="n3", refused="n3"),
        node("n3", "delay", days(2), next="n4"),
        node("n4", "exit"),
    )
    moved, key = editing.apply(definition, editing.MoveNode("n2", "n3", "next"))
    assert (moved.nodes["n1"].outs["next"], moved.nodes["n3"].outs["next"]) == ("n3", key)
    assert moved.nodes[key].params == {"points": 5}
    assert checking.faults(moved) == []
    joined, _key = editing.apply(definition, editing.Connect("n2", "refused", "n1"))
    assert joined.nodes["n2"].outs["refused"] == "n1"
    assert checking.faults(joined) == []


def test_boxes_never_stand_on_each_other() -> None:
    for ready in templates.READY:
        drawn = drawing.draw(ready.definition)
        assert len(set(drawn.places.values())) == len(ready.definition.nodes)
        for one in drawn.places.values():
            for other in drawn.places.values():
                apart = (
                    abs(one[0] - other[0]) >= drawing.BOX_WIDTH
                    or abs(one[1] - other[1]) >= drawing.BOX_HEIGHT
                )
                assert one == other or apart, ready.code
        assert len(drawn.lines) == 1 + len(list(graphs.edges(ready.definition)))
        assert all(x + drawing.BOX_WIDTH <= drawn.width for x, _y in drawn.places.values())


def test_a_line_back_has_a_lane_of_its_own() -> None:
    circle = graph(
        node("n1", "delay", days(1), next="n2"),
        node("n2", "wait", {**BOUGHT, "value": 1, "unit": "days"}, happened="n3", timeout="n1"),
        node("n3", "exit"),
    )
    [back] = [line for line in drawing.draw(circle).lines if line.is_back]
    assert (back.source, back.target) == ("n2", "n1")


def test_entering_and_resting() -> None:
    never = graph(node("n1", "exit"))
    after = graph(node("n1", "exit"), reentry="after", reentry_days=10)
    assert walking.may_enter(never, False, None, NOON)
    assert not walking.may_enter(never, False, NOON - 99 * DAY, NOON)
    assert walking.may_enter(after, False, NOON - 10 * DAY, NOON)
    assert not walking.may_enter(after, True, None, NOON)
    assert walking.rests_until(days(2), NOON, ZONE) == NOON + 2 * DAY
    assert walking.rests_until(days(0, "11:00"), NOON, ZONE) == NOON + DAY - dt.timedelta(hours=1)
    assert walking.rests_until(days(1, "12:00"), NOON, ZONE) == NOON + DAY
    assert walking.rests_until(days(0, "12:00"), NOON, ZONE) == NOON + DAY
    assert not walking.is_of_age(dt.date(2008, 6, 11), NOON.date())
    assert walking.is_of_age(dt.date(2008, 6, 10), NOON.date())
    assert walking.is_of_age(None, NOON.date())
    morning = NOON.replace(hour=0)
    assert walking.is_due_today("10:00", None, morning, ZONE) is None
    assert walking.is_due_today("10:00", None, NOON, ZONE) == NOON.date()
    assert walking.is_due_today("10:00", NOON.date(), NOON, ZONE) is None


def test_splits_are_stable_and_even() -> None:
    split = Node("n1", "split", {"ways": [{"key": "A", "weight": 3}, {"key": "B", "weight": 1}]})
    ways = [walking.way_of(7, split, person) for person in range(4_000)]
    assert ways == [walking.way_of(7, split, person) for person in range(4_000)]
    assert 2_850 < ways.count("A") < 3_150
    other = Node("n2", "split", split.params)
    together = sum(way == walking.way_of(7, other, person) for person, way in enumerate(ways))
    assert 2_350 < together < 2_650
    assert SALE.event == graphs.PURCHASE
