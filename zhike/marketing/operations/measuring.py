"""Summing up what the people of each arm did, from their receipts; the comparison itself is made when somebody looks."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from zhike.kernel.access import Viewer
from zhike.marketing.models import Campaign, CampaignMeasure, CampaignRecipient, CampaignWave
from zhike.marketing.operations._sums import Measured, SalesSums
from zhike.marketing.queries.found import zone_of
from zhike.marketing.rules import campaigns as rules
from zhike.privacy import queries as privacy
from zhike.service import queries as service

CHUNK = 5_000


def measure_campaign(*, actor: Viewer, campaign_id: int, now: dt.datetime) -> dict[str, Any]:
    """Sum up, by arm, what the measured people bought in their wave's window so far, and keep it as today's measure.

    Receipts from the wave's start on, sales less returns, at most ``window_days`` long; for the adjustment the same people's
    purchases of the 56 days before. Guardrails: consents for offers taken back, and complaints, in the same window. Set-based;
    called twice it gives the same.
    """
    row = Campaign.objects.get(pk=campaign_id)
    waves = list(CampaignWave.objects.filter(campaign=row, starts_at__lt=now).order_by("number"))
    arms: dict[str, _Sums] = defaultdict(_Sums)
    bought = SalesSums(row.group_id)
    for wave in waves:
        until = min(now, wave.starts_at + dt.timedelta(days=row.window_days))
        for people in _people(row.pk, wave.pk):
            _add(arms, bought, people, wave.starts_at, until)
    sums = {key: {**one.as_json(), **bought.of_arm(key)} for key, one in arms.items()}
    day = now.astimezone(ZoneInfo(zone_of(row))).date()
    with transaction.atomic():
        CampaignMeasure.objects.update_or_create(
            campaign=row, day=day, defaults={"sums": sums, "measured_at": now}
        )
    return sums


def measure_campaigns(*, actor: Viewer, now: dt.datetime) -> int:
    """Every campaign whose window is open; how many."""
    ids = list(
        Campaign.objects.filter(status__in=("running", "paused", "stopped", "sent"))
        .order_by("id")
        .values_list("id", flat=True)
    )
    for campaign_id in ids:
        measure_campaign(actor=actor, campaign_id=campaign_id, now=now)
    return len(ids)


class _Sums:
    """Of one arm: who was assigned, and of the measured ones what they did besides buying."""

    def __init__(self) -> None:
        self.assigned = self.withdrawn = self.complained = self.given = self.clicked = 0

    def as_json(self) -> dict[str, Any]:
        names = ("assigned", "given", "clicked", "withdrawn", "complained")
        return {name: getattr(self, name) for name in names}


def _people(campaign_id: int, wave_id: int) -> Iterator[list[CampaignRecipient]]:
    rows = (
        CampaignRecipient.objects.filter(campaign_id=campaign_id, wave_id=wave_id)
        .exclude(arm=rules.GLOBAL)
        .only("campaign_id", "person_id", "arm", "gate", "state", "clicked_at", "channel", "chosen")
    )
    last = 0
    while found := list(rows.filter(person_id__gt=last).order_by("person_id")[:CHUNK]):
        yield found
        last = found[-1].person_id


def _add(
    arms: dict[str, _Sums],
    bought: SalesSums,
    people: Sequence[CampaignRecipient],
    since: dt.datetime,
    until: dt.datetime,
) -> None:
    measured = [one for one in people if not one.gate]
    ids = [one.person_id for one in measured]
    withdrawn = privacy.withdrawn_between(ids, "marketing", since, until)
    complained = service.complained_between(ids, since, until)
    for one in people:
        arms[one.arm].assigned += 1
    for one in measured:
        sums = arms[one.arm]
        sums.given += one.state == "given"
        sums.clicked += one.clicked_at is not None
        sums.withdrawn += one.person_id in withdrawn
        sums.complained += one.person_id in complained
    bought.add(
        [
            Measured(one.person_id, one.arm, since, until, {"channel": one.channel, "chosen": one.chosen})
            for one in measured
        ]
    )
