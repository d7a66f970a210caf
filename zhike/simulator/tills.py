"""What comes into the made mall by itself: tills that upload, with the few that had to wait, and a folder of files."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from random import Random

from django.conf import settings
from django.db import transaction

from zhike.intake import operations, queries
from zhike.intake.operations import TillDayTotal, TillLine, TillReceipt, TillTender
from zhike.intake.queries import TillSession
from zhike.kernel.access import Viewer
from zhike.organization import queries as organization
from zhike.simulator.founding import World
from zhike.simulator.rhythm import ZONE

NAME = "商户收银上传"
MALL = "XHC"
TILL = "81"
MERCHANTS, DAYS = 3, 3
HOURS = (11, 13, 16, 19)
GOODS = (
    ("8801", "当季新品", 29_900),
    ("8802", "招牌套餐", 12_800),
    ("8803", "店长推荐", 6_600),
    ("8804", "会员专享", 18_800),
)
CARD = "CI"
UNKNOWN = "WX"
FOLDER = "market"


def seed_tills(actor: Viewer, world: World, now: dt.datetime, seed: int) -> None:
    """Once; done before, it does nothing."""
    if queries.connectors(actor, now):
        return
    opened = now - dt.timedelta(days=DAYS + 30)
    connector_id = operations.create_till_connector(actor=actor, mall_id=world.mall_id, name=NAME, now=opened)
    operations.update_till_connector(
        actor=actor, connector_id=connector_id, name=NAME, is_on=True, mall_number=MALL, unknown_member="without",
        tenders={"CH": "cash", "CI": "card", "CO": "card", "OT": "other"}, now=opened,
    )  # fmt: skip
    rng = Random(f"tills/{seed}")
    today = now.astimezone(ZONE).date()
    for place, merchant_id in enumerate(world.merchant_ids[:MERCHANTS]):
        merchant = organization.merchant_ref(merchant_id)
        if merchant is None or not merchant.is_open:
            continue
        _id, username, password = operations.create_credential(
            actor=actor, connector_id=connector_id, merchant_id=merchant_id, tills=[TILL, "82"], now=opened
        )
        session = queries.till_of(username, password, opened)
        if session is not None:
            with transaction.atomic():
                for back in range(DAYS, 0, -1):
                    _trade(session, today - dt.timedelta(days=back), place, rng)
    _watch_folder(actor, world, today - dt.timedelta(days=1), now)


def _watch_folder(actor: Viewer, world: World, day: dt.date, now: dt.datetime) -> None:
    """A stall without a till of its own leaves a file a day; in yesterday's somebody wrote a word for a number."""
    merchant = organization.merchant_ref(world.merchant_ids[0])
    assert merchant is not None
    folder = Path(settings.INBOX_DIR) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"市集销售{day:%Y%m%d}.csv"
    lines = ["小票号,商户编码,收银机号,交易时间,商品编码,商品名称,数量,实付金额,支付方式"]
    lines += [
        f"M{number:03},{merchant.code},91,{day} {10 + number}:15:00,8899,手作甜品,{1 if amount else 2},{amount or '贰拾'},微信"
        for number, amount in enumerate((18, 26, 32, 0, 45, 18, 26), start=1)
    ]
    path.write_text("\n".join(lines) + "\n")
    closed = dt.datetime.combine(day, dt.time(21, 0), ZONE).timestamp()
    os.utime(path, (closed, closed))
    fetched_at = dt.datetime.combine(day, dt.time(21, 30), ZONE).astimezone(dt.UTC)
    made = operations.create_folder_connector(
        actor=actor, mall_id=world.mall_id, name="市集销售文件", folder=FOLDER, mapping=None, every_minutes=60,
        now=fetched_at,
    )  # fmt: skip
    operations.fetch(actor=actor, connector_id=made, now=fetched_at)


def _trade(session: TillSession, day: dt.date, place: int, rng: Random) -> None:
    """One day: four receipts, one of them sent twice; on the last day one shop pays by a code nobody entered yet."""
    total = 0
    for number, hour in enumerate(HOURS, start=1):
        item, name, price = rng.choice(GOODS)
        quantity = rng.choice((1, 1, 2))
        at = dt.datetime.combine(day, dt.time(hour, rng.randrange(60)), ZONE)
        total += price * quantity
        code = UNKNOWN if (place, number) == (1, len(HOURS)) else CARD
        said = _receipt(session, f"{day:%m%d}{number:04}", at, (item, name, price, quantity), code)
        for _ in range(2 if number == 2 else 1):
            operations.take_upload(
                actor=session.viewer, session=session, said=said, now=at + dt.timedelta(minutes=1)
            )
    missing = 16_800 if place == 2 else 0
    closing = dt.datetime.combine(day, dt.time(22, 15), ZONE)
    operations.declare_day(
        actor=session.viewer,
        session=session,
        said=TillDayTotal(
            session.terms.store_code, MALL, TILL, f"{day:%Y%m%d}", _yuan(total + missing), "0",
            str(len(HOURS) + bool(missing)),
        ),
        now=closing,
    )  # fmt: skip


def _receipt(
    session: TillSession, number: str, at: dt.datetime, sold: tuple[str, str, int, int], code: str
) -> TillReceipt:
    item, name, price, quantity = sold
    net = _yuan(price * quantity)
    return TillReceipt(
        store=session.terms.store_code, mall=MALL, till=TILL, number=number, kind="SA",
        day=f"{at:%Y%m%d}", time=f"{at:%H%M%S}", net=net, cashier="收银台",
        lines=(TillLine(item, name, str(quantity), _yuan(price), net),), tenders=(TillTender(code, net),),
    )  # fmt: skip


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"
