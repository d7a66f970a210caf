"""The ways in for customers besides our own app: opened, changed, looked into; and answers that did not arrive."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.messaging import queries as messaging
from zhike.organization import queries as organization
from zhike.service import operations, queries
from zhike.ui.components import service as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.lines import LineForm
from zhike.ui.console.forms.messaging import FIELD_PREFIX
from zhike.ui.console.pages import add_problem, done, page, permissions, refused
from zhike.ui.console.views.inbox import conversation_url

MANAGE = "tickets.manage"
HANDLE = "tickets.handle"


@staff_page(MANAGE)
def lines(request: StaffRequest) -> HttpResponse:
    known = queries.voices()
    rows = [
        {
            "line": one,
            "settings": [
                (field.label, one.settings.get(field.name, ""))
                for field in (known[one.channel].fields if one.channel in known else ())
                if not field.is_secret
            ],
            "secrets": [
                field.label
                for field in (known[one.channel].fields if one.channel in known else ())
                if field.name in one.kept_secrets
            ],
            "is_read": hasattr(known.get(one.channel), "listen"),
        }
        for one in queries.line_files(request.viewer, request.now)
    ]
    voices = [(code, words.CONVERSATION_CHANNELS[code]) for code in known]
    context = {"rows": rows, "voices": voices, "may": permissions(request, manage=MANAGE)}
    return page(request, "console/inbox/lines.html", context, section="lines")


@sensitive_post_parameters()
@staff_page(MANAGE)
def new_line(request: StaffRequest, channel: str) -> HttpResponse:
    return _edit(request, channel, None, {"name": words.CONVERSATION_CHANNELS.get(channel, "")})


@sensitive_post_parameters()
@staff_page(MANAGE)
def line(request: StaffRequest, line_id: int) -> HttpResponse:
    known = queries.line_file(request.viewer, line_id, request.now)
    names = ("name", "mall_id", "skill", "has_bot", "is_active", "account_id")
    initial: dict[str, Any] = {name: getattr(known, name) for name in names}
    initial |= {FIELD_PREFIX + name: value for name, value in known.settings.items()}
    return _edit(request, known.channel, known, initial)


def _edit(
    request: StaffRequest, channel: str, known: queries.LineFile | None, initial: dict[str, Any]
) -> HttpResponse:
    speaker = queries.voice(channel)
    form = LineForm(
        request.POST or None,
        channel=channel,
        malls=[(ref.id, ref.name) for ref in organization.malls(request.viewer, MANAGE)],
        accounts=messaging.accounts_of_vendor(speaker.vendor) if speaker.vendor else (),
        known=known,
        initial=initial,
    )
    if request.method == "POST" and form.is_valid():
        try:
            operations.save_line(
                actor=request.viewer,
                line_id=known.id if known else None,
                channel=channel,
                now=request.now,
                **form.data_of_line,
            )
        except Problem as problem:
            _add_faults(form, problem)
        else:
            return done(request, _("Saved."), reverse("console:lines"))
    context = {"form": form, "known": known, "name": words.CONVERSATION_CHANNELS[channel]}
    return page(request, "console/inbox/line_form.html", context, section="lines")


def _add_faults(form: LineForm, problem: Problem) -> None:
    """Faults of the vendor's fields at the names they have in the form."""
    if not problem.fields:
        add_problem(form, problem)
    for name, found in problem.fields.items():
        prefixed = FIELD_PREFIX + name
        form.add_error(prefixed if prefixed in form.fields else name, list(found))


@require_POST
@staff_page(MANAGE)
def check_line(request: StaffRequest, line_id: int) -> HttpResponse:
    url = reverse("console:lines")
    try:
        taken, fault = operations.check_line(actor=request.viewer, line_id=line_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, url)
    if fault:
        return done(request, _("It could not be read: %(fault)s") % {"fault": fault}, url)
    sentence = ngettext(
        "The connection works; %(count)s message came.",
        "The connection works; %(count)s messages came.",
        taken,
    )
    return done(request, sentence % {"count": taken}, url)


@require_POST
@staff_page(HANDLE)
def repeat(request: StaffRequest, number: str, message: int) -> HttpResponse:
    url = conversation_url(number)
    try:
        operations.repeat_answer(actor=request.viewer, number=number, message=message, now=request.now)
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, _("It is sent once more."), url)
