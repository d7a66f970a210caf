"""Every reader of the event log. The worker runs them; `zhike rebuild` and `zhike events replay` find them here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zhike.kernel.events import Consumer


def consumers() -> list[Consumer]:
    """One entry for each, in the order of the floors."""
    from zhike.clienteling.handlers import ticket_reminders
    from zhike.engagement.handlers import missions, referrals, stamps, welcomes
    from zhike.insight.handlers import standing, tags
    from zhike.loyalty.handlers import growth, member_activity
    from zhike.marketing.handlers import journeys
    from zhike.messaging.handlers import contact_transfers
    from zhike.offers.handlers import coupon_returns
    from zhike.rewards.handlers import gifts
    from zhike.risk.handlers import risk_deeds
    from zhike.service.handlers import listening, survey_deeds
    from zhike.webforms.handlers import form_deeds

    return [
        contact_transfers,
        member_activity,
        growth,
        coupon_returns,
        gifts,
        referrals,
        missions,
        welcomes,
        stamps,
        standing,
        tags,
        survey_deeds,
        listening,
        ticket_reminders,
        form_deeds,
        journeys,
        risk_deeds,
    ]
