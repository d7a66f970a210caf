"""Goods that come back: asked for under terms, decided at once, received, refunded exactly once; exchanged, mended."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

import pytest

from tests.kernel.threads import run_threads
from tests.people import NOW, Crew, Malls, build_crew, build_malls
from tests.service.conftest import PNG, SYSTEM, found
from tests.ui.counter.world import World, build_world
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound, Problem
from zhike.kernel.models import AuditEntry, Event
from zhike.loyalty import queries as loyalty
from zhike.messaging.models import OutboundMessage
from zhike.rewards import operations as rewards
from zhike.rewards.models import BenefitUsage
from zhike.sales import queries as sales
from zhike.sales.models import Receipt
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import AfterSale, Ticket, TicketClock
from zhike.service.rules import after_sales as rules

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C171", "C193")]
DAY = dt.timedelta(days=1)
TWO = [("羊毛大衣", "2", 60_000), ("围巾", "1", 9_900)]


class Shop:
    """星河城 with usual terms, and 张三丰's purchase of two coats and a scarf three days ago."""

    def __init__(self, malls: Malls, crew: Crew) -> None:
        self.malls, self.crew = malls, crew
        found(malls)
        self.world: World = build_world(malls, NOW)
        service.found_after_sales(actor=SYSTEM, group_id=malls.group, now=NOW)
        self.receipt = self.buy(NOW - 3 * DAY)
        self.member = customers.viewer_of_person(self.world.zhang.person_id)

    def buy(self, at: dt.datetime) -> UUID:
        return self.world.buy(member=self.world.zhang, at=at, lines=TWO).receipt_id

    def ask(
        self, kind: str = "return", reason: str = "dislike", condition: str = "sealed",
        lines: dict[int, str] | None = None, actor: Viewer | None = None, receipt: UUID | None = None,
        photo: bool = True, now: dt.datetime = NOW,
    ) -> str:  # fmt: skip
        return service.apply_after_sale(
            actor=actor or self.member,
            receipt_id=receipt or self.receipt,
            kind=kind,
            reason=reason,
            condition=condition,
            quantities={no: Decimal(text) for no, text in (lines or {1: "1"}).items()},
            files=[service.NewFile("a.png", PNG)] if photo else [],
            now=now,
        )

    def terms(self, **changes: object) -> None:
        known = queries.after_sales_terms(self.malls.group)
        assert known is not None
        values = {name: getattr(known.policy, name) for name in known.policy.__dataclass_fields__}
        policy = service.AfterSalesTerms(**values | changes)
        service.publish_after_sales(actor=SYSTEM, group_id=self.malls.group, policy=policy, now=NOW)

    def sheet(self, number: str, viewer: Viewer | None = None) -> queries.Sheet:
        return queries.after_sale(viewer or self.crew.sun, number)

    def balance(self) -> int:
        return loyalty.member_file(SYSTEM, self.world.zhang.member_id, NOW).balance

    def bring(self, number: str) -> None:
        sun = self.crew.sun
        service.decide_after_sale(actor=sun, number=number, approve=True, now=NOW)
        service.receive_goods(actor=sun, number=number, now=NOW)
        service.take_step(actor=sun, number=number, act="pass", now=NOW)


@pytest.fixture
def shop(malls: Malls, crew: Crew) -> Shop:
    return Shop(malls, crew)


def clock(number: str) -> TicketClock:
    return TicketClock.objects.get(ticket__number=number, kind="resolution")


# --- the road of a return ------------------------------------------------------------------------------------------


def test_a_return_from_the_phone_to_the_refund(shop: Shop) -> None:
    sun, before = shop.crew.sun, shop.balance()
    number = shop.ask(lines={1: "1", 2: "1"})
    asked = shop.sheet(number)
    assert (asked.row.state, asked.row.goods, asked.row.net_fen) == ("applied", "羊毛大衣、围巾", 39_900)
    assert asked.estimate == {"money_fen": 39_900, "clawed_points": 399, "restored_points": 0}
    assert Ticket.objects.get(number=number).title == "退货：羊毛大衣、围巾"
    service.decide_after_sale(actor=sun, number=number, approve=True, now=NOW)
    assert clock(number).state == "paused"
    code = shop.sheet(number, shop.member).code
    assert queries.number_of_code(sun, f"zka.{code.lower()}") == number
    service.receive_goods(actor=sun, number=number, now=NOW)
    assert clock(number).state == "running"
    service.pass_goods(actor=sun, number=number, now=NOW)
    service.settle_after_sale(actor=sun, number=number, now=NOW)
    done = shop.sheet(number)
    assert (done.row.state, done.row.refund_fen, done.clawed_points) == ("refunded", 39_900, 399)
    assert shop.balance() == before - 399
    back = sales.receipt(sun, shop.receipt)
    assert [line.returned_quantity for line in back.lines] == [1, 1]
    assert (Ticket.objects.get(number=number).status, clock(number).state) == ("closed", "met")
    told = set(OutboundMessage.objects.values_list("template", flat=True))
    assert {"after_sale_approved", "after_sale_received", "after_sale_refunded"} <= told
    moved = Event.objects.filter(type="zhike.service.after_sale_moved").order_by("position")
    assert [event.data["state"] for event in moved] == ["approved", "received", "checked", "refunded"]
    assert AuditEntry.objects.filter(action="after_sale.settle").count() == 1


def test_settling_again_answers_what_was_done(shop: Shop) -> None:
    number = shop.ask()
    shop.bring(number)
    for _ in range(2):
        service.settle_after_sale(actor=shop.crew.sun, number=number, now=NOW)
    assert Receipt.objects.filter(original_id=shop.receipt).count() == 1


@pytest.mark.django_db(transaction=True)
def test_thirty_two_at_once_return_it_once() -> None:
    """Over five seconds: 64 threads each open a database session, a ticket or a return."""
    malls = build_malls()
    crew = build_crew(malls)
    shop = Shop(malls, crew)
    sun = crew.sun

    def ask() -> str:
        try:
            return shop.ask(lines={2: "1"})
        except Problem as problem:
            return problem.code

    answers = run_threads([ask] * 32)
    numbers = [answer for answer in answers if answer.startswith("T")]
    assert len(numbers) == 1
    assert {answer for answer in answers if answer not in numbers} == {"after-sale-not-eligible"}
    shop.bring(numbers[0])

    def settle() -> UUID | None:
        return service.settle_after_sale(actor=sun, number=numbers[0], now=NOW).return_receipt_id

    assert len(set(run_threads([settle] * 32))) == 1
    [back] = Receipt.objects.filter(original_id=shop.receipt)
    assert back.net_fen == 9_900
    assert AfterSale.objects.get().clawed_points == 99


def test_what_is_refused_says_why_and_can_be_asked_for_again(shop: Shop) -> None:
    number = shop.ask()
    with pytest.raises(service.NoteMissing):
        service.decide_after_sale(actor=shop.crew.sun, number=number, approve=False, now=NOW)
    service.decide_after_sale(actor=shop.crew.sun, number=number, approve=False, note="吊牌已剪", now=NOW)
    assert Ticket.objects.get(number=number).status == "resolved"
    assert OutboundMessage.objects.get().template == "after_sale_refused"
    assert shop.sheet(shop.ask()).row.state == "applied"


def test_rejected_goods_go_back_and_nothing_is_refunded(shop: Shop) -> None:
    number = shop.ask()
    for act in ("approve", "receive"):
        service.take_step(actor=shop.crew.sun, number=number, act=act, now=NOW)
    with pytest.raises(service.NoteMissing):
        service.reject_goods(actor=shop.crew.sun, number=number, note=" ", now=NOW)
    service.reject_goods(actor=shop.crew.sun, number=number, note="有穿着痕迹", now=NOW)
    with pytest.raises(service.WrongStep):
        service.settle_after_sale(actor=shop.crew.sun, number=number, now=NOW)
    service.hand_back(actor=shop.crew.sun, number=number, now=NOW)
    assert shop.sheet(number).row.state == "handed"
    assert not Receipt.objects.filter(original_id=shop.receipt).exists()


def test_an_exchange_posts_no_return(shop: Shop) -> None:
    number = shop.ask("exchange", "size")
    shop.bring(number)
    with pytest.raises(service.NoteMissing):
        service.settle_after_sale(actor=shop.crew.sun, number=number, now=NOW)
    service.settle_after_sale(actor=shop.crew.sun, number=number, replacement="同款 L 码", now=NOW)
    assert (shop.sheet(number).row.state, shop.sheet(number).replacement) == ("exchanged", "同款 L 码")
    assert not Receipt.objects.filter(original_id=shop.receipt).exists()


def test_withdrawn_by_the_member_before_it_is_here(shop: Shop) -> None:
    number = shop.ask()
    for _ in range(2):
        service.withdraw_after_sale(actor=shop.member, number=number, now=NOW)
    assert Ticket.objects.get(number=number).status == "closed"
    later = shop.ask()
    shop.bring(later)
    with pytest.raises(service.WrongStep):
        service.withdraw_after_sale(actor=shop.member, number=later, now=NOW)


def test_a_ticket_with_goods_under_way_is_not_closed(shop: Shop) -> None:
    number = shop.ask()
    with pytest.raises(service.GoodsUnderWay):
        service.close_ticket(actor=shop.member, number=number, now=NOW)
    with pytest.raises(service.GoodsUnderWay):
        service.resolve_ticket(actor=shop.crew.sun, number=number, text="好了", now=NOW)


# --- the terms -----------------------------------------------------------------------------------------------------


def test_the_usual_terms() -> None:
    """Eight days of a coat, and a cake."""
    today = dt.date(2026, 3, 8)

    def code(kind: str, reason: str, condition: str, days: int, category: str = "", left: int = 1) -> str:
        wanted = rules.Wanted(kind, reason, condition)
        bought_on = today - dt.timedelta(days=days)
        return rules.verdict(rules.USUAL, wanted, category, bought_on, today, Decimal(left), ()).code

    assert code("return", "dislike", "sealed", 7) == "ok"
    assert code("return", "dislike", "sealed", 8) == "late"
    assert code("return", "dislike", "opened", 1) == "opened"
    assert code("return", "dislike", "used", 1) == "used"
    assert code("return", "quality", "used", 7) == "ok"
    assert code("return", "quality", "used", 8) == "late"
    assert code("exchange", "quality", "used", 15) == "ok"
    assert code("repair", "quality", "used", 900) == "ok"
    assert code("return", "dislike", "sealed", 0, "drinks") == "excluded"
    assert code("return", "quality", "opened", 1, "drinks") == "ok"
    assert code("return", "quality", "opened", 0, "gift_cards") == "excluded"
    assert code("return", "quality", "opened", 0, left=0) == "none_left"


def test_no_extension_opens_what_is_excluded() -> None:
    terms = (rules.Terms(), rules.Terms("drinks", 0, 0, 1, 1, 0))
    policy = rules.Policy(terms, (rules.Extension("tier:gold", 30, opened_ok=True, free_repair=True),))
    for kind in ("return", "exchange", "repair"):
        wanted = rules.Wanted(kind, "dislike", "sealed")
        day = dt.date(2026, 3, 8)
        assert not rules.verdict(policy, wanted, "drinks", day, day, Decimal(1), ["tier:gold"]).allowed


@pytest.mark.feature("C082")
def test_a_benefit_extends_the_time_and_is_counted(shop: Shop) -> None:
    old = shop.buy(NOW - 20 * DAY)
    tier = loyalty.member_file(SYSTEM, shop.world.zhang.member_id, NOW).tier
    benefit = rewards.NewBenefit("NOWORRY", "无忧退换", "service", "次", {str(tier.id): 1})
    rewards.save_benefit(actor=SYSTEM, group_id=shop.malls.group, benefit=benefit, now=NOW)
    extension = service.Extension("benefit:NOWORRY", extra_days=30, opened_ok=True)
    shop.terms(extensions=(extension,))
    number = shop.ask(receipt=old, condition="opened")
    assert shop.sheet(number).extended_by == "无忧退换"
    assert BenefitUsage.objects.get().used == 1
    with pytest.raises(service.NotEligible):
        shop.ask(receipt=old, condition="opened", lines={2: "1"})
    service.withdraw_after_sale(actor=shop.member, number=number, now=NOW)
    assert BenefitUsage.objects.get().used == 0


@pytest.mark.feature("C082")
def test_a_tier_makes_repairs_free_after_the_warranty(shop: Shop) -> None:
    old = shop.buy(NOW - 500 * DAY)
    assert not shop.sheet(shop.ask("repair", "quality", "used", receipt=old)).is_free
    tier = loyalty.member_file(SYSTEM, shop.world.zhang.member_id, NOW).tier
    shop.terms(extensions=(service.Extension(f"tier:{tier.code}", free_repair=True),))
    assert shop.sheet(shop.ask("repair", "quality", "used", receipt=old)).is_free


def test_terms_are_versions_and_must_make_sense(shop: Shop) -> None:
    shop.terms(at_once_fen=100_000)
    shop.terms(at_once_fen=100_000)
    assert [one.version for one in queries.after_sales_versions(shop.crew.wang, shop.malls.group)] == [2, 1]
    number = shop.ask()
    assert shop.sheet(number).row.state == "approved"
    for terms in ((), (service.Terms("meals"),), (service.Terms(), service.Terms(return_days=8))):
        with pytest.raises(service.TermsInvalid):
            shop.terms(terms=terms)
    with pytest.raises(service.TermsInvalid):
        shop.terms(extensions=(service.Extension("tier:none", 1),))
    known = queries.after_sales_terms(shop.malls.group)
    assert known is not None
    with pytest.raises(NotAllowed):
        service.publish_after_sales(
            actor=shop.crew.sun, group_id=shop.malls.group, policy=known.policy, now=NOW
        )


def test_bad_requests_change_nothing(shop: Shop) -> None:
    refused: list[tuple[type[Problem], dict[str, object]]] = [
        (service.AfterSaleInvalid, {"kind": "gift"}),
        (service.NothingChosen, {"lines": {1: "0"}}),
        (service.NothingChosen, {"lines": {1: "3"}}),
        (service.NothingChosen, {"lines": {9: "1"}}),
        (service.NothingChosen, {"lines": {1: "0.0001"}}),
        (service.PhotoMissing, {"reason": "quality", "photo": False}),
        (NotFound, {"actor": customers.viewer_of_person(shop.world.li.person_id)}),
        (NotFound, {"actor": shop.crew.qian}),
    ]
    for error, changes in refused:
        with pytest.raises(error):
            shop.ask(**changes)  # type: ignore[arg-type]
    assert not AfterSale.objects.exists() and not Ticket.objects.exists()


# --- repairs -------------------------------------------------------------------------------------------------------


def test_a_repair_with_parts_and_a_promised_day(shop: Shop) -> None:
    sun = shop.crew.sun
    number = shop.ask("repair", "quality", "used", receipt=shop.buy(NOW - 500 * DAY))
    service.receive_goods(actor=sun, number=number, now=NOW)
    today = NOW.date()
    plan = {"workshop": "星河表行工坊", "labour_fen": 3_000, "charge_fen": 5_000}
    for parts, promised in (([], today - DAY), ([service.Part("", 1, 1)], today)):
        with pytest.raises(service.RepairInvalid):
            service.send_to_workshop(
                actor=sun, number=number, promised_on=promised, parts=parts, now=NOW, **plan  # type: ignore[arg-type]
            )  # fmt: skip
    parts = [service.Part("拉链", 2, 800)]
    for days in (3, 5):
        service.send_to_workshop(
            actor=sun, number=number, promised_on=today + days * DAY, parts=parts, now=NOW, **plan  # type: ignore[arg-type]
        )  # fmt: skip
    assert clock(number).state == "paused"
    sheet = shop.sheet(number)
    assert (sheet.cost_fen, sheet.charge_fen, len(sheet.parts)) == (4_600, 5_000, 1)
    assert (sheet.promised_first_on, sheet.row.promised_on) == (today + 3 * DAY, today + 5 * DAY)
    with pytest.raises(service.ChargeNotAgreed):
        service.finish_repair(actor=sun, number=number, now=NOW + 4 * DAY)
    assert shop.sheet(number, shop.member).acts == ("agree", "decline")
    with pytest.raises(NotFound):
        service.answer_charge(actor=shop.crew.he, number=number, agrees=True, now=NOW)
    for _ in range(2):
        service.answer_charge(actor=shop.member, number=number, agrees=True, now=NOW)
    for charge, stays in ((4_000, True), (5_001, False)):
        dearer = service.RepairPlan("星河表行工坊", today + 5 * DAY, parts, 3_000, charge)
        service.take_step(actor=sun, number=number, act="send", plan=dearer, now=NOW)
        assert (shop.sheet(number).agreed_at is not None) is stays
    service.take_step(actor=sun, number=number, act="agree", now=NOW)
    service.finish_repair(actor=sun, number=number, now=NOW + 4 * DAY)
    service.hand_back(actor=sun, number=number, now=NOW + 5 * DAY)
    assert shop.sheet(number).row.state == "collected"
    told = OutboundMessage.objects.filter(template="after_sale_workshop")
    assert told.count() >= 2


def test_a_free_repair_charges_nothing_and_one_that_fails_goes_back(shop: Shop) -> None:
    sun = shop.crew.sun
    number = shop.ask("repair", "quality", "used")
    service.receive_goods(actor=sun, number=number, now=NOW)
    with pytest.raises(service.RepairInvalid):
        service.send_to_workshop(
            actor=sun, number=number, workshop="工坊", promised_on=NOW.date(), charge_fen=1, now=NOW
        )
    service.send_to_workshop(actor=sun, number=number, workshop="工坊", promised_on=NOW.date(), now=NOW)
    service.reject_goods(actor=sun, number=number, note="配件停产", now=NOW)
    service.hand_back(actor=sun, number=number, now=NOW)
    assert shop.sheet(number).row.state == "handed"


def test_who_does_not_pay_has_the_goods_back(shop: Shop) -> None:
    sun = shop.crew.sun
    number = shop.ask("repair", "quality", "used", receipt=shop.buy(NOW - 500 * DAY))
    service.receive_goods(actor=sun, number=number, now=NOW)
    plan = service.RepairPlan("工坊", NOW.date(), charge_fen=9_000)
    service.take_step(actor=sun, number=number, act="send", plan=plan, now=NOW)
    service.answer_charge(actor=shop.member, number=number, agrees=False, now=NOW)
    assert shop.sheet(number).row.state == "rejected"
    with pytest.raises(service.WrongStep):
        service.answer_charge(actor=shop.member, number=number, agrees=True, now=NOW)


# --- who -----------------------------------------------------------------------------------------------------------


def test_the_merchant_sees_its_own_and_decides_nothing(shop: Shop) -> None:
    number = shop.ask()
    assert shop.sheet(number, shop.crew.he).row.state == "applied"
    assert [row.ticket.number for row in queries.after_sales_page(shop.crew.he).items] == [number]
    with pytest.raises(NotAllowed):
        service.decide_after_sale(actor=shop.crew.he, number=number, approve=True, now=NOW)
    for stranger in (shop.crew.qian, customers.viewer_of_person(shop.world.li.person_id)):
        with pytest.raises(NotFound):
            queries.after_sale(stranger, number)
        with pytest.raises(NotFound):
            service.withdraw_after_sale(actor=stranger, number=number, now=NOW)
        assert not queries.after_sales_page(stranger).items
    with pytest.raises(NotAllowed):
        service.settle_after_sale(actor=shop.member, number=number, now=NOW)
    assert AfterSale.objects.get().state == "applied"


@pytest.mark.feature("C193")
def test_the_report_counts_reasons_merchants_and_time(shop: Shop) -> None:
    number = shop.ask("return", "quality", "used")
    shop.bring(number)
    service.settle_after_sale(actor=shop.crew.sun, number=number, now=NOW + 5 * dt.timedelta(hours=1))
    shop.ask("exchange", "size", lines={2: "1"})
    shown = queries.after_sales_report(shop.crew.wang, days=30, now=NOW + DAY)
    assert (shown.requests, shown.open, shown.refund_fen) == (2, 1, 30_000)
    assert [(row.code, row.total) for row in shown.reasons] == [("quality", 1), ("size", 1)]
    [merchant] = shown.merchants
    assert (merchant.requests, merchant.faults, merchant.receipts) == (2, 1, 1)
    assert {row.name for row in shown.articles} == {"羊毛大衣", "围巾"}
    [pace] = shown.pace
    assert (pace.kind, pace.ended, pace.median_hours) == ("return", 1, 5.0)
    with pytest.raises(NotAllowed):
        queries.after_sales_report(shop.crew.he, days=30, now=NOW)
