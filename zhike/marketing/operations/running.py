"""A campaign at work: launched, advanced wave by wave, paused, resumed, cancelled, rolled out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Invalid, NotAllowed, Problem
from zhike.marketing.events import CampaignLinkOpened
from zhike.marketing.models import Campaign, CampaignRecipient, CampaignWave
from zhike.marketing.operations import _wake
from zhike.marketing.operations.filling import fill_wave
from zhike.marketing.operations.giving import give_next, stop
from zhike.marketing.operations.guarding import GUARDS
from zhike.marketing.operations.measuring import measure_campaign
from zhike.marketing.operations.planning import PlanUnusable, StepNotPossible, step, tell
from zhike.marketing.queries.found import APPROVE, EDIT, arms_of, locked, zone_of
from zhike.marketing.queries.links import read_link
from zhike.marketing.rules import campaigns as rules

ROUNDS_MAX = 20
"""How many chunks one run of the worker gives before it lets others have a turn."""


class UnknownArm(Invalid):
    code = "campaign-unknown-arm"
    title = _("There is no such group in this campaign.")


class TestNotOver(StepNotPossible):
    code = "campaign-test-not-over"
    title = _("The first part has not been sent completely, or there was no test.")


@transaction.atomic
def launch_campaign(*, actor: Viewer, campaign_id: int, now: dt.datetime) -> None:
    """Let an approved campaign begin, at its start or at once. Its audience is what the launcher may see when a wave opens.

    Launched before: nothing to do. Raises NotFound, StepNotPossible, PlanUnusable when all its days are over, NotAllowed for a
    program with a key: people launch campaigns.
    """
    row = locked(actor, campaign_id, EDIT)
    if actor.kind not in ("staff", "system"):
        raise NotAllowed
    if row.status == "running":
        return
    if row.ends_on is not None and row.ends_on < now.date():
        raise PlanUnusable
    step(row, "launch")
    row.launched_at, row.launched_by = now, actor.id if actor.kind == "staff" else None
    row.starts_at = max(row.starts_at or now, now)
    row.save(update_fields=["status", "launched_at", "launched_by", "starts_at"])
    tell(actor, row, "launch", now)
    transaction.on_commit(_wake.campaigns)


@transaction.atomic
def pause_campaign(*, actor: Viewer, campaign_id: int, reason: str = "", now: dt.datetime) -> None:
    """Nobody more gets anything until it is resumed; what is on its way goes. Raises NotFound, StepNotPossible."""
    row = locked(actor, campaign_id, EDIT)
    if row.status == "paused":
        return
    step(row, "pause")
    row.save(update_fields=["status"])
    tell(actor, row, "pause", now, reason=reason.strip()[:200])


@transaction.atomic
def resume_campaign(
    *, actor: Viewer, campaign_id: int, budget: dict[str, int] | None = None, now: dt.datetime
) -> None:
    """Go on after a pause or a stop. A larger ``budget`` needs the permission to approve. Raises NotFound, StepNotPossible."""
    row = locked(actor, campaign_id, EDIT if budget is None else APPROVE)
    if row.status == "running":
        return
    step(row, "resume")
    if budget is not None:
        if set(budget) - set(rules.FUNDERS) or any(fen < 0 for fen in budget.values()):
            raise PlanUnusable
        row.budget = row.budget | budget
    row.is_unguarded = row.is_unguarded or row.stop_reason in GUARDS
    row.stop_reason = ""
    row.save(update_fields=["status", "stop_reason", "is_unguarded", "budget"])
    tell(actor, row, "resume", now)
    transaction.on_commit(_wake.campaigns)


@transaction.atomic
def cancel_campaign(*, actor: Viewer, campaign_id: int, reason: str = "", now: dt.datetime) -> None:
    """End it for good. What was given stays given and is still measured. Raises NotFound, StepNotPossible."""
    row = locked(actor, campaign_id, EDIT)
    if row.status == "cancelled":
        return
    step(row, "cancel")
    row.ended_at = now
    row.save(update_fields=["status", "ended_at"])
    tell(actor, row, "cancel", now, reason=reason.strip()[:200])


@transaction.atomic
def roll_out_winner(*, actor: Viewer, campaign_id: int, arm: str, now: dt.datetime) -> None:
    """After the test: everybody it left over gets this arm, but for the holdout. Raises NotFound, UnknownArm, TestNotOver."""
    row = locked(actor, campaign_id, EDIT)
    if arm not in {one.key for one in arms_of(campaign_id)}:
        raise UnknownArm
    waves = CampaignWave.objects.filter(campaign=row)
    if row.test_bp >= 10_000 or row.status not in ("sent", "done") or waves.filter(is_rest=True).exists():
        raise TestNotOver
    step(row, "roll_out")
    row.winner = arm
    row.save(update_fields=["status", "winner"])
    CampaignWave.objects.create(campaign=row, number=waves.count() + 1, is_rest=True, starts_at=now)
    tell(actor, row, "roll_out", now, reason=arm)
    transaction.on_commit(_wake.campaigns)


@dataclass(frozen=True, slots=True)
class Advanced:
    """What one run did; ``is_waiting`` when there is more to do at once."""

    filled: int = 0
    given: int = 0
    is_waiting: bool = False


def advance_campaigns(*, actor: Viewer, now: dt.datetime) -> Advanced:
    """One round of every campaign at work: open what is due, take people in, give, measure, finish. Killed, call it again.

    Not to be called inside a transaction.
    """
    filled = given = 0
    is_waiting = False
    for row in Campaign.objects.filter(status__in=("running", "sent")).order_by("id"):
        if row.status == "running":
            try:
                done = _work(actor, row, now)
            except Problem as problem:
                _halt(actor, row.pk, problem.code, now)
                continue
            filled, given = filled + done.filled, given + done.given
            is_waiting = is_waiting or done.is_waiting
        _settle(actor, row.pk, now)
    return Advanced(filled, given, is_waiting)


def _work(actor: Viewer, row: Campaign, now: dt.datetime) -> Advanced:
    """What one running campaign has to do."""
    filled = given = 0
    _open_wave(row, now)
    for wave in CampaignWave.objects.filter(campaign=row, filled_at=None).order_by("number"):
        filled += fill_wave(actor=actor, campaign_id=row.pk, wave_id=wave.pk, now=now)
    for _round in range(ROUNDS_MAX):
        done = give_next(actor=actor, campaign_id=row.pk, now=now)
        given += done.count
        if not done.count or done.stopped:
            return Advanced(filled, given)
    return Advanced(filled, given, is_waiting=True)


def _halt(actor: Viewer, campaign_id: int, reason: str, now: dt.datetime) -> None:
    """Its audience is gone, or its wording: it stops for people to look, and the others go on."""
    with transaction.atomic():
        row = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign_id)
        if row.status == "running":
            stop(actor, row, reason[:40], now)


def _open_wave(row: Campaign, now: dt.datetime) -> None:
    """At most one, on the campaign's own lock, so that a wave is opened once."""
    with transaction.atomic():
        held = Campaign.objects.select_for_update(of=("self",)).get(pk=row.pk)
        if held.status != "running" or held.starts_at is None or held.winner:
            return
        opened = list(CampaignWave.objects.filter(campaign=held).values_list("starts_at", flat=True))
        at = rules.due_wave(held.rhythm, held.starts_at, held.ends_on, opened, now, zone_of(held))
        if at is not None:
            CampaignWave.objects.create(campaign=held, number=len(opened) + 1, starts_at=at)


def _settle(actor: Viewer, campaign_id: int, now: dt.datetime) -> None:
    """Sent once nobody waits and no wave will open; done once the last window is over and measured."""
    with transaction.atomic():
        row = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign_id)
        waves = list(CampaignWave.objects.filter(campaign=row).order_by("number"))
        if row.status == "running" and not _is_at_work(row, waves, now):
            CampaignWave.objects.filter(campaign=row, sent_at=None).update(sent_at=now)
            step(row, "send")
            row.save(update_fields=["status"])
            tell(actor, row, "send", now)
        if row.status != "sent" or _window_open(row, waves, now):
            return
        step(row, "finish")
        row.ended_at = now
        row.save(update_fields=["status", "ended_at"])
        tell(actor, row, "finish", now)
    measure_campaign(actor=actor, campaign_id=campaign_id, now=now)


def _is_at_work(row: Campaign, waves: list[CampaignWave], now: dt.datetime) -> bool:
    if not waves or any(wave.filled_at is None for wave in waves):
        return True
    if CampaignRecipient.objects.filter(campaign=row, state="waiting").exists():
        return True
    starts = [wave.starts_at for wave in waves]
    return not rules.is_last_wave_open(row.rhythm, row.ends_on, starts, now, zone_of(row))


def _window_open(row: Campaign, waves: list[CampaignWave], now: dt.datetime) -> bool:
    last = max((wave.starts_at for wave in waves), default=now)
    return now < last + dt.timedelta(days=row.window_days)


def record_click(*, actor: Viewer, token: str, now: dt.datetime) -> int:
    """Somebody followed a campaign's link; the first time counts. The person's id. Raises NotFound for a strange link."""
    campaign_id, person_id = read_link(token)
    with transaction.atomic():
        fresh = CampaignRecipient.objects.filter(
            campaign_id=campaign_id, person_id=person_id, state="given", clicked_at=None
        ).update(clicked_at=now)
        if fresh:
            events.publish(CampaignLinkOpened(campaign_id, person_id), actor=actor, now=now)
    return person_id
