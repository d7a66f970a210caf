"""What an alert leads to: points frozen, gains withdrawn, coupons made void. Above a limit two people; always undoable.

A measure is carried out in the transaction that decides it, by the operations of the contexts whose things they are,
each of which does it once. So a measure is done wholly or not at all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, require
from zhike.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.offers import operations as offers
from zhike.offers import queries as coupons
from zhike.risk.events import MeasureAsked, MeasureRefused, MeasureTaken, MeasureUndone
from zhike.risk.models import Alert, Evidence, Measure
from zhike.risk.operations.policies import COLUMNS, HANDLE, ReasonMissing
from zhike.risk.queries.known import second_person_points

APPROVE = "risk.approve"
FREEZE, WITHDRAW, VOID = "freeze", "withdraw", "void"
KINDS = (FREEZE, WITHDRAW, VOID)
ITEMS_MAX = 200


class MeasureUnusable(Invalid):
    code = "measure-unusable"
    title = _("Choose what to do, and to whom; only what the evidence names.")


class NobodyToFreeze(Conflict):
    code = "nobody-to-freeze"
    title = _("This alert concerns no single member; choose one of those in the evidence.")


class NothingToUndo(Conflict):
    code = "nothing-to-undo"
    title = _("This measure was not carried out, or was undone before.")


class FrozenAlready(Conflict):
    code = "frozen-already"
    title = _("This member is frozen for this alert already.")


class MeasureDecided(Conflict):
    code = "measure-decided"
    title = _("This measure was decided before.")


class SecondPersonNeeded(NotAllowed):
    code = "second-person-needed"
    title = _("Somebody else must decide this.")


class CouponsGone(Conflict):
    code = "coupons-gone"
    title = _("None of these coupons can be made void any more.")


@transaction.atomic
def take_measure(
    *,
    actor: Viewer,
    alert_id: int,
    kind: str,
    reason: str,
    now: dt.datetime,
    member_id: int | None = None,
    stops_earning: bool = False,
    items: Sequence[str] = (),
) -> int:
    """Freeze a member of an alert, withdraw what receipts of its evidence gave, or make coupons void; the measure's id.

    ``member_id`` None: the alert's own. ``items`` are receipts or coupons; receipts must be in the evidence. Withdrawing
    more points than the limit waits for a second person. Raises MeasureUnusable, NobodyToFreeze, FrozenAlready, ReasonMissing,
    CouponsGone, NotFound, NotAllowed, and what loyalty's restrain_member and withdraw_gain raise.
    """
    require(actor, HANDLE)
    rows = Alert.objects.select_for_update(of=("self",))
    alert = load_visible(rows, alert_id, actor, HANDLE, COLUMNS)
    if not reason.strip():
        raise ReasonMissing
    wanted = list(dict.fromkeys(items))
    if kind not in KINDS or len(wanted) > ITEMS_MAX or (kind != FREEZE and not wanted):
        raise MeasureUnusable
    measure = Measure(
        alert=alert, kind=kind, reason=reason.strip()[:300], asked_by=actor.audit_id, asked_at=now,
        stops_earning=stops_earning, wanted=wanted,
    )  # fmt: skip
    _aim(alert, measure, member_id)
    measure.points = _at_stake(measure)
    needs_two = kind == WITHDRAW and measure.points > second_person_points(alert.program_id)
    measure.state = Measure.State.ASKED if needs_two else Measure.State.DONE
    measure.save()
    if needs_two:
        _record(actor, alert, measure, "measure.ask", measure.reason, now)
        fact = MeasureAsked(alert.pk, alert.detector, _person(measure), measure.pk, kind)
        events.publish(fact, actor=actor, now=now)
    else:
        _carry_out(actor, alert, measure, now)
    return measure.pk


def _aim(alert: Alert, measure: Measure, member_id: int | None) -> None:
    """Whom and what it is about: nobody and nothing that the evidence does not name."""
    concerned = members_of(alert)
    if measure.kind == FREEZE:
        chosen = alert.member_id if member_id is None else member_id
        if chosen is None:
            raise NobodyToFreeze
        if chosen not in concerned:
            raise MeasureUnusable
        measure.member_id = chosen
        standing = (Measure.State.ASKED, Measure.State.DONE)
        if Measure.objects.filter(alert=alert, kind=FREEZE, member_id=chosen, state__in=standing).exists():
            raise FrozenAlready
        return
    if measure.kind == WITHDRAW:
        known = {str(one) for one in Evidence.objects.filter(alert=alert).values_list("receipt", flat=True)}
        if not set(measure.wanted) <= known - {"None"}:
            raise MeasureUnusable
    else:
        known = {str(pk) for member in concerned for pk in coupons.voidable_coupons(member)}
        if not set(measure.wanted) <= known:
            raise MeasureUnusable
    measure.member_id = alert.member_id


def members_of(alert: Alert) -> set[int]:
    """The members that an alert concerns: its own, and those the evidence names."""
    persons = set(
        Evidence.objects.filter(alert=alert, person__isnull=False).values_list("person_id", flat=True)
    )
    found = set(members.member_ids_of_persons(sorted(persons)).values())
    return found | ({alert.member_id} if alert.member_id is not None else set())


def _at_stake(measure: Measure) -> int:
    """Points that it keeps from being spent, or takes out."""
    if measure.kind == FREEZE:
        assert measure.member_id is not None
        return max(0, members.balance_of(measure.member_id))
    if measure.kind == WITHDRAW:
        awards = members.points_of_receipts([UUID(one) for one in measure.wanted])
        return sum(award.points - award.clawed_points for award in awards.values())
    return 0


def _carry_out(actor: Viewer, alert: Alert, measure: Measure, now: dt.datetime) -> None:
    reference = f"measure:{measure.pk}"
    if measure.kind == FREEZE:
        assert measure.member_id is not None
        restraint = loyalty.restrain_member(
            actor=actor, member_id=measure.member_id, reason=measure.reason, reference=reference,
            stops_earning=measure.stops_earning, now=now,
        )  # fmt: skip
        measure.items = {"restraint": restraint}
    elif measure.kind == WITHDRAW:
        _withdraw(actor, measure, reference, now)
    else:
        _void(actor, measure, now)
    measure.state = Measure.State.DONE
    measure.save()
    _record(actor, alert, measure, f"measure.{measure.kind}", measure.reason, now)
    fact = MeasureTaken(alert.pk, alert.detector, _person(measure), measure.pk, measure.kind, measure.points)
    events.publish(fact, actor=actor, now=now)


def _withdraw(actor: Viewer, measure: Measure, reference: str, now: dt.datetime) -> None:
    """Every receipt that still gives something; what was withdrawn by another measure stays that one's."""
    taken: dict[str, int] = {}
    points = 0
    before = members.withdrawn_points([UUID(one) for one in measure.wanted])
    for receipt in sorted(measure.wanted):
        if UUID(receipt) in before:
            continue
        try:
            gone = loyalty.withdraw_gain(
                actor=actor, receipt_id=UUID(receipt), reason=measure.reason, reference=reference, now=now
            )
        except (loyalty.NothingToWithdraw, loyalty.ReceiptNotFound):
            continue
        taken[receipt] = gone.withdrawal_id
        points += gone.points
    if not taken:
        raise loyalty.NothingToWithdraw
    measure.items, measure.points = {"withdrawals": taken}, points


def _void(actor: Viewer, measure: Measure, now: dt.datetime) -> None:
    done = []
    for coupon in sorted(measure.wanted, key=int):
        try:
            offers.void_coupon(actor=actor, coupon_id=int(coupon), reason=measure.reason, now=now)
        except offers.NotVoidable:
            continue
        done.append(int(coupon))
    if not done:
        raise CouponsGone
    measure.items = {"coupons": done}


@transaction.atomic
def decide_measure(
    *, actor: Viewer, measure_id: int, approve: bool, now: dt.datetime, note: str = ""
) -> None:
    """A second person carries out a measure that waits, or refuses it. Decided the same way before, nothing changes.

    Raises SecondPersonNeeded for whoever asked, MeasureDecided, NotFound, NotAllowed, and what the measure itself raises.
    """
    alert, measure = _locked(actor, measure_id, APPROVE)
    wanted = Measure.State.DONE if approve else Measure.State.REFUSED
    if measure.state == wanted and measure.decided_by:
        return
    if measure.state != Measure.State.ASKED:
        raise MeasureDecided
    if measure.asked_by == actor.audit_id:
        raise SecondPersonNeeded
    measure.decided_by, measure.decided_at = actor.audit_id, now
    if approve:
        _carry_out(actor, alert, measure, now)
        return
    measure.state = Measure.State.REFUSED
    measure.save()
    _record(actor, alert, measure, "measure.refuse", note, now)
    fact = MeasureRefused(alert.pk, alert.detector, _person(measure), measure.pk, measure.kind)
    events.publish(fact, actor=actor, now=now)


@transaction.atomic
def undo_measure(*, actor: Viewer, measure_id: int, reason: str, now: dt.datetime) -> None:
    """Lift the freeze, or give back what was withdrawn, the whole measure at once. Voided coupons are issued anew by hand.

    Raises NothingToUndo, ReasonMissing, NotFound, NotAllowed.
    """
    alert, measure = _locked(actor, measure_id, HANDLE)
    if not reason.strip():
        raise ReasonMissing
    undo(actor, alert, measure, reason, now)


def undo(actor: Viewer, alert: Alert, measure: Measure, reason: str, now: dt.datetime) -> None:
    """The caller holds alert and measure, and has authorised the actor. Raises NothingToUndo."""
    if measure.state != Measure.State.DONE:
        raise NothingToUndo
    if measure.kind == FREEZE:
        loyalty.lift_restraint(actor=actor, restraint_id=measure.items["restraint"], reason=reason, now=now)
    elif measure.kind == WITHDRAW:
        for _receipt, withdrawal_id in sorted(measure.items["withdrawals"].items()):
            loyalty.restore_gain(actor=actor, withdrawal_id=withdrawal_id, reason=reason, now=now)
    else:
        for coupon_id in measure.items["coupons"]:
            offers.reinstate_coupon(actor=actor, coupon_id=coupon_id, reason=reason, now=now)
    measure.state, measure.undone_by, measure.undone_at = Measure.State.UNDONE, actor.audit_id, now
    measure.undo_reason = reason.strip()[:300]
    measure.save()
    _record(actor, alert, measure, "measure.undo", measure.undo_reason, now)
    fact = MeasureUndone(alert.pk, alert.detector, _person(measure), measure.pk, measure.kind)
    events.publish(fact, actor=actor, now=now)


def _locked(actor: Viewer, measure_id: int, permission: str) -> tuple[Alert, Measure]:
    """The alert first, as everywhere. Raises NotFound, NotAllowed."""
    require(actor, permission)
    found = Measure.objects.filter(id=measure_id).values_list("alert_id", flat=True).first()
    if found is None:
        raise NotFound
    alert = load_visible(Alert.objects.select_for_update(of=("self",)), found, actor, permission, COLUMNS)
    return alert, Measure.objects.select_for_update(of=("self",)).get(id=measure_id)


def _person(measure: Measure) -> int | None:
    return members.person_id_of(measure.member_id) if measure.member_id is not None else None


def _record(
    actor: Viewer, alert: Alert, measure: Measure, action: str, reason: str, now: dt.datetime
) -> None:
    after = {"measure": measure.pk, "kind": measure.kind, "points": measure.points, **measure.items}
    audit.record(
        actor=actor, action=action, subject=("risk_alert", alert.pk), after=after, reason=reason, now=now
    )
