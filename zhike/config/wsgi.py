"""The web process: two handlers in one program.

Pages go through the whole of `MIDDLEWARE`. Tills and other machines call thousands of times a minute and need no
session, no cookies and no templates, so `/api/`, `/v1/` (collection), `/health/` and `/metrics` go through `API_MIDDLEWARE` only.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from django.core.wsgi import get_wsgi_application

from zhike.config import environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")

_pages = get_wsgi_application()

from zhike.config.translations import merge_catalogues  # noqa: E402  these need Django set up
from zhike.ui.api.handler import ApiHandler  # noqa: E402

API_PREFIXES = ("/api/", "/v1/", "/health/", "/metrics")
DOCS = "/api/docs"  # a page for people
_api = ApiHandler()
merge_catalogues()


def _dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    handler = _api if path.startswith(API_PREFIXES) and not path.startswith(DOCS) else _pages
    return handler(environ, start_response)


def behind_proxies(application: WSGIApplication, addresses: Sequence[str]) -> WSGIApplication:
    """The same, but for requests that one of these proxies hands on, the caller's address counts, not the proxy's."""
    if not addresses:
        return application
    from granian.utils.proxies import wrap_wsgi_with_proxy_headers

    return cast("WSGIApplication", wrap_wsgi_with_proxy_headers(application, list(addresses)))


application = behind_proxies(_dispatch, environment.proxies())
