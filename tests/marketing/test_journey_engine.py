"""The engine under force: kill -9 in the middle of a batch, and 32 threads that step the same people."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from tests.loyalty.conftest import NOW, SYSTEM
from tests.marketing.conftest import a_town, populate, write_wording
from tests.marketing.journeys import days, enter, graph, live, node, step
from tests.marketing.test_kill import kill_while_waiting_for
from tests.offers.conftest import make_batch
from zhike.loyalty.models import Transfer
from zhike.marketing import operations
from zhike.marketing.models import JourneyCount, JourneyEntry, JourneyStep
from zhike.marketing.operations.journeys import stepping
from zhike.marketing.queries import Definition
from zhike.messaging.models import OutboundMessage
from zhike.offers.models import Coupon

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.feature("C124")]
COUNT = 70
PATH = ["n1", "n2", "n3", "n4"]


def giving(batch_id: int) -> Definition:
    return graph(
        node("n1", "coupon", {"batch": batch_id}, given="n2", refused="n2"),
        node("n2", "points", {"points": 10}, given="n3", refused="n3"),
        node("n3", "message", {"template": "plain"}, sent="n4", refused="n4"),
        node("n4", "exit"),
    )


def ready(count: int) -> tuple[int, list[int]]:
    """A journey that gives three things, with so many people at its beginning."""
    town = a_town()
    write_wording(town, "plain", "inbox", body="${name}您好")
    ids = populate(town, count, "push")
    journey_id = live(town, giving(make_batch(town, code="GIFT", stock=count)))
    assert set(enter(journey_id, ids).values()) == {"walk"}
    return journey_id, ids


def everybody_once(ids: list[int]) -> None:
    """Each got each thing once, took each step once, and the figures say so."""
    count = len(ids)
    assert JourneyEntry.objects.filter(state="done", ended_by="exit", visit=4).count() == count
    assert JourneyStep.objects.count() == 4 * count
    assert set(JourneyStep.objects.values_list("node", flat=True)) == set(PATH)
    assert Coupon.objects.values("member_id").distinct().count() == Coupon.objects.count() == count
    assert Transfer.objects.filter(reason="journey").values("reference").distinct().count() == count
    assert Transfer.objects.filter(reason="journey").count() == count
    assert OutboundMessage.objects.values("person_id").distinct().count() == count
    assert OutboundMessage.objects.count() == count
    counted = JourneyCount.objects.filter(node__in=PATH).values_list("node", "count")
    assert sorted(counted) == [(key, count) for key in PATH]


def test_killed_in_the_middle() -> None:
    _journey_id, ids = ready(COUNT)
    kill_while_waiting_for(ids[50], "tests.marketing.killed_journey")
    moved = JourneyEntry.objects.filter(state="done").count()
    assert moved in (40, 60)
    assert Coupon.objects.count() == OutboundMessage.objects.count() == moved
    assert JourneyStep.objects.count() == 4 * moved
    step(NOW)
    everybody_once(ids)


def test_threads_that_step_the_same_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepping, "BATCH", 5)
    _journey_id, ids = ready(60)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            operations.step_journeys(actor=SYSTEM, now=NOW)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    step(NOW)
    everybody_once(ids)


def test_threads_that_let_the_same_people_in() -> None:
    town = a_town()
    ids = populate(town, 20)
    journey_id = live(town, graph(node("n1", "delay", days(1), next="n2"), node("n2", "exit")))
    fates: list[dict[int, str]] = []
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            fates.append(enter(journey_id, ids, once=f"k{number % 2}"))
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(fate == "walk" for one in fates for fate in one.values()) == 20
    assert JourneyEntry.objects.count() == 20
