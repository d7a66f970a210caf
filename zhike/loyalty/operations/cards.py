"""Reading the rotating QR of a member card."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Conflict, Invalid
from zhike.loyalty.models import MemberCard
from zhike.loyalty.queries.members import card_secret
from zhike.loyalty.rules import cards


class QrInvalid(Invalid):
    code = "qr-invalid"
    title = _("This is not a member code of ours, or the card was replaced.")


class QrExpired(Conflict):
    code = "qr-expired"
    title = _("This code is too old. Please refresh it on the phone.")


class QrReplayed(Conflict):
    code = "qr-replayed"
    title = _("This code was used already. Please refresh it on the phone.")


@transaction.atomic
def read_qr(*, actor: Viewer, payload: str, now: dt.datetime) -> int:
    """The member of a scanned code; the code, and every older one, is used up by this.

    Raises QrInvalid, QrExpired, QrReplayed, NotAllowed.
    """
    require(actor, "members.lookup")
    parsed = cards.parse(payload)
    if parsed is None:
        raise QrInvalid
    number, code = parsed
    card = MemberCard.objects.select_for_update().filter(number=number, status="active").first()
    if card is None:
        raise QrInvalid
    step = cards.matching_step(card_secret(card), code, now.timestamp())
    if step is None:
        raise QrExpired
    if step <= card.last_step:
        raise QrReplayed
    card.last_step = step
    card.save(update_fields=["last_step"])
    return card.member_id


def hand_out_secrets(*, actor: Viewer, reason: str, now: dt.datetime) -> Iterator[tuple[str, str]]:
    """(card number, secret in hex) of every active card, for tills that verify codes without a network.

    Whoever holds them can make codes, so it needs members.export and is audited first. Raises NotAllowed.
    """
    require_touch(actor, "members.export")
    cards_out = MemberCard.objects.filter(status="active").order_by("id")
    after = {"cards": cards_out.count()}
    audit.record(
        actor=actor,
        action="card.hand_out_secrets",
        subject=("cards", "all"),
        after=after,
        reason=reason,
        now=now,
    )
    return ((card.number, card_secret(card)) for card in cards_out.iterator(chunk_size=2000))
