"""Oversight: the queue of alerts, one alert with its evidence and measures, the board, the detectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import queries as loyalty
from zhike.risk import operations, queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import oversight as forms
from zhike.ui.console.once import OnceForm, dialog_once
from zhike.ui.console.pages import add_problem, done, fragment, page, permissions, refused, wants_fragment
from zhike.ui.console.risk_labels import RISK_DETECTORS, RISK_STATES

VIEW, HANDLE, APPROVE, EDIT = "risk.view", "risk.handle", "risk.approve", "risk.edit"
SECTION = "oversight"


def alert_url(alert_id: int) -> str:
    return reverse("console:risk_alert", args=[alert_id])


@staff_page(VIEW)
def alerts(request: StaffRequest) -> HttpResponse:
    """What waits, the most serious first; what was decided, the newest first."""
    state, detector = request.GET.get("state", ""), request.GET.get("detector", "")
    state = state if state in RISK_STATES else ""
    detector = detector if detector in RISK_DETECTORS else ""
    mine = request.GET.get("mine") == "1"
    found = queries.alerts(
        request.viewer, state=state, detector=detector, mine=mine, cursor=request.GET.get("cursor")
    )
    context: dict[str, Any] = {"page": found, "state": state, "detector": detector, "now": request.now}
    if wants_fragment(request):
        return fragment(request, "console/oversight/_rows.html", context)
    tabs = [("", False, _("To decide")), ("", True, _("Mine"))]
    tabs += [(code, False, str(RISK_STATES[code])) for code in ("confirmed", "dismissed")]
    context |= {
        "board": queries.board(request.viewer, now=request.now),
        "detectors": RISK_DETECTORS.items(),
        "mine": mine,
        "tabs": [
            {"label": name, "url": f"?state={code}&mine={int(own)}", "active": (code, own) == (state, mine), "badge": ""}
            for code, own, name in tabs
        ],
    }  # fmt: skip
    return page(request, "console/oversight/list.html", context, section=SECTION)


@staff_page(VIEW)
def board(request: StaffRequest) -> HttpResponse:
    """What was found, how often it was right, what it saved."""
    found = queries.board(request.viewer, now=request.now)
    chart = {
        "kind": "bar",
        "unit": "count",
        "categories": [date_format(week[0], "m-d") for week in found.weeks],
        "series": [
            {"name": _("Alerts raised"), "values": [week[1] for week in found.weeks], "tone": "warning"},
            {"name": _("Confirmed"), "values": [week[2] for week in found.weeks], "tone": "error"},
            {"name": _("Dismissed"), "values": [week[3] for week in found.weeks], "tone": "info"},
        ],
    }
    return page(request, "console/oversight/board.html", {"board": found, "chart": chart}, section=SECTION)


@staff_page(VIEW)
def alert(request: StaffRequest, alert_id: int) -> HttpResponse:
    found = queries.alert(request.viewer, alert_id)
    context = {
        "alert": found,
        "row": found.row,
        "is_open": found.row.state in ("open", "reviewing"),
        "is_mine": found.row.assignee_id == request.staff_id,
        "withdrawable": any(one.left and one.receipt for one in found.evidence),
        "freezable": not all(one.is_frozen for one in found.concerned),
        "coupons": [(one, pk, name) for one in found.concerned for pk, name in one.coupons.items()],
        "own_id": request.viewer.audit_id,
        "may": permissions(request, handle=HANDLE, approve=APPROVE, members="members.view"),
        "now": request.now,
    }
    return page(request, "console/oversight/alert.html", context, section=SECTION)


@require_POST
@staff_page(HANDLE)
def take(request: StaffRequest, alert_id: int) -> HttpResponse:
    def act() -> None:
        operations.take_alert(
            actor=request.viewer,
            alert_id=alert_id,
            even_if_taken=request.POST.get("over") == "1",
            now=request.now,
        )

    return _at_once(request, alert_id, act, _("You look into it now."))


@require_POST
@staff_page(HANDLE)
def give_back(request: StaffRequest, alert_id: int) -> HttpResponse:
    def act() -> None:
        operations.give_back_alert(actor=request.viewer, alert_id=alert_id, now=request.now)

    return _at_once(request, alert_id, act, _("It is in the queue again."))


def _at_once(request: StaffRequest, alert_id: int, act: Callable[[], None], success: str) -> HttpResponse:
    try:
        act()
    except Problem as problem:
        return refused(request, problem, alert_url(alert_id))
    return done(request, success, alert_url(alert_id))


@staff_page(HANDLE)
def confirm(request: StaffRequest, alert_id: int) -> HttpResponse:
    form = forms.DecideForm(request.POST or None)
    return _decided(request, alert_id, form, True, _("Confirm the alert"), _("The alert is confirmed."))


@staff_page(HANDLE)
def dismiss(request: StaffRequest, alert_id: int) -> HttpResponse:
    form = forms.DismissForm(request.POST or None)
    return _decided(request, alert_id, form, False, _("Dismiss the alert"), _("The alert is dismissed."))


def _decided(
    request: StaffRequest, alert_id: int, form: OnceForm, confirmed: bool, title: str, success: str
) -> HttpResponse:
    def act() -> None:
        operations.decide_alert(
            actor=request.viewer, alert_id=alert_id, confirmed=confirmed, reason=form.cleaned_data["reason"],
            exempt_until=form.cleaned_data.get("exempt_until"), now=request.now,
        )  # fmt: skip

    return dialog_once(request, form, act, title, success, alert_url(alert_id))


# --- measures --------------------------------------------------------------------------------------------------------


@staff_page(HANDLE)
def freeze(request: StaffRequest, alert_id: int) -> HttpResponse:
    found = queries.alert(request.viewer, alert_id)
    form = forms.FreezeForm(request.POST or None, concerned=found.concerned)

    def act() -> None:
        data = form.cleaned_data
        operations.take_measure(
            actor=request.viewer, alert_id=alert_id, kind="freeze", member_id=data["member"],
            stops_earning=data["stops_earning"], reason=data["reason"], now=request.now,
        )  # fmt: skip

    success = _("The points are frozen. Every door refuses them from now on.")
    return dialog_once(request, form, act, _("Freeze points"), success, alert_url(alert_id))


@staff_page(HANDLE)
def withdraw(request: StaffRequest, alert_id: int) -> HttpResponse:
    title = _("Withdraw what these receipts gave")
    return _on_items(request, alert_id, "withdraw", title)


@staff_page(HANDLE)
def void(request: StaffRequest, alert_id: int) -> HttpResponse:
    return _on_items(request, alert_id, "void", _("Make these coupons void"))


def _on_items(request: StaffRequest, alert_id: int, kind: str, title: str) -> HttpResponse:
    """The dialog is opened with what was ticked, and carries it along."""
    chosen = ",".join(request.GET.getlist("items"))
    form = forms.ItemsForm(request.POST or None, initial={"items": chosen})

    def act() -> None:
        operations.take_measure(
            actor=request.viewer, alert_id=alert_id, kind=kind, items=form.chosen,
            reason=form.cleaned_data["reason"], now=request.now,
        )  # fmt: skip

    success = _("Noted. What is above the limit waits for a second person.")
    return dialog_once(request, form, act, title, success, alert_url(alert_id))


@require_POST
@staff_page(APPROVE)
def decide_measure(request: StaffRequest, alert_id: int, measure_id: int, verdict: str) -> HttpResponse:
    def act() -> None:
        operations.decide_measure(
            actor=request.viewer, measure_id=measure_id, approve=verdict == "approve", now=request.now
        )

    success = _("The measure is carried out.") if verdict == "approve" else _("The measure is refused.")
    return _at_once(request, alert_id, act, success)


@staff_page(HANDLE)
def undo(request: StaffRequest, alert_id: int, measure_id: int) -> HttpResponse:
    form = forms.UndoForm(request.POST or None)

    def act() -> None:
        operations.undo_measure(
            actor=request.viewer, measure_id=measure_id, reason=form.cleaned_data["reason"], now=request.now
        )

    return dialog_once(
        request, form, act, _("Undo the measure"), _("The measure is undone."), alert_url(alert_id)
    )


@staff_page(HANDLE)
def object_to(request: StaffRequest, alert_id: int, measure_id: int) -> HttpResponse:
    form = forms.ObjectForm(request.POST or None)

    def act() -> None:
        operations.raise_objection(
            actor=request.viewer, measure_id=measure_id, text=form.cleaned_data["text"], now=request.now
        )

    title = _("Write down an objection")
    return dialog_once(request, form, act, title, _("The objection is noted."), alert_url(alert_id))


@staff_page(HANDLE)
def answer(request: StaffRequest, alert_id: int, objection_id: int) -> HttpResponse:
    form = forms.AnswerForm(request.POST or None)

    def act() -> None:
        operations.answer_objection(
            actor=request.viewer, objection_id=objection_id, upheld=form.cleaned_data["upheld"] == "yes",
            answer=form.cleaned_data["answer"], now=request.now,
        )  # fmt: skip

    title = _("Answer the objection")
    return dialog_once(request, form, act, title, _("The objection is answered."), alert_url(alert_id))


@require_POST
@staff_page(HANDLE)
def end_exemption(request: StaffRequest, alert_id: int, exemption_id: int) -> HttpResponse:
    def act() -> None:
        operations.end_exemption(actor=request.viewer, exemption_id=exemption_id, now=request.now)

    return _at_once(request, alert_id, act, _("The detector tells of this subject again."))


# --- detectors -------------------------------------------------------------------------------------------------------


@staff_page(VIEW)
def detectors(request: StaffRequest) -> HttpResponse:
    program_id = loyalty.default_program_id() or 0
    context = {
        "detectors": queries.detectors(request.viewer),
        "limit": queries.second_person_points(program_id),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/oversight/detectors.html", context, section=SECTION)


@staff_page(EDIT)
def set_limit(request: StaffRequest) -> HttpResponse:
    program_id = loyalty.default_program_id()
    if program_id is None:
        raise NotFound
    form = forms.LimitForm(request.POST or None, initial={"points": queries.second_person_points(program_id)})

    def act() -> None:
        operations.set_second_person_limit(
            actor=request.viewer, program_id=program_id, points=form.cleaned_data["points"], now=request.now
        )

    url = reverse("console:risk_detectors")
    return dialog_once(request, form, act, _("When two are needed"), _("The limit is changed."), url)


@staff_page(VIEW)
def detector(request: StaffRequest, code: str) -> HttpResponse:
    """Its numbers, what other numbers would have found, and its versions."""
    found = queries.detector(request.viewer, code)
    may_edit = request.viewer.may(EDIT)
    form = forms.DetectorForm(request.POST or None, detector=found)
    preview = None
    if request.method == "POST" and form.is_valid():
        preview = queries.preview(request.viewer, code, form.params, now=request.now)
        if "publish" in request.POST and may_edit:
            try:
                _publish(request, code, form)
            except Problem as problem:
                add_problem(form, problem)
            else:
                return done(request, _("The new numbers are in force."), request.path)
    context = {"detector": found, "form": form, "preview": preview, "may_edit": may_edit}
    status = 422 if form.is_bound and form.errors else 200
    return page(request, "console/oversight/detector.html", context, section=SECTION, status=status)


def _publish(request: StaffRequest, code: str, form: forms.DetectorForm) -> None:
    operations.publish_detector(
        actor=request.viewer, program_id=loyalty.default_program_id() or 0, detector=code, params=form.params,
        is_on=form.cleaned_data["is_on"], note=form.cleaned_data["note"],
        replaces=form.cleaned_data["replaces"], now=request.now,
    )  # fmt: skip
