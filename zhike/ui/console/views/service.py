"""The service desk: queues, one ticket, and what can be done to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from zhike.customers import queries as customers
from zhike.kernel.errors import Invalid, NotFound, Problem
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.service import operations, queries
from zhike.ui.components import service as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import service as service_forms
from zhike.ui.console.once import OnceForm, run_once
from zhike.ui.console.pages import (
    add_problem,
    done,
    fragment,
    malls_of,
    number_or_404,
    page,
    permissions,
    refused,
    wants_fragment,
)

VIEW = "tickets.view"
OPEN = "tickets.open"
ANSWER = "tickets.answer"
HANDLE = "tickets.handle"
KNOWN_BY = ("phone", "card", "email", "plate")


class MemberUnknown(Invalid):
    code = "ticket-member-unknown"
    title = gettext_lazy("Nobody is known by this phone, card or e-mail.")


def ticket_url(number: str) -> str:
    return reverse("console:ticket", args=[number])


# --- queues --------------------------------------------------------------------------------------------------------


@staff_page(VIEW)
def desk(request: StaffRequest) -> HttpResponse:
    """Every queue with its count; the list refreshes itself."""
    context = _desk(request)
    if wants_fragment(request):
        return fragment(request, "console/service/_desk.html", context)
    group_id = organization.default_group().id
    context |= {
        "types": words.TYPES.items(),
        "severities": words.SEVERITIES.items(),
        "departments": queries.departments(group_id),
        "is_founded": queries.has_been_founded(group_id),
        "may": permissions(request, open=OPEN, handle=HANDLE, manage="tickets.manage"),
    }
    return page(request, "console/service/desk.html", context, section="service")


@staff_page(VIEW, keeps_alive=False)
def desk_live(request: StaffRequest) -> HttpResponse:
    """The same list, asked for every few seconds; it does not keep a desk open that was left."""
    return fragment(request, "console/service/_desk.html", _desk(request))


def _desk(request: StaffRequest) -> dict[str, Any]:
    queue = request.GET.get("queue", "open")
    queue = queue if queue in queries.QUEUES else "open"
    given = {name: request.GET.get(name, "") for name in ("type", "severity", "department", "merchant", "q")}
    mall_id = malls_of(request).chosen_id
    found = queries.tickets_page(
        request.viewer,
        queue=queue,
        mall_id=mall_id,
        type_=given["type"],
        severity=given["severity"],
        department_id=number_or_404(given["department"]) if given["department"] else None,
        merchant_id=number_or_404(given["merchant"]) if given["merchant"] else None,
        q=given["q"],
        cursor=request.GET.get("cursor"),
        now=request.now,
    )
    counts = queries.queue_counts(request.viewer, mall_id=mall_id, now=request.now)
    query = request.GET.copy()
    query.pop("cursor", None)
    tabs = []
    for code in queries.QUEUES:
        query["queue"] = code
        tabs.append(
            {
                "label": words.QUEUES[code],
                "url": f"{reverse('console:service')}?{query.urlencode()}",
                "active": code == queue,
                "badge": counts.get(code) or "",
            }
        )
    return {"page": found, "queue": queue, "tabs": tabs, "given": given, "now": request.now}


@staff_page(OPEN)
def new_ticket(request: StaffRequest) -> HttpResponse:
    """Somebody called, wrote or came: their words, and what it is about."""
    malls = malls_of(request)
    mall = malls.chosen or (malls.all[0] if malls.all else None)
    if mall is None:
        raise NotFound
    merchants = [(str(ref.id), ref.name) for ref in _merchants(request)]
    form = service_forms.TicketForm(
        request.POST or None,
        initial={"mall_id": mall.id, "known": request.GET.get("known", "")},
        malls=malls.choices,
        merchants=merchants,
        causes=queries.causes(organization.default_group().id),
    )
    if request.method == "POST" and form.is_valid():
        numbers: list[str] = []
        try:
            run_once(request, "ticket", form, lambda: numbers.append(_open(request, form)))
        except Problem as problem:
            add_problem(form, problem)
        else:
            url = ticket_url(numbers[0]) if numbers else reverse("console:service")
            return done(request, _("The ticket is open."), url)
    return page(
        request,
        "console/service/new.html",
        {"form": form},
        section="service",
        status=422 if form.is_bound else 200,
    )


def _merchants(request: StaffRequest) -> list[organization.MerchantRef]:
    return [
        ref
        for ref in organization.merchants(request.viewer, malls_of(request).chosen_id, OPEN)
        if ref.is_open
    ]


def _open(request: StaffRequest, form: service_forms.TicketForm) -> str:
    data = {name: value for name, value in form.cleaned_data.items() if name not in ("once", "known")}
    merchant = organization.merchant_ref(data["merchant_id"]) if data["merchant_id"] else None
    if merchant is not None:
        data["mall_id"] = merchant.mall_id
    return operations.open_ticket(
        actor=request.viewer,
        person_id=_person(form.cleaned_data["known"]),
        files=files_of(request),
        now=request.now,
        **data,
    )


def _person(text: str) -> int | None:
    if not text.strip():
        return None
    for kind in KNOWN_BY:
        person_id = customers.person_id_by(kind, text.strip())
        if person_id is not None:
            return person_id
    raise MemberUnknown(fields={"known": [MemberUnknown.title]})


def files_of(request: Any) -> list[operations.NewFile]:
    return [operations.NewFile(file.name or "", file.read()) for file in request.FILES.getlist("files")]


# --- one ticket ----------------------------------------------------------------------------------------------------


@staff_page(VIEW)
def ticket(request: StaffRequest, number: str) -> HttpResponse:
    """The conversation, every promise with its arithmetic, tasks, and what is known about the member."""
    return _page(request, number, service_forms.ReplyForm())


def _page(request: StaffRequest, number: str, form: forms.Form, status: int = 200) -> HttpResponse:
    shown = queries.ticket(request.viewer, number, request.now)
    member_id = loyalty.member_id_of_person(shown.row.person_id) if shown.row.person_id else None
    member = None
    if member_id is not None and request.viewer.may("members.view"):
        try:
            member = loyalty.member_file(request.viewer, member_id, request.now)
        except NotFound:
            member = None
    context = {
        "ticket": shown,
        "row": shown.row,
        "form": form,
        "tasks": queries.tasks_of(request.viewer, shown.row.id),
        "compensations": queries.compensations_of(request.viewer, number),
        "staff_id": request.staff_id,
        "member": member,
        "receipt": _receipt(request, shown),
        "sheet": queries.after_sale_of(request.viewer, number),
        "mall": organization.mall(shown.row.mall_id),
        "reading": queries.ticket_verbatim(request.viewer, shown.row.id),
        "is_live": shown.row.status not in ("resolved", "closed"),
        "may": permissions(request, handle=HANDLE, answer=ANSWER, approve="compensation.approve"),
    }
    return page(request, "console/service/ticket.html", context, section="service", status=status)


def _receipt(request: StaffRequest, shown: queries.TicketFile) -> Any:
    if shown.receipt_id is None or not request.viewer.may("receipts.view"):
        return None
    try:
        return sales.receipt(request.viewer, shown.receipt_id)
    except NotFound:
        return None


@staff_page(VIEW)
def ticket_file(request: StaffRequest, number: str, file_id: int) -> HttpResponse:
    return file_response(*queries.attachment(request.viewer, number, file_id, request.now))


def file_response(file: queries.FileView, content: bytes) -> HttpResponse:
    """As what it is; anything but pictures is offered for saving."""
    response = HttpResponse(content, content_type=file.content_type)
    response["X-Content-Type-Options"] = "nosniff"
    if not file.is_image:
        response["Content-Disposition"] = 'attachment; filename="file"'
    return response


@require_POST
@staff_page(HANDLE, ANSWER)
def reply(request: StaffRequest, number: str) -> HttpResponse:
    form = service_forms.ReplyForm(request.POST)
    if form.is_valid():
        data = {name: form.cleaned_data[name] for name in ("text", "wait")}
        data["audience"] = form.cleaned_data["audience"] or "member"
        try:
            run_once(
                request,
                f"reply:{number}",
                form,
                lambda: operations.answer_ticket(
                    actor=request.viewer, number=number, files=files_of(request), now=request.now, **data
                ),
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return HttpResponseRedirect(ticket_url(number) + "#last")
    return _page(request, number, form, status=422)


def _dialog(
    request: StaffRequest,
    number: str,
    form: OnceForm,
    what: str,
    act: Callable[[dict[str, Any]], Any],
    *,
    success: str,
    **dialog: Any,
) -> HttpResponse:
    """Show the form; when it is sent and valid, act once and go back to the ticket."""
    if request.method == "POST" and form.is_valid():
        data = {name: value for name, value in form.cleaned_data.items() if name != "once"}
        try:
            run_once(request, f"{what}:{number}", form, lambda: act(data))
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, success, ticket_url(number))
    context = {"form": form, "action": request.path, **dialog}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


@staff_page(HANDLE)
def assign(request: StaffRequest, number: str) -> HttpResponse:
    shown = queries.ticket(request.viewer, number, request.now)
    form = service_forms.AssignForm(
        request.POST or None,
        staff=[(str(pk), name) for pk, name in organization.staff_at(HANDLE, shown.row.mall_id)],
        departments=queries.departments(organization.default_group().id),
        initial={"staff_id": shown.row.assignee_id, "department_id": shown.department_id},
    )

    def act(data: dict[str, Any]) -> None:
        operations.assign_ticket(actor=request.viewer, number=number, now=request.now, **data)

    return _dialog(
        request,
        number,
        form,
        "assign",
        act,
        success=_("The ticket is handed over."),
        title=_("Hand over"),
        label=_("Hand over"),
    )


@require_POST
@staff_page(HANDLE)
def take(request: StaffRequest, number: str) -> HttpResponse:
    """It is mine now."""
    try:
        operations.assign_ticket(
            actor=request.viewer, number=number, staff_id=request.staff_id, now=request.now
        )
    except Problem as problem:
        return refused(request, problem, ticket_url(number))
    return done(request, _("The ticket is yours."), ticket_url(number))


@staff_page(HANDLE)
def classify(request: StaffRequest, number: str) -> HttpResponse:
    shown = queries.ticket(request.viewer, number, request.now)
    merchants = organization.merchants(request.viewer, shown.row.mall_id, HANDLE)
    form = service_forms.ClassifyForm(
        request.POST or None,
        merchants=[(str(ref.id), ref.name) for ref in merchants],
        causes=queries.causes(organization.default_group().id),
        initial={
            "type": shown.row.type,
            "severity": shown.row.severity,
            "merchant_id": shown.row.merchant_id,
            "cause_id": shown.cause_id,
        },
    )

    def act(data: dict[str, Any]) -> None:
        operations.classify_ticket(actor=request.viewer, number=number, now=request.now, **data)

    return _dialog(
        request, number, form, "classify", act, success=_("Saved."), title=_("What it is about"), wide=True
    )


@require_POST
@staff_page(HANDLE)
def hold(request: StaffRequest, number: str) -> HttpResponse:
    waits = request.POST.get("waits") == "yes"
    try:
        operations.hold_ticket(actor=request.viewer, number=number, waits=waits, now=request.now)
    except Problem as problem:
        return refused(request, problem, ticket_url(number))
    sentence = _("The time to solve stands still.") if waits else _("The time to solve runs on.")
    return done(request, sentence, ticket_url(number))


@staff_page(HANDLE)
def resolve(request: StaffRequest, number: str) -> HttpResponse:
    def act(data: dict[str, Any]) -> None:
        operations.resolve_ticket(actor=request.viewer, number=number, now=request.now, **data)

    form = service_forms.TextForm(request.POST or None)
    return _dialog(
        request,
        number,
        form,
        "resolve",
        act,
        success=_("Solved."),
        title=_("How it was solved"),
        label=_("Solved"),
    )


@staff_page(HANDLE)
def close(request: StaffRequest, number: str) -> HttpResponse:
    def act(data: dict[str, Any]) -> None:
        operations.close_ticket(actor=request.viewer, number=number, text=data["reason"], now=request.now)

    form = service_forms.ReasonForm(request.POST or None)
    return _dialog(
        request,
        number,
        form,
        "close",
        act,
        success=_("Closed."),
        title=_("Close the ticket"),
        label=_("Close"),
    )


@staff_page(HANDLE)
def reopen(request: StaffRequest, number: str) -> HttpResponse:
    def act(data: dict[str, Any]) -> None:
        operations.reopen_ticket(actor=request.viewer, number=number, now=request.now, **data)

    form = service_forms.TextForm(request.POST or None)
    return _dialog(
        request,
        number,
        form,
        "reopen",
        act,
        success=_("It is open again."),
        title=_("Take it up again"),
        label=_("Reopen"),
    )


@staff_page(HANDLE)
def merge(request: StaffRequest, number: str) -> HttpResponse:
    form = service_forms.MergeForm(request.POST or None)

    def act(data: dict[str, Any]) -> None:
        operations.merge_ticket(actor=request.viewer, number=number, now=request.now, **data)

    return _dialog(
        request,
        number,
        form,
        "merge",
        act,
        success=_("The two are one now."),
        title=_("Merge into another ticket"),
        label=_("Merge"),
    )


@staff_page(HANDLE)
def add_task(request: StaffRequest, number: str) -> HttpResponse:
    shown = queries.ticket(request.viewer, number, request.now)
    form = service_forms.TaskForm(
        request.POST or None,
        departments=queries.departments(organization.default_group().id),
        has_merchant=shown.row.merchant_id is not None,
    )

    def act(data: dict[str, Any]) -> None:
        for_merchant = data.pop("for_merchant", False)
        operations.add_task(
            actor=request.viewer,
            number=number,
            merchant_id=shown.row.merchant_id if for_merchant else None,
            now=request.now,
            **data,
        )

    return _dialog(
        request,
        number,
        form,
        "task",
        act,
        success=_("The task is given."),
        title=_("Give a part to others"),
        label=_("Give"),
    )


def zone_of(request: StaffRequest) -> ZoneInfo:
    mall = malls_of(request).chosen
    return ZoneInfo(mall.time_zone if mall else settings.TIME_ZONE)
