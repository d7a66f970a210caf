"""Pages that belong to no area: preferences, error pages, the gallery of components."""

from __future__ import annotations

import logging

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from zhike.ui.components import gallery as samples
from zhike.ui.components.context import THEME_COOKIE, THEMES

log = logging.getLogger(__name__)
YEAR = 365 * 86400

HEADINGS = {
    400: _("This request makes no sense to us"),
    403: _("You may not open this"),
    404: _("There is nothing here"),
    409: _("Something changed in the meantime"),
    422: _("This cannot be carried out"),
    429: _("Too many requests"),
    500: _("Something went wrong on our side"),
}


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Light, dark or auto, kept in a cookie for a year."""
    theme = request.POST.get("theme", "auto")
    response = HttpResponseRedirect(_next(request))
    value = theme if theme in THEMES else "auto"
    # Not HttpOnly: the theme switch writes the same cookie, so that no page needs to reload.
    response.set_cookie(THEME_COOKIE, value, max_age=YEAR, samesite="Lax", secure=request.is_secure())
    return response


def _next(request: HttpRequest) -> str:
    target = request.POST.get("next", "/")
    is_safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_safe else "/"


def problem_page(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    """A refusal as a whole page, with the way back into the area it happened in."""
    heading = HEADINGS.get(status) or HEADINGS[500 if status >= 500 else 400]
    area = request.path.split("/", 2)[1]
    home_url = f"/{area}/" if area in ("console", "counter", "m") else "/"
    context = {"status": status, "heading": heading, "sentence": sentence, "home_url": home_url}
    return render(request, "components/problem.html", context, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    del exception
    return problem_page(request, 400, gettext("Go back, check what you entered and try again."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    del exception
    sentence = gettext("Your role does not include this page. Ask an administrator if you need it.")
    return problem_page(request, 403, sentence)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    del exception
    return problem_page(request, 404, gettext("The address is wrong, or what was here has moved."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Must work when nothing else does."""
    try:
        return problem_page(request, 500, gettext("We have noted it. Please try again in a moment."))
    except Exception:
        log.exception("The error page itself failed.")
        return HttpResponse("<!doctype html><title>500</title><h1>500</h1>", status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    log.warning("CSRF check failed: %s", reason)
    sentence = gettext("The page was open for too long, or cookies are blocked. Reload it and send again.")
    return problem_page(request, 403, sentence)


def gallery(request: HttpRequest, frame: str) -> HttpResponse:
    """Every component with sample text, in each frame; for developers only."""
    if not settings.GALLERY:
        raise Http404
    return render(request, f"components/gallery/{frame}.html", samples.context(request))
