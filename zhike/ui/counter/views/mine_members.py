"""Members of one's own: found in one box, known at a glance; what was heard and said is written down here."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.clienteling import operations, queries
from zhike.insight import queries as insight
from zhike.loyalty import queries as loyalty
from zhike.messaging import queries as messaging
from zhike.offers import queries as offers
from zhike.sales import queries as sales
from zhike.service import queries as service
from zhike.ui.components import care as words
from zhike.ui.components import member_tags
from zhike.ui.components.sending import sent
from zhike.ui.components.service import STATUSES
from zhike.ui.components.staff import staff_page
from zhike.ui.components.stages import STAGE_TONES, STAGES
from zhike.ui.counter import care_forms as forms
from zhike.ui.counter.page import page
from zhike.ui.counter.views.mine import VIEW, WORK, carried_out, nav, shown, ways_shown

FEW = 4


@require_safe
@staff_page(VIEW)
def members(request: Any) -> HttpResponse:
    """Everybody one looks after, newest first."""
    found = loyalty.members_page(request.viewer, cursor=request.GET.get("cursor"), limit=30)
    context = {"nav": nav("mine_members"), "form": forms.SearchForm(), "page": found, "rows": found.items}
    return page(request, "mine/members", context)


@require_POST
@staff_page(VIEW)
def find(request: Any) -> HttpResponse:
    """By POST, so that numbers stand in no address. Who is sure is opened at once: one request, one tap saved."""
    form = forms.SearchForm(request.POST)
    found = queries.find_member(request.viewer, form.cleaned_data["q"]) if form.is_valid() else None
    if found is not None and len(found.rows) == 1:
        return HttpResponseRedirect(reverse("counter:mine_member", args=[found.rows[0].member_id]))
    rows = found.rows if found else ()
    context = {
        "nav": nav("mine_members"), "form": form, "rows": rows, "asked": True, "elsewhere": bool(found and found.elsewhere),
    }  # fmt: skip
    return page(request, "mine/members", context, status=422 if form.errors else 200)


@require_safe
@staff_page(VIEW)
def member(request: Any, member_id: int) -> HttpResponse:
    """Who it is, what they like, what is open, and what to do next."""
    viewer = request.viewer
    file = loyalty.member_file(viewer, member_id, request.now)
    person_id = file.person.id
    standing = insight.standing_of(file.member_id)
    coupons = [one for one in offers.member_coupons(viewer, member_id, request.now) if one.state == "usable"]
    follow_ups = queries.follow_ups_of(viewer, person_id, request.now)
    for_service = any(one.is_service and one.state == "open" for one in follow_ups)
    ways = queries.ways(viewer, person_id, request.now, for_service=for_service)
    context = {
        "file": file,
        "member_id": file.member_id,
        "phone": file.person.active("phone"),
        "birthday": file.person.lunar_birthday or file.person.masked_birthday,
        "activity": loyalty.activity_of(file.member_id),
        "favourites": sales.favourite_merchants(person_id),
        "receipts": sales.receipts_of_person(person_id, limit=FEW).items,
        "stage": STAGES.get(standing.stage, "") if standing else "",
        "stage_tone": STAGE_TONES.get(standing.stage, "") if standing else "",
        "tags": member_tags.shown(person_id, {})["on"],
        "tickets": _tickets(request, person_id),
        "coupons": coupons[:FEW],
        "follow_ups": [shown(one) for one in follow_ups if one.state == "open"],
        "ways": ways_shown(ways),
        "call": next(way for way in ways if way.channel == "call"),
        "call_form": forms.CallForm(),
        "history": _history(request, person_id),
        "may_work": viewer.may(WORK),
        "wecom": messaging.contacts_of_person(viewer, person_id, VIEW),
    }
    return page(request, "mine/member", context)


def _tickets(request: Any, person_id: int) -> list[dict[str, Any]]:
    if not request.viewer.may("tickets.view"):
        return []
    rows = service.tickets_page(request.viewer, now=request.now, person_id=person_id, limit=FEW).items
    return [{"row": row, "status": STATUSES[row.status]} for row in rows if row.status != "closed"]


def _history(request: Any, person_id: int) -> list[dict[str, Any]]:
    """Notes and contacts together, newest first."""
    notes = [
        {"at": one.written_at, "note": one, "token": forms.DecideForm()}
        for one in queries.notes_of(request.viewer, person_id)
    ]
    contacts = [
        {
            "at": one.happened_at,
            "contact": one,
            "title": words.CHANNELS[one.channel],
            "result": words.RESULTS[one.result],
            "icon": words.CHANNEL_ICONS[one.channel],
        }
        for one in queries.contacts_of(request.viewer, person_id)
    ]
    return sorted([*notes, *contacts], key=lambda one: one["at"], reverse=True)


@require_http_methods(["GET", "POST"])
@staff_page(WORK)
def note(request: Any, member_id: int) -> HttpResponse:
    """What was heard; tags are only proposed."""
    file = loyalty.member_file(request.viewer, member_id, request.now)
    form = forms.CareNoteForm(sent(request))

    def act(data: dict[str, Any]) -> None:
        source = "voice" if data["is_voice"] else "typed"
        operations.write_note(
            actor=request.viewer, person_id=file.person.id, text=data["text"], source=source, now=request.now
        )

    if request.method == "POST" and form.is_valid() and carried_out(request, form, f"note:{member_id}", act):
        newest = queries.notes_of(request.viewer, file.person.id, 1)
        count = len(newest[0].proposals) if newest else 0
        said = ngettext(
            "%(count)s tag is proposed: does it fit?", "%(count)s tags are proposed: do they fit?", count
        )
        messages.success(request, said % {"count": count} if count else _("The note is kept."))
        return HttpResponseRedirect(reverse("counter:mine_member", args=[member_id]) + "#history")
    context = {"form": form, "file": file, "member_id": member_id}
    return page(request, "mine/note", context, status=422 if form.errors else 200)


@require_POST
@staff_page(WORK)
def decide(request: Any, member_id: int, proposal_id: int) -> HttpResponse:
    """A person says whether a proposed tag fits."""
    loyalty.member_place(request.viewer, member_id)
    form = forms.DecideForm(request.POST)

    def act(data: dict[str, Any]) -> None:
        operations.decide_proposal(
            actor=request.viewer, proposal_id=proposal_id, is_right=data["is_right"], now=request.now
        )

    if not form.is_valid() or not carried_out(request, form, f"proposal:{proposal_id}", act):
        for sentence in form.non_field_errors():
            messages.error(request, str(sentence))
    return HttpResponseRedirect(reverse("counter:mine_member", args=[member_id]) + "#history")


@require_http_methods(["GET", "POST"])
@staff_page(WORK)
def contact(request: Any, member_id: int) -> HttpResponse:
    """A call, a message or a talk that took place."""
    file = loyalty.member_file(request.viewer, member_id, request.now)
    form = forms.ContactForm(sent(request))

    def act(data: dict[str, Any]) -> None:
        operations.record_contact(actor=request.viewer, person_id=file.person.id, now=request.now, **data)

    if (
        request.method == "POST"
        and form.is_valid()
        and carried_out(request, form, f"contact:{member_id}", act)
    ):
        messages.success(request, _("Written down."))
        return HttpResponseRedirect(reverse("counter:mine_member", args=[member_id]))
    ways = queries.ways(request.viewer, file.person.id, request.now)
    context = {"form": form, "file": file, "member_id": member_id, "ways": ways_shown(ways)}
    return page(request, "mine/contact", context, status=422 if form.errors else 200)
