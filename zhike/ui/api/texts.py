"""What the OpenAPI document and the page made from it say, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Text(NamedTuple):
    """One line, and what else there is to know."""

    summary: StrOrPromise
    description: StrOrPromise = ""


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
    "campaigns": Text(
        _("Campaigns"), _("Planned, carried out, and measured against people who got nothing.")
    ),
    "coupons": Text(_("Coupons"), _("Claimed by members, held for a basket, used, and given back.")),
    "engagement": Text(_("Engagement"), _("What members earn besides buying.")),
    "rewards": Text(
        _("Points mall"), _("Rewards in front of a member, exchanged, handed over and cancelled.")
    ),
    "members": Text(_("Members"), _("Enrol, look up, and see in full.")),
    "tickets": Text(
        _("Tickets"), _("Complaints, questions and returns, with the promises that hold for them.")
    ),
    "surveys": Text(_("Surveys"), _("What members and visitors say, and what it adds up to.")),
    "list_verbatims": Text(
        _("Comments with how they were read"),
        _("Out of surveys, tickets and chats in the key's malls, newest first, without names."),
    ),
    "list_topics": Text(
        _("Topics of a period"), _("So many days by topic and sentiment, against as many days before.")
    ),
    "decide_verbatim": Text(
        _("Say how a comment is to be read"),
        _("It stays over every later reading, and the program learns from it within a minute."),
    ),
