"""Keys for programs. The secret is shown once, in the answer to the form that made it, and kept nowhere."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.organization import queries
from zhike.organization.operations import api_keys as operations
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.staff import ApiKeyForm
from zhike.ui.console.labels import PERMISSIONS
from zhike.ui.console.pages import add_problem, done, page
from zhike.ui.console.places import place_choices, place_name, place_names

MANAGE = "apikeys.manage"


@staff_page(MANAGE)
def api_keys(request: StaffRequest) -> HttpResponse:
    names = place_names(request.viewer)
    rows = [
        {"key": key, "place": place_name(names, key.level, key.target_id)}
        for key in queries.api_keys(request.viewer)
    ]
    return page(
        request, "console/staff/api_keys.html", {"rows": rows, "docs_url": "/api/docs"}, section="api_keys"
    )


@staff_page(MANAGE)
def new_api_key(request: StaffRequest) -> HttpResponse:
    held = [code for code in PERMISSIONS if request.viewer.may(code)]
    form = ApiKeyForm(request.POST or None, places=place_choices(request.viewer, MANAGE), held=held)
    if request.method == "POST" and form.is_valid():
        level, target_id = form.level_and_target
        try:
            key, raw = operations.create_api_key(
                actor=request.viewer,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                level=level,
                target_id=target_id,
                rate_per_minute=form.cleaned_data["rate_per_minute"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            context = {"name": key.name, "raw": raw}
            return page(request, "console/staff/api_key_made.html", context, section="api_keys")
    return page(request, "console/staff/new_api_key.html", {"form": form}, section="api_keys")


@require_POST
@staff_page(MANAGE)
def revoke_api_key(request: StaffRequest, key_id: int) -> HttpResponse:
    operations.revoke_api_key(actor=request.viewer, key_id=key_id, now=request.now)
    return done(request, _("The key no longer works."), reverse("console:api_keys"))
