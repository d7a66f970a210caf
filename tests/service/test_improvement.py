"""The improvement report: rates against the month before with honest verdicts, what goes with content, effects."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from tests.people import NOW, Crew, Malls
from tests.service.conftest import SYSTEM
from tests.ui.console.world import sell
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import Event
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import ImprovementAction, Invitation
from zhike.service.queries.improvement import periods
from zhike.service.rules import improvement as rules

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C186", "C191")]
DAY = dt.timedelta(days=1)
ZONE = ZoneInfo("Asia/Shanghai")
MARCH = dt.date(2026, 3, 1)
Complain = Callable[..., str]


def report(crew: Crew, now: dt.datetime = NOW + DAY, month: dt.date = MARCH) -> queries.Report:
    return queries.improvement_report(crew.wang, mall_id=None, month=month, zone=ZONE, now=now)


def test_a_running_month_is_compared_with_as_many_days_of_the_one_before() -> None:
    since, until, before, before_until = periods(MARCH, ZONE, NOW)
    assert (since.date(), until, before.date()) == (MARCH, NOW, dt.date(2026, 2, 1))
    assert before_until - before == until - since
    full = periods(dt.date(2026, 2, 1), ZONE, NOW)
    assert (full[1], full[3]) == (since, full[0])
    long = periods(MARCH, ZONE, dt.datetime(2026, 3, 31, 12, tzinfo=ZONE))
    assert long[3] == long[0]  # February has fewer days


def test_a_verdict_is_sure_only_when_the_interval_says_so() -> None:
    assert rules.change(3, 1_000, 2, 1_000).verdict == "unsure"
    rose = rules.change(40, 1_000, 12, 1_000)
    assert rose.verdict == "rose" and rose.ratio == pytest.approx(40 / 12) and rose.rate == 40
    assert rules.change(40, 4_000, 12, 1_000).verdict == "unsure"  # four times the receipts
    assert rules.change(2, 1_000, 30, 1_000).verdict == "fell"
    assert rules.change(0, 1_000, 0, 1_000).ratio is None and rules.change(1, 0, 1, 5).rate is None
    assert rules.change(30, 1_000, 0, 1_000).verdict == "rose"


def test_newcombes_interval_against_its_published_example() -> None:
    """Newcombe 1998, table II, method 10: 56/70 less 48/80 gives 0.0524 to 0.3339."""
    one = rules.driver("x", 70, 56, 80, 48)
    assert one is not None and (one.low, one.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert one.is_sure and rules.driver("x", 0, 0, 5, 5) is None
    few = rules.driver("x", 3, 3, 3, 1)
    assert few is not None and not few.is_sure


def test_causes_merchants_and_drivers(desk: Malls, crew: Crew, complain: Complain, zhang_san: int) -> None:
    service.found_surveys(actor=SYSTEM, group_id=desk.group, now=NOW - 40 * DAY)
    cause = next(ref.id for ref in queries.causes(desk.group) if ref.code == "goods-food")
    sell(desk.star, desk.cafe, 3_000, NOW - DAY, None, NOW)
    complain(now=NOW - 35 * DAY, cause_id=cause)
    number = complain(now=NOW - DAY, cause_id=cause)
    complain(now=NOW - DAY, type="question")
    service.close_ticket(actor=crew.sun, number=number, now=NOW)
    service.answer_invitation(
        actor=SYSTEM,
        token=queries.survey_token(Invitation.objects.get().pk),
        score=5,
        comment="",
        answers={},
        now=NOW,
    )
    shown = report(crew)
    assert (shown.total.count, shown.total.before, shown.receipts) == (1, 1, 1)
    [line] = shown.causes
    assert (line.name, line.change.count, line.change.before, line.score.mean) == ("食品安全", 1, 1, 5.0)
    assert [one.name for one in shown.merchants] == ["半山咖啡"]
    assert shown.merchants[0].change.rate == 1_000
    elsewhere = queries.improvement_report(crew.qian, mall_id=None, month=MARCH, zone=ZONE, now=NOW + DAY)
    assert elsewhere.total.count == 0 and not elsewhere.causes
    with pytest.raises(NotAllowed):
        queries.improvement_report(crew.he, mall_id=None, month=MARCH, zone=ZONE, now=NOW)


@pytest.mark.feature("C195")
def test_what_was_done_is_measured(desk: Malls, crew: Crew, complain: Complain) -> None:
    cause = next(ref.id for ref in queries.causes(desk.group) if ref.code == "goods-food")
    complain(now=NOW - 3 * DAY, cause_id=cause)
    sell(desk.star, desk.cafe, 3_000, NOW - DAY, None, NOW)
    made = service.add_improvement(
        actor=crew.wang,
        mall_id=desk.star,
        title="后厨每日抽检",
        cause_id=cause,
        merchant_id=desk.cafe,
        now=NOW,
    )
    with pytest.raises(NotFound):
        service.finish_improvement(actor=crew.qian, action_id=made, note="", now=NOW + DAY)
    for _ in range(2):
        service.finish_improvement(actor=crew.wang, action_id=made, note="已抽检 7 天", now=NOW + DAY)
    sell(desk.star, desk.cafe, 3_000, NOW + 2 * DAY, None, NOW + 3 * DAY)
    [one] = report(crew, now=NOW + 5 * DAY).actions
    assert one.about == "食品安全 · 半山咖啡" and one.is_early and one.effect is not None
    assert (one.effect.before, one.effect.count) == (1, 0) and one.effect.verdict == "unsure"
    assert Event.objects.filter(type="zhike.service.improvement_done").count() == 1


def test_an_action_is_about_something_of_the_mall(desk: Malls, crew: Crew) -> None:
    base = {"actor": crew.wang, "mall_id": desk.star, "title": "整改", "now": NOW}
    for change in (
        {},
        {"cause_id": 999_999},
        {"merchant_id": desk.noodles},
        {"merchant_id": desk.cafe, "title": " "},
    ):
        with pytest.raises(service.ActionInvalid):
            service.add_improvement(**base | change)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        service.add_improvement(**base | {"actor": crew.he, "merchant_id": desk.cafe})  # type: ignore[arg-type]
    assert not ImprovementAction.objects.exists()
