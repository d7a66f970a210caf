"""The queue of alerts, one alert with everything it rests on, and what a member has to know of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q, QuerySet

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty import queries as loyalty
from zhike.offers import queries as offers
from zhike.organization import queries as organization
from zhike.risk.models import Alert, Evidence, Exemption, Measure, Objection
from zhike.risk.queries.known import second_person_points
from zhike.risk.queries.sentences import detector_name, finding_sentence

VIEW = "risk.view"
COLUMNS = {"mall": "mall_id", "merchant": "merchant_id"}
OPEN = ("open", "reviewing")
_URGENT = Keyset((("severity", "desc"), ("due_at", "asc"), ("id", "asc")))
_NEWEST = Keyset((("decided_at", "desc"), ("id", "desc")))


@dataclass(frozen=True, slots=True)
class AlertRow:
    """``who`` is the ``subject`` in words: a member's name, or the cashier and the shop."""

    id: int
    detector: str
    name: str
    sentence: str
    subject: str
    who: str
    member_id: int | None
    merchant_name: str
    severity: int
    state: str
    gain_points: int
    gain_fen: int
    opened_at: dt.datetime
    due_at: dt.datetime
    assignee_id: int | None
    assignee: str
    decided_by: str
    decided_at: dt.datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """``withdrawn`` points were taken out of its receipt already, ``left`` are what it still gives."""

    position: int
    kind: str
    at: dt.datetime
    person_id: int | None
    member_id: int | None
    name: str
    merchant_name: str
    actor: str
    receipt: UUID | None
    points: int
    fen: int
    owed: int
    began_at: dt.datetime | None
    withdrawn: int
    left: int


@dataclass(frozen=True, slots=True)
class ObjectionView:
    id: int
    text: str
    raised_by: str
    raised_at: dt.datetime
    answer: str
    is_upheld: bool | None
    answered_by: str
    answered_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class MeasureView:
    id: int
    kind: str
    state: str
    member_id: int | None
    name: str
    stops_earning: bool
    points: int
    count: int
    reason: str
    asked_by: str
    asked_at: dt.datetime
    decided_by: str
    decided_at: dt.datetime | None
    undone_by: str
    undone_at: dt.datetime | None
    undo_reason: str
    objections: tuple[ObjectionView, ...] = ()


@dataclass(frozen=True, slots=True)
class Concerned:
    """A member whom the evidence names, and what can be done about them."""

    member_id: int
    name: str
    points: int
    is_frozen: bool
    coupons: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertView:
    row: AlertRow
    version: int
    figures: Mapping[str, int]
    evidence: tuple[EvidenceView, ...]
    measures: tuple[MeasureView, ...]
    concerned: tuple[Concerned, ...]
    second_person_points: int
    exempt_until: dt.date | None
    exemption_id: int | None
    others: tuple[AlertRow, ...]


def alerts(
    viewer: Viewer,
    *,
    state: str = "",
    detector: str = "",
    mine: bool = False,
    cursor: str | None = None,
    limit: int = 30,
) -> Listing[AlertRow]:
    """Alerts in the viewer's scope: open ones the most serious and most urgent first, decided ones newest first.

    ``state`` "" means open and in review. Raises NotAllowed, BadCursor.
    """
    require(viewer, VIEW)
    rows = visible(Alert.objects.all(), viewer, VIEW, COLUMNS)
    rows = rows.filter(state=state) if state else rows.filter(state__in=OPEN)
    if detector:
        rows = rows.filter(detector=detector)
    if mine:
        staff_id = viewer.id if viewer.kind == "staff" else None
        rows = rows.filter(assignee_id=staff_id)
    keyset = _URGENT if state in ("", *OPEN) else _NEWEST
    page = keyset.page(rows, cursor, min(max(limit, 1), 100))
    return Listing(_rows(page.items), page.next_cursor, page.previous_cursor)


def open_alerts(viewer: Viewer) -> int:
    """How many wait for a decision in the viewer's scope. Raises NotAllowed."""
    require(viewer, VIEW)
    return visible(Alert.objects.filter(state__in=OPEN), viewer, VIEW, COLUMNS).count()


def alert(viewer: Viewer, alert_id: int) -> AlertView:
    """One alert. Raises NotFound, NotAllowed."""
    require(viewer, VIEW)
    row = load_visible(Alert.objects.all(), alert_id, viewer, VIEW, COLUMNS)
    evidence = _evidence(row)
    measures = _measures(row)
    same = visible(Alert.objects.filter(subject=row.subject).exclude(pk=row.pk), viewer, VIEW, COLUMNS)
    exemption = Exemption.objects.filter(
        program_id=row.program_id, detector=row.detector, subject=row.subject, ended_at=None
    ).order_by("-until").first()  # fmt: skip
    return AlertView(
        _rows([row])[0], row.detector_version, row.figures, evidence, measures, _concerned(row, evidence, measures),
        second_person_points(row.program_id), exemption.until if exemption else None,
        exemption.pk if exemption else None, tuple(_rows(list(same.order_by("-opened_at", "-id")[:10]))),
    )  # fmt: skip


def alerts_of_member(viewer: Viewer, member_id: int, limit: int = 20) -> list[AlertRow]:
    """About a member, or with evidence that names them, also by those merged into them. Raises NotAllowed."""
    require(viewer, VIEW)
    family = loyalty.family_of(member_id)
    persons = list(loyalty.person_ids_of(family).values())
    named = Evidence.objects.filter(person_id__in=persons).values("alert_id")
    rows = visible(Alert.objects.filter(Q(member_id__in=family) | Q(id__in=named)), viewer, VIEW, COLUMNS)
    return _rows(list(rows.order_by("-opened_at", "-id")[:limit]))


@dataclass(frozen=True, slots=True)
class FreezeOnMe:
    """What a member is told: that their points are frozen since when, and whether they objected."""

    measure_id: int
    since: dt.datetime
    stops_earning: bool
    reason: str
    objection: ObjectionView | None


def freezes_of_person(person_id: int) -> list[FreezeOnMe]:
    """For the member's own pages; also those placed before a merge."""
    own = loyalty.member_ids_of_persons(list(customers.family(person_id)))
    rows = Measure.objects.filter(kind="freeze", state="done", member_id__in=list(own.values()))
    found = list(rows.order_by("-asked_at", "-id"))
    objections = _objections([row.pk for row in found])
    return [
        FreezeOnMe(
            row.pk, row.decided_at or row.asked_at, row.stops_earning, row.reason,
            objections[row.pk][-1] if row.pk in objections else None,
        )
        for row in found
    ]  # fmt: skip


# --- parts -----------------------------------------------------------------------------------------------------------


def _names(member_ids: Sequence[int]) -> dict[int, str]:
    persons = loyalty.person_ids_of(member_ids)
    summaries = customers.summaries(list(persons.values()))
    return {member: summaries[person].name for member, person in persons.items() if person in summaries}


def merchant_name(merchant_id: int | None) -> str:
    found = organization.merchant_ref(merchant_id) if merchant_id is not None else None
    return found.name if found else ""


def _who(row: Alert, names: Mapping[int, str]) -> str:
    if row.member_id is not None:
        return names.get(row.member_id, "")
    if row.subject.startswith("staff:") and row.subject[6:].isdecimal():
        return organization.staff_member(int(row.subject[6:])).name
    return row.subject.partition("/")[2] or row.subject


def _rows(found: Sequence[Alert]) -> list[AlertRow]:
    names = _names([row.member_id for row in found if row.member_id is not None])
    staff = {
        pk: organization.staff_member(pk).name for pk in {row.assignee_id for row in found} if pk is not None
    }
    return [
        AlertRow(
            row.pk, row.detector, detector_name(row.detector), finding_sentence(row.detector, row.figures),
            row.subject,
            _who(row, names), row.member_id, merchant_name(row.merchant_id), row.severity, row.state,
            row.gain_points, row.gain_fen, row.opened_at, row.due_at, row.assignee_id,
            staff.get(row.assignee_id or 0, ""), row.decided_by, row.decided_at, row.reason,
        )
        for row in found
    ]  # fmt: skip


def _signed(row: Evidence) -> int:
    """What it did to the member's points."""
    return -row.points if row.kind == "redeemed" else row.points


def _evidence(alert: Alert) -> tuple[EvidenceView, ...]:
    found = list(Evidence.objects.filter(alert=alert).order_by("-at", "-position"))
    members = loyalty.member_ids_of_persons([row.person_id for row in found if row.person_id is not None])
    names = _names(list(members.values()))
    receipts = [row.receipt for row in found if row.receipt is not None]
    awards, withdrawn = loyalty.points_of_receipts(receipts), loyalty.withdrawn_points(receipts)
    views = []
    for row in found:
        member_id = members.get(row.person_id or 0)
        award = awards.get(row.receipt) if row.receipt is not None and row.kind in ("sale", "claim") else None
        views.append(
            EvidenceView(
                row.position, row.kind, row.at, row.person_id, member_id, names.get(member_id or 0, ""),
                merchant_name(row.merchant_id), row.actor.partition("/")[2] or row.actor, row.receipt, _signed(row),
                row.fen, row.owed, row.began_at, withdrawn.get(row.receipt, 0) if row.receipt else 0,
                award.points - award.clawed_points if award else 0,
            )
        )  # fmt: skip
    return tuple(views)


def _objections(measure_ids: Sequence[int]) -> dict[int, list[ObjectionView]]:
    found: dict[int, list[ObjectionView]] = {}
    for row in Objection.objects.filter(measure_id__in=measure_ids).order_by("raised_at", "id"):
        found.setdefault(row.measure_id, []).append(
            ObjectionView(
                row.pk, row.text, row.raised_by, row.raised_at, row.answer, row.is_upheld, row.answered_by,
                row.answered_at,
            )
        )  # fmt: skip
    return found


def _measures(alert: Alert) -> tuple[MeasureView, ...]:
    found = list(Measure.objects.filter(alert=alert).order_by("-asked_at", "-id"))
    names = _names([row.member_id for row in found if row.member_id is not None])
    objections = _objections([row.pk for row in found])
    return tuple(
        MeasureView(
            row.pk, row.kind, row.state, row.member_id, names.get(row.member_id or 0, ""), row.stops_earning,
            row.points, len(row.wanted), row.reason, row.asked_by, row.asked_at, row.decided_by, row.decided_at,
            row.undone_by, row.undone_at, row.undo_reason, tuple(objections.get(row.pk, ())),
        )
        for row in found
    )  # fmt: skip


def _concerned(
    alert: Alert, evidence: Sequence[EvidenceView], measures: Sequence[MeasureView]
) -> tuple[Concerned, ...]:
    ids = [alert.member_id] if alert.member_id is not None else []
    ids += [one.member_id for one in evidence if one.member_id is not None]
    chosen = list(dict.fromkeys(ids))[:20]
    names = _names(chosen)
    frozen = {one.member_id for one in measures if one.kind == "freeze" and one.state == "done"}
    return tuple(
        Concerned(
            pk, names.get(pk, ""), loyalty.balance_of(pk), pk in frozen,
            {coupon: one.name for coupon, one in offers.voidable_coupons(pk).items()},
        )
        for pk in chosen
    )  # fmt: skip


def exemptions(viewer: Viewer) -> list[Exemption]:
    """What is in force, those that end first first. Raises NotAllowed."""
    require(viewer, VIEW)
    allowed: QuerySet[Alert] = visible(Alert.objects.all(), viewer, VIEW, COLUMNS)
    rows = Exemption.objects.filter(ended_at=None, alert__in=allowed)
    return list(rows.order_by("until", "id")[:200])
