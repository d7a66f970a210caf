"""A mapping as data: which column of a file means what, and how its rows are cleaned.

It is written by hand as TOML, edited on a page, and kept as JSON; all three are the same structure. See
docs/guides/import-your-receipts.md.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

FIELDS = (
    "number", "merchant", "till", "occurred_at", "business_date", "time", "kind", "sku", "name", "quantity",
    "unit_price", "amount", "discount", "tender", "member_phone", "member_card", "original_number", "cashier",
    "category",
)  # fmt: skip
"""What a column can mean, in the order a person would ask."""

DEFAULTABLE = ("merchant", "till", "sku", "name", "tender", "cashier", "category")
"""Fields that may be given once for the whole file instead of by a column."""

VALUE_MAPPED = ("merchant", "till", "kind", "tender", "category", "cashier")
"""Fields whose words can be translated by `values`."""

TENDERS = ("cash", "wechat", "alipay", "card", "stored_value", "voucher", "points", "other")

ENCODINGS = ("auto", "utf-8", "gb18030", "utf-16", "big5", "cp1252", "latin-1")
DELIMITERS = ("auto", ",", ";", "\t", "|")


class FileFormat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to read the file; whatever is `auto` is found out. `sheet` is the name of a sheet, empty for the first."""

    encoding: str = "auto"
    delimiter: str = "auto"
    sheet: str = ""
    header: bool = True


class TimeFormat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`format` as in strptime, or auto for year-first dates; `zone` is where the clock hung, empty for the mall's."""

    format: str = "auto"
    zone: str = ""


class AmountFormat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`unit` is major (元, with decimals) or minor (分, whole)."""

    unit: Literal["major", "minor"] = "major"
    decimal: Literal[".", ","] = "."
    thousands: Literal[",", ".", " ", "'", ""] = ","


class KindRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What makes a row a return. Without any of these every row is a sale and a negative quantity is refused."""

    return_number_prefixes: tuple[str, ...] = ()
    return_values: tuple[str, ...] = ()
    negative_quantity_is_return: bool = False
    negative_amount_is_return: bool = False


class Members(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a row names its member. `card_prefix` is put before every card so that foreign numbers do not clash.

    `unknown`: "create" enrols them with that phone or card, "without" records the receipt unclaimed, "quarantine"
    sets the row aside. `no_member_values` are words for nobody, such as 散客.
    """

    card_prefix: str = ""
    unknown: Literal["create", "without", "quarantine"] = "without"
    bad_phone: Literal["quarantine", "without"] = "quarantine"
    no_member_values: tuple[str, ...] = (
        "0",
        "-",
        "无",
        "散客",
        "非会员",
        "null",
        "NULL",
        "None",
        "NaN",
        "nan",
    )


class Cleaning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do with rows that can be read but are odd.

    `duplicate_lines`: rows of one receipt that agree in every cell are "merge"d into one, or "keep" them all.
    `zero_price`: a line that costs nothing is kept or quarantined. `not_products`: articles that are bookkeeping and
    no sale (fees, write-offs) and always quarantined. `unmatched_returns`: a return whose sale is not found is
    accepted without one (nothing is clawed back) or quarantined. `match_returns`: whether to look for the sale by
    member and article when the file does not name it. `incomplete_receipts`: when one row of a receipt is unreadable,
    "hold" its other rows with it, so that the receipt comes in whole once corrected, or "accept" them without it.
    """

    duplicate_lines: Literal["merge", "keep"] = "merge"
    zero_price: Literal["keep", "quarantine"] = "keep"
    not_products: tuple[str, ...] = ()
    unmatched_returns: Literal["accept", "quarantine"] = "accept"
    match_returns: bool = True
    unknown_products: Literal["create", "ignore"] = "create"
    unknown_merchants: Literal["create", "quarantine"] = "quarantine"
    incomplete_receipts: Literal["hold", "accept"] = "hold"


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole. `columns` is field → heading (or number from 1 in a file without headings)."""

    columns: dict[str, str] = {}
    name: str = ""
    defaults: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    file: FileFormat = FileFormat()
    time: TimeFormat = TimeFormat()
    amounts: AmountFormat = AmountFormat()
    kind: KindRule = KindRule()
    members: Members = Members()
    cleaning: Cleaning = Cleaning()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a mapping: where (`columns.number`), a stable code, and the word it is about."""

    path: str
    code: str
    word: str = ""


class MappingError(ValueError):
    """The mapping cannot be used."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.code} {fault.word}".strip() for fault in faults))
        self.faults = tuple(faults)


def parse_mapping(data: AnyMapping[str, Any]) -> Mapping:
    """The mapping that JSON or TOML describes. Raises MappingError with every fault found."""
    try:
        mapping = msgspec.convert(data, Mapping)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        raise MappingError(
            [Fault(path.strip("`").removeprefix("$.") or "mapping", "malformed", reason)]
        ) from None
    if faults := list(_faults(mapping)):
        raise MappingError(faults)
    return mapping


def mapping_data(mapping: Mapping) -> dict[str, Any]:
    """The mapping as JSON keeps it."""
    data: dict[str, Any] = msgspec.to_builtins(mapping)
    return data


def missing_columns(mapping: Mapping, header: Sequence[str]) -> list[Fault]:
    """The columns that the mapping names and the file has not."""
    known = set(header)
    return [
        Fault(f"columns.{field}", "no-such-column", column)
        for field, column in mapping.columns.items()
        if column not in known
    ]


def _faults(mapping: Mapping) -> list[Fault]:
    return [*_unknown_words(mapping), *_missing_fields(mapping), *_bad_formats(mapping)]


def _unknown_words(mapping: Mapping) -> list[Fault]:
    faults = [
        Fault(f"columns.{name}", "unknown-field", name) for name in mapping.columns if name not in FIELDS
    ]
    faults += [
        Fault(f"defaults.{name}", "no-default", name) for name in mapping.defaults if name not in DEFAULTABLE
    ]
    faults += [
        Fault(f"values.{name}", "no-value-map", name) for name in mapping.values if name not in VALUE_MAPPED
    ]
    tenders = {*mapping.values.get("tender", {}).values()}
    if (tender := mapping.defaults.get("tender")) is not None:
        tenders.add(tender)
    faults += [
        Fault("values.tender", "unknown-tender", word) for word in sorted(tenders) if word not in TENDERS
    ]
    return faults


def _missing_fields(mapping: Mapping) -> list[Fault]:
    columns = mapping.columns
    faults = []
    if "number" not in columns:
        faults.append(Fault("columns.number", "required"))
    if "occurred_at" not in columns and "business_date" not in columns:
        faults.append(Fault("columns.occurred_at", "required"))
    if "time" in columns and "business_date" not in columns:
        faults.append(Fault("columns.time", "needs-business-date"))
    if "amount" not in columns and "unit_price" not in columns:
        faults.append(Fault("columns.amount", "required"))
    if "merchant" not in columns and not mapping.defaults.get("merchant"):
        faults.append(Fault("columns.merchant", "required"))
    if mapping.kind.return_values and "kind" not in columns:
        faults.append(Fault("columns.kind", "required"))
    return faults


def _bad_formats(mapping: Mapping) -> list[Fault]:
    faults = []
    if mapping.file.encoding not in ENCODINGS:
        faults.append(Fault("file.encoding", "unknown-encoding", mapping.file.encoding))
    if mapping.file.delimiter not in DELIMITERS:
        faults.append(Fault("file.delimiter", "unknown-delimiter", mapping.file.delimiter))
    if mapping.amounts.thousands == mapping.amounts.decimal:
        faults.append(Fault("amounts.thousands", "same-as-decimal"))
    if mapping.time.format != "auto" and "%" not in mapping.time.format:
        faults.append(Fault("time.format", "malformed", mapping.time.format))
    if mapping.time.zone and not _is_zone(mapping.time.zone):
        faults.append(Fault("time.zone", "unknown-zone", mapping.time.zone))
    return faults


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
