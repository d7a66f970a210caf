"""What is done with a journey, told: one entry of the audit trail and one fact."""

from __future__ import annotations

import datetime as dt

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer
from zhike.marketing.events import JourneyChanged
from zhike.marketing.models import Journey


def tell(actor: Viewer, row: Journey, change: str, version: int, now: dt.datetime, reason: str = "") -> None:
    """One entry of the audit trail and one fact."""
    audit.record(
        actor=actor,
        action=f"journey.{change}",
        subject=("journey", row.pk),
        after={"name": row.name, "status": row.status, "version": version},
        reason=reason,
        now=now,
    )
    events.publish(JourneyChanged(row.pk, change, version, reason), actor=actor, now=now)
