"""Recommendations: right at once, with their reasons; nothing of who said no; as good as the known ones on a public set."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.insight.conftest import DAY, SYSTEM, Audience, join
from tests.insight.shops import ARTICLES, buy, stock
from tests.people import NOW, Crew
from zhike.collection.events import BehaviourObserved
from zhike.insight import jobs, operations, queries
from zhike.insight.models import RecommendItem, RecommendRun
from zhike.insight.rules import recommend as rules
from zhike.insight.rules.recommend import Candidate, Known, Why
from zhike.kernel import events
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import Event
from zhike.offers import operations as offers
from zhike.organization.operations import structure
from zhike.privacy import operations as privacy

pytestmark = pytest.mark.feature("C129")
TODAY = NOW.date()


# --- the rules -------------------------------------------------------------------------------------------------------


def test_scores_add_up_and_the_largest_part_is_the_reason() -> None:
    known = rules.weights_of([(1, 0, TODAY), (1, 1, TODAY), (2, 0, TODAY)], [3])
    assert known.bought == {1: 1.9, 2: 1.0} and known.times == {1: 2, 2: 1} and known.viewed == {3: 0.6}
    found = rules.scored(
        known, {1: [(5, 0.5)], 2: [(5, 0.1)], 3: [(6, 0.5)]}, {7: 1.0, 5: 0.5}, [(2, 8, 0.4)]
    )
    assert found[5][0] == pytest.approx(1.9 * 0.5 + 0.1 + 0.025) and found[5][1] == Why("together", 1)
    assert found[1][0] == pytest.approx(0.2 * 1.9) and found[1][1] == Why("repeat", 1, 2)
    assert found[6][1] == Why("viewed", 3) and found[3][1] == Why("viewed", 3)
    assert found[8][0] == pytest.approx(0.3 * 0.4) and found[8][1] == Why("rule", 2, share=0.4)
    assert found[7] == (rules.POPULAR, Why("popular"))


def chosen(scores: dict[int, float], known: Known = Known(), **given: Any) -> list[int]:
    candidates = {item: Candidate(item, given.pop(f"m{item}", item), 0, TODAY) for item in scores}
    candidates |= given.pop("candidates", {})
    values: dict[str, Any] = {
        "refused": (), "open_merchants": range(100), "today": TODAY, "limit": 3, "per_merchant": 2,
    } | given  # fmt: skip
    found = rules.chosen(
        {item: (value, Why("popular")) for item, value in scores.items()}, candidates, known, **values
    )
    return [one.item for one in found]


@pytest.mark.feature("D25")
def test_what_may_stand_in_a_list() -> None:
    scores = {1: 5.0, 2: 4.0, 3: 3.0, 4: 2.0, 5: 1.0}
    assert chosen(scores) == [1, 2, 3]
    assert chosen(scores, refused={1}) == [2, 3, 4]
    assert chosen(scores, open_merchants={2, 4, 5}) == [2, 4, 5]
    assert chosen(scores, m1=9, m2=9, m3=9) == [1, 2, 4]
    stale = {1: Candidate(1, 1, 0, TODAY - 91 * DAY)}
    assert chosen(scores, candidates=stale) == [2, 3, 4]


@pytest.mark.feature("D25")
def test_bought_once_rests_a_year_unless_people_buy_it_again() -> None:
    scores = {1: 5.0, 2: 4.0, 3: 3.0, 4: 2.0}
    known = Known({1: 1.0}, {1: 1}, {1: TODAY - 30 * DAY})
    assert chosen(scores, known) == [2, 3, 4]
    again = {1: Candidate(1, 1, rules.AGAIN_BP, TODAY)}
    assert chosen(scores, known, candidates=again) == [1, 2, 3]
    assert chosen(scores, Known({1: 1.0}, {1: 1}, {1: TODAY - 366 * DAY})) == [1, 2, 3]


def test_at_most_two_thirds_were_bought_before() -> None:
    scores = {item: 9.0 - item for item in range(6)}
    known = Known(dict.fromkeys(range(4), 1.0), {}, dict.fromkeys(range(4), TODAY))
    often = {item: Candidate(item, item, 9_000, TODAY) for item in range(6)}
    assert chosen(scores, known, candidates=often) == [0, 1, 4]
    assert chosen({0: 1.0, 1: 0.5, 2: 0.2}, known, candidates=often) == [0, 1, 2]


# --- over receipts ---------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(audience: Audience) -> tuple[Audience, dict[str, int]]:
    """Eight members with tastes, and 安, who just bought beans for the second time."""
    malls = audience.malls
    ids = stock(malls)
    for number in range(8):
        person_id = join(malls, 20 + number, f"客{number}").person_id
        taste = ("BEANS", "FILTER") if number % 2 else ("DRESS", "SCARF")
        for ago in (3 + number, 20 + number):
            buy(malls, ids, person_id, ago, *taste)
        if number == 1:
            buy(malls, ids, person_id, 40, "RING", "CUP")
    for ago in (2, 9):
        buy(malls, ids, audience.persons[audience.an], ago, "BEANS")
    operations.fit_recommendations(actor=SYSTEM, now=NOW)
    return audience, ids


def names(rows: Sequence[queries.Recommended]) -> list[str]:
    return [one.name for one in rows]


@pytest.mark.django_db
def test_what_goes_with_what_was_bought(shop: tuple[Audience, dict[str, int]]) -> None:
    audience, _ids = shop
    found = queries.recommendations(SYSTEM, audience.an, NOW)
    assert found.basis == "personal"
    by_name = {one.name: one for one in found.products}
    assert names(found.products)[:2] in (["滤纸", "咖啡豆"], ["咖啡豆", "滤纸"])
    assert (by_name["滤纸"].source, by_name["滤纸"].because) == ("together", "咖啡豆")
    assert (by_name["咖啡豆"].source, by_name["咖啡豆"].times) == ("repeat", 2)
    assert by_name["滤纸"].merchant_id == audience.malls.cafe and by_name["滤纸"].price_fen == 30_00
    assert found.merchants and found.merchants[0].source in ("repeat", "together")
    run = queries.recommend_runs(SYSTEM)[-1]
    assert run.holdout["people"] >= 8 and set(run.holdout["methods"]) == {
        "popular",
        "personal",
        "together",
        "blend",
    }
    assert run.holdout["methods"]["blend"]["hit"] == 1.0


@pytest.mark.django_db
@pytest.mark.feature("C130")
def test_a_purchase_and_a_look_count_at_once(shop: tuple[Audience, dict[str, int]]) -> None:
    audience, ids = shop
    person_id = audience.persons[audience.chen]
    privacy.record_consents(
        actor=SYSTEM, person_id=person_id, decisions=[privacy.Decision("personalisation", "any", "granted")], policy_version="2026-01",
        method="h5", evidence={}, now=NOW,
    )  # fmt: skip
    before = queries.recommendations(SYSTEM, audience.chen, NOW)
    assert before.basis == "unknown" and before.products[0].source == "popular"
    look = BehaviourObserved(
        1,
        "track",
        "product_viewed",
        "Product Viewed",
        "consent",
        NOW - DAY,
        person_id,
        None,
        {"sku": "DRESS"},
        {},
    )
    events.publish(look, now=NOW)
    seen = queries.recommendations(SYSTEM, audience.chen, NOW)
    assert seen.basis == "personal"
    assert {one.name for one in seen.products[:2]} == {"连衣裙", "围巾"} and seen.products[
        0
    ].source == "viewed"
    buy(audience.malls, ids, person_id, 0.01, "BEANS")
    after = queries.recommendations(SYSTEM, audience.chen, NOW)
    assert after.products[0].name == "滤纸"


@pytest.mark.django_db
@pytest.mark.feature("N7")
def test_who_said_no_or_is_a_child_gets_what_is_popular(shop: tuple[Audience, dict[str, int]]) -> None:
    audience, ids = shop
    for member_id in (audience.chen, audience.dong):
        buy(audience.malls, ids, audience.persons[member_id], 1, "BEANS")
        found = queries.recommendations(SYSTEM, member_id, NOW)
        assert found.basis == "refused"
        assert {one.source for one in (*found.products, *found.merchants)} == {"popular"}
    privacy.record_consents(
        actor=SYSTEM, person_id=audience.persons[audience.an], decisions=[privacy.Decision("personalisation", "any", "refused")],
        policy_version="2026-01", method="h5", evidence={}, now=NOW,
    )  # fmt: skip
    assert queries.recommendations(SYSTEM, audience.an, NOW).basis == "refused"


@pytest.mark.django_db
@pytest.mark.feature("D25")
def test_place_refusal_and_closed_merchant(shop: tuple[Audience, dict[str, int]], crew: Crew) -> None:
    audience, ids = shop
    malls = audience.malls
    here = queries.recommendations(SYSTEM, audience.an, NOW, merchant_id=malls.fashion)
    assert set(names(here.products)) <= {"连衣裙", "围巾"} and not any(one.because for one in here.products)
    assert not queries.recommendations(
        SYSTEM, audience.an, NOW, mall_id=malls.cloud, kinds=("product",)
    ).products
    refuse = {"actor": SYSTEM, "member_id": audience.an, "kind": "product", "item": ids["FILTER"], "now": NOW}
    for _ in range(2):
        operations.refuse_recommendation(**refuse)
    assert "滤纸" not in names(queries.recommendations(SYSTEM, audience.an, NOW).products)
    assert Event.objects.filter(type="zhike.insight.recommendation_refused").count() == 1
    with pytest.raises(operations.RecommendationUnknown):
        operations.refuse_recommendation(**refuse | {"kind": "horse"})
    structure.update_merchant(
        actor=crew.admin, merchant_id=malls.cafe, changes={"status": "closed"}, reason="搬迁", now=NOW
    )
    from zhike.organization import queries as places

    places.forget_merchants()
    assert {one.merchant_id for one in queries.recommendations(SYSTEM, audience.an, NOW).products} <= {
        malls.fashion, malls.jeweller,
    }  # fmt: skip


@pytest.mark.django_db
def test_coupons_that_are_good_where_one_likes_to_be(shop: tuple[Audience, dict[str, int]]) -> None:
    audience, _ids = shop
    malls = audience.malls
    for code, merchant_id in (("RING", malls.jeweller), ("COFFEE", malls.cafe)):
        template_id = offers.save_template(
            actor=SYSTEM, group_id=malls.group, mall_id=malls.star, code=code, name=code, now=NOW,
            terms={"kind": "cash", "value_fen": 500, "validity": {"days": 9}, "scope": {"merchants": {"only": [merchant_id]}}},
        )  # fmt: skip
        batch = offers.NewBatch(code, code, 10, NOW - DAY, NOW + 9 * DAY, is_public=True)
        offers.open_batch(actor=SYSTEM, template_id=template_id, batch=batch, now=NOW)
    found = queries.recommendations(SYSTEM, audience.an, NOW, kinds=("coupon",))
    assert names(found.coupons) == ["COFFEE", "RING"]
    assert found.coupons[0].because and found.coupons[0].source == "together"
    assert found.coupons[0].score > found.coupons[1].score


@pytest.mark.django_db
def test_only_whom_one_may_see(shop: tuple[Audience, dict[str, int]], crew: Crew) -> None:
    audience, _ids = shop
    assert queries.recommendations(crew.sun, audience.an, NOW).products
    with pytest.raises(NotFound):
        queries.recommendations(crew.qian, audience.an, NOW)
    assert queries.recommendations(crew.li, audience.an, NOW, presented=True, kinds=("product",)).products
    with pytest.raises(NotAllowed):
        operations.fit_recommendations(actor=crew.sun, now=NOW)
    assert RecommendRun.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.feature("C131")
def test_shown_and_opened_are_counted(shop: tuple[Audience, dict[str, int]]) -> None:
    audience, ids = shop
    given: dict[str, Any] = {"actor": SYSTEM, "member_id": audience.an, "kind": "product", "now": NOW}
    operations.record_shown(place="member_home", items=[ids["FILTER"], ids["CUP"]], **given)
    operations.record_choice(place="member_home", item=ids["CUP"], source="together", **given)
    wrongs: tuple[dict[str, Any], ...] = (
        {"items": []},
        {"items": [1] * 51},
        {"items": [1], "place": "street"},
    )
    for wrong in wrongs:
        with pytest.raises(operations.RecommendationUnknown):
            operations.record_shown(**given | {"place": "member_home"} | wrong)
    [usage] = queries.recommend_usage(SYSTEM, NOW + dt.timedelta(minutes=1))
    assert (usage.place, usage.shown, usage.opened, usage.share) == ("member_home", 2, 1, 0.5)


@pytest.mark.django_db
def test_every_night_and_three_are_kept(audience: Audience) -> None:
    ids = stock(audience.malls)
    assert queries.recommendations(SYSTEM, audience.an, NOW).basis == "not-fitted"
    buy(audience.malls, ids, audience.persons[audience.an], 1, *ARTICLES)
    for _ in range(4):
        operations.fit_recommendations(actor=SYSTEM, now=NOW)
    assert RecommendRun.objects.filter(kind="product").count() == 4
    assert RecommendItem.objects.filter(run__kind="product").values("run").distinct().count() == 3
    assert jobs.fit_recommendations(timestamp=0) == 2


# --- on a public set -------------------------------------------------------------------------------------------------


def tafeng(folder: Path, most: int | None = None) -> dict[str, dict[str, float]]:
    """Ta-Feng as in "A Next Basket Recommendation Reality Check": the next basket of those whose is given, of 20 recommended."""
    import numpy as np
    import pyarrow.parquet as parquet

    from zhike.insight import _recommend as models

    past = parquet.read_table(folder / "history.parquet")
    users, person = np.unique(past["user"].to_numpy(), return_inverse=True)
    basket, item = past["basket_no"].to_numpy(), past["item"].to_numpy()
    last = np.zeros(len(users), int)
    np.maximum.at(last, person, basket)
    future = parquet.read_table(folder / "future_train.parquet")
    truth: dict[int, set[int]] = {}
    at = np.searchsorted(users, future["user"].to_numpy()).tolist()
    for one, bought in zip(at, future["item"].to_pylist(), strict=True):
        truth.setdefault(one, set()).add(bought)
    items = max(int(item.max()), max(max(some) for some in truth.values())) + 1
    known = models.Purchases(person, item, last[person] - basket, len(users), items)
    asked = np.array(sorted(truth))[:: 1 if most is None else max(1, len(truth) // most)]
    return models.score(known, asked, [truth[pk] for pk in asked.tolist()], 20)


def test_tafeng_with_few_dense_items(zhike_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small model on a tenth of the people already comes near; the whole is in tests/bench."""
    from zhike.insight import _recommend as models

    monkeypatch.setattr(models, "DENSE_MOST", 800)
    found = tafeng(zhike_data / "tafeng_nbr", most=1_000)
    assert found["blend"]["recall"] > 0.184
    assert found["blend"]["ndcg"] > 0.124
    assert found["blend"]["recall"] > found["personal"]["recall"] > found["popular"]["recall"]
