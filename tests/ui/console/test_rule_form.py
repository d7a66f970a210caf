"""The rule editor: a definition becomes a form and the same definition again; a difference becomes sentences."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from zhike.ui.console import rule_text
from zhike.ui.console.forms.rules import RuleChoices, RuleEditor

CHOICES = RuleChoices(
    malls=[(1, "星河城"), (2, "云港汇")],
    tiers=[(1, "普卡"), (3, "金卡")],
    merchants=[(12, "半山咖啡"), (13, "老凤祥")],
    trade_categories=[(5, "餐饮")],
    product_categories=[(7, "图书")],
    payers=[("mall", "商场"), ("merchant", "消费商户"), ("bank:icbc", "银行 ICBC")],
)
BASE = {"base": {"points": 1, "per_fen": 100}}
FULL: dict[str, Any] = {
    "base": {"points": 2, "per_fen": 150},
    "malls": [1],
    "merchants": {"except": [13], "bp": {"12": 20000}},
    "trade_categories": {"bp": {"5": 12500}},
    "product_categories": {"only": [7]},
    "tiers": {"bp": {"3": 15000}},
    "calendar": [
        {
            "name": "618",
            "bp": 20000,
            "from": "2026-06-16",
            "to": "2026-06-18",
            "weekdays": [6, 7],
            "hours": [10, 22],
        },
        {"name": "周三", "bp": 30000, "weekdays": [3]},
    ],
    "minimum_fen": 5000,
    "excluded_tenders": ["voucher", "points"],
    "caps": {"receipt": 5000, "member_day": 10000},
    "funding": {"mall": 3333, "merchant": 6667},
}


def posted(editor: RuleEditor) -> QueryDict:
    """What a browser would send of this editor unchanged."""
    data = QueryDict(mutable=True)
    forms = [
        editor.form,
        *(form for formset in (*editor.scopes.values(), editor.calendar) for form in formset.forms),
    ]
    forms += [formset.management_form for formset in (*editor.scopes.values(), editor.calendar)]
    for form in forms:
        for field in form:
            value = field.value()
            if isinstance(value, list | tuple):
                data.setlist(field.html_name, [str(one) for one in value])
            elif value is not None and value != "" and value is not False:
                data[field.html_name] = "on" if value is True else str(value)
    return data


@pytest.mark.feature("C083")
@pytest.mark.parametrize(
    "definition", [BASE, FULL, {**BASE, "merchants": {"only": [12], "bp": {"12": 15000}}}]
)
def test_a_definition_survives_the_form(definition: dict[str, Any]) -> None:
    shown = RuleEditor(CHOICES, definition=definition, name="消费积分")
    sent = RuleEditor(CHOICES, posted(shown))
    assert sent.is_valid(), [part.errors for part in (sent.form, *sent.scopes.values(), sent.calendar)]
    assert sent.definition == definition


def send(**changes: str) -> RuleEditor:
    data = posted(RuleEditor(CHOICES, definition=FULL, name="消费积分"))
    for name, value in changes.items():
        data[name.replace("__", "-")] = value
    return RuleEditor(CHOICES, data)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_per_yuan": "0"}, {"base_per_yuan": "1.234"}, {"base_points": "-1"}, {"minimum_yuan": "-5"},
        {"tier_3": "1000"}, {"tier_3": "abc"}, {"cap_receipt": "-1"}, {"calendar__0__to_date": "2026-06-01"},
        {"calendar__0__name": ""}, {"calendar__0__times": ""}, {"calendar__0__hour_to": "9"},
        {"merchants__0__target": "999"}, {"excluded_tenders": "seashells"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_at_its_field(wrong: dict[str, str]) -> None:
    assert not send(**wrong).is_valid()


def test_lines_taken_out_are_gone() -> None:
    editor = send(calendar__1__DELETE="on", merchants__0__DELETE="on")
    assert editor.is_valid()
    assert [boost["name"] for boost in editor.definition["calendar"]] == ["618"]
    assert editor.definition["merchants"] == {"bp": {"12": 20000}}


def test_a_rule_reads_as_sentences() -> None:
    shown = {clause.label: clause.value for clause in rule_text.clauses(FULL, CHOICES)}
    assert shown["等级 · 金卡"] == "×1.5"
    assert shown["商户 · 半山咖啡"] == "×2"
    assert shown["活动日历 · 618"] == "×2 · 2026-06-16 – 2026-06-18 · 周六、周日 · 10:00–22:00"
    assert "代金券、积分" in shown.values()


def test_a_difference_names_what_is_new_gone_and_changed() -> None:
    after = {**FULL, "tiers": {"bp": {"3": 20000}}, "caps": {"receipt": 5000}, "malls": [1, 2]}
    found = {
        change.label: (change.before, change.after) for change in rule_text.changes(FULL, after, CHOICES)
    }
    assert found == {
        "仅限商场": ("星河城", "星河城、云港汇"),
        "等级 · 金卡": ("×1.5", "×2"),
        "上限 · 每会员每天": ("最多 10,000 分", None),
    }
    assert rule_text.changes(FULL, FULL, CHOICES) == []


@pytest.mark.feature("N6")
@pytest.mark.parametrize(
    ("entered", "wrong"),
    [
        ({"payer_1": "mall", "payer_1_share": "60"}, "payer_1_share"),
        ({"payer_1": "mall"}, "payer_1_share"),
        ({"payer_1": "mall", "payer_1_share": "50", "payer_2": "mall", "payer_2_share": "50"}, "payer_2"),
        ({"payer_1": "brand:9", "payer_1_share": "100"}, "payer_1"),
    ],
)
def test_shares_that_do_not_add_up_are_shown_at_their_field(entered: dict[str, str], wrong: str) -> None:
    data = posted(RuleEditor(CHOICES, definition=BASE, name="消费积分"))
    for name, value in entered.items():
        data[name] = value
    editor = RuleEditor(CHOICES, data)
    assert not editor.is_valid()
    assert list(editor.form.errors) == [wrong]


@pytest.mark.feature("N6")
def test_who_pays_is_said_in_words() -> None:
    said = {clause.key: clause.value for clause in rule_text.clauses(FULL, CHOICES)}
    assert said["funding"] == "商场 33.33% · 消费商户 66.67%"
