"""Campaigns that annoy are stopped by themselves; somebody is told, and decides."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from zhike.kernel.access import Viewer
from zhike.marketing.models import Campaign, MarketingPolicy
from zhike.marketing.operations.planning import step, tell
from zhike.marketing.queries.reviews import newest_measure
from zhike.marketing.rules.assignment import HOLDOUT
from zhike.marketing.rules.guarding import is_exceeded

GUARDS = {"withdrawn": "withdrawn_max_bp", "complained": "complained_max_bp"}


def guard_campaigns(*, actor: Viewer, now: dt.datetime) -> int:
    """Stop whoever takes more consents back or draws more complaints than the house allows, by the newest measure; how many.

    A campaign that somebody let go on after such a stop is left alone.
    """
    running = Campaign.objects.filter(status=Campaign.Status.RUNNING, is_unguarded=False)
    return sum(
        guard_campaign(actor=actor, campaign_id=pk, now=now) for pk in running.values_list("pk", flat=True)
    )


@transaction.atomic
def guard_campaign(*, actor: Viewer, campaign_id: int, now: dt.datetime) -> bool:
    """Whether it was stopped. Called again it does nothing more."""
    row = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign_id)
    policy = MarketingPolicy.objects.filter(group_id=row.group_id).first()
    measured = newest_measure(row.pk)
    if policy is None or measured is None or row.status != Campaign.Status.RUNNING or row.is_unguarded:
        return False
    arms = [one for key, one in measured.sums.items() if key != HOLDOUT]
    given = sum(one["given"] for one in arms)
    for name, limit in GUARDS.items():
        if is_exceeded(sum(one[name] for one in arms), given, getattr(policy, limit)):
            step(row, "stop")
            row.stop_reason = name
            row.save(update_fields=["status", "stop_reason"])
            tell(actor, row, "stop", now, reason=name)
            return True
    return False
