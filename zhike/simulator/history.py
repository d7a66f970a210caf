"""What happens in the mall: who buys what, where and when, what comes back, who spends points. Pure and repeatable."""

from __future__ import annotations

import datetime as dt
import hashlib
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import NamedTuple

import msgspec

from zhike.kernel.garbage import paused_collection
from zhike.simulator.catalogue import Catalogue, Shop, build_catalogue
from zhike.simulator.people import Person, build_people
from zhike.simulator.rhythm import CLOSES, OPENS, busyness, hour_weights

ANONYMOUS_SHARE = 0.24
FAVOURITE_SHARE = 0.72
DISCOUNT_SHARE = 0.12
REDEEM_SHARE = 0.028
PARTIAL_RETURN_SHARE = 0.15
RETURN_DAYS_MAX = 12
ADJUSTED_PER_DAY = 0.9
GOES_ON_SHARE = 0.3
GOES_ON_WITHIN = dt.timedelta(hours=2)
GOES_ON_UNTIL = dt.timedelta(days=45)
"""Newer days are left alone: experiments are measured in them."""
GOES_WITH = {
    "dining": ("tea_coffee", "cinema"),
    "snack": ("tea_coffee", "books"),
    "tea_coffee": ("books", "beauty"),
    "cinema": ("snack", "tea_coffee"),
    "kids": ("snack", "leisure"),
    "leisure": ("snack", "kids"),
    "women": ("beauty", "shoes_bags"),
    "men": ("shoes_bags", "digital"),
    "sports": ("tea_coffee", "men"),
    "shoes_bags": ("women", "tea_coffee"),
    "beauty": ("lingerie", "tea_coffee"),
    "books": ("tea_coffee", "kids"),
    "home": ("supermarket", "dining"),
    "supermarket": ("snack", "services"),
}
"""Where members go on to on the same day: one shop has always the same neighbours, so that rules can be found."""
TENDERS = ("wechat", "alipay", "card", "cash", "stored_value")
TENDER_WEIGHTS = (54, 84, 93, 98, 100)
VOUCHER_SHARE = 0.03
ADJUSTMENTS = (
    (200, "投诉安抚补偿"), (500, "活动漏积分补发"), (100, "停车系统故障致歉"), (300, "生日礼遇补发"),
    (-200, "误积分更正"), (1000, "老系统积分迁移"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Size:
    """How much happens: members, days of history, receipts on an ordinary day."""

    members: int
    days: int
    receipts_per_day: int


SIZES = {
    "tiny": Size(members=120, days=28, receipts_per_day=24),
    "demo": Size(members=20_000, days=182, receipts_per_day=400),
    "million": Size(members=1_000_000, days=2, receipts_per_day=2_000),
}


class SimLine(NamedTuple):
    """`article` is its place in the shop's list; `discount_fen` and `net_fen` are of the whole line."""

    article: int
    quantity: int
    unit_price_fen: int
    discount_fen: int
    net_fen: int


class SimReceipt(NamedTuple):
    """A sale; or a return of the lines `original_lines` (from 1) of the sale at place `original` of the history."""

    at: dt.datetime
    shop: int
    till: str
    number: str
    person: int | None
    lines: tuple[SimLine, ...]
    tenders: tuple[tuple[str, int], ...]
    cashier: str
    original: int | None = None
    original_lines: tuple[int, ...] = ()

    @property
    def net_fen(self) -> int:
        return sum(line.net_fen for line in self.lines)


class SimRedemption(NamedTuple):
    """A member wants to spend a share of what they have then."""

    at: dt.datetime
    person: int
    shop: int
    share: float


class SimAdjustment(NamedTuple):
    at: dt.datetime
    person: int
    points: int
    reason: str


@dataclass(slots=True)
class History:
    """Everything that happens, in order of time; times are local and naive."""

    catalogue: Catalogue
    people: list[Person]
    receipts: list[SimReceipt] = field(default_factory=list)
    redemptions: list[SimRedemption] = field(default_factory=list)
    adjustments: list[SimAdjustment] = field(default_factory=list)

    def content_hash(self) -> str:
        """SHA-256 of all of it."""
        digest = hashlib.sha256()
        encode = msgspec.msgpack.Encoder().encode
        for items in (self.catalogue.shops, self.people, self.receipts, self.redemptions, self.adjustments):
            for item in items:
                digest.update(encode(item))
        return digest.hexdigest()


def build_history(size: Size, seed: int, today: dt.date) -> History:
    """The last `size.days` days up to and including `today`."""
    start = today - dt.timedelta(days=size.days - 1)
    catalogue = build_catalogue(seed)
    people = build_people(seed, size.members, catalogue, start, today)
    history = History(catalogue, people)
    mall = _Mall(Random(f"history/{seed}"), history, today)
    with paused_collection():
        for offset in range(size.days):
            mall.live(start + dt.timedelta(days=offset), size.receipts_per_day)
    return history


@dataclass(slots=True)
class _Draft:
    """A receipt before the day is sorted and numbered."""

    at: dt.datetime
    shop: Shop
    person: int | None
    lines: tuple[SimLine, ...]
    voucher: bool
    original: int | None = None
    original_lines: tuple[int, ...] = ()


class _Mall:
    """One day after the other."""

    def __init__(self, rng: Random, history: History, today: dt.date) -> None:
        self.rng, self.history = rng, history
        self.shops = history.catalogue.shops
        self.popularity = list(accumulate(shop.share for shop in self.shops))
        self.pulls = list(accumulate(person.pull for person in history.people))
        self.joined = [person.joined_on for person in history.people]
        self.going_on = Random("going on")
        self.together_until = today - GOES_ON_UNTIL
        self.coming_back: dict[dt.date, list[tuple[int, tuple[int, ...]]]] = defaultdict(list)

    def live(self, day: dt.date, ordinary: int) -> None:
        rng = self.rng
        count = round(ordinary * busyness(day) * rng.uniform(0.93, 1.07))
        members = bisect_left(self.joined, day + dt.timedelta(days=1))
        drafts = [*self._newcomers(day), *self._returns(day)]
        settled = len(drafts)
        for _ in range(max(0, count - len(drafts))):
            drafts.append(self._visit(day, members))
        if day <= self.together_until:
            self._go_on(drafts[settled:])
        drafts.sort(key=lambda draft: (draft.at, draft.shop.index))
        self._number(day, drafts)
        if members and rng.random() < ADJUSTED_PER_DAY * min(1.0, max(0.2, members / 1000)):
            points, reason = rng.choice(ADJUSTMENTS)
            at = dt.datetime.combine(day, dt.time(20, rng.randint(0, 59), rng.randint(0, 59)))
            self.history.adjustments.append(SimAdjustment(at, rng.randrange(members), points, reason))

    def _visit(self, day: dt.date, members: int) -> _Draft:
        rng = self.rng
        if not members or rng.random() < ANONYMOUS_SHARE:
            shop = self.shops[rng.choices(range(len(self.shops)), cum_weights=self.popularity)[0]]
            return self._purchase(day, shop, None)
        person = self.history.people[bisect_left(self.pulls, rng.random() * self.pulls[members - 1])]
        return self._purchase(day, self._choose_shop(person), person)

    def _go_on(self, drafts: Sequence[_Draft]) -> None:
        """Some members go on to another shop: a later purchase there, of anybody, becomes theirs. Nothing else changes."""
        rng = self.going_on
        by_trade: dict[str, list[_Draft]] = defaultdict(list)
        for draft in drafts:
            by_trade[draft.shop.trade.code].append(draft)
        for first in drafts:
            trades = GOES_WITH.get(first.shop.trade.code)
            if first.person is None or trades is None or rng.random() >= GOES_ON_SHARE:
                continue
            later = [
                draft
                for draft in by_trade[trades[rng.random() < 0.3]]
                if dt.timedelta(0) < draft.at - first.at < GOES_ON_WITHIN and draft.person != first.person
            ]
            if later:
                # The same shop draws the same neighbours most of the time.
                chosen = min(
                    later, key=lambda draft: ((draft.shop.index * 7 + first.shop.index) % 5, draft.at)
                )
                chosen.person = first.person

    def _choose_shop(self, person: Person) -> Shop:
        rng = self.rng
        if rng.random() < FAVOURITE_SHARE:
            return self.shops[rng.choices(person.favourites, cum_weights=person.liking)[0]]
        return self.shops[rng.choices(range(len(self.shops)), cum_weights=self.popularity)[0]]

    def _newcomers(self, day: dt.date) -> Iterator[_Draft]:
        """Whoever joins does so while buying something."""
        first, last = bisect_left(self.joined, day), bisect_left(self.joined, day + dt.timedelta(days=1))
        for person in self.history.people[first:last]:
            yield self._purchase(day, self._choose_shop(person), person)

    def _purchase(self, day: dt.date, shop: Shop, person: Person | None) -> _Draft:
        rng = self.rng
        lines = _fill_basket(rng, shop, person)
        buyer = person.index if person else None
        return _Draft(self._moment(day, shop), shop, buyer, lines, rng.random() < VOUCHER_SHARE)

    def _moment(self, day: dt.date, shop: Shop) -> dt.datetime:
        rng = self.rng
        hour = rng.choices(range(OPENS, CLOSES), cum_weights=hour_weights(shop.trade.hours))[0]
        return dt.datetime.combine(day, dt.time(hour, rng.randint(0, 59), rng.randint(0, 59)))

    def _returns(self, day: dt.date) -> Iterator[_Draft]:
        for original, places in self.coming_back.pop(day, []):
            sale = self.history.receipts[original]
            shop = self.shops[sale.shop]
            lines = tuple(self._returned(sale.lines[place - 1]) for place in places)
            yield _Draft(self._moment(day, shop), shop, sale.person, lines, False, original, places)

    def _returned(self, sold: SimLine) -> SimLine:
        """All of a line, or now and then one of several pieces: its share of what was paid, halves up."""
        if sold.quantity == 1 or self.rng.random() >= PARTIAL_RETURN_SHARE:
            return sold
        net = (2 * sold.net_fen + sold.quantity) // (2 * sold.quantity)
        return SimLine(sold.article, 1, sold.unit_price_fen, max(0, sold.unit_price_fen - net), net)

    def _number(self, day: dt.date, drafts: Sequence[_Draft]) -> None:
        """Each till numbers its receipts through the day."""
        rng, counts = self.rng, Counter[tuple[int, int]]()
        for draft in drafts:
            till = rng.randint(1, draft.shop.tills)
            counts[draft.shop.index, till] += 1
            number = f"{day:%y%m%d}{till}{counts[draft.shop.index, till]:04d}"
            place = len(self.history.receipts)
            self.history.receipts.append(
                SimReceipt(
                    draft.at,
                    draft.shop.index,
                    f"T{till}",
                    number,
                    draft.person,
                    draft.lines,
                    _pay(rng, draft.lines, voucher=draft.voucher),
                    f"{draft.shop.code}-{1 + (till + day.toordinal()) % 3}",
                    draft.original,
                    draft.original_lines,
                )
            )
            self._what_follows(draft, place)

    def _what_follows(self, draft: _Draft, place: int) -> None:
        """A sale may come back in the next days, and its buyer may spend points on the way out."""
        rng = self.rng
        if draft.original is not None:
            return
        if rng.random() < draft.shop.trade.returns:
            day = draft.at.date() + dt.timedelta(days=rng.randint(1, RETURN_DAYS_MAX))
            self.coming_back[day].append((place, (rng.randint(1, len(draft.lines)),)))
        if draft.person is not None and rng.random() < REDEEM_SHARE:
            at = draft.at + dt.timedelta(minutes=rng.randint(4, 40))
            shop = self._choose_shop(self.history.people[draft.person]).index
            self.history.redemptions.append(
                SimRedemption(at, draft.person, shop, rng.choice((0.3, 0.5, 0.8, 1.0)))
            )


def one_purchase(rng: Random, shop: Shop, person: Person | None) -> SimReceipt:
    """A sale outside any history: what somebody buys here, and how they pay. Time and number are for others to give."""
    lines = _fill_basket(rng, shop, person)
    tenders = _pay(rng, lines, voucher=rng.random() < VOUCHER_SHARE)
    return SimReceipt(dt.datetime.min, shop.index, "", "", None, lines, tenders, "")  # noqa: DTZ901


def _fill_basket(rng: Random, shop: Shop, person: Person | None) -> tuple[SimLine, ...]:
    count = min(len(shop.articles), 1 + _poisson(rng, shop.trade.lines - 1))
    chosen = dict.fromkeys(rng.choices(range(len(shop.articles)), cum_weights=shop.weights, k=count))
    spending = person.spending if person else 1.0
    percent = rng.choice((10, 12, 15, 20, 30)) if rng.random() < DISCOUNT_SHARE else 0
    return tuple(_line(rng, shop, article, spending, percent) for article in chosen)


def _line(rng: Random, shop: Shop, place: int, spending: float, percent: int) -> SimLine:
    article = shop.articles[place]
    quantity = 1
    if article.price_fen < 10_000 and rng.random() < 0.35 * spending:
        quantity = rng.randint(2, 4)
    gross = article.price_fen * quantity
    discount = gross * percent // 100
    return SimLine(place, quantity, article.price_fen, discount, gross - discount)


def _pay(rng: Random, lines: Sequence[SimLine], *, voucher: bool) -> tuple[tuple[str, int], ...]:
    net = sum(line.net_fen for line in lines)
    kind = rng.choices(TENDERS, cum_weights=TENDER_WEIGHTS)[0]
    off = min(net // 2, 5_000) // 1_000 * 1_000
    if voucher and off:
        return ((kind, net - off), ("voucher", off))
    return ((kind, net),)


def _poisson(rng: Random, mean: float) -> int:
    """Knuth's method: fine for small means."""
    if mean <= 0:
        return 0
    limit, product, count = 2.718281828459045**-mean, rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
