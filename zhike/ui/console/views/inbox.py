"""The inbox: the list, one conversation with what is known about its member, and what its script asks and tells."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.service import operations, queries
from zhike.ui.components import chat as shapes
from zhike.ui.components import service as words
from zhike.ui.components.formatting import grouped
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import inbox as inbox_forms
from zhike.ui.console.once import OnceForm, run_once
from zhike.ui.console.pages import (
    add_problem,
    done,
    fragment,
    malls_of,
    page,
    permissions,
    refused,
)

VIEW = "tickets.view"
HANDLE = "tickets.handle"
EARLIER = 5


def conversation_url(number: str) -> str:
    return reverse("console:conversation", args=[number])


# --- the list ------------------------------------------------------------------------------------------------------


@staff_page(VIEW)
def inbox(request: StaffRequest) -> HttpResponse:
    """The list, and beside it the place for a conversation."""
    return _page(request, {"file": None})


@staff_page(VIEW, keeps_alive=False)
def inbox_list(request: StaffRequest) -> HttpResponse:
    """The list again; it does not keep a desk open that was left."""
    return fragment(request, "console/inbox/_list.html", _list(request, request.GET.get("current", "")))


def _page(request: StaffRequest, context: dict[str, Any]) -> HttpResponse:
    file: queries.ConversationFile | None = context["file"]
    may = permissions(request, handle=HANDLE, manage="tickets.manage")
    context |= _list(request, file.row.number if file else "")
    context |= {
        "may": may,
        "words": shapes.sentences(),
        "stream": shapes.stream_address(request),
        "seat": queries.seat(request.viewer, request.now) if may["handle"] else None,
        "states": words.SEATS.items(),
    }
    return shapes.allow_stream(request, page(request, "console/inbox/inbox.html", context, section="inbox"))


def _list(request: StaffRequest, current: str) -> dict[str, Any]:
    queue = request.GET.get("queue", "")
    mall_id = malls_of(request).chosen_id
    counts = queries.inbox_counts(request.viewer, mall_id)
    if queue not in queries.INBOX_QUEUES:
        queue = "mine" if counts["mine"] else "queued" if counts["queued"] else "all"
    found = queries.inbox_page(
        request.viewer, queue=queue, mall_id=mall_id, cursor=request.GET.get("cursor") or None
    )
    tabs = [
        {
            "code": code,
            "label": words.INBOX_QUEUES[code],
            "active": code == queue,
            "badge": counts.get(code) or "",
        }
        for code in queries.INBOX_QUEUES
    ]
    return {
        "page": found,
        "queue": queue,
        "tabs": tabs,
        "current": current,
        "mentions": queries.unseen_mentions(request.viewer, 5),
    }


@staff_page(VIEW, keeps_alive=False)
def stream_pass(request: StaffRequest) -> HttpResponse:
    """For the list's own stream."""
    malls = tuple(ref.id for ref in organization.malls(request.viewer, VIEW))
    return JsonResponse({"pass": shapes.make_pass(shapes.Pass("staff", 0, malls, request.staff_id))})


@require_POST
@staff_page(HANDLE)
def seat_state(request: StaffRequest) -> HttpResponse:
    back = request.POST.get("next", "")
    url = conversation_url(back) if back else reverse("console:inbox")
    try:
        operations.set_seat_state(actor=request.viewer, state=request.POST.get("state", ""), now=request.now)
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, _("Saved."), url)


@require_POST
@staff_page(HANDLE, keeps_alive=False)
def seat_here(request: StaffRequest) -> HttpResponse:
    """The inbox is open on a screen."""
    operations.keep_seat(actor=request.viewer, now=request.now)
    return HttpResponse(status=204)


# --- one conversation ----------------------------------------------------------------------------------------------


@staff_page(VIEW)
def conversation(request: StaffRequest, number: str) -> HttpResponse:
    return _page(request, _one(request, number))


@staff_page(VIEW, keeps_alive=False)
def conversation_parts(request: StaffRequest, number: str) -> HttpResponse:
    """The head and the side again, after something changed."""
    context = _one(request, number)
    context["may"] = permissions(request, handle=HANDLE, manage="tickets.manage")
    return fragment(request, "console/inbox/_parts.html", context)


def _one(request: StaffRequest, number: str) -> dict[str, Any]:
    """The conversation, and who its member is."""
    found = queries.conversation(request.viewer, number, request.now)
    if queries.reader_of(request.viewer, queries.visible_conversation(request.viewer, number)) != "staff":
        raise NotFound
    member = _member(request, found.row.person_id)
    context: dict[str, Any] = {
        "file": found,
        "other": queries.other_end(request.viewer, number, request.now),
        "repeatable": ("failed", "unsure", "bounced"),
        "row": found.row,
        "is_live": found.row.status != "closed",
        "guesses": [
            queries.intent_set()[code].title
            for code, _share in found.handover.get("guesses", ())
            if code in queries.intent_set()
        ],
        "member": member,
        "mall": organization.mall(found.row.mall_id),
        "receipts": _receipts(request, found.row.person_id),
        "tickets": queries.tickets_page(
            request.viewer, person_id=found.row.person_id, limit=EARLIER, now=request.now
        ).items,
        "earlier": [
            one
            for one in queries.inbox_page(
                request.viewer, queue="all", person_id=found.row.person_id, limit=EARLIER
            ).items
            if one.id != found.row.id
        ],
    }
    if request.viewer.may(HANDLE):
        context["phrases"] = _phrases(request, context)
        context["suggestions"] = _suggestions(request, found.row.number, context["mall"].group_id)
    return context


def _member(request: StaffRequest, person_id: int) -> loyalty.MemberFile | None:
    member_id = loyalty.member_id_of_person(person_id)
    if member_id is None or not request.viewer.may("members.view"):
        return None
    try:
        return loyalty.member_file(request.viewer, member_id, request.now)
    except NotFound:
        return None


def _receipts(request: StaffRequest, person_id: int) -> list[Any]:
    if not request.viewer.may("receipts.view"):
        return []
    return list(sales.receipts_of_person(person_id, limit=3).items)


def _suggestions(request: StaffRequest, number: str, group_id: int) -> list[queries.ArticleView]:
    """Articles that fit what the member asked last."""
    row = queries.visible_conversation(request.viewer, number)
    said = [
        one.text
        for one in queries.messages_of(request.viewer, row)
        if one.author_kind == "member" and one.text
    ]
    return queries.search_articles(request.viewer, group_id, said[-1], limit=3) if said else []


def _phrases(request: StaffRequest, context: dict[str, Any]) -> list[dict[str, Any]]:
    """Each with its gaps filled for this member."""
    member: loyalty.MemberFile | None = context["member"]
    values = {"agent": request.viewer.label, "mall": context["mall"].name}
    values["member"] = context["row"].person_name
    if member is not None:
        values |= {"tier": member.tier.name, "points": grouped(member.balance)}
    return [
        {
            "id": one.id,
            "code": one.code,
            "title": one.title,
            "text": queries.fill(one.text, values),
        }
        for one in queries.phrases(request.viewer, context["mall"].group_id)
    ]


# --- what the script asks and tells --------------------------------------------------------------------------------


@staff_page(VIEW, keeps_alive=False)
def news(request: StaffRequest, number: str) -> HttpResponse:
    return JsonResponse(_news(request, number, request.GET.get("after", "0")))


def _news(request: StaffRequest, number: str, after: str) -> dict[str, Any]:
    row = queries.visible_conversation(request.viewer, number)
    known = int(after) if after.isdecimal() and len(after) < 10 else 0
    return {
        "state": shapes.state_data(queries.conversation_file(request.viewer, row, request.now)),
        "messages": [
            shapes.message_data(one) for one in queries.messages_of(request.viewer, row, after=known)
        ],
        "pass": shapes.make_pass(shapes.Pass(queries.reader_of(request.viewer, row), row.pk)),
    }


@require_POST
@staff_page(HANDLE)
def send(request: StaffRequest, number: str) -> HttpResponse:
    """An answer or a note under the key its writer made."""
    phrase = request.POST.get("phrase", "")
    try:
        operations.write_as_staff(
            actor=request.viewer,
            number=number,
            text=request.POST.get("text", ""),
            key=_key(request.POST.get("key", "")),
            audience="staff" if request.POST.get("audience") == "staff" else "member",
            files=[operations.NewFile(one.name or "", one.read()) for one in request.FILES.getlist("files")],
            phrase_id=int(phrase) if phrase.isdecimal() and len(phrase) < 10 else None,
            now=request.now,
        )
    except Problem as problem:
        return JsonResponse(shapes.refusal(problem), status=problem.status)
    return JsonResponse(_news(request, number, request.POST.get("after", "0")))


def _key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@require_POST
@staff_page(HANDLE, keeps_alive=False)
def typing(request: StaffRequest, number: str) -> HttpResponse:
    operations.tell_typing(actor=request.viewer, number=number, now=request.now)
    operations.show_typing(actor=request.viewer, number=number, now=request.now)
    return HttpResponse(status=204)


@require_POST
@staff_page(HANDLE, keeps_alive=False)
def seen(request: StaffRequest, number: str) -> HttpResponse:
    read = request.POST.get("read", "")
    reached = int(read) if read.isdecimal() and len(read) < 10 else 0
    operations.mark_seen(actor=request.viewer, number=number, read=reached, now=request.now)
    return HttpResponse(status=204)


@require_POST
@staff_page(HANDLE, keeps_alive=False)
def looking(request: StaffRequest, number: str) -> HttpResponse:
    is_open = request.POST.get("open") != "no"
    operations.keep_looking(actor=request.viewer, number=number, is_open=is_open, now=request.now)
    return HttpResponse(status=204)


@staff_page(VIEW)
def file(request: StaffRequest, number: str, file_id: int) -> HttpResponse:
    return shapes.file_answer(*queries.message_file(request.viewer, number, file_id))


# --- what can be done to it ----------------------------------------------------------------------------------------


@require_POST
@staff_page(HANDLE)
def take(request: StaffRequest, number: str) -> HttpResponse:
    return _at_once(
        request,
        number,
        _("The conversation is yours."),
        lambda: operations.take_conversation(actor=request.viewer, number=number, now=request.now),
    )


@require_POST
@staff_page(HANDLE)
def close(request: StaffRequest, number: str) -> HttpResponse:
    return _at_once(
        request,
        number,
        _("The conversation is closed."),
        lambda: operations.close_conversation(actor=request.viewer, number=number, now=request.now),
    )


def _at_once(request: StaffRequest, number: str, sentence: str, act: Callable[[], object]) -> HttpResponse:
    try:
        act()
    except Problem as problem:
        return refused(request, problem, conversation_url(number))
    return done(request, sentence, conversation_url(number))


@staff_page(HANDLE)
def transfer(request: StaffRequest, number: str) -> HttpResponse:
    found = queries.conversation(request.viewer, number, request.now)
    seats = queries.seats(found.row.mall_id, request.now)
    form = inbox_forms.TransferForm(
        request.POST or None,
        staff=[(str(one.staff_id), _seat_label(one)) for one in seats if one.staff_id != request.staff_id],
    )

    def act(data: dict[str, Any]) -> None:
        operations.transfer_conversation(actor=request.viewer, number=number, now=request.now, **data)

    return in_dialog(
        request,
        form,
        f"transfer:{number}",
        act,
        conversation_url(number),
        title=_("Hand over"),
        label=_("Hand over"),
    )


def _seat_label(one: queries.AgentView) -> str:
    state = words.SEATS[one.state] if one.is_there or one.state != "available" else words.SEATS["away"]
    return f"{one.name} ({state}, {one.load}/{one.places})"


@staff_page(HANDLE)
def snooze(request: StaffRequest, number: str) -> HttpResponse:
    form = inbox_forms.SnoozeForm(request.POST or None)

    def act(data: dict[str, Any]) -> None:
        operations.snooze_conversation(
            actor=request.viewer, number=number, until=form.until(request.now), now=request.now
        )

    return in_dialog(request, form, f"snooze:{number}", act, conversation_url(number), title=_("Snooze"))


@staff_page(HANDLE)
def to_ticket(request: StaffRequest, number: str) -> HttpResponse:
    """A ticket with the member's words in it already: one click more and it is open."""
    found = queries.conversation(request.viewer, number, request.now)
    row = queries.visible_conversation(request.viewer, number)
    said = [one.text for one in queries.messages_of(request.viewer, row) if one.author_kind == "member"]
    merchants = organization.merchants(request.viewer, found.row.mall_id, HANDLE)
    form = inbox_forms.ChatTicketForm(
        request.POST or None,
        merchants=[(str(ref.id), ref.name) for ref in merchants],
        initial={
            "type": "complaint" if found.row.skill == "complaints" else "question",
            "text": "\n".join(text for text in said if text)[:4_000],
            "close": True,
        },
    )

    def act(data: dict[str, Any]) -> None:
        operations.ticket_of_conversation(actor=request.viewer, number=number, now=request.now, **data)

    return in_dialog(
        request,
        form,
        f"ticket:{number}",
        act,
        conversation_url(number),
        title=_("Make it a ticket"),
        label=_("Open the ticket"),
        wide=True,
    )


def in_dialog(
    request: StaffRequest,
    form: OnceForm,
    what: str,
    act: Callable[[dict[str, Any]], Any],
    url: str,
    **dialog: Any,
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        data = {name: value for name, value in form.cleaned_data.items() if name != "once"}
        try:
            run_once(request, what, form, lambda: act(data))
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Done."), url)
    context = {"form": form, "action": request.path, **dialog}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


# --- seats and phrases ---------------------------------------------------------------------------------------------


@staff_page(HANDLE)
def setup(request: StaffRequest) -> HttpResponse:
    """Who answers what, and the phrases everybody uses."""
    malls = malls_of(request)
    chosen = malls.chosen or (malls.all[0] if malls.all else None)
    context = {
        "seats": queries.seats(chosen.id, request.now) if chosen else [],
        "phrases": queries.phrases(request.viewer, organization.default_group().id),
        "may": permissions(request, manage="tickets.manage"),
        "skill_names": words.SKILLS,
    }
    return page(request, "console/inbox/setup.html", context, section="inbox")


@staff_page("tickets.manage")
def seat(request: StaffRequest, staff_id: int) -> HttpResponseBase:
    who = organization.staff_member(staff_id)
    seats = {one.staff_id: one for ref in malls_of(request).all for one in queries.seats(ref.id, request.now)}
    if staff_id not in seats:
        raise NotFound
    form = inbox_forms.SeatForm(
        request.POST or None,
        initial={"skills": list(seats[staff_id].skills), "places": seats[staff_id].places},
    )

    def act(data: dict[str, Any]) -> None:
        operations.set_seat(actor=request.viewer, staff_id=staff_id, now=request.now, **data)

    return in_dialog(request, form, f"seat:{staff_id}", act, reverse("console:inbox_setup"), title=who.name)


@staff_page(HANDLE)
def phrase(request: StaffRequest) -> HttpResponse:
    """A new one, or the one with this code."""
    group_id = organization.default_group().id
    code = request.GET.get("code", "")
    known = next((one for one in queries.phrases(request.viewer, group_id) if one.code == code), None)
    initial = {"code": known.code, "title": known.title, "text": known.text} if known else {}
    form = inbox_forms.PhraseForm(request.POST or None, initial=initial)

    def act(data: dict[str, Any]) -> None:
        operations.save_phrase(actor=request.viewer, group_id=group_id, now=request.now, **data)

    return in_dialog(
        request, form, "phrase", act, reverse("console:inbox_setup"), title=_("Phrase"), wide=True
    )


@require_POST
@staff_page(HANDLE)
def drop_phrase(request: StaffRequest, phrase_id: int) -> HttpResponse:
    url = reverse("console:inbox_setup")
    try:
        operations.drop_phrase(actor=request.viewer, phrase_id=phrase_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, _("Removed."), url)
