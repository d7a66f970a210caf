"""A replay from beginning to end: asked for, run by a worker with live progress, kept with its result."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app

from zhike.kernel import audit
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.ids import uuid7
from zhike.loyalty.models import ReplayRun
from zhike.loyalty.operations.replay.engine import Replay
from zhike.loyalty.operations.replay.reading import count_receipts, stories
from zhike.loyalty.operations.replay.tally import Tally
from zhike.loyalty.queries.programmes import InvalidRule, checked_definition
from zhike.loyalty.queries.snapshots import Programme, read_programme
from zhike.loyalty.rules.definition import Rule, parse_definition

PERMISSION = "programme.edit"
QUEUE = "replay"
INLINE_RECEIPTS = 500
BEGINNING = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
NEW_RULE_ID = -1
RUNS_AT_ONCE = 3


class InvalidDraft(Invalid):
    code = "invalid-draft"
    title = _("This draft cannot be replayed.")


class TooManyReplays(Conflict):
    code = "too-many-replays"
    title = _("%(count)s replays are under way. Wait until one has ended.")


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What differs from today: one rule by its code, thresholds of tiers by their codes, when points lapse."""

    rule_code: str = ""
    rule: dict[str, Any] | None = None
    tiers: dict[str, int] = {}
    expiry: str = ""
    expiry_months: int = 0

    @property
    def is_empty(self) -> bool:
        return self.rule is None and not self.tiers and not self.expiry


@transaction.atomic
def begin_replay(
    *, actor: Viewer, program_id: int, draft: Mapping[str, Any], days: int | None, now: dt.datetime
) -> UUID:
    """Ask for a replay of the whole ledger in which ``draft`` (Draft) has been in force for ``days``, None: for ever.

    An empty draft replays today's rules: then every difference from the ledger is named, and there should be none.
    A short history is replayed at once, a long one by a worker. Raises InvalidDraft, InvalidRule, TooManyReplays, NotAllowed.
    """
    require(actor, PERMISSION)
    parsed = _checked(draft)
    programme = read_programme(program_id)
    drafted(programme, parsed)
    under_way = ReplayRun.objects.filter(state__in=("queued", "running"), program_id=program_id).count()
    if under_way >= RUNS_AT_ONCE:
        raise TooManyReplays(count=under_way)
    total = count_receipts(program_id)
    run = ReplayRun.objects.create(
        id=uuid7(),
        program_id=program_id,
        draft=msgspec.to_builtins(parsed),
        days=days,
        receipts_total=total,
        created_at=now,
        actor=actor.audit_id,
        actor_label=actor.label,
    )
    audit.record(
        actor=actor,
        action="replay.begin",
        subject=("replay", run.pk),
        after={"draft": run.draft, "days": days},
        now=now,
    )
    if total > INLINE_RECEIPTS:
        app.configure_task("zhike.loyalty.jobs.run_replay", queue=QUEUE).defer(run_id=str(run.pk))
    else:
        _run(run, programme, parsed, now)
    return run.pk


def _checked(draft: Mapping[str, Any]) -> Draft:
    try:
        parsed = msgspec.convert(dict(draft), Draft)
    except msgspec.ValidationError as error:
        raise InvalidDraft(fields={"draft": [str(error)]}) from None
    if parsed.rule is not None:
        checked_definition(parsed.rule)
    return parsed


def drafted(programme: Programme, draft: Draft) -> Programme:
    """The programme as the draft would have it. Raises InvalidDraft, InvalidRule."""
    programme = replace(programme, is_draft=True)
    if draft.rule is not None:
        programme = replace(programme, rules=tuple(_rules(programme, draft)))
    if draft.tiers and programme.counts_after:
        raise InvalidDraft(fields={"tiers": [_("Only a ladder that counts spend can be tried here.")]})
    if draft.tiers:
        steps = tuple(
            replace(step, threshold_fen=draft.tiers.get(step.code, step.threshold_fen))
            for step in programme.ladder
        )
        thresholds = [step.threshold_fen for step in sorted(steps, key=lambda step: step.rank)]
        unknown = set(draft.tiers) - {step.code for step in steps}
        if unknown or thresholds[:1] != [0] or sorted(set(thresholds)) != thresholds:
            raise InvalidDraft(fields={"tiers": [_("Thresholds must grow with the rank and begin at zero.")]})
        programme = replace(programme, ladder=steps)
    if draft.expiry:
        months_fit = draft.expiry == "never" or 1 <= draft.expiry_months <= 120
        if draft.expiry not in ("rolling_months", "end_of_year", "never") or not months_fit:
            raise InvalidDraft(fields={"expiry": [_("This number is out of range.")]})
        months = draft.expiry_months or programme.expiry_months
        programme = replace(programme, expiry=draft.expiry, expiry_months=months)
    return programme


def _rules(programme: Programme, draft: Draft) -> list[Rule]:
    """All rules but the drafted one, and that one as if it had always been in force."""
    assert draft.rule is not None
    rule_id = next((rule.rule_id for rule in programme.rules if rule.code == draft.rule_code), NEW_RULE_ID)
    place = [at for at, rule in enumerate(programme.rules) if rule.code == draft.rule_code]
    rule = Rule(
        rule_id,
        NEW_RULE_ID,
        0,
        draft.rule_code,
        draft.rule_code,
        BEGINNING,
        None,
        parse_definition(draft.rule),
    )
    others = [one for one in programme.rules if one.code != draft.rule_code]
    others.insert(place[0] if place else len(others), rule)
    return others


def run_replay(*, actor: Viewer, run_id: UUID, now: dt.datetime) -> None:
    """Replay what was asked for and keep the result; once it is there, nothing happens. Raises NotFound, NotAllowed."""
    require(actor, PERMISSION)
    run = ReplayRun.objects.filter(id=run_id).first()
    if run is None:
        raise NotFound
    if run.state in ("done", "failed"):
        return
    try:
        _run(run, read_programme(run.program_id), msgspec.convert(run.draft, Draft), now)
    except Exception as error:
        _update(run, state="failed", failure=f"{type(error).__name__}: {error}"[:500], finished_at=now)
        raise


def _run(run: ReplayRun, today: Programme, draft: Draft, now: dt.datetime) -> None:
    began = time.perf_counter()
    _update(run, state="running", started_at=now, receipts_done=0)
    since = now - dt.timedelta(days=run.days) if run.days is not None else None
    zone = timezone.get_default_timezone()
    replay = Replay(today, None if draft.is_empty else drafted(today, draft), since, now)
    tally = Tally(since.astimezone(zone).date() if since else None, now.astimezone(zone).date())
    done = 0
    for chunk in stories(run.program_id):
        for story in chunk:
            life = replay.live(story)
            tally.add(life)
            done += len(life.earned)
        _update(run, receipts_done=done)
    _update(
        run,
        state="done",
        result=tally.result(),
        finished_at=now + dt.timedelta(seconds=time.perf_counter() - began),
        seconds=time.perf_counter() - began,
        receipts_done=done,
    )


def _update(run: ReplayRun, **values: Any) -> None:
    ReplayRun.objects.filter(id=run.pk).update(**values)


__all__ = ["Draft", "InvalidDraft", "InvalidRule", "TooManyReplays", "begin_replay", "drafted", "run_replay"]
