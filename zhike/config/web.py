"""The web process: the busiest calls of tills go through the lane, everything else has a thread of its own.

Pages and the rest of the API are WSGI (`config.wsgi`), in `ZHIKE_THREADS` threads of each process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zhike.config import environment, wsgi
from zhike.config.threaded import Threaded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from zhike.ui.api.lane import Receive, Scope, Send

    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

from zhike.ui.api import urls
from zhike.ui.api.lane import TillLane

THREADS = 32

_in_lane = TillLane(wsgi.api, urls.urlpatterns)
_in_threads = Threaded(wsgi.application, environment.whole_number("ZHIKE_THREADS", THREADS))


async def _dispatch(scope: Scope, receive: Receive, send: Send) -> None:
    await (_in_lane if _in_lane.takes(scope) else _in_threads)(scope, receive, send)


def behind_proxies(application: Application, addresses: Sequence[str]) -> Application:
    """The same, but for requests that one of these proxies hands on, the caller's address counts, not the proxy's."""
    if not addresses:
        return application
    from granian.utils.proxies import wrap_asgi_with_proxy_headers

    found: Application = wrap_asgi_with_proxy_headers(application, list(addresses))
    return found


application = behind_proxies(_dispatch, environment.proxies())
