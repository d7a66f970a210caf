"""Merchants' tills that upload by themselves: a week of receipts and day totals, and the few that had to wait."""

from __future__ import annotations

import datetime as dt
from random import Random

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
MERCHANTS, DAYS = 4, 3
HOURS = (11, 13, 16, 19)
GOODS = (
    ("8801", "当季新品", 29_900),
    ("8802", "招牌套餐", 12_800),
    ("8803", "店长推荐", 6_600),
    ("8804", "会员专享", 18_800),
)
CARD = "CI"
UNKNOWN = "WX"


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
            for back in range(DAYS, 0, -1):
                _trade(session, today - dt.timedelta(days=back), place, rng)


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
