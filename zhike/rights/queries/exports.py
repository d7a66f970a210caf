"""A person's own data as files that people and programs can read."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from zhike.kernel.forgetting import Subjects, as_text, rows_of
from zhike.organization import queries as organization
from zhike.rights.queries.catalogue import contexts

Named = Callable[[str], str]


def tables_of(subjects: Subjects) -> Iterator[tuple[str, str, Sequence[Mapping[str, Any]]]]:
    """(category, table, rows in clear) of every table that has any, in the order of the catalogue from the ground up."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for context in reversed(contexts()):
        for holding in context.holdings:
            rows: list[Mapping[str, Any]] = [
                {name: as_text(value) for name, value in row.items()}
                for row in rows_of(holding, context.holdings, subjects)
            ]
            if rows:
                found.setdefault((holding.category, holding.table), []).extend(rows)
    for (category, table), rows in found.items():
        yield category, table, rows


def bundle(subjects: Subjects, about: Mapping[str, Any], named: Named) -> tuple[bytes, int]:
    """A ZIP with one data.json (everything, for other programs) and a CSV for each table; and how many rows it has.

    ``about`` heads the JSON; ``named`` gives files and columns their name in the reader's language.
    """
    tables = list(tables_of(subjects))
    everything = {"about": dict(about), "data": {table: list(rows) for _, table, rows in tables}}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(everything, ensure_ascii=False, indent=1))
        for category, table, rows in tables:
            archive.writestr(f"{named(category)}/{named(table)}.csv", _csv(rows, named))
    return target.getvalue(), sum(len(rows) for _, _, rows in tables)


def _csv(rows: Sequence[Mapping[str, Any]], named: Named) -> str:
    """With a byte order mark, so that spreadsheets read Chinese; text that looks like a formula is quoted."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([named(name) for name in columns])
    for row in rows:
        writer.writerow([_cell(_place(name, row.get(name))) for name in columns])
    return "\ufeff" + text.getvalue()


def _place(column: str, value: Any) -> Any:
    """A mall or a merchant by its name."""
    if value is None or column not in ("mall_id", "merchant_id"):
        return value
    if column == "mall_id":
        return organization.mall(value).name
    merchant = organization.merchant_ref(value)
    return merchant.name if merchant else value


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") and not value[1:].isdigit():
        return "'" + value
    return value
