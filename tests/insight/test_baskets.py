"""What is bought together: exact on a known set, right in its scope, made into a coupon once."""

from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.insight.conftest import DAY, SYSTEM, Audience, buy
from tests.people import NOW, Crew
from zhike.insight import _baskets as mining
from zhike.insight import jobs, operations, queries
from zhike.insight.models import BasketRule, BasketRun
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import AuditEntry, Event
from zhike.offers import queries as offers

pytestmark = pytest.mark.feature("C056")


def brute(baskets: list[set[int]], minimum: int) -> dict[tuple[int, ...], int]:
    items = sorted(set().union(*baskets))
    found = {}
    for size in range(1, len(items) + 1):
        for some in itertools.combinations(items, size):
            count = sum(set(some) <= basket for basket in baskets)
            if count >= minimum:
                found[some] = count
    return found


def lists(baskets: list[set[int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for number, basket in enumerate(baskets):
        for item in basket:
            found[item].append(number)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_same_as_counting_everything(seed: int) -> None:
    rng = Random(seed)
    baskets = [{item for item in range(8) if rng.random() < 0.2 + item / 20} for _ in range(60)]
    assert mining.frequent_sets(lists(baskets), 4) == brute(baskets, 4)


def test_rules_of_a_small_shop() -> None:
    baskets = [{1, 2}, {1, 2}, {1}, {3}]
    sets = mining.frequent_sets(lists(baskets), 2)
    rules = mining.rules_of(sets, 4, 6_000)
    assert {(one.antecedent, one.consequent, one.both, one.before) for one in rules} == {
        ((1,), 2, 2, 3),
        ((2,), 1, 2, 2),
    }
    surer = next(one for one in rules if one.consequent == 1)
    assert (surer.support, surer.confidence, surer.lift, surer.leverage) == (0.5, 1.0, 4 / 3, 0.125)
    assert mining.rules_of(sets, 4, 10_000) == [surer]
    assert all(0 < q <= 1 for q in mining.accident(rules))
    assert mining.accident([]) == []


def test_too_many_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mining, "SETS_MAX", 20)
    with pytest.raises(mining.TooMany):
        mining.frequent_sets(lists([set(range(9))] * 5), 2)


def test_groceries_have_410_rules(zhike_data: Path) -> None:
    """The figures every teaching text gives for 9,835 baskets at support 0.001 and confidence 0.8."""
    import pyarrow.parquet as parquet

    table = parquet.read_table(zhike_data / "groceries" / "baskets.parquet")
    number: dict[str, int] = {}
    baskets_of: dict[int, list[int]] = defaultdict(list)
    for basket, item in zip(table["basket"].to_pylist(), table["item"].to_pylist(), strict=True):
        baskets_of[number.setdefault(item, len(number))].append(basket)
    count = len(set(table["basket"].to_pylist()))
    sets = mining.frequent_sets(baskets_of, mining.minimum_count(count, 1_000, 1))
    rules = mining.rules_of(sets, count, 8_000)
    assert (count, len(number), len(sets), len(rules)) == (9_835, 169, 13_492, 410)
    best = max(rules, key=lambda one: one.lift)
    names = {pk: name for name, pk in number.items()}
    assert {names[pk] for pk in best.antecedent} == {"liquor", "red/blush wine"}
    assert names[best.consequent] == "bottled beer"
    assert round(best.lift, 3) == 11.235


# --- over receipts ---------------------------------------------------------------------------------------------------


@pytest.fixture
def visits(audience: Audience) -> Audience:
    """In 9 of 12 visits coffee is followed by fashion; noodles and coffee of 俄 lie in two malls."""
    malls = audience.malls
    for number in range(12):
        at = NOW - (10 + number) * DAY
        buy(malls, audience.persons[audience.bai], malls.cafe, 30_00, at)
        if number < 9:
            buy(malls, audience.persons[audience.bai], malls.fashion, 300_00, at)
    return audience


def search(audience: Audience, actor: Any = SYSTEM, **given: Any) -> int:
    plan = operations.BasketPlan(**{"days": 60, "support_ppm": 10_000, "count_min": 2} | given)
    run_id = operations.order_basket_search(actor=actor, group_id=audience.malls.group, plan=plan, now=NOW)
    operations.search_baskets(actor=SYSTEM, run_id=run_id, now=NOW)
    return run_id


@pytest.mark.django_db
def test_across_merchants_within_a_visit(visits: Audience) -> None:
    malls = visits.malls
    run_id = search(visits, confidence_bp=6_000)
    run = queries.basket_run(SYSTEM, run_id)
    # 4 visits of 安, 12 of 白, 2 of 俄 (one in each mall) in sixty days.
    assert (run.status, run.baskets, run.version) == ("done", 18, 1)
    found = {
        (rule.antecedent[0].id, rule.consequent.id): rule
        for rule in queries.basket_rules(SYSTEM, run_id, queries.RuleFilter())
    }
    assert set(found) == {(malls.fashion, malls.cafe)}
    rule = found[malls.fashion, malls.cafe]
    assert (rule.both, rule.before, rule.after, rule.confidence) == (9, 9, 17, 1.0)
    assert rule.is_across
    assert Event.objects.filter(type="zhike.insight.baskets_searched").count() == 1
    assert search(visits) != run_id and queries.basket_runs(SYSTEM)[0].version == 2
    assert operations.search_baskets(actor=SYSTEM, run_id=run_id, now=NOW) == 0


@pytest.mark.django_db
def test_only_in_the_mall_asked_for(visits: Audience, crew: Crew) -> None:
    run_id = search(visits, actor=crew.qian, mall_id=visits.malls.cloud, confidence_bp=1)
    assert queries.basket_run(crew.qian, run_id).baskets == 1
    with pytest.raises(queries.BasketRunNotFound):
        queries.basket_run(crew.wang, run_id)
    with pytest.raises(NotAllowed):
        search(visits, actor=crew.qian)
    with pytest.raises(NotAllowed):
        search(visits, actor=crew.li, mall_id=visits.malls.star)
    assert BasketRun.objects.count() == 1
    everywhere = search(visits)
    assert [one.id for one in queries.basket_runs(crew.qian)] == [run_id]
    with pytest.raises(queries.BasketRunNotFound):
        queries.basket_rules(crew.qian, everywhere, queries.RuleFilter())


@pytest.mark.django_db
def test_a_search_must_be_possible(visits: Audience) -> None:
    for wrong in (
        {"unit": "receipt"},
        {"days": 0},
        {"support_ppm": 1},
        {"confidence_bp": 0},
        {"level": "aisle"},
    ):
        with pytest.raises(operations.BasketPlanUnusable) as refusal:
            search(visits, **wrong)
        assert set(refusal.value.fields) <= {*wrong, "unit"}
    assert not BasketRun.objects.exists()


@pytest.mark.django_db
def test_too_many_says_so(visits: Audience, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mining, "SETS_MAX", 0)
    run = queries.basket_run(SYSTEM, search(visits))
    assert (run.status, run.fault, run.rules) == ("failed", "too-many", 0)


@pytest.mark.django_db
@pytest.mark.feature("C120")
def test_a_coupon_of_a_rule_once(visits: Audience, crew: Crew) -> None:
    run_id = search(visits)
    rule = queries.basket_rules(SYSTEM, run_id, queries.RuleFilter(lift_min=101))[0]
    with pytest.raises(NotAllowed):
        operations.make_basket_offer(actor=crew.wu, rule_id=rule.id, now=NOW)
    first = operations.make_basket_offer(actor=crew.admin, rule_id=rule.id, now=NOW)
    assert operations.make_basket_offer(actor=crew.admin, rule_id=rule.id, now=NOW) == first
    template = offers.template(SYSTEM, first)
    assert template.definition["scope"]["merchants"]["only"] == [rule.consequent.id]
    assert (template.kind, template.definition["percent_bp"]) == ("percent", 1_000)
    assert AuditEntry.objects.filter(action="basket.offer").count() == 1
    made = queries.basket_offers(SYSTEM)
    assert [(one.template_id, one.confidence, one.confidence_now) for one in made] == [
        (first, rule.confidence, None)
    ]
    later = search(visits)
    BasketRun.objects.filter(pk=later).update(until=NOW + DAY)
    assert queries.basket_offers(SYSTEM)[0].confidence_now == rule.confidence
    with pytest.raises(queries.BasketRunNotFound):
        operations.make_basket_offer(actor=crew.qian, rule_id=rule.id, now=NOW)


@pytest.mark.django_db
def test_again_after_a_week(visits: Audience) -> None:
    search(visits)
    assert operations.renew_basket_searches(actor=SYSTEM, now=NOW + 5 * DAY) == 0
    assert operations.renew_basket_searches(actor=SYSTEM, now=NOW + 7 * DAY) == 1
    assert operations.renew_basket_searches(actor=SYSTEM, now=NOW + 7 * DAY) == 0
    waiting = BasketRun.objects.get(status="waiting")
    assert waiting.version == 2
    jobs.search_baskets(run_id=waiting.pk)
    waiting.refresh_from_db()
    assert waiting.status == "done"
    assert jobs.renew_basket_searches(timestamp=0) in (0, 1)


@pytest.mark.django_db
def test_articles_and_what_came_back(visits: Audience) -> None:
    """Articles without a product of the catalogue are in no basket; a receipt is a basket of its own."""
    run = queries.basket_run(SYSTEM, search(visits, level="product", unit="receipt"))
    assert (run.baskets, run.rules) == (27, 0)
    assert not BasketRule.objects.exists()
    assert queries.basket_run(SYSTEM, search(visits, level="category", unit="visit")).baskets == 18
