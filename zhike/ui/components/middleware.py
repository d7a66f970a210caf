"""Headers of every answer, and refusals as pages or toasts."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect, reswap, trigger_client_event

from zhike.kernel.errors import Problem, TooMany
from zhike.ui.components import views

Answer = Callable[[HttpRequest], HttpResponseBase]

_POLICY = (
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)
CONTENT_SECURITY_POLICY = "; ".join(_POLICY)
PERMISSIONS_POLICY = "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"


class SecurityHeadersMiddleware:
    """Strict headers; a view that sets one itself keeps its own."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        headers = response.headers
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        return response


class ProblemMiddleware:
    """Turns a `Problem` into a page, or a toast when htmx asked; carries messages and log-in redirects over htmx."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not _is_htmx(request) or not isinstance(response, HttpResponse):
            return response
        location = response.headers.get("Location", "")
        if response.status_code == 302 and urlsplit(location).path.endswith("/login/"):
            return HttpResponseClientRedirect(location)
        return response if location else _with_messages(request, response)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Problem):
            return None
        if _is_htmx(request):
            response = reswap(HttpResponse(status=exception.status), "none")
            tone = "warning" if exception.status < 500 else "error"
            trigger_client_event(response, "toast", {"items": [{"text": exception.sentence, "tone": tone}]})
        else:
            response = views.problem_page(request, exception.status, exception.sentence)
        if isinstance(exception, TooMany):
            response["Retry-After"] = str(exception.retry_after)
        return response


def _is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False)) and not request.htmx.boosted  # type: ignore[attr-defined]


def _with_messages(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Messages that a fragment's view added become toasts: the fragment has no place to show them."""
    if '"toast"' in response.headers.get("HX-Trigger", "") or "HX-Redirect" in response.headers:
        return response
    items = [{"text": str(message), "tone": message.level_tag} for message in get_messages(request)]
    return trigger_client_event(response, "toast", {"items": items}) if items else response
