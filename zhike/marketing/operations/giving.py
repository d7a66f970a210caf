"""What a campaign gives: message, coupon and points of one chunk of people in one transaction, so each comes once or not at all."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty
from zhike.marketing.models import Campaign, CampaignArm, CampaignRecipient
from zhike.marketing.operations.planning import step, tell
from zhike.marketing.queries.found import arms_of, code_of
from zhike.marketing.queries.links import link_of
from zhike.marketing.queries.spending import points_fen, spent_by
from zhike.marketing.rules import campaigns as rules
from zhike.messaging import operations as messaging
from zhike.messaging import queries as wordings
from zhike.offers import operations as offers

CHUNK = 500
GIVER = system_viewer("campaign")
State = CampaignRecipient.State


@dataclass(frozen=True, slots=True)
class Given:
    """``count`` people were seen to; ``is_all`` when nobody waits any more; ``stopped`` says why the campaign was stopped."""

    count: int
    is_all: bool = False
    stopped: str = ""


def give_next(*, actor: Viewer, campaign_id: int, now: dt.datetime) -> Given:
    """See to the next people who wait, as many as the budget pays for. The campaign is held, so runs follow one another.

    Out of budget or out of coupons, the campaign is stopped, with the reason. Paused or ended: nothing to do.
    """
    with transaction.atomic():
        row = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign_id)
        if row.status != Campaign.Status.RUNNING:
            return Given(0, is_all=False, stopped=row.stop_reason)
        waiting = list(
            CampaignRecipient.objects.filter(campaign=row, state=State.WAITING).order_by("person_id")[:CHUNK]
        )
        if not waiting:
            return Given(0, is_all=True)
        arms = {arm.key: arm for arm in arms_of(campaign_id)}
        spent = spent_by(campaign_id, list(arms.values()), now)
        points = {key: points_fen(arm.points, now) for key, arm in arms.items()}
        costs = [(one.cost, points[one.arm]) for one in waiting]
        payable = rules.affordable(costs, spent, row.budget)
        if payable:
            try:
                with transaction.atomic():
                    _give(row, arms, waiting[:payable], now)
            except (offers.SoldOut, offers.ClaimOver) as problem:
                return stop(actor, row, problem.code, now)
        if payable < len(waiting):
            return stop(actor, row, "budget", now, payable)
    return Given(payable)


def stop(actor: Viewer, row: Campaign, reason: str, now: dt.datetime, count: int = 0) -> Given:
    """Give nobody anything more, and say why; the caller holds the campaign."""
    step(row, "stop")
    row.stop_reason = reason
    row.save(update_fields=["status", "stop_reason"])
    tell(actor, row, "stop", now, reason=reason)
    return Given(count, stopped=reason)


def _give(
    row: Campaign, arms: dict[str, CampaignArm], people: Sequence[CampaignRecipient], now: dt.datetime
) -> None:
    by_arm: dict[str, list[CampaignRecipient]] = defaultdict(list)
    for one in people:
        by_arm[one.arm].append(one)
    for key, group in sorted(by_arm.items()):
        _give_arm(row, arms[key], group, now)
    for one in people:
        one.state, one.given_at = State.GIVEN, now
    CampaignRecipient.objects.bulk_update(people, ["state", "given_at"])


def _give_arm(row: Campaign, arm: CampaignArm, people: Sequence[CampaignRecipient], now: dt.datetime) -> None:
    code = code_of(row.pk)
    if arm.batch_id is not None:
        offers.issue_to_members(
            actor=GIVER,
            batch_id=arm.batch_id,
            member_ids=[one.member_id for one in people],
            reason=row.name,
            reference=code,
            now=now,
        )
    for one in people if arm.points else ():
        try:
            loyalty.adjust_points(
                actor=GIVER, member_id=one.member_id, points=arm.points, reason=f"{code} {row.name}", now=now
            )
        except Problem:
            continue  # closed or frozen meanwhile: the message may still go
    links = "link" in (wordings.values_said(arm.template) or ())
    messaging.send_messages(
        actor=GIVER,
        template=arm.template,
        person_ids=[one.person_id for one in people],
        own_values={one.person_id: {"link": link_of(row.pk, one.person_id)} for one in people}
        if links
        else None,
        campaign=code,
        once=code,
        now=now,
    )
