"""Receipt → points and redemption through the HTTP API, against pgbench running one SQL function that writes the same rows.

Slices of both are taken in turn in one run, so that a noisy machine treats them alike. The same slices give a second
figure: the CPU that one act costs in all processes together: web, database (backends, WAL writer) and our load generator on
one side, database and pgbench on the other. Where other programs share the machine, rates say how many processes compete
on either side rather than what the work costs; the CPU figure does not. The last figure is a race of 32 clients for one
member's points.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import random
import re
import secrets
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import cpu
from tests.bench.harness import HOME, ROOT, Result, result
from tests.bench.http_load import Load, request_bytes, run_load

MEMBERS = 20_000
CLIENTS = 32
RACERS = 32
SLICES = 5
SLICE_S = 3.0
WARM_UP_S = 3.0
TARGET = 0.5
PREPARED = 8000


StartLoad = Callable[[], Load]


@dataclass(frozen=True)
class Scene:
    """Where the load goes: ids of members in a row, one merchant, a key that is not slowed down."""

    first_member: int
    members: int
    merchant: int
    mall: int
    key: str


def run() -> list[Result]:
    scene = build_scene()
    with web_server() as (port, web_pid):
        install_limit(scene, port)
        receipts = compare(
            "http: receipt → points",
            lambda: prepared_load(port, receipt_maker(scene)),
            f"SELECT bench_receipt(:m, {scene.merchant}, {scene.mall})",
            scene,
            web_pid,
        )
        redemptions = compare(
            "http: redemption",
            lambda: prepared_load(port, redemption_maker(scene)),
            f"SELECT bench_redemption(:m, {scene.merchant})",
            scene,
            web_pid,
        )
        batches = batch_rate(scene, port)
        race = race_for_points(scene, port)
    return [*receipts, *redemptions, batches, race]


@dataclass(frozen=True)
class Slice:
    """One slice of the run: acts a second, and the CPU of one in µs, in the database and in all other processes."""

    rate: float
    database_us: float
    others_us: float
    seconds: list[float]

    @property
    def all_us(self) -> float:
        return self.database_us + self.others_us


def compare(name: str, ours: Callable[[], StartLoad], limit: str, scene: Scene, web_pid: int) -> list[Result]:
    """Medians of interleaved slices; the ratio of ours to the limit, in acts a second and in CPU of one act."""
    ours()()  # warm: connections, prepared statements, caches
    pgbench(limit, scene, seconds=WARM_UP_S)
    settle()
    mine, bare = [], []
    for _ in range(SLICES):
        mine.append(_slice_of_ours(ours, web_pid))
        bare.append(_slice_of_limit(limit, scene))

    def median(slices: list[Slice], figure: Callable[[Slice], float]) -> float:
        return statistics.median(figure(one) for one in slices)

    rate = result(
        name,
        median(mine, lambda one: one.rate),
        "requests/s",
        limit=median(bare, lambda one: one.rate),
        target=TARGET,
        seconds=[second for one in mine for second in one.seconds],
    )
    work = result(
        f"{name}, CPU of one",
        median(mine, lambda one: one.all_us),
        "µs",
        limit=median(bare, lambda one: one.all_us),
        target=TARGET,
    )
    database = result(
        f"{name}, of it in the database",
        median(mine, lambda one: one.database_us),
        "µs",
        limit=median(bare, lambda one: one.database_us),
    )
    return [rate, work, database]


def _slice_of_ours(ours: Callable[[], StartLoad], web_pid: int) -> Slice:
    start = ours()
    database, web, client = cpu.of_family(_postmaster()), cpu.of_family(web_pid), cpu.of_this_process()
    load = start()
    load.require_only(201)
    acts = len(load.seconds) / 1e6
    database_us = (cpu.of_family(_postmaster()) - database) / acts
    others = cpu.of_family(web_pid) - web + cpu.of_this_process() - client
    return Slice(load.rate, database_us, others / acts, load.seconds)


def _slice_of_limit(limit: str, scene: Scene) -> Slice:
    database, client = cpu.of_family(_postmaster()), cpu.of_ended_children()
    rate = pgbench(limit, scene, seconds=SLICE_S)
    acts = rate * SLICE_S / 1e6
    database_us = (cpu.of_family(_postmaster()) - database) / acts
    return Slice(rate, database_us, (cpu.of_ended_children() - client) / acts, [])


def _postmaster() -> int:
    from zhike.kernel import embedded_postgres

    pid = embedded_postgres.postmaster_pid(embedded_postgres.locate(HOME))
    assert pid is not None
    return pid


def settle() -> None:
    """The tables were empty when the server's connections planned their statements: let them plan again."""
    from zhike.kernel.connections import open_connection

    with open_connection() as raw:
        raw.execute("VACUUM ANALYZE")


def build_scene() -> Scene:
    from tests.people import build_malls
    from tests.ui.api.conftest import TILL_SCOPES, build_shop, make_key
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer
    from zhike.loyalty import operations as loyalty
    from zhike.loyalty import queries

    now = clock.now()
    malls = build_malls(now)
    build_shop(malls, now)
    newcomers = [
        loyalty.NewMember(f"会员{n}", now, phone=f"139{n:08d}", mall_id=malls.star, merchant_id=malls.cafe)
        for n in range(MEMBERS)
    ]
    actor = system_viewer("bench")
    people = loyalty.enroll_members(actor=actor, members=newcomers, now=now)
    first, last = (queries.member_id_of_person(people[index]) for index in (0, -1))
    assert first is not None and last is not None and last - first == MEMBERS - 1
    _give_points(first, now)
    return Scene(first, MEMBERS, malls.cafe, malls.star, make_key(TILL_SCOPES, rate=1_000_000))


def _give_points(first_member: int, now: dt.datetime) -> None:
    """Everyone begins with 100,000 points, by transfers as the ledger wants them."""
    from zhike.kernel.connections import open_connection

    with open_connection() as raw:
        raw.execute(
            """WITH gift AS (
                UPDATE loyalty_account SET balance = 100000, version = version + 1 WHERE member_id >= %s RETURNING id, program_id)
            INSERT INTO loyalty_transfer (debit_account_id, credit_account_id, points, reason, reference, funding_id, lots,
                debt_points, balance_after, explanation, actor, occurred_at, posted_at)
            SELECT -(gift.program_id * 10 + 4), gift.id, 100000, 'adjust', 'bench', f.id,
                jsonb_build_array(jsonb_build_array('2098-12-31', f.id, 100000)), 0, 100000, '{"reason": "bench"}', 'bench', %s, %s
            FROM gift, (SELECT min(id) AS id FROM loyalty_funding) f""",
            [first_member, now, now],
        )
        raw.execute(
            """INSERT INTO loyalty_lot (account_id, expires_on, funding_id, earned, remaining)
            SELECT a.id, '2098-12-31', f.id, 100000, 100000
            FROM loyalty_account a, (SELECT min(id) AS id FROM loyalty_funding) f WHERE a.member_id >= %s""",
            [first_member],
        )
        raw.execute("VACUUM ANALYZE")
        raw.execute("CHECKPOINT")


@contextmanager
def web_server() -> Iterator[tuple[int, int]]:
    """`zhike web` as it runs in production, on a free port; that port and the process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "zhike.config.cli", "web", "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "ZHIKE_HOME": str(HOME)})
    try:
        _wait_until_ready(port)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(30)


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the web server did not become ready")


def prepared_load(port: int, make: Callable[[], bytes]) -> StartLoad:
    """A load whose requests are written beforehand: pgbench does not write any either. It runs when it is called."""
    ready = deque(make() for _ in range(PREPARED))
    return lambda: run_load(
        port, lambda: ready.popleft() if ready else make(), connections=CLIENTS, seconds=SLICE_S
    )


def receipt_maker(scene: Scene) -> Callable[[], bytes]:
    numbers, run_name = itertools.count(), secrets.token_hex(4)
    head = {"Authorization": f"Bearer {scene.key}", "Content-Type": "application/json"}

    def make() -> bytes:
        number = f"{run_name}-{next(numbers)}"
        return request_bytes(
            "POST", "/api/v1/receipts", _receipt(scene, number), head | {"Idempotency-Key": number}
        )

    return make


def _receipt(scene: Scene, number: str) -> bytes:
    return json.dumps(
        {
            "merchant_id": scene.merchant,
            "till": "T1",
            "number": number,
            "occurred_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "member": {"member_id": scene.first_member + random.randrange(scene.members)},
            "lines": [
                {"sku": "LATTE", "name": "拿铁", "quantity": 2, "unit_price_fen": 3200, "net_fen": 6400},
                {"sku": "CAKE", "name": "芝士蛋糕", "quantity": 1, "unit_price_fen": 6400, "net_fen": 6400},
            ],
            "tenders": [{"kind": "wechat", "amount_fen": 12800}],
        }
    ).encode()


def redemption_maker(scene: Scene, member: int | None = None, points: int = 5) -> Callable[[], bytes]:
    numbers, run_name = itertools.count(), secrets.token_hex(4)
    head = {"Authorization": f"Bearer {scene.key}", "Content-Type": "application/json"}
    body = json.dumps({"points": points, "merchant_id": scene.merchant}).encode()

    def make() -> bytes:
        target = member or scene.first_member + random.randrange(scene.members)
        key = {"Idempotency-Key": f"{run_name}-{next(numbers)}"}
        return request_bytes("POST", f"/api/v1/members/{target}/redemptions", body, head | key)

    return make


def install_limit(scene: Scene, port: int) -> None:
    """Create the functions by hand, with JSON of the size that the program itself stores."""
    from zhike.kernel.connections import open_connection

    run_load(port, receipt_maker(scene), connections=1, seconds=1, requests=2).require_only(201)
    run_load(port, redemption_maker(scene), connections=1, seconds=1, requests=2).require_only(201)
    with open_connection() as raw:

        def sample(sql: str) -> str:
            row = raw.execute(sql).fetchone()
            assert row is not None
            return str(row[0]).replace("'", "''")

        samples = {
            "stored": sample("SELECT body::text FROM kernel_idempotency LIMIT 1"),
            "explanation": sample("SELECT explanation::text FROM loyalty_award LIMIT 1"),
            "recorded": sample(
                "SELECT data::text FROM kernel_event WHERE type = 'zhike.sales.receipt_recorded' LIMIT 1"
            ),
            "earned": sample(
                "SELECT data::text FROM kernel_event WHERE type = 'zhike.loyalty.points_earned' LIMIT 1"
            ),
            "redeemed": sample(
                "SELECT data::text FROM kernel_event WHERE type = 'zhike.loyalty.points_redeemed' LIMIT 1"
            ),
        }
        sql = (Path(__file__).parent / "http_limit.sql").read_text(encoding="utf-8")
        for name, text in samples.items():
            sql = sql.replace("{" + name + "}", text)
        raw.execute(sql.encode())


def pgbench(statement: str, scene: Scene, *, seconds: float = 0, transactions: int = 0) -> float:
    """Transactions a second of the statement, prepared, by as many clients as ours: for so long, or so many of each."""
    from zhike.kernel import embedded_postgres

    place = embedded_postgres.ensure_running(HOME)
    script = HOME / "limit.sql"
    script.write_text(
        f"\\set m random({scene.first_member}, {scene.first_member + scene.members - 1})\n{statement};\n"
    )
    command = [
        embedded_postgres.binary(place, "pgbench"), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2",
        *(("-t", str(transactions)) if transactions else ("-T", str(max(1, round(seconds))))), "-f", str(script),
        "-h", str(place.socket), "-U", "postgres",
        os.environ["DATABASE_URL"].rpartition("/")[2],
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([0-9.]+) \(without initial connection time\)", done.stdout)
    if found is None or "number of failed transactions: 0 " not in done.stdout:
        raise AssertionError(done.stdout + done.stderr)
    return float(found[1])


def batch_rate(scene: Scene, port: int) -> Result:
    """A hundred receipts per request."""
    numbers, run_name = itertools.count(), secrets.token_hex(4)
    head = {"Authorization": f"Bearer {scene.key}", "Content-Type": "application/json"}

    def make() -> bytes:
        receipts = b",".join(_receipt(scene, f"{run_name}-{next(numbers)}") for _ in range(100))
        return request_bytes("POST", "/api/v1/receipts/batch", b'{"receipts":[' + receipts + b"]}", head)

    load = run_load(port, make, connections=4, seconds=SLICE_S * 2)
    load.require_only(200)
    return result("http: receipts in batches of 100", load.rate * 100, "receipts/s", seconds=load.seconds)


def race_for_points(scene: Scene, port: int) -> Result:
    """32 clients spend one member's points until nothing is left: not one point too many."""
    member = scene.first_member + 7
    before = _balance(member)
    load = run_load(
        port, redemption_maker(scene, member, 50), connections=RACERS, seconds=60, requests=before // 50 + 200
    )
    load.require_only(201, 409)
    after, spent = _balance(member), load.statuses[201] * 50
    assert before - spent == after and 0 <= after < 50, (before, spent, after)
    return result(
        f"http: {RACERS} clients on one member, no overdraft", load.rate, "requests/s", seconds=load.seconds
    )


def _balance(member: int) -> int:
    from zhike.kernel.connections import open_connection

    with open_connection() as raw:
        row = raw.execute(
            "SELECT balance - debt FROM loyalty_account WHERE member_id = %s", [member]
        ).fetchone()
    assert row is not None
    return int(row[0])
