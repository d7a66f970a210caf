"""The live stream: what is written reaches who watches, once, in order, and again after a break."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from tests.people import NOW, Crew, Malls
from zhike.customers import queries as customers
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import Conversation
from zhike.ui.components.chat import Pass, make_pass
from zhike.ui.live.app import LiveStream
from zhike.ui.live.hub import Hub, Watcher

pytestmark = pytest.mark.feature("C176")
PATIENCE_S = 5


class Caller:
    """A browser's EventSource, without the network between."""

    def __init__(self, app: LiveStream, given: Pass | None, after: int = 0) -> None:
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.status = 0
        self._unheard: list[tuple[str, Any]] = []
        self._gone = asyncio.Event()
        self._rest = b""
        query = f"pass={make_pass(given) if given else 'forged'}&after={after}".encode()
        scope = {"type": "http", "path": "/live/", "query_string": query, "headers": []}
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, part: dict[str, Any]) -> None:
        self.status = part.get("status", self.status)
        self._rest += part.get("body", b"")
        *whole, self._rest = self._rest.split(b"\n\n")
        for text in whole:
            fields = dict(line.split(": ", 1) for line in text.decode().split("\n") if ": " in line)
            if "event" in fields:
                await self.events.put((fields["event"], json.loads(fields["data"])))

    async def hear(self, *names: str) -> Any:
        """The next event of one of these names."""
        for place, (name, data) in enumerate(self._unheard):
            if name in names:
                del self._unheard[place]
                return data
        while True:
            name, data = await asyncio.wait_for(self.events.get(), PATIENCE_S)
            if name in names:
                return data
            self._unheard.append((name, data))

    async def leave(self) -> None:
        self._gone.set()
        await self.task


@pytest.mark.django_db(transaction=True)
def test_it_arrives_over_the_stream(malls: Malls, crew: Crew, zhang_san: int) -> None:
    member = customers.viewer_of_person(zhang_san)

    def write(text: str) -> str:
        return service.write_as_member(
            actor=member, person_id=zhang_san, mall_id=malls.star, text=text, key=uuid4(), now=NOW
        )

    def answer(number: str, text: str, audience: str = "member") -> None:
        service.write_as_staff(actor=crew.sun, number=number, text=text, audience=audience, now=NOW)

    async def walk() -> None:
        number = await asyncio.to_thread(write, "在吗")
        row = await Conversation.objects.aget()
        app = LiveStream()
        phone, desk = Caller(app, Pass("member", row.pk)), Caller(app, Pass("staff", row.pk, (malls.star,)))
        assert (await phone.hear("message"))["text"] == "在吗"  # what was said before it came
        assert (await desk.hear("message"))["text"] == "在吗"
        await asyncio.to_thread(answer, number, "内部话", "staff")
        await asyncio.to_thread(answer, number, "在的")
        heard = [(await desk.hear("message"))["text"] for _ in range(4)]
        assert [text for text in heard if text] == ["内部话", "在的"]
        while (told := await phone.hear("message"))["kind"] != "text":
            pass
        assert told["text"] == "在的"
        await desk.hear("inbox")
        await asyncio.to_thread(lambda: service.tell_typing(actor=member, number=number, now=NOW))
        assert (await desk.hear("typing"))["side"] == "member"
        await phone.leave()
        await asyncio.to_thread(answer, number, "还在吗？")
        again = Caller(app, Pass("member", row.pk), after=told["number"])
        assert (await again.hear("message"))["text"] == "还在吗？"
        assert app.hub is not None and len(app.hub) == 2
        stranger = Caller(app, None)
        await stranger.task
        assert stranger.status == 403
        for one in (again, desk):
            await one.leave()
        assert len(app.hub) == 0
        await app.close()

    asyncio.run(walk())


def test_slow_readers_are_let_go_and_lost_words_are_found() -> None:
    def view(number: int, audience: str = "member") -> queries.MessageView:
        return queries.MessageView(7, number, "", "text", audience, "bot", "", "字", {}, NOW)

    def read(marks: Sequence[tuple[int, int]]) -> list[queries.MessageView]:
        return [view(number) for _pk, after in marks for number in range(after + 1, 601)]

    async def walk() -> None:
        hub = Hub(read, lambda ids: dict.fromkeys(ids, 600))
        slow, quick = Watcher(Pass("member", 7), 0), Watcher(Pass("member", 7), 598)
        deliver = asyncio.create_task(hub.deliver())
        with hub.watching(slow), hub.watching(quick):
            hub.hear("not json")
            hub.hear('{"topic": "conversation:7", "what": "news"}')
            assert b'"number": 599' in (await asyncio.wait_for(quick.frames.get(), PATIENCE_S) or b"")
            assert await asyncio.wait_for(slow.frames.get(), PATIENCE_S) is None
            assert (slow.reached, quick.reached) == (600, 600)
            hub.look_at_everything()
        deliver.cancel()
        hub.close()

    asyncio.run(walk())
