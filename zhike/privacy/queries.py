"""What a person agreed to, as it stands and as it came about."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel.errors import NotFound
from zhike.kernel.fragments import Sql
from zhike.privacy import rules
from zhike.privacy.models import ConsentRecord, Policy


@dataclass(frozen=True, slots=True)
class PolicyView:
    id: int
    version: str
    title: str
    text: str
    terms: dict[str, Any]
    digest: str
    published_at: dt.datetime


@dataclass(frozen=True, slots=True)
class ConsentView:
    """One decision: granted, refused or withdrawn, under which policy, how it was given and what proves it."""

    id: int
    purpose: str
    channel: str
    decision: str
    policy_version: str
    method: str
    categories: tuple[str, ...]
    retention_days: int | None
    evidence: dict[str, Any]
    actor: str
    decided_at: dt.datetime


class NoPolicy(NotFound):
    code = "no-policy"
    title = _("There is no privacy policy yet, so nobody can join.")


def is_purpose(purpose: str, channel: str) -> bool:
    """Whether anybody can agree to this at all."""
    return purpose in ConsentRecord.Purpose.values and channel in ConsentRecord.Channel.values


def current_policy(group_id: int) -> PolicyView:
    """The latest published version. Raises NoPolicy before there is one."""
    found = policies(group_id)
    if not found:
        raise NoPolicy
    return found[0]


def policies(group_id: int) -> list[PolicyView]:
    """Every published version, newest first."""
    return [
        PolicyView(row.pk, row.version, row.title, row.text, row.terms, row.digest, row.published_at)
        for row in Policy.objects.filter(group_id=group_id).order_by("-published_at", "-id")
    ]


def current_consents(person_id: int) -> list[ConsentView]:
    """The newest decision for each purpose and channel that was ever decided, by whichever of the person's ids."""
    rows = ConsentRecord.objects.filter(person_id__in=customers.family(person_id)).select_related("policy")
    newest = rows.order_by("purpose", "channel", "-decided_at", "-id").distinct("purpose", "channel")
    return [_consent_view(row) for row in newest]


def consent_history(person_id: int) -> list[ConsentView]:
    """Every decision, newest first."""
    rows = ConsentRecord.objects.filter(person_id__in=customers.family(person_id)).select_related("policy")
    return [_consent_view(row) for row in rows.order_by("-decided_at", "-id")]


def may_contact(person_id: int, purpose: str, channel: str) -> bool:
    """Whether a message for this purpose may go to this person on this channel now."""
    return who_may_be_contacted([person_id], purpose, channel) == {person_id}


def has_grant(person_id: int, purpose: str, channel: str) -> bool:
    """Whether there is a grant to withdraw; for the channel "any" one on any channel."""
    return any(rules.has_grant(side, purpose, channel) for side in _standings([person_id])[person_id])


def who_may_be_contacted(person_ids: Sequence[int], purpose: str, channel: str) -> set[int]:
    """Those of many persons who may be, in one query."""
    standings = _standings(person_ids)
    return {
        pk for pk in person_ids if all(rules.may_contact(side, purpose, channel) for side in standings[pk])
    }


def decisions_on(person_ids: Sequence[int], purpose: str) -> dict[int, str]:
    """The decision in force on a purpose, for those of many persons who ever made one: granted, refused, withdrawn."""
    found = {
        pk: rules.strictest([rules.decision_on(side, purpose) for side in known])
        for pk, known in _standings(person_ids).items()
    }
    return {pk: decision for pk, decision in found.items() if decision}


def channel_decisions(person_id: int, purpose: str, channels: Sequence[str]) -> dict[str, str]:
    """The decision in force on each channel: granted, refused, withdrawn, or "" where it was never asked."""
    known = _standings([person_id])[person_id]
    return {
        channel: rules.strictest([rules.decision_for(side, purpose, channel) for side in known])
        for channel in channels
    }


_DECISIONS = """SELECT DISTINCT ON (person_id) person_id, decision FROM privacy_consentrecord
    WHERE purpose = %s AND channel IN (%s, 'any')
    ORDER BY person_id, decided_at DESC, (channel <> 'any') DESC, id DESC"""


def decisions_sql(purpose: str, channel: str = rules.ANY) -> Sql:
    """As ``rules.may_contact`` for everybody at once, as a statement that others build on: person_id, decision."""
    return Sql(_DECISIONS, (purpose, channel))


def withdrawn_between(
    person_ids: Sequence[int], purpose: str, since: dt.datetime, until: dt.datetime
) -> set[int]:
    """Those of many persons who took a consent for a purpose back in [since, until), on whatever channel."""
    rows = ConsentRecord.objects.filter(
        person_id__in=person_ids,
        purpose=purpose,
        decision=ConsentRecord.Decision.WITHDRAWN,
        decided_at__gte=since,
        decided_at__lt=until,
    )
    return set(rows.values_list("person_id", flat=True))


def may_ask_again(person_id: int, purpose: str, channel: str, now: dt.datetime) -> bool:
    """Whether to ask for consent: not while it is given, nor for 180 days (CONSENT_PAUSE_DAYS) after a refusal."""
    days = getattr(settings, "CONSENT_PAUSE_DAYS", rules.ASK_AGAIN_AFTER.days)
    pause = dt.timedelta(days=days)
    sides = _standings([person_id])[person_id]
    if len(sides) == 1:
        return rules.may_ask_again(sides[0], purpose, channel, now, pause)
    is_given = all(rules.may_contact(side, purpose, channel) for side in sides)
    return not is_given and not any(rules.is_pausing(side, purpose, channel, now, pause) for side in sides)


def _standings(person_ids: Sequence[int]) -> dict[int, list[list[rules.Standing]]]:
    """For each person the standings of every side of them (of one who was never merged: one).

    A decision counts for the side it was made by, and since two are one, for the other as well.
    """
    sides = customers.sides(person_ids)
    wanted = {side.person_id for known in sides.values() for side in known} | set(person_ids)
    rows = ConsentRecord.objects.filter(person_id__in=wanted)
    newest = rows.order_by("person_id", "purpose", "channel", "-decided_at", "-id")
    found: dict[int, list[rules.Standing]] = defaultdict(list)
    decided = newest.distinct("person_id", "purpose", "channel").only(
        "person_id", "purpose", "channel", "decision", "decided_at"
    )
    for row in decided:
        found[row.person_id].append(rules.Standing(row.purpose, row.channel, row.decision, row.decided_at))
    return {pk: _shared(sides.get(pk, ()), found) if pk in sides else [found[pk]] for pk in person_ids}


def _shared(
    sides: Sequence[customers.Side], own: Mapping[int, list[rules.Standing]]
) -> list[list[rules.Standing]]:
    return rules.of_sides([(side.since, own.get(side.person_id, [])) for side in sides])


def _consent_view(row: ConsentRecord) -> ConsentView:
    return ConsentView(
        id=row.pk,
        purpose=row.purpose,
        channel=row.channel,
        decision=row.decision,
        policy_version=row.policy.version,
        method=row.method,
        categories=tuple(row.categories),
        retention_days=row.retention_days,
        evidence=row.evidence,
        actor=row.actor,
        decided_at=row.decided_at,
    )
