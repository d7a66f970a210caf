"""A file from upload to points: every row accounted for, nothing counted twice, nothing changed by a refusal."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from openpyxl import Workbook

from tests.intake.conftest import HEADER, MAPPING, Upload, csv_bytes, row
from tests.people import NOW, Crew, Malls
from zhike.customers import queries as customers
from zhike.intake import operations as intake
from zhike.intake import queries
from zhike.intake.models import ImportRun, QuarantinedRow
from zhike.intake.operations import _planning, _recording
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.loyalty import queries as loyalty
from zhike.sales.models import Product, Receipt, ReceiptLine

Load = Callable[..., tuple[UUID, intake.Reconciliation]]
ZHANG, LI = "13800138000", "13900139000"


def points_of(phone: str) -> int:
    person_id = customers.person_id_by("phone", phone)
    if person_id is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.balance - a.debt FROM loyalty_account a JOIN loyalty_member m ON m.id = a.member_id
            WHERE m.person_id = %s""",
            [person_id],
        )
        return cursor.fetchone()[0]


def nothing_recorded() -> bool:
    return not Receipt.objects.exists() and not Product.objects.exists()


@pytest.mark.feature("C005", "C016", "C017")
def test_every_row_is_accounted_for(load: Load, malls: Malls):
    _, account = load(
        [
            row("1", 会员手机号=ZHANG, 实付金额="128.00", 单价="128.00"),
            row("2", 会员手机号=ZHANG),
            row("2", 会员手机号=ZHANG, 商品编码="CAKE", 商品名称="蛋糕", 实付金额="40.00", 单价="40.00"),
            row("2", 会员手机号=ZHANG, 商品编码="CAKE", 商品名称="蛋糕", 实付金额="40.00", 单价="40.00"),
            row("3", 商户编码="X999"),
            row("4", 交易时间="01/03/2026"),
            row("5", 数量="-1"),
            row("6", 实付金额="28.001"),
            row("", 实付金额="28.00"),
            row("8", 会员手机号="110"),
            row("9")[:-1],
        ]
    )
    assert account.balanced
    assert (account.lines, account.accepted, account.merged, account.already) == (11, 3, 1, 0)
    assert account.quarantined == {
        "unknown-merchant": 1,
        "bad-date": 1,
        "negative-quantity": 1,
        "bad-amount": 1,
        "missing-number": 1,
        "bad-phone": 1,
        "column-count": 1,
    }
    assert (account.receipts, account.returns, account.net_fen, account.points) == (2, 0, 19_600, 196)
    assert (account.members_created, account.products_created) == (1, 2)
    assert points_of(ZHANG) == 196
    assert loyalty.verify_ledger().findings == []


@pytest.mark.feature("C005", "B04")
def test_the_same_file_again_adds_nothing(load: Load):
    rows = [row("1", 会员手机号=ZHANG), row("2"), row("2"), row("3", 数量="0")]
    _, first = load(rows)
    before = points_of(ZHANG), Receipt.objects.count()
    _, again = load(rows)
    assert (again.accepted, again.already, again.merged, again.receipts_already) == (0, first.accepted, 1, 2)
    assert again.balanced
    assert again.quarantined == first.quarantined
    assert (points_of(ZHANG), Receipt.objects.count()) == before


def test_rows_of_a_receipt_need_not_stand_together(load: Load):
    rows = [row(str(n % 7), 商品编码=f"P{n}", 商品名称=f"品{n}") for n in range(70)]
    _, account = load(rows)
    assert (account.receipts, account.accepted) == (7, 70)
    assert ReceiptLine.objects.count() == 70


@pytest.mark.feature("C017")
def test_a_dry_run_counts_the_same_and_writes_nothing(upload: Upload, crew: Crew):
    rows = [
        row("1", 会员手机号=ZHANG),
        row("2", 会员手机号=ZHANG, 商品编码="CAKE", 商品名称="蛋糕"),
        row("2", 会员手机号=ZHANG, 商品编码="CAKE", 商品名称="蛋糕"),
        row(
            "3",
            会员手机号=ZHANG,
            类型="退货",
            商品编码="CAKE",
            商品名称="蛋糕",
            交易时间="2026-03-02 11:00:00",
        ),
        row("4", 商户编码="X999"),
    ]
    run_id = upload(csv_bytes(rows))
    checked = intake.check(actor=crew.ops, run_id=run_id, now=NOW)
    assert nothing_recorded()
    assert not QuarantinedRow.objects.exists()
    assert points_of(ZHANG) == 0
    assert [(sample.row_no, sample.reason, sample.detail) for sample in checked.samples] == [
        (5, "unknown-merchant", "X999")
    ]
    done = intake.run(actor=crew.ops, run_id=run_id, now=NOW)
    ignored = {"points", "samples"}
    assert {k: v for k, v in checked.as_json().items() if k not in ignored} == {
        k: v for k, v in done.as_json().items() if k not in ignored
    }
    assert (done.returns, done.returns_matched, done.points) == (1, 1, 28)


@pytest.mark.feature("B01")
def test_returns_find_their_sale_and_take_their_points_back(load: Load):
    cake = {"商品编码": "CAKE", "商品名称": "蛋糕", "会员手机号": ZHANG}
    _, account = load(
        [
            row("1", 数量="5", 单价="100.00", 实付金额="500.00", **cake),
            row("1", 会员手机号=ZHANG),
            row(
                "R1",
                数量="2",
                单价="100.00",
                实付金额="200.00",
                类型="退货",
                交易时间="2026-03-02 09:00:00",
                **cake,
            ),
            row(
                "R1",
                商品编码="TEA",
                商品名称="茶",
                类型="退货",
                交易时间="2026-03-02 09:00:00",
                会员手机号=ZHANG,
            ),
        ]
    )
    assert (account.returns, account.returns_matched, account.returns_unmatched) == (1, 1, 1)
    parts = Receipt.objects.filter(kind="return").order_by("number")
    assert [(part.number, part.original_id is not None) for part in parts] == [("R1", True), ("R1/2", False)]
    line = ReceiptLine.objects.get(receipt__number="1", sku="CAKE")
    assert (int(line.returned_quantity), line.returned_fen) == (2, 20_000)
    assert points_of(ZHANG) == 528 - 200 - 28
    assert loyalty.verify_ledger().findings == []


def test_a_return_finds_the_sale_of_an_earlier_file(load: Load):
    load([row("1", 会员手机号=ZHANG, 数量="2", 实付金额="56.00")])
    _, account = load([row("R1", 会员手机号=ZHANG, 类型="退货", 交易时间="2026-03-05 10:00:00")])
    assert (account.returns_matched, account.returns_unmatched) == (1, 0)
    assert points_of(ZHANG) == 28


def test_a_return_without_its_sale_is_set_aside_where_the_mapping_says_so(load: Load):
    mapping = MAPPING | {"cleaning": {"unmatched_returns": "quarantine"}}
    _, account = load([row("R1", 会员手机号=ZHANG, 类型="退货"), row("2")], mapping=mapping)
    assert account.quarantined == {"unmatched-return": 1}
    assert account.balanced
    assert not Receipt.objects.filter(kind="return").exists()


def test_sale_and_return_of_one_number_are_two_receipts(load: Load):
    mapping = MAPPING | {"kind": {"negative_quantity_is_return": True}}
    _, account = load(
        [row("1", 商品编码="TEA", 商品名称="茶"), row("1", 数量="-1", 实付金额="-28.00")], mapping=mapping
    )
    assert (account.receipts, account.returns) == (1, 1)
    assert set(Receipt.objects.values_list("number", "kind")) == {("1", "sale"), ("1-R", "return")}


@pytest.mark.feature("C016")
def test_a_receipt_waits_for_its_unreadable_row(load: Load, crew: Crew):
    run_id, account = load(
        [row("1", 会员手机号=ZHANG), row("1", 会员手机号=ZHANG, 商品编码="TEA", 实付金额="十元"), row("2")]
    )
    assert account.quarantined == {"bad-amount": 1, "incomplete-receipt": 1}
    assert (account.accepted, points_of(ZHANG)) == (1, 0)
    bad = QuarantinedRow.objects.get(run_id=run_id, reason="bad-amount")
    cells = list(bad.cells)
    cells[HEADER.index("实付金额")] = cells[HEADER.index("单价")] = "10.00"
    intake.correct_row(actor=crew.ops, row_id=bad.pk, cells=cells, now=NOW)
    replayed = intake.replay_rows(actor=crew.ops, run_id=run_id, row_ids=[bad.pk], now=NOW)
    assert (replayed.accepted, replayed.still) == (2, {})
    assert points_of(ZHANG) == 38
    assert ReceiptLine.objects.filter(receipt__number="1").count() == 2
    view = queries.run(crew.ops, run_id)
    assert (view.open_rows, view.replayed_rows) == (0, 2)
    assert view.counts is not None
    assert (
        view.counts.lines
        == view.counts.accepted + view.counts.merged + view.counts.already + view.replayed_rows
    )


def test_a_receipt_goes_ahead_without_a_row_where_the_mapping_says_so(load: Load, crew: Crew):
    mapping = MAPPING | {"cleaning": {"incomplete_receipts": "accept"}}
    run_id, account = load([row("1"), row("1", 商品编码="TEA", 实付金额="十元")], mapping=mapping)
    assert (account.accepted, account.quarantined) == (1, {"bad-amount": 1})
    bad = QuarantinedRow.objects.get(run_id=run_id)
    bad.cells[HEADER.index("实付金额")] = "28.00"
    intake.correct_row(actor=crew.ops, row_id=bad.pk, cells=bad.cells, now=NOW)
    assert intake.replay_rows(actor=crew.ops, run_id=run_id, now=NOW).accepted == 1
    assert set(Receipt.objects.values_list("number", "net_fen")) == {("1", 2800), ("1+2", 2800)}


def test_a_row_that_is_still_wrong_stays_with_its_new_reason(load: Load, crew: Crew):
    run_id, _ = load([row("1", 商户编码="X999")])
    bad = QuarantinedRow.objects.get(run_id=run_id)
    bad.cells[HEADER.index("商户编码")] = "C001"
    bad.cells[HEADER.index("数量")] = "0"
    intake.correct_row(actor=crew.ops, row_id=bad.pk, cells=bad.cells, now=NOW)
    assert intake.replay_rows(actor=crew.ops, run_id=run_id, now=NOW).still == {"zero-quantity": 1}
    bad.refresh_from_db()
    assert (bad.status, bad.reason, bad.corrected) == ("open", "zero-quantity", True)
    assert nothing_recorded()


def test_a_receipt_that_was_recorded_with_another_amount_is_set_aside(load: Load):
    load([row("1")])
    _, account = load([row("1", 单价="30.00", 实付金额="30.00")])
    assert account.quarantined == {"receipt-differs": 1}
    assert Receipt.objects.get().net_fen == 2800


def test_rows_of_one_receipt_that_name_two_members_are_set_aside(load: Load):
    _, account = load(
        [row("1", 会员手机号=ZHANG), row("1", 会员手机号=LI, 商品编码="TEA"), row("2", 会员手机号=LI)]
    )
    assert account.quarantined == {"mixed-receipt": 2}
    assert (points_of(ZHANG), points_of(LI)) == (0, 28)


def test_unknown_members_are_left_out_or_set_aside_as_the_mapping_says(load: Load):
    rows = [row("1", 会员手机号=ZHANG)]
    _, aside = load(rows, mapping=MAPPING | {"members": {"unknown": "quarantine"}})
    assert aside.quarantined == {"unknown-member": 1}
    _, without = load(rows, mapping=MAPPING | {"members": {"unknown": "without"}})
    assert (without.accepted, without.members_unknown) == (1, 1)
    assert Receipt.objects.get().person_id is None
    assert customers.person_id_by("phone", ZHANG) is None


def test_merchants_are_created_only_where_mapping_and_permission_allow(upload: Upload, crew: Crew):
    mapping = MAPPING | {"cleaning": {"unknown_merchants": "create"}}
    run_id = upload(csv_bytes([row("1", 商户编码="新店")]), mapping=mapping)
    assert intake.check(actor=crew.ops, run_id=run_id, now=NOW).merchants_created == 1
    if not crew.ops.may("organization.edit"):
        with pytest.raises(NotAllowed):
            intake.run(actor=crew.ops, run_id=run_id, now=NOW)
        assert nothing_recorded()
    account = intake.run(actor=crew.admin, run_id=run_id, now=NOW)
    assert (account.accepted, account.merchants_created) == (1, 1)


@pytest.mark.parametrize("kind", ["xlsx", "gbk", "tsv.gz"])
def test_formats_come_to_the_same(upload: Upload, crew: Crew, kind: str, tmp_path: Any):
    rows = [row("1", 会员手机号=ZHANG), row("2", 商品名称="铁观音")]
    if kind == "xlsx":
        book = Workbook()
        for cells in [HEADER, *rows]:
            book.active.append(cells)
        book.save(tmp_path / "book.xlsx")
        content = (tmp_path / "book.xlsx").read_bytes()
    elif kind == "gbk":
        content = csv_bytes(rows, encoding="gbk")
    else:
        content = gzip.compress("\n".join("\t".join(cells) for cells in [HEADER, *rows]).encode())
    account = intake.run(actor=crew.ops, run_id=upload(content, name=f"小票.{kind}"), now=NOW)
    assert (account.accepted, account.points) == (2, 28)
    assert Product.objects.filter(name="铁观音").count() + Product.objects.filter(name="拿铁").count() == 1


@pytest.mark.parametrize(
    "content", [b"", gzip.compress(b"a,b\n" * 5000, mtime=0)[:-9], b"a,b\n\xff\xff", b"PK\x03\x04zip?"]
)
def test_a_refused_upload_leaves_nothing(crew: Crew, malls: Malls, uploads: Any, content: bytes):
    with pytest.raises(intake.FileRefused):
        intake.start_upload(actor=crew.ops, mall_id=malls.star, file_name="x.csv", chunks=[content], now=NOW)
    assert not ImportRun.objects.exists()
    assert [path for path in uploads.rglob("*") if path.is_file()] == []


def test_file_names_are_names_only(crew: Crew, malls: Malls, uploads: Any):
    content = csv_bytes([row("1")])
    run_id = intake.start_upload(
        actor=crew.ops, mall_id=malls.star, file_name="../../etc/小票.csv", chunks=[content], now=NOW
    )
    assert ImportRun.objects.get(pk=run_id).file_name == "小票.csv"


def test_a_mapping_that_does_not_fit_the_file_is_refused(upload: Upload, crew: Crew):
    run_id = upload(csv_bytes([row("1")]))
    broken = MAPPING | {"columns": MAPPING["columns"] | {"number": "没有这列"}}
    with pytest.raises(intake.MappingInvalid) as caught:
        intake.set_mapping(actor=crew.ops, run_id=run_id, mapping=broken, now=NOW)
    assert "columns.number" in caught.value.fields
    assert ImportRun.objects.get(pk=run_id).mapping["columns"]["number"] == "小票号"


@pytest.mark.feature("C017")
def test_an_interrupted_run_goes_on_where_it_stopped(
    upload: Upload, crew: Crew, monkeypatch: pytest.MonkeyPatch
):
    rows = [
        row(str(n), 会员手机号=ZHANG, 交易时间=f"2026-03-01 {10 + n // 60}:{n % 60:02d}:00")
        for n in range(300)
    ]
    run_id = upload(csv_bytes([*rows, row("x", 数量="0")]))
    monkeypatch.setattr(_planning, "LINES_PER_CHUNK", 50)
    take, chunks = _recording.record_chunk, []

    def third_time_dies(*args: Any, **kwargs: Any) -> Any:
        chunks.append(1)
        if len(chunks) == 3:
            raise RuntimeError("power cut")
        return take(*args, **kwargs)

    monkeypatch.setattr(_recording, "record_chunk", third_time_dies)
    with pytest.raises(RuntimeError, match="power cut"):
        intake.run(actor=crew.ops, run_id=run_id, now=NOW)
    assert (Receipt.objects.count(), ImportRun.objects.get(pk=run_id).state) == (100, "failed")
    account = intake.run(actor=crew.ops, run_id=run_id, now=NOW)
    assert len(chunks) == 3 + 4
    assert (account.accepted, account.already, account.points, account.members_created) == (300, 0, 8400, 1)
    assert account.balanced
    assert (Receipt.objects.count(), points_of(ZHANG), QuarantinedRow.objects.count()) == (300, 8400, 1)
    assert loyalty.verify_ledger().findings == []


@pytest.mark.feature("B01")
def test_an_import_is_undone_as_a_whole(load: Load, crew: Crew):
    rows = [row("1", 会员手机号=ZHANG), row("2"), row("3", 数量="0")]
    run_id, _ = load(rows)
    assert intake.undo(actor=crew.ops, run_id=run_id, now=NOW).receipts == 2
    assert (Receipt.objects.count(), points_of(ZHANG)) == (0, 0)
    assert QuarantinedRow.objects.get().status == "discarded"
    assert ImportRun.objects.get(pk=run_id).state == "undone"
    assert loyalty.verify_ledger().findings == []
    with pytest.raises(intake.WrongState):
        intake.undo(actor=crew.ops, run_id=run_id, now=NOW)
    _, again = load(rows)
    assert (again.accepted, points_of(ZHANG)) == (2, 28)


def test_an_import_that_was_built_upon_is_not_undone(load: Load, crew: Crew):
    run_id, _ = load([row("1", 会员手机号=ZHANG)])
    load([row("R1", 会员手机号=ZHANG, 类型="退货", 交易时间="2026-03-05 10:00:00")])
    with pytest.raises(intake.ImportInUse):
        intake.undo(actor=crew.ops, run_id=run_id, now=NOW)
    assert Receipt.objects.count() == 2
    assert ImportRun.objects.get(pk=run_id).state == "done"


@pytest.mark.feature("C016")
def test_quarantine_leaves_as_a_harmless_table(load: Load, crew: Crew):
    run_id, _ = load([row("1", 商户编码="=HYPERLINK(1)", 商品名称="+CMD|' /C calc'!A0", 数量="-1")])
    text = "".join(queries.quarantine_csv(crew.ops, run_id))
    assert text.startswith("\ufeff#,reason,小票号")
    assert "'=HYPERLINK(1)" in text
    assert "'+CMD" in text
    assert ",-1," in text


def test_rows_can_be_discarded(load: Load, crew: Crew):
    run_id, _ = load([row("1", 数量="0"), row("2", 数量="0")])
    first = QuarantinedRow.objects.order_by("row_no")[0]
    assert intake.discard_rows(actor=crew.ops, run_id=run_id, row_ids=[first.pk], now=NOW) == 1
    page = queries.quarantined(crew.ops, run_id)
    assert [view.row_no for view in page.items] == [2]
    assert page.items[0].sentence


def test_strangers_and_colleagues_elsewhere_see_and_do_nothing(load: Load, crew: Crew, malls: Malls):
    run_id, _ = load([row("1", 数量="0")])
    bad = QuarantinedRow.objects.get()
    for stranger in (crew.nobody, crew.qian, crew.li):
        for attempt in (
            lambda who: queries.run(who, run_id),
            lambda who: queries.preview(who, run_id),
            lambda who: queries.quarantined(who, run_id),
            lambda who: intake.run(actor=who, run_id=run_id, now=NOW),
            lambda who: intake.undo(actor=who, run_id=run_id, now=NOW),
            lambda who: intake.discard_rows(actor=who, run_id=run_id, row_ids=None, now=NOW),
            lambda who: intake.correct_row(actor=who, row_id=bad.pk, cells=bad.cells, now=NOW),
            lambda who: intake.start_upload(
                actor=who, mall_id=malls.star, file_name="x.csv", chunks=[csv_bytes([row()])], now=NOW
            ),
        ):
            with pytest.raises((NotFound, NotAllowed)):
                attempt(stranger)
    bad.refresh_from_db()
    assert (bad.status, ImportRun.objects.count()) == ("open", 1)


def test_progress_is_told_and_kept(upload: Upload, crew: Crew):
    run_id = upload(csv_bytes([row(str(n)) for n in range(20)]))
    told: list[tuple[str, int, int]] = []
    intake.run(actor=crew.ops, run_id=run_id, now=NOW, progress=lambda *step: told.append(step))
    assert told[0][0] == "reading"
    assert told[-1] == ("recording", 20, 20)
    view = queries.run(crew.ops, run_id)
    assert (view.state, view.percent, view.lines_total) == ("done", 100, 20)


def test_a_preview_shows_the_file_as_the_mapping_reads_it(upload: Upload, crew: Crew):
    run_id = upload(csv_bytes([row("1"), row("2")], encoding="gbk"))
    preview = queries.preview(crew.ops, run_id, limit=1)
    assert (preview.columns, preview.rows, preview.encoding) == (HEADER, [row("1")], "gb18030")


def test_a_finished_twin_is_pointed_out(load: Load, crew: Crew):
    first, _ = load([row("1")])
    second, _ = load([row("1")])
    assert queries.run(crew.ops, second).twin == first
    assert [view.id for view in queries.runs(crew.ops).items] in ([second, first], [first, second])


def test_times_are_of_the_malls_zone(load: Load):
    load([row("1", 交易时间="2026-03-01 00:30:00")])
    receipt = Receipt.objects.get()
    assert receipt.occurred_at == dt.datetime(2026, 2, 28, 16, 30, tzinfo=dt.UTC)
    assert receipt.business_date == dt.date(2026, 3, 1)
