"""New deeds are judged by every detector in force; what they find becomes an alert, or more evidence for the open one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Max

from zhike.kernel import events
from zhike.kernel.access import Viewer, require
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.risk.events import AlertRaised
from zhike.risk.models import Alert, Deed, Evidence, Watch
from zhike.risk.queries import reading
from zhike.risk.queries.known import Force, exempt_subjects, in_force, zone_of
from zhike.risk.rules import deeds as rules
from zhike.risk.rules.deeds import Finding, Norms

BATCH = 5_000
OPEN = (Alert.State.OPEN, Alert.State.REVIEWING)
EVIDENCE_MAX = 500


def judge_deeds(*, actor: Viewer, now: dt.datetime) -> int:
    """Judge whoever did something since the last time; how many alerts are new.

    One run at a time; after a long pause everybody's last weeks are judged at once. Raises NotAllowed.
    """
    require(actor, "risk.handle")
    program_id = loyalty.default_program_id()
    if program_id is None:
        return 0
    with transaction.atomic():
        Watch.objects.get_or_create(program_id=program_id)
        watch = Watch.objects.select_for_update(of=("self",)).get(program_id=program_id)
        fresh = list(Deed.objects.filter(id__gt=watch.deed_id).order_by("id")[: BATCH + 1])
        last = fresh[-1].pk if fresh else watch.deed_id
        if len(fresh) > BATCH:
            last = Deed.objects.aggregate(last=Max("id"))["last"] or last
        raised = _judge(actor, program_id, fresh, now) if fresh else 0
        watch.deed_id, watch.judged_at = last, now
        watch.save()
    return raised


def _judge(actor: Viewer, program_id: int, fresh: Sequence[Deed], now: dt.datetime) -> int:
    """Whoever is touched by these deeds; everybody there is something to say of when they are too many."""
    zone = zone_of(program_id)
    until = max([now, *(deed.at for deed in fresh)])
    norms: Norms | None = None
    raised = 0
    for force in in_force(program_id):
        if not force.is_on:
            continue
        detector = force.detector
        since = until - dt.timedelta(days=detector.days)
        if len(fresh) > BATCH:
            touched = set(reading.subjects_with(detector, force.params, since, until))
        else:
            touched = reading.subjects_touched(fresh, detector)
        touched -= exempt_subjects(program_id, detector.code, now)
        for subject, deeds in reading.deeds_of(detector, sorted(touched), until, zone):
            if norms is None:
                norms = reading.norms(until, zone)
            finding = detector.judge(deeds, force.params, norms)
            if finding is not None:
                raised += _tell(actor, program_id, force, subject, finding, now)
    return raised


def _tell(
    actor: Viewer, program_id: int, force: Force, subject: str, finding: Finding, now: dt.datetime
) -> bool:
    """The open alert of this detector and subject grows; without one, and with evidence that no decided one had, a new
    one is raised."""
    same = Alert.objects.filter(program_id=program_id, detector=force.detector.code, subject=subject)
    alert = same.filter(state__in=OPEN).select_for_update(of=("self",)).first()
    if alert is not None:
        if _add_evidence(alert, finding.deeds):
            _grow(alert, finding, now)
        return False
    known = Evidence.objects.filter(alert__in=same).aggregate(last=Max("position"))["last"] or 0
    if not any(deed.position > known for deed in finding.deeds):
        return False
    alert = _raise(program_id, force, subject, finding, now)
    _add_evidence(alert, finding.deeds)
    person_id = loyalty.person_id_of(alert.member_id) if alert.member_id else None
    fact = AlertRaised(alert.pk, alert.detector, person_id, alert.severity)
    events.publish(fact, actor=actor, now=now)
    return True


def _raise(program_id: int, force: Force, subject: str, finding: Finding, now: dt.datetime) -> Alert:
    member_id = reading.member_of_subject(subject)
    mall_id, merchant_id = _place(member_id, finding)
    return Alert.objects.create(
        program_id=program_id,
        detector=force.detector.code,
        detector_version=force.version,
        subject=subject,
        member_id=member_id,
        mall_id=mall_id,
        merchant_id=merchant_id,
        severity=finding.severity,
        figures=dict(finding.figures),
        gain_points=finding.gain_points,
        gain_fen=sum(deed.fen for deed in finding.deeds),
        opened_at=now,
        grew_at=now,
        due_at=now + rules.DUE[finding.severity],
    )


def _place(member_id: int | None, finding: Finding) -> tuple[int | None, int | None]:
    """Whose it is to look into: a member's mall, or the shop of the cashier or desk."""
    if member_id is not None:
        return loyalty.membership(member_id).mall_id, None
    merchant_id = next((deed.merchant_id for deed in finding.deeds if deed.merchant_id), None)
    merchant = organization.merchant_ref(merchant_id) if merchant_id else None
    mall_id = merchant.mall_id if merchant else next((d.mall_id for d in finding.deeds if d.mall_id), None)
    return mall_id, merchant_id


def _add_evidence(alert: Alert, deeds: Iterable[rules.Deed]) -> int:
    """What it did not know yet; how many."""
    known = set(Evidence.objects.filter(alert=alert).values_list("position", flat=True))
    rows = [
        Evidence(
            alert=alert, position=deed.position, kind=deed.kind, at=deed.at, person_id=deed.person_id,
            merchant_id=deed.merchant_id, actor=deed.actor, receipt=deed.receipt, points=deed.points, fen=deed.fen,
            owed=deed.owed, began_at=deed.began_at,
        )
        for deed in deeds if deed.position not in known
    ][: max(0, EVIDENCE_MAX - len(known))]  # fmt: skip
    Evidence.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _grow(alert: Alert, finding: Finding, now: dt.datetime) -> None:
    """The newest figures; it only becomes more serious, and then is due sooner."""
    alert.figures, alert.grew_at = dict(finding.figures), now
    alert.gain_points = max(alert.gain_points, finding.gain_points)
    alert.gain_fen = max(alert.gain_fen, sum(deed.fen for deed in finding.deeds))
    if finding.severity > alert.severity:
        alert.severity = finding.severity
        alert.due_at = min(alert.due_at, now + rules.DUE[finding.severity])
    alert.save()
