import os
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import transaction

from tests.kernel.facts import NOON, LampLit
from zhike.kernel.connections import open_connection
from zhike.kernel.events import publish, wake
from zhike.kernel.events.wakeup import CHANNEL

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listener(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    with open_connection() as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        yield connection


def notified(listener: psycopg.Connection[Any], timeout_s: float = 30) -> bool:
    return any(True for _note in listener.notifies(timeout=timeout_s, stop_after=1))


def test_commit_wakes_and_rollback_does_not(listener: psycopg.Connection[Any]) -> None:
    with transaction.atomic():
        publish(LampLit(1), now=NOON)
        transaction.set_rollback(True)
    assert not notified(listener, timeout_s=0.1)
    with transaction.atomic():
        publish(LampLit(1), now=NOON)
    assert notified(listener)


def test_many_wakes_become_few_notifications(listener: psycopg.Connection[Any]) -> None:
    for _ in range(5000):
        wake()
    assert notified(listener)
    later = list(listener.notifies(timeout=0.5))
    assert len(later) < 500


def test_forked_child_wakes_by_its_own_connection_and_leaves_the_parents_alone(
    listener: psycopg.Connection[Any],
) -> None:
    wake()
    assert notified(listener)
    child = os.fork()
    if child == 0:
        wake()
        time.sleep(0.5)  # the notifier is a daemon: it ends with the process
        os._exit(0)
    assert notified(listener)
    os.waitpid(child, 0)
    wake()
    assert notified(listener)
