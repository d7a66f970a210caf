"""The people of our tests and the malls they meet in: 星河城 and 云港汇 of one group.

Builders are plain functions that go through the operations; the fixtures below them are known to every test.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pytest

if TYPE_CHECKING:
    from zhike.kernel.access import Viewer

NOW = dt.datetime(2026, 3, 8, 2, 0, tzinfo=dt.UTC)
"""A Sunday morning at ten in the malls."""

PASSWORD = "a quiet river of seven stones"


@dataclass(frozen=True)
class Malls:
    """Ids. 星河城 has a café, a fashion shop and a jeweller, 云港汇 a noodle bar."""

    group: int
    star: int
    cloud: int
    cafe: int
    fashion: int
    jeweller: int
    noodles: int


class Hired:
    """People who work here, each hired when first spoken of: most tests know one or two of them."""

    HOW: ClassVar[dict[str, tuple[str, str, tuple[str, str, str] | None]]]
    """User name, name, and (role, level, the place as `Malls` names it; "" for the whole group)."""

    def __init__(self, malls: Malls, now: dt.datetime = NOW, password: str | None = None) -> None:
        self._arguments = (malls, now, password)
        self._one_at_a_time = threading.RLock()

    def __getattr__(self, name: str) -> Viewer:
        if name not in self.HOW:
            raise AttributeError(name)
        malls, now, password = self._arguments
        username, full_name, role = self.HOW[name]
        roles = [(role[0], role[1], getattr(malls, role[2]) if role[2] else 0)] if role else []
        with self._one_at_a_time:
            if name not in vars(self):
                viewer = hire(malls, username, full_name, *roles, password=password, now=now)
                setattr(self, name, viewer)
        found: Viewer = vars(self)[name]
        return found

    def all(self) -> list[Viewer]:
        return [getattr(self, name) for name in self.HOW]


class Crew(Hired):
    """Viewers of those who work here."""

    admin: Viewer  # everything
    lin: Viewer  # group manager
    wang: Viewer  # mall manager of 星河城
    qian: Viewer  # mall manager of 云港汇
    ops: Viewer  # operations of the group
    chen: Viewer  # marketer of the group
    sun: Viewer  # service desk of 星河城
    he: Viewer  # merchant manager of the café
    li: Viewer  # cashier of the café, 星河城
    zhao: Viewer  # cashier of the noodle bar, 云港汇
    zhou: Viewer  # sales associate of the fashion shop
    wu: Viewer  # auditor
    nobody: Viewer  # works here without any role

    HOW = {
        "admin": ("admin", "管理员", ("admin", "all", "")),
        "lin": ("lin", "林总", ("group_manager", "all", "")),
        "wang": ("wang", "王店总", ("mall_manager", "mall", "star")),
        "qian": ("qian", "钱店总", ("mall_manager", "mall", "cloud")),
        "ops": ("feng", "冯运营", ("operations", "all", "")),
        "chen": ("chen", "陈营销", ("marketer", "all", "")),
        "sun": ("sun", "孙客服", ("service_agent", "mall", "star")),
        "he": ("he", "何店长", ("merchant_manager", "merchant", "cafe")),
        "li": ("li", "李收银", ("cashier", "merchant", "cafe")),
        "zhao": ("zhao", "赵收银", ("cashier", "merchant", "noodles")),
        "zhou": ("zhou", "周导购", ("sales_associate", "merchant", "fashion")),
        "wu": ("wu", "吴审计", ("auditor", "all", "")),
        "nobody": ("tang", "唐新人", None),
    }


def build_malls(now: dt.datetime = NOW) -> Malls:
    from zhike.kernel.access import system_viewer
    from zhike.organization.operations import loading

    star = loading.MallSpec(
        "XHC",
        "星河城",
        floors=(
            loading.FloorSpec("L1", "一层", 1, (loading.ZoneSpec("A", "A 区", (loading.UnitSpec("101"),)),)),
            loading.FloorSpec("L2", "二层", 2),
        ),
        merchants=(
            loading.MerchantSpec("C001", "半山咖啡", "L1", "A", "101", "BANSHAN", "cafe"),
            loading.MerchantSpec("F001", "云裳女装", "L2", trade_category_code="fashion"),
            loading.MerchantSpec("J001", "老凤祥", "L1", trade_category_code="jewellery"),
        ),
    )
    cloud = loading.MallSpec(
        "YGH",
        "云港汇",
        floors=(loading.FloorSpec("L1", "一层", 1),),
        merchants=(loading.MerchantSpec("N001", "阿婆面馆", "L1", trade_category_code="food"),),
    )
    spec = loading.OrganizationSpec(
        "ZK",
        "知客商业集团",
        trade_categories=(
            loading.TradeCategorySpec("food", "餐饮"),
            loading.TradeCategorySpec("cafe", "咖啡", "food"),
            loading.TradeCategorySpec("fashion", "服饰"),
            loading.TradeCategorySpec("jewellery", "珠宝"),
        ),
        brands=(loading.BrandSpec("BANSHAN", "半山"),),
        malls=(star, cloud),
    )
    loaded = loading.load_organization(actor=system_viewer("tests"), spec=spec, now=now)
    ids = loaded.merchant_ids
    return Malls(
        group=loaded.group_id,
        star=loaded.mall_ids["XHC"],
        cloud=loaded.mall_ids["YGH"],
        cafe=ids["XHC", "C001"],
        fashion=ids["XHC", "F001"],
        jeweller=ids["XHC", "J001"],
        noodles=ids["YGH", "N001"],
    )


def hire(
    malls: Malls,
    username: str,
    name: str,
    *roles: tuple[str, str, int],
    password: str | None = None,
    now: dt.datetime = NOW,
) -> Viewer:
    """The viewer of a new member of staff with (role, level, target id) each; without a password they cannot log in."""
    from zhike.kernel.access import system_viewer
    from zhike.organization import queries
    from zhike.organization.operations import staff

    actor = system_viewer("tests")
    staff_id = staff.create_staff(
        actor=actor, group_id=malls.group, username=username, name=name, password=password, now=now
    )
    for role, level, target_id in roles:
        staff.grant_role(actor=actor, staff_id=staff_id, role=role, level=level, target_id=target_id, now=now)
    return queries.viewer_of_staff(staff_id)


def build_crew(malls: Malls) -> Crew:
    return Crew(malls)


def meet(
    malls: Malls,
    name: str,
    phone: str,
    *,
    card: str = "",
    mall_id: int | None = None,
    merchant_id: int | None = None,
    now: dt.datetime = NOW,
    **profile: object,
) -> int:
    """A new person's id; enrolled at the café of 星河城 unless told otherwise."""
    from zhike.customers import operations as customers
    from zhike.kernel.access import system_viewer

    identifiers = [customers.NewIdentifier("phone", phone)]
    if card:
        identifiers.append(customers.NewIdentifier("card", card))
    if mall_id is None and merchant_id is None:
        mall_id, merchant_id = malls.star, malls.cafe
    return customers.create_person(
        actor=system_viewer("tests"),
        group_id=malls.group,
        name=name,
        identifiers=identifiers,
        source="till",
        mall_id=mall_id,
        merchant_id=merchant_id,
        now=now,
        **profile,  # type: ignore[arg-type]
    )


def publish_policy(malls: Malls, version: str = "2026-01", now: dt.datetime = NOW) -> int:
    from zhike.kernel.access import system_viewer
    from zhike.privacy import operations as privacy

    return privacy.publish_policy(
        actor=system_viewer("tests"),
        group_id=malls.group,
        version=version,
        title="会员隐私政策",
        text="我们为会员服务处理您的手机号与消费记录。",
        terms={
            "membership": {"categories": ["phone", "receipts"], "retention_days": 1095},
            "marketing": {"categories": ["phone"], "retention_days": 365},
        },
        now=now,
    )


@pytest.fixture
def now() -> dt.datetime:
    return NOW


@pytest.fixture
def malls(db: None) -> Malls:
    return build_malls()


@pytest.fixture
def crew(malls: Malls) -> Crew:
    return build_crew(malls)


@pytest.fixture
def policy(malls: Malls) -> str:
    """The version of a published policy."""
    publish_policy(malls)
    return "2026-01"


@pytest.fixture
def zhang_san(malls: Malls) -> int:
    """张三, female, enrolled at the café of 星河城; phone 138 0013 8000, card VIP0001."""
    return meet(malls, "张三", "13800138000", card="VIP0001", sex="female", birthday=dt.date(1990, 5, 12))


@pytest.fixture
def li_si(malls: Malls) -> int:
    """李四, enrolled at the noodle bar of 云港汇; phone 139 0013 9000."""
    return meet(malls, "李四", "13900139000", mall_id=malls.cloud, merchant_id=malls.noodles)
