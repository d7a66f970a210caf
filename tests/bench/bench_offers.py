"""Coupons and points in two phases over HTTP against the same by hand in SQL, a flash sale that is exact, and the best price.

One act of two phases is two requests, or two statements, each with its own commit. Slices are taken in turn, and the CPU of
one act is a figure too, as in `bench_http`.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench import bench_http
from tests.bench.bench_http import CLIENTS, TARGET, Scene, build_scene, compare, pgbench, settle, web_server
from tests.bench.harness import Result, percentile, result, timed
from tests.bench.http_load import Load, RequestMaker, request_bytes, run_load

FLASH_STOCK = 1_000
FLASH_CLAIMS = 50_000
FLASH_CLIENTS = 64
ACTS_A_SLICE = 1_500
HAND_COUPONS = 90_000
BASKET_LINES, PROMOTIONS, QUOTES = 30, 20, 400
SCOPES = ["coupons.claim", "coupons.use", "points.redeem", "members.lookup"]


def run() -> list[Result]:
    from tests.ui.api.conftest import make_key

    scene = build_scene()
    door = _Door(scene, make_key(SCOPES, rate=1_000_000))
    with web_server() as (port, web_pid):
        codes = door.install(port)
        settle()
        coupons = compare(
            "http: coupon locked, then used",
            lambda: door.two_phases(port, door.locks(codes), _LOCKED, door.confirmation),
            f"SELECT bench_lock({door.first_by_hand - 1}, {scene.merchant}) AS use \\gset\nSELECT bench_confirm(:use)",
            scene,
            web_pid,
        )
        holds = compare(
            "http: points held, then spent",
            lambda: door.two_phases(port, door.holds(), _HELD, door.spending),
            f"SELECT bench_hold(:m, {scene.merchant}) AS moved \\gset\nSELECT bench_spend_hold(:moved)",
            scene,
            web_pid,
        )
        flash = _flash(door, port)
        prices = _prices(door, port)
    _still_adds_up()
    return [*coupons, *holds, flash, *prices]


_LOCKED = "SELECT lock_id::text FROM offers_couponuse WHERE state = 'locked' AND till = 'B1'"
_HELD = "SELECT id::text FROM loyalty_hold WHERE status = 'open' AND reference = 'B1'"


class _Door:
    """The requests, and the batches they are about."""

    def __init__(self, scene: Scene, key: str) -> None:
        self.scene = scene
        self.run_name, self.numbers = secrets.token_hex(4), itertools.count()
        self.head = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.first_by_hand = 0

    def post(self, path: str, body: dict[str, Any]) -> bytes:
        once = {"Idempotency-Key": f"{self.run_name}-{next(self.numbers)}"}
        return request_bytes("POST", f"/api/v1/{path}", json.dumps(body).encode(), self.head | once)

    def batch(self, code: str, stock: int, *, per_member: int = 1, is_bearer: bool = False) -> int:
        from zhike.kernel import clock
        from zhike.kernel.access import system_viewer
        from zhike.offers import operations as offers
        from zhike.organization import queries as organization

        now, actor = clock.now(), system_viewer("bench")
        terms = {"kind": "cash", "value_fen": 2000, "validity": {"days": 7}}
        template_id = offers.save_template(
            actor=actor, group_id=organization.default_group().id, mall_id=self.scene.mall, code=code, name=code,
            terms=terms, now=now,
        )  # fmt: skip
        until = now + dt.timedelta(days=7)
        batch = offers.NewBatch(
            code, code, stock, now, until, per_member, is_public=not is_bearer, is_bearer=is_bearer
        )
        return offers.open_batch(actor=actor, template_id=template_id, batch=batch, now=now)

    def claims(self, batch: int) -> RequestMaker:
        def make() -> bytes:
            member = self.scene.first_member + random.randrange(self.scene.members)
            return self.post(f"coupon-batches/{batch}/claims", {"member_id": member})

        return make

    def locks(self, codes: Iterator[str]) -> RequestMaker:
        lines = [{"sku": "LATTE", "net_fen": 6400}]
        about = {"merchant_id": self.scene.merchant, "lines": lines, "till": "B1"}
        return lambda: self.post("coupons/locks", about | {"codes": [next(codes)]})

    def confirmation(self, lock_id: str) -> bytes:
        return self.post(f"coupons/locks/{lock_id}/confirm", {"number": "N1"})

    def holds(self) -> RequestMaker:
        body = {"points": 5, "merchant_id": self.scene.merchant, "reference": "B1"}

        def make() -> bytes:
            member = self.scene.first_member + random.randrange(self.scene.members)
            return self.post(f"members/{member}/holds", body)

        return make

    def spending(self, hold_id: str) -> bytes:
        return self.post(f"holds/{hold_id}/confirm", {})

    def two_phases(
        self, port: int, first: RequestMaker, ids: str, second: Callable[[str], bytes]
    ) -> Callable[[], Load]:
        """A load of both phases: what was begun is ended in the same slice, by requests written beforehand or between."""
        ready = [first() for _ in range(ACTS_A_SLICE)]

        def act() -> Load:
            begun = run_load(
                port, iter(ready).__next__, connections=CLIENTS, seconds=600, requests=len(ready)
            )
            begun.require_only(201)
            following = [second(one) for one in _column(ids)]
            assert len(following) == len(ready), (len(following), len(ready))
            ended = run_load(
                port, iter(following).__next__, connections=CLIENTS, seconds=600, requests=len(following)
            )
            ended.require_only(200, 201)
            assert _column(ids) == []
            seconds = [one + two for one, two in zip(begun.seconds, ended.seconds, strict=True)]
            return Load(begun.elapsed_s + ended.elapsed_s, seconds, {201: len(seconds)})

        return act

    def install(self, port: int) -> Iterator[str]:
        """Coupons for both sides, and the functions by hand with JSON of the size that the program stores."""
        from zhike.kernel import clock
        from zhike.kernel.access import system_viewer
        from zhike.loyalty.queries.snapshots import HELD, REDEEMED, system_account
        from zhike.offers import operations as offers

        actor, now = system_viewer("bench"), clock.now()
        mine = ACTS_A_SLICE * (bench_http.SLICES + 1) + 1
        ours, theirs = (
            self.batch(code, count, is_bearer=True)
            for code, count in (("OURS", mine), ("THEIRS", HAND_COUPONS))
        )
        codes = iter(offers.make_codes(actor=actor, batch_id=ours, count=mine, now=now))
        offers.make_codes(actor=actor, batch_id=theirs, count=HAND_COUPONS, now=now)
        self.first_by_hand = int(
            _column(f"SELECT min(id)::text FROM offers_coupon WHERE batch_id = {theirs}")[0]
        )
        for first, ids, second in (
            (self.locks(codes), _LOCKED, self.confirmation),
            (self.holds(), _HELD, self.spending),
        ):
            run_load(port, first, connections=1, seconds=1, requests=1).require_only(201)
            request = second(_column(ids)[0])
            run_load(port, lambda sent=request: sent, connections=1, seconds=1, requests=1)  # type: ignore[misc]
        claim = self.claims(self.batch("SAMPLE", 10))
        run_load(port, claim, connections=1, seconds=1, requests=1).require_only(201)
        program = int(_column("SELECT min(id)::text FROM loyalty_program")[0])
        held, redeemed = system_account(program, HELD), system_account(program, REDEEMED)
        _create_functions({"held_account": str(held), "redeemed_account": str(redeemed)})
        return codes


_SAMPLES = {
    "issued_body": "SELECT body::text FROM kernel_idempotency WHERE body ? 'coupon_id' LIMIT 1",
    "locked_body": "SELECT body::text FROM kernel_idempotency WHERE body ? 'lock_id' LIMIT 1",
    "held_body": "SELECT body::text FROM kernel_idempotency WHERE body ? 'hold_id' LIMIT 1",
} | {
    name: f"SELECT data::text FROM kernel_event WHERE type = 'zhike.{type_name}' LIMIT 1"
    for name, type_name in (
        ("issued", "offers.coupon_issued"),
        ("used", "offers.coupon_used"),
        ("held", "loyalty.points_held"),
        ("ended", "loyalty.hold_ended"),
        ("redeemed", "loyalty.points_redeemed"),
    )
}


def _create_functions(known: dict[str, str]) -> None:
    from zhike.kernel.connections import open_connection

    sql = (Path(__file__).parent / "offers_limit.sql").read_text(encoding="utf-8")
    texts = known | {name: _column(query)[0].replace("'", "''") for name, query in _SAMPLES.items()}
    for name, text in texts.items():
        sql = sql.replace("{" + name + "}", text)
    with open_connection() as raw:
        raw.execute(sql.encode())


def _flash(door: _Door, port: int) -> Result:
    """A thousand coupons, fifty thousand claimants, one each: exact, and beside the same by hand."""
    ours, theirs = door.batch("FLASH", FLASH_STOCK), door.batch("FLASH-HAND", FLASH_STOCK)
    make = door.claims(ours)
    ready = iter([make() for _ in range(FLASH_CLAIMS)])
    load = run_load(port, ready.__next__, connections=FLASH_CLIENTS, seconds=600, requests=FLASH_CLAIMS)
    load.require_only(201, 409)
    # By hand with half the clients, each a connection: the server has a hundred, and the program needs some of them.
    by_hand = f"SELECT bench_claim({theirs}, :m)"
    limit = pgbench(by_hand, door.scene, transactions=FLASH_CLAIMS // CLIENTS)
    made = f"SELECT count(DISTINCT member_id)::text FROM offers_coupon WHERE batch_id = {ours}"
    issued = f"SELECT issued::text FROM offers_couponbatch WHERE id = {ours}"
    got = (load.statuses[201], int(_column(made)[0]), int(_column(issued)[0]))
    assert got == (FLASH_STOCK,) * 3, got
    return result(
        f"http: flash sale, {FLASH_STOCK:,} coupons, {FLASH_CLAIMS:,} claims by {FLASH_CLIENTS} clients, exact",
        load.rate, "requests/s", limit=limit, target=TARGET, seconds=load.seconds,
    )  # fmt: skip


def _prices(door: _Door, port: int) -> list[Result]:
    """The best price of 30 lines under 20 promotions: the search alone, and as a till waits for it."""
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.offers import operations as offers
    from zhike.offers.rules.pricing import PricedLine, best_price
    from zhike.offers.rules.promotions import Promotion, parse_promotion
    from zhike.organization import queries as organization

    rng = random.Random(2026)
    definitions = list(_promotions(rng))
    baskets = [list(_basket(rng)) for _ in range(QUOTES)]
    promotions = [Promotion(no, parse_promotion(one)) for no, one in enumerate(definitions, start=1)]
    inexact = 0

    def search() -> None:
        nonlocal inexact
        lines = [
            PricedLine(no, pieces, fen, sku) for no, (sku, pieces, fen) in enumerate(next(waiting), start=1)
        ]
        inexact += not best_price(lines, promotions).is_exact

    waiting = iter(baskets)
    alone = timed(search, QUOTES)
    now, actor = clock.now(), system_viewer("bench")
    for no, definition in enumerate(definitions):
        offers.publish_promotion(
            actor=actor, group_id=organization.default_group().id, mall_id=door.scene.mall, code=f"P{no}", name=f"P{no}",
            definition=definition, effective_from=now, now=now,
        )  # fmt: skip
    requests = iter([_quote(door, basket) for basket in baskets])
    load = run_load(port, requests.__next__, connections=1, seconds=60, requests=QUOTES)
    load.require_only(200)
    what = f"{BASKET_LINES} lines, {PROMOTIONS} promotions"
    return [
        result(f"best price of {what}, p99", percentile(alone, 0.99) * 1000, "ms", seconds=alone),
        result(f"best price of {what}, share exact", 1 - inexact / QUOTES, "of 1"),
        result(
            f"http: best price of {what}, p99", percentile(load.seconds, 0.99) * 1000, "ms", seconds=load.seconds
        ),
    ]  # fmt: skip


def _promotions(rng: random.Random) -> Iterator[dict[str, Any]]:
    """What runs in a shop on a festival: steps, percentages, second halves, some beside each other, some not."""
    kinds: list[Callable[[], dict[str, Any]]] = [
        lambda: {"kind": "reach", "steps": [[fen := rng.randrange(100, 900) * 100, fen // 10]]},
        lambda: {"kind": "every", "minimum_fen": rng.randrange(100, 500) * 100, "off_fen": 1_500, "cap_fen": 9_000},
        lambda: {"kind": "percent", "percent_bp": rng.randrange(5, 20) * 100},
        lambda: {"kind": "pieces", "steps": [[2, 500], [3, 1_000]]},
        lambda: {"kind": "nth", "nth": 2, "percent_bp": 5_000},
    ]  # fmt: skip
    for no in range(PROMOTIONS):
        skus = [f"S{sku}" for sku in rng.sample(range(60), 12)]
        yield kinds[no % len(kinds)]() | {
            "scope": {"skus": skus},
            "priority": no,
            "group": f"g{no % 6}",
        }


def _basket(rng: random.Random) -> Iterator[tuple[str, int, int]]:
    for sku in rng.sample(range(60), BASKET_LINES):
        yield f"S{sku}", rng.randrange(1, 4), rng.randrange(500, 40_000)


def _quote(door: _Door, basket: list[tuple[str, int, int]]) -> bytes:
    lines = [{"sku": sku, "quantity": pieces, "unit_price_fen": fen} for sku, pieces, fen in basket]
    return door.post("prices/quote", {"merchant_id": door.scene.merchant, "lines": lines})


def _still_adds_up() -> None:
    """Every use has ended, and what stands on hold is nothing; by our rows, not those written by hand."""
    assert _column(_LOCKED) == [] and _column(_HELD) == []


def _column(sql: str) -> list[str]:
    from zhike.kernel.connections import open_connection

    with open_connection() as raw:
        return [str(row[0]) for row in raw.execute(sql.encode()).fetchall()]
