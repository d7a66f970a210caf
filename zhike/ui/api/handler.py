"""The way of a request through the API: named, in the caller's language, and answered whatever happens.

Django's own handler would log every refused call and send it through the page middleware. This one keeps the URL
resolver, the request and the response, and answers exceptions as problem+json.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import lru_cache
from http.client import responses as reasons
from typing import Any, Protocol

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpResponseNotAllowed
from django.urls import ResolverMatch, get_resolver
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation.trans_real import get_supported_language_variant, parse_accept_lang_header

from zhike.kernel import ids
from zhike.kernel.access import Viewer
from zhike.kernel.connections import drop_broken_connection, keep_connection
from zhike.kernel.ratelimit import Decision
from zhike.ui.api import metrics
from zhike.ui.api.problems import MethodNotAllowed, problem_of, problem_response

URLS = "zhike.ui.api.urls"
BODILESS = (204, 304)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,64}", re.ASCII)


class ApiRequest(WSGIRequest):
    """A request with a name, and once it passed the gate, with a caller. It is never mounted below a script's name."""

    def __init__(self, environ: Any) -> None:
        self.environ = self.META = environ
        self.path = self.path_info = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace") or "/"
        self.method = environ["REQUEST_METHOD"].upper()
        self.resolver_match = None

    request_id: str = ""
    route: str = "unknown"
    viewer: Viewer
    key_id: int
    allowance: Decision | None = None
    rate_per_minute: int = 0
    payload: bytes | None = None


class Response(Protocol):
    """What Django's responses and our lighter one have in common."""

    status_code: int
    headers: Any
    content: bytes


Answer = Callable[[ApiRequest], Response]


class ApiHandler(WSGIHandler):
    """Django's handler with the short list of middleware, and no exception unanswered."""

    def load_middleware(self, is_async: bool = False) -> None:
        handler: Answer = self.answer
        for path in reversed(settings.API_MIDDLEWARE):
            handler = import_string(path)(handler)
        self._middleware_chain = handler

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:  # type: ignore[override]
        """A list of one part, so that the server knows the length and need not ask for more.

        Django's signals around a request are not sent: what they do for us, and more cheaply, is keep the connection.
        """
        drop_broken_connection()
        response = self._middleware_chain(ApiRequest(environ))
        status = response.status_code
        if status not in BODILESS:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        start_response(f"{status} {reasons.get(status, 'Unknown')}", list(response.headers.items()))
        keep_connection()
        return [response.content]

    def answer(self, request: ApiRequest) -> Response:
        started = time.perf_counter()
        meta = request.META
        given = meta.get("HTTP_X_REQUEST_ID")
        request.request_id = given if given and _REQUEST_ID.fullmatch(given) else ids.request_id()
        language = language_of(meta.get("HTTP_ACCEPT_LANGUAGE", ""))
        translation.activate(language)
        response = self._response_to(request)
        headers = response.headers
        headers["X-Request-ID"] = request.request_id
        headers["Content-Language"] = language
        headers.setdefault("Cache-Control", "no-store")
        if request.allowance is not None:
            headers["RateLimit-Limit"] = str(request.rate_per_minute)
            headers["RateLimit-Remaining"] = str(request.allowance.remaining)
            headers["RateLimit-Reset"] = str(60 - int(time.time()) % 60)
        metrics.observe(request, response.status_code, time.perf_counter() - started)
        return response

    def _response_to(self, request: ApiRequest) -> Response:
        try:
            match = resolve(request.path_info)
            request.route = match.route
            response: Response = match.func(request, *match.args, **match.kwargs)
        except Exception as error:
            return problem_response(request, problem_of(error))
        if isinstance(response, HttpResponseNotAllowed):
            allowed = [name.strip() for name in response["Allow"].split(",") if name.strip()]
            return problem_response(request, MethodNotAllowed(method=request.method, allowed=allowed))
        return response


@lru_cache(maxsize=1000)
def resolve(path: str) -> ResolverMatch:
    """Django's resolver, remembering: most calls go to few addresses. Raises Http404."""
    return get_resolver(URLS).resolve(path)


@lru_cache(maxsize=1000)
def language_of(accept_language: str) -> str:
    """The best of our languages for an Accept-Language header; the default without one."""
    for code, _weight in parse_accept_lang_header(accept_language[:200]):
        if code == "*":
            break
        try:
            return get_supported_language_variant(code)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE
