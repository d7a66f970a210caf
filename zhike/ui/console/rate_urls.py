"""Addresses of the console's pages of promises in versions (rates, terms of tiers), and of points corrected by hand."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import adjustments, rates, tier_policy

RATES: list[URLPattern] = [
    path("adjustments/", adjustments.adjustments, name="adjustments"),
    path("adjustments/many/", adjustments.adjust_many, name="adjust_many"),
    path(
        "adjustments/<int:adjustment_id>/approve/", adjustments.approve_adjustment, name="approve_adjustment"
    ),
    path("adjustments/<int:adjustment_id>/refuse/", adjustments.refuse_adjustment, name="refuse_adjustment"),
    path("tiers/terms/", tier_policy.tier_policy, name="tier_policy"),
    path("tiers/terms/new/", tier_policy.edit_tier_policy, name="new_tier_policy"),
    path("tiers/terms/new/preview/", tier_policy.preview_tier_policy, name="preview_tier_policy"),
    path("tiers/terms/<int:version_id>/", tier_policy.tier_policy_version, name="tier_policy_version"),
    path(
        "tiers/terms/<int:version_id>/withdraw/",
        tier_policy.withdraw_tier_policy,
        name="withdraw_tier_policy",
    ),
    path("rates/", rates.rates, name="rates"),
    path("rates/new/", rates.edit_rates, name="new_rates"),
    path("rates/new/preview/", rates.preview_rates, name="preview_rates"),
    path("rates/<int:version_id>/", rates.rate_version, name="rate_version"),
    path("rates/<int:version_id>/withdraw/", rates.withdraw_rates, name="withdraw_rates"),
]
