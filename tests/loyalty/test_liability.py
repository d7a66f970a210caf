"""Points as a liability: to the point with the ledger, foretold with known error, posted so that it balances."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from django.db import connection

from tests.loyalty.conftest import NOW, SYSTEM, Town, staff
from tests.loyalty.test_proof import tamper
from tests.loyalty.test_returns import bring_back
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import ProvisionPolicy
from zhike.loyalty.rules import breakage, provisions

Member = loyalty.EnrolledMember
ACCOUNTS = {"expense": "6601", "receivable": "1221", "provision": "2801", "payable": "2241"}
JULY = NOW.replace(month=7)


@pytest.fixture
def spring(town: Town, publish: Callable[..., int], zhang: Member) -> Town:
    """June: 500 earned, 80 spent, 30 of them back, 200 taken back with goods. July: 100 corrected, 50 spent."""
    publish()
    sold = loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt([30_000, 20_000], person_id=zhang.person_id), now=NOW
    )
    spent = loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=80, now=NOW)
    loyalty.reverse_redemption(actor=SYSTEM, redemption_id=spent.redemption_id, points=30, now=NOW)
    bring_back(sold.receipt_id, loyalty.ReturnLine(2))
    loyalty.adjust_points(actor=SYSTEM, member_id=zhang.member_id, points=100, reason="补", now=JULY)
    loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=50, now=JULY)
    return town


def value(town: Town, points: int = 100, fen: int = 100, bp: int = 6_000, since: dt.date = NOW.date()) -> int:
    return loyalty.publish_provision_policy(
        actor=SYSTEM, program_id=town.program_id, value_points=points, value_fen=fen, redemption_bp=bp,
        accounts=ACCOUNTS, effective_on=since.replace(day=1), now=NOW,
    )  # fmt: skip


@pytest.mark.feature("B14", "N13")
class TestRollForward:
    def test_months_tie_out_with_the_ledger(self, spring: Town) -> None:
        found = queries.liability(SYSTEM, spring.program_id, JULY)
        assert found.ties_out
        assert [
            (one.month.month, one.opening, one.earned, one.spent, one.adjusted) for one in found.months
        ] == [
            (6, 0, 300, -50, 0),
            (7, 250, 0, -50, 100),
        ]
        assert found.outstanding == found.months[-1].closing == 300
        assert sum(one.remaining for one in found.payers) == 300
        assert {month for one in found.payers for month in one.by_month} == {
            dt.date(2028, 6, 1),
            dt.date(2028, 7, 1),
        }

    @pytest.mark.django_db(transaction=True)
    def test_tills_go_on_while_it_is_read(self, spring: Town, zhang: Member) -> None:
        """Found with live tills: lots of one moment were held against movements of another."""
        spent: list[Thread] = []

        def spend() -> None:
            loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=10, now=JULY)
            connection.close()

        def between(execute: Any, *statement: Any) -> Any:
            done = execute(*statement)
            if not spent and "loyalty_transfer" in statement[0]:
                spent.append(Thread(target=spend))
                spent[0].start()
                spent[0].join()
            return done

        with connection.execute_wrapper(between):
            found = queries.liability(SYSTEM, spring.program_id, JULY)
        assert found.ties_out
        assert found.outstanding == 300
        assert queries.liability(SYSTEM, spring.program_id, JULY).outstanding == 290

    def test_what_lapses_leaves(self, spring: Town) -> None:
        later = NOW.replace(year=2028, month=7, day=2)
        loyalty.expire_points(actor=SYSTEM, program_id=spring.program_id, now=later)
        found = queries.liability(SYSTEM, spring.program_id, later)
        assert found.ties_out
        assert found.months[-1].expired == -200
        assert found.outstanding == 100

    def test_debt_is_no_liability(self, town: Town, base_rule: int, zhang: Member) -> None:
        receipt = town.receipt(10_000, person_id=zhang.person_id)
        sold = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
        loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=60, now=NOW)
        bring_back(sold.receipt_id, loyalty.ReturnLine(1))
        found = queries.liability(SYSTEM, town.program_id, NOW)
        assert (found.outstanding, found.ledger, found.debt) == (0, 0, 60)

    def test_a_changed_lot_is_seen(self, spring: Town) -> None:
        tamper("UPDATE loyalty_lot SET remaining = remaining + 1 WHERE remaining > 0")
        assert not queries.liability(SYSTEM, spring.program_id, JULY).ties_out

    @pytest.mark.parametrize(
        "viewer", [staff(), staff("programme.edit"), staff("finance.view", level="mall", ids=[1])]
    )
    def test_strangers_and_those_of_one_mall_see_nothing(self, spring: Town, viewer: Viewer) -> None:
        with pytest.raises(NotAllowed):
            queries.liability(viewer, spring.program_id, JULY)


@pytest.mark.feature("B14", "N13")
class TestJournal:
    def test_it_balances_and_ties_out_with_the_points(self, spring: Town) -> None:
        value(spring)
        june = queries.journal(SYSTEM, spring.program_id, NOW.date(), JULY)
        july = queries.journal(SYSTEM, spring.program_id, JULY.date(), JULY)
        for journal in (june, july):
            assert journal.debit_fen == journal.credit_fen > 0
            moved = sum(
                line.credit_fen - line.debit_fen for line in journal.postings if line.account == "2801"
            )
            assert journal.opening_fen + moved == journal.closing_fen
        assert (june.opening_fen, june.closing_fen, july.closing_fen) == (0, 150, 180)
        assert (june.is_open, july.is_open) == (False, True)

    def test_a_new_valuation_leaves_months_that_are_over(self, spring: Town) -> None:
        value(spring)
        before = queries.journal(SYSTEM, spring.program_id, NOW.date(), JULY)
        loyalty.publish_provision_policy(
            actor=SYSTEM, program_id=spring.program_id, value_points=100, value_fen=200, redemption_bp=10_000,
            accounts=ACCOUNTS, effective_on=JULY.date().replace(day=1), now=JULY,
        )  # fmt: skip
        assert queries.journal(SYSTEM, spring.program_id, NOW.date(), JULY) == before
        july = queries.journal(SYSTEM, spring.program_id, JULY.date(), JULY)
        assert (july.opening_fen, july.closing_fen) == (150, 600)
        assert "estimate" in {line.entry for line in july.postings}

    def test_bad_input_changes_nothing(self, spring: Town) -> None:
        value(spring)
        with pytest.raises(loyalty.ProvisionInThePast):
            value(spring, since=dt.date(2026, 5, 1))
        for wrong in ({"points": 0}, {"fen": -1}, {"bp": 10_001}):
            with pytest.raises(loyalty.InvalidProvision):
                value(spring, **wrong)  # type: ignore[arg-type]
        with pytest.raises(loyalty.InvalidProvision):
            loyalty.publish_provision_policy(
                actor=SYSTEM, program_id=spring.program_id, value_points=1, value_fen=1, redemption_bp=1,
                accounts={"expense": "6601"}, effective_on=dt.date(2026, 7, 1), now=NOW,
            )  # fmt: skip
        assert ProvisionPolicy.objects.count() == 1

    def test_only_who_may_values_points(self, spring: Town) -> None:
        with pytest.raises(NotAllowed):
            loyalty.publish_provision_policy(
                actor=staff("finance.view"), program_id=spring.program_id, value_points=1, value_fen=1,
                redemption_bp=1, accounts=ACCOUNTS, effective_on=dt.date(2026, 7, 1), now=NOW,
            )  # fmt: skip
        with pytest.raises(NotFound):
            queries.journal(SYSTEM, spring.program_id, NOW.date(), JULY)

    def test_others_are_claimed_from(self) -> None:
        policy = provisions.Policy(1, 100, 100, 6_000, ACCOUNTS)
        flows = provisions.Flows(opening=0, earned=1_000, spent=100, expired=50, adjusted=0, closing=850)
        mine = list(provisions.postings("mall", True, flows, policy, policy))
        theirs = list(provisions.postings("merchant:7", False, flows, policy, policy))
        assert {line.account for line in mine} == {"6601", "2801", "2241"}
        assert {line.account for line in theirs} == {"1221", "2801", "2241"}
        for lines in (mine, theirs):
            assert sum(line.debit_fen for line in lines) == sum(line.credit_fen for line in lines)


def watched(*months: tuple[int, int], life: int | None = 24, remaining: int = 0) -> breakage.Cohort:
    return breakage.Cohort("c", tuple(breakage.Month(*month) for month in months), remaining, life)


@pytest.mark.feature("N13")
class TestBreakage:
    def test_a_steady_tenth_a_month(self) -> None:
        steady = watched((1_000, 100), (900, 90), (810, 81), life=5, remaining=729)
        known = breakage.hazards([steady])
        assert known == pytest.approx([0.1] * 3)
        assert breakage.curve(known, 5)[-1] == pytest.approx(1 - 0.9**5)
        assert breakage.expected_to_lapse(known, steady) == round(729 * 0.9**2)

    def test_cohorts_weigh_by_what_they_hold(self) -> None:
        known = breakage.hazards([watched((1_000, 100)), watched((3_000, 900))])
        assert known == [0.25]

    def test_points_for_ever_do_not_lapse(self) -> None:
        assert breakage.expected_to_lapse([0.1], watched((10, 1), life=None, remaining=9)) == 0

    def test_a_steady_past_foretells_itself(self) -> None:
        cohorts = []
        for months in (6, 5, 4):
            there, seen = 100_000, []
            for _ in range(months):
                seen.append((there, there // 10))
                there -= there // 10
            cohorts.append(watched(*seen))
        test = breakage.back_test(cohorts, 2)
        assert test is not None
        assert test.error == pytest.approx(0, abs=0.001)

    def test_nothing_old_enough(self) -> None:
        assert breakage.back_test([watched((10, 1))], 2) is None
        assert breakage.curve([], 3) == [0.0, 0.0, 0.0]
