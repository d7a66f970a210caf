"""Addresses of the API; mounted at the root."""

from __future__ import annotations

from django.urls import path

from zhike.ui.api import health, metrics

app_name = "api"

urlpatterns = [
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", metrics.metrics),
]
