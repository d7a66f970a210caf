"""Tills upload by SOAP, with the client that a till maker would write: zeep, on the WSDL that we serve."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
import zeep
from django.test import Client
from requests.adapters import BaseAdapter

from tests.intake.conftest import programme  # noqa: F401  a fixture
from tests.kernel.threads import run_threads
from tests.people import Crew, Malls, build_crew, build_malls
from zhike.intake import operations, queries
from zhike.intake.models import QuarantinedUpload, TillDay
from zhike.intake.operations import TillLine, TillReceipt
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.models import Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as loyalty_queries
from zhike.sales.models import Receipt, ReceiptLine, Tender

pytestmark = pytest.mark.feature("C005", "C016", "C017")

SYSTEM = system_viewer("tests")
PATH = "/soap/salestrans.asmx"
SHANGHAI = ZoneInfo("Asia/Shanghai")


class _InProcess(BaseAdapter):
    """Hands the requests of a real client to Django without a socket."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        address = request.path_url
        if request.method == "GET":
            answered = Client().get(address)
        else:
            headers = {"SOAPACTION": request.headers.get("SOAPAction", "")}
            kind = request.headers["Content-Type"]
            answered = Client().post(address, body, content_type=kind, headers=headers)
        response = requests.Response()
        response.status_code, response.url, response.request = (
            answered.status_code,
            request.url or "",
            request,
        )
        response.headers.update(answered.headers)
        response.raw = io.BytesIO(answered.content)
        return response

    def close(self) -> None:
        return None


@cache
def soap(address: str = "http://testserver", port: str = "salestransSoap") -> Any:
    session = requests.Session()
    session.trust_env = False
    if address == "http://testserver":
        session.mount(address, _InProcess())
    client = zeep.Client(f"{address}{PATH}?WSDL", transport=zeep.Transport(session=session))
    return client.bind("salestrans", port)


@dataclass
class Till:
    """A till of the café that says what it sold."""

    service: Any
    username: str
    password: str
    connector_id: int
    credential_id: int

    @property
    def header(self) -> dict[str, Any]:
        return {
            "licensekey": "", "username": self.username, "password": self.password, "messagetype": "SALESDATA",
            "messageid": "332", "version": "V332M", "pagerecords": 0, "pageno": 0, "updatecount": 0,
        }  # fmt: skip

    def sell(self, number: str = "S0001", net: str = "56.00", **changes: Any) -> Any:
        return self.service.postsalescreate(self.request(number, net, **changes))

    def request(self, number: str, net: str, **changes: Any) -> dict[str, Any]:
        lines = changes.pop("lines", [line("LATTE", "2", net)])
        tenders = changes.pop("tenders", [tender("CH", net)])
        head = sale(number, net) | changes
        return {
            "header": self.header, "salestotal": head, "salesitems": {"salesitem": lines},
            "salestenders": {"salestender": tenders},
        }  # fmt: skip

    def total(self, sales: str, refunds: str, count: int, day: dt.date | None = None) -> Any:
        summary = {
            "txdate_yyyymmdd": f"{day or today():%Y%m%d}", "txtime_hhmmss": "220000", "mallid": "XHC",
            "storecode": "C001", "tillid": "01", "ttlsalesqty": 1, "ttlrefundqty": 0, "ttlsalesamt": sales,
            "ttlrefundamt": refunds, "ttldoccount": count,
        }  # fmt: skip
        return self.service.postdailysalessummary({"header": self.header, "salessummary": summary})


def today() -> dt.date:
    return (clock.now() - dt.timedelta(days=1)).astimezone(SHANGHAI).date()


def sale(number: str, net: str) -> dict[str, Any]:
    return {
        "txdate_yyyymmdd": f"{today():%Y%m%d}", "txtime_hhmmss": "103000", "mallid": "XHC", "storecode": "C001",
        "tillid": "01", "salestype": "SR" if net.startswith("-") else "SA", "txdocno": number,
        "mallitemcode": "C001001", "cashier": "李收银", "netqty": 1, "originalamount": net, "sellingamount": net,
        "couponqty": 0, "ttltaxamount1": 0, "ttltaxamount2": 0, "netamount": net, "paidamount": net,
        "changeamount": 0,
    }  # fmt: skip


def line(item: str, quantity: str, net: str, **changes: Any) -> dict[str, Any]:
    zeros = ("vipdiscountpercent", "vipdiscountless", "totaldiscountless1", "totaldiscountless2",
             "totaldiscountless", "bonusearn", "originalprice", "sellingprice")  # fmt: skip
    return dict.fromkeys(zeros, 0) | {
        "lineno": 1, "itemcode": item, "productname": "拿铁", "qty": quantity, "exstk2sales": 1, "invttype": 1,
        "netamount": net,
    } | changes  # fmt: skip


def tender(code: str, amount: str, excess: str = "0") -> dict[str, Any]:
    return {
        "lineno": 1, "tendercode": code, "tendertype": 0, "tendercategory": 0, "payamount": amount,
        "baseamount": amount, "excessamount": excess,
    }  # fmt: skip


def open_till(malls: Malls, crew: Crew, service: Any) -> Till:
    now = clock.now()
    connector = operations.create_till_connector(
        actor=crew.ops, mall_id=malls.star, name="商户收银上传", now=now
    )
    credential, username, password = operations.create_credential(
        actor=crew.ops, connector_id=connector, merchant_id=malls.cafe, tills=["01", "02"], now=now
    )
    return Till(service, username, password, connector, credential)


@pytest.fixture
def till(malls: Malls, crew: Crew, programme: int) -> Till:  # noqa: F811
    return open_till(malls, crew, soap())


@pytest.fixture
def member(malls: Malls, programme: int) -> int:  # noqa: F811
    return loyalty.enroll_member(
        actor=SYSTEM, phone="13800138000", name="张三", mall_id=malls.star, merchant_id=malls.cafe,
        source="counter", now=clock.now() - dt.timedelta(days=30),
    ).member_id  # fmt: skip


def balance(member_id: int) -> int:
    return loyalty_queries.member_file(SYSTEM, member_id, clock.now()).balance


def waiting() -> list[tuple[str, str]]:
    return list(QuarantinedUpload.objects.filter(status="open").values_list("number", "reason"))


def test_sale_becomes_a_receipt_with_lines_payments_and_points(till: Till, member: int, malls: Malls) -> None:
    answer = till.sell(
        "S0001", "54.00", vipcode="13800138000", paidamount="60", changeamount="6",
        lines=[line("LATTE", "2", "54.00", originalprice="30.00")], tenders=[tender("CH", "60.00")],
    )  # fmt: skip
    assert (answer.header.responsecode, answer.header.updatecount) == (0, 1)
    receipt = Receipt.objects.get()
    assert answer.salestotal.ttpossalesdocno == str(receipt.pk)
    assert (receipt.merchant_id, receipt.till, receipt.number, receipt.source) == (
        malls.cafe,
        "01",
        "S0001",
        "till",
    )
    assert receipt.occurred_at.astimezone(SHANGHAI).strftime("%Y%m%d%H%M%S") == f"{today():%Y%m%d}103000"
    assert (receipt.net_fen, receipt.discount_fen, receipt.cashier) == (5400, 600, "李收银")
    kept = ReceiptLine.objects.get()
    assert (kept.sku, kept.name, int(kept.quantity), kept.unit_price_fen) == ("LATTE", "拿铁", 2, 3000)
    assert list(Tender.objects.values_list("kind", "amount_fen")) == [("cash", 5400)]
    assert balance(member) == 54


def test_same_receipt_again_is_a_duplicate_and_says_so(till: Till) -> None:
    assert till.sell().header.responsecode == 0
    again = till.sell()
    assert again.header.responsecode == 50
    assert "S0001" in again.header.responsemessage
    assert Receipt.objects.count() == 1
    assert waiting() == []
    day = TillDay.objects.get()
    assert (day.accepted, day.duplicates) == (1, 1)


def test_same_number_with_another_amount_is_set_aside(till: Till) -> None:
    till.sell()
    assert till.sell(net="57.00").header.responsecode == 51
    assert waiting() == [("S0001", "receipt-differs")]


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"mallid": "YGH"}, 20, "wrong-mall"),
        ({"storecode": "F001"}, 21, "unknown-merchant"),
        ({"tillid": "09"}, 22, "unknown-till"),
        ({"tenders": [tender("ZZ", "56.00")]}, 24, "unknown-tender-code"),
        ({"txdate_yyyymmdd": "20260231"}, 30, "bad-date"),
        ({"txdate_yyyymmdd": "20990101"}, 30, "future-date"),
        ({"salestype": "XX"}, 31, "bad-kind"),
        ({"txdocno": ""}, 32, "missing-number"),
        ({"txdocno": "9" * 31}, 33, "text-too-long"),
        ({"netamount": "56.005"}, 40, "bad-amount"),
        ({"netamount": "-56", "salestype": "SA"}, 40, "negative-amount"),
        ({"netamount": "57"}, 41, "amount-mismatch"),
        ({"tenders": [tender("CH", "50.00")]}, 42, "tenders-differ"),
        ({"lines": [line("LATTE", "0", "56.00")]}, 43, "zero-quantity"),
        ({"mallitemcode": "", "lines": [line("", "1", "56.00")]}, 23, "missing-item"),
        ({"status": "40"}, 70, "cancelled"),
    ],
)
def test_what_cannot_be_taken_waits_with_its_reason(
    till: Till, changes: dict[str, Any], code: int, reason: str
) -> None:
    for _ in range(2):
        assert till.sell(**changes).header.responsecode == code
    row = QuarantinedUpload.objects.get()
    assert (row.reason, row.tries, row.status) == (reason, 2, "open")
    assert not Receipt.objects.exists()
    assert Event.objects.filter(type="zhike.intake.upload_set_aside").count() == 1


def test_refused_upload_goes_in_when_the_terms_are_mended(till: Till, crew: Crew, malls: Malls) -> None:
    till.sell(tenders=[tender("WX", "56.00")])
    assert waiting() == [("S0001", "unknown-tender-code")]
    replay = {"actor": crew.ops, "connector_id": till.connector_id, "upload_ids": None, "now": clock.now()}
    assert operations.replay_uploads(**replay).still == {"unknown-tender-code": 1}
    operations.update_till_connector(
        actor=crew.ops, connector_id=till.connector_id, name="商户收银上传", is_on=True,
        tenders={"CH": "cash", "WX": "wechat"}, unknown_member="without", mall_number="", now=clock.now(),
    )  # fmt: skip
    assert operations.replay_uploads(**replay).settled == 1
    assert Tender.objects.get().kind == "wechat"
    assert till.sell(tenders=[tender("WX", "56.00")]).header.responsecode == 50
    with pytest.raises(operations.WaitingGone):
        operations.replay_uploads(**replay)


def test_till_that_mends_its_upload_settles_what_waited(till: Till) -> None:
    till.sell(tenders=[tender("ZZ", "56.00")])
    assert till.sell().header.responsecode == 0
    assert QuarantinedUpload.objects.get().status == "replayed"


def test_return_finds_its_sale_and_takes_the_points_back(till: Till, member: int) -> None:
    till.sell("S0001", "56.00", vipcode="13800138000")
    back = {"orgtxdocno": "S0001", "orgtillid": "01", "orgtxdate_yyyymmdd": f"{today():%Y%m%d}"}
    half = till.sell("R0001", "-28.00", lines=[line("LATTE", "-1", "-28.00")], **back)
    assert half.header.responsecode == 0
    assert balance(member) == 28
    found = Receipt.objects.get(kind="return")
    assert (found.net_fen, found.original.number) == (2800, "S0001")
    assert (
        till.sell("R0001", "-28.00", lines=[line("LATTE", "-1", "-28.00")], **back).header.responsecode == 50
    )
    more = till.sell("R0002", "-56.00", lines=[line("LATTE", "-2", "-56.00")], **back)
    assert more.header.responsecode == 54
    lump = till.sell("R0003", "-28.00", lines=[line("REFUND", "-1", "-28.00")], **back)
    assert lump.header.responsecode == 0
    assert till.sell("R0004", "-1.00", lines=[line("LATTE", "-1", "-1.00")], **back).header.responsecode == 53
    missing = till.sell("R0005", "-1.00", lines=[line("LATTE", "-1", "-1.00")], orgtxdocno="S9999")
    assert missing.header.responsecode == 52


def test_return_without_its_sale_takes_back_what_the_goods_would_earn(till: Till, member: int) -> None:
    till.sell("S0001", "56.00", vipcode="13800138000")
    answer = till.sell("R0001", "-20.00", vipcode="13800138000", lines=[line("LATTE", "-1", "-20.00")])
    assert answer.header.responsecode == 0
    assert balance(member) == 36


def test_lump_sum_without_lines_and_the_short_form(till: Till) -> None:
    lump = till.request("S0001", "88.80") | {"salesitems": None, "salestenders": None}
    assert till.service.postsalescreate(lump).header.responsecode == 0
    assert ReceiptLine.objects.get().sku == "C001001"
    short = {
        "txdate_yyyymmdd": f"{today():%Y%m%d}", "txtime_hhmmss": "113000", "mallid": "XHC", "storecode": "C001",
        "tillid": "02", "txdocno": "E1", "netqty": 1, "netamount": "12.5",
    }  # fmt: skip
    item = {
        "lineno": 1,
        "itemcode": "TEA",
        "qty": 1,
        "discountamount": 0,
        "netamount": "12.5",
        "bonusearn": 0,
    }
    paid = {"lineno": 1, "tendercode": "OT", "payamount": "12.5", "baseamount": "12.5", "excessamount": 0}
    request = {
        "header": till.header, "esalestotal": short, "esalesitems": {"esalesitem": [item]},
        "esalestenders": {"esalestender": [paid]},
    }  # fmt: skip
    assert till.service.postesalescreate(request).responsecode == 0
    assert Receipt.objects.get(number="E1").net_fen == 1250


def test_day_total_is_compared_with_what_arrived(till: Till, crew: Crew) -> None:
    till.sell("S0001", "56.00")
    till.sell("S0002", "44.00", tenders=[tender("ZZ", "44.00")])
    assert till.total("100.00", "0", 2).responsecode == 0

    def day() -> queries.DayOfTill:
        (found,) = queries.reconciliation(crew.ops, till.connector_id, today(), today())
        return found

    assert (day().uploaded, day().recorded, day().missing, day().difference_fen) == (2, 1, 1, 4400)
    assert not day().agrees
    till.sell("S0002", "44.00")
    assert (day().uploaded, day().recorded, day().missing, day().difference_fen) == (2, 2, 0, 0)
    assert day().agrees
    till.total("100.00", "-10.00", 3)
    assert (day().missing, day().difference_fen) == (1, -1000)
    assert till.sell("SZ1", "90.00", salestype="SZ").header.responsecode == 0
    assert (day().declared_fen, day().declared_receipts) == (9000, None)
    assert Receipt.objects.count() == 2


def test_credential_opens_its_merchant_only_and_ends_when_it_should(till: Till, crew: Crew) -> None:
    good, now = till.password, clock.now()
    till.password = "wrong"
    assert till.sell().header.responsecode == 1
    till.password = good
    _, fresh = operations.rotate_credential(
        actor=crew.ops, credential_id=till.credential_id, overlap=dt.timedelta(hours=24), now=now
    )
    assert till.sell("S1").header.responsecode == 0
    assert queries.till_of(till.username, good, now + dt.timedelta(hours=25)) is None
    till.password = fresh
    assert till.sell("S2").header.responsecode == 0
    operations.revoke_credential(actor=crew.ops, credential_id=till.credential_id, now=now)
    assert till.sell("S3").header.responsecode == 1
    assert Receipt.objects.count() == 2
    assert not QuarantinedUpload.objects.exists()


def test_kit_of_the_maker_says_hello(till: Till) -> None:
    assert till.service.test_a_plus_b(2, 40) == 42
    assert till.service.getversion() == "V332M"
    assert till.service.getcompanyname() == "知客商业集团"


def envelope(till: Till, *, declared: str = "utf-8", number: str = "S1", name: str = "拿铁") -> str:
    head = "".join(f"<{key}>{value}</{key}>" for key, value in sale(number, "10").items())
    return f"""<?xml version="1.0" encoding="{declared}"?>
    <soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>
    <postsalescreate xmlns="http://tempurl.org"><astr_request>
    <header><username>{till.username}</username><password>{till.password}</password></header>
    <salestotal>{head}</salestotal><salesitems><salesitem><itemcode>A</itemcode><productname>{name}</productname>
    <qty>1</qty><netamount>10</netamount></salesitem></salesitems></astr_request></postsalescreate>
    </soap:Body></soap:Envelope>"""


def post(body: bytes, content_type: str = "text/xml; charset=utf-8") -> Any:
    return Client().generic("POST", PATH, body, content_type=content_type)


@pytest.mark.parametrize(
    ("declared", "written", "content_type"),
    [
        ("GBK", "gbk", "text/xml"),
        ("gb2312", "gb18030", "text/xml; charset=gb2312"),
        ("utf-8", "gbk", "text/xml; charset=utf-8"),
        ("utf-8", "utf-8-sig", "text/xml"),
        ("utf-16", "utf-16", "text/xml"),
    ],
)
def test_old_tills_write_gbk(till: Till, declared: str, written: str, content_type: str) -> None:
    answer = post(envelope(till, declared=declared).encode(written), content_type)
    assert b"<responsecode>0<" in answer.content
    assert ReceiptLine.objects.get().name == "拿铁"


BILLION = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("doctype", [BILLION, FILE, "<!DOCTYPE x>"])
def test_document_types_and_entities_are_refused(till: Till, doctype: str) -> None:
    text = envelope(till, name="&a;" if "ENTITY" in doctype else "x").replace("?>", f"?>{doctype}", 1)
    answer = post(text.encode())
    assert (answer.status_code, b"Client" in answer.content) == (500, True)
    assert not Receipt.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<a>",
        b"\xff\xfe\x00",
        b"<Envelope/>",
        "你好".encode("gbk") + b"\x81",
        b"x" * (1024 * 1024 + 1),
    ],
)
def test_no_envelope_is_a_fault_and_nothing_else(db: None, body: bytes) -> None:
    answer = post(body)
    assert answer.status_code == 500
    assert b"soap:Fault" in answer.content


def test_faults_of_soap_12_and_unknown_operations(till: Till) -> None:
    body = envelope(till).replace(
        "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
    )
    assert post(body.encode()).headers["Content-Type"].startswith("application/soap+xml")
    answer = post(body.replace("postsalescreate", "dropeverything").encode())
    assert (answer.status_code, b"soap:Sender" in answer.content) == (400, True)
    assert Receipt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_over_the_wire_in_both_soaps_and_many_at_once(live_server: Any) -> None:
    now = clock.now()
    malls = build_malls(now)
    till = open_till(malls, build_crew(malls), None)
    for number, port in enumerate(("salestransSoap", "salestransSoap12")):
        till.service = soap(live_server.url, port)
        assert till.sell(f"S{number}").header.responsecode == 0
    session = queries.till_of(till.username, till.password, now)
    assert session is not None
    said = TillReceipt(
        store="C001", till="01", number="S9", kind="SA", day=f"{today():%Y%m%d}", time="110000", net="10",
        lines=(TillLine("A", "", "1", "", "10"),),
    )  # fmt: skip

    def upload() -> str:
        return operations.take_upload(actor=session.viewer, session=session, said=said, now=now).status

    outcomes = run_threads([upload] * 16)
    assert sorted(outcomes) == ["accepted"] + ["duplicate"] * 15
    assert Receipt.objects.count() == 3
    day = TillDay.objects.get()
    assert (day.accepted, day.duplicates) == (3, 15)


def test_only_those_who_run_imports_open_doors(malls: Malls, crew: Crew, till: Till) -> None:
    from zhike.kernel.errors import NotAllowed, NotFound

    attempts: list[Callable[[Any], Any]] = [
        lambda who: operations.create_credential(
            actor=who, connector_id=till.connector_id, merchant_id=malls.fashion, now=clock.now()
        ),
        lambda who: operations.revoke_credential(
            actor=who, credential_id=till.credential_id, now=clock.now()
        ),
        lambda who: operations.replay_uploads(
            actor=who, connector_id=till.connector_id, upload_ids=None, now=clock.now()
        ),
    ]
    for who in (crew.qian, crew.wang, crew.nobody):
        for attempt in attempts:
            with pytest.raises(NotFound):
                attempt(who)
        with pytest.raises(NotAllowed):
            operations.create_till_connector(actor=who, mall_id=malls.star, name="x", now=clock.now())
    assert queries.connectors(crew.qian, clock.now()) == []
    with pytest.raises(operations.MerchantElsewhere):
        operations.create_credential(
            actor=crew.ops, connector_id=till.connector_id, merchant_id=malls.noodles, now=clock.now()
        )
    with pytest.raises(operations.CredentialExists):
        operations.create_credential(
            actor=crew.ops, connector_id=till.connector_id, merchant_id=malls.cafe, now=clock.now()
        )
