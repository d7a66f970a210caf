"""What the OpenAPI document and the page made from it say, in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.ui.api.texts import customers, loyalty
from zhike.ui.api.texts.text import Text

INTRODUCTION = _(
    "Every call carries an API key: “Authorization: Bearer zk_…”. A key has scopes, a place where it is valid (everything,"
    " one mall, one floor or one merchant) and a limit of calls a minute. Amounts are integers in fen, points are integers,"
    " times are RFC 3339 with their offset from UTC. Unknown fields are refused. Bodies may be compressed with gzip."
    " A refusal is a problem document (RFC 9457) whose code never changes; its sentence is in the language of"
    " Accept-Language (zh-Hans, zh-Hant or en). A refused call has changed nothing."
)
IDEMPOTENCY = _(
    "Any text of 1 to 255 characters that names this act, such as the till's own number for it. The same key with the same"
    " request gets the first answer again (with Idempotent-Replayed: true) and nothing happens twice; with another request"
    " it is refused. Keys are kept for seven days."
)

TAGS: dict[str, Text] = {
    "receipts": Text(_("Receipts"), _("Sales become points; returns take them back.")),
    "redemptions": Text(_("Redemptions"), _("Points spent at a till, and given back.")),
    "segments": Text(
        _("Segments"), _("Members who have something in common; given out only for what they agreed to.")
    ),
    "tags": Text(_("Tags"), _("What members are like: by rules over what they do, and by hand.")),
    "campaigns": Text(
        _("Campaigns"), _("Planned, carried out, and measured against people who got nothing.")
    ),
    "forms": Text(_("Forms"), _("Built without code: what they ask, answers sent in and read.")),
    "journeys": Text(_("Journeys"), _("Single people on their way, each step at its time, once.")),
    "coupons": Text(_("Coupons"), _("Claimed by members, held for a basket, used, and given back.")),
    "engagement": Text(_("Engagement"), _("What members earn besides buying.")),
    "oversight": Text(_("Oversight"), _("Abuse noticed, looked into, stopped and undone.")),
    "rewards": Text(
        _("Points mall"), _("Rewards in front of a member, exchanged, handed over and cancelled.")
    ),
    "members": Text(_("Members"), _("Enrol, look up, and see in full.")),
    "associates": Text(
        _("Sales associates"), _("Whom to turn to today and why, and what was heard and said.")
    ),
    "tickets": Text(
        _("Tickets"), _("Complaints, questions and returns, with the promises that hold for them.")
    ),
    "surveys": Text(_("Surveys"), _("What members and visitors say, and what it adds up to.")),
    "rights": Text(
        _("Privacy requests"), _("What people ask about their own data, with the day it must be answered.")
    ),
    "listening": Text(_("What people say"), _("Their own words, read by topic and by how content they are.")),
    "merchants": Text(_("Merchants"), _("Where sales happen.")),
    "events": Text(_("Events"), _("Everything that happened, in order, for programs that follow.")),
    "finance": Text(_("Finance"), _("Points as a liability.")),
    "ledger": Text(_("Ledger"), _("What proves that no point was changed afterwards.")),
    "operation": Text(_("Operation"), _("Health and figures, for monitoring. No key is needed.")),
}

OPERATIONS = loyalty.OPERATIONS | customers.OPERATIONS
