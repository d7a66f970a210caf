"""What the simulator does: make the mall and load its history, or live on through the API."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from django.db import connection
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from zhike.collection import operations as collection
from zhike.history import operations as lake
from zhike.insight import operations as insight
from zhike.kernel import clock as kernel_clock
from zhike.kernel import events
from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.errors import Invalid
from zhike.loyalty import operations as loyalty
from zhike.marketing import operations as marketing
from zhike.organization import queries as organization
from zhike.simulator import browsing
from zhike.simulator.afterwards import Ground, plant, plant_last
from zhike.simulator.care import seed_care
from zhike.simulator.catalogue import build_catalogue
from zhike.simulator.founding import PASSWORD, STAFF, World, found
from zhike.simulator.history import SIZES, History, Size, build_history
from zhike.simulator.live import ApiClient, Clock, LiveMall, LiveReport
from zhike.simulator.live import live as run_live
from zhike.simulator.loading import Loader, Progress
from zhike.simulator.parallel import DATABASE_KEYS, Helper, Task, lazy_commits, start_helper, take_stock
from zhike.simulator.people import build_people
from zhike.simulator.rhythm import ZONE
from zhike.simulator.segments import seed_baskets, seed_recommended, seed_segments
from zhike.simulator.tags import seed_tags

ACTOR = system_viewer("simulator")
SEED = 2026
OPENED_BEFORE = dt.timedelta(days=1_200)
LANGUAGE = "zh-hans"
"""The mall writes Chinese, whatever the terminal speaks in which it is made."""


class UnknownSize(Invalid):
    code = "unknown-size"
    title = _("There is no mall of size “%(size)s”.")


@dataclass(frozen=True, slots=True)
class MallLoaded:
    """What was loaded now (a part that was there before is not counted), and the hash of the whole."""

    group_id: int
    mall_id: int
    program_id: int
    members: int
    receipts: int
    returns: int
    redemptions: int
    adjustments: int
    seconds: float
    content_hash: str


@translation.override(LANGUAGE)
def load_mall(
    *,
    actor: Viewer = ACTOR,
    size: str = "tiny",
    seed: int = SEED,
    today: dt.date | None = None,
    now: dt.datetime,
    progress: Progress | None = None,
    processes: int = 1,
) -> MallLoaded:
    """Make the mall of this size and seed and load what happened in it up to `now`.

    The history ends with `today` (the date of `now` in the mall). More `processes` share the members between them, but
    not inside a transaction, for the others do not see what is not committed. Called again after an interruption, with
    the same arguments, it goes on with the first week that is missing. Raises UnknownSize.
    """
    began = time.perf_counter()
    scale, day = _size(size), today or now.astimezone(ZONE).date()
    database = {key: connection.settings_dict[key] for key in DATABASE_KEYS}
    helpers = [
        start_helper(Task(actor, scale, seed, day, now, share, processes, database))
        for share in range(1, processes)
    ]
    try:
        report = _Report(progress, helpers)
        report("imagining", 0, 1)
        history = build_history(scale, seed, day)
        events.ensure_partitions(now)
        world = found(actor, history.catalogue, now - OPENED_BEFORE, now)
        for helper in helpers:
            helper.pipe.send(world)
        loader = Loader(actor, world, history, now, report, 0, processes)
        with lazy_commits():
            loader.load()
            done = sum((helper.finish() for helper in helpers), loader.done)
            report("afterwards", 0, 1)
            take_stock()
            for helper in helpers:
                helper.plant()
            ground = Ground(actor, loader, seed, now)
            plant(ground, 0, processes)
            for helper in helpers:
                helper.finish()
            plant_last(ground)
        loyalty.release_points(actor=actor, program_id=world.program_id, now=now)
        loyalty.sign_day(actor=actor, now=now)
    finally:
        for helper in helpers:
            helper.process.terminate()
    return _summary(world, history, done, time.perf_counter() - began)


class _Report:
    """Our progress and the helpers' as one."""

    def __init__(self, tell: Progress | None, helpers: Sequence[Helper]) -> None:
        self._tell = tell
        self._helpers = helpers

    def __call__(self, stage: str, done: int, total: int) -> None:
        for helper in self._helpers:
            helper.pump()
        if self._tell:
            theirs = [helper.progress.get(stage, (0, total)) for helper in self._helpers]
            self._tell(stage, done + sum(part for part, _ in theirs), total + sum(part for _, part in theirs))


@translation.override(LANGUAGE)
def load_behaviour(
    *,
    actor: Viewer = ACTOR,
    size: str = "demo",
    seed: int = SEED,
    today: dt.date | None = None,
    now: dt.datetime,
) -> int:
    """What members of the loaded mall did in its mini program lately; how many messages. Repeatable. Raises UnknownSize."""
    scale, day = _size(size), today or now.astimezone(ZONE).date()
    catalogue = build_catalogue(seed)
    people = build_people(seed, scale.members, catalogue, day - dt.timedelta(days=scale.days - 1), day)
    return browsing.load_history(actor, seed, catalogue, people, now)


@translation.override(LANGUAGE)
def load_insight(*, actor: Viewer = ACTOR, now: dt.datetime) -> None:
    """What the mall's marketing makes of the loaded history. Repeatable."""
    group, mall_id = organization.founded_group(), organization.first_mall_id()
    insight.refresh_standings(actor=actor, now=now)
    insight.refresh_classes(actor=actor, now=now)
    if group is not None and mall_id is not None:
        seed_segments(actor, group.id, mall_id, now)
        seed_tags(actor, group.id, now)
        seed_care(mall_id, now)
        insight.order_fit(actor=actor, now=now)
        insight.order_churn_fit(actor=actor, now=now)
        marketing.order_uplift(actor=actor, group_id=group.id, now=now)
        insight.order_cluster_fit(actor=actor, now=now)
        seed_baskets(actor, group.id, mall_id, now)
        seed_recommended(actor, mall_id, now, SEED)
        insight.order_recommend_fit(actor=actor, now=now)
    lake.ask_export(actor=actor, now=now)


def mini_program_key(*, actor: Viewer = ACTOR, now: dt.datetime) -> tuple[int, str]:
    """A write key for the mini program's server, by id and text; the one before it goes on working for a day."""
    source = browsing.ensure_source(actor, now)
    return collection.make_write_key(actor=actor, source_id=source.id, overlap=dt.timedelta(days=1), now=now)


def content_hash(*, size: str = "demo", seed: int = SEED, today: dt.date) -> str:
    """SHA-256 of everything that `load_mall` would make; needs no database. Raises UnknownSize."""
    return build_history(_size(size), seed, today).content_hash()


def live(
    *,
    base_url: str,
    key: str,
    rate: float,
    size: str = "demo",
    seed: int = SEED,
    stop: threading.Event | None = None,
    count: int | None = None,
    write_key: str = "",
    clock: Clock = kernel_clock.now,
    tell: Callable[[LiveReport], None] | None = None,
) -> LiveReport:
    """Post about `rate` events a second through the API at `base_url`, as members of the mall of this size and seed.

    Until `stop` is set, or `count` events have happened. The key needs LIVE_SCOPES; with a `write_key` they also browse.
    Raises ConnectionError when nobody answers for long.
    """
    ended = stop or threading.Event()
    scale = _size(size)
    today = clock().astimezone(ZONE).date()
    catalogue = build_catalogue(seed)
    people = build_people(seed, scale.members, catalogue, today - dt.timedelta(days=scale.days - 1), today)
    client = ApiClient(base_url, key, ended)
    try:
        mall = LiveMall(client, catalogue, people, Random(clock().timestamp()), clock, write_key)
        return run_live(mall, rate=rate, stop=ended, count=count, tell=tell)
    finally:
        client.close()


LIVE_SCOPES = ("receipts.record", "receipts.return", "members.enroll", "members.lookup", "points.redeem")


def _summary(world: World, history: History, done: Counter[str], seconds: float) -> MallLoaded:
    return MallLoaded(
        world.group_id,
        world.mall_id,
        world.program_id,
        done["members"],
        done["receipts"],
        done["returns"],
        done["redemptions"],
        done["adjustments"],
        seconds,
        history.content_hash(),
    )


def _size(name: str) -> Size:
    if name not in SIZES:
        raise UnknownSize(size=name)
    return SIZES[name]


__all__ = [
    "ACTOR",
    "LIVE_SCOPES",
    "PASSWORD",
    "SEED",
    "SIZES",
    "STAFF",
    "LiveReport",
    "MallLoaded",
    "UnknownSize",
    "content_hash",
    "live",
    "load_behaviour",
    "load_insight",
    "load_mall",
    "mini_program_key",
]
