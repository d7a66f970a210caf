"""The ROI board: by campaign, journey, channel, audience, standing and line of business, from holdouts and rates alone."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, staff
from tests.marketing.conftest import DAY, HOUR, advance, buy, launched, people_in, populate
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.marketing import operations, queries
from zhike.marketing.models import MarginRate
from zhike.marketing.rules import pooling, targets
from zhike.marketing.rules.margins import DatedRate, Margins
from zhike.marketing.rules.measuring import Effect
from zhike.marketing.rules.pooling import Rates, Relative, Stretch
from zhike.organization.models import Merchant, TradeCategory

pytestmark = pytest.mark.feature("C206", "C137")
AFTER = NOW + 9 * DAY


def food_of(town: Town) -> int:
    """The line of business of everybody at 星河城."""
    found = TradeCategory.objects.create(group_id=town.group_id, code="FOOD", name="餐饮")
    Merchant.objects.filter(mall_id=town.mall_id).update(trade_category=found)
    from zhike.organization import queries as organization

    organization.forget_merchants()
    return found.pk


def rate(town: Town, margin_bp: int | None, *, category: int, on: dt.date | None = None) -> int:
    return operations.set_margin_rate(
        actor=SYSTEM, group_id=town.group_id, category_id=category, margin_bp=margin_bp,
        valid_from=on or NOW.date() - 30 * DAY, now=NOW,
    )  # fmt: skip


def test_the_nearest_rate_holds_and_nothing_is_made_up() -> None:
    day = dt.date(2026, 3, 8)
    margins = Margins(
        merchants={1: [DatedRate(day, 5_000), DatedRate(day + 2 * DAY, None)]},
        categories={7: [DatedRate(day - DAY, 3_000), DatedRate(day + DAY, 3_500)], 6: [DatedRate(day, 100)]},
        parents={8: 7, 7: None, 6: None},
    )
    assert margins.rate(1, 8, day) == 5_000
    assert margins.rate(1, 8, day + 2 * DAY) == 3_500
    assert margins.rate(1, 8, day - DAY) == 3_000
    assert margins.rate(2, 7, day) == 3_000
    assert margins.rate(2, 6, day - DAY) is None
    assert margins.rate(2, None, day) is None
    assert Margins(house_bp=900).rate(2, 7, day) == 900


def test_pooling_by_hand() -> None:
    """One stratum is the plain ratio with Katz's variance; amounts add up and half-widths as squares."""
    found = pooling.relative([Rates(30, 100, 20, 100)])
    assert found is not None and found.change == pytest.approx(0.5)
    error = math.sqrt(1 / 30 - 1 / 100 + 1 / 20 - 1 / 100)
    assert found.low == pytest.approx(1.5 * math.exp(-1.959964 * error) - 1, rel=1e-5)
    assert found.high == pytest.approx(1.5 * math.exp(1.959964 * error) - 1, rel=1e-5)
    assert pooling.relative([Rates(0, 10, 1, 10)]) is None and pooling.relative([]) is None
    # Simpson: within each the rates are the same, though all together they are not
    same = pooling.relative([Rates(50, 100, 5, 10), Rates(1, 10, 10, 100)])
    assert same is not None and same.change == pytest.approx(0)
    one = Effect(0.3, 0.2, 0.1, 0.07, 0.13, 0.01, "fixed")
    two = Effect(0.2, 0.2, 0.0, -0.04, 0.04, 1.0, "fixed")
    assert pooling.total([(100, one), (100, two)]) == Stretch(10, pytest.approx(5), pytest.approx(15))
    assert pooling.total([]) is None
    assert pooling.unit_cost(1_000, Stretch(10, 5, 20)) == Stretch(100, 50, 200)
    assert pooling.unit_cost(1_000, Stretch(10, -1, 20)) is None


@pytest.mark.feature("C246", "C247")
def test_a_promise_is_judged_by_the_whole_interval() -> None:
    assert targets.judged("wake", Relative(0.4, 0.21, 0.6)).verdict == "reached"
    assert targets.judged("wake", Relative(0.1, 0.0, 0.19)).verdict == "missed"
    assert targets.judged("wake", Relative(0.3, 0.1, 0.5)).verdict == "open"
    assert targets.judged("cost", Relative(-0.3, -0.5, -0.11)).verdict == "reached"
    assert targets.judged("cost", Relative(0.1, -0.05, 0.2)).verdict == "missed"
    assert targets.judged("wake", None).verdict == "no_control"
    good, weak = (Effect(0, 0, d, d - w, d + w, 0.01, "fixed") for d, w in ((0.1, 0.02), (0.05, 0.02)))
    found = targets.cost_change([(100, good)], [(200, weak)])
    assert found is not None and found.change == pytest.approx(-0.5) and found.low < -0.5 < found.high
    unsure = Effect(0, 0, 0.1, -0.02, 0.2, 0.3, "fixed")
    assert targets.cost_change([(100, unsure)], [(200, weak)]) is None


@pytest.mark.feature("C138", "C246", "N8")
def test_every_figure_follows_from_what_was_planted(town: Town) -> None:
    """Whoever is reached buys for 100 yuan and nobody of the holdout does: every figure is known beforehand."""
    food = food_of(town)
    populate(town, 120, "push")
    campaign_id = launched(town, holdout_bp=4_000, mall_id=town.mall_id)
    given, held = people_in(campaign_id, "A"), people_in(campaign_id, "holdout")
    buy(town, given, 10_000, NOW + HOUR)
    operations.measure_campaign(actor=SYSTEM, campaign_id=campaign_id, now=AFTER)
    advance(AFTER)
    asked = {"since": NOW - DAY, "until": AFTER}
    [line] = queries.board(SYSTEM, AFTER, **asked).lines
    n = len(given)
    assert (line.people, line.bought, line.attributed_fen) == (n, n, n * 10_000)
    assert line.extra is not None and line.extra.middle == pytest.approx(n * 10_000)
    assert (line.margin, line.roi, line.of.covered) == (None, None, 0)  # nobody said what is left of it
    rate(town, 4_000, category=food)
    operations.measure_campaign(actor=SYSTEM, campaign_id=campaign_id, now=AFTER)
    found = queries.board(SYSTEM, AFTER, **asked)
    [line] = found.lines
    assert line.margin is not None and line.margin.middle == pytest.approx(n * 4_000)
    assert line.acquired.people == n and line.acquired.extra is not None
    assert line.acquired.extra.middle == pytest.approx(n)
    [channel] = found.channels
    assert (channel.key, channel.people, channel.attributed_fen) == ("inbox", n, n * 10_000)
    assert channel.extra == line.extra and channel.margin == line.margin
    [audience] = found.audiences
    assert (audience.lines, audience.told) == (1, 1) and audience.extra == line.extra
    [standing] = found.standings
    assert (standing.key, standing.people) == ("new", n) and standing.extra == line.extra
    [category] = found.categories
    assert (category.name, category.rate_bp) == ("餐饮", 4_000)
    assert category.margin is not None and category.margin.middle == pytest.approx(n * 4_000)
    assert found.total.extra == line.extra and found.total.told == 1
    told = {one.name: one for one in queries.marketing_targets(SYSTEM, AFTER, **asked).lines}
    assert told["convert"].people == n and told["convert"].held == len(held)
    assert told["convert"].change is None  # the holdout bought nothing at all: there is no ratio
    assert told["cost"].verdict == "no_control" and told["wake"].people == 0
    assert queries.board(SYSTEM, AFTER, since=NOW + DAY, until=AFTER).lines == ()


def test_without_a_holdout_nothing_is_claimed(town: Town) -> None:
    populate(town, 20, "push")
    campaign_id = launched(town, holdout_bp=0, mall_id=town.mall_id)
    buy(town, people_in(campaign_id, "A"), 10_000, NOW + HOUR)
    operations.measure_campaign(actor=SYSTEM, campaign_id=campaign_id, now=AFTER)
    found = queries.board(SYSTEM, AFTER, since=NOW - DAY)
    [line] = found.lines
    assert (line.visit, line.extra, line.margin, line.gain, line.roi) == (None, None, None, None, None)
    assert line.attributed_fen == 200_000 and line.acquired.extra is None
    parts = (found.total, *found.channels, *found.audiences, *found.standings, *found.categories)
    assert {(one.extra, one.margin, one.visit, one.told) for one in parts} == {(None, None, None, 0)}
    assert all(one.verdict == "no_control" for one in queries.marketing_targets(SYSTEM, AFTER).lines)


def test_a_mall_sees_what_the_groups_campaign_did_there(
    town: Town, mall_manager: Viewer, stranger: Viewer
) -> None:
    populate(town, 100, "push")
    campaign_id = launched(town, holdout_bp=4_000)
    given = people_in(campaign_id, "A")
    buy(town, given[:30], 10_000, NOW + HOUR)
    operations.measure_campaign(actor=SYSTEM, campaign_id=campaign_id, now=AFTER)
    [line] = queries.board(mall_manager, AFTER, mall_id=town.mall_id).lines
    assert line.is_part and not line.is_open and (line.roi, line.of.cost.total) == (None, 0)
    assert line.bought == 30 and line.extra is not None and line.extra.middle == pytest.approx(300_000)
    [other] = queries.board(stranger, AFTER, mall_id=town.other_mall_id).lines
    assert (other.bought, other.is_part) == (0, True)
    assert queries.board(stranger, AFTER, mall_id=town.mall_id).lines == ()
    assert queries.board(mall_manager, AFTER).lines == ()
    [whole] = queries.board(SYSTEM, AFTER, mall_id=town.mall_id).lines
    assert whole.is_part and whole.is_open


def test_margins_are_set_within_ones_mall(town: Town, mall_manager: Viewer, stranger: Viewer) -> None:
    food = food_of(town)
    asked = {"group_id": town.group_id, "valid_from": NOW.date(), "now": NOW}
    first = operations.set_margin_rate(actor=mall_manager, merchant_id=town.cafe, margin_bp=5_500, **asked)
    again = operations.set_margin_rate(actor=mall_manager, merchant_id=town.cafe, margin_bp=5_000, **asked)
    assert first == again and MarginRate.objects.get().margin_bp == 5_000
    assert AuditEntry.objects.filter(action="margin_rate.set").count() == 2
    count = Event.objects.count()
    for actor in (stranger, staff("campaigns.view")):
        with pytest.raises(NotAllowed):
            operations.set_margin_rate(actor=actor, merchant_id=town.cafe, margin_bp=1, **asked)
    with pytest.raises(NotAllowed):
        operations.set_margin_rate(actor=mall_manager, category_id=food, margin_bp=1, **asked)
    for bad in ({}, {"merchant_id": town.cafe, "category_id": food}):
        with pytest.raises(operations.MarginUnusable):
            operations.set_margin_rate(actor=SYSTEM, margin_bp=1, **bad, **asked)
    with pytest.raises(operations.MarginUnusable):
        operations.set_margin_rate(actor=SYSTEM, merchant_id=town.cafe, margin_bp=10_001, **asked)
    with pytest.raises(NotFound):
        operations.set_margin_rate(actor=SYSTEM, merchant_id=2**40, margin_bp=1, **asked)
    assert (MarginRate.objects.count(), Event.objects.count()) == (1, count)
    rate(town, 3_000, category=food)
    rate(town, 3_500, category=food, on=NOW.date() + 5 * DAY)
    seen = [
        (one.kind, one.margin_bp, one.state)
        for one in queries.margin_rates(mall_manager, town.group_id, NOW.date())
    ]
    assert seen == [("category", 3_500, "coming"), ("category", 3_000, "now"), ("merchant", 5_000, "now")]
    assert [one.kind for one in queries.margin_rates(stranger, town.group_id, NOW.date())] == ["category"] * 2


def test_the_people_behind_a_figure(town: Town, stranger: Viewer) -> None:
    populate(town, 40, "push")
    populate(town, 5, first=900)  # agreed to nothing
    campaign_id = launched(town, holdout_bp=2_000, mall_id=town.mall_id)
    given = people_in(campaign_id, "A")
    reached = queries.campaign_people(SYSTEM, campaign_id, NOW, show="given", limit=200).items
    buyers = [one.person_id for one in reached[:7]]
    buy(town, buyers[:1], 5_000, NOW - DAY)
    buy(town, buyers, 10_000, NOW + HOUR)

    def who(show: str, **more: object) -> list[int]:
        found = queries.campaign_people(SYSTEM, campaign_id, AFTER, show=show, limit=200)
        return [one.person_id for one in found.items]

    assert who("bought") == buyers and who("new") == buyers[1:]
    assert set(who("held")) | set(who("given")) | set(who("refused")) == set(who("held")) | set(given) | set(
        people_in(campaign_id, "holdout")
    )
    first = queries.campaign_people(SYSTEM, campaign_id, AFTER, show="bought", limit=4)
    second = queries.campaign_people(
        SYSTEM, campaign_id, AFTER, show="bought", cursor=first.next_cursor, limit=4
    )
    assert [one.person_id for one in (*first.items, *second.items)] == buyers
    assert {one.net_fen for one in first.items} == {10_000}
    with pytest.raises(NotFound):
        queries.campaign_people(stranger, campaign_id, AFTER)
