"""`/metrics` for Prometheus.

Requests are counted in the process that served them; with `PROMETHEUS_MULTIPROC_DIR` (`zhike web` sets it) all processes
count into files there and any of them answers for all. What lies in the database is read when it is asked for, so
nothing of it burdens a request.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from zhike.kernel import queries as kernel
from zhike.ui.api.problems import MethodNotAllowed
from zhike.ui.api.responses import JsonResponse

if TYPE_CHECKING:
    from zhike.ui.api.handler import ApiRequest

SECONDS = Histogram(
    "zhike_http_request_seconds",
    "Time from the first line of ours to the answer, by route, method and status.",
    ["route", "method", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))


def observe(request: ApiRequest, status: int, seconds: float) -> None:
    """Count one answered request."""
    method = request.method if request.method in METHODS else "other"
    _series(request.route, method, status).observe(seconds)


@lru_cache(maxsize=2000)
def _series(route: str, method: str, status: int) -> Any:
    return SECONDS.labels(route, method, str(status))


class LogCollector:
    """How far the readers of the event log are behind, read when asked."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        lags = kernel.consumer_lags()
        columns = [
            ("zhike_event_lag_events", "Events a reader has not handled yet (counted to 10,000).", "events"),
            ("zhike_event_lag_seconds", "Age of the oldest event a reader has not handled yet.", "seconds"),
            ("zhike_event_parked", "Events a reader could not handle.", "parked"),
            ("zhike_event_handled", "Events a reader has handled since it was made.", "handled"),
        ]
        for name, description, attribute in columns:
            family = GaugeMetricFamily(name, description, labels=["consumer"])
            for lag in lags:
                family.add_metric([lag.consumer], getattr(lag, attribute))
            yield family


def metrics(request: ApiRequest) -> JsonResponse:
    """For a scraper on this machine, or one with an API key that may read events."""
    if request.method != "GET":
        raise MethodNotAllowed(method=request.method, allowed=["GET"])
    if not _is_local(request):
        from zhike.ui.api.gate import admit

        admit(request, "events.view")
    registry = CollectorRegistry()
    registry.register(LogCollector())
    body = generate_latest(_requests()) + generate_latest(registry)
    return JsonResponse(body, content_type=CONTENT_TYPE_LATEST)


def _requests() -> CollectorRegistry:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    from prometheus_client import multiprocess

    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _is_local(request: ApiRequest) -> bool:
    """Straight from this machine, not handed on by a proxy on it."""
    meta = request.META
    if meta.get("HTTP_X_FORWARDED_FOR") or meta.get("HTTP_FORWARDED") or meta.get("HTTP_X_REAL_IP"):
        return False
    try:
        return ipaddress.ip_address(meta.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
