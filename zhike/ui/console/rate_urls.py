"""Addresses of the console's pages of what points are worth, and of points corrected by hand."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import adjustments, rates

RATES: list[URLPattern] = [
    path("adjustments/", adjustments.adjustments, name="adjustments"),
    path("adjustments/many/", adjustments.adjust_many, name="adjust_many"),
    path(
        "adjustments/<int:adjustment_id>/approve/", adjustments.approve_adjustment, name="approve_adjustment"
    ),
    path("adjustments/<int:adjustment_id>/refuse/", adjustments.refuse_adjustment, name="refuse_adjustment"),
    path("rates/", rates.rates, name="rates"),
    path("rates/new/", rates.edit_rates, name="new_rates"),
    path("rates/new/preview/", rates.preview_rates, name="preview_rates"),
    path("rates/<int:version_id>/", rates.rate_version, name="rate_version"),
    path("rates/<int:version_id>/withdraw/", rates.withdraw_rates, name="withdraw_rates"),
]
