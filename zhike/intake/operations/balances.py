"""A file of another system's balances: who, how many points, until when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.intake.files import BrokenRow, inspect_file, open_table
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members

COLUMNS = {
    "phone": ("phone", "手机", "手机号", "电话"),
    "card": ("card", "card_number", "卡号", "会员卡号"),
    "points": ("points", "balance", "积分", "积分余额"),
    "expires_on": ("expires_on", "expiry", "到期日", "有效期", "有效期至"),
}
DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d")


class ColumnsMissing(Invalid):
    code = "columns-missing"
    title = _("The file needs a column of phones or cards and a column of points.")


@dataclass(slots=True)
class BalancesOutcome:
    """Every row of the file is in exactly one of the counts."""

    rows: int = 0
    brought: int = 0
    points: int = 0
    already: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


def import_balances(
    *, actor: Viewer, path: Path, batch: str, dry_run: bool, now: dt.datetime
) -> BalancesOutcome:
    """Bring in balances with their lots (loyalty.operations.bring_in_balances) from a CSV or a workbook.

    Columns: phone or card, points, and, if known, expires_on; one row per member and day of expiry. Rows of people who are
    no members are refused ("unknown_member"), as are unreadable ones. Raises FileRefused, ColumnsMissing, NotAllowed.
    """
    require_touch(actor, "imports.run")
    outcome = BalancesOutcome()
    found: list[tuple[int, dict[str, str]]] = []
    with open_table(path, inspect_file(path)) as table:
        places = places_of(table.columns)
        for row_no, row in table:
            outcome.rows += 1
            if isinstance(row, BrokenRow):
                outcome.refused.append((row_no, row.reason))
                continue
            found.append((row_no, {name: row[at].strip() for name, at in places.items() if at < len(row)}))
    balances = _balances(found, outcome)
    report = loyalty.bring_in_balances(actor=actor, balances=balances, batch=batch, now=now, dry_run=dry_run)
    outcome.brought, outcome.points, outcome.already = report.brought, report.points, report.already
    outcome.refused = sorted([*outcome.refused, *report.refused])
    return outcome


def places_of(columns: Sequence[str]) -> dict[str, int]:
    """Where each of our columns stands in the file's. Raises ColumnsMissing."""
    wanted = {alias: name for name, aliases in COLUMNS.items() for alias in aliases}
    places = {
        wanted[key]: at for at, column in enumerate(columns) if (key := column.strip().lower()) in wanted
    }
    if "points" not in places or not {"phone", "card"} & places.keys():
        raise ColumnsMissing
    return places


def _balances(
    rows: Sequence[tuple[int, dict[str, str]]], outcome: BalancesOutcome
) -> list[loyalty.OpeningBalance]:
    people = {
        kind: customers.person_ids_by(kind, [cells[kind] for _, cells in rows if cells.get(kind)])
        for kind in ("phone", "card")
    }
    balances = []
    for row_no, cells in rows:
        person_id = next(
            (
                people[kind][text]
                for kind in ("phone", "card")
                if (text := cells.get(kind, "")) in people[kind]
            ),
            None,
        )
        member_id = members.member_id_of_person(person_id) if person_id is not None else None
        points, day = cells.get("points", "").replace(",", ""), cells.get("expires_on", "")
        expires_on = _day(day)
        if member_id is None:
            outcome.refused.append((row_no, "unknown_member"))
        elif not points.isascii() or not points.isdecimal() or len(points) > 12:
            outcome.refused.append((row_no, "not_a_number"))
        elif day and expires_on is None:
            outcome.refused.append((row_no, "not_a_date"))
        else:
            balances.append(loyalty.OpeningBalance(row_no, member_id, int(points), expires_on))
    return balances


def _day(text: str) -> dt.date | None:
    for form in DAYS:
        try:
            return dt.datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            continue
    return None
