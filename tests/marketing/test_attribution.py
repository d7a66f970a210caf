"""Purchases shared out among the messages before them: by hand, by the literature, and from what was really sent."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.marketing.conftest import DAY, HOUR, advance, buy, launched, people_in, populate
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Invalid
from zhike.marketing import queries
from zhike.marketing.rules import attribution as rules
from zhike.marketing.rules.attribution import Path

pytestmark = pytest.mark.feature("C137")


def test_paths_lie_between_purchases_and_within_the_window() -> None:
    at = [NOW + day * DAY for day in range(20)]
    touches = [(at[0], "a"), (at[5], "b"), (at[6], "a"), (at[9], "c")]
    found = rules.paths_of(touches, [(at[7], 100), (at[8], 50)], dt.timedelta(days=3))
    assert found == [Path(("a",)), Path(("b", "a"), 100), Path(("c",))]
    assert rules.paths_of([], [(at[1], 5)], DAY) == []


def test_last_touch_and_position_by_hand() -> None:
    paths = [Path(("a", "b", "c", "d"), 1_000), Path(("a", "b"), 100), Path(("c",), 10), Path(("d",))]
    last = rules.last_touch(paths)
    assert {key: one.fen for key, one in last.items()} == {"d": 1_000, "b": 100, "c": 10}
    position = rules.position(paths)
    assert {key: round(one.fen) for key, one in position.items()} == {"a": 450, "b": 150, "c": 110, "d": 400}
    for rule in (rules.last_touch, rules.position, rules.removal):
        assert sum(one.fen for one in rule(paths).values()) == pytest.approx(1_110)
        assert sum(one.purchases for one in rule(paths).values()) == pytest.approx(3)


def test_removal_effects_by_hand() -> None:
    """Three paths: a b buys, a is lost, b buys. P = 2/3; without a 1/3 (effect 1/2), without b none (effect 1)."""
    paths = [Path(("a", "b"), 300), Path(("a",)), Path(("b", "b"), 300)]
    driven = rules.removal(paths)
    assert driven["a"].fen == pytest.approx(200) and driven["b"].fen == pytest.approx(400)
    assert rules.removal([Path(("a",))]) == {} and rules.removal([]) == {}


def test_what_was_sent_beside_what_was_proved(town: Town, mall_manager: Viewer, stranger: Viewer) -> None:
    populate(town, 60, "push")
    first = launched(town, name="有对照", holdout_bp=4_000, mall_id=town.mall_id)
    second = launched(town, name="无对照", holdout_bp=0, now=NOW + DAY, mall_id=town.mall_id)
    given = people_in(first, "A")
    buy(town, given[:4], 10_000, NOW + DAY + 2 * HOUR)
    advance(NOW + 9 * DAY)
    asked = {"since": NOW - DAY, "until": NOW + 10 * DAY, "now": NOW + 10 * DAY}
    found = queries.attribution(SYSTEM, window_days=7, **asked)
    rows = {one.name: one for one in found.campaigns}
    assert (found.paths, found.fen) == (4, 40_000)
    assert rows["无对照"].last.fen == 40_000 and rows["有对照"].last.fen == 0
    assert rows["有对照"].position.fen == 20_000
    assert rows["有对照"].people == len(given) and rows["无对照"].people == 60
    for rule in ("last", "position", "driven"):
        assert sum(getattr(one, rule).fen for one in found.campaigns) == pytest.approx(40_000)
    assert [one.key for one in found.channels] == ["inbox"] and found.channels[0].last.purchases == 4
    told = {name: one.review for name, one in rows.items()}
    assert told["无对照"] is not None and told["无对照"].extra is None
    assert told["有对照"] is not None and told["有对照"].extra is not None
    assert {
        one.campaign_id for one in queries.attribution(mall_manager, window_days=7, **asked).campaigns
    } == {
        first,
        second,
    }
    assert queries.attribution(stranger, window_days=7, **asked).campaigns == ()
    assert queries.attribution(SYSTEM, window_days=7, mall_id=town.other_mall_id, **asked).paths == 0
    with pytest.raises(Invalid):
        queries.attribution(SYSTEM, window_days=8, **asked)
