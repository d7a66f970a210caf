"""The card: who one is to a till, how many points there are, and how far the next tier is."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from zhike.customers.queries import associates
from zhike.engagement import queries as engagement
from zhike.loyalty import queries as loyalty
from zhike.messaging import queries as messaging
from zhike.rewards import queries as rewards
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.views.welcome import welcome_of

STEP_S = 30
AHEAD = 6
"""Codes given along, so that a page that lost its connection still shows three minutes of valid ones."""


@require_safe
@member_page
def home(request: HttpRequest) -> HttpResponse:
    member: SignedIn = request.member  # type: ignore[attr-defined]
    unread = messaging.unread_count(member.person_id)
    return page(
        request,
        "home",
        _card(member)
        | {
            "unread": unread,
            "associate": associates.associate_of(member.person_id),
            "check_in_mall": engagement.check_in_mall_of(member.id),
            "missions": engagement.has_missions(member.file.programme.id),
            "gifts": rewards.has_gifts(member.file.programme.group_id, member.now),
            "welcome": welcome_of(member),
            "stamps": engagement.has_stamp_cards(member.now),
            "invites": engagement.referral_is_open(member.file.programme.id),
        },
        active="home",
    )


@require_safe
@member_page
def live(request: HttpRequest) -> HttpResponse:
    """What changes by itself: the codes and the balance."""
    return render(request, "member/_live.html", _card(request.member))  # type: ignore[attr-defined]


def _card(member: SignedIn) -> dict[str, Any]:
    file = member.file
    return {
        "file": file,
        "programme_name": loyalty.program_name(file.programme.id),
        "codes": _codes(member.id, member.now),
        "step_s": STEP_S,
        "seconds_left": STEP_S - int(member.now.timestamp()) % STEP_S,
        "progress": _progress(file),
    }


def _codes(member_id: int, now: dt.datetime) -> list[str]:
    return [
        loyalty.qr_payload(member_id, now + dt.timedelta(seconds=STEP_S * ahead)) for ahead in range(AHEAD)
    ]


def _progress(file: loyalty.MemberFile) -> dict[str, int] | None:
    """How far on the way from this tier to the next, in what the ladder counts; None at the top."""
    if file.next_tier is None:
        return None
    begin = file.tier.threshold
    return {"value": max(0, file.counted - begin), "max": max(1, file.next_tier.threshold - begin)}
