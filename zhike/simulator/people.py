"""The members: names, birthdays, where they like to go and how often they come."""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random

from zhike.simulator.catalogue import DATA, Catalogue

PHONES_FROM = 199_0000_0000
PHONES = 10_000_000
PHONE_STEP = 7_654_321

# fmt: off
KINDS: dict[str, tuple[float, float, tuple[int, int], dict[str, float]]] = {
    "office": (0.24, 0.55, (24, 42),
               {"tea_coffee": 4, "snack": 4, "dining": 2, "women": 1, "men": 1, "services": 1}),
    "family": (0.22, 0.60, (28, 46),
               {"kids": 4, "supermarket": 4, "dining": 3, "cinema": 1, "books": 1, "home": 2}),
    "fashion": (0.18, 0.93, (20, 36),
                {"women": 5, "beauty": 4, "tea_coffee": 3, "shoes_bags": 2, "lingerie": 2}),
    "sporty": (0.10, 0.30, (18, 40),
               {"sports": 5, "men": 2, "digital": 2, "snack": 2, "cinema": 1}),
    "senior": (0.10, 0.58, (52, 74),
               {"supermarket": 7, "snack": 2, "services": 1, "jewellery": 0.4, "home": 1}),
    "student": (0.11, 0.50, (16, 24),
                {"snack": 3, "tea_coffee": 4, "cinema": 2, "books": 2, "leisure": 2, "digital": 1}),
    "affluent": (0.05, 0.62, (30, 58),
                 {"jewellery": 2, "women": 3, "beauty": 3, "dining": 4, "digital": 1, "shoes_bags": 2}),
}
# fmt: on
"""Share of the members, share of women, ages, and how strongly each line of business draws them."""

SPENDING = {
    "affluent": 2.6,
    "fashion": 1.2,
    "office": 1.0,
    "family": 1.1,
    "sporty": 1.0,
    "senior": 0.8,
    "student": 0.7,
}


@dataclass(frozen=True, slots=True)
class Person:
    """A member. `favourites` are indexes of shops with cumulative `liking`; `pull` is how often they come."""

    index: int
    name: str
    sex: str
    birthday: dt.date
    phone: str
    kind: str
    joined_on: dt.date
    pull: float
    favourites: tuple[int, ...]
    liking: tuple[float, ...]
    spending: float
    channels: tuple[str, ...]


def build_people(seed: int, count: int, catalogue: Catalogue, start: dt.date, end: dt.date) -> list[Person]:
    """Members in the order they joined: six in ten before the history begins, the others during it."""
    rng = Random(f"people/{seed}")
    names = _names()
    draws = {kind: _draws(catalogue, likes) for kind, (_, _, _, likes) in KINDS.items()}
    days = (end - start).days
    joined = sorted(_joined_on(rng, start, days) for _ in range(count))
    kinds = rng.choices(list(KINDS), [share for share, _, _, _ in KINDS.values()], k=count)
    return [
        _person(rng, index, kind, joined_on, names, draws[kind], end)
        for index, (kind, joined_on) in enumerate(zip(kinds, joined, strict=True))
    ]


def _person(
    rng: Random,
    index: int,
    kind: str,
    joined_on: dt.date,
    names: Names,
    draw: tuple[list[int], list[float]],
    today: dt.date,
) -> Person:
    _, women, (youngest, oldest), _ = KINDS[kind]
    sex = "female" if rng.random() < women else "male"
    age = rng.triangular(youngest, oldest)
    favourites = sorted(set(rng.choices(draw[0], cum_weights=draw[1], k=rng.randint(4, 9))))
    return Person(
        index=index,
        name=names.draw(rng, sex),
        sex=sex,
        birthday=today - dt.timedelta(days=int(age * 365.25) + rng.randint(0, 364)),
        phone=str(PHONES_FROM + index * PHONE_STEP % PHONES),
        kind=kind,
        joined_on=joined_on,
        pull=0.05 + rng.gammavariate(0.75, 1.0),
        favourites=tuple(favourites),
        liking=tuple(accumulate(rng.uniform(0.3, 2.0) for _ in favourites)),
        spending=SPENDING[kind] * rng.lognormvariate(0, 0.3),
        channels=_channels(rng),
    )


def _joined_on(rng: Random, start: dt.date, days: int) -> dt.date:
    if rng.random() < 0.6:
        return start - dt.timedelta(days=1 + int(rng.expovariate(1 / 320)) % 1000)
    return start + dt.timedelta(days=rng.randint(0, days))


def _channels(rng: Random) -> tuple[str, ...]:
    """The channels on which marketing is welcome; none for three in ten."""
    if rng.random() < 0.3:
        return ()
    return ("sms", "wechat") if rng.random() < 0.5 else ("wechat",)


def _draws(catalogue: Catalogue, likes: dict[str, float]) -> tuple[list[int], list[float]]:
    """Shops with cumulative weights for somebody with these likes; everybody may stray anywhere now and then."""
    weights = [shop.share * likes.get(shop.trade.code, 0.08) for shop in catalogue.shops]
    return [shop.index for shop in catalogue.shops], list(accumulate(weights))


def draw_name(rng: Random, sex: str) -> str:
    """A Chinese name for somebody of this sex ("female" or "male")."""
    return _names().draw(rng, sex)


@dataclass(frozen=True, slots=True)
class Names:
    """Surnames with cumulative weights, and characters of given names."""

    surnames: tuple[str, ...]
    weights: tuple[int, ...]
    given: dict[str, str]

    def draw(self, rng: Random, sex: str) -> str:
        surname = rng.choices(self.surnames, cum_weights=self.weights)[0]
        pool = self.given[sex]
        first = rng.choice(pool)
        if len(surname) == 2 or rng.random() < 0.22:
            return surname + first
        return surname + first + rng.choice(pool)


@cache
def _names() -> Names:
    data = tomllib.loads((DATA / "people.toml").read_text(encoding="utf-8"))
    words = data["surnames"].split()
    surnames, counts = words[::2], [int(count) for count in words[1::2]]
    given = {sex: data[sex] + data["either"] for sex in ("female", "male")}
    return Names(tuple(surnames), tuple(accumulate(counts)), given)
