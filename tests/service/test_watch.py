"""Watched words: seen through their disguises, noticed as they are said, judged by a supervisor."""

from __future__ import annotations

import uuid

import pytest

from tests.people import NOW, Crew, Malls
from tests.service.conftest import SYSTEM
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import WordAlert
from zhike.service.queries.watch import noticed, sound_of
from zhike.service.rules import watch as rules

pytestmark = [pytest.mark.django_db, pytest.mark.feature("B44")]


def word(term: str, speaker: str = "both", severity: str = "notice") -> rules.Word:
    folded = rules.fold(term).text
    sound = " ".join(sound_of(folded)) if all(map(rules.is_han, folded)) else ""
    return rules.Word(term, folded, sound, "abuse", severity, speaker)


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("你们就是骗子！", "骗子"),
        ("你们就是骗 。子", "骗 。子"),
        ("都是pianzi啊", "pianzi"),
        ("我要打１２３１５投诉", "打１２３１５"),
        ("去打 123-15", "打 123-15"),
        ("加我思人微信吧", "加我思人微信"),
        ("这片子很好看", None),
        ("谢谢，问题解决了", None),
    ],
)
def test_seen_through_disguises_and_not_where_it_is_not(said: str, seen: str | None) -> None:
    words = [word("骗子"), word("打12315"), word("加我私人微信")]
    found = noticed(words, said, "member")
    assert [said[hit.start : hit.end] for hit in found] == ([seen] if seen else [])


def test_whose_words_are_watched_and_which_is_gravest() -> None:
    words = [word("保证退款", "staff", "serious"), word("骗子", "member")]
    assert not noticed(words, "我保证退款", "member")
    found = noticed([*words, word("退款给您")], "我保证退款给您", "staff")
    assert [hit.word.term for hit in found] == ["保证退款", "退款给您"]
    assert rules.gravest(found).severity == "serious"
    marks = [[hit.start, hit.end] for hit in found]
    assert rules.pieces("我保证退款给您", marks) == [("我", False), ("保证退款", True), ("给您", True)]


@pytest.fixture
def said(malls: Malls, crew: Crew, zhang_san: int) -> str:
    """张三 wrote twice and 孙客服 once; the number of the conversation."""
    service.found_sensitive_words(actor=SYSTEM, group_id=malls.group, now=NOW)
    member = customers.viewer_of_person(zhang_san)
    for text in ("你好，想问积分", "你们是骗 子，我要打12315"):
        number = service.write_as_member(
            actor=member, person_id=zhang_san, mall_id=malls.star, text=text, key=uuid.uuid4(), now=NOW
        )
    service.write_as_staff(actor=crew.sun, number=number, text="加我私人微信，我转给您", now=NOW)
    return number


def test_noticed_as_it_is_said_with_its_sentence(said: str, crew: Crew) -> None:
    staff, member = queries.word_alerts_page(crew.wang).items
    assert (member.number, member.speaker, member.severity) == (said, "member", "serious")
    assert [text for text, is_hit in member.pieces if is_hit] == ["骗 子", "打12315"]
    assert (staff.speaker, staff.staff, staff.category) == ("staff", "孙客服", "aside")
    assert queries.word_alert_counts(crew.wang) == {"open": 2, "serious": 2, "upheld": 0, "harmless": 0}
    data = Event.objects.filter(type="zhike.service.words_noticed").latest("position").data
    assert "私人微信" not in str(data)


def test_sent_again_it_is_noticed_once(malls: Malls, crew: Crew, zhang_san: int) -> None:
    service.found_sensitive_words(actor=SYSTEM, group_id=malls.group, now=NOW)
    member, key = customers.viewer_of_person(zhang_san), uuid.uuid4()
    for _ in range(2):
        service.write_as_member(
            actor=member, person_id=zhang_san, mall_id=malls.star, text="骗子", key=key, now=NOW
        )
    assert WordAlert.objects.count() == 1


def test_judged_by_those_of_the_mall_only(said: str, crew: Crew) -> None:
    alert = queries.word_alerts_page(crew.wang).items[0]

    def judge(actor: Viewer, verdict: str = "upheld") -> None:
        service.judge_word_alert(actor=actor, alert_id=alert.id, verdict=verdict, note="已约谈", now=NOW)

    for stranger, error in ((crew.qian, NotFound), (crew.he, NotAllowed), (crew.wu, NotAllowed)):
        with pytest.raises((NotFound, NotAllowed)) as caught:
            judge(stranger)
        assert caught.type in (error, NotFound)
    with pytest.raises(service.VerdictInvalid):
        judge(crew.wang, "maybe")
    judge(crew.wang)
    judge(crew.wang, "harmless")
    assert queries.word_alert(crew.wang, alert.id).verdict == "harmless"
    assert AuditEntry.objects.filter(action="word_alert.judge").count() == 2
    assert not queries.word_alerts_page(crew.qian, queue="all").items


def test_words_are_kept_by_those_who_may(malls: Malls, crew: Crew) -> None:
    def save(actor: Viewer, *terms: str, category: str = "abuse") -> int:
        return service.save_sensitive_words(
            actor=actor, group_id=malls.group, terms=terms, category=category, severity="notice", now=NOW
        )

    with pytest.raises(NotAllowed):
        save(crew.sun, "骗子")
    for terms, category in (((), "abuse"), (("骗",), "abuse"), (("骗子",), "none"), (("很" * 41,), "abuse")):
        with pytest.raises(service.WordsInvalid):
            save(crew.ops, *terms, category=category)
    assert save(crew.ops, "骗子", " 骗 子 ", "ＡＢＣ") == 2
    [first, second] = queries.sensitive_words(crew.sun, malls.group)
    assert {first.word.folded, second.word.folded} == {"骗子", "abc"}
    service.drop_sensitive_word(actor=crew.ops, word_id=first.id, now=NOW)
    with pytest.raises(NotFound):
        service.drop_sensitive_word(actor=crew.ops, word_id=first.id, now=NOW)
    assert len(queries.sensitive_words(crew.sun, malls.group)) == 1
    save(crew.ops, first.word.term)
    assert len(queries.sensitive_words(crew.sun, malls.group)) == 2
