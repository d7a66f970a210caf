"""The assistant: it does what members may do themselves, asks back when it is not sure, and hands over with what it understood."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.people import NOW, Crew
from tests.service.bot import set_up_bot, small_model
from tests.service.conftest import MINUTE, SYSTEM, found
from tests.ui.counter.world import World, build_world
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import BotExample, BotMiss, Conversation, Ticket
from zhike.service.rules import intents

pytestmark = pytest.mark.feature("C188", "C245")


@pytest.fixture
def world(malls: object) -> World:
    world = build_world(malls, NOW)  # type: ignore[arg-type]
    found(world.malls)
    set_up_bot(world.malls.group, SYSTEM, NOW)
    return world


@pytest.fixture
def zhang(world: World) -> Viewer:
    return customers.viewer_of_person(world.zhang.person_id)


@pytest.fixture
def ask(world: World, zhang: Viewer) -> Callable[[str], str]:
    """Say something as the member; what the assistant answers, "" when it says nothing."""

    def _ask(text: str) -> str:
        number = service.write_as_member(
            actor=zhang, person_id=zhang.id or 0, mall_id=world.malls.star, text=text, key=uuid4(), now=NOW
        )
        row = queries.visible_conversation(zhang, number)
        said = [one for one in queries.messages_of(zhang, row) if one.kind == "text"]
        return said[-1].text if said[-1].author_kind == "bot" else ""

    return _ask


def status() -> str:
    return Conversation.objects.get().status


def test_it_looks_up_what_belongs_to_the_member(ask: Callable[[str], str], world: World) -> None:
    world.buy(12_300, member=world.zhang)
    assert "积分可用" in ask("我有多少积分")
    assert "等级是" in ask("我是什么等级")
    assert "优惠券" in ask("我的优惠券")
    assert "¥123.00" in ask("查一下我的消费记录")
    assert "10:00–22:00" in ask("营业时间")
    assert "半山咖啡在一层" in ask("半山咖啡在几楼")
    assert status() == "bot" and Conversation.objects.get().bot_answers == 6


def test_it_asks_which_shop_and_takes_the_answer(ask: Callable[[str], str]) -> None:
    assert "哪家店" in ask("找店")
    assert "云裳女装在二层" in ask("云裳女装")
    ask("找店")
    ask("并不存在的店")
    assert status() == "queued"


def test_articles_answer_and_their_absence_hands_over(
    ask: Callable[[str], str], world: World, crew: Crew
) -> None:
    assert "母婴室" in ask("母婴室在哪")
    service.set_article_state(
        actor=crew.lin, group_id=world.malls.group, code="facility_wifi", state="retired", now=NOW + MINUTE
    )
    ask("wifi密码")
    row = Conversation.objects.get()
    assert (row.status, row.handover["reason"], row.skill) == ("queued", "unable", "places")


def test_a_return_is_asked_for_to_the_end(ask: Callable[[str], str], world: World) -> None:
    receipt_id = world.buy(12_300, member=world.zhang).receipt_id
    assert "1. " in ask("我要退货")
    assert "序号" in ask("什么")
    assert "原因" in ask("1")
    assert "确认提交吗" in ask("尺码不合适")
    assert "工单号" in ask("确认提交")
    ticket = Ticket.objects.get()
    assert (ticket.type, ticket.receipt_id, ticket.channel) == ("return", receipt_id, "chat")
    assert Conversation.objects.get().ticket_id == ticket.pk


def test_a_complaint_is_confirmed_or_given_up(ask: Callable[[str], str], world: World) -> None:
    assert "发生了什么" in ask("我要投诉")
    assert "半山咖啡" in ask("半山咖啡的店员不理人，等了二十分钟")
    assert "已取消" in ask("算了")
    assert not Ticket.objects.exists()
    ask("我要投诉")
    ask("半山咖啡的店员不理人，等了二十分钟")
    assert "工单号" in ask("确认提交")
    ticket = Ticket.objects.get()
    assert (ticket.type, ticket.merchant_id) == ("complaint", world.malls.cafe)


def test_it_knows_when_to_call_a_person(ask: Callable[[str], str], crew: Crew, world: World) -> None:
    service.set_seat_state(actor=crew.sun, state="available", now=NOW)
    assert "停车" in ask("停车费怎么交")
    row = Conversation.objects.get()
    assert (row.status, row.handover["reason"]) == ("open", "unable")
    assert row.handover["guesses"][0][0] == "parking_fee"
    service.close_conversation(actor=crew.sun, number=row.number, now=NOW + MINUTE)
    ask("转人工")
    newest = Conversation.objects.latest("id")
    assert (newest.status, newest.handover["reason"]) == ("open", "asked")


def test_what_it_does_not_know_is_learnt(ask: Callable[[str], str], world: World, crew: Crew) -> None:
    model = small_model()
    strange = "量子纠缠态的退相干时间"
    assert intents.read(model.predict(strange)).act != "do"
    ask(strange)
    ask(strange)
    miss = BotMiss.objects.latest("id")
    shown = queries.open_misses(crew.sun)
    assert shown[0].said == strange and queries.open_misses(crew.qian) == []
    with pytest.raises(service.TeachingInvalid):
        service.decide_miss(actor=crew.sun, miss_id=miss.pk, intent="没有", text="x", now=NOW)
    with pytest.raises(NotFound):
        service.decide_miss(actor=crew.qian, miss_id=miss.pk, now=NOW)
    with pytest.raises(NotAllowed):
        service.train_bot(actor=crew.sun, now=NOW)
    before = queries.training_digest()
    for _ in range(2):
        service.decide_miss(actor=crew.sun, miss_id=miss.pk, intent="other", text="量子力学是什么", now=NOW)
    assert BotExample.objects.count() == 1 and queries.examples() == [("other", "量子力学是什么")]
    assert queries.training_digest() != before
    figures = queries.bot_figures(crew.sun, NOW - MINUTE)
    assert (figures.conversations, figures.handed_over) == (
        1,
        Conversation.objects.exclude(handover={}).count(),
    )


# --- reading -------------------------------------------------------------------------------------------------------


def test_the_intent_set_is_large_and_its_test_part_is_apart() -> None:
    known = queries.intent_set()
    assert len(known) >= 60
    trained = {text for one in known.values() for text in one.training(intents.PER_FAMILY)}
    assert len(trained) >= 3_000
    for one in known.values():
        tests = {
            text for family in (*one.plain_tests, *one.hard_tests) for text in intents.utterances(family, 50)
        }
        assert tests and one.blind is not None
        assert not (tests | set(one.blind)) & trained


def test_a_small_model_reads_what_nobody_taught_it() -> None:
    known = queries.intent_set()
    blind = [(code, text) for code, one in known.items() for text in one.blind]
    figures = queries.scores(small_model(), blind)
    assert figures["right"] >= 0.85 and figures["wrong"] <= 0.05
    again = queries.bot.unpack(queries.bot.pack(small_model()))
    assert [again.predict(text)[0][0] for _code, text in blind[:9]] == [
        small_model().predict(text)[0][0] for _code, text in blind[:9]
    ]


def test_asking_back_happens_once() -> None:
    doubtful = [("points_balance", 0.3), ("points_use", 0.25), ("other", 0.1)]
    assert intents.read(doubtful).act == "ask"
    assert intents.read(doubtful, asked_before=True).act == "pass"
    assert intents.read([("other", 0.3), ("tier_mine", 0.05)]).act == "pass"
    assert intents.read([("tier_mine", 0.8)]) == intents.Reading("do", ("tier_mine",), 0.8)
