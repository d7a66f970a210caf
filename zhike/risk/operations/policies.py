"""Detectors' parameters in versions, the limit for one person alone, and exemptions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch, visible
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.loyalty import queries as loyalty
from zhike.risk.events import DetectorPublished, ExemptionGranted
from zhike.risk.models import Alert, DetectorVersion, Exemption, OversightPolicy
from zhike.risk.queries.known import detector_of

EDIT, HANDLE = "risk.edit", "risk.handle"
EXEMPT_DAYS_MAX = 366
COLUMNS = {"mall": "mall_id", "merchant": "merchant_id"}


class DetectorUnusable(Invalid):
    code = "detector-unusable"
    title = _("A number is missing or out of bounds.")


class DetectorChanged(Conflict):
    code = "detector-changed"
    title = _("Somebody published another version meanwhile; look at it first.")


class ReasonMissing(Invalid):
    code = "reason-missing"
    title = _("Say why; the reason is kept.")


class ExemptionUnusable(Invalid):
    code = "exemption-unusable"
    title = _("An exemption ends in the future, at most a year from now.")


class LimitUnusable(Invalid):
    code = "limit-unusable"
    title = _("The limit is between 0 and 100,000,000 points.")


@transaction.atomic
def publish_detector(
    *,
    actor: Viewer,
    program_id: int,
    detector: str,
    params: Mapping[str, int],
    is_on: bool,
    note: str = "",
    replaces: int | None = None,
    now: dt.datetime,
) -> int:
    """A new version of a detector's parameters, in force at once; its number. The same again changes nothing.

    ``replaces`` is the version one has looked at. Alerts that are open stay. Raises DetectorUnusable, DetectorChanged,
    NotFound, NotAllowed.
    """
    require_touch(actor, EDIT)
    known = detector_of(detector)
    bounds = known.faults(params)
    if bounds:
        sentence = _("Between %(least)s and %(most)s.")
        raise DetectorUnusable(
            fields={
                name: [sentence % {"least": least, "most": most}] for name, (least, most) in bounds.items()
            }
        )
    wanted = {param.name: params[param.name] for param in known.params}
    rows = DetectorVersion.objects.filter(program_id=program_id, detector=detector)
    newest = rows.order_by("-version").first()
    version = newest.version if newest else 0
    if newest is not None and (newest.params, newest.is_on) == (wanted, is_on):
        return version
    if replaces is not None and replaces != version:
        raise DetectorChanged
    try:
        with transaction.atomic():
            DetectorVersion.objects.create(
                program_id=program_id, detector=detector, version=version + 1, is_on=is_on, params=wanted,
                note=note.strip()[:300], published_at=now, published_by=actor.audit_id,
            )  # fmt: skip
    except IntegrityError as error:
        raise DetectorChanged from error
    before = {"version": version, "params": newest.params if newest else known.defaults()}
    audit.record(
        actor=actor, action="detector.publish", subject=("detector", detector), before=before,
        after={"version": version + 1, "params": wanted, "on": is_on}, reason=note.strip()[:300], now=now,
    )  # fmt: skip
    fact = DetectorPublished(program_id, detector, version + 1, is_on)
    events.publish(fact, actor=actor, now=now)
    return version + 1


@transaction.atomic
def set_second_person_limit(*, actor: Viewer, program_id: int, points: int, now: dt.datetime) -> None:
    """Above how many points a measure waits for a second person; 0: always. Raises LimitUnusable, NotAllowed."""
    require_touch(actor, EDIT)
    if not 0 <= points <= 100_000_000:
        raise LimitUnusable
    before = OversightPolicy.objects.filter(program_id=program_id).first()
    OversightPolicy.objects.update_or_create(
        program_id=program_id,
        defaults={"second_person_points": points, "changed_at": now, "changed_by": actor.audit_id},
    )
    audit.record(
        actor=actor, action="oversight.limit", subject=("program", program_id),
        before={"points": before.second_person_points} if before else None, after={"points": points}, now=now,
    )  # fmt: skip


def grant_exemption(*, actor: Viewer, alert: Alert, until: dt.date, reason: str, now: dt.datetime) -> int:
    """An alert's subject is not told of by its detector until the end of a day; the exemption's id.

    In the caller's transaction, which has authorised the actor for the alert. Raises ExemptionUnusable.
    """
    today = loyalty.program_today(alert.program_id, now)
    if not today <= until <= today + dt.timedelta(days=EXEMPT_DAYS_MAX):
        raise ExemptionUnusable
    row = Exemption.objects.create(
        program_id=alert.program_id, detector=alert.detector, subject=alert.subject, until=until,
        reason=reason.strip()[:300], alert=alert, granted_by=actor.audit_id, granted_at=now,
    )  # fmt: skip
    audit.record(
        actor=actor, action="exemption.grant", subject=("risk_alert", alert.pk),
        after={"exemption": row.pk, "subject": alert.subject, "until": until.isoformat()}, reason=row.reason, now=now,
    )  # fmt: skip
    person_id = loyalty.person_id_of(alert.member_id) if alert.member_id else None
    events.publish(ExemptionGranted(row.pk, alert.detector, person_id), actor=actor, now=now)
    return row.pk


@transaction.atomic
def end_exemption(*, actor: Viewer, exemption_id: int, now: dt.datetime) -> None:
    """The detector tells of the subject again. Ended before, nothing changes. Raises NotFound, NotAllowed."""
    row = (
        Exemption.objects.select_for_update(of=("self",))
        .select_related("alert")
        .filter(id=exemption_id)
        .first()
    )
    if row is None or row.alert is None:
        raise NotFound
    if not visible(Alert.objects.filter(pk=row.alert.pk), actor, HANDLE, COLUMNS).exists():
        raise NotFound
    if row.ended_at is not None:
        return
    row.ended_by, row.ended_at = actor.audit_id, now
    row.save()
    audit.record(
        actor=actor, action="exemption.end", subject=("risk_alert", row.alert.pk), before={"exemption": row.pk}, now=now
    )  # fmt: skip
