"""Loading the mall's history through the operations that tills use, set-based."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.errors import Problem
from zhike.kernel.progress import Progress
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.organization.operations import loading, staff
from zhike.privacy import operations as privacy
from zhike.sales import operations as sales
from zhike.simulator import shopping
from zhike.simulator.people import Visitor, build_people
from zhike.simulator.world import GROUP_CODE, MALL_CODE, TRADES, Shop, build_shops, organization_of

T = TypeVar("T")

ACTOR = system_viewer("simulator")
CHUNK = 6_000
TILL = "01"


@dataclass(frozen=True, slots=True)
class Size:
    """How many members, receipts and days of history."""

    members: int
    receipts: int
    days: int
    redemption_share: float = 0.012


SIZES = {
    "tiny": Size(120, 600, 30, 0.05),
    "small": Size(2_000, 12_000, 182),
    "demo": Size(20_000, 110_000, 182),
}

TIERS = (
    ("basic", "普卡", 0, "slate", "消费积分、生日礼"),
    ("silver", "银卡", 500_000, "silver", "1.2 倍积分、停车每日 2 小时"),
    ("gold", "金卡", 2_000_000, "gold", "1.5 倍积分、贵宾休息室"),
    ("diamond", "钻石卡", 6_000_000, "diamond", "2 倍积分、专属客服、新品优先"),
)
TIER_BP = {"silver": 12_000, "gold": 15_000, "diamond": 20_000}
POLICY_VERSION = "2026-01"
POLICY = (
    "我们为办理会员、积累和兑换积分而处理您的手机号、姓名与消费记录。营销信息、个性化推荐须经您单独同意,"
    "您可以随时在会员端撤回;不同意不影响会员基本服务。"
)
STAFF = (
    ("admin", "系统管理员", "admin", "all"),
    ("group", "林总", "group_manager", "all"),
    ("manager", "王经理", "mall_manager", "mall"),
    ("operations", "陈运营", "operations", "mall"),
    ("marketer", "周市场", "marketer", "mall"),
    ("service", "孙客服", "service_agent", "mall"),
    ("merchant", "吴店长", "merchant_manager", "merchant"),
    ("cashier", "李收银", "cashier", "merchant"),
    ("auditor", "郑审计", "auditor", "all"),
)
PASSWORD = "xinghe-2026-demo"  # noqa: S105  printed on the demo's screen; a demo never runs in production


@dataclass(frozen=True, slots=True)
class World:
    """The mall as it stands in the database."""

    group_id: int
    mall_id: int
    program_id: int
    shops: tuple[Shop, ...]
    merchant_ids: tuple[int, ...]
    category_ids: dict[str, int]
    product_ids: dict[tuple[int, str], int]


@dataclass(frozen=True, slots=True)
class Loaded:
    members: int
    receipts: int
    returns: int
    redemptions: int
    fingerprint: str


def load_mall(*, actor: Viewer = ACTOR, size: str = "demo", seed: int = 1, now: dt.datetime) -> Loaded:
    """Build the mall of ``size`` and ``seed`` as of ``now`` and load it; what is there already is left alone.

    Safe to run again after an interruption with the same seed on the same day: every receipt has its natural key.
    """
    scale = SIZES[size]
    today = now.astimezone(shopping.ZONE).date()
    shops = build_shops(seed)
    people = build_people(scale.members, shops, seed, today)
    baskets = list(shopping.build_baskets(people, shops, seed, today, scale.days, scale.receipts))
    began = now - dt.timedelta(days=731)
    world = build_world(shops, began, now)
    person_ids = _enroll(world, people, now)
    create_staff(world, now)
    receipts = sorted(_receipts(world, baskets, person_ids, now), key=lambda receipt: receipt.occurred_at)
    redeemed = _take(world, receipts, scale, random.Random(f"redemptions-{seed}"))
    returns = sum(1 for receipt in receipts if receipt.kind == "return")
    mark = shopping.fingerprint(people, baskets)
    return Loaded(len(people), len(receipts) - returns, returns, redeemed, mark)


def fingerprint(size: str, seed: int, today: dt.date) -> str:
    """What ``load_mall`` would make up, as a hash; nothing is written."""
    scale = SIZES[size]
    shops = build_shops(seed)
    people = build_people(scale.members, shops, seed, today)
    baskets = list(shopping.build_baskets(people, shops, seed, today, scale.days, scale.receipts))
    return shopping.fingerprint(people, baskets)


def build_world(shops: tuple[Shop, ...], began: dt.datetime, now: dt.datetime) -> World:
    """Organisation, products, programme, rules and policy; idempotent."""
    loaded = loading.load_organization(actor=ACTOR, spec=organization_of(shops), now=began)
    mall_id = loaded.mall_ids[MALL_CODE]
    merchant_ids = tuple(loaded.merchant_ids[MALL_CODE, shop.code] for shop in shops)
    categories = {
        trade.code: sales.create_category(
            actor=ACTOR, group_id=loaded.group_id, code=trade.code, name=trade.name, now=began
        )
        for trade in TRADES
    }
    products = [
        sales.NewProduct(merchant_id, article.sku, article.name, categories[article.category], article.price_fen)
        for shop, merchant_id in zip(shops, merchant_ids, strict=True)
        for article in shop.articles
    ]
    product_ids = sales.load_products(actor=ACTOR, products=products, now=began)
    program_id = _programme(loaded, began, now)
    privacy.publish_policy(
        actor=ACTOR,
        group_id=loaded.group_id,
        version=POLICY_VERSION,
        title="知客会员个人信息处理规则",
        text=POLICY,
        terms={
            "membership": {"categories": ["phone", "name", "purchases"], "retention_days": 1_825},
            "marketing": {"categories": ["phone"], "retention_days": 730},
        },
        now=began,
    )
    return World(loaded.group_id, mall_id, program_id, shops, merchant_ids, categories, product_ids)


def _programme(loaded: loading.LoadedOrganization, began: dt.datetime, now: dt.datetime) -> int:
    known = members.default_program_id()
    if known is not None and members.current_rules(known, now):
        return known
    program_id = loyalty.create_program(
        actor=ACTOR, group_id=loaded.group_id, code=GROUP_CODE, name="知客会员", now=began
    )
    tier_ids = {
        code: loyalty.save_tier(
            actor=ACTOR,
            program_id=program_id,
            code=code,
            name=name,
            rank=rank,
            threshold_fen=threshold,
            colour=colour,
            benefits=benefits,
            now=began,
        )
        for rank, (code, name, threshold, colour, benefits) in enumerate(TIERS, start=1)
    }
    categories = loaded.trade_category_ids
    for code, name, definition in _rules(tier_ids, categories):
        loyalty.publish_rule_version(
            actor=ACTOR,
            program_id=program_id,
            code=code,
            name=name,
            definition=definition,
            effective_from=began,
            now=began,
            note="开业规则",
            backdated=True,
        )
    return program_id


def _rules(tier_ids: dict[str, int], categories: dict[str, int]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """One point a yuan, more for higher tiers and on members' day; jewellery and supermarkets earn less."""
    yield (
        "base",
        "消费积分",
        {
            "base": {"points": 1, "per_fen": 100},
            "tiers": {"bp": {str(tier_ids[code]): bp for code, bp in TIER_BP.items()}},
            "trade_categories": {"bp": {str(categories["jewellery"]): 2_000, str(categories["supermarket"]): 5_000}},
            "excluded_tenders": ["voucher"],
            "caps": {"receipt": 20_000, "member_day": 50_000},
        },
    )
    yield (
        "wednesday",
        "周三餐饮加倍",
        {
            "base": {"points": 1, "per_fen": 100},
            "trade_categories": {"only": [categories["dining"], categories["coffee"]]},
            "calendar": [
                {"name": "周三会员日", "weekdays": [3], "bp": 10_000},
                {"name": "非周三", "weekdays": [1, 2, 4, 5, 6, 7], "bp": 0},
            ],
            "minimum_fen": 3_000,
            "excluded_tenders": ["voucher"],
            "caps": {"member_day": 500},
        },
    )


def create_staff(world: World, now: dt.datetime) -> None:
    """The demo's log-ins, one of each role; who exists already keeps their password."""
    targets = {"all": 0, "mall": world.mall_id, "merchant": world.merchant_ids[0]}
    for username, name, role, level in STAFF:
        try:
            staff_id = staff.create_staff(
                actor=ACTOR, group_id=world.group_id, username=username, name=name, password=PASSWORD, now=now
            )
        except staff.UsernameTaken:
            continue
        staff.grant_role(
            actor=ACTOR, staff_id=staff_id, role=role, level=level, target_id=targets[level], now=now
        )


def _enroll(world: World, people: Sequence[Visitor], now: dt.datetime) -> list[int]:
    """Enrol everyone with their consents; the person id of each, in order."""
    person_ids: list[int] = []
    with Progress("会员 members", len(people)) as progress:
        for chunk in _chunks(people, 5_000):
            new = [_new_member(world, visitor) for visitor in chunk]
            known = customers.person_ids_by("phone", [member.phone or "" for member in new])
            ids = loyalty.enroll_members(actor=ACTOR, members=new, now=now)
            fresh = [(v, i) for v, m, i in zip(chunk, new, ids, strict=True) if (m.phone or "") not in known]
            _record_consents(world, fresh, now)
            person_ids += ids
            progress.advance(len(chunk))
    return person_ids


def _new_member(world: World, visitor: Visitor) -> loyalty.NewMember:
    return loyalty.NewMember(
        name=visitor.name,
        phone=visitor.phone,
        sex=visitor.sex,
        birthday=visitor.birthday,
        mall_id=world.mall_id,
        merchant_id=world.merchant_ids[visitor.shop],
        source=visitor.source,
        enrolled_at=visitor.enrolled_at,
    )


def _record_consents(world: World, people: Sequence[tuple[Visitor, int]], now: dt.datetime) -> None:
    persons = [
        privacy.PersonDecisions(
            person_id,
            (
                privacy.Decision("membership", "any", "granted"),
                privacy.Decision("marketing", "sms", "granted" if visitor.wants_marketing else "refused"),
            ),
            "counter_tick" if visitor.source == "counter" else "member_app",
            {"screen": f"enrol-{POLICY_VERSION}"},
        )
        for visitor, person_id in people
    ]
    if persons:
        privacy.record_consents_bulk(
            actor=ACTOR, group_id=world.group_id, persons=persons, policy_version=POLICY_VERSION, now=now
        )


def _receipts(
    world: World, baskets: Iterable[shopping.Basket], person_ids: Sequence[int], now: dt.datetime
) -> Iterator[sales.NewReceipt]:
    """Baskets as receipts, and what comes back as returns, as far as they have happened by ``now``."""
    for basket in baskets:
        if basket.at > now:
            continue
        person_id = person_ids[basket.visitor] if basket.visitor is not None else None
        sale = receipt_of(world, basket, person_id)
        yield sale
        if basket.returned is not None and basket.returned_at is not None and basket.returned_at <= now:
            yield _return_of(sale, basket.returned, basket.returned_at)


def receipt_of(world: World, basket: shopping.Basket, person_id: int | None, source: str = "simulator") -> sales.NewReceipt:
    merchant_id = world.merchant_ids[basket.shop]
    lines = tuple(
        sales.NewLine(
            line_no=no,
            sku=line.article.sku,
            name=line.article.name,
            quantity=Decimal(line.pieces),
            unit_price_fen=line.article.price_fen,
            net_fen=line.net_fen,
            discount_fen=line.discount_fen,
            product_id=world.product_ids[merchant_id, line.article.sku],
            category_id=world.category_ids[line.article.category],
        )
        for no, line in enumerate(basket.lines, start=1)
    )
    return sales.NewReceipt(
        merchant_id=merchant_id,
        mall_id=world.mall_id,
        kind="sale",
        till=TILL,
        number=basket.number,
        business_date=basket.at.astimezone(shopping.ZONE).date(),
        occurred_at=basket.at,
        lines=lines,
        tenders=tuple(sales.NewTender(kind, fen) for kind, fen in basket.tenders),
        person_id=person_id,
        cashier="李收银",
        source=source,
    )


def _return_of(sale: sales.NewReceipt, index: int, at: dt.datetime) -> sales.NewReceipt:
    line = sale.lines[index]
    back = sales.NewLine(
        line_no=1,
        sku=line.sku,
        name=line.name,
        quantity=line.quantity,
        unit_price_fen=line.unit_price_fen,
        net_fen=line.net_fen,
        discount_fen=line.discount_fen,
        product_id=line.product_id,
        category_id=line.category_id,
        original_line_no=line.line_no,
    )
    return sales.NewReceipt(
        merchant_id=sale.merchant_id,
        mall_id=sale.mall_id,
        kind="return",
        till=TILL,
        number=f"T{sale.number}",
        business_date=at.astimezone(shopping.ZONE).date(),
        occurred_at=at,
        lines=(back,),
        tenders=(sales.NewTender(sale.tenders[0].kind, line.net_fen),),
        person_id=sale.person_id,
        original_id=sale.id,
        cashier=sale.cashier,
        source="simulator",
    )


def _take(world: World, receipts: Sequence[sales.NewReceipt], scale: Size, rng: random.Random) -> int:
    """Post everything in the order it happened; between chunks some members spend points. Returns redemptions."""
    redeemed = 0
    with Progress("小票 receipts", len(receipts)) as progress:
        for chunk in _chunks(receipts, CHUNK):
            moment = chunk[-1].occurred_at
            outcomes = loyalty.take_receipts(actor=ACTOR, receipts=chunk, now=moment)
            if outcomes[-1].status == "accepted":
                redeemed += _redeem_some(world, outcomes, scale, rng, moment)
            progress.advance(len(chunk))
    return redeemed


def _redeem_some(
    world: World,
    outcomes: Sequence[loyalty.ReceiptOutcome],
    scale: Size,
    rng: random.Random,
    moment: dt.datetime,
) -> int:
    wanted = round(len(outcomes) * scale.redemption_share)
    rich = [outcome for outcome in outcomes if outcome.member_id and outcome.balance >= 300]
    done = 0
    for outcome in rng.sample(rich, min(wanted, len(rich))):
        points = rng.choice((100, 200, 300))
        try:
            loyalty.redeem_points(
                actor=ACTOR,
                member_id=outcome.member_id or 0,
                points=points,
                mall_id=world.mall_id,
                merchant_id=rng.choice(world.merchant_ids),
                now=moment,
            )
            done += 1
        except Problem:
            continue  # the member spent the points meanwhile
    return done


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
