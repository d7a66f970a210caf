"""Connectors that fetch: a folder's files once each, a database's rows from the watermark on, all of them accounted for."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from django.db import connection

from tests.intake.conftest import MAPPING, csv_bytes, row
from tests.people import NOW, Crew, Malls
from zhike.intake import operations, queries
from zhike.intake.models import Connector, FetchedPart, ImportRun
from zhike.intake.rules import fetching
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Invalid, NotAllowed, NotFound
from zhike.sales.models import Receipt

pytestmark = pytest.mark.feature("C016", "C017")
WORKER = system_viewer("intake")
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def inbox(tmp_path: Path, settings: Any, uploads: Path, programme: int) -> Path:
    settings.INBOX_DIR = tmp_path / "inbox"
    folder = tmp_path / "inbox" / "pos" / "daily"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def folder(inbox: Path, malls: Malls, crew: Crew) -> int:
    return operations.create_folder_connector(
        actor=crew.ops, mall_id=malls.star, name="每日收银文件", folder="pos/daily", mapping=MAPPING,
        every_minutes=60, now=NOW,
    )  # fmt: skip


def put(path: Path, *numbers: str, age: dt.timedelta = HOUR, at: dt.datetime = NOW, **changes: str) -> Path:
    path.write_bytes(csv_bytes([row(number, **changes) for number in numbers]))
    moment = (at - age).timestamp()
    os.utime(path, (moment, moment))
    return path


def fetch(connector_id: int, now: dt.datetime = NOW) -> int:
    return operations.fetch(actor=WORKER, connector_id=connector_id, now=now)


def test_each_file_is_taken_once_and_its_rows_are_accounted_for(folder: int, inbox: Path, crew: Crew) -> None:
    put(inbox / "a.csv", "0001", "0002")
    put(inbox / "b.csv", "0003", "坏", 数量="两杯")
    assert fetch(folder) == 2
    assert fetch(folder, NOW + HOUR) == 0
    second, first = queries.fetched_parts(crew.ops, folder).items
    assert (first.name, first.rows, first.counts.accepted, first.open_rows, first.agrees) == (
        "a.csv",
        2,
        2,
        0,
        True,
    )
    assert (second.rows, second.counts.accepted, second.open_rows, second.agrees) == (2, 0, 2, True)
    (view,) = queries.connectors(crew.ops, NOW)
    assert (view.accepted, view.duplicates, view.waiting, view.state) == (2, 0, 2, "works")
    put(inbox / "copy of a.csv", "0001", "0002")
    put(inbox / "c.csv", "0002", "0004")
    assert fetch(folder, NOW + 2 * HOUR) == 1
    newest = queries.fetched_parts(crew.ops, folder).items[0]
    assert (newest.name, newest.counts.accepted, newest.again) == ("c.csv", 1, 1)
    assert Receipt.objects.count() == 3


def test_files_that_are_written_hidden_or_of_another_kind_wait(
    folder: int, inbox: Path, tmp_path: Path
) -> None:
    put(inbox / "a.csv", "0001", age=dt.timedelta(seconds=5))
    put(inbox / ".b.csv", "0002")
    put(inbox / "c.csv.part", "0003")
    secret = put(tmp_path / "secret.csv", "0004")
    (inbox / "d.csv").symlink_to(secret)
    assert fetch(folder) == 0
    assert fetch(folder, NOW + HOUR) == 1
    assert [one.number for one in Receipt.objects.all()] == ["0001"]


def test_file_that_fails_is_tried_again_and_delays_the_connector(
    folder: int, inbox: Path, crew: Crew
) -> None:
    path = inbox / "a.csv"
    path.write_bytes(b"\x00\x01\x02")
    os.utime(path, ((NOW - HOUR).timestamp(),) * 2)
    assert fetch(folder) == 0
    found = queries.connector(crew.ops, folder, NOW)
    assert (found.state, found.failures) == ("failing", 1)
    assert found.last_error
    assert found.next_run_at == NOW + 2 * HOUR
    for turn in range(1, 8):
        fetch(folder, NOW + turn * HOUR)
    assert FetchedPart.objects.get().tries == fetching.TRIES_MAX
    put(path, "0001")
    assert fetch(folder, NOW + 9 * HOUR) == 1
    assert queries.connector(crew.ops, folder, NOW).state == "works"


def test_folder_that_is_gone_is_told(folder: int, inbox: Path, crew: Crew) -> None:
    inbox.rmdir()
    assert fetch(folder) == 0
    assert "pos/daily" in queries.connector(crew.ops, folder, NOW).last_error


@pytest.mark.parametrize("path", ["", "../etc", "/etc", "a/../../b", "a//b", "a/./b", "a\x00b", "x" * 61])
def test_nothing_outside_the_inbox_can_be_watched(inbox: Path, malls: Malls, crew: Crew, path: str) -> None:
    with pytest.raises(Invalid):
        operations.create_folder_connector(
            actor=crew.ops, mall_id=malls.star, name="x", folder=path, mapping=None, every_minutes=60, now=NOW
        )


def test_strangers_make_and_see_nothing(folder: int, malls: Malls, crew: Crew) -> None:
    with pytest.raises(NotAllowed):
        operations.create_folder_connector(
            actor=crew.wang, mall_id=malls.star, name="y", folder="a", mapping=None, every_minutes=60, now=NOW
        )
    for who in (crew.qian, crew.nobody):
        with pytest.raises(NotFound):
            operations.start_fetch(actor=who, connector_id=folder, now=NOW)
        with pytest.raises(NotFound):
            queries.fetched_parts(who, folder)


def test_due_connectors_are_handed_out_once(folder: int, crew: Crew) -> None:
    assert operations.defer_due(actor=WORKER, now=NOW) == 1
    assert operations.defer_due(actor=WORKER, now=NOW) == 0
    assert operations.defer_due(actor=WORKER, now=NOW + HOUR) == 1
    operations.update_fetching(
        actor=crew.ops, connector_id=folder, name="停用", is_on=False, every_minutes=60, now=NOW
    )
    assert operations.defer_due(actor=WORKER, now=NOW + 2 * HOUR) == 0


# --- a database ----------------------------------------------------------------------------------------------------

SALES = [
    # number, line, sold at, article, amount
    ("P1", "2026-03-01 10:00:00", "LATTE", "28.00"),
    ("P1", "2026-03-01 10:00:00", "MOCHA", "32.00"),
    ("P2", "2026-03-01 11:00:00", "LATTE", "28.00"),
]
QUERY = """SELECT number AS 小票号, 'C001' AS 商户编码, '05' AS 收银机号, sold_at AS 交易时间, sold_at, item AS 商品编码,
    item AS 商品名称, 1 AS 数量, amount AS 单价, amount AS 实付金额, '现金' AS 支付方式, '' AS 会员手机号, '销售' AS 类型
    FROM erp_sale"""


@pytest.fixture
def erp(db: None, sockets_allowed: None) -> Iterator[psycopg.Connection]:
    """Another system's table, written by a connection of its own and so there for everybody."""
    here = connection.settings_dict
    where = {
        "host": here["HOST"],
        "port": here["PORT"] or None,
        "user": here["USER"],
        "password": here["PASSWORD"],
    }
    with psycopg.connect(dbname=here["NAME"], autocommit=True, **where) as other:
        other.execute(
            "CREATE TABLE erp_sale (number text, sold_at timestamp, item text, amount numeric(12, 2))"
        )
        other.cursor().executemany("INSERT INTO erp_sale VALUES (%s, %s, %s, %s)", SALES)
        yield other
        other.execute("DROP TABLE erp_sale")


@pytest.fixture
def sockets_allowed(settings: Any) -> None:
    """The other system of these tests lives in this very database, behind a socket."""
    settings.SOURCE_SOCKETS = True


def own_address() -> str:
    """Of this very database, as a stranger would write it."""
    here = connection.settings_dict
    where = {"host": here["HOST"], "port": str(here["PORT"] or "")}
    query = urlencode({name: value for name, value in where.items() if value})
    return f"postgresql+psycopg://{here['USER']}:{here['PASSWORD']}@/{here['NAME']}?{query}"


def test_rows_are_read_from_the_watermark_on(
    erp: psycopg.Connection,
    uploads: Path,
    programme: int,
    malls: Malls,
    crew: Crew,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = own_address()
    made = operations.create_database_connector(
        actor=crew.ops, mall_id=malls.star, name="ERP", url=url, query=QUERY, watermark_column="sold_at",
        mapping=MAPPING, every_minutes=30, now=NOW,
    )  # fmt: skip
    kept = Connector.objects.get(pk=made)
    assert url.encode() not in bytes(kept.secret)
    assert fetch(made) == 1, Connector.objects.get(pk=made).last_error
    kept.refresh_from_db()
    assert kept.watermark == "datetime:2026-03-01T11:00:00"
    assert sorted(Receipt.objects.values_list("number", "net_fen")) == [("P1", 6000), ("P2", 2800)]
    assert fetch(made, NOW + HOUR) == 0
    erp.execute(
        "INSERT INTO erp_sale VALUES ('P3', '2026-03-01 11:00:00', 'TEA', 9), ('P4', '2026-03-02', 'TEA', 8)"
    )
    assert fetch(made, NOW + 3 * HOUR) == 1
    assert Receipt.objects.count() == 4
    part = queries.fetched_parts(crew.ops, made).items[0]
    assert (part.rows, part.counts.accepted, part.again, part.agrees) == (3, 2, 1, True)


def test_source_that_cannot_be_read_is_told_without_its_password(
    erp: psycopg.Connection, uploads: Path, programme: int, malls: Malls, crew: Crew
) -> None:
    ways = {
        "away": ("postgresql+psycopg://erp:geheim@127.0.0.1:1/erp", QUERY),
        "writes": (
            own_address(),
            "WITH gone AS (DELETE FROM erp_sale RETURNING *) SELECT * FROM gone",
        ),
        "column": (own_address(), "SELECT number FROM erp_sale"),
    }
    for name, (url, query) in ways.items():
        made = operations.create_database_connector(
            actor=crew.ops, mall_id=malls.star, name=name, url=url, query=query, watermark_column="sold_at",
            mapping=MAPPING, every_minutes=30, now=NOW,
        )  # fmt: skip
        assert fetch(made) == 0
        found = queries.connector(crew.ops, made, NOW)
        assert found.state == "failing"
        assert "geheim" not in found.last_error
    assert erp.execute("SELECT count(*) FROM erp_sale").fetchone() == (3,)
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "sqlite:////etc/passwd"},
        {"url": "file:///etc/passwd"},
        {"query": "DELETE FROM x"},
        {"query": "SELECT 1; DROP TABLE x"},
        {"watermark_column": "a) OR (1=1"},
        {"url": "postgresql://postgres@/zhike"},
        {"url": "postgresql://postgres@/zhike?host=/var/run"},
        {"url": "postgresql://a@b/c?host=%2Fvar%2Frun"},
        {"url": "postgresql://a@b/c?hostaddr=10.0.0.1"},
        {"url": "postgresql://a@b/c?service=own"},
        {"url": "postgresql://a@%2Fvar%2Frun/c"},
        {"url": "postgresql://a@b,/c"},
        {"url": "postgresql://a:b@@c/d?options=-c%20x"},
        {"every_minutes": 0},
    ],
)
def test_what_is_no_source_is_refused(db: None, malls: Malls, crew: Crew, wrong: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "url": "postgresql://a@b/c",
        "query": "SELECT 1",
        "watermark_column": "a",
        "every_minutes": 5,
    }
    with pytest.raises(Invalid):
        operations.create_database_connector(
            actor=crew.ops, mall_id=malls.star, name="x", mapping=None, now=NOW, **given | wrong
        )
    assert not Connector.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://erp:ge%40heim@erp-1.intern:5432/erp?sslmode=require",
        "mysql+pymysql://a:b@10.0.0.5/shop?charset=utf8mb4",
        "oracle+oracledb://a:b@[fe80::1]:1521/?service_name=ERP",
    ],
)
def test_a_machine_with_a_name_is_elsewhere(url: str) -> None:
    assert fetching.is_elsewhere(url)


def test_watermarks_come_back_as_what_they_were() -> None:
    for value in (7, "b", Decimal("1.50"), dt.date(2026, 3, 1), dt.datetime(2026, 3, 1, 10, 0, 1, 5)):
        assert fetching.watermark_value(fetching.watermark_text(value)) == value
    for wrong in (None, True, b"x", "x" * 200):
        with pytest.raises(ValueError):
            fetching.watermark_text(wrong)


@pytest.mark.parametrize(
    ("marks", "taken"), [([], 0), ([1, 2], 2), ([1, 2, 2, 2], 1), ([1, 1, 2, 3], 3), ([1, 1, 1, 1], 0)]
)
def test_groups_of_one_watermark_stay_together(marks: list[int], taken: int) -> None:
    assert fetching.whole_groups(marks, 3) == taken
