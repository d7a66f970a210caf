"""POSLog XML as a file of receipts: the example of the guide, oddities of tills, and what nobody should parse."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.people import NOW, Crew, Malls
from zhike.intake import operations as intake
from zhike.intake.files import BrokenRow, inspect_file, open_table
from zhike.intake.files import poslog as reader
from zhike.intake.files.opening import EmptyFile, FileTooLarge, NotPosLog, TruncatedFile
from zhike.intake.models import ImportRun, QuarantinedRow
from zhike.sales.models import Receipt, ReceiptLine

pytestmark = pytest.mark.feature("C017")

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "poslog.xml"
V2 = 'xmlns="http://www.nrf-arts.org/IXRetail/namespace/"'
V6 = 'xmlns="http://www.nrf-arts.org/IXRetail/namespace/v6.0.0/poslog"'


def item(sku: str, amount: str, kind: str = "Sale", more: str = "") -> str:
    return (
        f"<LineItem><{kind}><ItemID>{sku}</ItemID><Quantity>1</Quantity><ExtendedAmount>{amount}</ExtendedAmount>{more}"
        f"</{kind}></LineItem>"
    )


def tender(kind: str, amount: str, code: str = "Sale") -> str:
    return f'<LineItem><Tender TenderType="{kind}" TypeCode="{code}"><Amount>{amount}</Amount></Tender></LineItem>'


def transaction(number: int, items: str, flags: str = "", status: str = "Delivered") -> str:
    return (
        f"<Transaction {flags}><RetailStoreID>L1-023</RetailStoreID><WorkstationID>01</WorkstationID>"
        f"<SequenceNumber>{number}</SequenceNumber><BusinessDayDate>2026-03-01</BusinessDayDate>"
        f'<EndDateTime>2026-03-01T10:00:00</EndDateTime><RetailTransaction TransactionStatus="{status}">{items}'
        "</RetailTransaction></Transaction>"
    )


def poslog(*transactions: str, namespace: str = V2) -> bytes:
    return f"<?xml version='1.0'?><POSLog {namespace}>{''.join(transactions)}</POSLog>".encode()


def read(folder: Path, content: bytes) -> list[Any]:
    path = folder / "log.xml"
    path.write_bytes(content)
    with open_table(path, inspect_file(path)) as table:
        place = {name: number for number, name in enumerate(table.columns)}
        return [
            row if isinstance(row, BrokenRow) else {name: row[at] for name, at in place.items()}
            for _, row in table
        ]


@pytest.mark.parametrize("namespace", [V2, V6, ""])
@pytest.mark.parametrize("packed", [False, True])
def test_versions_and_packing(tmp_path: Path, namespace: str, packed: bool) -> None:
    content = poslog(transaction(7, item("A", "10.00") + tender("Cash", "10.00")), namespace=namespace)
    [row] = read(tmp_path, gzip.compress(content) if packed else content)
    assert (row["Receipt number"], row["Amount"], row["Tender"], row["Kind"]) == (
        "7",
        "10.00",
        "cash",
        "sale",
    )


def test_what_is_no_sale_is_no_row(tmp_path: Path) -> None:
    sale = item("A", "1.00")
    content = poslog(
        transaction(1, sale, 'TrainingModeFlag="true"'),
        transaction(2, sale, 'CancelFlag="1"'),
        transaction(3, sale, 'VoidedFlag="true"'),
        transaction(4, sale, status="Suspended"),
        "<Transaction><SequenceNumber>5</SequenceNumber><TenderControlTransaction/></Transaction>",
        transaction(
            6,
            sale
            + '<LineItem VoidFlag="true"><Sale><ItemID>B</ItemID><ExtendedAmount>9</ExtendedAmount></Sale></LineItem>',
        ),
    )
    assert [row["Receipt number"] for row in read(tmp_path, content)] == ["6"]


def test_discounts_change_and_goods_taken_back_in_one(tmp_path: Path) -> None:
    whole = "<LineItem><Discount><Amount>3.00</Amount></Discount></LineItem>"
    back = "<TenderChange><Amount>3.00</Amount></TenderChange>"
    change = f'<LineItem><Tender TenderType="Cash"><Amount>30.00</Amount>{back}</Tender></LineItem>'
    content = poslog(
        transaction(1, item("A", "20.00") + item("B", "10.00") + whole + change),
        transaction(2, item("C", "8.00") + item("D", "5.00", "Return") + tender("Cash", "3.00")),
    )
    rows = read(tmp_path, content)
    assert [(row["Item code"], row["Amount"], row["Discount"]) for row in rows[:2]] == [
        ("A", "18.00", "2.00"),
        ("B", "9.00", "1.00"),
    ]
    assert [(row["Receipt number"], row["Kind"]) for row in rows[2:]] == [("2", "sale"), ("2-R", "return")]


def test_what_does_not_add_up_is_set_aside_whole(tmp_path: Path) -> None:
    total = '<Total TotalType="TransactionNetAmount">99.00</Total>'
    content = poslog(
        transaction(1, item("A", "10.00") + total),
        transaction(2, item("A", "10.00") + tender("Cash", "9.00")),
        transaction(3, item("A", "ten")),
        transaction(4, item("A", "NaN")),
        transaction(5, item("A", "10.00")),
    )
    rows = read(tmp_path, content)
    assert [row.reason for row in rows[:4]] == [
        "amount-mismatch",
        "amount-mismatch",
        "bad-amount",
        "bad-amount",
    ]
    assert rows[4]["Receipt number"] == "5"


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x 'y'>]><POSLog>&x;</POSLog>", NotPosLog),
        (b"<?xml version='1.0'?><!DOCTYPE a SYSTEM 'file:///etc/passwd'><POSLog/>", NotPosLog),
        (b"<html><body>502</body></html>", NotPosLog),
        (poslog(transaction(1, item("A", "1")))[:-40], TruncatedFile),
        (b"<?xml version='1.0' encoding='no-such'?><POSLog/>", TruncatedFile),
        (b"", EmptyFile),
    ],
)
def test_what_nobody_should_parse_is_refused(
    tmp_path: Path, content: bytes, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        read(tmp_path, content)


@pytest.mark.django_db
def test_the_example_becomes_receipts_once(malls: Malls, crew: Crew, programme: int, uploads: Path) -> None:
    def load() -> UUID:
        run_id = intake.start_upload(
            actor=crew.ops,
            mall_id=malls.star,
            file_name="poslog.xml",
            chunks=[EXAMPLE.read_bytes().replace(b"L1-023", b"C001")],
            now=NOW,
        )
        intake.run(actor=crew.ops, run_id=run_id, now=NOW)
        return run_id

    load()
    sale, back = Receipt.objects.order_by("occurred_at")
    assert (sale.kind, sale.number, sale.net_fen, sale.discount_fen, sale.till) == (
        "sale",
        "100231",
        7_850,
        400,
        "POS-02",
    )
    assert (back.kind, back.net_fen, back.original_id) == ("return", 1_850, sale.pk)
    assert ReceiptLine.objects.get(receipt=sale, sku="6901234500017").returned_fen == 1_850
    assert not QuarantinedRow.objects.exists()
    run = ImportRun.objects.get(pk=load())
    assert Receipt.objects.count() == 2, "the same file again adds nothing"
    assert run.file_facts["kind"] == "poslog" and run.lines_total == 3


def test_a_packed_file_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each transaction may be large, the file as long as it likes; one piece without an end is held by nobody's memory."""
    monkeypatch.setattr(reader, "PART_BYTES_MAX", 200_000)
    many = poslog(*[transaction(number, item("A", "1")) for number in range(1, 2_001)])
    assert len(many) > 400_000
    assert len(read(tmp_path, many)) == 2_000
    path = tmp_path / "bomb.xml.gz"
    path.write_bytes(gzip.compress(b"<POSLog><a>" + b"x" * 1_000_000 + b"</a></POSLog>"))
    with pytest.raises(FileTooLarge):
        inspect_file(path)
