"""Asking the gates about messages that nobody has written: who would be let through, on which channel, for how much."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import NotFound
from zhike.messaging.models import MessageTemplate, OutboundMessage
from zhike.messaging.operations._gating import RETRIABLE, Situation, carrier_of, situation
from zhike.messaging.operations._queue import Draft
from zhike.messaging.operations.sending import (
    PERSONS_MAX,
    SEND,
    Plan,
    TooManyPersons,
    UnknownTemplate,
    draft_of,
)
from zhike.messaging.queries import sent, wordings
from zhike.messaging.rules import gates, wording


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What would become of one person's message. ``decision``: go, wait (until ``until``) or refuse, by the last channel tried.

    ``cost`` in thousandths of a fen, 0 for whoever is refused.
    """

    person_id: int
    decision: str
    channel: str
    gate: str
    reason: str
    cost: int
    until: dt.datetime | None = None


def rehearse_messages(
    *,
    actor: Viewer,
    template: str,
    person_ids: Sequence[int],
    at: dt.datetime,
    already: int = 0,
) -> list[Rehearsed]:
    """Take messages that are not written through the very gates as they would stand ``at`` that moment; nothing is kept.

    ``already`` is what the same request would have cost before these, in thousandths of a fen. One answer for each person that
    exists, in the order given. Raises NotAllowed, NotFound for anybody out of scope, UnknownTemplate, TooManyPersons.
    """
    require(actor, SEND)
    wanted = list(dict.fromkeys(person_ids))
    if len(wanted) > PERSONS_MAX:
        raise TooManyPersons(limit=PERSONS_MAX)
    if customers.visible_ids(wanted, actor, SEND) != set(wanted):
        raise NotFound
    found = MessageTemplate.objects.filter(code=template).first()
    if found is None or found.kind == MessageTemplate.Kind.CODE:
        raise UnknownTemplate(code=template[:60])
    cards = customers.contact_cards(wanted)
    plan = Plan(found, wordings.wordings(template), {}, "", "", at, None, wordings.signature())
    open_now = [pk for pk in wanted if pk in cards]
    fates: dict[int, Rehearsed] = {}
    for channel in found.fallback:
        drafts = [draft_of(plan, cards[pk], {}, channel) for pk in open_now]
        fates |= _through_the_gates(drafts, at, already + sum(fate.cost for fate in fates.values()))
        open_now = [pk for pk in open_now if fates[pk].decision == "refuse" and fates[pk].gate in RETRIABLE]
        if not open_now:
            break
    return [fates[pk] for pk in wanted if pk in fates]


def _through_the_gates(drafts: Sequence[Draft], at: dt.datetime, already: int) -> dict[int, Rehearsed]:
    rows = [_row(-place, draft, at) for place, draft in enumerate(drafts, start=1)]
    known = situation(rows, at, {row.pk: draft.to for row, draft in zip(rows, drafts, strict=True)})
    known.spent += already
    found = {}
    for row, draft in zip(rows, drafts, strict=True):
        found[row.person_id or 0] = _fate(row, draft, known)
    return found


def _row(pk: int, draft: Draft, at: dt.datetime) -> OutboundMessage:
    return OutboundMessage(
        pk=pk,
        person_id=draft.person_id,
        channel=draft.channel,
        kind=draft.kind,
        version_id=draft.version_id,
        address=sent.address_index(draft.to) if draft.to else None,
        created_at=at,
    )


def _fate(row: OutboundMessage, draft: Draft, known: Situation) -> Rehearsed:
    carrier, fault = carrier_of(row, known)
    row.parts = wording.parts(draft.body) if row.channel == "sms" else 1
    verdict = gates.decide(known.facts(row, carrier[0] if carrier else None, fault), known.policy)
    if verdict.decision != "refuse":
        row.cost = row.parts * carrier[0].price if carrier else 0
        known.let_through(row, carrier[0].pk if carrier else 0)
    return Rehearsed(
        draft.person_id or 0,
        verdict.decision,
        row.channel,
        verdict.gate,
        verdict.reason,
        row.cost,
        verdict.until,
    )
