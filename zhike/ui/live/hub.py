"""Who watches what, and what reaches them. One event loop; tables are read in one thread beside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from zhike.service.queries import MessageView
from zhike.ui.components.chat import Pass, message_data

GATHER_S = 0.01
"""What is written within this time is read together."""
LOOK_AGAIN_S = 10.0
"""Words can be lost; so often everything watched is compared with the tables."""
FRAMES_MAX = 500
IDS_AT_ONCE = 2_000

logger = logging.getLogger(__name__)

Frame = bytes
Reading = Callable[[Sequence[tuple[int, int]]], list[MessageView]]
LastNumbers = Callable[[Sequence[int]], Mapping[int, int]]


@dataclass(eq=False, slots=True)
class Watcher:
    """One connection. ``reached`` is the number of the newest message it got."""

    given: Pass
    reached: int
    frames: asyncio.Queue[Frame | None] = field(default_factory=lambda: asyncio.Queue(FRAMES_MAX))

    @property
    def topics(self) -> list[str]:
        found = [f"inbox:{mall_id}" for mall_id in self.given.mall_ids]
        if self.given.conversation_id:
            found.append(f"conversation:{self.given.conversation_id}")
        if self.given.staff_id:
            found.append(f"staff:{self.given.staff_id}")
        return found

    def put(self, told: Frame | None) -> None:
        """One that does not take its frames any more is let go; it comes back and goes on where it was."""
        try:
            self.frames.put_nowait(told)
        except asyncio.QueueFull:
            while not self.frames.empty():
                self.frames.get_nowait()
            self.frames.put_nowait(None)


def frame(event: str, data: Any, number: int | None = None) -> Frame:
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


class Hub:
    """Joins what is told with those who watch."""

    def __init__(self, read: Reading, last_numbers: LastNumbers) -> None:
        self._read, self._last_numbers = read, last_numbers
        self._by_topic: dict[str, set[Watcher]] = {}
        self._stale: set[int] = set()
        self._wanted = asyncio.Event()
        self._tables = ThreadPoolExecutor(1, thread_name_prefix="live-tables")

    def __len__(self) -> int:
        return len({id(watcher) for watchers in self._by_topic.values() for watcher in watchers})

    def close(self) -> None:
        self._tables.shutdown(wait=False)

    @contextlib.contextmanager
    def watching(self, watcher: Watcher) -> Iterator[Watcher]:
        """While this lasts the watcher is told; first of all what it has missed."""
        for topic in watcher.topics:
            self._by_topic.setdefault(topic, set()).add(watcher)
        if watcher.given.conversation_id:
            self._look(watcher.given.conversation_id)
        try:
            yield watcher
        finally:
            for topic in watcher.topics:
                watchers = self._by_topic.get(topic, set())
                watchers.discard(watcher)
                if not watchers:
                    self._by_topic.pop(topic, None)

    def hear(self, text: str) -> None:
        """A word from another process."""
        try:
            word = json.loads(text)
            topic = str(word.pop("topic"))
        except (ValueError, KeyError, AttributeError):
            return
        watchers = self._by_topic.get(topic)
        if not watchers:
            return
        kind, _colon, number = topic.partition(":")
        if kind == "conversation" and word.get("what") == "news":
            self._look(int(number))
            return
        told = frame("inbox" if kind == "inbox" else str(word.get("what", "news")), word)
        for watcher in list(watchers):
            watcher.put(told)

    def look_at_everything(self) -> None:
        """After a break nobody knows what was missed."""
        for conversation_id in self._watched():
            self._look(conversation_id)

    def _watched(self) -> list[int]:
        return [int(topic[13:]) for topic in self._by_topic if topic.startswith("conversation:")]

    def _look(self, conversation_id: int) -> None:
        self._stale.add(conversation_id)
        self._wanted.set()

    async def deliver(self) -> None:
        """For ever: read what is new in the conversations that were told of, and hand it out."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(GATHER_S)
            self._wanted.clear()
            stale, self._stale = self._stale, set()
            watched = {pk: self._by_topic.get(f"conversation:{pk}", set()) for pk in stale}
            marks = [(pk, min(one.reached for one in those)) for pk, those in watched.items() if those]
            if not marks:
                continue
            try:
                found = await self.run_in_tables(self._read, marks)
            except Exception:
                logger.exception("live: messages could not be read; trying again")
                self._stale |= stale
                await asyncio.sleep(1)
                self._wanted.set()
                continue
            self._hand_out(found)

    def _hand_out(self, found: Sequence[MessageView]) -> None:
        for message in found:
            told = frame("message", message_data(message), message.number)
            for watcher in list(self._by_topic.get(f"conversation:{message.conversation_id}", ())):
                if message.number <= watcher.reached:
                    continue
                watcher.reached = message.number
                if message.audience == "member" or watcher.given.reader == "staff":
                    watcher.put(told)

    async def look_again(self) -> None:
        """For ever: compare with the tables, for the words that were lost."""
        while True:
            await asyncio.sleep(LOOK_AGAIN_S)
            ids = self._watched()
            for begin in range(0, len(ids), IDS_AT_ONCE):
                with contextlib.suppress(Exception):
                    part = ids[begin : begin + IDS_AT_ONCE]
                    for pk, last in (await self.run_in_tables(self._last_numbers, part)).items():
                        watchers = self._by_topic.get(f"conversation:{pk}", ())
                        if any(watcher.reached < last for watcher in watchers):
                            self._look(pk)

    async def run_in_tables(self, act: Callable[..., Any], *arguments: Any) -> Any:
        """In the one thread that reads tables."""
        return await asyncio.get_running_loop().run_in_executor(self._tables, act, *arguments)


async def frames_of(watcher: Watcher, until: float, pause_s: float) -> AsyncIterator[Frame]:
    """What a connection is sent: what is told, a sign of life now and then, and at the end that the pass is over."""
    loop = asyncio.get_running_loop()
    yield b"retry: 1000\n\n"
    while (left := until - loop.time()) > 0:
        try:
            told = await asyncio.wait_for(watcher.frames.get(), min(pause_s, left))
        except TimeoutError:
            yield b": here\n\n"
            continue
        if told is None:
            return
        yield told
    yield frame("renew", {})
