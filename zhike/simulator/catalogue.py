"""What the mall consists of: its lines of business, merchants and articles, read from data and varied by a seed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

DATA = Path(__file__).parent / "data"
ZONES = (("E", "东区"), ("C", "中庭"), ("W", "西区"))
VARIANTS_MAX = 2


@dataclass(frozen=True, slots=True)
class Template:
    """An article as its line of business sells it: price range in yuan, weight, category where it has its own."""

    name: str
    low: int
    high: int
    weight: int
    category: str


@dataclass(frozen=True, slots=True)
class Trade:
    code: str
    name: str
    parent: str
    hours: str
    lines: float
    share: float
    returns: float
    styles: tuple[str, ...]
    templates: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Article:
    sku: str
    name: str
    category: str
    price_fen: int


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant. `weights` are cumulative, one per article."""

    index: int
    code: str
    name: str
    trade: Trade
    floor: str
    zone: str
    unit: str
    share: float
    tills: int
    articles: tuple[Article, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Floor:
    code: str
    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    trades: dict[str, Trade]
    trade_parents: dict[str, str]
    categories: dict[str, str]
    floors: tuple[Floor, ...]
    shops: tuple[Shop, ...]


def build_catalogue(seed: int) -> Catalogue:
    """The same mall for the same seed; merchants are always the same, their prices and tills vary."""
    data = _data()
    rng = Random(f"catalogue/{seed}")
    trades = {entry["code"]: _trade(entry) for entry in data["trades"]}
    floors = tuple(Floor(entry["code"], entry["name"], entry["position"]) for entry in data["floors"])
    shops: list[Shop] = []
    for entry in data["floors"]:
        for place, (trade, name) in enumerate(_merchants(entry["merchants"])):
            shops.append(_shop(rng, len(shops), trades[trade], name, entry["code"], place))
    return Catalogue(trades, data["trade_parents"], data["categories"], floors, tuple(shops))


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((DATA / "mall.toml").read_text(encoding="utf-8"))


def _trade(entry: dict[str, Any]) -> Trade:
    templates = tuple(
        _template(text, entry["category"])
        for text in entry["products"].replace("\n", "|").split("|")
        if text.strip()
    )
    return Trade(
        code=entry["code"],
        name=entry["name"],
        parent=entry["parent"],
        hours=entry["hours"],
        lines=entry["lines"],
        share=entry["share"],
        returns=entry["returns"],
        styles=tuple(entry.get("styles", "").split()),
        templates=templates,
    )


def _template(text: str, category: str) -> Template:
    named, low, high, weight = text.split()
    name, _, own = named.partition("@")
    return Template(name, int(low), int(high), int(weight), own or category)


def _merchants(text: str) -> list[tuple[str, str]]:
    """(trade, name) of every merchant of a floor."""
    lines = (line.split() for line in text.strip().splitlines())
    return [(trade, name) for trade, *names in lines for name in names]


def _shop(rng: Random, index: int, trade: Trade, name: str, floor: str, place: int) -> Shop:
    code = f"{floor}{place + 1:02d}"
    zone = ZONES[place % len(ZONES)][0]
    level = rng.uniform(0.1, 0.9)
    articles: list[Article] = []
    weights: list[float] = []
    for template in trade.templates:
        for style in _styles(rng, trade):
            price = _price(rng, template, level)
            articles.append(
                Article(f"{code}{len(articles) + 1:03d}", style + template.name, template.category, price)
            )
            weights.append(template.weight * rng.uniform(0.5, 1.5))
    return Shop(
        index=index,
        code=code,
        name=name,
        trade=trade,
        floor=floor,
        zone=zone,
        unit=f"{floor}-{zone}{place // len(ZONES) + 1:02d}",
        share=trade.share * rng.uniform(0.6, 1.4),
        tills=8 if trade.code == "supermarket" else rng.randint(1, 2),
        articles=tuple(articles),
        weights=tuple(accumulate(weights)),
    )


def _styles(rng: Random, trade: Trade) -> list[str]:
    return rng.sample(trade.styles, VARIANTS_MAX) if trade.styles else [""]


def _price(rng: Random, template: Template, level: float) -> int:
    """A price as shops write it: to the yuan, ending in 9 from fifty yuan on; small things to ten fen."""
    yuan = template.low + (template.high - template.low) * min(1.0, max(0.0, rng.gauss(level, 0.15)))
    if yuan >= 50:
        return (int(yuan) // 10 * 10 + 9) * 100
    return round(yuan * 10) * 10
