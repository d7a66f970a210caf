"""Two handlers in one program; `config.web` is the process that serves them.

Pages go through the whole of `MIDDLEWARE`. Tills and other machines call thousands of times a minute and need no
session, no cookies and no templates, so `/api/`, `/v1/` (collection), `/health/` and `/metrics` go through `API_MIDDLEWARE` only.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")

_pages = get_wsgi_application()

from zhike.config.translations import merge_catalogues  # noqa: E402  these need Django set up
from zhike.ui.api.handler import ApiHandler  # noqa: E402

API_PREFIXES = ("/api/", "/v1/", "/health/", "/metrics")
DOCS = "/api/docs"  # a page for people
api = ApiHandler()
merge_catalogues()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    handler = api if path.startswith(API_PREFIXES) and not path.startswith(DOCS) else _pages
    return handler(environ, start_response)
