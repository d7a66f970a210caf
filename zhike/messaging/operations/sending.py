"""Asking for messages to be sent, and when and how often that may be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Invalid, NotFound
from zhike.messaging.events import SendingPolicyChanged
from zhike.messaging.models import MessageTemplate, SendingPolicy
from zhike.messaging.operations import _wake
from zhike.messaging.operations._queue import IDENTIFIER_OF, Draft, queue
from zhike.messaging.operations._settling import in_words
from zhike.messaging.queries import wordings
from zhike.messaging.queries.vendor_accounts import CHANNELS
from zhike.messaging.rules import gates, wording

SEND = "messages.send"
POLICY = "channels.manage"
PERSONS_MAX = 10_000
OWN_VALUES = frozenset({"name"})
"""What every wording may say of a person without being told: their name."""


class UnknownTemplate(Invalid):
    code = "unknown-message-template"
    title = _("There is no message template “%(code)s”.")


class ValuesMissing(Invalid):
    code = "message-values-missing"
    title = _("The wording needs values for: %(names)s.")


class TooManyPersons(Invalid):
    code = "too-many-persons"
    title = _("At most %(limit)s people at once.")


class PolicyUnusable(Invalid):
    code = "sending-policy-unusable"
    title = _("These hours and caps cannot be kept.")


@dataclass(frozen=True, slots=True)
class Asked:
    """``count`` messages wait at the gates; ``repeated`` had been asked for before under the same key."""

    count: int
    repeated: int
    message_ids: tuple[int, ...]


def send_messages(
    *,
    actor: Viewer,
    template: str,
    person_ids: Sequence[int],
    values: Mapping[str, str] | None = None,
    own_values: Mapping[int, Mapping[str, str]] | None = None,
    campaign: str = "",
    once: str = "",
    due_at: dt.datetime | None = None,
    expires_at: dt.datetime | None = None,
    now: dt.datetime,
) -> Asked:
    """Write one message a person, in their language, for the first channel of the template; the gates decide later.

    ``values`` are the same for all, ``own_values`` each person's. ``once`` names this request: asked again under it, nobody
    is written to twice. Raises NotAllowed, NotFound for anybody out of scope, UnknownTemplate, ValuesMissing, TooManyPersons.
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
    approved = wordings.wordings(template)
    common = dict(values or {})
    _require_values(approved, common, own_values or {}, wanted)
    cards = customers.contact_cards(wanted)
    signature = wordings.signature()
    plan = Plan(found, approved, common, campaign, once, due_at or now, expires_at, signature)
    drafts = [draft_of(plan, cards[pk], (own_values or {}).get(pk, {})) for pk in wanted if pk in cards]
    with transaction.atomic():
        rows = queue(actor, drafts, now)
        transaction.on_commit(_wake.messages)
    return Asked(len(rows), len(drafts) - len(rows), tuple(row.pk for row in rows))


def send_to_address(
    *,
    actor: Viewer,
    template: str,
    channel: str,
    to: str,
    language: str = "",
    values: Mapping[str, str],
    once: str,
    expires_at: dt.datetime | None = None,
    now: dt.datetime,
) -> int | None:
    """Write one service message to an address of nobody we keep as a customer (one of us); its id, None when it was asked for
    before. The gates decide later. Raises NotAllowed, UnknownTemplate (also when the channel has no wording), ValuesMissing.
    """
    require(actor, SEND)
    found = MessageTemplate.objects.filter(code=template, kind=MessageTemplate.Kind.SERVICE).first()
    offered = wordings.wordings(template).get(channel, {})
    best = wording.best_language(language, list(offered), settings.LANGUAGE_CODE)
    if found is None or best is None:
        raise UnknownTemplate(code=template[:60])
    _require_values({channel: {best: offered[best]}}, dict(values), {}, [0])
    draft = Draft(
        channel=channel,
        kind=found.kind,
        purpose=found.kind,
        template=template,
        to=to,
        body="",
        due_at=now,
        values=values,
        expires_at=expires_at,
        once=once[:80],
    )
    with transaction.atomic():
        rows = queue(actor, [in_words(draft, offered[best], wordings.signature())], now)
        transaction.on_commit(_wake.messages)
    return rows[0].pk if rows else None


@dataclass(frozen=True, slots=True)
class Plan:
    """What all messages of one request share."""

    template: MessageTemplate
    approved: dict[str, dict[str, wordings.Wording]]
    values: Mapping[str, str]
    campaign: str
    once: str
    due_at: dt.datetime
    expires_at: dt.datetime | None
    signature: str


def draft_of(
    plan: Plan, card: customers.ContactCard, own: Mapping[str, str], channel: str | None = None
) -> Draft:
    """One person's message on the first channel of the template, or on the one named."""
    channel = channel or plan.template.fallback[0]
    rest = plan.template.fallback[plan.template.fallback.index(channel) + 1 :]
    offered = plan.approved.get(channel, {})
    language = wording.best_language(card.language, list(offered), settings.LANGUAGE_CODE)
    draft = Draft(
        channel=channel,
        kind=plan.template.kind,
        purpose=plan.template.kind,
        template=plan.template.code,
        to=getattr(card, IDENTIFIER_OF.get(channel, ""), ""),
        body="",
        due_at=plan.due_at,
        person_id=card.person_id,
        language=card.language,
        values={"name": card.name, **plan.values, **own},
        expires_at=plan.expires_at,
        campaign=plan.campaign[:60],
        once=f"{plan.once}:{card.person_id}"[:80] if plan.once else None,
        fallback=tuple(rest),
    )
    return draft if language is None else in_words(draft, offered[language], plan.signature)


def _require_values(
    approved: dict[str, dict[str, wordings.Wording]],
    common: Mapping[str, str],
    own: Mapping[int, Mapping[str, str]],
    person_ids: Sequence[int],
) -> None:
    needed = {
        name
        for offered in approved.values()
        for one in offered.values()
        for name in wording.variables(one.title + one.body)
    }
    missing = needed - OWN_VALUES - set(common)
    if missing and not all(missing <= set(own.get(pk, {})) for pk in person_ids):
        raise ValuesMissing(names=", ".join(sorted(missing)))


def save_policy(*, actor: Viewer, group_id: int, changes: Mapping[str, Any], now: dt.datetime) -> None:
    """When and how often a group writes offers to people; it holds from the next message on.

    ``changes``: quiet_from, quiet_until (times), when_quiet ("postpone" | "drop"), skips_holidays, total_per_day,
    total_per_month, channel_per_day, channel_per_month (by channel, 0 is no cap), budget_fen (None is no limit).
    The law's night cannot be made shorter than 21:00 to 08:00. Raises NotAllowed, PolicyUnusable.
    """
    require_touch(actor, POLICY)
    with transaction.atomic():
        row = SendingPolicy.objects.select_for_update().filter(group_id=group_id).first()
        kept = _kept(row) | dict(changes)
        faults = _policy_faults(kept)
        if faults:
            raise PolicyUnusable(fields=faults)
        SendingPolicy.objects.update_or_create(group_id=group_id, defaults=kept | {"updated_at": now})
        after = {name: str(value) for name, value in kept.items()}
        subject = ("group", group_id)
        audit.record(actor=actor, action="sending_policy.save", subject=subject, after=after, now=now)
        events.publish(SendingPolicyChanged(group_id), actor=actor, now=now)


def _kept(row: SendingPolicy | None) -> dict[str, Any]:
    if row is None:
        return {
            "quiet_from": gates.QUIET_FROM,
            "quiet_until": gates.QUIET_UNTIL,
            "when_quiet": "postpone",
            "skips_holidays": False,
            "total_per_day": 2,
            "total_per_month": 8,
            "channel_per_day": {"sms": 1},
            "channel_per_month": {"sms": 4},
            "budget_fen": None,
        }
    names = (
        "quiet_from", "quiet_until", "when_quiet", "skips_holidays", "total_per_day", "total_per_month",
        "channel_per_day", "channel_per_month", "budget_fen",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}


def _policy_faults(kept: Mapping[str, Any]) -> dict[str, list[Any]]:
    faults: dict[str, list[Any]] = {}
    if not dt.time(18) <= kept["quiet_from"] <= gates.QUIET_FROM:
        faults["quiet_from"] = [_("Between 18:00 and 21:00: later than that vendors do not send offers.")]
    if not gates.QUIET_UNTIL <= kept["quiet_until"] <= dt.time(12):
        faults["quiet_until"] = [_("Between 08:00 and 12:00: earlier than that vendors do not send offers.")]
    if kept["when_quiet"] not in ("postpone", "drop"):
        faults["when_quiet"] = [PolicyUnusable.title]
    caps = [kept["total_per_day"], kept["total_per_month"]]
    for name in ("channel_per_day", "channel_per_month"):
        if not set(kept[name]) <= set(CHANNELS):
            faults[name] = [PolicyUnusable.title]
        caps += kept[name].values()
    if any(not isinstance(cap, int) or not 0 <= cap <= 1_000 for cap in caps):
        faults["total_per_day"] = [PolicyUnusable.title]
    if kept["budget_fen"] is not None and not 0 <= kept["budget_fen"] < 2**31:
        faults["budget_fen"] = [PolicyUnusable.title]
    return faults
