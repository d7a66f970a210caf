"""Addresses of the console's pages of insight."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import baskets, lifetime, segments, standing

INSIGHT: list[URLPattern] = [
    path("segments/", segments.segments, name="segments"),
    path("segments/new/", segments.edit_segment, name="new_segment"),
    path("segments/builder/", segments.builder, name="segment_builder"),
    path("segments/reading/", segments.reading, name="segment_reading"),
    path("segments/overlap/", segments.overlap, name="segment_overlap"),
    path("segments/<int:segment_id>/", segments.segment, name="segment"),
    path("segments/<int:segment_id>/now/", segments.segment_now, name="segment_now"),
    path("segments/<int:segment_id>/edit/", segments.edit_segment, name="edit_segment"),
    path("segments/<int:segment_id>/freeze/", segments.freeze, name="freeze_segment"),
    path("segments/<int:segment_id>/archive/", segments.archive, name="archive_segment"),
    path("segments/<int:segment_id>/export/", segments.export, name="export_segment"),
    path("segments/<int:segment_id>/persona/", segments.segment_persona, name="segment_persona"),
    path("baskets/", baskets.baskets, name="baskets"),
    path("baskets/search/", baskets.search_baskets, name="search_baskets"),
    path("baskets/<int:run_id>/", baskets.basket_run, name="basket_run"),
    path("baskets/rules/<int:rule_id>/", baskets.basket_rule, name="basket_rule"),
    path("baskets/rules/<int:rule_id>/coupon/", baskets.make_basket_offer, name="make_basket_offer"),
    path("lifetime/", lifetime.lifetime, name="lifetime"),
    path("lifetime/fit/", lifetime.fit, name="fit_lifetime"),
    path("standing/", standing.standing, name="standing"),
    path("standing/stages/", standing.publish_stages, name="publish_stages"),
    path("standing/stages/preview/", standing.preview_stages, name="preview_stages"),
    path("standing/rfm/", standing.publish_rfm, name="publish_rfm"),
    path("standing/rfm/preview/", standing.preview_rfm, name="preview_rfm"),
]
