"""Addresses of the console's pages of engagement."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import birthdays, check_ins, missions, referrals, stamps, waivers, welcomes

ENGAGEMENT: list[URLPattern] = [
    path("check-ins/", check_ins.check_ins, name="check_ins"),
    path("check-ins/edit/", check_ins.edit_check_ins, name="edit_check_ins"),
    path("birthdays/", birthdays.birthdays, name="birthdays"),
    path("birthdays/edit/", birthdays.edit_birthdays, name="edit_birthdays"),
    path("invitations/", referrals.referrals, name="referrals"),
    path("invitations/edit/", referrals.edit_referrals, name="edit_referrals"),
    path("invitations/<int:member_id>/", referrals.referral_tree, name="referral_tree"),
    path("welcome/", welcomes.welcomes, name="welcomes"),
    path("welcome/edit/", welcomes.edit_welcome, name="edit_welcome"),
    path("stamp-cards/", stamps.stamp_cards, name="stamp_cards"),
    path("stamp-cards/new/", stamps.edit_stamp_card, name="new_stamp_card"),
    path("stamp-cards/<int:card_id>/", stamps.stamp_card, name="stamp_card"),
    path("stamp-cards/<int:card_id>/edit/", stamps.edit_stamp_card, name="edit_stamp_card"),
    path("missions/", missions.missions, name="missions"),
    path("missions/new/", missions.edit_mission, name="new_mission"),
    path("missions/<int:mission_id>/", missions.mission, name="mission"),
    path("missions/<int:mission_id>/edit/", missions.edit_mission, name="edit_mission"),
    path("waivers/", waivers.waivers, name="waivers"),
    path("waivers/ask/<int:member_id>/", waivers.ask_waiver, name="ask_waiver"),
    path("waivers/<int:waiver_id>/approve/", waivers.approve_waiver, name="approve_waiver"),
    path("waivers/<int:waiver_id>/refuse/", waivers.refuse_waiver, name="refuse_waiver"),
]
