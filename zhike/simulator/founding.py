"""What stands before the first customer comes: organisation, articles, programme, policy, staff."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from zhike.kernel.access import Viewer
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.organization import queries as organization
from zhike.organization.operations import loading, staff
from zhike.organization.operations.loading import (
    BrandSpec,
    FloorSpec,
    MallSpec,
    MerchantSpec,
    OrganizationSpec,
    TradeCategorySpec,
    UnitSpec,
    ZoneSpec,
)
from zhike.privacy import operations as privacy
from zhike.sales import operations as sales
from zhike.service import operations as service
from zhike.simulator.catalogue import ZONES, Catalogue, Floor
from zhike.simulator.margins import seed_margins

GROUP_CODE, GROUP_NAME = "zhike", "知客商业"
MALL_CODE, MALL_NAME = "xinghecheng", "星河城"
POLICY_VERSION = "2026-01"
POLICY = (
    "我们为办理会员、积累和兑换积分而处理您的手机号、姓名与消费记录。营销信息须经您单独同意，您可以随时在会员端撤回；"
    "不同意不影响会员基本服务。"
)
POLICY_TERMS = {
    "membership": {"categories": ["phone", "name", "purchases"], "retention_days": 1_825},
    "marketing": {"categories": ["phone"], "retention_days": 730},
}
TIERS = (
    ("basic", "普卡", 0, "slate", "消费积分、生日礼遇"),
    ("silver", "银卡", 300_000, "silver", "1.2 倍积分、每日免费停车 2 小时"),
    ("gold", "金卡", 1_000_000, "gold", "1.5 倍积分、贵宾休息室、免费停车 4 小时"),
    ("diamond", "钻石卡", 3_000_000, "diamond", "2 倍积分、专属客服、新品优先"),
)
TIER_BP = {"silver": 12_000, "gold": 15_000, "diamond": 20_000}
RETURN_WINDOWS = {"jewellery": 7, "shoes_bags": 7}
NO_POINTS = ("gold_bars", "liquor_tobacco", "gift_cards")

LEDGER_ACCOUNTS = {
    "expense": "6601.08 销售费用—积分",
    "receivable": "1221.05 其他应收款—积分分摊",
    "provision": "2801.02 预计负债—积分",
    "payable": "2241.06 其他应付款—积分兑换",
}

PASSWORD = "xinghe-2026-demo"
STAFF = (
    ("admin", "系统管理员", "admin", "all"),
    ("group", "林总", "group_manager", "all"),
    ("manager", "王经理", "mall_manager", "mall"),
    ("operations", "陈运营", "operations", "mall"),
    ("marketer", "周市场", "marketer", "mall"),
    ("service", "孙客服", "service_agent", "mall"),
    ("merchant", "吴店长", "merchant_manager", "merchant"),
    ("cashier", "李收银", "cashier", "merchant"),
    ("associate", "何导购", "sales_associate", "merchant"),
    ("associate2", "许导购", "sales_associate", "merchant"),
    ("associate3", "冯导购", "sales_associate", "merchant"),
    ("auditor", "郑审计", "auditor", "all"),
)
STAFF_SHOP = "L201"


@dataclass(frozen=True, slots=True)
class World:
    """The mall as it stands in the database; merchants and articles by their place in the catalogue."""

    group_id: int
    mall_id: int
    program_id: int
    merchant_ids: tuple[int, ...]
    category_ids: dict[str, int]
    product_ids: dict[tuple[int, str], int]


def found(actor: Viewer, catalogue: Catalogue, opened_at: dt.datetime, now: dt.datetime) -> World:
    """Create all of it as of the day the mall opened; done again, it changes nothing."""
    loaded = loading.load_organization(actor=actor, spec=_organization(catalogue), now=opened_at)
    mall_id = loaded.mall_ids[MALL_CODE]
    merchant_ids = tuple(loaded.merchant_ids[MALL_CODE, shop.code] for shop in catalogue.shops)
    category_ids = {
        code: sales.create_category(
            actor=actor, group_id=loaded.group_id, code=code, name=name, now=opened_at
        )
        for code, name in catalogue.categories.items()
    }
    products = [
        sales.NewProduct(
            merchant_id, article.sku, article.name, category_ids[article.category], article.price_fen
        )
        for shop, merchant_id in zip(catalogue.shops, merchant_ids, strict=True)
        for article in shop.articles
    ]
    product_ids = sales.load_products(actor=actor, products=products, now=opened_at)
    program_id = _programme(actor, loaded, category_ids, opened_at, now)
    privacy.publish_policy(
        actor=actor,
        group_id=loaded.group_id,
        version=POLICY_VERSION,
        title="知客会员个人信息处理规则",
        text=POLICY,
        terms=POLICY_TERMS,
        now=opened_at,
    )
    world = World(loaded.group_id, mall_id, program_id, merchant_ids, category_ids, product_ids)
    shop = next(shop for shop in catalogue.shops if shop.code == STAFF_SHOP)
    _hire(actor, world, merchant_ids[shop.index], opened_at)
    seed_margins(actor, loaded.group_id, loaded.trade_category_ids, opened_at)
    service.found_compensation(actor=actor, group_id=loaded.group_id, now=opened_at)
    service.found_service(actor=actor, group_id=loaded.group_id, time_zone="Asia/Shanghai", now=opened_at)
    return world


def _organization(catalogue: Catalogue) -> OrganizationSpec:
    parents = [TradeCategorySpec(code, name) for code, name in catalogue.trade_parents.items()]
    trades = [TradeCategorySpec(trade.code, trade.name, trade.parent) for trade in catalogue.trades.values()]
    merchants = tuple(
        MerchantSpec(
            shop.code, shop.name, shop.floor, shop.zone, shop.unit, f"B-{shop.code}", shop.trade.code
        )
        for shop in catalogue.shops
    )
    floors = tuple(_floor(floor, catalogue) for floor in catalogue.floors)
    return OrganizationSpec(
        GROUP_CODE,
        GROUP_NAME,
        trade_categories=(*parents, *trades),
        brands=tuple(BrandSpec(f"B-{shop.code}", shop.name) for shop in catalogue.shops),
        malls=(MallSpec(MALL_CODE, MALL_NAME, address="星河路 88 号", floors=floors, merchants=merchants),),
    )


def _floor(floor: Floor, catalogue: Catalogue) -> FloorSpec:
    zones = tuple(
        ZoneSpec(
            code,
            name,
            tuple(
                UnitSpec(shop.unit)
                for shop in catalogue.shops
                if (shop.floor, shop.zone) == (floor.code, code)
            ),
        )
        for code, name in ZONES
    )
    return FloorSpec(floor.code, floor.name, floor.position, zones)


def _programme(
    actor: Viewer,
    loaded: loading.LoadedOrganization,
    category_ids: dict[str, int],
    opened_at: dt.datetime,
    now: dt.datetime,
) -> int:
    known = members.default_program_id()
    if known is not None and members.current_rules(known, now):
        return known
    program_id = loyalty.create_program(
        actor=actor,
        group_id=loaded.group_id,
        code=GROUP_CODE,
        name="知客会员",
        redeem_minimum=100,
        now=opened_at,
    )
    tier_ids = {
        code: loyalty.save_tier(
            actor=actor,
            program_id=program_id,
            code=code,
            name=name,
            rank=rank,
            threshold_fen=threshold,
            colour=colour,
            benefits=benefits,
            now=opened_at,
        )
        for rank, (code, name, threshold, colour, benefits) in enumerate(TIERS, start=1)
    }
    loyalty.publish_provision_policy(
        actor=actor,
        program_id=program_id,
        value_points=100,
        value_fen=100,
        redemption_bp=6_000,
        accounts=LEDGER_ACCOUNTS,
        effective_on=opened_at.date().replace(day=1),
        now=opened_at,
        note="开业方案",
    )
    for code, name, definition in _rules(tier_ids, loaded.trade_category_ids, category_ids):
        loyalty.publish_rule_version(
            actor=actor,
            program_id=program_id,
            code=code,
            name=name,
            definition=definition,
            effective_from=opened_at,
            now=opened_at,
            note="开业规则",
            backdated=True,
        )
    loyalty.set_return_windows(
        actor=actor,
        program_id=program_id,
        windows={loaded.trade_category_ids[code]: days for code, days in RETURN_WINDOWS.items()},
        now=opened_at,
    )
    return program_id


def _rules(
    tier_ids: dict[str, int], trades: dict[str, int], categories: dict[str, int]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A point a yuan, more for higher tiers; members' Wednesday at the table; weekends at the beauty counters.

    The mall pays for the first, the restaurants for a part of the second, counters and a bank for the third.
    """
    yield (
        "base",
        "消费积分",
        {
            "base": {"points": 1, "per_fen": 100},
            "tiers": {"bp": {str(tier_ids[code]): bp for code, bp in TIER_BP.items()}},
            "trade_categories": {"bp": {str(trades["jewellery"]): 2_000, str(trades["supermarket"]): 5_000}},
            "product_categories": {"except": [categories[code] for code in NO_POINTS]},
            "excluded_tenders": ["voucher"],
            "caps": {"receipt": 20_000, "member_day": 50_000},
        },
    )
    yield (
        "wednesday",
        "周三会员日餐饮加倍",
        {
            "base": {"points": 1, "per_fen": 100},
            "trade_categories": {"only": [trades[code] for code in ("dining", "tea_coffee", "snack")]},
            "calendar": [{"name": "周三以外", "weekdays": [1, 2, 4, 5, 6, 7], "bp": 0}],
            "minimum_fen": 3_000,
            "excluded_tenders": ["voucher"],
            "caps": {"member_day": 500},
            "funding": {"mall": 6_000, "merchant": 4_000},
        },
    )
    yield (
        "beauty-weekend",
        "周末美妆多倍",
        {
            "base": {"points": 1, "per_fen": 200},
            "trade_categories": {"only": [trades["beauty"]]},
            "calendar": [{"name": "工作日", "weekdays": [1, 2, 3, 4, 5], "bp": 0}],
            "excluded_tenders": ["voucher"],
            "caps": {"member_merchant_day": 1_000},
            "expiry": {"kind": "rolling_months", "months": 6},
            "funding": {"merchant": 5_000, "bank:icbc": 5_000},
        },
    )


def _hire(actor: Viewer, world: World, merchant_id: int, now: dt.datetime) -> None:
    """One log-in of each role; who exists already keeps their password."""
    targets = {"all": 0, "mall": world.mall_id, "merchant": merchant_id}
    known = {member.username for member in organization.staff_list(actor)}
    for username, name, role, level in STAFF:
        if username in known:
            continue
        staff_id = staff.create_staff(
            actor=actor, group_id=world.group_id, username=username, name=name, password=PASSWORD, now=now
        )
        staff.grant_role(
            actor=actor, staff_id=staff_id, role=role, level=level, target_id=targets[level], now=now
        )
