"""Addresses of the console's pages of campaigns."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import attribution, campaign_steps, campaigns, roi, uplift

CAMPAIGNS: list[URLPattern] = [
    path("campaigns/", campaigns.campaigns, name="campaigns"),
    path("campaigns/board/", roi.board, name="campaign_board"),
    path("campaigns/board/file/", roi.board_file, name="campaign_board_file"),
    path("campaigns/targets/", roi.targets, name="campaign_targets"),
    path("campaigns/margins/", roi.margin_rates, name="margin_rates"),
    path("campaigns/margins/set/", roi.set_margin, name="set_margin"),
    path("campaigns/attribution/", attribution.attribution, name="campaign_attribution"),
    path("campaigns/calendar/", campaigns.calendar, name="campaign_calendar"),
    path("campaigns/sizes/", campaigns.sizes, name="campaign_sizes"),
    path("campaigns/measuring/", campaign_steps.measuring, name="campaign_measuring"),
    path("campaigns/uplift/", uplift.runs, name="uplift_runs"),
    path("campaigns/uplift/learn/", uplift.learn, name="learn_uplift"),
    path("campaigns/uplift/<int:run_id>/", uplift.run, name="uplift_run"),
    path("campaigns/new/", campaigns.edit, name="new_campaign"),
    path("campaigns/scenarios/<slug:code>/", campaign_steps.take_scenario, name="take_scenario"),
    path("campaigns/<int:campaign_id>/", campaigns.campaign, name="campaign"),
    path("campaigns/<int:campaign_id>/people/", roi.people, name="campaign_people"),
    path("campaigns/<int:campaign_id>/live/", campaigns.campaign_live, name="campaign_live"),
    path("campaigns/<int:campaign_id>/edit/", campaigns.edit, name="edit_campaign"),
    path("campaigns/<int:campaign_id>/forecast/", campaign_steps.forecast, name="forecast_campaign"),
    path("campaigns/<int:campaign_id>/lessons/", campaign_steps.lessons, name="campaign_lessons"),
    path("campaigns/<int:campaign_id>/budget/", campaign_steps.budget, name="campaign_budget"),
    path(
        "campaigns/<int:campaign_id>/rollout/<slug:arm>/", campaign_steps.roll_out, name="roll_out_campaign"
    ),
    path("campaigns/<int:campaign_id>/back/", campaign_steps.send_back, name="send_back_campaign"),
    path("campaigns/<int:campaign_id>/<slug:name>/", campaign_steps.take_step, name="campaign_step"),
]
