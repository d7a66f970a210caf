"""The assistant's memory: its intents, its model, what it missed, how it does."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import zlib
from array import array
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import Count, Q

from zhike.customers import queries as customers
from zhike.kernel import crypto
from zhike.kernel.access import Viewer, require, visible
from zhike.service.models import BotExample, BotMiss, BotModel, Conversation, Message
from zhike.service.queries import conversations as conversation_queries
from zhike.service.queries.calendars import SHIPPED
from zhike.service.rules import intents

HANDLE = "tickets.handle"
EXAMPLE_FIELD = "service.botexample.text"
METHOD = "lr-1"
"""Part of the digest: another way of training makes another model of the same set."""


@lru_cache(maxsize=1)
def intent_set() -> dict[str, intents.Intent]:
    """The intents that come with the program, by code."""
    return intents.parse((SHIPPED / "intents.txt").read_text("utf-8"))


def training_digest() -> str:
    """Names everything there is to learn from now."""
    taught = ",".join(sorted(str(pk) for pk in BotExample.objects.values_list("pk", flat=True)))
    content = (SHIPPED / "intents.txt").read_bytes()
    return hashlib.sha256(METHOD.encode() + content + taught.encode()).hexdigest()


def examples() -> list[tuple[str, str]]:
    """(intent, text) of what our people taught."""
    rows = BotExample.objects.order_by("taught_at", "pk")
    return [
        (row.intent, crypto.decrypt(bytes(row.text), field=EXAMPLE_FIELD, row=str(row.pk))) for row in rows
    ]


def pack(model: intents.Model) -> bytes:
    head = {
        "codes": model.codes,
        "grams": list(model.index),
        "idf": [round(value, 5) for value in model.idf],
        "bias": [round(value, 5) for value in model.bias],
    }
    return zlib.compress(
        json.dumps(head, ensure_ascii=False).encode() + b"\n" + array("f", model.weights).tobytes(), 6
    )


def unpack(content: bytes) -> intents.Model:
    head, weights = zlib.decompress(content).split(b"\n", 1)
    known = json.loads(head)
    numbers = array("f")
    numbers.frombytes(weights)
    index = {gram: row for row, gram in enumerate(known["grams"])}
    return intents.Model(tuple(known["codes"]), index, known["idf"], numbers, known["bias"])


_loaded: dict[str, intents.Model] = {}


def current_model() -> intents.Model | None:
    """The newest model, read once in a process; None before the first training."""
    digest = BotModel.objects.order_by("-id").values_list("digest", flat=True).first()
    if digest is None:
        return None
    if digest not in _loaded:
        row = BotModel.objects.get(digest=digest)
        _loaded.clear()
        _loaded[digest] = unpack(bytes(row.content))
    return _loaded[digest]


# --- for people ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BotFigures:
    """Of conversations that ended since a moment: ``alone`` are those the assistant settled without one of us."""

    conversations: int
    alone: int
    handed_over: int
    reasons: dict[str, int]
    misses: int
    model: dict[str, Any]
    trained_at: dt.datetime | None

    @property
    def share_alone(self) -> float:
        return self.alone / self.conversations if self.conversations else 0.0


@dataclass(frozen=True, slots=True)
class MissView:
    """``said`` is what the member wrote, ``guesses`` what the assistant took it for: (intent, title, probability)."""

    id: int
    number: str
    person_name: str
    said: str
    reason: str
    guesses: tuple[tuple[str, str, float], ...]
    missed_at: dt.datetime


def bot_figures(viewer: Viewer, since: dt.datetime, mall_id: int | None = None) -> BotFigures:
    """How the assistant does in the viewer's scope. Raises NotAllowed."""
    require(viewer, HANDLE)
    rows = visible(Conversation.objects.all(), viewer, HANDLE, conversation_queries.COLUMNS)
    rows = rows.filter(opened_at__gte=since)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    alone = Q(status="closed", first_answered_at=None, bot_answers__gt=0, handover={})
    counts = rows.aggregate(
        all=Count("id"), alone=Count("id", filter=alone), over=Count("id", filter=~Q(handover={}))
    )
    reasons = rows.exclude(handover={}).values_list("handover__reason").annotate(many=Count("id"))
    newest = BotModel.objects.order_by("-id").first()
    return BotFigures(
        counts["all"],
        counts["alone"],
        counts["over"],
        {reason: many for reason, many in reasons if reason},
        _open_misses(viewer).count(),
        newest.figures if newest else {},
        newest.trained_at if newest else None,
    )


def _open_misses(viewer: Viewer) -> Any:
    columns = {level: f"conversation__{column}" for level, column in conversation_queries.COLUMNS.items()}
    return visible(BotMiss.objects.filter(decided_at=None), viewer, HANDLE, columns)


def open_misses(viewer: Viewer, limit: int = 30) -> list[MissView]:
    """What the assistant did not dare to answer and nobody has decided on, newest first. Raises NotAllowed."""
    require(viewer, HANDLE)
    rows = list(_open_misses(viewer).select_related("conversation").order_by("-id")[:limit])
    wanted = Q(pk__in=())
    for row in rows:
        wanted |= Q(conversation_id=row.conversation_id, number=row.number)
    said = {
        (one.conversation_id, one.number): one.text
        for one in conversation_queries.views_of(list(Message.objects.filter(wanted)))
    }
    people = customers.summaries([row.conversation.person_id for row in rows])
    titles = {code: one.title for code, one in intent_set().items()}
    return [
        MissView(
            row.pk,
            row.conversation.number,
            people[row.conversation.person_id].name if row.conversation.person_id in people else "",
            said.get((row.conversation_id, row.number), ""),
            row.reason,
            tuple((code, titles.get(code, code), share) for code, share in row.guesses),
            row.missed_at,
        )
        for row in rows
    ]
