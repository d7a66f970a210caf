"""Which ways lead to a member now: consent, refusal, quiet hours."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from zhike.clienteling.rules import reaching
from zhike.clienteling.rules.reaching import Way
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.messaging import queries as messaging
from zhike.organization import queries as organization
from zhike.privacy import queries as privacy

VIEW = "follow_ups.view"


def zone_of(mall_id: int | None) -> str:
    chosen = mall_id or organization.first_mall_id()
    return organization.mall(chosen).time_zone if chosen else "Asia/Shanghai"


def ways(viewer: Viewer, person_id: int, now: dt.datetime, *, for_service: bool = False) -> tuple[Way, ...]:
    """Every channel, open or with the reason why not. Quiet hours are the house's and the member's own.

    ``for_service``: the member waits for us, so an offer's consent is not needed. Raises NotFound, NotAllowed.
    """
    person = customers.visible_person(person_id, viewer, VIEW)
    decided = privacy.channel_decisions(person.id, "marketing", sorted(reaching.CONSENT_CHANNELS.values()))
    quiet = messaging.quiet_until(person.id, now.astimezone(ZoneInfo(zone_of(person.source_mall_id))))
    has_phone = person.active("phone") is not None
    addresses = {
        "call": has_phone,
        "sms": has_phone,
        "wecom": has_phone or any(person.active(kind) for kind in ("openid", "unionid")),
        "in_person": True,
    }
    return tuple(
        reaching.way(
            reaching.Reach(
                channel=channel,
                decision=decided.get(reaching.CONSENT_CHANNELS.get(channel, ""), ""),
                has_address=addresses[channel],
                is_gone=person.status != "active",
                is_suppressed=channel == "sms" and messaging.is_suppressed(person.id, "sms"),
                quiet_until=quiet,
            ),
            for_service=for_service,
        )
        for channel in reaching.CHANNELS
    )
