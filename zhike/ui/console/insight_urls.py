"""Addresses of the console's pages of insight."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import baskets, lifetime, member_tags, recommendations, segments, standing, tags

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
    path("tags/", tags.tags, name="tags"),
    path("tags/new/", tags.edit_tag, name="new_tag"),
    path("tags/builder/", tags.builder, name="tag_builder"),
    path("tags/reading/", tags.reading, name="tag_reading"),
    path("tags/suggestions/", tags.suggestions, name="tag_suggestions"),
    path("tags/suggestions/take/", tags.take_suggestion, name="take_suggestion"),
    path("tags/suggestions/decline/", tags.decline_suggestion, name="decline_suggestion"),
    path("tags/<int:tag_id>/", tags.tag, name="tag"),
    path("tags/<int:tag_id>/now/", tags.tag_now, name="tag_now"),
    path("tags/<int:tag_id>/moves/", tags.tag_moves, name="tag_moves"),
    path("tags/<int:tag_id>/edit/", tags.edit_tag, name="edit_tag"),
    path("tags/<int:tag_id>/publish/", tags.publish, name="publish_tag"),
    path("tags/<int:tag_id>/retire/", tags.retire, name="retire_tag"),
    path("members/<int:member_id>/tags/card/", member_tags.tags, name="member_tags"),
    path("members/<int:member_id>/tags/give/", member_tags.give, name="give_tag"),
    path("members/<int:member_id>/tags/<int:tag_id>/", member_tags.mark, name="mark_tag"),
    path("lifetime/", lifetime.lifetime, name="lifetime"),
    path("lifetime/fit/", lifetime.fit, name="fit_lifetime"),
    path("recommendations/", recommendations.recommendations, name="recommendations"),
    path("recommendations/fit/", recommendations.fit_recommendations, name="fit_recommendations"),
    path("standing/", standing.standing, name="standing"),
    path("standing/stages/", standing.publish_stages, name="publish_stages"),
    path("standing/stages/preview/", standing.preview_stages, name="preview_stages"),
    path("standing/rfm/", standing.publish_rfm, name="publish_rfm"),
    path("standing/rfm/preview/", standing.preview_rfm, name="preview_rfm"),
]
