"""Teaching the assistant: training its model, and deciding on what it missed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, crypto
from zhike.kernel.access import Viewer, load_visible, require
from zhike.kernel.errors import Invalid
from zhike.kernel.ids import uuid7
from zhike.service.models import BotExample, BotMiss, BotModel
from zhike.service.operations._tickets import HANDLE
from zhike.service.queries import bot as queries
from zhike.service.queries import training
from zhike.service.queries.conversations import COLUMNS
from zhike.service.rules import intents

MANAGE = "tickets.manage"
TEXT_MAX = 200
MODELS_KEPT = 3


class TeachingInvalid(Invalid):
    code = "teaching-invalid"
    title = _("Choose an intent and keep between 2 and 200 characters.")


def train_bot(*, actor: Viewer, now: dt.datetime) -> bool:
    """Train anew when there is something new to learn from; whether it did. Idempotent. Raises NotAllowed."""
    require(actor, MANAGE)
    digest = queries.training_digest()
    if BotModel.objects.filter(digest=digest).exists():
        return False
    known = queries.intent_set()
    pairs = [(code, text) for code, one in known.items() for text in one.training(intents.PER_FAMILY)]
    pairs += queries.examples()
    model = training.fit([text for _code, text in pairs], [code for code, _text in pairs])
    parts = {"plain": "plain_tests", "slang": "hard_tests"}
    figures: dict[str, Any] = {
        name: training.scores(
            model,
            [
                (code, text)
                for code, one in known.items()
                for family in getattr(one, field)
                for text in intents.utterances(family, intents.PER_TEST_FAMILY)
            ],
        )
        for name, field in parts.items()
    }
    figures["blind"] = training.scores(
        model, [(code, text) for code, one in known.items() for text in one.blind]
    )
    figures |= {"intents": len(known), "utterances": len(pairs)}
    store_model(actor=actor, digest=digest, model=model, figures=figures, now=now)
    return True


@transaction.atomic
def store_model(
    *, actor: Viewer, digest: str, model: intents.Model, figures: dict[str, Any], now: dt.datetime
) -> None:
    """Keep a model under the digest of what it learnt; the ones before the last few go. Raises NotAllowed."""
    require(actor, MANAGE)
    BotModel.objects.update_or_create(
        digest=digest, defaults={"content": queries.pack(model), "figures": figures, "trained_at": now}
    )
    kept = BotModel.objects.order_by("-id").values_list("id", flat=True)[:MODELS_KEPT]
    BotModel.objects.exclude(pk__in=list(kept)).delete()


@transaction.atomic
def decide_miss(*, actor: Viewer, miss_id: int, intent: str = "", text: str = "", now: dt.datetime) -> None:
    """What a missed message meant: an intent, with the words to learn (without names and numbers); or nothing to learn.

    Deciding twice changes nothing. Raises TeachingInvalid, NotFound, NotAllowed.
    """
    columns = {level: f"conversation__{column}" for level, column in COLUMNS.items()}
    row = load_visible(BotMiss.objects.select_for_update(of=("self",)), miss_id, actor, HANDLE, columns)
    if row.decided_at is not None:
        return
    text = text.strip()
    if intent and (intent not in queries.intent_set() or not 2 <= len(text) <= TEXT_MAX):
        raise TeachingInvalid
    row.intent, row.decided_at, row.decided_by = intent, now, actor.label
    row.save(update_fields=["intent", "decided_at", "decided_by"])
    if intent:
        pk = uuid7()
        BotExample.objects.create(
            id=pk,
            intent=intent,
            text=crypto.encrypt(text, field=queries.EXAMPLE_FIELD, row=str(pk)),
            taught_at=now,
            taught_by=actor.label,
        )
    audit.record(
        actor=actor, action="bot.decide", subject=("bot_miss", row.pk), after={"intent": intent}, now=now
    )
