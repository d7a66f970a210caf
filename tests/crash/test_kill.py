"""kill -9 of web, worker and database while tills post: nothing is lost, nothing is doubled, the ledger adds up.

Real processes, a database of its own with fsync on, and tills that do what tills do: send again, under the same key,
until they have an answer.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from zhike.kernel import embedded_postgres

TILLS = 4
RECEIPTS_PER_TILL = 40
GIVE_UP_S = 150


class House:
    """One installation: its home, its database, its web and worker processes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = _free_port()
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("ZHIKE", "DATABASE"))
            },
            "ZHIKE_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "zhike.config.settings",
        }
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def place(self) -> embedded_postgres.Place:
        return embedded_postgres.locate(self.home)

    def zhike(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "zhike.config.cli", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120)

    def start(self, name: str) -> None:
        options = ["--port", str(self.port)] if name == "web" else []
        command = [sys.executable, "-m", "zhike.config.cli", name, *options]
        log = (self.home / f"{name}.log").open("ab")
        self.children[name] = subprocess.Popen(
            command, env=self.environment, start_new_session=True, stdout=log, stderr=log
        )

    def kill(self, name: str) -> None:
        """SIGKILL the whole family of a child, as an out-of-memory killer would."""
        child = self.children[name]
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def crash_database(self) -> None:
        embedded_postgres.kill(self.place)
        for _ in range(200):
            if not embedded_postgres.is_running(self.place):
                return
            time.sleep(0.05)

    def post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return dict(json.loads(answer.read()))

    def count(self, sql: str) -> int:
        with psycopg.connect(self.place.url("zhike")) as connection:
            row = connection.execute(sql.encode()).fetchone()
        assert row is not None
        return int(row[0])


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("crash"))
    embedded_postgres.ensure_running(house.home, shared_buffers="128MB")
    migrated = house.zhike("migrate")
    assert migrated.returncode == 0, migrated.stderr
    yield house
    for child in house.children.values():
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    embedded_postgres.stop(house.home)


class Till(threading.Thread):
    """Posts its receipts one after the other, each again under its key until it is answered."""

    def __init__(self, house: House, town: dict[str, Any], number: int) -> None:
        super().__init__()
        self.house, self.town, self.number = house, town, number
        self.answered = 0
        self.retries = 0

    def run(self) -> None:
        deadline = time.monotonic() + GIVE_UP_S
        for index in range(RECEIPTS_PER_TILL):
            now = dt.datetime.now(dt.UTC)
            body = {
                "merchant_id": self.town["merchant_id"],
                "till": f"{self.number:02d}",
                "number": f"{self.number}-{index}",
                "business_date": now.date().isoformat(),
                "occurred_at": now.isoformat(),
                "member": {"member_id": self.town["members"][index % len(self.town["members"])]},
                "lines": [{"quantity": "1", "unit_price_fen": 1_000, "net_fen": 1_000}],
                "tenders": [{"kind": "cash", "amount_fen": 1_000}],
            }
            headers = {
                "Authorization": f"Bearer {self.town['key']}",
                "Idempotency-Key": f"till-{self.number}-{index}",
            }
            while time.monotonic() < deadline:
                try:
                    answer = self.house.post("/api/v1/receipts", body, headers)
                    assert answer["points"] == 10, answer
                    self.answered += 1
                    break
                except (urllib.error.URLError, OSError, json.JSONDecodeError):
                    self.retries += 1
                    time.sleep(0.1)


@pytest.mark.feature("B04", "N1", "C005")
@pytest.mark.timeout(400)
def test_kill_nine_loses_and_doubles_nothing(house: House) -> None:
    environment = {**house.environment, "DATABASE_URL": house.place.url("zhike")}
    made = subprocess.run(
        [sys.executable, "-m", "tests.crash.town"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert made.returncode == 0, made.stderr
    town = json.loads(made.stdout)
    house.start("web")
    house.start("worker")
    tills = [Till(house, town, number) for number in range(TILLS)]
    for till in tills:
        till.start()

    for victim in ("web", "database", "worker", "web", "database"):
        _wait_for_progress(tills)
        if victim == "database":
            house.crash_database()
            embedded_postgres.ensure_running(house.home)
        else:
            house.kill(victim)
            house.start(victim)
    for till in tills:
        till.join()

    posted = TILLS * RECEIPTS_PER_TILL
    assert [till.answered for till in tills] == [RECEIPTS_PER_TILL] * TILLS
    assert sum(till.retries for till in tills) > 0
    assert house.count("select count(*) from sales_receipt") == posted
    assert house.count("select sum(balance) from loyalty_account") == posted * 10
    assert (
        house.count("select count(*) from kernel_event where type = 'zhike.loyalty.points_earned'") == posted
    )
    proof = house.zhike("ledger", "verify")
    assert proof.returncode == 0, proof.stdout + proof.stderr


def _wait_for_progress(tills: list[Till]) -> None:
    """Until the tills have been answered a few more times, so that every blow falls under load."""
    goal = sum(till.answered for till in tills) + 12
    deadline = time.monotonic() + 60
    while sum(till.answered for till in tills) < goal and time.monotonic() < deadline:
        if not any(till.is_alive() for till in tills):
            return
        time.sleep(0.02)
