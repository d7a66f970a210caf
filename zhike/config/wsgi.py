"""The web process: two handlers in one program.

Pages go through the whole of `MIDDLEWARE`. Tills and other machines call thousands of times a minute and need no
session, no cookies and no templates, so `/api/`, `/health/` and `/metrics` go through `API_MIDDLEWARE` only.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")

API_PREFIXES = ("/api/", "/health/", "/metrics")


class ApiHandler(WSGIHandler):
    """Django's handler with the short list of middleware."""

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware = []
        self._template_response_middleware = []
        self._exception_middleware = []
        handler = convert_exception_to_response(self._get_response)
        for path in reversed(settings.API_MIDDLEWARE):
            handler = convert_exception_to_response(import_string(path)(handler))
        self._middleware_chain = handler


_pages = get_wsgi_application()
_api = ApiHandler()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    handler = _api if environ["PATH_INFO"].startswith(API_PREFIXES) else _pages
    return handler(environ, start_response)
