"""5,000 open chats and 200 messages a second: how soon a message is with whoever waits for it, through a restart too.

Conversations are written by the operations, in threads; `zhike live` runs as it does in production; 5,000 connections hold its
stream over real sockets. In the middle of the run the process is stopped and started again: connections come back naming
the last message they have. Every message must arrive, once.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from django.db import connection

from tests.bench.harness import HOME, ROOT, Result, percentile, result
from tests.people import build_crew, build_malls
from tests.ui.api.conftest import build_shop
from zhike.kernel import clock
from zhike.kernel.access import Viewer, system_viewer
from zhike.loyalty import operations as loyalty
from zhike.service import operations as service
from zhike.ui.components.chat import Pass, make_pass

CHATS = int(os.environ.get("ZHIKE_BENCH_CHATS", "5000"))
RATE = 200
SECONDS = 20.0
WRITERS = 8
LOST_AFTER_S = 120.0
DELIVERED_WITHIN_MS = 1000.0
COPIES = """
    INSERT INTO service_conversation ({columns}) SELECT {values} FROM service_conversation AS c,
        unnest(%s::bigint[]) WITH ORDINALITY AS p(id, n) WHERE c.number = %s
"""


@dataclass
class Chats:
    """Id, number and last message of each conversation, in one order, and who answers them."""

    ids: list[int]
    numbers: list[str]
    reached: list[int]
    agent: Viewer


@dataclass
class Heard:
    """What arrived: seconds from the writing to the reader, by the text of the message; and how often."""

    seconds: dict[str, float] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    connected: int = 0


def run() -> list[Result]:
    chats = build_chats()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    return asyncio.run(measure(chats, port))


def build_chats() -> Chats:
    """One conversation is begun and answered by the operations; the others are its copies, with members of their own."""
    now = clock.now()
    malls = build_malls(now)
    crew = build_crew(malls)
    actor = system_viewer("bench")
    service.found_service(actor=actor, group_id=malls.group, time_zone="Asia/Shanghai", now=now)
    build_shop(malls, now)
    people = loyalty.enroll_members(
        actor=actor,
        members=[
            loyalty.NewMember(
                f"会员{n}", now, phone=f"139{n:08d}", mall_id=malls.star, merchant_id=malls.cafe
            )
            for n in range(CHATS)
        ],
        now=now,
    )
    first = service.write_as_member(
        actor=actor, person_id=people[0], mall_id=malls.star, text="转人工", key=uuid4(), now=now
    )
    service.write_as_staff(actor=crew.sun, number=first, text="您好", now=now)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'service_conversation'"
            " AND column_name <> 'id' ORDER BY ordinal_position"
        )
        names = [name for (name,) in cursor.fetchall()]
        own = {"person_id": "p.id", "number": "'B' || p.n"}
        sql = COPIES.format(
            columns=", ".join(names), values=", ".join(own.get(name, f"c.{name}") for name in names)
        )
        cursor.execute(sql, [people[1:], first])
        cursor.execute("SELECT id, number, last_number FROM service_conversation ORDER BY id")
        rows = cursor.fetchall()
        cursor.execute("ANALYZE service_conversation")
    assert len(rows) == CHATS
    ids, numbers, reached = (list(column) for column in zip(*rows, strict=True))
    return Chats(ids, numbers, reached, crew.sun)


async def measure(chats: Chats, port: int) -> list[Result]:
    heard = Heard()
    live = start_live(port)
    await until_healthy(port)
    empty = resident_kb(live.pid)
    readers = [
        asyncio.create_task(listen(port, pk, reached, heard))
        for pk, reached in zip(chats.ids, chats.reached, strict=True)
    ]
    while heard.connected < CHATS:
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    full = resident_kb(live.pid)

    quiet = await write_and_wait(chats, "a", heard)
    rates = [quiet]
    late = dict(heard.seconds)
    writing = asyncio.create_task(write_and_wait(chats, "b", heard))
    await asyncio.sleep(SECONDS / 3)
    live.terminate()
    await asyncio.to_thread(live.wait, 30)
    live = start_live(port)
    rates.append(await writing)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    live.terminate()
    await asyncio.to_thread(live.wait, 30)
    assert set(heard.times.values()) == {1}, "a message came twice"
    restarted = [seconds for text, seconds in heard.seconds.items() if text not in late]
    return [
        result(
            f"chat: to the reader, p95, {CHATS:,} open, {rates[0]:.0f} messages/s",
            percentile(list(late.values()), 0.95) * 1000,
            "ms",
            limit=DELIVERED_WITHIN_MS,
            target=1,
            seconds=list(late.values()),
        ),
        result(
            "chat: through a restart, slowest (nothing lost, nothing twice)",
            max(restarted),
            "s",
            seconds=restarted,
        ),
        result("chat: memory of one open connection", (full - empty) / CHATS, "kB"),
    ]


def start_live(port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "zhike.config.cli", "live", "--port", str(port)]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "ZHIKE_HOME": str(HOME)})


async def until_healthy(port: int) -> None:
    for _ in range(600):
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /live/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            if b" 200 " in answer[:20]:
                return
        await asyncio.sleep(0.1)
    raise TimeoutError("the live process did not come up")


def resident_kb(pid: int) -> int:
    """Memory of a process and its children."""
    total = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                status = (folder / "status").read_text()
                parent = int(re.findall(r"^PPid:\s+(\d+)", status, re.M)[0])
                size = re.findall(r"^VmRSS:\s+(\d+)", status, re.M)
                if size and (int(folder.name) == pid or parent == pid):
                    total += int(size[0])
    return total


async def listen(port: int, conversation_id: int, reached: int, heard: Heard) -> None:
    """One browser: hold the stream, and when it breaks come back a moment later for what is missing."""
    given = make_pass(Pass("member", conversation_id))
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /live/?pass={given}&after={reached} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await reader.readuntil(b"retry: 1000\n\n")
            heard.connected += 1
            try:
                while True:
                    line = await reader.readuntil(b"\n")
                    if line.startswith(b"id: "):
                        reached = int(line[4:])
                    elif line.startswith(b"data: ") and b"bench " in line:
                        text = json.loads(line[6:])["text"]
                        heard.seconds[text] = time.time() - float(text.split()[2])
                        heard.times[text] = heard.times.get(text, 0) + 1
            finally:
                heard.connected -= 1
                writer.close()
        await asyncio.sleep(random.uniform(0.5, 1.5))


async def write_and_wait(chats: Chats, name: str, heard: Heard) -> float:
    """Write for `SECONDS` from several threads and wait until all of it has arrived; messages a second."""
    wanted, said = int(RATE * SECONDS), []
    began = time.perf_counter()

    def write(number: int) -> None:
        rng = random.Random(f"{name}-{number}")
        for step in range(wanted // WRITERS):
            due = began + step * WRITERS / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            text = f"bench {name}{number}-{step} {time.time()}"
            service.write_as_staff(
                actor=chats.agent, number=rng.choice(chats.numbers), text=text, now=clock.now()
            )
            said.append(text)
        connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        await asyncio.sleep(0.05)
    rate = len(said) / (time.perf_counter() - began)
    deadline = time.monotonic() + LOST_AFTER_S
    while missing := set(said) - heard.times.keys():
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(missing)} of {len(said)} messages never came")
        await asyncio.sleep(0.1)
    return rate
