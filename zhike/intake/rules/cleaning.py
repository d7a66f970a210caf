"""One row of a file as one line of a receipt, or the reason why not.

`LineCleaner` is built once per file and called for every row, hundreds of thousands of times; words that come again
(dates, prices, names of merchants) are understood once and remembered.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

from zhike.intake.rules import reasons, values
from zhike.intake.rules.mapping import TENDERS
from zhike.intake.rules.mapping import Mapping as RowMapping

CACHE_MAX = 100_000
EARLIEST = dt.date(2000, 1, 1)
CLOCK_SKEW = dt.timedelta(minutes=10)
DAYS_APART_MAX = 1
NUMBER_MAX, TILL_MAX, SKU_MAX, NAME_MAX, CASHIER_MAX, CARD_MAX = 50, 40, 60, 200, 60, 60
CATEGORY_MAX = 40


class Rejected(Exception):
    """The row is set aside for this reason; `detail` quotes the word that was wrong."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail[:200]


class Head(NamedTuple):
    """What a row says about its receipt. `member` is "phone:…", "card:…" or empty."""

    merchant_id: int
    till: str
    number: str
    business_date: dt.date
    occurred_at: dt.datetime
    is_return: bool
    member: str
    original_number: str
    cashier: str


class Line(NamedTuple):
    """What a row says about its line. Quantities are thousandths, amounts fen; none is negative."""

    sku: str
    name: str
    quantity_milli: int
    unit_price_fen: int
    discount_fen: int
    net_fen: int
    tender: str
    category: str


Cell = Callable[[Sequence[str]], str]
Picker = Callable[[Sequence[str]], tuple[str, ...]]

HEAD_FIELDS = (
    "number", "merchant", "till", "occurred_at", "business_date", "time", "member_phone", "member_card",
    "original_number", "cashier",
)  # fmt: skip
LINE_FIELDS = ("kind", "sku", "name", "quantity", "unit_price", "amount", "discount", "tender", "category")


class LineCleaner:
    """Callable on the cells of a row: (Head, Line), or raises Rejected.

    `merchants` maps the codes of the mall's merchants to ids; `zone` is the mall's, used where the mapping names none.
    """

    def __init__(
        self,
        mapping: RowMapping,
        header: Sequence[str],
        *,
        merchants: Mapping[str, int],
        zone: str,
        now: dt.datetime,
    ) -> None:
        self._mapping = mapping
        self._width = len(header)
        self._merchants = merchants
        self._zone = ZoneInfo(mapping.time.zone or zone)
        self._latest = now + CLOCK_SKEW
        self._latest_date = now.date() + dt.timedelta(days=1)
        self._places = {field: header.index(column) for field, column in mapping.columns.items()}
        self._decimals = 0 if mapping.amounts.unit == "minor" else 2
        self._not_products = frozenset(mapping.cleaning.not_products)
        self._nobody = frozenset(mapping.members.no_member_values)
        self._no_zero_price = mapping.cleaning.zero_price == "quarantine"
        self._read = {field: self._cell(field) for field in (*HEAD_FIELDS, *LINE_FIELDS)}
        self._head_words, self._line_words = self._picker(HEAD_FIELDS), self._picker(LINE_FIELDS)
        self._heads: dict[tuple[str, ...], tuple[Head, Head]] = {}
        self._lines: dict[tuple[bool, tuple[str, ...]], tuple[bool, Line]] = {}
        self._amounts: dict[str, int] = {}
        self._moments: dict[tuple[str, str, str], tuple[dt.date, dt.datetime]] = {}

    def __call__(self, cells: Sequence[str]) -> tuple[Head, Line]:
        if len(cells) != self._width:
            raise Rejected(reasons.COLUMN_COUNT, f"{len(cells)} ≠ {self._width}")
        head_words = self._head_words(cells)
        heads = self._heads.get(head_words)
        if heads is None:
            heads = self._parse_heads(cells)
            _remember(self._heads, head_words, heads)
        line_words = heads[0].is_return, self._line_words(cells)
        found = self._lines.get(line_words)
        if found is None:
            found = self._parse_line(cells, heads[0].is_return)
            _remember(self._lines, line_words, found)
        is_return, line = found
        return heads[is_return], line

    def bundle(self, cells: Sequence[str]) -> tuple[int, str]:
        """A hash of the receipt's key as the file writes it, and its number; also for rows that are refused."""
        words = [self._raw(cells, field) for field in ("merchant", "till", "number")]
        day = re.split(
            r"[T\s]", self._raw(cells, "business_date") or self._raw(cells, "occurred_at"), maxsplit=1
        )[0]
        return hash((*words, day)), words[2][:NUMBER_MAX]

    def _raw(self, cells: Sequence[str], field: str) -> str:
        place = self._places.get(field)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    def _picker(self, fields: Sequence[str]) -> Picker:
        """Gets the cells that decide about these fields, all in one go."""
        places = [self._places[field] for field in fields if field in self._places]
        return cast(Picker, itemgetter(*places, *places[:1]) if places else lambda cells: ())

    def _parse_heads(self, cells: Sequence[str]) -> tuple[Head, Head]:
        """The head as a sale and as a return; the same one twice where the number alone says return."""
        read = self._read
        number = _short(read["number"](cells), NUMBER_MAX)
        if not number:
            raise Rejected(reasons.MISSING_NUMBER)
        prefixes = self._mapping.kind.return_number_prefixes
        business_date, occurred_at = self._moment(cells)
        head = Head(
            self._merchant(read["merchant"](cells)),
            _short(read["till"](cells), TILL_MAX) or "1",
            number,
            business_date,
            occurred_at,
            bool(prefixes) and number.startswith(prefixes),
            self._parse_member(read["member_phone"](cells), read["member_card"](cells)),
            _short(read["original_number"](cells), NUMBER_MAX),
            read["cashier"](cells)[:CASHIER_MAX],
        )
        return head, head._replace(is_return=True)

    # --- cells -----------------------------------------------------------------------------------------------------

    def _cell(self, field: str) -> Cell:
        """How to get the word of a field: from its column (translated), else the default, else nothing."""
        default = self._mapping.defaults.get(field, "")
        place = self._places.get(field)
        if place is None:
            return lambda cells: default
        words = self._mapping.values.get(field)
        if words:
            return lambda cells: words.get(word := cells[place].strip(), word) or default
        return lambda cells: cells[place].strip() or default

    def _merchant(self, code: str) -> int:
        if not code:
            raise Rejected(reasons.MISSING_MERCHANT)
        merchant_id = self._merchants.get(code)
        if merchant_id is None:
            raise Rejected(reasons.UNKNOWN_MERCHANT, code)
        return merchant_id

    # --- time ------------------------------------------------------------------------------------------------------

    def _moment(self, cells: Sequence[str]) -> tuple[dt.date, dt.datetime]:
        read = self._read
        key = (read["occurred_at"](cells), read["business_date"](cells), read["time"](cells))
        found = self._moments.get(key)
        if found is None:
            found = self._parse_moment(*key)
            _remember(self._moments, key, found)
        return found

    def _parse_moment(self, occurred: str, date: str, time: str) -> tuple[dt.date, dt.datetime]:
        if not occurred and not date:
            raise Rejected(reasons.MISSING_DATE)
        pattern = self._mapping.time.format
        try:
            day = values.parse_moment(date, pattern)[0].date() if date else None
            if occurred:
                local = values.parse_moment(occurred, pattern)[0]
            else:
                assert day is not None
                local = dt.datetime.combine(day, values.parse_time(time) if time else dt.time(12))
        except ValueError:
            raise Rejected(reasons.BAD_DATE, " ".join(filter(None, (occurred, date, time)))) from None
        if local.date() < EARLIEST:
            raise Rejected(reasons.ANCIENT_DATE, occurred or date)
        at = values.to_utc(local, self._zone)
        if at > self._latest and not (day and not time and not occurred and day <= self._latest.date()):
            raise Rejected(reasons.FUTURE_DATE, occurred or f"{date} {time}".strip())
        day = day or local.date()
        if day > self._latest_date:
            raise Rejected(reasons.FUTURE_DATE, date)
        if abs((day - local.date()).days) > DAYS_APART_MAX:
            raise Rejected(reasons.DATES_APART, f"{occurred} {date}")
        return day, min(at, self._latest)

    # --- amounts ---------------------------------------------------------------------------------------------------

    def _parse_line(self, cells: Sequence[str], is_return: bool) -> tuple[bool, Line]:
        """Whether the row is a return, and its line."""
        read = self._read
        sku = _short(read["sku"](cells), SKU_MAX)
        if sku in self._not_products:
            raise Rejected(reasons.NOT_A_PRODUCT, sku)
        quantity = self._quantity(read["quantity"](cells))
        price = self._amount(read["unit_price"](cells), rounded="amount" in self._places)
        amount = self._amount(read["amount"](cells))
        discount = self._amount(read["discount"](cells)) or 0
        is_return = is_return or self._says_return(cells, quantity, amount)
        if is_return:
            quantity, amount = abs(quantity), None if amount is None else abs(amount)
        elif quantity < 0:
            raise Rejected(reasons.NEGATIVE_QUANTITY, read["quantity"](cells))
        if (price is not None and price < 0) or (amount is not None and amount < 0):
            raise Rejected(reasons.NEGATIVE_AMOUNT, read["unit_price"](cells) or read["amount"](cells))
        price, discount, net = _reckon(quantity, price, amount, abs(discount))
        if not net and self._no_zero_price:
            raise Rejected(reasons.ZERO_PRICE)
        if max(net, price, discount) > values.AMOUNT_FEN_MAX:
            raise Rejected(reasons.ABSURD_AMOUNT, read["amount"](cells) or read["unit_price"](cells))
        tender = read["tender"](cells) or "other"
        if tender not in TENDERS:
            raise Rejected(reasons.UNKNOWN_TENDER, tender)
        name, category = read["name"](cells)[:NAME_MAX], read["category"](cells)[:CATEGORY_MAX]
        return is_return, Line(sku, name, quantity, price, discount, net, tender, category)

    def _says_return(self, cells: Sequence[str], quantity: int, amount: int | None) -> bool:
        """Whether a word or a sign of the row says that it is a return."""
        kind = self._mapping.kind
        return (
            (bool(kind.return_values) and self._read["kind"](cells) in kind.return_values)
            or (kind.negative_quantity_is_return and quantity < 0)
            or (kind.negative_amount_is_return and amount is not None and amount < 0)
        )

    def _quantity(self, text: str) -> int:
        if not text:
            return values.MILLI
        try:
            milli = values.scaled(self._plain(text), 3)
        except ValueError:
            raise Rejected(reasons.BAD_QUANTITY, text) from None
        if not milli:
            raise Rejected(reasons.ZERO_QUANTITY, text)
        if abs(milli) > values.QUANTITY_MILLI_MAX:
            raise Rejected(reasons.BAD_QUANTITY, text)
        return milli

    def _amount(self, text: str, *, rounded: bool = False) -> int | None:
        if not text:
            return None
        fen = self._amounts.get(text)
        if fen is None:
            try:
                fen = values.scaled(self._plain(text), self._decimals, rounded=rounded)
            except ValueError:
                raise Rejected(reasons.BAD_AMOUNT, text) from None
            if not rounded:
                _remember(self._amounts, text, fen)
        return fen

    def _plain(self, text: str) -> str:
        amounts = self._mapping.amounts
        return values.plain_number(text, amounts.decimal, amounts.thousands)

    def _parse_member(self, phone: str, card: str) -> str:
        members = self._mapping.members
        if phone and phone not in self._nobody:
            try:
                return f"phone:{values.parse_phone(phone)}"
            except ValueError:
                if members.bad_phone == "quarantine" and (not card or card in self._nobody):
                    raise Rejected(reasons.BAD_PHONE, phone) from None
        if card and card not in self._nobody:
            return f"card:{_short(members.card_prefix + card, CARD_MAX).upper()}"
        return ""


def _reckon(quantity: int, price: int | None, amount: int | None, discount: int) -> tuple[int, int, int]:
    """(unit price, discount, net) in fen from what the row gives; what it gives must agree to a fen a piece."""
    if price is None and amount is None:
        raise Rejected(reasons.MISSING_AMOUNT)
    if price is None:
        assert amount is not None
        gross = amount + discount
        return (2 * gross * values.MILLI + quantity) // (2 * quantity), discount, amount
    gross = values.line_fen(quantity, price)
    if amount is None:
        if discount > gross:
            raise Rejected(reasons.AMOUNT_MISMATCH, f"{discount} > {gross}")
        return price, discount, gross - discount
    slack = max(1, -(-quantity // (2 * values.MILLI)))
    if amount > gross + slack or (discount and abs(gross - discount - amount) > slack):
        raise Rejected(reasons.AMOUNT_MISMATCH, f"{gross} − {discount} ≠ {amount}")
    return price, max(0, gross - amount), amount


def _short(text: str, longest: int) -> str:
    if len(text) > longest:
        raise Rejected(reasons.TEXT_TOO_LONG, text)
    return text


def _remember(cache: dict, key: object, value: object) -> None:  # type: ignore[type-arg]
    """Keep it, but never more than a bounded number of words."""
    if len(cache) >= CACHE_MAX:
        cache.clear()
    cache[key] = value
