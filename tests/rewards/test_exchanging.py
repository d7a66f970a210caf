"""Points become rewards and come back: exact, however many hands reach for the last one."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import partial
from typing import Any

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from tests.offers.conftest import make_batch
from tests.rewards.conftest import make_category, make_reward, new_member, spec
from zhike.customers.queries import viewer_of_person
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, Problem
from zhike.kernel.models import Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.loyalty.models import Lot, Redemption
from zhike.offers.models import Coupon
from zhike.rewards import operations as rewards
from zhike.rewards import queries
from zhike.rewards.models import ExchangeOrder, Reward, RewardCode, RewardHolding

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C079", "C091")]
DAY = dt.timedelta(days=1)


def balance(member: loyalty.EnrolledMember) -> int:
    return members.member_file(SYSTEM, member.member_id, NOW).balance


def exchange(
    member: loyalty.EnrolledMember, reward_id: int, actor: Viewer = SYSTEM, **changes: Any
) -> rewards.Exchanged:
    values = {"actor": actor, "member_id": member.member_id, "reward_id": reward_id, "now": NOW}
    return rewards.exchange_reward(**{**values, **changes})


def own(member: loyalty.EnrolledMember) -> Viewer:
    return viewer_of_person(member.person_id)


@pytest.mark.feature("C092")
def test_an_order_from_the_shelf_to_the_hand(town: Town, zhang: loyalty.EnrolledMember) -> None:
    reward_id = make_reward(town, needs_preparing=True)
    made = exchange(zhang, reward_id, own(zhang), quantity=2, expected_points=1_600)
    assert (made.state, made.points, made.balance) == ("reserved", 1_600, 3_400)
    order = queries.member_order(own(zhang), zhang.member_id, made.order_id, NOW)
    assert order.code in order.payload and queries.looks_like_order_code(order.payload.lower())
    desk = staff("rewards.serve", "rewards.view", level="mall", ids=[town.mall_id])
    with pytest.raises(rewards.NotReady):
        rewards.collect_order(actor=desk, order_id=made.order_id, now=NOW)
    assert rewards.mark_ready(actor=desk, order_ids=[made.order_id, made.order_id], now=NOW) == 1
    assert rewards.mark_ready(actor=desk, order_ids=[made.order_id], now=NOW) == 0
    found = queries.order_by_code(desk, order.payload)
    assert found is not None and found.state == "ready"
    first = rewards.collect_order(actor=desk, order_id=made.order_id, now=NOW + DAY)
    again = rewards.collect_order(actor=desk, order_id=made.order_id, now=NOW + DAY)
    assert (first.replayed, again.replayed) == (False, True)
    told = Event.objects.filter(type__startswith="zhike.rewards.").order_by("position")
    names = [one.type.rpartition(".")[2] for one in told]
    assert names == ["reward_published", "reward_exchanged", "order_ready", "order_collected"]
    assert Reward.objects.get(id=reward_id).taken == 2


@pytest.mark.feature("C092")
def test_cancelling_gives_the_very_lots_and_the_stock_back(town: Town, zhang: loyalty.EnrolledMember) -> None:
    loyalty.adjust_points(
        actor=SYSTEM, member_id=zhang.member_id, points=300, reason="快到期", expires_on=NOW.date() + DAY * 3,
        now=NOW,
    )  # fmt: skip
    before = sorted(Lot.objects.values_list("expires_on", "remaining"))
    reward_id = make_reward(town, per_member=1)
    made = exchange(zhang, reward_id)
    with pytest.raises(rewards.LimitReached):
        exchange(zhang, reward_id)
    for _ in range(2):
        rewards.cancel_order(actor=own(zhang), order_id=made.order_id, now=NOW)
    assert sorted(Lot.objects.values_list("expires_on", "remaining")) == before
    assert (Reward.objects.get().taken, RewardHolding.objects.get().taken) == (0, 0)
    with pytest.raises(rewards.OrderMoved):
        rewards.collect_order(actor=SYSTEM, order_id=made.order_id, now=NOW)
    assert exchange(zhang, reward_id).balance == 4_500
    assert members.verify_ledger().is_clean


def test_what_an_order_bought_is_not_given_back_at_a_till(town: Town, zhang: loyalty.EnrolledMember) -> None:
    made = exchange(zhang, make_reward(town))
    redemption = Redemption.objects.get()
    with pytest.raises(loyalty.RedemptionBought):
        loyalty.reverse_redemption(actor=SYSTEM, redemption_id=redemption.pk, now=NOW)
    rewards.cancel_order(actor=SYSTEM, order_id=made.order_id, reason="缺货", now=NOW)
    assert balance(zhang) == 5_000


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], type[Problem]]] = {
    "early": ({"opens_at": NOW + DAY}, {}, rewards.NotYetOnSale),
    "late": ({"closes_at": NOW}, {}, rewards.SaleOver),
    "tier": ({"tier_ids": [-5]}, {}, rewards.WrongTier),
    "points": ({"points": 6_000}, {}, loyalty.InsufficientPoints),
    "stock": ({}, {"quantity": 11}, rewards.SoldOut),
    "limit": ({"per_member": 1}, {"quantity": 2}, rewards.LimitReached),
    "price": ({}, {"expected_points": 700}, rewards.PriceChanged),
    "quantity": ({}, {"quantity": 0}, rewards.QuantityUnusable),
    "started": (
        {"kind": "seat", "starts_at": NOW, "opens_at": NOW - DAY}, {}, rewards.SaleOver,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_why_not_and_nothing_has_happened(name: str, town: Town, zhang: loyalty.EnrolledMember) -> None:
    terms, asked, problem = REFUSED[name]
    reward_id = make_reward(town, **terms)
    told = Event.objects.count()
    with pytest.raises(problem):
        exchange(zhang, reward_id, **asked)
    assert (balance(zhang), Event.objects.count()) == (5_000, told)
    assert not ExchangeOrder.objects.exists() and not RewardHolding.objects.exists()


@pytest.mark.feature("C104")
def test_seasons_and_prices_of_tiers(town: Town, zhang: loyalty.EnrolledMember) -> None:
    spring = make_category(
        town, "spring", season_from=NOW.date() - DAY * 2, season_until=NOW.date(), name="春日限定"
    )
    basic = str(town.tiers["basic"])
    reward_id = make_reward(town, category_id=spring, tier_points={basic: 640})
    item = queries.shop_item(own(zhang), zhang.member_id, reward_id, NOW)
    assert (item.points, item.is_cheaper, item.refusal, item.most) == (640, True, None, 7)
    assert exchange(zhang, reward_id).points == 640
    with pytest.raises(rewards.NotOnSale):
        exchange(zhang, reward_id, now=NOW + DAY)
    assert [one.reward.id for one in queries.shop(own(zhang), zhang.member_id, NOW).items] == [reward_id]
    assert not queries.shop(own(zhang), zhang.member_id, NOW + DAY).items


def test_a_limit_counts_in_its_period(town: Town, zhang: loyalty.EnrolledMember) -> None:
    reward_id = make_reward(town, per_member=1, limit_period="month")
    exchange(zhang, reward_id)
    with pytest.raises(rewards.LimitReached):
        exchange(zhang, reward_id, now=NOW + DAY * 5)
    assert exchange(zhang, reward_id, now=NOW + DAY * 30).balance == 3_400


@pytest.mark.feature("C098")
@pytest.mark.feature("C092")
def test_codes_are_encrypted_given_once_and_never_come_back(
    town: Town, zhang: loyalty.EnrolledMember
) -> None:
    reward_id = make_reward(town, "VIDEO", kind="code", points=1_500)
    assert (
        rewards.import_codes(actor=SYSTEM, reward_id=reward_id, codes=["IQY-1111", " IQY-2222 "], now=NOW)
        == 2
    )
    with pytest.raises(rewards.CodesUnusable) as refused:
        rewards.import_codes(actor=SYSTEM, reward_id=reward_id, codes=["IQY-3333", "IQY-1111"], now=NOW)
    assert "IQY-1111" not in refused.value.sentence and "1111" in refused.value.sentence
    assert RewardCode.objects.count() == 2
    assert b"IQY" not in bytes(RewardCode.objects.earliest("id").value)
    codes = set()
    for _ in range(2):
        made = exchange(zhang, reward_id)
        assert made.state == "collected"
        codes.add(queries.code_of_order(own(zhang), zhang.member_id, made.order_id, NOW))
        with pytest.raises(rewards.NotCancellable):
            rewards.cancel_order(actor=SYSTEM, order_id=made.order_id, reason="试", now=NOW)
    assert codes == {"IQY-1111", "IQY-2222"}
    with pytest.raises(rewards.SoldOut):
        exchange(zhang, reward_id)
    figures = queries.reward_figures([reward_id])[reward_id]
    assert (figures.pieces, figures.points, figures.free_codes) == (2, 3_000, 0)


@pytest.mark.feature("C093")
def test_a_coupon_is_there_at_once_and_void_when_staff_cancel(
    town: Town, zhang: loyalty.EnrolledMember
) -> None:
    batch_id = make_batch(town, per_member=5)
    reward_id = make_reward(town, "C20", kind="coupon", points=500, coupon_batch_id=batch_id)
    made = exchange(zhang, reward_id)
    coupon = Coupon.objects.get()
    assert (coupon.member_id, coupon.source) == (zhang.member_id, "rewards")
    with pytest.raises(rewards.NotCancellable):
        rewards.cancel_order(actor=own(zhang), order_id=made.order_id, now=NOW)
    rewards.cancel_order(actor=SYSTEM, order_id=made.order_id, reason="发错", now=NOW)
    coupon.refresh_from_db()
    assert (coupon.status, balance(zhang)) == ("void", 5_000)


@pytest.mark.feature("C094")
def test_a_seat_that_is_given_back_is_free_for_the_next(town: Town, zhang: loyalty.EnrolledMember) -> None:
    li = new_member(town, "13900139000", "李四")
    reward_id = make_reward(town, kind="seat", starts_at=NOW + 7 * DAY, stock=1)
    made = exchange(zhang, reward_id)
    with pytest.raises(rewards.SoldOut):
        exchange(li, reward_id)
    rewards.cancel_order(actor=own(zhang), order_id=made.order_id, now=NOW)
    seat = exchange(li, reward_id)
    late = NOW + 7 * DAY
    assert rewards.collect_order(actor=SYSTEM, order_id=seat.order_id, now=late).replayed is False
    assert members.verify_ledger().is_clean


@pytest.mark.feature("C101")
def test_a_donation_is_final_and_adds_up(town: Town, zhang: loyalty.EnrolledMember) -> None:
    reward_id = make_reward(town, "LIB", kind="donation", points=100, stock=None, goal_points=100_000)
    made = exchange(zhang, reward_id, quantity=12)
    with pytest.raises(rewards.NotCancellable):
        rewards.cancel_order(actor=SYSTEM, order_id=made.order_id, reason="试", now=NOW)
    assert queries.donation_state(reward_id) == queries.DonationState(1_200, 1)


@pytest.mark.feature("C099")
def test_points_and_cash_go_back_in_proportion(town: Town, zhang: loyalty.EnrolledMember) -> None:
    made = exchange(zhang, make_reward(town, cash_fen=990), quantity=3)
    assert (made.points, made.cash_fen) == (2_400, 2_970)
    with pytest.raises(rewards.TenderMissing):
        rewards.collect_order(actor=SYSTEM, order_id=made.order_id, now=NOW)
    rewards.collect_order(actor=SYSTEM, order_id=made.order_id, tender="wechat", now=NOW)
    back = rewards.take_back(actor=SYSTEM, order_id=made.order_id, quantity=2, reason="杯口有裂", now=NOW)
    assert (back.points, back.cash_fen, balance(zhang)) == (1_600, 1_980, 4_200)
    with pytest.raises(rewards.ReturnTooMuch):
        rewards.take_back(actor=SYSTEM, order_id=made.order_id, quantity=2, reason="再退", now=NOW)
    assert Reward.objects.get().taken == 1


@pytest.mark.feature("C092")
def test_what_nobody_collects_ends_as_its_terms_say(town: Town, zhang: loyalty.EnrolledMember) -> None:
    shelf = make_category(town)
    kind = make_reward(town, "A", category_id=shelf, collect_days=7)
    strict = make_reward(town, "B", category_id=shelf, collect_days=7, on_expiry="forfeit")
    longer = exchange(zhang, kind)
    for reward_id in (kind, strict):
        exchange(zhang, reward_id)
    rewards.extend_order(actor=SYSTEM, order_id=longer.order_id, days=5, reason="出差", now=NOW)
    late = NOW + DAY * 9
    with pytest.raises(rewards.TooLate):
        rewards.collect_order(actor=SYSTEM, order_id=longer.order_id + 1, now=late)
    assert rewards.expire_orders(actor=SYSTEM, now=late) == 2
    assert rewards.expire_orders(actor=SYSTEM, now=late) == 0
    assert balance(zhang) == 5_000 - 1_600
    assert sorted(Reward.objects.values_list("code", "taken")) == [("A", 1), ("B", 0)]
    assert queries.order_counts(SYSTEM) == {"ready": 1, "expired": 2}


def test_who_may_what(town: Town, zhang: loyalty.EnrolledMember) -> None:
    li = new_member(town, "13900139000", "李四")
    reward_id = make_reward(town)
    with pytest.raises(NotAllowed):
        exchange(zhang, reward_id, own(li))
    elsewhere = staff("rewards.serve", "rewards.exchange", level="mall", ids=[town.other_mall_id])
    with pytest.raises(NotAllowed):
        exchange(zhang, reward_id, elsewhere)
    here = staff("rewards.exchange", "rewards.serve", level="mall", ids=[town.mall_id])
    made = exchange(zhang, reward_id, here, source="desk")
    for act in (rewards.collect_order, rewards.cancel_order):
        with pytest.raises((NotAllowed, rewards.OrderNotFound)):
            act(actor=elsewhere, order_id=made.order_id, now=NOW)
    with pytest.raises(rewards.OrderNotFound):
        rewards.cancel_order(actor=own(li), order_id=made.order_id, now=NOW)
    with pytest.raises(NotAllowed):
        rewards.set_stock(actor=here, reward_id=reward_id, stock=99, reason="补货", now=NOW)
    assert queries.order_by_code(elsewhere, ExchangeOrder.objects.get().code) is None
    with pytest.raises(rewards.RewardUnusable):
        rewards.set_stock(actor=SYSTEM, reward_id=reward_id, stock=0, reason="清点", now=NOW)


def test_a_reward_that_cannot_be_is_refused_by_field(town: Town) -> None:
    for changes, field in (
        ({"points": 0}, "points"),
        ({"funding": {"mall": 9_000}}, "mall_share"),
        ({"kind": "coupon"}, "coupon_batch"),
        ({"kind": "donation", "cash_fen": 100}, "cash_fen"),
        ({"closes_at": NOW - DAY * 3}, "closes_at"),
    ):
        with pytest.raises(rewards.RewardUnusable) as refused:
            rewards.add_reward(actor=SYSTEM, group_id=town.group_id, reward=spec(town, **changes), now=NOW)
        assert field in refused.value.fields
    with pytest.raises(rewards.PictureUnusable):
        rewards.set_picture(actor=SYSTEM, reward_id=make_reward(town), content=b"<svg>", now=NOW)


@pytest.mark.django_db(transaction=True)
@pytest.mark.feature("C092")
def test_the_last_ones_go_to_as_many_hands_as_there_are() -> None:
    """32 members at once: goods of which there are ten, and codes of which there are five."""
    town = build_town()
    goods = make_reward(town, stock=10)
    code = make_reward(town, "VIDEO", kind="code", points=100)
    rewards.import_codes(actor=SYSTEM, reward_id=code, codes=[f"CODE-{n}" for n in range(5)], now=NOW)
    crowd = [new_member(town, f"1360000{n:04d}", f"会员{n}", 900) for n in range(32)]

    def grab(member: loyalty.EnrolledMember, reward_id: int) -> str:
        try:
            exchange(member, reward_id, own(member))
        except Problem as problem:
            return problem.code
        return "done"

    first = Counter(run_threads([partial(grab, one, goods) for one in crowd]))
    second = Counter(run_threads([partial(grab, one, code) for one in crowd]))
    assert (first["done"], second["done"]) == (10, 5)
    assert set(first) | set(second) == {"done", "reward-sold-out"}
    assert sorted(Reward.objects.values_list("taken", flat=True)) == [5, 10]
    assert ExchangeOrder.objects.count() == Redemption.objects.count() == 15
    assert members.verify_ledger().is_clean


@pytest.mark.django_db(transaction=True)
def test_one_member_with_many_hands_takes_what_the_limit_and_the_balance_allow() -> None:
    town = build_town()
    zhang = new_member(town, points=2_000)
    reward_id = make_reward(town, stock=100, per_member=3, points=500)

    def grab() -> str:
        try:
            exchange(zhang, reward_id, own(zhang))
        except Problem as problem:
            return problem.code
        return "done"

    done = Counter(run_threads([grab] * 32))
    assert done["done"] == 3
    assert (Reward.objects.get().taken, balance(zhang)) == (3, 500)
    orders = list(ExchangeOrder.objects.values_list("id", flat=True))
    acts = [
        lambda order_id=order_id: rewards.cancel_order(actor=own(zhang), order_id=order_id, now=NOW).replayed
        for order_id in orders * 8
    ]
    assert Counter(run_threads(acts))[False] == 3
    assert (Reward.objects.get().taken, balance(zhang)) == (0, 2_000)
