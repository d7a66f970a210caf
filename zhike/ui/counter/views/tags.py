"""What is worth knowing of the customer in front of us: a tag in two taps, or a few words."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from zhike.insight import operations
from zhike.kernel.errors import Problem
from zhike.ui.components import member_tags
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import staff_page
from zhike.ui.counter import presented
from zhike.ui.counter.forms import NoticeForm
from zhike.ui.counter.once import run_once
from zhike.ui.counter.page import page

GIVE = "tags.give"


@require_http_methods(["GET", "POST"])
@staff_page(GIVE)
def tags(request: Any, member_id: int) -> HttpResponse:
    """Every button is a tag; pressed, it is given. Their own words go to marketing."""
    file = presented.member_file(request, member_id)
    form = NoticeForm(sent(request), choices=member_tags.to_give(request.viewer, file.person.id))
    if request.method == "POST" and form.is_valid():
        try:
            run_once(
                request, form, f"tag:{member_id}", lambda: _note(request, form, file.person.id, member_id)
            )
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            messages.success(request, _("Noted."))
            return HttpResponseRedirect(reverse("counter:tags", args=[member_id]))
    context = {"form": form, "tags": member_tags.shown(file.person.id, {}), **presented.shown_as(file)}
    return page(request, "tags", context, status=422 if form.errors else 200)


def _note(request: Any, form: NoticeForm, person_id: int, member_id: int) -> dict[str, Any]:
    data = form.cleaned_data
    given: dict[str, Any] = {"actor": request.viewer, "person_id": person_id, "now": request.now}
    given["presented"] = presented.is_presented(request, member_id)
    if data.get("tag"):
        operations.mark_tag(**given, tag_id=data["tag"], is_on=True)
    if data.get("text"):
        operations.suggest_tag(**given, text=data["text"])
    return {}
