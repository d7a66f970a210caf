"""A mall that takes files: 星河城 of `tests.people` with a programme of one point a yuan since long ago."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.people import NOW, Crew, Malls
from zhike.intake import operations as intake
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty

SYSTEM = system_viewer("tests")
LONG_AGO = dt.datetime(2009, 1, 1, tzinfo=dt.UTC)
_HEADINGS = "小票号 商户编码 收银机号 交易时间 商品编码 商品名称 数量 单价 实付金额 支付方式 会员手机号 类型"
HEADER = _HEADINGS.split()
MAPPING: dict[str, Any] = {
    "columns": {
        "number": "小票号",
        "merchant": "商户编码",
        "till": "收银机号",
        "occurred_at": "交易时间",
        "sku": "商品编码",
        "name": "商品名称",
        "quantity": "数量",
        "unit_price": "单价",
        "amount": "实付金额",
        "tender": "支付方式",
        "member_phone": "会员手机号",
        "kind": "类型",
    },
    "values": {"tender": {"微信": "wechat", "现金": "cash", "券": "voucher"}},
    "kind": {"return_values": ["退货"]},
    "members": {"unknown": "create"},
}


def row(number: str = "0001", **changes: str) -> list[str]:
    """A row of a sound file: one coffee at the café of 星河城 by nobody."""
    cells = {
        "小票号": number,
        "商户编码": "C001",
        "收银机号": "01",
        "交易时间": "2026-03-01 10:30:00",
        "商品编码": "LATTE",
        "商品名称": "拿铁",
        "数量": "1",
        "单价": "28.00",
        "实付金额": "28.00",
        "支付方式": "微信",
        "会员手机号": "",
        "类型": "销售",
    }
    assert not set(changes) - set(cells)
    return list((cells | changes).values())


def csv_bytes(
    rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER, encoding: str = "utf-8"
) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([header, *rows])
    return buffer.getvalue().encode(encoding)


@pytest.fixture
def programme(malls: Malls) -> int:
    program_id = loyalty.create_program(
        actor=SYSTEM, group_id=malls.group, code="main", name="知客会员", expiry="never", now=LONG_AGO
    )
    loyalty.save_tier(
        actor=SYSTEM,
        program_id=program_id,
        code="basic",
        name="普卡",
        rank=1,
        threshold_fen=0,
        colour="slate",
        now=LONG_AGO,
    )
    loyalty.publish_rule_version(
        actor=SYSTEM,
        program_id=program_id,
        code="base",
        name="消费积分",
        definition={"base": {"points": 1, "per_fen": 100}},
        effective_from=LONG_AGO,
        now=LONG_AGO,
        backdated=True,
    )
    return program_id


@pytest.fixture
def uploads(tmp_path: Path, settings: Any) -> Path:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return tmp_path / "uploads"


Upload = Callable[..., UUID]


@pytest.fixture
def upload(malls: Malls, crew: Crew, programme: int, uploads: Path) -> Upload:
    """Upload a file as the operations of the group, with the mapping of these tests."""

    def _upload(content: bytes, name: str = "小票.csv", mapping: dict[str, Any] | None = None) -> UUID:
        run_id = intake.start_upload(
            actor=crew.ops, mall_id=malls.star, file_name=name, chunks=[content], now=NOW
        )
        intake.set_mapping(
            actor=crew.ops, run_id=run_id, mapping=MAPPING if mapping is None else mapping, now=NOW
        )
        return run_id

    return _upload


@pytest.fixture
def load(upload: Upload, crew: Crew) -> Callable[..., tuple[UUID, intake.Reconciliation]]:
    """Upload and run."""

    def _load(rows: Iterable[Sequence[str]], **given: Any) -> tuple[UUID, intake.Reconciliation]:
        run_id = upload(csv_bytes(rows), **given)
        return run_id, intake.run(actor=crew.ops, run_id=run_id, now=NOW)

    return _load
