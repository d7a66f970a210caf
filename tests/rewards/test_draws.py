"""A draw that anybody can compute again: frozen when it is published, exact in its stocks, revealed when it is over."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import partial
from typing import Any

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from tests.offers.conftest import make_batch
from tests.rewards.conftest import new_member
from tools.verify_draw import verify
from zhike.customers.queries import viewer_of_person
from zhike.kernel.errors import NotAllowed, Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.rewards import operations as rewards
from zhike.rewards import queries
from zhike.rewards.models import DrawPrize, DrawTicket, LuckyDraw
from zhike.rewards.rules import draws as rules

pytestmark = [pytest.mark.django_db, pytest.mark.feature("B31")]
DAY = dt.timedelta(days=1)
FALLBACK = rewards.NewPrize("安慰奖 5 积分", "points", 700_000, None, 5, points=5)


def make_draw(town: Town, *prizes: rewards.NewPrize, publish: bool = True, **changes: Any) -> int:
    values: dict[str, Any] = {
        "code": "SPIN", "name": "周末转盘", "points": 50, "daily_limit": 5, "opens_at": NOW - DAY,
        "closes_at": NOW + DAY, "prizes": prizes or (goods(), FALLBACK), **changes,
    }  # fmt: skip
    draw_id = rewards.save_draw(
        actor=SYSTEM, group_id=town.group_id, mall_id=town.mall_id, draw=rewards.NewDraw(**values), now=NOW
    )
    if publish:
        rewards.publish_draw(actor=SYSTEM, draw_id=draw_id, now=NOW)
    return draw_id


def goods(odds_ppm: int = 300_000, stock: int = 3, **changes: Any) -> rewards.NewPrize:
    values: dict[str, Any] = {"name": "马克杯", "kind": "goods", "value_fen": 5_900, **changes}
    return rewards.NewPrize(odds_ppm=odds_ppm, stock=stock, **values)


def draw(member: loyalty.EnrolledMember, draw_id: int, **changes: Any) -> rewards.Drawn:
    values = {
        "actor": viewer_of_person(member.person_id), "member_id": member.member_id, "draw_id": draw_id,
        "nonce": "abc", "now": NOW,
    }  # fmt: skip
    return rewards.draw_ticket(**{**values, **changes})


def test_a_seed_of_which_everybody_knows_the_hash_and_then_the_draw_itself(
    town: Town, zhang: loyalty.EnrolledMember
) -> None:
    draw_id = make_draw(town)
    before = queries.draw_record(draw_id)
    assert (len(before["commitment"]), before["seed"], before["tickets"]) == (64, "", [])
    for number in range(1, 6):
        assert draw(zhang, draw_id, nonce=f"n{number}").number == number
    with pytest.raises(rewards.DrawnEnough):
        draw(zhang, draw_id)
    assert rewards.reveal_draws(actor=SYSTEM, now=NOW) == 0
    assert draw(zhang, draw_id, now=NOW + DAY * 0.9).number == 6
    with pytest.raises(rewards.DrawClosed):
        draw(zhang, draw_id, now=NOW + DAY)
    assert rewards.reveal_draws(actor=SYSTEM, now=NOW + DAY) == 1
    record = queries.draw_record(draw_id)
    assert rules.commitment(bytes.fromhex(record["seed"])) == before["commitment"]
    assert verify(record) == []
    spoiled = {**record, "tickets": [dict(record["tickets"][0], roll=1), *record["tickets"][1:]]}
    assert verify(spoiled)
    assert verify({**record, "seed": "00" * 32})
    assert bytes.fromhex(record["seed"]) not in bytes(LuckyDraw.objects.get().seed)


def test_what_is_published_stays(town: Town) -> None:
    draw_id = make_draw(town)
    with pytest.raises(rewards.DrawIsPublished):
        make_draw(town, points=10)
    known = LuckyDraw.objects.get().commitment
    assert rewards.publish_draw(actor=SYSTEM, draw_id=draw_id, now=NOW) == known


UNLAWFUL: dict[str, tuple[rewards.NewPrize, ...]] = {
    "odds": (goods(200_000), FALLBACK),
    "no fallback": (goods(1_000_000),),
    "too dear": (goods(value_fen=5_000_001), FALLBACK),
    "no stock": (goods(stock=0), FALLBACK),
    "no value": (goods(value_fen=0), FALLBACK),
}


@pytest.mark.parametrize("name", UNLAWFUL)
def test_what_may_not_be_published(name: str, town: Town) -> None:
    draw_id = make_draw(town, *UNLAWFUL[name], publish=False)
    with pytest.raises(rewards.PrizesUnusable):
        rewards.publish_draw(actor=SYSTEM, draw_id=draw_id, now=NOW)
    assert LuckyDraw.objects.get().status == "draft"


def test_prizes_reach_their_winner(town: Town, zhang: loyalty.EnrolledMember) -> None:
    coupon = rewards.NewPrize("20 元券", "coupon", 999_999, 9, 2_000, coupon_batch_id=make_batch(town))
    draw_id = make_draw(town, coupon, rewards.NewPrize("5 积分", "points", 1, None, 5, points=5), points=100)
    drawn = draw(zhang, draw_id)
    ticket = DrawTicket.objects.get()
    assert (drawn.prize_name, ticket.coupon_id is not None) == ("20 元券", True)
    points = make_draw(
        town, goods(1), rewards.NewPrize("5 积分", "points", 999_999, None, 5, points=5), code="P", points=100
    )
    assert draw(zhang, points).balance == 5_000 - 200 + 5
    cup = make_draw(
        town, goods(999_999), rewards.NewPrize("5 积分", "points", 1, None, 5, points=5), code="C"
    )
    won = draw(zhang, cup)
    desk = staff("rewards.serve", level="mall", ids=[town.mall_id])
    elsewhere = staff("rewards.serve", level="mall", ids=[town.other_mall_id])
    code = DrawTicket.objects.get(id=won.ticket_id).code
    assert queries.ticket_by_code(elsewhere, code) is None
    found = queries.ticket_by_code(desk, code)
    assert found is not None and found.prize.name == "马克杯"
    with pytest.raises(NotAllowed):
        rewards.collect_prize(actor=elsewhere, ticket_id=won.ticket_id, now=NOW)
    assert rewards.collect_prize(actor=desk, ticket_id=won.ticket_id, now=NOW)
    assert not rewards.collect_prize(actor=desk, ticket_id=won.ticket_id, now=NOW)
    [winner] = queries.winners(cup)
    assert winner.prize == "马克杯" and "三" not in winner.name
    assert members.verify_ledger().is_clean


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_what_there_is_and_the_draw_still_computes() -> None:
    town = build_town()
    draw_id = make_draw(
        town, goods(900_000, 4), rewards.NewPrize("5 积分", "points", 100_000, None, 5, points=5)
    )
    crowd = [new_member(town, f"1360000{n:04d}", f"会员{n}", 60) for n in range(32)]

    def try_luck(member: loyalty.EnrolledMember) -> str:
        try:
            return draw(member, draw_id, nonce=str(member.member_id)).prize_name
        except Problem as problem:
            return problem.code

    got = Counter(run_threads([partial(try_luck, one) for one in crowd]))
    assert got == {"马克杯": 4, "5 积分": 28}
    assert DrawPrize.objects.get(name="马克杯").taken == 4
    assert sorted(DrawTicket.objects.values_list("number", flat=True)) == list(range(1, 33))
    rewards.reveal_draws(actor=SYSTEM, now=NOW + DAY)
    assert verify(queries.draw_record(draw_id)) == []
    assert members.verify_ledger().is_clean
