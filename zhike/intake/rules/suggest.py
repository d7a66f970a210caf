"""A first mapping from the headings of a file and its first rows, for a person to correct."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from zhike.intake.rules import values
from zhike.intake.rules.mapping import FIELDS, TENDERS

_SYNONYMS = """
number: 小票号, 小票编号, 单号, 单据号, 流水号, 销售单号, 订单号, 订单编号, 交易号, 交易流水号, 凭证号,
    receipt, receipt number, receipt no, receipt id, invoice, invoice no, invoice number, order no,
    order id, order number, bill no, transaction id, transaction no, ticket no, number
merchant: 商户号, 商户编码, 商户编号, 商户代码, 商户, 店铺编码, 店铺编号, 店铺号, 店铺, 门店编码, 门店号,
    门店, 专柜号, 专柜, 铺位号, 租户编码, merchant, merchant code, merchant id, store, store code, store id,
    store no, shop, shop code, shop id, tenant, tenant code, counter
till: 收银机号, 收银机, 款台号, 款台, 机号, 终端号, pos机号, pos号, pos, till, till no, terminal,
    terminal id, register, pos no, pos id, device
occurred_at: 交易时间, 销售时间, 下单时间, 支付时间, 时间日期, 日期时间, 发生时间, invoice date,
    invoicedate, datetime, date time, timestamp, transaction time, sold at, created at, occurred at,
    order time
business_date: 营业日期, 营业日, 销售日期, 交易日期, 日期, 单据日期, business date, date, sale date,
    sales date, transaction date, order date, receipt date
time: 时间, time, sale time, hour
kind: 类型, 单据类型, 交易类型, 销售类型, 收退标志, 销退标志, type, kind, transaction type, receipt type,
    sale or return
sku: 商品编码, 商品编号, 商品代码, 货号, 条码, 商品条码, 国际条码, 款号, sku, sku编码, stock code,
    stockcode, item code, item no, product code, product id, barcode, ean, upc, article, plu
name: 商品名称, 品名, 商品, 名称, 货品名称, description, product name, item name, item, product,
    article name, name
quantity: 数量, 销售数量, 件数, quantity, qty, units, pieces, count
unit_price: 单价, 售价, 销售单价, 零售价, 原价, price, unit price, unitprice, retail price
amount: 金额, 实付金额, 实收金额, 实收, 实付, 应收金额, 销售金额, 成交金额, 小计, 净额, 总金额, amount,
    net amount, total, line total, net, paid, sales, amount paid, subtotal, total price
discount: 折扣, 优惠, 优惠金额, 折扣金额, 折让, discount, discount amount, promotion, markdown
tender: 支付方式, 付款方式, 收款方式, 支付类型, payment, payment method, tender, tender type, paid by,
    payment type
member_phone: 手机号, 手机, 手机号码, 会员手机, 会员手机号, 电话, 联系电话, phone, mobile, mobile no,
    phone number, member phone, customer phone, tel, telephone
member_card: 会员卡号, 会员号, 会员编号, 卡号, 会员卡, 会员, card, card no, card number, member no,
    member id, member, membership number, customer id, customerid, customer, customer no, loyalty card
original_number: 原单号, 原小票号, 原销售单号, 原订单号, original receipt, original number,
    original invoice, original receipt no, refunded order, original order
cashier: 收银员, 收款员, 操作员, 导购, 营业员, cashier, operator, clerk, sales person, staff
category: 品类, 商品类别, 分类, 类别, 大类, 部门, category, product category, department, class
"""

_TENDER_WORDS = """
cash: 现金, 人民币, cash
wechat: 微信, 微信支付, wechat, wechat pay, weixin, wx
alipay: 支付宝, alipay, ali pay, zfb
card: 银行卡, 刷卡, 信用卡, 借记卡, 银联, 云闪付, card, credit card, debit card, unionpay, visa
stored_value: 储值卡, 储值, 预付卡, 购物卡, 礼品卡, stored value, gift card, prepaid
voucher: 代金券, 优惠券, 券, 抵用券, 礼券, voucher, coupon
points: 积分, 积分抵现, points
other: 其他, 其它, other, unknown
"""


def _listed(text: str) -> dict[str, tuple[str, ...]]:
    """Lines of "name: word, word"; an indented line continues the one above."""
    joined = re.sub(r"\n\s+", " ", text.strip())
    entries = (line.partition(":") for line in joined.splitlines())
    return {
        name: tuple(word.strip() for word in words.split(",") if word.strip()) for name, _, words in entries
    }


SYNONYMS = _listed(_SYNONYMS)
TENDER_WORDS = _listed(_TENDER_WORDS)
RETURN_WORDS = frozenset(
    ["退货", "退款", "退", "退单", "冲红", "红冲", "return", "refund", "returned", "r", "cancelled", "void"]
)
DAY_FIRST, MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"

_SLASHED = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})(.*)", re.ASCII)


def suggest_mapping(header: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The mapping as data. Columns are taken by exact synonym first, then by a synonym inside a heading."""
    columns = suggest_columns(header)
    words = {field: _words(header, rows, column) for field, column in columns.items()}
    mapping: dict[str, Any] = {"columns": columns, "defaults": {}, "values": {}}
    dated = words.get("occurred_at") or words.get("business_date") or []
    if pattern := suggest_time_format(dated):
        mapping["time"] = {"format": pattern}
    if tenders := _tender_values(words.get("tender", [])):
        mapping["values"]["tender"] = tenders
    mapping["kind"] = _kind_rule(words)
    if any("," in word and "." not in word and len(word.rpartition(",")[2]) == 2 for word in _amounts(words)):
        mapping["amounts"] = {"decimal": ",", "thousands": "."}
    return {key: value for key, value in mapping.items() if value or key in ("columns", "defaults", "values")}


def suggest_columns(header: Sequence[str]) -> dict[str, str]:
    """Field → heading, no heading twice."""
    plain = {column: _plain(column) for column in header}
    found: dict[str, str] = {}
    for matches in (_is_synonym, _holds_synonym):
        for field in FIELDS:
            if field in found:
                continue
            free = [column for column in header if column and column not in found.values()]
            column = next((column for column in free if matches(plain[column], field)), None)
            if column is not None:
                found[field] = column
    if "business_date" in found and "occurred_at" not in found and "time" not in found:
        found["occurred_at"] = found.pop("business_date")
    if "occurred_at" in found:
        found.pop("time", None)
    return {field: found[field] for field in FIELDS if field in found}


def suggest_time_format(words: Sequence[str]) -> str | None:
    """The strptime format of day-first or month-first dates; None when auto understands them or nothing does."""
    texts = [word for word in words if word]
    if not texts or all(_is_auto(word) for word in texts):
        return None
    matches = [match for word in texts if (match := _SLASHED.fullmatch(word))]
    if not matches:
        return None
    separator = matches[0][2]
    day_first = any(int(match[1]) > 12 for match in matches)
    month_first = any(int(match[3]) > 12 for match in matches)
    order = DAY_FIRST if day_first or not month_first else MONTH_FIRST
    year = "%Y" if len(matches[0][4]) == 4 else "%y"
    return order.replace("/", separator).replace("%Y", year) + _time_pattern(matches[0][5])


def _time_pattern(rest: str) -> str:
    clock = rest.strip()
    if not clock:
        return ""
    gap = rest[: len(rest) - len(rest.lstrip())]
    half_day = clock[-2:].upper() in ("AM", "PM")
    seconds = ":%S" if clock.count(":") == 2 else ""
    return f"{gap}%{'I' if half_day else 'H'}:%M{seconds}{' %p' if half_day else ''}"


def _is_auto(word: str) -> bool:
    try:
        values.parse_moment(word, "auto")
    except ValueError:
        return False
    return True


def _kind_rule(words: dict[str, list[str]]) -> dict[str, Any]:
    rule: dict[str, Any] = {}
    if returns := sorted({word for word in words.get("kind", []) if word.lower() in RETURN_WORDS}):
        rule["return_values"] = returns
    if any(word.startswith("-") for word in words.get("quantity", [])):
        rule["negative_quantity_is_return"] = True
    elif any(word.startswith("-") for word in words.get("amount", [])):
        rule["negative_amount_is_return"] = True
    return rule


def _tender_values(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in dict.fromkeys(words):
        if word and word not in TENDERS:
            plain = _plain(word)
            exact = (kind for kind, known in TENDER_WORDS.items() if plain in known)
            inside = (kind for kind, known in TENDER_WORDS.items() if any(name in plain for name in known))
            found[word] = next(exact, None) or next(inside, "other")
    return found


def _amounts(words: dict[str, list[str]]) -> list[str]:
    return [word for field in ("unit_price", "amount") for word in words.get(field, [])]


def _words(header: Sequence[str], rows: Sequence[Sequence[str]], column: str) -> list[str]:
    place = list(header).index(column)
    return [row[place].strip() for row in rows if place < len(row)]


def _plain(heading: str) -> str:
    """A heading without case, units in brackets, underscores and doubled spaces: "Receipt_No." is "receipt no"."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)
    without_units = re.sub(r"[(（\[【].*?[)）\]】]", "", split)
    return " ".join(re.sub(r"[_\-./:：*#]+", " ", without_units).lower().split())


def _is_synonym(plain: str, field: str) -> bool:
    return plain in SYNONYMS[field] or plain.replace(" ", "") in SYNONYMS[field]


def _holds_synonym(plain: str, field: str) -> bool:
    """A synonym of two characters (Chinese) or a whole word (English) inside the heading."""
    spaced = f" {plain} "
    return any(
        (word in plain)
        if not word.isascii() and len(word) >= 2
        else (len(word) > 4 and f" {word} " in spaced)
        for word in SYNONYMS[field]
    )
