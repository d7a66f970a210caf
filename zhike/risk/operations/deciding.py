"""People look into alerts: take one, give it back, confirm or dismiss it; and members object to what was done."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, require
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.loyalty import queries as loyalty
from zhike.risk.events import AlertDecided, AlertTaken, ObjectionAnswered, ObjectionRaised
from zhike.risk.models import Alert, Measure, Objection
from zhike.risk.operations.measures import SecondPersonNeeded, undo
from zhike.risk.operations.policies import COLUMNS, HANDLE, ReasonMissing, grant_exemption

OPEN = (Alert.State.OPEN, Alert.State.REVIEWING)
TEXT_MAX = 1000


class AlertDecidedBefore(Conflict):
    code = "alert-decided"
    title = _("This alert was decided before.")


class AlertTakenBefore(Conflict):
    code = "alert-taken"
    title = _("A colleague looks into this alert already.")


class MeasuresStand(Conflict):
    code = "measures-stand"
    title = _("Undo the measures first; nothing stands against a subject that is cleared.")


class ObjectionUnusable(Invalid):
    code = "objection-unusable"
    title = _("Say in at most 1,000 characters why.")


class ObjectionOpen(Conflict):
    code = "objection-open"
    title = _("An objection is being looked into already.")


def locked_alert(actor: Viewer, alert_id: int) -> Alert:
    """Held, if the actor handles abuse there. Raises NotFound, NotAllowed."""
    require(actor, HANDLE)
    rows = Alert.objects.select_for_update(of=("self",))
    return load_visible(rows, alert_id, actor, HANDLE, COLUMNS)


def person_of(alert: Alert) -> int | None:
    return loyalty.person_id_of(alert.member_id) if alert.member_id is not None else None


@transaction.atomic
def take_alert(*, actor: Viewer, alert_id: int, now: dt.datetime, even_if_taken: bool = False) -> None:
    """Look into an alert oneself. ``even_if_taken`` takes it over from a colleague; one's own again changes nothing.

    Raises AlertTakenBefore, AlertDecidedBefore, NotFound, NotAllowed.
    """
    alert = locked_alert(actor, alert_id)
    if alert.state not in OPEN:
        raise AlertDecidedBefore
    staff_id = actor.id if actor.kind == "staff" else None
    if alert.state == Alert.State.REVIEWING and alert.assignee_id == staff_id:
        return
    if alert.assignee_id is not None and not even_if_taken:
        raise AlertTakenBefore
    before = alert.assignee_id
    alert.state, alert.assignee_id = Alert.State.REVIEWING, staff_id
    alert.taken_at = alert.taken_at or now
    alert.save()
    audit.record(
        actor=actor, action="risk_alert.take", subject=("risk_alert", alert.pk), before={"assignee": before},
        after={"assignee": staff_id}, now=now,
    )  # fmt: skip
    events.publish(AlertTaken(alert.pk, alert.detector, person_of(alert), staff_id), actor=actor, now=now)


@transaction.atomic
def give_back_alert(*, actor: Viewer, alert_id: int, now: dt.datetime) -> None:
    """Into the queue again. Raises AlertDecidedBefore, NotFound, NotAllowed."""
    alert = locked_alert(actor, alert_id)
    if alert.state not in OPEN:
        raise AlertDecidedBefore
    if alert.state == Alert.State.OPEN:
        return
    before, alert.assignee_id, alert.state = alert.assignee_id, None, Alert.State.OPEN
    alert.save()
    audit.record(
        actor=actor, action="risk_alert.give_back", subject=("risk_alert", alert.pk),
        before={"assignee": before}, now=now,
    )  # fmt: skip
    events.publish(AlertTaken(alert.pk, alert.detector, person_of(alert), None), actor=actor, now=now)


@transaction.atomic
def decide_alert(
    *,
    actor: Viewer,
    alert_id: int,
    confirmed: bool,
    reason: str,
    exempt_until: dt.date | None = None,
    now: dt.datetime,
) -> None:
    """Confirm an alert, or dismiss it as nothing; ``exempt_until`` then keeps the detector quiet about the subject.

    The same decision again changes nothing. Nobody is cleared while a measure stands. Raises AlertDecidedBefore,
    MeasuresStand, ReasonMissing, ExemptionUnusable, NotFound, NotAllowed.
    """
    alert = locked_alert(actor, alert_id)
    wanted = Alert.State.CONFIRMED if confirmed else Alert.State.DISMISSED
    if alert.state == wanted:
        return
    if alert.state not in OPEN:
        raise AlertDecidedBefore
    if not reason.strip():
        raise ReasonMissing
    standing = (Measure.State.ASKED, Measure.State.DONE)
    if not confirmed and Measure.objects.filter(alert=alert, state__in=standing).exists():
        raise MeasuresStand
    before, alert.state = alert.state, wanted
    alert.decided_by, alert.decided_at, alert.reason = actor.audit_id, now, reason.strip()[:300]
    alert.save()
    if not confirmed and exempt_until is not None:
        grant_exemption(actor=actor, alert=alert, until=exempt_until, reason=reason, now=now)
    audit.record(
        actor=actor, action=f"risk_alert.{wanted}", subject=("risk_alert", alert.pk), before={"state": before},
        after={"state": wanted}, reason=alert.reason, now=now,
    )  # fmt: skip
    fact = AlertDecided(alert.pk, alert.detector, person_of(alert), confirmed)
    events.publish(fact, actor=actor, now=now)


# --- objections ------------------------------------------------------------------------------------------------------


@transaction.atomic
def raise_objection(*, actor: Viewer, measure_id: int, text: str, now: dt.datetime) -> int:
    """A member says that a measure is wrong, or staff who handle abuse write it down for them; the objection's id.

    Raises ObjectionUnusable, ObjectionOpen, NotFound, NotAllowed.
    """
    measure = Measure.objects.select_related("alert").filter(id=measure_id, state=Measure.State.DONE).first()
    if measure is None or measure.member_id is None:
        raise NotFound
    person_id = loyalty.person_id_of(measure.member_id)
    if actor.kind == "member":
        if customers.survivor_of(actor.id or 0) != customers.survivor_of(person_id):
            raise NotFound
    else:
        require(actor, HANDLE)
        load_visible(Alert.objects.all(), measure.alert_id, actor, HANDLE, COLUMNS)
    if not 0 < len(text.strip()) <= TEXT_MAX:
        raise ObjectionUnusable
    try:
        with transaction.atomic():
            row = Objection.objects.create(
                measure=measure, text=text.strip(), raised_by=actor.audit_id, raised_at=now
            )
    except IntegrityError as error:
        raise ObjectionOpen from error
    audit.record(
        actor=actor, action="objection.raise", subject=("risk_alert", measure.alert_id),
        after={"objection": row.pk, "measure": measure_id}, now=now,
    )  # fmt: skip
    fact = ObjectionRaised(measure.alert_id, measure.alert.detector, person_id, measure_id, row.pk)
    events.publish(fact, actor=actor, now=now)
    return row.pk


@transaction.atomic
def answer_objection(
    *, actor: Viewer, objection_id: int, upheld: bool, answer: str, now: dt.datetime
) -> None:
    """Answer an objection; one that is right undoes the measure. Answered before, nothing changes.

    Whoever carried the measure out alone does not judge it: somebody else answers. Raises SecondPersonNeeded,
    ObjectionUnusable, NotFound, NotAllowed.
    """
    found = Objection.objects.select_related("measure").filter(id=objection_id).first()
    if found is None:
        raise NotFound
    alert = locked_alert(actor, found.measure.alert_id)
    row = Objection.objects.select_for_update(of=("self",)).get(id=objection_id)
    if row.answered_at is not None:
        return
    if not 0 < len(answer.strip()) <= TEXT_MAX:
        raise ObjectionUnusable
    measure = Measure.objects.select_for_update(of=("self",)).get(id=row.measure_id)
    if actor.audit_id == (measure.decided_by or measure.asked_by):
        raise SecondPersonNeeded
    row.answer, row.is_upheld = answer.strip(), upheld
    row.answered_by, row.answered_at = actor.audit_id, now
    row.save()
    if upheld and measure.state == Measure.State.DONE:
        undo(actor, alert, measure, answer, now)
    audit.record(
        actor=actor, action="objection.answer", subject=("risk_alert", alert.pk),
        after={"objection": row.pk, "upheld": upheld}, reason=row.answer[:300], now=now,
    )  # fmt: skip
    fact = ObjectionAnswered(alert.pk, alert.detector, person_of(alert), measure.pk, row.pk, upheld)
    events.publish(fact, actor=actor, now=now)
