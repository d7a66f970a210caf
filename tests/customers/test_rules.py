"""Identifiers in one form, names as they are searched, and whom an identifier means."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.customers import rules


@pytest.mark.feature("C018", "C016")
@pytest.mark.parametrize(
    ("kind", "given_as", "normal", "masked"),
    [
        ("phone", "13800138000", "+8613800138000", "138****8000"),
        ("phone", " +86 138-0013-8000 ", "+8613800138000", "138****8000"),
        ("phone", "008613800138000", "+8613800138000", "138****8000"),
        ("phone", "１３８００１３８０００", "+8613800138000", "138****8000"),
        ("phone", "+852 9123 4567", "+85291234567", "+852****567"),
        ("phone", "010-62551234", "+861062551234", "+861****234"),
        ("card", " vip 0001-22 ", "VIP000122", "****0122"),
        ("card", "1234", "1234", "****34"),
        ("email", "Zhang.San@QQ.com", "zhang.san@qq.com", "z***@qq.com"),
        ("plate", "京a·12345", "京A12345", "京A***45"),
        ("plate", "粤BD12345", "粤BD12345", "粤B****45"),
        ("openid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "oUpF****6o"),
    ],
)
def test_identifiers_have_one_form_and_a_mask(kind: str, given_as: str, normal: str, masked: str) -> None:
    assert rules.normalise(kind, given_as) == normal
    assert rules.mask(kind, normal) == masked


@pytest.mark.feature("C016")
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("phone", ""), ("phone", "12345"), ("phone", "abc"), ("phone", "1380013800"), ("phone", "138001380001"),
        ("phone", "23800138000"), ("card", "12"), ("card", "x" * 33), ("card", "会员卡"), ("email", "a@b"),
        ("email", "a b@c.com"), ("plate", "京12345"), ("plate", "A"), ("openid", "short"), ("face", "anything"),
        ("phone", "138\x0000138000"),
    ],
)  # fmt: skip
def test_what_is_no_identifier_is_refused(kind: str, text: str) -> None:
    with pytest.raises(rules.NotAnIdentifier):
        rules.normalise(kind, text)


@given(st.sampled_from(rules.KINDS), st.text(max_size=40))
def test_normalising_twice_changes_nothing_and_masks_hide(kind: str, text: str) -> None:
    try:
        normal = rules.normalise(kind, text)
    except rules.NotAnIdentifier:
        return
    assert rules.normalise(kind, normal) == normal
    assert rules.mask(kind, normal) != normal


@pytest.mark.parametrize(
    ("name", "letters", "initials"),
    [
        ("张三", "zhangsan", "zs"),
        ("单美玲", "shanmeiling", "sml"),
        ("曾志伟", "zengzhiwei", "zzw"),
        ("长孙无忌", "zhangsunwuji", "zswj"),
        ("尉迟恭", "yuchigong", "ycg"),
        ("欧阳娜娜", "ouyangnana", "oynn"),
        ("吕布", "lvbu", "lb"),
        ("阿依古丽·买买提", "ayigulimaimaiti", "ayglmmt"),
        ("José Wang", "josewang", "jw"),
        ("Tony 老师", "tonylaoshi", "tls"),
        ("", "", ""),
        ("😀", "", ""),
    ],
)
def test_names_are_read_with_their_surname(name: str, letters: str, initials: str) -> None:
    assert rules.pinyin(name) == (letters, initials)


def test_grams_are_the_parts_of_a_name() -> None:
    assert rules.grams("张小明") == sorted(["张", "小", "明", "张小", "小明"])
    assert rules.grams("Alice") == []
    assert rules.grams("阿丽·买提") == sorted(["阿", "丽", "阿丽", "买", "提", "买提"])


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("张 三", "张三"),
        ("  Alice   Wang ", "Alice Wang"),
        ("阿依•买提", "阿依·买提"),
        ("张\x00三\n", "张三"),
        ("Ａ", "A"),
    ],
)
def test_names_are_stored_clean(name: str, clean: str) -> None:
    assert rules.clean_name(name) == clean


@pytest.mark.parametrize(
    ("name", "masked"), [("张三", "张*"), ("欧阳娜娜", "欧**娜"), ("Al", "A***"), ("张", "张"), ("", "")]
)
def test_masked_names_can_still_be_greeted(name: str, masked: str) -> None:
    assert rules.mask_name(name) == masked


def test_masked_birthday_hides_the_age() -> None:
    assert rules.mask_birthday(dt.date(1990, 5, 12)) == "****-05-12"


@pytest.mark.parametrize(
    ("text", "identifiers", "name", "letters"),
    [
        ("13800138000", {"phone": "+8613800138000", "card": "13800138000"}, "", ""),
        ("VIP0001", {"card": "VIP0001"}, "", ""),
        ("京A·12345", {"plate": "京A12345"}, "", ""),
        ("a@b.com", {"email": "a@b.com"}, "", ""),
        ("张 三", {}, "张三", ""),
        ("zhang san", {}, "", "zhangsan"),
        ("Xi'an", {}, "", "xian"),
        ("zs", {}, "", "zs"),
        ("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}, "", ""),
        ("  ", {}, "", ""),
        ("%_\\", {}, "", ""),
    ],
)
def test_one_box_knows_what_is_meant(text: str, identifiers: dict[str, str], name: str, letters: str) -> None:
    meaning = rules.meaning_of(text)
    assert identifiers.items() <= dict(meaning.identifiers).items()
    assert (meaning.name, meaning.letters) == (name, letters)


@given(st.text(max_size=200))
def test_any_text_has_some_meaning_or_none(text: str) -> None:
    assert len(rules.meaning_of(text).name) <= rules.NAME_LENGTH_MAX


def test_sound_alikes_and_slips_reach_the_right_spelling() -> None:
    assert rules.sound_alikes("zangsan")[0] == "zhangsan"
    assert "linjing" in rules.sound_alikes("ninjin")
    assert "zhangsan" in rules.typing_slips("zhagnsan")
    assert "zhangsan" in rules.typing_slips("zhangsna")
    assert rules.typing_slips("li") == []
    assert len(rules.sound_alikes("zhongshangchengzhangsheng")) <= rules.SOUND_ALIKES_MAX


A, B, C = ("phone", b"a"), ("card", b"b"), ("email", b"c")


@pytest.mark.feature("C018")
def test_the_strongest_identifier_decides() -> None:
    found = rules.resolve([[B, A]], {A: 7, B: 8})
    assert found.targets == [7]
    assert found.conflicts == [(7, 8, "card")]
    assert not found.added
    assert not found.first_inputs


@pytest.mark.feature("C018")
def test_inputs_that_share_an_identifier_are_one_person() -> None:
    found = rules.resolve([[A, B], [B, C], [C], []], {})
    assert found.targets == [-1, -1, -1, -2]
    assert found.first_inputs == [0, 3]
    assert found.added == [(-1, 0, A), (-1, 0, B), (-1, 1, C)]


keys = st.builds(lambda kind, value: (kind, bytes([value])), st.sampled_from(rules.KINDS), st.integers(0, 5))


@given(
    st.lists(st.lists(keys, max_size=4), max_size=12), st.dictionaries(keys, st.integers(1, 5), max_size=8)
)
def test_an_identifier_never_has_two_holders(inputs: list, holders: dict) -> None:
    found = rules.resolve(inputs, holders)
    held = dict(holders)
    for target, number, key in found.added:
        assert key not in held
        assert found.targets[number] == target
        held[key] = target
    assert all(key in held for given_keys in inputs for key in given_keys)
    assert rules.resolve(inputs, holders) == found, "the same every time"
    assert len(found.targets) == len(inputs)
    assert {target for target in found.targets if target < 0} == {
        -n - 1 for n in range(len(found.first_inputs))
    }
