"""Amends: who may give how much, who agrees, what is carried out, who pays, and what is taken back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest

from tests.kernel.threads import run_threads
from tests.people import NOW, Crew, Malls, build_crew, build_malls, hire
from tests.service.conftest import SYSTEM, found
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as loyalty_queries
from zhike.loyalty.models import Transfer
from zhike.offers import operations as offers
from zhike.offers.models import Coupon
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import Alert, AuthorityUse, Compensation
from zhike.service.rules import compensation as rules

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C183")]


@dataclass
class Amends:
    """A desk with the usual catalogue; 张三 is a member and complained about the café."""

    malls: Malls
    crew: Crew
    member: loyalty.EnrolledMember

    def ticket(self, merchant_id: int | None = None, now: dt.datetime = NOW) -> str:
        return service.open_ticket(
            actor=self.crew.sun, type="complaint", text="咖啡里有异物", channel="counter", mall_id=self.malls.star,
            merchant_id=merchant_id, person_id=self.member.person_id, now=now,
        )  # fmt: skip

    def offer(
        self, number: str, amount: int, item: str = "cash", actor: Viewer | None = None, **more: str
    ) -> int:
        return service.propose_compensation(
            actor=actor or self.crew.sun, number=number, item_code=item, amount=amount, reason="咖啡有异物", now=NOW,
            **more,
        )  # fmt: skip

    @property
    def balance(self) -> int:
        return loyalty_queries.member_file(SYSTEM, self.member.member_id, NOW).balance


def build_amends(malls: Malls, crew: Crew) -> Amends:
    found(malls)
    service.found_compensation(actor=SYSTEM, group_id=malls.group, now=NOW)
    program = loyalty.create_program(actor=SYSTEM, group_id=malls.group, code="main", name="会员", now=NOW)
    loyalty.save_tier(
        actor=SYSTEM, program_id=program, code="basic", name="普卡", rank=1, threshold_fen=0, colour="slate", now=NOW
    )  # fmt: skip
    member = loyalty.enroll_member(
        actor=SYSTEM, name="张三", phone="13800138000", mall_id=malls.star, source="counter", now=NOW
    )
    return Amends(malls, crew, member)


@pytest.fixture
def amends(malls: Malls, crew: Crew) -> Amends:
    return build_amends(malls, crew)


def state(compensation_id: int) -> str:
    return Compensation.objects.get(pk=compensation_id).state


def used(viewer: Viewer) -> int:
    return AuthorityUse.objects.get(staff_id=viewer.id or 0).used_fen


def test_points_within_the_limit_are_given_at_once_and_the_merchant_pays(amends: Amends) -> None:
    number = amends.ticket(amends.malls.cafe)
    given = amends.offer(number, 2_000, "points", payer="merchant")
    assert state(given) == "executed" and amends.balance == 2_000
    transfer = Transfer.objects.get(reason="grant")
    assert transfer.reference == f"compensation:{given}"
    assert transfer.funding.code == f"merchant:{amends.malls.cafe}"
    assert Compensation.objects.get().cost_fen == 2_000
    assert Event.objects.filter(type="zhike.service.compensation_given").count() == 1
    assert loyalty_queries.verify_ledger().is_clean
    member = customers.viewer_of_person(amends.member.person_id)
    [shown] = queries.compensations_of(member, number)
    assert (shown.name, shown.amount) == ("积分补偿", 2_000)
    assert queries.compensations_of(amends.crew.he, number)  # the café sees what it pays
    entries = queries.ticket(member, number, NOW).entries
    assert [entry.kind for entry in entries] == ["opening", "amends"]


def test_above_the_limit_somebody_else_agrees(amends: Amends) -> None:
    number = amends.ticket()
    asked = amends.offer(number, 5_000, "points", actor=amends.crew.sun)
    assert state(asked) == "executed"
    asked = amends.offer(number, 40_000)
    assert state(asked) == "proposed" and amends.balance == 5_000
    assert Alert.objects.get(level="approval").role == "mall_manager"
    for nosy in (amends.crew.qian, amends.crew.nobody):
        with pytest.raises(NotFound):
            service.decide_compensation(actor=nosy, compensation_id=asked, approve=True, now=NOW)
    for colleague in (amends.crew.sun,):
        with pytest.raises(NotAllowed):
            service.decide_compensation(actor=colleague, compensation_id=asked, approve=True, now=NOW)
    service.decide_compensation(actor=amends.crew.wang, compensation_id=asked, approve=True, now=NOW)
    service.decide_compensation(actor=amends.crew.wang, compensation_id=asked, approve=True, now=NOW)
    assert state(asked) == "approved"
    assert used(amends.crew.wang) == 40_000
    with pytest.raises(service.ReferenceMissing):
        service.hand_over_compensation(actor=amends.crew.sun, compensation_id=asked, reference=" ", now=NOW)
    for _ in range(2):
        service.hand_over_compensation(
            actor=amends.crew.sun, compensation_id=asked, reference="WX2026030801", now=NOW
        )
    assert state(asked) == "executed"
    with pytest.raises(service.NotReversible):
        service.withdraw_compensation(actor=amends.crew.wang, compensation_id=asked, reason="误操作", now=NOW)


def test_a_manager_cannot_agree_to_their_own_proposal(amends: Amends) -> None:
    asked = amends.offer(amends.ticket(), 100_000, actor=amends.crew.ops)
    assert state(asked) == "proposed"
    with pytest.raises(service.FourEyes):
        service.decide_compensation(actor=amends.crew.ops, compensation_id=asked, approve=True, now=NOW)
    other = hire(amends.malls, "gao", "高运营", ("operations", "all", 0))
    with pytest.raises(service.AboveAuthority):
        service.decide_compensation(actor=other, compensation_id=asked, approve=True, now=NOW)
    assert state(asked) == "proposed" and not AuthorityUse.objects.filter(used_fen__gt=0).exists()
    service.decide_compensation(
        actor=amends.crew.lin, compensation_id=asked, approve=False, note="过高", now=NOW
    )
    assert state(asked) == "rejected"


def test_small_gifts_on_one_ticket_add_up(amends: Amends) -> None:
    number = amends.ticket()
    first, second = amends.offer(number, 6_000), amends.offer(number, 6_000)
    assert (state(first), state(second)) == ("approved", "proposed")
    service.withdraw_compensation(actor=amends.crew.sun, compensation_id=first, reason="会员不需要", now=NOW)
    assert used(amends.crew.sun) == 0
    assert state(amends.offer(number, 6_000)) == "approved"


def test_what_is_still_there_can_be_taken_back(amends: Amends) -> None:
    number = amends.ticket()
    given = amends.offer(number, 1_000, "points")
    with pytest.raises(NotAllowed):
        service.withdraw_compensation(actor=amends.crew.sun, compensation_id=given, reason="重复", now=NOW)
    for _ in range(2):
        service.withdraw_compensation(actor=amends.crew.wang, compensation_id=given, reason="重复", now=NOW)
    assert state(given) == "reversed" and amends.balance == 0
    assert used(amends.crew.sun) == 0
    spent = amends.offer(number, 1_000, "points")
    loyalty.redeem_points(actor=SYSTEM, member_id=amends.member.member_id, points=400, now=NOW)
    with pytest.raises(loyalty.InsufficientPoints):
        service.withdraw_compensation(actor=amends.crew.wang, compensation_id=spent, reason="重复", now=NOW)
    assert state(spent) == "executed" and amends.balance == 600
    assert loyalty_queries.verify_ledger().is_clean


def test_coupons_come_from_their_batch_and_can_be_voided(amends: Amends) -> None:
    template = offers.save_template(
        actor=SYSTEM, group_id=amends.malls.group, mall_id=amends.malls.star, code="SORRY", name="致歉券",
        terms={"kind": "cash", "value_fen": 2_000, "validity": {"days": 7}}, now=NOW,
    )  # fmt: skip
    batch = offers.open_batch(
        actor=SYSTEM,
        template_id=template,
        batch=offers.NewBatch(
            code="SORRY-1", name="致歉券", stock=10, per_member=0, claim_from=NOW, claim_until=NOW + dt.timedelta(days=9)
        ),
        now=NOW,
    )  # fmt: skip
    save = {"actor": SYSTEM, "group_id": amends.malls.group, "name": "致歉券", "amount_max": 3, "now": NOW}
    with pytest.raises(service.ItemInvalid):
        service.save_compensation_item(code="coupon", kind="coupon", **save)
    service.save_compensation_item(code="coupon", kind="coupon", unit_cost_fen=2_000, batch_id=batch, **save)
    given = amends.offer(amends.ticket(), 2, "coupon")
    assert Coupon.objects.filter(source="amends", member_id=amends.member.member_id).count() == 2
    service.withdraw_compensation(actor=amends.crew.wang, compensation_id=given, reason="重复", now=NOW)
    assert set(Coupon.objects.values_list("status", flat=True)) == {"void"}


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"item": "moon"}, service.CompensationInvalid),
        ({"amount": 0}, service.CompensationInvalid),
        ({"amount": 100_001}, service.CompensationInvalid),
        ({"payer": "bank"}, service.CompensationInvalid),
        ({"payer": "merchant"}, service.NoMerchantToPay),
    ],
)
def test_a_refused_offer_leaves_nothing(
    amends: Amends, change: dict[str, object], refusal: type[Exception]
) -> None:
    number = amends.ticket()
    with pytest.raises(refusal):
        amends.offer(**{"number": number, "amount": 100} | change)  # type: ignore[arg-type]
    assert not Compensation.objects.exists() and not AuthorityUse.objects.exists()


def test_strangers_merchants_and_members_offer_nothing(amends: Amends) -> None:
    number = amends.ticket(amends.malls.cafe)
    member = customers.viewer_of_person(amends.member.person_id)
    for who, refusal in ((amends.crew.qian, NotFound), (amends.crew.he, NotAllowed), (member, NotAllowed)):
        with pytest.raises(refusal):
            amends.offer(number, 100, actor=who)
    assert not Compensation.objects.exists()
    with pytest.raises(NotAllowed):
        service.save_authority(
            actor=amends.crew.wang, group_id=amends.malls.group, role="service_agent", each_fen=None, period="day",
            period_fen=None, now=NOW,
        )  # fmt: skip


@pytest.mark.feature("C191")
def test_the_report_says_what_it_cost_whom_and_why(amends: Amends) -> None:
    cause = next(ref.id for ref in queries.causes(amends.malls.group) if ref.code == "goods-food")
    number = amends.ticket(amends.malls.cafe)
    service.classify_ticket(
        actor=amends.crew.sun, number=number, type="complaint", severity="normal", merchant_id=amends.malls.cafe,
        cause_id=cause, now=NOW,
    )  # fmt: skip
    amends.offer(number, 3_000, "points", payer="merchant")
    taken = amends.offer(number, 1_000, "points")
    service.withdraw_compensation(actor=amends.crew.wang, compensation_id=taken, reason="重复", now=NOW)
    amends.offer(number, 90_000)
    report = queries.compensation_report(
        amends.crew.wang, mall_id=amends.malls.star, since=NOW - dt.timedelta(days=1), until=NOW
    )
    assert (report.count, report.cost_fen, report.reversed_fen, report.waiting) == (1, 3_000, 1_000, 1)
    assert [(row.name, row.cost_fen) for row in report.causes] == [("商品", 3_000)]
    assert [(row.name, row.cost_fen) for row in report.merchants] == [("半山咖啡", 3_000)]
    assert [row.key for row in report.payers] == [f"merchant:{amends.malls.cafe}"]
    elsewhere = queries.compensation_report(
        amends.crew.qian, mall_id=None, since=NOW - dt.timedelta(days=1), until=NOW
    )
    assert elsewhere.count == elsewhere.waiting == 0
    page = queries.compensations_page(amends.crew.wang, state="waiting")
    assert [row.amount for row in page.items] == [90_000]


@pytest.mark.django_db(transaction=True)
def test_32_windows_do_not_get_past_a_limit() -> None:
    malls = build_malls()
    amends = build_amends(malls, build_crew(malls))
    numbers = [amends.ticket() for _ in range(32)]
    made = run_threads([lambda number=number: amends.offer(number, 9_000) for number in numbers])  # type: ignore[misc]
    states = [state(pk) for pk in made]
    assert states.count("approved") == 200_000 // 9_000 == 22
    assert used(amends.crew.sun) == 22 * 9_000
    asked = made[states.index("proposed")]

    def decide() -> None:
        service.decide_compensation(actor=amends.crew.wang, compensation_id=asked, approve=True, now=NOW)

    run_threads([decide] * 8)
    assert used(amends.crew.wang) == 9_000


def test_authority_rules() -> None:
    one = rules.Authority(100, "day", 250)
    assert one.covers(100, 0, 150) and not one.covers(100, 1, 0) and not one.covers(100, 0, 151)
    assert rules.widest([one, rules.UNLIMITED]) == rules.UNLIMITED
    assert rules.widest([]) == rules.NOTHING and not rules.NOTHING.covers(1, 0, 0)
    assert rules.cost_fen("points", 101, 0, 100, 99) == 100  # rounded up
    assert rules.period_start("month", dt.date(2026, 3, 8)) == dt.date(2026, 3, 1)
