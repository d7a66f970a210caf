"""The lake follows the database: what is late, changed, gone or erased, whoever is killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests.databases import server_url
from tests.history.conftest import rows
from tests.insight.conftest import DAY, SYSTEM, Audience, buy
from tests.people import NOW, Crew
from zhike.history import operations, queries
from zhike.history._lake.folder import Folder
from zhike.history.models import LakeRun, Pseudonym
from zhike.kernel.errors import NotAllowed
from zhike.sales.models import Receipt, ReceiptLine

pytestmark = [pytest.mark.feature("C017"), pytest.mark.django_db]


def export(kind: str = "export_history") -> LakeRun:
    return LakeRun.objects.get(pk=getattr(operations, kind)(actor=SYSTEM, now=NOW))


def table(run: LakeRun, name: str) -> dict[str, Any]:
    return next(one for one in run.tables if one["name"] == name)


def test_lake_holds_what_the_database_holds_and_no_one_by_name(audience: Audience, lake: Folder) -> None:
    run = export()
    assert (run.state, run.fault) == ("done", "")
    orders = table(run, "orders")
    assert orders["rows"] == orders["rows_source"] == Receipt.objects.count() > 0
    assert orders["total"] == orders["total_source"]
    keys = set(Pseudonym.objects.values_list("person_id", "key"))
    bought = set(Receipt.objects.exclude(person=None).values_list("person_id", flat=True))
    assert {row[0] for row in rows(lake, "SELECT DISTINCT person_key FROM orders WHERE person_key <> 0")} == {
        key for person, key in keys if person in bought
    }
    assert not {key for _, key in keys} & {person for person, _ in keys}, "the number is no id of ours"
    everything = "".join(path.read_bytes().decode("latin-1") for path in lake.path.glob("*/*.parquet"))
    assert "13800" not in everything and "安" not in everything
    assert rows(lake, "SELECT count(*) FROM orders WHERE at_us % 1 <> 0 OR day IS NULL") == [(0,)]


@pytest.mark.django_db(transaction=True)
def test_changes_come_with_the_next_run_however_late_they_are_committed(
    audience: Audience, lake: Folder
) -> None:
    """A slow transaction on a connection of its own, a change, a return's mark on a line, and receipts taken out."""
    export()
    before = Receipt.objects.count()
    malls, person = audience.malls, audience.persons[audience.an]
    slow = psycopg.connect(
        **connection.get_connection_params() | {"cursor_factory": psycopg.Cursor, "context": None}
    )
    try:
        late = _copy_of_a_receipt(slow)
        buy(malls, person, malls.cafe, 12_300, NOW - DAY)
        run = export()
        # whoever else is at work on this server holds the cursor back, so rows may come twice; never one that is under way
        assert (table(run, "orders")["rows"], run.state) == (before + 1, "done")
        buy(malls, person, malls.cafe, 45_600, NOW - DAY)
        slow.commit()
    finally:
        slow.close()
    run = export()
    assert table(run, "orders")["rows"] == before + 3 == Receipt.objects.count()
    assert rows(lake, f"SELECT count(*) FROM orders WHERE order_id = '{late}'") == [(1,)], (
        "nobody is passed over"
    )

    changed = Receipt.objects.order_by("occurred_at").first()
    Receipt.objects.filter(pk=changed.pk).update(person_id=audience.persons[audience.bai])
    ReceiptLine.objects.filter(receipt_id=late).update(returned_fen=1)
    run = export()
    assert run.state == "done" and table(run, "orders")["changed"] >= 1
    key = Pseudonym.objects.get(person_id=audience.persons[audience.bai]).key
    found = rows(lake, f"SELECT person_key FROM orders WHERE order_id = '{changed.pk}'")
    assert found == [(key,)], "one row, as it is now"
    assert rows(lake, f"SELECT returned_fen FROM order_lines WHERE order_id = '{late}'") == [(1,)]

    _take_out(late)
    run = export()
    assert (run.state, table(run, "orders")["removed"]) == ("done", 1)
    assert rows(lake, "SELECT count(*) FROM orders") == [(before + 2,)]
    assert rows(lake, f"SELECT count(*) FROM order_lines WHERE order_id = '{late}'") == [(0,)]


def _copy_of_a_receipt(slow: psycopg.Connection[Any]) -> uuid.UUID:
    """A sale that is written and not committed yet."""
    pk = uuid.uuid4()
    columns = (
        "mall_id, merchant_id, person_id, kind, till, business_date, occurred_at, gross_fen, discount_fen, net_fen, cashier,"
        " source, recorded_at, recorded_by"
    )
    slow.execute(
        f"INSERT INTO sales_receipt (id, number, {columns}) SELECT %s, 'LATE', {columns} FROM sales_receipt LIMIT 1",
        [pk],
    )
    slow.execute(
        "INSERT INTO sales_receiptline (receipt_id, line_no, sku, name, quantity, unit_price_fen, discount_fen, net_fen,"
        " returned_quantity, returned_fen) VALUES (%s, 1, 'S', 'S', 1, 100, 0, 100, 0, 0)",
        [pk],
    )
    return pk


def _take_out(receipt_id: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        for name, column in (
            ("sales_tender", "receipt_id"),
            ("sales_receiptline", "receipt_id"),
            ("sales_receipt", "id"),
        ):
            cursor.execute(f"DELETE FROM {name} WHERE {column} = %s", [receipt_id])


KILLED = """
import os, signal
import django
django.setup()
from zhike.history import operations
from zhike.history._lake.folder import Folder
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
Folder.write = lambda self, manifest: os.kill(os.getpid(), signal.SIGKILL)
operations.export_history(actor=system_viewer("tests"), now=clock.now())
"""


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_leaves_whole_files_of_before(audience: Audience, lake: Folder) -> None:
    """A process of its own dies with every new file written and the manifest not: two seconds are its start."""
    export()
    kept = (lake.path / "manifest.json").read_bytes()
    before = rows(lake, "SELECT count(*), sum(net_fen) FROM orders")
    buy(audience.malls, audience.persons[audience.an], audience.malls.cafe, 12_300, NOW - DAY)
    database = server_url(connection.settings_dict["NAME"])
    environment = os.environ | {"DATABASE_URL": database, "ZHIKE_HISTORY": str(lake.path)}
    environment["DJANGO_SETTINGS_MODULE"] = "zhike.config.settings"
    done = subprocess.run(
        [sys.executable, "-c", KILLED], env=environment, capture_output=True, check=False, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (lake.path / "manifest.json").read_bytes() == kept
    assert rows(lake, "SELECT count(*), sum(net_fen) FROM orders") == before
    left = len(list(lake.path.glob("*/*.parquet")))
    run = export("verify_history")
    assert (run.state, table(run, "orders")["rows"]) == ("done", before[0][0] + 1)
    assert LakeRun.objects.filter(fault="broken-off").count() == 1
    named = sum(len(files) for files in lake.read().tables.values())
    assert len(list(lake.path.glob("*/*.parquet"))) == named < left + 2, "what was left over is swept"


def test_a_file_that_was_spoilt_is_found_and_a_rebuild_mends_it(audience: Audience, lake: Folder) -> None:
    export()
    file = next(lake.path.glob("orders/*.parquet"))
    spoilt = bytearray(file.read_bytes())
    spoilt[8] ^= 1
    kept = file.stat().st_size
    file.write_bytes(bytes(spoilt))
    assert file.stat().st_size == kept
    run = export("verify_history")
    assert (run.state, run.fault) == ("differs", file.relative_to(lake.path).as_posix())
    assert export("rebuild_history").state == "done"
    assert export("verify_history").state == "done"


def test_only_who_may_edit_for_the_whole_group_runs_it(audience: Audience, crew: Crew) -> None:
    for actor in (crew.wang, crew.qian):
        with pytest.raises(NotAllowed):
            operations.export_history(actor=actor, now=NOW)
        with pytest.raises(NotAllowed):
            queries.lake(actor)
    assert not LakeRun.objects.exists()


def test_one_run_at_a_time(audience: Audience, lake: Folder) -> None:
    with lake.locked(0), pytest.raises(operations.HistoryBusy):
        operations.export_history(actor=SYSTEM, now=NOW)
