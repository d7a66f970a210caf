"""Sources of 星河城 and a caller that speaks as an SDK does, through the very handler that serves them."""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.people import NOW, Malls
from tests.ui.api.client import ApiClient, Reply
from zhike.collection import operations, queries
from zhike.kernel.access import system_viewer
from zhike.kernel.models import Event

SYSTEM = system_viewer("tests")
BEHAVIOUR = "zhike.collection.behaviour_observed"


@dataclass(frozen=True)
class Sender:
    """A source with a working key."""

    source_id: int
    key: str

    def call(self, path: str, message: Any, **headers: str) -> Reply:
        basic = base64.b64encode(f"{self.key}:".encode()).decode()
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        sent = {"content_type": "application/json", "authorization": f"Basic {basic}"} | headers
        return ApiClient().call("POST", path, body, **sent)

    def send(self, *messages: dict[str, Any], **shared: Any) -> None:
        reply = self.call("/v1/batch", {"batch": list(messages)} | shared)
        assert (reply.status, reply.json) == (200, {"success": True}), reply

    @property
    def last(self) -> queries.Counts:
        """What became of the latest request."""
        return queries.latest_deliveries(SYSTEM, self.source_id)[0].counts


def build_sender(malls: Malls, name: str, now: dt.datetime = NOW, **options: Any) -> Sender:
    source_id = operations.create_source(
        actor=SYSTEM, group_id=malls.group, name=name, mall_id=malls.star, now=now, **options
    )
    _key_id, raw = operations.make_write_key(actor=SYSTEM, source_id=source_id, now=now)
    return Sender(source_id, raw)


@pytest.fixture(autouse=True)
def forget() -> None:
    queries.forget_sources()


@pytest.fixture
def server(malls: Malls) -> Sender:
    """The site's own server: trusted, sends only after consent."""
    return build_sender(malls, "官网服务器", kind="server", is_trusted=True, consent_assumed=True)


@pytest.fixture
def web(malls: Malls) -> Sender:
    """Pages in the browser: the key is public, consent comes with each message."""
    return build_sender(malls, "官网", kind="web")


def behaviour() -> list[Event]:
    return list(Event.objects.filter(type=BEHAVIOUR).order_by("position"))


def track(event: str = "Product Viewed", **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "anonymousId": "browser-1"} | fields


def agreed(category: str = "Analytics", yes: bool = True) -> dict[str, Any]:
    return {"consent": {"categoryPreferences": {category: yes}}}
