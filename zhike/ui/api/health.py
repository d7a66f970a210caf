"""`/health/live`: this process answers. `/health/ready`: it may be sent work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from zhike.kernel import health
from zhike.ui.api.problems import MethodNotAllowed
from zhike.ui.api.responses import JsonResponse

if TYPE_CHECKING:
    from zhike.ui.api.handler import ApiRequest


def live(request: ApiRequest) -> JsonResponse:
    _require_get(request)
    return JsonResponse(b'{"status":"ok"}')


def ready(request: ApiRequest) -> JsonResponse:
    """200 when every critical check holds, else 503; the checks are listed either way."""
    _require_get(request)
    checks = health.readiness()
    is_ready = health.is_ready(checks)
    found = {
        "status": "ok" if is_ready else "unavailable",
        "checks": {check.name: {"ok": check.ok, "detail": check.detail} for check in checks},
    }
    return JsonResponse(msgspec.json.encode(found), 200 if is_ready else 503)


def _require_get(request: ApiRequest) -> None:
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed(method=request.method, allowed=["GET", "HEAD"])
