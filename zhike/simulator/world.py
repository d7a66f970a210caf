"""What there is: one group, one mall, six floors, 120 shops with invented brands, and what they sell."""

from __future__ import annotations

import random
from dataclasses import dataclass

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

GROUP_CODE, MALL_CODE = "zhike", "xinghecheng"


@dataclass(frozen=True, slots=True)
class Trade:
    """A line of business: how many shops, where, when people come (hour → weight), how dear, and what is sold."""

    code: str
    name: str
    shops: int
    floors: tuple[str, ...]
    peak_hours: tuple[int, ...]
    traffic: float
    suffixes: tuple[str, ...]
    goods: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Article:
    sku: str
    name: str
    category: str
    price_fen: int


@dataclass(frozen=True, slots=True)
class Shop:
    code: str
    name: str
    trade: Trade
    floor: str
    zone: str
    unit: str
    traffic: float
    articles: tuple[Article, ...]


# fmt: off
TRADES = (
    Trade("dining", "餐饮美食", 30, ("B1", "L4", "L5"), (12, 13, 18, 19, 20), 2.4,
          ("小馆", "火锅", "面馆", "烤肉", "私房菜", "粤菜", "川味", "日料"),
          (("双人套餐", 16_800), ("招牌牛肉面", 3_200), ("鲜果茶", 1_900), ("酸菜鱼", 8_800), ("烤串拼盘", 6_600),
           ("时令蔬菜", 2_800), ("甜品", 2_600), ("家庭套餐", 36_800), ("米饭", 300), ("儿童餐", 4_200))),
    Trade("coffee", "咖啡茶饮", 12, ("B1", "L1", "L2", "L4"), (9, 10, 14, 15, 16), 2.0,
          ("咖啡", "茶饮", "烘焙"),
          (("拿铁", 2_800), ("美式", 2_200), ("手冲", 3_800), ("生椰拿铁", 3_000), ("可颂", 1_800), ("提拉米苏", 3_200),
           ("桂花乌龙", 2_000), ("柠檬茶", 1_800))),
    Trade("fashion", "服饰鞋包", 26, ("L1", "L2", "L3"), (14, 15, 16, 19, 20), 1.2,
          ("服饰", "女装", "男装", "鞋履", "箱包"),
          (("针织衫", 39_900), ("连衣裙", 69_900), ("牛仔裤", 45_900), ("风衣", 129_900), ("衬衫", 35_900),
           ("短袖T恤", 15_900), ("帆布鞋", 32_900), ("乐福鞋", 59_900), ("托特包", 89_900), ("袜子", 2_900))),
    Trade("beauty", "美妆个护", 10, ("L1",), (15, 16, 19, 20), 0.9,
          ("美妆", "香氛", "护肤"),
          (("口红", 28_000), ("精华液", 68_000), ("面霜", 52_000), ("香水", 78_000), ("面膜", 9_900), ("洁面乳", 12_800),
           ("护手霜", 8_800))),
    Trade("jewellery", "珠宝腕表", 7, ("L1",), (15, 16, 17), 0.15,
          ("珠宝", "金饰", "钟表"),
          (("足金吊坠", 358_000), ("钻戒", 1_280_000), ("银手链", 59_800), ("珍珠耳钉", 128_000), ("机械表", 880_000))),
    Trade("kids", "儿童亲子", 12, ("L4",), (10, 11, 15, 16), 0.9,
          ("童装", "玩具", "乐园", "早教"),
          (("积木", 29_900), ("童装套装", 25_900), ("绘本", 4_900), ("乐园门票", 9_800), ("滑板车", 39_900), ("贴纸", 900))),
    Trade("sports", "运动户外", 8, ("L3",), (14, 15, 19), 0.6,
          ("运动", "户外"),
          (("跑鞋", 79_900), ("运动裤", 29_900), ("冲锋衣", 99_900), ("瑜伽垫", 15_900), ("运动袜", 3_900), ("水壶", 12_900))),
    Trade("digital", "数码家电", 5, ("L2",), (14, 15, 16, 20), 0.3,
          ("数码", "智能"),
          (("手机", 499_900), ("耳机", 89_900), ("充电器", 12_900), ("平板", 329_900), ("手机壳", 6_900), ("智能音箱", 29_900))),
    Trade("living", "家居生活", 5, ("L3", "L4"), (14, 15, 16), 0.5,
          ("家居", "花艺"),
          (("香薰蜡烛", 12_800), ("四件套", 59_900), ("马克杯", 5_900), ("鲜花束", 16_800), ("收纳盒", 3_900))),
    Trade("supermarket", "超市便利", 2, ("B1",), (10, 11, 17, 18, 19), 7.0,
          ("精品超市", "便利"),
          (("鲜牛奶", 1_280), ("面包", 1_590), ("鸡蛋", 1_890), ("三文鱼", 5_800), ("苹果", 1_680), ("酸奶", 890),
           ("洗衣液", 3_990), ("纸巾", 1_990), ("薯片", 790), ("牛排", 8_800), ("可乐", 350), ("大米", 5_990))),
    Trade("cinema", "影院娱乐", 3, ("L5",), (14, 19, 20, 21), 1.4,
          ("影城", "电玩", "KTV"),
          (("电影票", 4_500), ("爆米花套餐", 3_800), ("游戏币", 5_000), ("欢唱三小时", 19_800))),
)
# fmt: on
FLOORS = (
    ("B1", "地下一层", -1),
    ("L1", "一层", 1),
    ("L2", "二层", 2),
    ("L3", "三层", 3),
    ("L4", "四层", 4),
    ("L5", "五层", 5),
)
ZONES = (("E", "东区"), ("W", "西区"))
BRAND_WORDS = (
    "青禾 拾光 山月 云杉 南屿 木言 花间 鹿鸣 知秋 半夏 北巷 白鹭 晚风 松间 一隅 橙里 归野 听潮 小满 谷雨 远山 星屿 浅草 "
    "岚图 初见 海棠 竹影 知味 禾木 朝露 暖阳 安然 清欢 素年 叶子 栖木 溪谷 麦田 蓝湾 丁香 四季 云上 沐风 和光 巷口 长亭 "
    "石榴 银杏 蜜柑 琥珀 墨白 鲸落 晴川 霁月 双屿 万象 柒号 梧桐 雪松 芳草"
).split()


def build_shops(seed: int) -> tuple[Shop, ...]:
    """The 120 shops; the same seed gives the same ones."""
    rng = random.Random(f"shops-{seed}")
    words = [*BRAND_WORDS, *BRAND_WORDS]
    rng.shuffle(words)
    shops: list[Shop] = []
    taken: set[str] = set()
    units: dict[tuple[str, str], int] = {}
    for trade in TRADES:
        for _ in range(trade.shops):
            name = _new_name(words[len(shops) % len(words)], trade, taken, rng)
            floor, zone = rng.choice(trade.floors), rng.choice("EW")
            units[floor, zone] = units.get((floor, zone), 0) + 1
            unit = f"{floor}-{zone}{units[floor, zone]:02d}"
            code = f"{trade.code[:2].upper()}{len(shops) + 1:03d}"
            traffic = trade.traffic * rng.uniform(0.5, 1.6)
            shops.append(Shop(code, name, trade, floor, zone, unit, traffic, _articles(code, trade, rng)))
    return tuple(shops)


def _new_name(word: str, trade: Trade, taken: set[str], rng: random.Random) -> str:
    while True:
        name = word + rng.choice(trade.suffixes)
        if name not in taken:
            taken.add(name)
            return name
        word = rng.choice(BRAND_WORDS)


def _articles(code: str, trade: Trade, rng: random.Random) -> tuple[Article, ...]:
    """What a shop sells: its trade's goods at its own prices, ending in a round jiao."""
    return tuple(
        Article(f"{code}-{index:02d}", name, trade.code, max(100, round(price * rng.uniform(0.75, 1.35) / 10) * 10))
        for index, (name, price) in enumerate(trade.goods, start=1)
    )


def organization_of(shops: tuple[Shop, ...]) -> OrganizationSpec:
    """The shops as the organisation's loader takes them."""
    units: dict[tuple[str, str], list[UnitSpec]] = {}
    for shop in shops:
        units.setdefault((shop.floor, shop.zone), []).append(UnitSpec(shop.unit))
    floors = tuple(
        FloorSpec(
            code,
            name,
            position,
            tuple(ZoneSpec(f"{code}-{zone}", label, tuple(units.get((code, zone), ()))) for zone, label in ZONES),
        )
        for code, name, position in FLOORS
    )
    merchants = tuple(
        MerchantSpec(
            shop.code, shop.name, shop.floor, f"{shop.floor}-{shop.zone}", shop.unit, f"B-{shop.code}", shop.trade.code
        )
        for shop in shops
    )
    return OrganizationSpec(
        GROUP_CODE,
        "知客商业",
        tuple(TradeCategorySpec(trade.code, trade.name) for trade in TRADES),
        tuple(BrandSpec(f"B-{shop.code}", shop.name) for shop in shops),
        (MallSpec(MALL_CODE, "星河城", address="星河路 88 号", floors=floors, merchants=merchants),),
    )
