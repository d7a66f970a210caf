"""What every page of the console shares: the frame, the chosen mall, answers to forms and to htmx."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from zhike.kernel.errors import NotFound, Problem
from zhike.organization import queries
from zhike.organization.queries import MallRef
from zhike.ui.components.staff import StaffRequest
from zhike.ui.console.founding import is_unfinished
from zhike.ui.console.navigation import OPENED_COOKIE, home_url, menu_for

MALL_SESSION_KEY = "console_mall"


@dataclass(frozen=True)
class Malls:
    """The malls of a viewer and the one chosen in the top bar; None means all of them."""

    all: list[MallRef]
    chosen: MallRef | None

    @property
    def chosen_id(self) -> int | None:
        return self.chosen.id if self.chosen else None

    @property
    def choices(self) -> list[tuple[int, str]]:
        return [(mall.id, mall.name) for mall in self.all]


def malls_of(request: StaffRequest) -> Malls:
    """Read once a request. `?mall=` wins over the choice of the top bar; who sees one mall only is in it."""
    kept: Malls | None = getattr(request, "_malls", None)
    if kept is None:
        found = queries.malls(request.viewer, _anywhere(request))
        wanted = request.GET.get("mall", str(request.session.get(MALL_SESSION_KEY, "")))
        chosen = next((mall for mall in found if str(mall.id) == wanted), None)
        if chosen is None and len(found) == 1:
            chosen = found[0]
        kept = Malls(found, chosen)
        request._malls = kept  # type: ignore[attr-defined]
    return kept


def known_mall(request: StaffRequest) -> queries.MallRef:
    """The chosen mall, or the first. Raises NotFound without any."""
    malls = malls_of(request)
    found = malls.chosen or next(iter(malls.all), None)
    if found is None:
        raise NotFound
    return found


def _anywhere(request: StaffRequest) -> str:
    """The widest of the viewer's reading permissions, for the choice of malls."""
    wide = ("dashboard.view", "organization.view", "receipts.view", "members.lookup", "programme.view")
    return next((permission for permission in wide if request.viewer.may(permission)), wide[0])


def page(
    request: StaffRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    section: str = "",
    status: int = 200,
) -> HttpResponse:
    """A whole page in the console's frame."""
    return render(request, template, {**frame(request, section), **(context or {})}, status=status)


def fragment(
    request: StaffRequest, template: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """A piece of a page for htmx. It differs by the HX-Request header, which caches must know."""
    response = render(request, template, dict(context), status=status)
    response["Vary"] = "HX-Request"
    return response


def wants_fragment(request: StaffRequest) -> bool:
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def frame(request: StaffRequest, section: str) -> dict[str, Any]:
    """The variables of components/console_shell.html."""
    malls = malls_of(request)
    return {
        "viewer": request.viewer,
        "now": request.now,
        "founding_is_unfinished": section and is_unfinished(request),
        "navigation": menu_for(request.viewer, section, request.COOKIES.get(OPENED_COOKIE)),
        "home_url": home_url(request.viewer),
        "search_url": reverse("console:search"),
        "malls": _switcher(request, malls),
        "user_name": request.viewer.label,
        "user_links": [
            {"label": _("My account"), "url": reverse("console:account"), "icon": "user-round"},
        ],
        "logout_url": reverse("console:log_out"),
    }


def _switcher(request: StaffRequest, malls: Malls) -> list[dict[str, Any]]:
    if len(malls.all) < 2:
        return []
    back = {"next": request.path}
    entries: list[dict[str, Any]] = [{"id": 0, "label": _("All malls"), "active": malls.chosen is None}]
    entries += [{"id": mall.id, "label": mall.name, "active": mall == malls.chosen} for mall in malls.all]
    for entry in entries:
        entry["url"] = f"{reverse('console:choose_mall', args=[entry['id']])}?{urlencode(back)}"
    return entries


def permissions(request: StaffRequest, **wanted: str) -> dict[str, bool]:
    """Which buttons to show: permissions(request, adjust="points.adjust"). The operations decide anew."""
    return {name: request.viewer.may(permission) for name, permission in wanted.items()}


# --- answers ------------------------------------------------------------


def done(request: StaffRequest, sentence: str, url: str) -> HttpResponse:
    """After a successful POST: go to `url` and say what happened; htmx takes the whole window along."""
    messages.success(request, sentence)
    return go(request, url)


def refused(request: StaffRequest, problem: Problem, url: str) -> HttpResponse:
    """After a POST without a form that could show it: back to `url` with the refusal as a toast."""
    messages.error(request, problem.sentence)
    return go(request, url)


def go(request: StaffRequest, url: str) -> HttpResponse:
    """A redirect of the whole window, for htmx too."""
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


def add_problem(form: BaseForm, problem: Problem) -> None:
    """Show a refusal in the form: at the fields it names, otherwise on top."""
    placed = False
    for name, sentences in problem.fields.items():
        target = name if name in form.fields else None
        for sentence in sentences:
            form.add_error(target, sentence)
            placed = True
    if not placed:
        form.add_error(None, problem.sentence)


def carry_out(
    request: StaffRequest,
    form: BaseForm,
    act: Callable[[], Any],
    *,
    success: str | Callable[[], str],
    url: str,
    **dialog: Any,
) -> HttpResponse:
    """Show the form; when it is sent and valid, act, and go to `url`. Refusals appear in the form."""
    if request.method == "POST" and form.is_valid():
        try:
            act()
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, success() if callable(success) else success, url)
    context = {"form": form, "action": request.path, **dialog}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


def number_or_404(text: str | None) -> int:
    """An id out of an address or a form. Raises NotFound."""
    if not text or not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise NotFound
    return int(text)
