"""A mall moves in: balances of another system, with their lots, once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from zhike.intake.operations import ColumnsMissing, import_balances
from zhike.kernel.errors import NotAllowed
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Transfer

pytestmark = pytest.mark.feature("B14", "B49")
FILE = '手机号,积分,到期日\n13800138000,300,2027-03-31\n13800138000,200,2027-06-30\n13900139000,"1,000",\n'


@pytest.fixture
def town(db: None) -> Town:
    town = build_town()
    for phone in ("13800138000", "13900139000"):
        loyalty.enroll_member(
            actor=SYSTEM, name="张三", phone=phone, mall_id=town.mall_id, source="counter", now=NOW
        )
    return town


def bring(path: Path, text: str, *, dry_run: bool = False, **kwargs: str):  # type: ignore[no-untyped-def]
    path.write_text(text, encoding="utf-8")
    return import_balances(
        actor=SYSTEM, path=path, batch=kwargs.get("batch", "move"), dry_run=dry_run, now=NOW
    )


def test_lots_come_in_once_and_tie_out(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "balances.csv"
    tried = bring(file, FILE, dry_run=True)
    assert not Transfer.objects.exists()
    first = bring(file, FILE)
    assert (first.rows, first.brought, first.points, first.refused) == (3, 3, 1_500, [])
    assert (tried.brought, tried.points) == (first.brought, first.points)
    again = bring(file, FILE + "13900139000,50,2027-01-31\n")
    assert (again.brought, again.already, again.points) == (1, 3, 50)
    found = queries.liability(SYSTEM, town.program_id, NOW)
    assert (found.ties_out, found.outstanding, found.months[-1].imported) == (True, 1_550, 1_550)
    assert {month for one in found.payers for month in one.by_month} >= {
        dt.date(2027, 3, 1),
        dt.date(2027, 6, 1),
    }
    assert queries.verify_ledger().is_clean


def test_bad_rows_stop_no_good_ones(town: Town, tmp_path: Path) -> None:
    text = "phone,points,expires_on\n13800138000,10,\n1,5,\n13800138000,x,\n13900139000,5,2020-01-01\n13900139000,5,soon\n"
    outcome = bring(tmp_path / "b.csv", text)
    assert (outcome.rows, outcome.brought) == (5, 1)
    assert outcome.refused == [(2, "unknown_member"), (3, "not_a_number"), (4, "expired"), (5, "not_a_date")]


def test_a_file_of_something_else_and_a_stranger(town: Town, tmp_path: Path) -> None:
    with pytest.raises(ColumnsMissing):
        bring(tmp_path / "b.csv", "sku,price\nA,1\n")
    with pytest.raises(NotAllowed):
        import_balances(
            actor=staff("imports.view"), path=tmp_path / "b.csv", batch="x", dry_run=False, now=NOW
        )
    assert not Transfer.objects.exists()


def test_the_command_says_what_became_of_each_row(town: Town, tmp_path: Path) -> None:
    from zhike.ui.cli.imports import imports

    file = tmp_path / "balances.csv"
    file.write_text(FILE, encoding="utf-8")
    result = CliRunner().invoke(imports, ["balances", str(file), "--batch", "cut"])
    assert result.exit_code == 0, result.output
    assert "1,500" in result.output
