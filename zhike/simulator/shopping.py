"""What they buy and bring back, day by day: weekends and holidays are full, Mondays are quiet, mealtimes are busy."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from zhike.simulator.people import Visitor, draw
from zhike.simulator.world import Article, Shop

ZONE = ZoneInfo("Asia/Shanghai")
WEEKDAY = (0.78, 0.8, 0.82, 0.88, 1.12, 1.5, 1.42)
ANONYMOUS_SHARE = 0.15
RETURN_SHARE = 0.022
TENDERS = (("wechat", 55), ("alipay", 30), ("card", 10), ("cash", 5))


@dataclass(frozen=True, slots=True)
class Bought:
    article: Article
    pieces: int
    discount_fen: int

    @property
    def net_fen(self) -> int:
        return self.article.price_fen * self.pieces - self.discount_fen


@dataclass(slots=True)
class Basket:
    """One sale; ``visitor`` is None for a stranger. ``returned`` is the line brought back ``returned_at``, if any."""

    shop: int
    visitor: int | None
    at: dt.datetime
    number: str
    lines: tuple[Bought, ...]
    tenders: tuple[tuple[str, int], ...]
    returned: int | None = None
    returned_at: dt.datetime | None = None

    @property
    def net_fen(self) -> int:
        return sum(line.net_fen for line in self.lines)


def holiday_factor(day: dt.date) -> float:
    """Public holidays in China fill a mall; the days around 618 and Double Eleven fill it with bags."""
    import holidays

    if day in holidays.country_holidays("CN", years=day.year):
        return 1.6
    if (day.month, day.day) in {(6, 16), (6, 17), (6, 18), (11, 9), (11, 10), (11, 11)}:
        return 1.35
    return 1.0


def build_baskets(
    people: Sequence[Visitor], shops: Sequence[Shop], seed: int, today: dt.date, days: int, receipts: int
) -> Iterator[Basket]:
    """About ``receipts`` sales of the ``days`` before ``today`` and of today itself, in the order they happen."""
    rng = random.Random(f"baskets-{seed}-{today}")
    calendar = [today - dt.timedelta(days=days - offset) for offset in range(days + 1)]
    weights = [WEEKDAY[day.weekday()] * holiday_factor(day) for day in calendar]
    scale = receipts / sum(weights)
    pulls = list(itertools.accumulate(person.pull for person in people))
    traffic = list(itertools.accumulate(shop.traffic for shop in shops))
    for day, weight in zip(calendar, weights, strict=True):
        count = round(scale * weight * rng.uniform(0.93, 1.07))
        yield from _day(rng, people, shops, pulls, traffic, day, count)


def _day(
    rng: random.Random,
    people: Sequence[Visitor],
    shops: Sequence[Shop],
    pulls: list[float],
    traffic: list[float],
    day: dt.date,
    count: int,
) -> list[Basket]:
    baskets = []
    for _ in range(count):
        visitor = None if rng.random() < ANONYMOUS_SHARE else people[draw(rng, pulls)]
        if visitor is not None and visitor.enrolled_at.date() >= day:
            visitor = None
        favourite = visitor is not None and rng.random() < 0.65
        index = rng.choice(visitor.favourites) if visitor and favourite else draw(rng, traffic)
        baskets.append(_basket(rng, shops[index], index, visitor, day))
    baskets.sort(key=lambda basket: basket.at)
    numbers: dict[int, int] = {}
    for basket in baskets:
        numbers[basket.shop] = numbers.get(basket.shop, 0) + 1
        basket.number = f"{day:%y%m%d}{numbers[basket.shop]:04d}"
    return baskets


def _basket(rng: random.Random, shop: Shop, index: int, visitor: Visitor | None, day: dt.date) -> Basket:
    hour = rng.choice(shop.trade.peak_hours) if rng.random() < 0.7 else rng.randrange(10, 22)
    local = dt.datetime(day.year, day.month, day.day, hour, rng.randrange(60), rng.randrange(60), tzinfo=ZONE)
    pieces = 1 + min(int(rng.expovariate(1.1)), 5)
    chosen = rng.sample(shop.articles, min(pieces, len(shop.articles)))
    discount = visitor is not None and rng.random() < 0.12
    lines = tuple(
        Bought(article, quantity, article.price_fen * quantity // 10 if discount else 0)
        for article in chosen
        for quantity in (rng.choices((1, 2, 3), (85, 12, 3))[0],)
    )
    net = sum(line.net_fen for line in lines)
    kind = rng.choices([tender for tender, _ in TENDERS], [weight for _, weight in TENDERS])[0]
    voucher = min(net // 2, 2_000) if net > 10_000 and rng.random() < 0.05 else 0
    tenders = ((kind, net - voucher), ("voucher", voucher)) if voucher else ((kind, net),)
    basket = Basket(index, visitor.index if visitor else None, local.astimezone(dt.UTC), "", lines, tenders)
    if visitor is not None and rng.random() < RETURN_SHARE:
        basket.returned = rng.randrange(len(lines))
        basket.returned_at = basket.at + dt.timedelta(days=rng.randrange(1, 8), minutes=rng.randrange(-120, 120))
    return basket


def fingerprint(people: Sequence[Visitor], baskets: Sequence[Basket]) -> str:
    """SHA-256 over everything that was made up; the same seed, date and size give the same one."""
    digest = hashlib.sha256()
    for person in people:
        digest.update(f"{person.name}{person.phone}{person.birthday}{person.enrolled_at}{person.favourites}\n".encode())
    for basket in baskets:
        bought = [(line.article.sku, line.pieces, line.net_fen) for line in basket.lines]
        digest.update(
            f"{basket.shop}{basket.visitor}{basket.at}{basket.number}{bought}{basket.tenders}{basket.returned}\n".encode()
        )
    return digest.hexdigest()
