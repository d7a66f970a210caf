"""Addresses of the console's pages of what points are worth."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import rates

RATES: list[URLPattern] = [
    path("rates/", rates.rates, name="rates"),
    path("rates/new/", rates.edit_rates, name="new_rates"),
    path("rates/new/preview/", rates.preview_rates, name="preview_rates"),
    path("rates/<int:version_id>/", rates.rate_version, name="rate_version"),
    path("rates/<int:version_id>/withdraw/", rates.withdraw_rates, name="withdraw_rates"),
]
