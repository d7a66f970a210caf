"""What every step of a gift's life does: hold the right, count the piece, record it, let it go."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotFound
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.rewards.events import GiftForfeited
from zhike.rewards.models import GiftRight, GiftShare
from zhike.rewards.operations._words import GIVER


class GiftRightNotFound(NotFound):
    code = "gift-right-not-found"
    title = _("There is no such gift.")


@dataclass(frozen=True, slots=True)
class GiftOutcome:
    """A right as it stands now; ``replayed``: it stood so before."""

    right_id: int
    code: str
    state: str
    replayed: bool = False
    points: int = 0


def count(item_id: int, day: dt.date, pieces: int) -> None:
    """Take pieces of a gift (1), or put them back (-1), in the stock and in the number of a day."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE rewards_giftitem SET taken = taken + %s WHERE id = %s", [pieces, item_id])
        if pieces < 0:
            cursor.execute(
                "UPDATE rewards_giftday SET taken = taken + %s WHERE item_id = %s AND day = %s",
                [pieces, item_id, day],
            )
            return
        cursor.execute(
            """INSERT INTO rewards_giftday AS d (item_id, day, taken) VALUES (%s, %s, %s)
            ON CONFLICT (item_id, day) DO UPDATE SET taken = d.taken + excluded.taken""",
            [item_id, day, pieces],
        )


def about(right: GiftRight, person_id: int) -> tuple[int, int, int, int, int, int]:
    """What every fact about a right begins with."""
    return right.pk, right.campaign_id, right.item_id, right.mall_id, right.member_id, person_id


def locked(right_id: int) -> GiftRight:
    """The right, its member's account and its row held, in this order. Raises GiftRightNotFound."""
    member_id = GiftRight.objects.filter(id=right_id).values_list("member_id", flat=True).first()
    if member_id is None:
        raise GiftRightNotFound
    loyalty.lock_accounts(actor=GIVER, member_ids=[member_id])
    return GiftRight.objects.select_for_update(of=("self",)).get(id=right_id)


def record(actor: Viewer, action: str, right: GiftRight, now: dt.datetime, reason: str = "") -> None:
    after: dict[str, Any] = {"state": right.state, "member": right.member_id, "item": right.item_id}
    audit.record(
        actor=actor, action=f"gift.{action}", subject=("gift_right", right.pk), after=after, reason=reason, now=now
    )  # fmt: skip


def let_go(actor: Viewer, right: GiftRight, why: str, now: dt.datetime, reason: str = "") -> None:
    """A right that was not fetched ends: its fen are free again and the piece is back."""
    GiftShare.objects.filter(right=right).delete()
    count(right.item_id, right.day, -1)
    right.state, right.ended_at, right.ended_by, right.end_reason = why, now, actor.audit_id, reason[:200]
    right.save(update_fields=["state", "ended_at", "ended_by", "end_reason"])
    person_id = members.person_id_of(right.member_id)
    events.publish(GiftForfeited(*about(right, person_id), str(why)), actor=actor, now=now)
