"""Coupons from the template to the till and back, exact however many hands reach for them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from tests.offers.conftest import SHARED, basket, make_batch, make_template, new_member
from zhike.customers.queries import viewer_of_person
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, Problem
from zhike.kernel.events import drain
from zhike.loyalty import operations as loyalty
from zhike.offers import operations as offers
from zhike.offers import queries
from zhike.offers.handlers import coupon_returns
from zhike.offers.models import BatchHolding, Coupon, CouponBatch, CouponUse
from zhike.offers.operations import using

Held = Callable[..., offers.Issued]
pytestmark = pytest.mark.feature("C109")


def issued_of(batch_id: int) -> int:
    return CouponBatch.objects.values_list("issued", flat=True).get(id=batch_id)


def status_of(coupon: offers.Issued) -> str:
    return Coupon.objects.values_list("status", flat=True).get(id=coupon.coupon_id)


class TestMaking:
    def test_a_batch_keeps_the_terms_of_its_day(self, town: Town, zhang: Any) -> None:
        batch_id = make_batch(town, {"value_fen": 2000})
        make_template(town, "T-B1", value_fen=9900)
        coupon = offers.give_coupon(actor=SYSTEM, batch_id=batch_id, member_id=zhang.member_id, now=NOW)
        [view] = queries.member_coupons(SYSTEM, zhang.member_id, NOW)
        assert (view.id, view.terms.value_fen, view.value_text) == (coupon.coupon_id, 2000, "¥20")
        assert queries.templates(SYSTEM)[0].version == 2

    def test_terms_that_cannot_be_name_their_place(self, town: Town) -> None:
        with pytest.raises(offers.TermsUnusable) as refused:
            make_template(town, value_fen=0)
        assert refused.value.params == {"path": "value_fen"}
        assert queries.templates(SYSTEM) == []

    def test_a_batch_that_cannot_be(self, town: Town) -> None:
        with pytest.raises(offers.BatchUnusable) as refused:
            make_batch(town, stock=0, per_member=-1, claim_until=NOW - dt.timedelta(days=2))
        assert set(refused.value.fields) == {"stock", "per_member", "claim_until"}
        with pytest.raises(offers.BatchUnusable):
            make_batch(town, {"validity": {"from": "2025-01-01", "to": "2025-01-02"}}, "B2")
        assert not CouponBatch.objects.exists()

    @pytest.mark.feature("B26")
    def test_the_stock_may_grow_but_not_below_what_is_out(self, town: Town, zhang: Any) -> None:
        batch_id = make_batch(town, per_member=0)
        for _ in range(3):
            offers.claim_coupon(actor=SYSTEM, batch_id=batch_id, member_id=zhang.member_id, now=NOW)
        change = {"actor": SYSTEM, "batch_id": batch_id, "reason": "预算", "now": NOW}
        with pytest.raises(offers.BatchUnusable):
            offers.change_batch(changes={"stock": 2}, **change)
        offers.change_batch(changes={"stock": 3}, **change)
        with pytest.raises(offers.SoldOut):
            offers.claim_coupon(actor=SYSTEM, batch_id=batch_id, member_id=zhang.member_id, now=NOW)
        offers.change_batch(changes={"status": "closed"}, **change)
        with pytest.raises(offers.BatchClosed):
            offers.change_batch(changes={"status": "open"}, **change)

    def test_who_may(self, town: Town, zhang: Any) -> None:
        batch_id = make_batch(town)
        here = {"level": "mall", "ids": [town.mall_id]}
        there = {"level": "mall", "ids": [town.other_mall_id]}
        for stranger in (staff("offers.view", **here), staff("offers.edit", "coupons.issue", **there)):
            with pytest.raises(NotAllowed):
                offers.give_coupon(actor=stranger, batch_id=batch_id, member_id=zhang.member_id, now=NOW)
            with pytest.raises(NotAllowed):
                offers.change_batch(actor=stranger, batch_id=batch_id, changes={}, reason="", now=NOW)
        assert queries.batches_page(staff("offers.view", **there), now=NOW).items == []
        assert issued_of(batch_id) == 0
        colleague = staff("coupons.issue", **here)
        offers.give_coupon(actor=colleague, batch_id=batch_id, member_id=zhang.member_id, now=NOW)
        assert issued_of(batch_id) == 1


class TestClaiming:
    def test_a_member_claims_for_themselves_only(self, town: Town, zhang: Any) -> None:
        batch_id, li = make_batch(town), new_member(town, "13900139000", "李四")
        viewer = viewer_of_person(zhang.person_id)
        mine = offers.claim_coupon(actor=viewer, batch_id=batch_id, member_id=zhang.member_id, now=NOW)
        assert mine.valid_until == dt.datetime(2026, 6, 16, 16, tzinfo=dt.UTC)
        with pytest.raises(offers.MemberUnknown):
            offers.claim_coupon(actor=viewer, batch_id=batch_id, member_id=li.member_id, now=NOW)
        assert issued_of(batch_id) == Coupon.objects.count() == 1

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"is_public": False}, queries.BatchNotFound),
            ({"claim_from": NOW + dt.timedelta(minutes=1)}, offers.NotYetOpen),
            ({"claim_until": NOW}, offers.ClaimOver),
            ({"tier_ids": [10**9]}, offers.WrongTier),
        ],
    )
    def test_what_cannot_be_claimed(
        self, town: Town, zhang: Any, changes: dict[str, Any], problem: type[Problem]
    ) -> None:
        batch_id = make_batch(town, **changes)
        with pytest.raises(problem):
            offers.claim_coupon(actor=SYSTEM, batch_id=batch_id, member_id=zhang.member_id, now=NOW)
        assert (issued_of(batch_id), Coupon.objects.count(), BatchHolding.objects.count()) == (0, 0, 0)

    def test_limit_pause_and_frozen_members(self, town: Town, zhang: Any) -> None:
        batch_id = make_batch(town)
        claim = {"actor": SYSTEM, "batch_id": batch_id, "member_id": zhang.member_id, "now": NOW}
        offers.claim_coupon(**claim)
        with pytest.raises(offers.LimitReached):
            offers.claim_coupon(**claim)
        li = new_member(town, "13900139000")
        loyalty.set_member_status(actor=SYSTEM, member_id=li.member_id, status="frozen", reason="查", now=NOW)
        with pytest.raises(loyalty.MemberFrozen):
            offers.claim_coupon(**claim | {"member_id": li.member_id})
        offers.change_batch(actor=SYSTEM, batch_id=batch_id, changes={"status": "paused"}, reason="", now=NOW)
        with pytest.raises(offers.NotOpen):
            offers.claim_coupon(**claim)
        assert issued_of(batch_id) == 1

    def test_the_same_key_claims_once(self, town: Town, zhang: Any) -> None:
        batch_id, once = make_batch(town, per_member=5), loyalty.Once("api:1", "k", b"d")
        claim = {
            "actor": SYSTEM,
            "batch_id": batch_id,
            "member_id": zhang.member_id,
            "now": NOW,
            "once": once,
        }
        first, again = offers.claim_coupon(**claim), offers.claim_coupon(**claim)
        assert again.replayed and (again.code, again.valid_until) == (first.code, first.valid_until)
        assert issued_of(batch_id) == 1

    def test_the_claim_page_says_why_not(self, town: Town, zhang: Any) -> None:
        make_batch(town, code="FREE")
        make_batch(town, code="GOLD", tier_ids=[town.tiers["gold"]])
        taken = make_batch(town, code="HAD")
        offers.claim_coupon(actor=SYSTEM, batch_id=taken, member_id=zhang.member_id, now=NOW)
        found = queries.claimable(viewer_of_person(zhang.person_id), zhang.member_id, NOW)
        assert {one.batch.code: one.refusal for one in found} == {
            "FREE": None,
            "GOLD": "tier",
            "HAD": "limit",
        }
        assert found[0].batch.code == "FREE"


class TestPushingAndCodes:
    def test_one_for_each_on_the_list(self, town: Town, zhang: Any) -> None:
        others = [new_member(town, f"1390013900{no}").member_id for no in range(4)]
        loyalty.set_member_status(actor=SYSTEM, member_id=others[3], status="frozen", reason="查", now=NOW)
        batch_id = make_batch(town, is_public=False)
        offers.give_coupon(actor=SYSTEM, batch_id=batch_id, member_id=zhang.member_id, now=NOW)
        pushed = offers.issue_to_members(
            actor=SYSTEM, batch_id=batch_id, member_ids=[zhang.member_id, *others, 10**12], now=NOW
        )
        assert (pushed.issued, pushed.skipped) == (3, 3)
        assert issued_of(batch_id) == Coupon.objects.count() == 4
        assert len(set(Coupon.objects.values_list("code", flat=True))) == 4

    def test_a_list_longer_than_the_stock_gives_nothing(self, town: Town) -> None:
        members = [new_member(town, f"1390013900{no}").member_id for no in range(3)]
        batch_id = make_batch(town, stock=2)
        with pytest.raises(offers.SoldOut):
            offers.issue_to_members(actor=SYSTEM, batch_id=batch_id, member_ids=members, now=NOW)
        assert (issued_of(batch_id), Coupon.objects.count(), BatchHolding.objects.count()) == (0, 0, 0)

    def test_bearer_codes_made_and_imported(self, town: Town) -> None:
        batch_id = make_batch(town, is_bearer=True, is_public=False, stock=5)
        made = offers.make_codes(actor=SYSTEM, batch_id=batch_id, count=2, now=NOW)
        assert len(set(made)) == 2
        given = ["brand-0001", "brand-0002"]
        assert offers.import_codes(actor=SYSTEM, batch_id=batch_id, codes=given, now=NOW) == 2
        for wrong in (["brand-0002"], ["x"], ["neu00001", "neu00001"], ["neu00002", "ça va bien"]):
            with pytest.raises(offers.CodesUnusable):
                offers.import_codes(actor=SYSTEM, batch_id=batch_id, codes=wrong, now=NOW)
        with pytest.raises(offers.SoldOut):
            offers.make_codes(actor=SYSTEM, batch_id=batch_id, count=2, now=NOW)
        assert issued_of(batch_id) == Coupon.objects.count() == 4
        used = offers.use_coupons(actor=SYSTEM, basket=basket(town, 5000), codes=["BRAND 0001"], now=NOW)
        assert used.discount_fen == 2000

    @pytest.mark.feature("B26")
    def test_voided_with_a_reason(self, held: Held, town: Town) -> None:
        coupon = held()
        with pytest.raises(offers.ReasonMissing):
            offers.void_coupon(actor=SYSTEM, coupon_id=coupon.coupon_id, reason=" ", now=NOW)
        for _ in range(2):
            offers.void_coupon(actor=SYSTEM, coupon_id=coupon.coupon_id, reason="发错", now=NOW)
        with pytest.raises(offers.CouponNotUsable) as refused:
            offers.use_coupons(actor=SYSTEM, basket=basket(town, 5000), codes=[coupon.code], now=NOW)
        assert refused.value.params["reason"] == "void"


class TestUsing:
    def test_two_phases_to_the_fen_with_who_pays(self, held: Held, town: Town) -> None:
        coupon = held(kind="percent", value_fen=0, percent_bp=1500, funding=SHARED)
        asked = basket(town, 3333, 6668)
        quote = queries.quote_coupons(SYSTEM, asked, [coupon.code], NOW)
        assert (quote.discount_fen, quote.is_usable) == (1500, True)
        lock = offers.lock_coupons(actor=SYSTEM, basket=asked, codes=[coupon.code], now=NOW)
        [one] = lock.coupons
        assert (lock.state, lock.discount_fen, one.lines) == ("locked", 1500, ((1, 500), (2, 1000)))
        assert one.funding == {"mall": 750, "merchant": 500, "brand": 250}
        assert status_of(coupon) == "locked"
        done = offers.confirm_lock(actor=SYSTEM, lock_id=lock.lock_id, now=NOW)
        again = offers.confirm_lock(actor=SYSTEM, lock_id=lock.lock_id, now=NOW)
        assert (done.state, done.replayed, again.replayed) == ("used", False, True)
        assert status_of(coupon) == "used"
        with pytest.raises(offers.LockUsed):
            offers.release_lock(actor=SYSTEM, lock_id=lock.lock_id, now=NOW)
        figures = queries.batch_figures([coupon.batch_id])[coupon.batch_id]
        assert (figures.uses, figures.discount_fen, figures.sales_fen) == (1, 1500, 8501)
        assert figures.funding == one.funding

    def test_released_and_free_again(self, held: Held, town: Town) -> None:
        coupon, asked = held(), basket(town, 5000)
        lock = offers.lock_coupons(actor=SYSTEM, basket=asked, codes=[coupon.code], now=NOW)
        with pytest.raises(offers.CouponNotUsable) as refused:
            offers.lock_coupons(actor=SYSTEM, basket=asked, codes=[coupon.code], now=NOW)
        assert refused.value.params["reason"] == "locked"
        for expected in (False, True):
            assert offers.release_lock(actor=SYSTEM, lock_id=lock.lock_id, now=NOW).replayed is expected
        with pytest.raises(offers.LockGone):
            offers.confirm_lock(actor=SYSTEM, lock_id=lock.lock_id, now=NOW)
        assert offers.use_coupons(actor=SYSTEM, basket=asked, codes=[coupon.code], now=NOW).state == "used"

    def test_a_lock_runs_out(self, held: Held, town: Town) -> None:
        coupon, asked, later = held(), basket(town, 5000), NOW + dt.timedelta(minutes=16)
        first = offers.lock_coupons(actor=SYSTEM, basket=asked, codes=[coupon.code], now=NOW)
        second = offers.lock_coupons(actor=SYSTEM, basket=asked, codes=[coupon.code], now=later)
        with pytest.raises(offers.LockGone):
            offers.confirm_lock(actor=SYSTEM, lock_id=first.lock_id, now=later)
        assert offers.lapse_locks(actor=SYSTEM, now=later) == 0
        assert offers.lapse_locks(actor=SYSTEM, now=later + dt.timedelta(hours=1)) == 1
        assert status_of(coupon) == "issued"
        assert Counter(CouponUse.objects.values_list("state", flat=True)) == {"lapsed": 2}
        with pytest.raises(offers.LockGone):
            offers.confirm_lock(actor=SYSTEM, lock_id=second.lock_id, now=later)

    def test_a_late_confirmation_counts_while_nobody_else_took_it(self, held: Held, town: Town) -> None:
        lock = offers.lock_coupons(actor=SYSTEM, basket=basket(town, 5000), codes=[held().code], now=NOW)
        late = NOW + dt.timedelta(hours=2)
        assert offers.confirm_lock(actor=SYSTEM, lock_id=lock.lock_id, now=late).state == "used"

    def test_all_of_a_basket_or_none(self, held: Held, town: Town) -> None:
        good, bad = held(), held(kind="threshold", minimum_fen=100_000)
        quote = queries.quote_coupons(SYSTEM, basket(town, 5000), [good.code, bad.code, "NOSUCHCODE"], NOW)
        assert [one.refusal for one in quote.coupons] == ["", "minimum", "unknown"]
        assert "950.00" in quote.coupons[1].sentence
        with pytest.raises(offers.CouponNotUsable):
            offers.lock_coupons(actor=SYSTEM, basket=basket(town, 5000), codes=[good.code, bad.code], now=NOW)
        assert status_of(good) == "issued" and not CouponUse.objects.exists()

    def test_the_same_key_locks_once(self, held: Held, town: Town) -> None:
        once, coupon = loyalty.Once("api:1", "k", b"d"), held()
        args: dict[str, Any] = {
            "actor": SYSTEM,
            "basket": basket(town, 5000),
            "codes": [coupon.code],
            "once": once,
        }
        first = offers.lock_coupons(now=NOW, **args)
        again = offers.lock_coupons(now=NOW + dt.timedelta(minutes=1), **args)
        assert again.replayed and again.lock_id == first.lock_id and again.coupons == first.coupons
        assert CouponUse.objects.count() == 1

    def test_what_comes_together_is_answered_one_by_one(self, held: Held, town: Town) -> None:
        """Three tills with one coupon each, one of them with two keys, one that nobody knows, two that want the same."""
        first, second, third = held(), held(), held()
        keyed = [loyalty.Once("api:1", "k", b"same") for _ in range(2)]

        def want(*coupons: offers.Issued | str, once: loyalty.Once | None = None) -> Any:
            codes = [one if isinstance(one, str) else one.code for one in coupons]
            receipt = offers.ReceiptKey("T1")
            return using._allowed(
                SYSTEM, basket(town, 9000), codes, NOW, receipt, using.LOCK_FOR, once, is_final=False
            )

        answers = using._lock.group(
            [
                want(first, once=keyed[0]),
                want("NOSUCHCODE"),
                want(second, third),
                want(third),
                want(first, once=keyed[1]),
            ]
        )
        told = [getattr(answer, "state", type(answer).__name__) for answer in answers]
        assert told == ["locked", "CouponNotUsable", "locked", "CouponNotUsable", "locked"]
        one, _, two, _, again = answers
        assert isinstance(one, offers.LockOutcome) and isinstance(two, offers.LockOutcome)
        assert isinstance(again, offers.LockOutcome) and again.replayed and again.lock_id == one.lock_id
        ends = [using._Ending(SYSTEM, lock_id, NOW) for lock_id in (two.lock_id, one.lock_id, uuid.uuid4())]
        used = using._confirm.group(ends)
        assert [getattr(answer, "state", type(answer).__name__) for answer in used] == [
            "used",
            "used",
            "LockNotFound",
        ]
        refused = using._release.group(ends[:2])
        assert [type(answer) for answer in refused] == [offers.LockUsed, offers.LockUsed]
        assert [status_of(coupon) for coupon in (first, second, third)] == ["used"] * 3

    def test_who_may_use_and_where(self, held: Held, town: Town) -> None:
        coupon = held()
        for stranger in (
            staff("offers.view"),
            staff("coupons.use", level="merchant", ids=[town.cafe]),
            staff("coupons.use", level="mall", ids=[town.other_mall_id]),
        ):
            with pytest.raises(NotAllowed):
                offers.lock_coupons(actor=stranger, basket=basket(town, 5000), codes=[coupon.code], now=NOW)
        till = staff("coupons.use", level="merchant", ids=[town.shop])
        lock = offers.lock_coupons(actor=till, basket=basket(town, 5000), codes=[coupon.code], now=NOW)
        with pytest.raises(NotAllowed):
            offers.confirm_lock(
                actor=staff("coupons.use", level="merchant", ids=[town.cafe]), lock_id=lock.lock_id, now=NOW
            )
        with pytest.raises(offers.LockNotFound):
            offers.confirm_lock(actor=till, lock_id=uuid.uuid4(), now=NOW)


class TestEnding:
    def test_the_sweep_can_be_run_twice(self, held: Held, town: Town) -> None:
        coupon, later = held(validity={"days": 1}), NOW + dt.timedelta(days=2)
        with pytest.raises(offers.CouponNotUsable) as refused:
            offers.use_coupons(actor=SYSTEM, basket=basket(town, 5000), codes=[coupon.code], now=later)
        assert refused.value.params["reason"] == "expired"
        held(validity={"days": 30})
        assert offers.expire_coupons(actor=SYSTEM, now=later, most=1) == 1
        assert offers.expire_coupons(actor=SYSTEM, now=later) == 0
        assert status_of(coupon) == "expired"


@pytest.mark.django_db(transaction=True)
@pytest.mark.feature("B26")
class TestGoodsComeBack:
    def sell_and_return(self, town: Town, coupon: offers.Issued, lines: list[int]) -> None:
        receipt = town.receipt([3000, 2000], number="R1")
        sale = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
        key = offers.ReceiptKey("01", "R1", NOW.date())
        offers.use_coupons(
            actor=SYSTEM, basket=basket(town, 3000, 2000), codes=[coupon.code], receipt=key, now=NOW
        )
        for number, line in enumerate(lines):
            loyalty.return_lines(
                actor=SYSTEM, receipt_id=sale.receipt_id, lines=[loyalty.ReturnLine(line, Decimal(1))],
                till="01", number=f"X{number}", business_date=NOW.date(), occurred_at=NOW, now=NOW,
            )  # fmt: skip
            drain(coupon_returns)

    @pytest.mark.parametrize(
        ("terms", "lines", "status", "state"),
        [
            ({}, [1], "used", "used"),
            ({}, [1, 2], "issued", "returned"),
            ({"on_return": "keep"}, [1, 2], "used", "kept"),
        ],
    )
    def test_by_policy_and_only_when_all_is_back(
        self, terms: dict[str, Any], lines: list[int], status: str, state: str
    ) -> None:
        town = build_town()
        zhang = new_member(town)
        batch_id = make_batch(town, terms)
        coupon = offers.give_coupon(actor=SYSTEM, batch_id=batch_id, member_id=zhang.member_id, now=NOW)
        self.sell_and_return(town, coupon, lines)
        assert status_of(coupon) == status
        assert CouponUse.objects.get().state == state
        if status == "issued":
            offers.use_coupons(actor=SYSTEM, basket=basket(town, 5000), codes=[coupon.code], now=NOW)
            assert status_of(coupon) == "used"


@pytest.mark.django_db(transaction=True)
@pytest.mark.feature("C112", "C113")
class TestManyAtOnce:
    def test_never_more_than_the_stock_nor_the_limit(self) -> None:
        town = build_town()
        members = [new_member(town, f"139001390{no:02d}").member_id for no in range(8)]
        batch_id = make_batch(town, stock=20, per_member=3)

        def claim(number: int) -> Callable[[], str]:
            def act() -> str:
                try:
                    offers.claim_coupon(
                        actor=SYSTEM, batch_id=batch_id, member_id=members[number % 8], now=NOW
                    )
                except Problem as problem:
                    return problem.code
                return "got"

            return act

        answers = Counter(run_threads([claim(number) for number in range(32)]))
        assert answers["got"] == 20
        assert issued_of(batch_id) == Coupon.objects.count() == 20
        assert max(BatchHolding.objects.values_list("taken", flat=True)) <= 3
        assert sum(BatchHolding.objects.values_list("taken", flat=True)) == issued_of(batch_id)
        assert set(answers) <= {"got", "coupons-sold-out", "coupon-limit-reached"}

    def test_one_coupon_at_32_tills(self) -> None:
        town = build_town()
        coupon = offers.give_coupon(
            actor=SYSTEM, batch_id=make_batch(town), member_id=new_member(town).member_id, now=NOW
        )

        def use() -> str:
            try:
                offers.use_coupons(actor=SYSTEM, basket=basket(town, 5000), codes=[coupon.code], now=NOW)
            except Problem as problem:
                return str(problem.params.get("reason", problem.code))
            return "used-it"

        answers = Counter(run_threads([use] * 32))
        assert answers["used-it"] == 1
        assert CouponUse.objects.filter(state="used").count() == 1

    def test_confirm_and_release_at_once(self) -> None:
        town = build_town()
        coupon = offers.give_coupon(
            actor=SYSTEM, batch_id=make_batch(town), member_id=new_member(town).member_id, now=NOW
        )
        lock = offers.lock_coupons(actor=SYSTEM, basket=basket(town, 5000), codes=[coupon.code], now=NOW)

        def settle(act: Callable[..., Any]) -> Callable[[], str]:
            def run() -> str:
                try:
                    return str(act(actor=SYSTEM, lock_id=lock.lock_id, now=NOW).state)
                except Problem as problem:
                    return problem.code

            return run

        tills = [settle(offers.confirm_lock), settle(offers.release_lock)] * 8
        answers = Counter(run_threads(tills))
        won = {"used": answers["used"], "released": answers["released"]}
        assert sorted(won.values()) == [0, 8]
        assert status_of(coupon) == ("used" if won["used"] else "issued")


def test_a_viewer_without_scope_sees_nothing(town: Town, held: Held) -> None:
    held()
    nobody = Viewer("staff", 9, "新人")
    assert queries.coupons_page(nobody, now=NOW).items == []
    assert len(queries.coupons_page(SYSTEM, now=NOW, state="usable").items) == 1


class TestScope:
    def test_a_malls_coupon_is_good_in_that_mall_only(self, town: Town, held: Held) -> None:
        """Even where its terms name no mall: whoever makes coupons for one mall spends nothing of another's."""
        coupon = held()
        with pytest.raises(offers.CouponNotUsable) as refused:
            offers.use_coupons(
                actor=SYSTEM,
                basket=basket(town, 10_000, merchant_id=town.far_shop),
                codes=[coupon.code],
                now=NOW,
            )
        assert refused.value.params["reason"] == "mall"
        offers.use_coupons(actor=SYSTEM, basket=basket(town, 10_000), codes=[coupon.code], now=NOW)
        assert status_of(coupon) == "used"

    def test_a_price_is_asked_for_ones_own_shop(self, town: Town, held: Held) -> None:
        coupon, cashier = held(), staff("coupons.use", level="merchant", ids=[town.shop])
        assert queries.quote_coupons(cashier, basket(town, 10_000), [coupon.code], NOW).is_usable
        with pytest.raises(NotAllowed):
            queries.quote_coupons(cashier, basket(town, 10_000, merchant_id=town.cafe), [coupon.code], NOW)

    def test_who_may_not_issue_learns_no_codes(self, town: Town, held: Held) -> None:
        coupon = held()
        with pytest.raises(NotAllowed):
            offers.import_codes(
                actor=staff("coupons.issue", level="mall", ids=[town.other_mall_id]),
                batch_id=coupon.batch_id,
                codes=[coupon.code],
                now=NOW,
            )
