"""A wave takes its people in: every member of the audience once, through the gates first and to an arm afterwards.

Set-based, a chunk in a transaction. Whoever is in already is passed over, so a filling that was killed goes on by starting
again. What the gates say is asked for every arm's wording and kept before the arm is known: whoever one arm could not reach is
measured in none, and so the arms and the holdout stay alike.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Sum

from zhike.kernel import events
from zhike.kernel.access import Viewer, system_viewer
from zhike.loyalty import queries as loyalty
from zhike.marketing.events import CampaignWaveFilled
from zhike.marketing.models import (
    Campaign,
    CampaignArm,
    CampaignRecipient,
    CampaignWave,
    MarketingPolicy,
)
from zhike.marketing.operations.choosing import Chooser
from zhike.marketing.queries.audiences import audience_members
from zhike.marketing.queries.found import arms_of, zone_of
from zhike.marketing.rules import assignment
from zhike.marketing.rules.assignment import HOLDOUT, Arm
from zhike.marketing.rules.campaigns import GLOBAL
from zhike.messaging import operations as messaging
from zhike.organization import queries as organization

CHUNK = 2_000
State = CampaignRecipient.State


@dataclass(frozen=True, slots=True)
class Draw:
    """How the people of a wave fall to the arms."""

    salt: str
    arms: tuple[Arm, ...]
    holdout_bp: int
    test_bp: int
    global_salt: str
    global_bp: int

    def arm(self, person_id: int) -> str | None:
        """The arm of a person; None for whoever is left for after the test."""
        if assignment.is_held_out(self.global_salt, person_id, self.global_bp):
            return GLOBAL
        if self.test_bp < 10_000 and not assignment.is_in_test(self.salt, person_id, self.test_bp):
            return None
        return assignment.assigned(self.salt, person_id, self.arms, self.holdout_bp)


def draw_of(row: Campaign, wave: CampaignWave, arms: Sequence[CampaignArm]) -> Draw:
    policy = MarketingPolicy.objects.filter(group_id=row.group_id).first()
    local = wave.starts_at.astimezone(ZoneInfo(zone_of(row)))
    weights = {arm.key: arm.weight for arm in arms}
    if wave.is_rest:
        weights = {key: int(key == row.winner) for key in weights}
    return Draw(
        salt=f"campaign/{row.pk}",
        arms=tuple(Arm(key, weight) for key, weight in weights.items()),
        holdout_bp=row.holdout_bp,
        test_bp=10_000 if wave.is_rest else row.test_bp,
        global_salt=assignment.global_salt(row.group_id, local.year, (local.month + 2) // 3),
        global_bp=policy.global_holdout_bp if policy else 0,
    )


def launcher_of(row: Campaign) -> Viewer:
    """In whose scope the audience lies: of whoever launched it, with the permissions they have now."""
    if row.launched_by is None:
        return system_viewer("campaign")
    return organization.viewer_of_staff(row.launched_by)


def fill_wave(*, actor: Viewer, campaign_id: int, wave_id: int, now: dt.datetime) -> int:
    """Take everybody of the audience in who is not in yet; how many people the wave has then. Filled before: nothing to do."""
    row = Campaign.objects.get(pk=campaign_id)
    wave = CampaignWave.objects.get(pk=wave_id)
    if wave.filled_at is not None:
        return 0
    arms = arms_of(campaign_id)
    draw = draw_of(row, wave, arms)
    launcher = launcher_of(row)
    chooser = Chooser(row, wave.starts_at, wave.cut)
    chooser.look_over(persons_in(audience_members(launcher, row.segment, row.mall_id, now)))
    if wave.cut != chooser.cut:
        CampaignWave.objects.filter(pk=wave.pk).update(cut=chooser.cut)
    for member_ids in chunks(audience_members(launcher, row.segment, row.mall_id, now)):
        _take_in(row, wave, arms, draw, chooser, member_ids, now)
    return _close(actor, row, wave, now)


def _take_in(
    row: Campaign,
    wave: CampaignWave,
    arms: Sequence[CampaignArm],
    draw: Draw,
    chooser: Chooser,
    member_ids: Sequence[int],
    now: dt.datetime,
) -> None:
    """One chunk. The wave is held, so that two fillings never ask the gates about the same people at once."""
    persons = {person_id: member_id for member_id, person_id in loyalty.person_ids_of(member_ids).items()}
    with transaction.atomic():
        held = CampaignWave.objects.select_for_update(of=("self",)).get(pk=wave.pk)
        if held.filled_at is not None:
            return
        known = CampaignRecipient.objects.filter(campaign=row, person_id__in=persons)
        fresh = sorted(set(persons) - set(known.values_list("person_id", flat=True)))
        marks = chooser.marks(fresh)
        chosen = {pk: arm for pk in marks if (arm := draw.arm(pk)) is not None}
        fates = ask_gates(row, arms, list(chosen), now)
        CampaignRecipient.objects.bulk_create(
            CampaignRecipient(
                campaign=row,
                person_id=pk,
                member_id=persons[pk],
                wave=wave,
                arm=arm,
                gate=fates[pk].gate,
                reason=fates[pk].reason,
                cost=fates[pk].costs.get(arm, 0),
                chosen=marks[pk],
                channel=fates[pk].channel,
                state=_state(arm, fates[pk].gate),
            )
            for pk, arm in chosen.items()
        )


def _state(arm: str, gate: str) -> str:
    if arm in (HOLDOUT, GLOBAL):
        return State.HELD
    return State.SKIPPED if gate else State.WAITING


def _close(actor: Viewer, row: Campaign, wave: CampaignWave, now: dt.datetime) -> int:
    with transaction.atomic():
        held = CampaignWave.objects.select_for_update(of=("self",)).get(pk=wave.pk)
        people = CampaignRecipient.objects.filter(campaign=row, wave=wave)
        count = people.count()
        if held.filled_at is None:
            held.filled_at = now
            held.save(update_fields=["filled_at"])
            fact = CampaignWaveFilled(
                row.pk,
                held.number,
                count,
                people.filter(state=State.HELD).count(),
                people.exclude(gate="").count(),
            )
            events.publish(fact, actor=actor, now=now)
    return count


@dataclass(frozen=True, slots=True)
class Fate:
    """What the gates say of a person before the arm counts: the first arm's refusal, or an open way; the cost by arm."""

    gate: str
    reason: str
    is_postponed: bool
    channels: dict[str, str]
    costs: dict[str, int]

    @property
    def channel(self) -> str:
        """By which every arm would reach them; "" where they differ or nobody is reached."""
        ways = set(self.channels.values())
        return ways.pop() if len(ways) == 1 and not self.gate else ""


def ask_gates(
    row: Campaign, arms: Sequence[CampaignArm], person_ids: Sequence[int], at: dt.datetime
) -> dict[int, Fate]:
    """Messaging's own gates, for the wording of every arm, at a moment."""
    if not person_ids:
        return {}
    already = CampaignRecipient.objects.filter(campaign=row, state=State.WAITING).aggregate(cost=Sum("cost"))
    answers: dict[str, dict[int, messaging.Rehearsed]] = {}
    for template in dict.fromkeys(arm.template for arm in arms):
        told = messaging.rehearse_messages(
            actor=system_viewer("campaign"),
            template=template,
            person_ids=person_ids,
            at=at,
            already=already["cost"] or 0,
        )
        answers[template] = {one.person_id: one for one in told}
    return {pk: _fate(pk, arms, answers) for pk in person_ids}


def _fate(pk: int, arms: Sequence[CampaignArm], answers: dict[str, dict[int, messaging.Rehearsed]]) -> Fate:
    told = {arm.key: answers[arm.template][pk] for arm in arms if pk in answers[arm.template]}
    if len(told) < len(arms):
        return Fate("suppressed", "person_gone", False, {}, {})
    refused = [one for one in told.values() if one.decision == "refuse"]
    return Fate(
        gate=refused[0].gate if refused else "",
        reason=refused[0].reason if refused else "",
        is_postponed=any(one.decision == "wait" for one in told.values()),
        channels={key: one.channel for key, one in told.items()},
        costs={key: one.cost for key, one in told.items()},
    )


def chunks(members: Iterator[int]) -> Iterator[list[int]]:
    """As many members at once as a transaction takes."""
    while chunk := list(islice(members, CHUNK)):
        yield chunk


def persons_in(members: Iterator[int]) -> Iterator[list[int]]:
    """The same as person ids."""
    for chunk in chunks(members):
        yield sorted(loyalty.person_ids_of(chunk).values())
