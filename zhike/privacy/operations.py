"""Writes of consent: publishing what people agree to, and recording what they decided."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotAllowed
from zhike.privacy import queries
from zhike.privacy.events import ConsentRecorded, PolicyPublished
from zhike.privacy.models import ConsentRecord, Policy

PUBLISH_PERMISSION = "programme.edit"
COPY_FROM = 200
RECORD_PERMISSIONS = ("members.enroll", "members.edit")


class PolicyVersionTaken(Conflict):
    code = "policy-version-taken"
    title = _(
        "This version was published with another text. Published texts are never changed: use a new version."
    )


class UnknownPolicy(Invalid):
    code = "unknown-policy"
    title = _("There is no published policy of version “%(version)s”.")


class UnknownDecision(Invalid):
    code = "unknown-decision"
    title = _("A decision needs a known purpose, channel and answer.")


class NothingToWithdraw(Conflict):
    code = "nothing-to-withdraw"
    title = _("No consent is in force for this.")


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided on one purpose and channel: "granted" or "refused"."""

    purpose: str
    channel: str
    decision: str


@dataclass(frozen=True, slots=True)
class PersonDecisions:
    """The decisions of one of many; ``decided_at`` None means now."""

    person_id: int
    decisions: tuple[Decision, ...]
    method: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    decided_at: dt.datetime | None = None


def publish_policy(
    *,
    actor: Viewer,
    group_id: int,
    version: str,
    title: str,
    text: str,
    terms: Mapping[str, Mapping[str, Any]],
    now: dt.datetime,
) -> int:
    """The policy's id; publishing the same text again changes nothing.

    ``terms`` maps each purpose to ``{"categories": [...], "retention_days": n}``.
    Raises NotAllowed, PolicyVersionTaken.
    """
    require_touch(actor, PUBLISH_PERMISSION)
    digest = hashlib.sha256(json.dumps([title, text, terms], sort_keys=True).encode()).hexdigest()
    with transaction.atomic():
        row, is_new = Policy.objects.get_or_create(
            group_id=group_id,
            version=version,
            defaults={
                "title": title,
                "text": text,
                "terms": terms,
                "digest": digest,
                "published_at": now,
            },
        )
        if not is_new and row.digest != digest:
            raise PolicyVersionTaken
        if is_new:
            after = {"version": version, "digest": digest}
            audit.record(
                actor=actor, action="policy.publish", subject=("policy", row.pk), after=after, now=now
            )
            events.publish(PolicyPublished(row.pk, group_id, version), actor=actor, now=now)
    return row.pk


def record_consents(
    *,
    actor: Viewer,
    person_id: int,
    decisions: Sequence[Decision],
    policy_version: str,
    method: str,
    evidence: Mapping[str, Any],
    now: dt.datetime,
) -> list[int]:
    """The ids of the new records, one per decision; a refusal is recorded like a grant.

    ``method`` says how it was given (counter_tick, member_app, paper …), ``evidence`` what proves it (the screen shown,
    the number of the paper form), without personal data. Raises NotFound, UnknownPolicy, UnknownDecision.
    """
    group_id = customers.require_visible(person_id, actor, *RECORD_PERMISSIONS)
    one = PersonDecisions(person_id, tuple(decisions), method, evidence)
    with transaction.atomic():
        return _record(actor, _policy(group_id, policy_version), [one], now)


def record_consents_bulk(
    *, actor: Viewer, group_id: int, persons: Sequence[PersonDecisions], policy_version: str, now: dt.datetime
) -> int:
    """Record the decisions of many persons at once, for imports; how many records.

    Raises NotAllowed unless the actor may enrol anywhere, UnknownPolicy, UnknownDecision for the whole batch.
    """
    require_touch(actor, "members.enroll")
    with transaction.atomic():
        return len(_record(actor, _policy(group_id, policy_version), persons, now))


def withdraw_consent(
    *,
    actor: Viewer,
    person_id: int,
    purpose: str,
    channel: str,
    method: str,
    reason: str = "",
    now: dt.datetime,
) -> int:
    """The id of the record. Whoever may take consents must take a withdrawal, of any member; it ends a grant at once.

    Raises NotFound, NotAllowed, NothingToWithdraw.
    """
    if actor.kind == "member":
        customers.require_visible(person_id, actor, *RECORD_PERMISSIONS)
    elif not any(actor.may(permission) for permission in RECORD_PERMISSIONS):
        raise NotAllowed
    with transaction.atomic():
        rows = ConsentRecord.objects.select_for_update(of=("self",)).filter(
            person_id__in=customers.family(person_id), purpose=purpose
        )
        granted = rows.filter(decision=ConsentRecord.Decision.GRANTED).select_related("policy").order_by("id")
        latest = list(granted)[-1:]
        if not latest or not queries.has_grant(person_id, purpose, channel):
            raise NothingToWithdraw
        decision = Decision(purpose, channel, ConsentRecord.Decision.WITHDRAWN)
        one = PersonDecisions(person_id, (decision,), method, {"reason": reason} if reason else {})
        return _record(actor, latest[0].policy, [one], now)[0]


def carry_refusals(
    *, actor: Viewer, survivor_id: int, merged_id: int, since: dt.datetime, now: dt.datetime
) -> int:
    """Two that were one since then are to be two: each no that one of them said meanwhile is the other's too.

    Called while they are still one; returns how many records were written. Raises NotAllowed.
    """
    require(actor, "members.merge")
    written = 0
    with transaction.atomic():
        for said_by, other in ((survivor_id, merged_id), (merged_id, survivor_id)):
            for record in _refusals_since(said_by, since):
                decision = Decision(record.purpose, record.channel, record.decision)
                evidence = {"record": record.pk, "person": said_by}
                one = PersonDecisions(other, (decision,), "unmerge", evidence, now)
                written += len(_record(actor, record.policy, [one], now))
    return written


def _refusals_since(person_id: int, since: dt.datetime) -> list[ConsentRecord]:
    """The newest decision of each purpose and channel, where it was made since then and is a no."""
    rows = ConsentRecord.objects.filter(person_id=person_id).select_related("policy")
    newest = rows.order_by("purpose", "channel", "-decided_at", "-id").distinct("purpose", "channel")
    return [
        row for row in newest if row.decided_at >= since and row.decision != ConsentRecord.Decision.GRANTED
    ]


def _record(actor: Viewer, policy: Policy, persons: Sequence[PersonDecisions], now: dt.datetime) -> list[int]:
    """One row per decision and one fact per person. A single person is audited by id, many as one batch."""
    for one in persons:
        _require_known(one.decisions)
    rows = [_row(actor, policy, one, decision, now) for one in persons for decision in one.decisions]
    if len(rows) > COPY_FROM:
        _copy_rows(rows)
    else:
        ConsentRecord.objects.bulk_create(rows)
    facts = (
        ConsentRecorded(
            one.person_id, tuple(map(_triple, one.decisions)), policy.version, one.method, one.decided_at
        )
        for one in persons
        if one.decisions
    )
    events.publish_many(facts, actor=actor, now=now)
    audit.record(actor=actor, action="consent.record", now=now, **_audited(policy, persons, len(rows)))
    return [row.pk for row in rows]


def _row(
    actor: Viewer, policy: Policy, one: PersonDecisions, decision: Decision, now: dt.datetime
) -> ConsentRecord:
    term = policy.terms.get(decision.purpose, {})
    return ConsentRecord(
        person_id=one.person_id,
        purpose=decision.purpose,
        channel=decision.channel,
        decision=decision.decision,
        policy=policy,
        method=one.method,
        categories=term.get("categories", []),
        retention_days=term.get("retention_days"),
        evidence=dict(one.evidence),
        actor=actor.audit_id,
        decided_at=one.decided_at or now,
    )


_COLUMNS = (
    "person_id", "purpose", "channel", "decision", "policy_id", "method", "categories", "retention_days", "evidence",
    "actor", "decided_at",
)  # fmt: skip


def _copy_rows(rows: Sequence[ConsentRecord]) -> None:
    """Thousands of records at once; their ids stay unknown."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY privacy_consentrecord ({', '.join(_COLUMNS)}) FROM STDIN") as copy,
    ):
        for row in rows:
            values = {**{name: getattr(row, name) for name in _COLUMNS}, "evidence": json.dumps(row.evidence)}
            copy.write_row(tuple(values.values()))


def _audited(policy: Policy, persons: Sequence[PersonDecisions], records: int) -> dict[str, Any]:
    after: dict[str, Any] = {"policy": policy.version}
    if len(persons) != 1:
        return {
            "subject": ("group", policy.group_id),
            "after": after | {"persons": len(persons), "records": records},
        }
    [one] = persons
    decided = {f"{d.purpose}/{d.channel}": d.decision for d in one.decisions}
    return {"subject": ("person", one.person_id), "after": after | {"method": one.method} | decided}


def _triple(decision: Decision) -> tuple[str, str, str]:
    return str(decision.purpose), str(decision.channel), str(decision.decision)


_PURPOSES = frozenset(ConsentRecord.Purpose.values)
_CHANNELS = frozenset(ConsentRecord.Channel.values)
_DECISIONS = frozenset(ConsentRecord.Decision.values)


def _require_known(decisions: Iterable[Decision]) -> None:
    for one in decisions:
        if one.purpose not in _PURPOSES or one.channel not in _CHANNELS or one.decision not in _DECISIONS:
            raise UnknownDecision


def _policy(group_id: int, version: str) -> Policy:
    row = Policy.objects.filter(group_id=group_id, version=version).first()
    if row is None:
        raise UnknownPolicy(version=version[:40])
    return row
