"""kill -9 while a campaign is filled or while it gives: whole chunks are there or not, and the next run ends it, once for each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
from django.db import connection, transaction

from tests.loyalty.conftest import NOW, SYSTEM
from tests.marketing.conftest import a_town, advance, people_in, populate, ready
from tests.offers.conftest import make_batch
from zhike.customers.models import Person
from zhike.marketing import operations
from zhike.marketing.models import CampaignRecipient
from zhike.messaging.models import OutboundMessage
from zhike.offers.models import Coupon

COUNT = 70


@pytest.mark.feature("C134")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", ["while it is filled", "while it gives"])
def test_killed_in_the_middle(moment: str) -> None:
    town = a_town()
    ids = populate(town, COUNT, "push")
    batch_id = make_batch(town, code="GIFT")
    arms = (operations.ArmPlan("A", "offer", batch_id=batch_id),)
    campaign_id = ready(town, arms=arms, holdout_bp=0)
    operations.launch_campaign(actor=SYSTEM, campaign_id=campaign_id, now=NOW)
    if moment == "while it gives":
        _fill(campaign_id)
    kill_while_waiting_for(ids[50], "tests.marketing.killed_campaign")
    given = CampaignRecipient.objects.filter(state="given").count()
    if moment == "while it is filled":
        assert len(people_in(campaign_id)) in (40, 60)
        assert given == 0
    else:
        assert given in (40, 60)
        assert OutboundMessage.objects.count() == Coupon.objects.count() == given
    advance()
    assert people_in(campaign_id) == ids
    for rows in (CampaignRecipient.objects.filter(state="given"), OutboundMessage.objects, Coupon.objects):
        assert rows.count() == COUNT
    assert Coupon.objects.values("member_id").distinct().count() == COUNT
    assert OutboundMessage.objects.values("person_id").distinct().count() == COUNT


def kill_while_waiting_for(person_id: int, module: str) -> None:
    """Start a process that writes about many people, hold one of them, and kill it when it has come to that one."""
    with transaction.atomic():
        Person.objects.select_for_update().get(pk=person_id)  # what is written about them waits
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "zhike.config.settings"}
        process = subprocess.Popen([sys.executable, "-m", module], env=environment)
        while not _somebody_waits():
            assert process.poll() is None
            threading.Event().wait(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    while _somebody_works():  # the server may still end what it was told last
        threading.Event().wait(0.02)


def _fill(campaign_id: int) -> None:
    from zhike.marketing.models import CampaignWave

    wave = CampaignWave.objects.create(campaign_id=campaign_id, number=1, starts_at=NOW)
    operations.fill_wave(actor=SYSTEM, campaign_id=campaign_id, wave_id=wave.pk, now=NOW)


def _somebody_waits() -> bool:
    """For what this connection holds: other tests wait for locks of theirs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])


def _somebody_works() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        return bool(cursor.fetchone()[0])
