"""Delivery to a real listener: signed, in order, tried again, never lost."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from tests.people import Crew, Malls, build_malls
from tests.webhooks.conftest import SYSTEM, Clock, Listener, happen, send
from zhike.kernel import clock
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import Event
from zhike.webhooks import _transport, operations, queries
from zhike.webhooks.models import Endpoint, EndpointSecret
from zhike.webhooks.ports import Answer

pytestmark = [pytest.mark.feature("C017", "C022", "B50"), pytest.mark.django_db(transaction=True)]
CHANGED = "zhike.organization.merchant_changed"


@pytest.fixture
def malls(db: None) -> Malls:
    return build_malls(clock.now())


def endpoint(listener: Listener, *types: str, name: str = "数据仓库") -> tuple[int, str]:
    return operations.create_endpoint(actor=SYSTEM, name=name, url=listener.url, types=types, now=clock.now())


def view(endpoint_id: int) -> queries.EndpointView:
    return queries.endpoint(SYSTEM, endpoint_id, clock.now())


def names(listener: Listener) -> list[Any]:
    return [one["id"] for one in listener.told]


def log(*types: str) -> list[str]:
    return [
        str(pk)
        for pk in Event.objects.filter(type__in=types).order_by("position").values_list("id", flat=True)
    ]


def test_events_come_signed_as_cloudevents_in_order(malls: Malls, listener: Listener) -> None:
    happen(malls, "以前的名字")
    _id, secret = endpoint(listener, CHANGED)
    happen(malls, "一", "二", "三")
    assert send() == 3
    assert names(listener) == log(CHANGED)[1:]
    first, *_rest = listener.verified(secret)
    assert (first["specversion"], first["type"], first["data"]["merchant_id"]) == ("1.0", CHANGED, malls.cafe)
    assert first["timestamp"] == first["time"] and first["subject"] == f"merchant/{malls.cafe}"
    headers = {name.lower(): value for name, value in listener.requests[0][0].items()}
    assert headers["webhook-id"] == first["id"] and headers["content-type"].startswith(
        "application/cloudevents+json"
    )
    assert send() == 0


def test_only_the_types_it_asked_for(malls: Malls, listener: Listener) -> None:
    endpoint(listener, "zhike.webhooks.endpoint_saved")
    happen(malls, "一")
    endpoint(listener, "zhike.webhooks.letter_died", name="另一个")
    send()
    assert set(listener.types) == {"zhike.webhooks.endpoint_saved"}


def test_every_type_can_be_asked_for_whatever_this_process_has_loaded() -> None:
    """A fresh process knows the types that the recorded shapes in docs/events know."""
    code = (
        "import django, os; os.environ['DJANGO_SETTINGS_MODULE'] = 'zhike.config.settings'; django.setup();"
        "from zhike.webhooks.queries import event_types; print('\\n'.join(event_types()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    recorded = {path.name.removesuffix(".json") for path in Path("docs/events").glob("*.json")}
    assert set(done.stdout.split()) == recorded


def test_failure_is_tried_again_under_the_same_id_before_anything_else(
    malls: Malls, listener: Listener, hand: Clock
) -> None:
    endpoint_id, _secret = endpoint(listener, CHANGED)
    listener.answers = [500, 302]
    happen(malls, "一", "二")
    assert send(hand) == 1 and view(endpoint_id).tries == 1 and view(endpoint_id).waiting == 2
    assert send(hand) == 0
    hand.move(seconds=7)
    assert send(hand) == 1 and view(endpoint_id).tries == 2
    hand.move(minutes=7)
    assert send(hand) == 2
    assert names(listener) == log(CHANGED)
    ids = [headers["webhook-id"] for headers, _body in listener.requests]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert [one.number for one in queries.attempts(SYSTEM, endpoint_id)] == [1, 3, 2, 1]
    assert view(endpoint_id).tries == 0


def test_one_who_asks_for_time_gets_it(malls: Malls, listener: Listener, hand: Clock) -> None:
    endpoint_id, _secret = endpoint(listener, CHANGED)
    listener.answers, listener.headers = [429], {"Retry-After": "3600"}
    happen(malls, "一")
    send(hand)
    due = view(endpoint_id).next_try_at
    assert due is not None and due - hand() > dt.timedelta(minutes=59)


def test_after_ten_tries_it_is_a_dead_letter_and_the_next_goes_on(
    malls: Malls, listener: Listener, hand: Clock
) -> None:
    endpoint_id, _secret = endpoint(listener, CHANGED)
    listener.answers = [500] * 10
    happen(malls, "一", "二")
    for _ in range(10):
        send(hand)
        hand.move(hours=30)
    assert names(listener) == log(CHANGED)[1:]
    [letter] = queries.dead_letters(SYSTEM, endpoint_id).items
    assert letter.tries == 10 and letter.error == "HTTP 500"
    assert operations.replay_dead_letters(actor=SYSTEM, endpoint_id=endpoint_id, now=clock.now()) == 1
    send(hand)
    assert sorted(names(listener)) == sorted(log(CHANGED))
    assert queries.dead_letters(SYSTEM, endpoint_id).items == []


def test_replayed_letter_that_fails_again_stays_and_can_be_given_up(
    malls: Malls, listener: Listener, hand: Clock
) -> None:
    endpoint_id, _secret = endpoint(listener, CHANGED)
    listener.answers = [500] * 11
    happen(malls, "一")
    for _ in range(10):
        send(hand)
        hand.move(hours=30)
    [letter] = queries.dead_letters(SYSTEM, endpoint_id).items
    operations.replay_dead_letters(
        actor=SYSTEM, endpoint_id=endpoint_id, letter_ids=[letter.id], now=clock.now()
    )
    send(hand)
    assert queries.dead_letters(SYSTEM, endpoint_id).items[0].status == "open"
    assert operations.discard_dead_letters(actor=SYSTEM, endpoint_id=endpoint_id, now=clock.now()) == 1
    assert queries.dead_letters(SYSTEM, endpoint_id).items == []


def test_gone_is_told_no_more_and_goes_on_where_it_stopped(malls: Malls, listener: Listener) -> None:
    endpoint_id, _secret = endpoint(listener, CHANGED)
    listener.answers = [410]
    happen(malls, "一", "二")
    send()
    assert (view(endpoint_id).is_active, view(endpoint_id).stopped_because) == (False, "gone")
    happen(malls, "三")
    assert send() == 0 and listener.told == []
    operations.update_endpoint(
        actor=SYSTEM, endpoint_id=endpoint_id, changes={"is_active": True}, now=clock.now()
    )
    send()
    assert names(listener) == log(CHANGED)


def test_rotated_secret_two_sign_for_a_while(malls: Malls, listener: Listener, hand: Clock) -> None:
    endpoint_id, old = endpoint(listener, CHANGED)
    overlap = dt.timedelta(hours=24)
    new = operations.rotate_secret(actor=SYSTEM, endpoint_id=endpoint_id, overlap=overlap, now=clock.now())
    happen(malls, "一")
    send()
    assert len(listener.requests[0][0]["webhook-signature"].split(" ")) == 2
    assert listener.verified(old) == listener.verified(new)
    assert view(endpoint_id).secrets == 2
    secrets = queries.live_secrets(endpoint_id, clock.now() + dt.timedelta(hours=25))
    assert len(secrets) == 1
    listener.requests.clear()
    EndpointSecret.objects.filter(expires_at__isnull=False).update(expires_at=clock.now())
    happen(malls, "二")
    send()
    assert listener.verified(new)
    with pytest.raises(WebhookVerificationError):
        listener.verified(old)


def test_sender_that_dies_between_answer_and_record_loses_nothing(
    malls: Malls, listener: Listener, hand: Clock
) -> None:
    """The listener has it, we do not know: the same event comes again under the same id, and nothing is skipped."""
    endpoint_id, _secret = endpoint(listener, CHANGED)
    happen(malls, "一", "二")

    def dying(url: str, body: bytes, headers: Any) -> Answer:
        _transport.post(url, body, headers)
        raise SystemExit

    with pytest.raises(SystemExit):
        operations.deliver(actor=SYSTEM, endpoint_id=endpoint_id, post=dying, clock=hand)
    Endpoint.objects.filter(pk=endpoint_id).update(
        lease="0" * 32, leased_until=hand() + dt.timedelta(seconds=60)
    )
    assert send(hand) == 0
    hand.move(seconds=61)
    assert send(hand) == 2
    one, two = log(CHANGED)
    assert names(listener) == [one, one, two]


def test_two_senders_never_send_to_one_endpoint_at_once(malls: Malls, listener: Listener) -> None:
    from django.db import connection

    endpoint_id, _secret = endpoint(listener, CHANGED)
    happen(malls, *[f"名字{number}" for number in range(20)])

    def work() -> None:
        operations.deliver(actor=SYSTEM, endpoint_id=endpoint_id, post=_transport.post, clock=clock.now)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    send()
    assert names(listener) == log(CHANGED)


def test_no_request_goes_to_a_private_address(malls: Malls, listener: Listener, settings: Any) -> None:
    """Not by a literal, not by a name, not by a number that is an address."""
    settings.WEBHOOK_NETWORKS = []
    for host in ("127.0.0.1", "localhost", "2130706433", "[::1]"):
        url = f"https://{host}:{listener.server.server_port}/"
        assert _transport.post(url, b"{}", {}).error.startswith("private"), host
    assert listener.requests == []
    with pytest.raises(operations.AddressUnusable):
        endpoint(listener)


def test_nobody_answers(malls: Malls, listener: Listener) -> None:
    listener.server.shutdown()
    listener.server.server_close()
    answer = _transport.post(listener.url, b"{}", {})
    assert answer.status == 0 and "ConnectionRefusedError" in answer.error


def test_only_who_may_see_everything_may_have_others_told(malls: Malls, listener: Listener) -> None:
    from tests.people import build_crew

    crew: Crew = build_crew(malls)
    for stranger in (crew.wang, crew.ops, crew.li):
        with pytest.raises(NotAllowed):
            operations.create_endpoint(actor=stranger, name="我的", url=listener.url, now=clock.now())
        with pytest.raises(NotAllowed):
            queries.endpoints(stranger, clock.now())
    assert not Endpoint.objects.exists()
    endpoint_id, secret = operations.create_endpoint(
        actor=crew.lin, name="数据仓库", url=listener.url, types=[CHANGED], now=clock.now()
    )
    kept = bytes(EndpointSecret.objects.get(endpoint_id=endpoint_id).value)
    assert secret.removeprefix("whsec_").encode() not in kept
    with pytest.raises(operations.EndpointNameTaken):
        endpoint(listener)
