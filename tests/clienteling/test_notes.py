"""What a note speaks for: tags with their sentence; how often that is right, on notes written after the word list was."""

from __future__ import annotations

import pytest

from tests.people import NOW, Crew
from tests.ui.counter.world import World
from zhike.clienteling import operations, queries
from zhike.clienteling.models import Note, Proposal
from zhike.clienteling.rules import notes
from zhike.insight import queries as tags
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotFound

pytestmark = pytest.mark.feature("C008", "C189")

# Written by hand after the word list, not used to change it. A note, and every tag of the list that a person reads in it.
WRITTEN_AFTERWARDS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (text, frozenset(names.split()))
    for text, names in (
        ("她说家里两个孩子，大的刚上小学，衣服要耐脏的", "亲子家庭"),
        ("先生陪着来的，嫌那件大衣贵，说双十一看看", "价格敏感"),
        ("喜欢基础款，颜色越素越好", "偏好简约"),
        ("下个月办婚礼，三金还没买齐，让我留意新到的手镯", "婚庆需求 珠宝爱好 喜欢新品"),
        ("不喜欢太鲜艳的颜色，印花也不要", ""),
        ("试了三双鞋都没拿走，让我到货39码通知她", "尺码39"),
        ("平时跑步健身，问有没有速干的", "偏好运动"),
        ("给客户挑伴手礼，要有礼盒", "常买礼物"),
        ("最近在攒积分换咖啡机", "关注积分 爱喝咖啡"),
        ("她没有孩子，不要推童装", ""),
        ("每次来都先去楼上喝杯拿铁", "爱喝咖啡"),
        ("陪闺蜜来逛，闺蜜想买婚纱", ""),
        ("公司年会要穿正装，裤子要改短", "偏好通勤"),
        ("从外地过来出差，想寄回家", "外地顾客"),
        ("上班时间不方便接电话，让我发微信", "偏好微信联系"),
        ("家里养了两只猫，大衣容易粘毛", "养宠物"),
        ("摸了摸说面料起球，下次想要羊绒的", "注重材质"),
        ("香水用完了，想再来一瓶同款", "美妆爱好"),
        ("只有星期六有空，平时加班", "周末常客"),
        ("对旗袍感兴趣，问能不能定做", "偏好国潮"),
        ("很爽快，试了就买单，没还价", ""),
        ("问能不能便宜点，说网上便宜两百", "价格敏感"),
        ("穿M码正好，L码肩宽了", "尺码M"),
        ("买给女朋友的纪念日礼物，选了项链", "常买礼物 珠宝爱好"),
        ("今天心情不错，聊了很久", ""),
        ("不是价格的问题，预算很充足，就是没有喜欢的", ""),
        ("老顾客介绍来的，说我们家服务好", ""),
        ("想等当季上新再来看看", "喜欢新品 到店试穿未买"),
        ("妈妈爱穿真丝，问会不会缩水", "注重材质"),
        ("带着女儿来买新衣服，女儿自己挑", "亲子家庭"),
        ("觉得国风的外套好看，就是没有她的码", "偏好国潮"),
        ("徒步鞋穿了三年，想换一双", "偏好运动"),
        ("结婚纪念日想送太太一条金项链", "珠宝爱好 常买礼物"),
        ("他不喝咖啡，给他倒了茶", ""),
        ("家里有老人，想买厚一点的", ""),
        ("嫌排队久，下次想预约", ""),
    )
)


def measured() -> tuple[float, float]:
    """(precision, recall) over all proposals."""
    right = proposed = wanted = 0
    for text, expected in WRITTEN_AFTERWARDS:
        found = {one.name for one in notes.proposals(text)}
        right += len(found & expected)
        proposed += len(found)
        wanted += len(expected)
    return right / proposed, right / wanted


def test_most_of_what_is_proposed_is_right_and_most_of_what_is_there_is_found() -> None:
    """A proposal costs a glance, so a wrong one is worse than a missing one. The guide names the figures."""
    precision, recall = measured()
    assert precision >= 0.75, precision
    assert recall >= 0.7, recall


def test_every_proposal_shows_its_sentence() -> None:
    text = "今天人很多。她喜欢素色！\n女儿上小学；穿M码。"
    found = {one.name: text[one.begin : one.end] for one in notes.proposals(text)}
    assert found == {"偏好简约": "她喜欢素色！", "亲子家庭": "女儿上小学；", "尺码M": "穿M码。"}
    assert notes.proposals("她说不喜欢素色") == []
    assert [one.name for one in notes.proposals("这件不错，素色的好看")] == ["偏好简约"]
    assert [one.name for one in notes.proposals("想坐靠窗座位", ["靠窗座位", "a"])] == ["靠窗座位"]
    assert notes.cleaned(" 嗯，她  想要\r\n\n呃简约的 ", "voice") == "她 想要\n简约的"


@pytest.mark.django_db
def test_nothing_is_a_tag_before_the_one_they_belong_to_says_so(
    world: World, zhou: Viewer, crew: Crew
) -> None:
    person_id = world.zhang.person_id
    write = {"person_id": person_id, "text": "喜欢素色", "now": NOW}
    with pytest.raises(NotFound):
        operations.write_note(actor=crew.qian, **write)
    with pytest.raises(operations.NoteUnusable):
        operations.write_note(actor=zhou, **{**write, "text": " \n "})
    with pytest.raises(operations.NoteTooPrivate):
        operations.write_note(actor=zhou, **{**write, "text": "她月薪三万"})
    assert not Note.objects.exists()
    operations.write_note(actor=zhou, **write)
    assert "素色" not in str(bytes(Note.objects.get().text))
    proposal = Proposal.objects.get()
    with pytest.raises(NotFound):
        operations.decide_proposal(actor=crew.qian, proposal_id=proposal.pk, is_right=True, now=NOW)
    assert Proposal.objects.get().state == "open" and not tags.tags_of(person_id).suggested
    operations.decide_proposal(actor=zhou, proposal_id=proposal.pk, is_right=False, now=NOW)
    operations.decide_proposal(actor=zhou, proposal_id=proposal.pk, is_right=True, now=NOW)
    assert Proposal.objects.get().state == "rejected"
    [note] = queries.notes_of(crew.wang, person_id)
    assert note.proposals[0].sentence == "喜欢素色"
