"""Mappings: suggested, written by hand, refused with a sentence per fault."""

from pathlib import Path
from typing import Any

import pytest

from tests.people import NOW, Crew, Malls
from zhike.intake import operations as intake
from zhike.intake import queries
from zhike.intake.rules.mapping import MappingError, mapping_data, parse_mapping
from zhike.intake.rules.suggest import suggest_columns, suggest_mapping, suggest_time_format
from zhike.kernel.errors import NotAllowed

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "online_retail.mapping.toml"


def test_chinese_headings_are_understood():
    words = (
        "小票编号 店铺号 POS机号 营业日期 商品条码 品名 数量(件) 单价（元） 实收金额 付款方式 会员卡号 备注"
    )
    header = words.split()
    assert suggest_columns(header) == {
        "number": "小票编号",
        "merchant": "店铺号",
        "till": "POS机号",
        "occurred_at": "营业日期",
        "sku": "商品条码",
        "name": "品名",
        "quantity": "数量(件)",
        "unit_price": "单价（元）",
        "amount": "实收金额",
        "tender": "付款方式",
        "member_card": "会员卡号",
    }


def test_english_headings_are_understood():
    header = [
        "InvoiceNo",
        "StockCode",
        "Description",
        "Quantity",
        "InvoiceDate",
        "UnitPrice",
        "CustomerID",
        "Country",
    ]
    assert suggest_columns(header) == {
        "number": "InvoiceNo",
        "occurred_at": "InvoiceDate",
        "sku": "StockCode",
        "name": "Description",
        "quantity": "Quantity",
        "unit_price": "UnitPrice",
        "member_card": "CustomerID",
    }


def test_no_heading_is_taken_twice():
    columns = suggest_columns(["单号", "原单号", "金额", "优惠金额", "时间", "日期"])
    assert len(set(columns.values())) == len(columns)
    assert columns["original_number"] == "原单号"
    assert (columns["business_date"], columns["time"]) == ("日期", "时间")


@pytest.mark.parametrize(
    ("words", "pattern"),
    [
        (["2026-03-01 10:00"], None),
        (["13/02/2026", "01/03/2026"], "%d/%m/%Y"),
        (["02/13/2026 09:05:01"], "%m/%d/%Y %H:%M:%S"),
        (["1.3.26 9:05 PM"], "%d.%m.%y %I:%M %p"),
        (["昨天"], None),
        ([], None),
    ],
)
def test_the_order_of_day_and_month_is_found_out(words: list[str], pattern: str | None):
    assert suggest_time_format(words) == pattern


def test_words_for_payments_and_returns_are_translated():
    mapping = suggest_mapping(
        ["单号", "日期", "金额", "支付方式", "类型"], [["1", "2026-03-01", "1", "微信支付", "退货"]]
    )
    assert mapping["values"] == {"tender": {"微信支付": "wechat"}}
    assert mapping["kind"] == {"return_values": ["退货"]}


def test_a_decimal_comma_is_noticed():
    assert (
        suggest_mapping(["Bill No", "Date", "Amount"], [["1", "2026-03-01", "12,50"]])["amounts"]["decimal"]
        == ","
    )


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({}, "columns.number"),
        ({"columns": {"number": "a", "amount": "b", "occurred_at": "c"}}, "columns.merchant"),
        ({"columns": {"number": "a", "colour": "b"}}, "columns.colour"),
        ({"columns": {"number": "a"}, "file": {"encoding": "klingon"}}, "file.encoding"),
        ({"columns": {"number": "a"}, "time": {"zone": "Mars/Olympus"}}, "time.zone"),
        ({"columns": {"number": "a"}, "values": {"tender": {"x": "shells"}}}, "values.tender"),
        ({"columns": {"number": "a"}, "cleaning": {"duplicate_lines": "maybe"}}, "cleaning.duplicate_lines"),
        ({"colums": {}}, "mapping"),
    ],
)
def test_each_fault_is_named_by_its_place(data: dict[str, Any], path: str):
    with pytest.raises(MappingError) as caught:
        parse_mapping(data)
    assert path in [fault.path for fault in caught.value.faults]


@pytest.mark.feature("C017")
def test_the_worked_example_is_a_mapping_and_survives_being_written():
    data = queries.mapping_of_text(EXAMPLE.read_text(encoding="utf-8"), EXAMPLE.name)
    mapping = parse_mapping(data)
    written = queries.mapping_toml(mapping_data(mapping))
    assert parse_mapping(queries.mapping_of_text(written, "again.toml")) == mapping


@pytest.mark.parametrize(("text", "name"), [("a = ", "m.toml"), ("{", "m.json"), ("[1]", "m.json")])
def test_a_broken_mapping_file_is_refused(text: str, name: str):
    with pytest.raises(queries.NotAMapping):
        queries.mapping_of_text(text, name)


def test_a_mapping_is_kept_by_name_and_replaced(malls: Malls, crew: Crew):
    definition = {"columns": {"number": "a", "amount": "b", "occurred_at": "c", "merchant": "d"}}
    first = intake.save_mapping(
        actor=crew.ops, group_id=malls.group, name="甲系统", mapping=definition, now=NOW
    )
    definition["columns"]["till"] = "e"
    again = intake.save_mapping(
        actor=crew.ops, group_id=malls.group, name="甲系统", mapping=definition, now=NOW
    )
    assert again == first
    [kept] = queries.saved_mappings(crew.ops)
    assert kept.definition["columns"]["till"] == "e"
    intake.delete_mapping(actor=crew.admin, mapping_id=first, now=NOW)
    assert queries.saved_mappings(crew.ops) == []


def test_strangers_keep_no_mappings(malls: Malls, crew: Crew):
    definition = {"columns": {"number": "a", "amount": "b", "occurred_at": "c", "merchant": "d"}}
    with pytest.raises(NotAllowed):
        intake.save_mapping(actor=crew.li, group_id=malls.group, name="x", mapping=definition, now=NOW)
    with pytest.raises(NotAllowed):
        queries.saved_mappings(crew.nobody)


def test_every_field_has_a_label():
    assert all(field.label for field in queries.fields())
