"""The web process: the busiest calls of tills go through the lane, everything else has a thread of its own.

Pages and the rest of the API are WSGI (`config.wsgi`), in `ZHIKE_THREADS` threads of each process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from a2wsgi import WSGIMiddleware

from zhike.config import environment, wsgi

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from zhike.ui.api.lane import Receive, Scope, Send

    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

from zhike.ui.api import urls
from zhike.ui.api.lane import TillLane

THREADS = 32

_in_lane = TillLane(wsgi.api, urls.urlpatterns)
_in_threads: Any = WSGIMiddleware(
    cast("Any", wsgi.application), workers=environment.whole_number("ZHIKE_THREADS", THREADS)
)


async def _dispatch(scope: Scope, receive: Receive, send: Send) -> None:
    if _in_lane.takes(scope):
        await _in_lane(scope, receive, send)
        return

    async def hear() -> dict[str, Any]:
        """What granian gives can be awaited, but a2wsgi wants a coroutine."""
        return await receive()

    await _in_threads(scope, hear, send)


def behind_proxies(application: Application, addresses: Sequence[str]) -> Application:
    """The same, but for requests that one of these proxies hands on, the caller's address counts, not the proxy's."""
    if not addresses:
        return application
    from granian.utils.proxies import wrap_asgi_with_proxy_headers

    found: Application = wrap_asgi_with_proxy_headers(application, list(addresses))
    return found


application = behind_proxies(_dispatch, environment.proxies())
