"""Forms as values: what may be published, which fields are shown, what an answer must be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.webforms.conftest import PNG, SIGN_UP, VISIT
from zhike.webforms.queries import Condition, Field, Upload, as_json, moved, next_key, of_json, read, removed
from zhike.webforms.rules import answers
from zhike.webforms.rules import definition as rules

pytestmark = pytest.mark.feature("C023")


def faults_of(draft: rules.Definition, *, has_mall: bool = True) -> list[tuple[str, str]]:
    return [(fault.code, fault.key) for fault in rules.faults(draft, has_mall=has_mall)]


def test_forms_of_the_examples_are_whole_and_survive_being_kept() -> None:
    assert faults_of(VISIT) == faults_of(SIGN_UP) == []
    assert of_json(as_json(VISIT)) == VISIT and of_json(as_json(SIGN_UP)) == SIGN_UP


def test_condition_rests_on_an_earlier_field_only_so_none_goes_in_a_circle() -> None:
    assert faults_of(moved(VISIT, "q1", 6)) == [("condition_order", "q2")]
    assert ("condition_order", "q2") in faults_of(removed(VISIT, "q1"))
    itself = replace(VISIT.fields[0], when=Condition("q1", "at_least", "1"))
    assert faults_of(rules.replaced(VISIT, itself)) == [("condition_order", "q1")]


@pytest.mark.parametrize(
    ("field", "code"),
    [
        (Field("q9", "text", "  "), "label"),
        (Field("q9", "single", "选", options=("甲",)), "options"),
        (Field("q9", "many", "选", options=("甲", "甲")), "options"),
        (Field("q9", "matrix", "表", options=("好", "差")), "rows"),
        (Field("q9", "number", "数", low=5, high=1), "range"),
        (Field("q9", "date", "日", profile="occupation"), "profile"),
        (Field("q9", "consent", "同意"), "consent"),
        (Field("q9", "text", "字", when=Condition("q2", "is", "停车")), "condition"),
        (Field("q9", "text", "字", when=Condition("q6", "is", "没有的")), "condition"),
        (Field("q9", "text", "字", when=Condition("q4", "at_least", "很多")), "condition"),
    ],
)
def test_what_is_wrong_with_a_field_is_said_by_its_key(field: Field, code: str) -> None:
    assert faults_of(rules.added(VISIT, field)) == [(code, "q9")]


def test_a_form_needs_a_question_a_title_a_place_for_tickets_and_fields_to_enrol_with() -> None:
    assert faults_of(rules.Definition("", fields=(Field("q1", "heading", "标题"),))) == [
        ("title", ""),
        ("empty", ""),
    ]
    assert faults_of(VISIT, has_mall=False) == [("ticket_place", "")]
    optional = replace(SIGN_UP.fields[1], is_required=False)
    assert faults_of(rules.replaced(SIGN_UP, optional)) == [("enrol", "")]


def test_a_key_is_never_given_twice_however_fields_come_and_go() -> None:
    assert next_key(removed(VISIT, "q7"), ("q1", "q7")) == "q8"


def test_what_is_hidden_is_neither_asked_nor_kept() -> None:
    happy = read(VISIT, {"q1": "5", "q2": ["停车"], "q3": "藏起来的"}, {})
    assert dict(happy.values) == {"q1": 5} and not happy.faults
    sad = read(VISIT, {"q1": "2", "q3": "看不见"}, {})
    assert sad.faults == {"q2": "missing"} and "q3" not in sad.values
    asked = read(VISIT, {"q1": "2", "q2": ["服务态度"], "q3": " 态度\r\n冷淡 "}, {})
    assert asked.values["q3"] == "态度\n冷淡"
    assert answers.shown(VISIT, {"q1": 5, "q2": ["服务态度"]}) == {"q1", "q4", "q5", "q6", "q7"}


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({}, {"q1": "missing"}),
        ({"q1": "6"}, {"q1": "choice"}),
        ({"q1": "4.5"}, {"q1": "choice"}),
        ({"q1": "nan"}, {"q1": "number"}),
        ({"q1": "4", "q4": "11"}, {"q4": "choice"}),
        ({"q1": "4", "q5": {"卫生": "坏"}}, {"q5": "choice"}),
        ({"q1": "4", "q5": {"别的": "好"}}, {"q5": "choice"}),
        ({"q1": "4", "q6": "总统"}, {"q6": "choice"}),
        ({"q1": ["4"]}, {"q1": "number"}),
        ({"q1": "1", "q2": "停车", "q6": {"a": 1}}, {"q6": "choice"}),
        ({"q1": "1", "q2": [1]}, {"q2": "choice"}),
    ],
)
def test_answers_must_be_what_is_offered(given: dict[str, object], faults: dict[str, str]) -> None:
    assert dict(read(VISIT, given, {}).faults) == faults


def test_files_are_what_their_bytes_say() -> None:
    draft = rules.Definition(
        "图", fields=(Field("q1", "file", "照片", is_required=True), Field("q2", "signature", "签名"))
    )
    good = read(draft, {}, {"q1": [Upload("a.exe", PNG)], "q2": [Upload("s", PNG)]})
    assert not good.faults and set(good.files) == {"q1", "q2"}
    assert read(draft, {}, {"q1": [Upload("a.png", b"MZ" + b"\0" * 80)]}).faults == {"q1": "file"}
    assert read(draft, {}, {"q1": [Upload("a.png", PNG)] * 4}).faults == {"q1": "file"}
    assert read(draft, {}, {"q1": [Upload("a.png", PNG)], "q2": [Upload("s", b"%PDF-" * 20)]}).faults == {
        "q2": "signature"
    }
    assert read(draft, {"q2": "张三"}, {"q1": [Upload("a.png", PNG)]}).values == {"q2": "张三"}


def test_net_promoter_score() -> None:
    assert answers.net_promoters({}) is None
    assert answers.net_promoters({10: 5, 9: 1, 8: 2, 6: 2}) == pytest.approx(40)


def test_all_files_together_have_a_limit() -> None:
    sheet = rules.Definition("资料", fields=tuple(Field(f"q{n}", "file", f"第 {n} 份") for n in range(1, 4)))
    ten = Upload("a.png", PNG + b"\x00" * (answers.FILE_BYTES_MAX - len(PNG)))
    assert not read(sheet, {}, {"q1": [ten, ten], "q2": [ten, ten]}).faults
    assert read(sheet, {}, {"q1": [ten, ten], "q2": [ten, ten], "q3": [Upload("b.png", PNG)]}).faults == {
        "q1": "files", "q2": "files", "q3": "files",
    }  # fmt: skip
