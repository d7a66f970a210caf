"""Who comes: members with Chinese names and habits of their own."""

from __future__ import annotations

import bisect
import datetime as dt
import itertools
import random
from dataclasses import dataclass

from zhike.simulator.world import Shop

# Surnames in the rough order of how common they are; earlier ones are drawn more often.
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆汪范廖石金贾夏韦付方邹熊白孟秦邱侯江尹薛"
)
MALE = "伟强磊洋勇军杰涛超明刚平辉鹏华飞鑫波斌宇浩凯健俊帆毅峰博晨旭翔睿哲轩子昊天文嘉泽一诺铭远航思远志"
FEMALE = "芳娜敏静丽艳娟霞秀英婷雪慧颖玲燕红梅琳佳倩欣悦怡雨涵梓萱诗语嫣然若汐晓彤可馨思琪梦瑶心妍依诺"
EITHER = "子文一思嘉雨欣宁安晨乐清林云星"
FIRST_PHONE = 19_900_000_000


@dataclass(frozen=True, slots=True)
class Visitor:
    """A member-to-be: ``pull`` is how often they shop, ``favourites`` where (indexes of shops)."""

    index: int
    name: str
    phone: str
    sex: str
    birthday: dt.date
    enrolled_at: dt.datetime
    shop: int
    source: str
    pull: float
    thrift: float
    favourites: tuple[int, ...]
    wants_marketing: bool


def build_people(count: int, shops: tuple[Shop, ...], seed: int, today: dt.date) -> list[Visitor]:
    """``count`` members, enrolled over the two years before ``today``; deterministic."""
    rng = random.Random(f"people-{seed}-{today}")
    totals = list(itertools.accumulate(shop.traffic for shop in shops))
    midnight = dt.datetime.combine(today, dt.time(), dt.UTC)
    return [_person(rng, index, totals, midnight, today) for index in range(count)]


def _person(
    rng: random.Random, index: int, totals: list[float], midnight: dt.datetime, today: dt.date
) -> Visitor:
    female = rng.random() < 0.58
    age_days = int(rng.triangular(16, 72, 31) * 365.25)
    # Most joined long ago; a steady trickle joins every week up to yesterday.
    days_ago = rng.uniform(0, 182) if rng.random() < 0.25 else rng.uniform(182, 730)
    return Visitor(
        index=index,
        name=draw_name(rng, female),
        phone=str(FIRST_PHONE + index),
        sex="female" if female else "male",
        birthday=today - dt.timedelta(days=age_days),
        enrolled_at=midnight - dt.timedelta(days=days_ago, seconds=rng.randrange(36_000)),
        shop=draw(rng, totals),
        source=rng.choices(("counter", "h5", "mini_program"), (55, 30, 15))[0],
        pull=rng.lognormvariate(0, 1.0),
        thrift=rng.uniform(0.8, 1.25),
        favourites=tuple(draw(rng, totals) for _ in range(rng.randrange(3, 8))),
        wants_marketing=rng.random() < 0.7,
    )


def draw_name(rng: random.Random, female: bool) -> str:
    """Surname by rough frequency, then one or two given characters."""
    surname = SURNAMES[min(int(rng.expovariate(1 / 16)), len(SURNAMES) - 1)]
    pool = (FEMALE if female else MALE) if rng.random() < 0.9 else EITHER
    given = rng.choice(pool)
    if rng.random() < 0.78:
        given += rng.choice(EITHER if rng.random() < 0.25 else pool)
    return surname + given


def draw(rng: random.Random, totals: list[float]) -> int:
    """An index with probability proportional to its weight; ``totals`` are the running sums."""
    return min(bisect.bisect(totals, rng.random() * totals[-1]), len(totals) - 1)
