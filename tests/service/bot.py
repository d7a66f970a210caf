"""A small model of the assistant, trained once in a process on a part of the intents' utterances."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from zhike.service import operations as service
from zhike.service import queries
from zhike.service.rules import intents

PER_FAMILY = 3
ROUNDS = 30


@lru_cache(maxsize=1)
def small_model() -> intents.Model:
    pairs = [
        (code, text)
        for code, one in queries.intent_set().items()
        for text in one.training(PER_FAMILY, frames=3)
    ]
    return queries.fit([text for _code, text in pairs], [code for code, _text in pairs], ROUNDS)


def set_up_bot(group_id: int, actor: object, now: dt.datetime) -> None:
    """Articles and a model, as after the set-up."""
    service.found_knowledge(actor=actor, group_id=group_id, now=now)  # type: ignore[arg-type]
    service.store_model(
        actor=actor,
        digest=queries.training_digest(),
        model=small_model(),
        figures={},
        now=now,  # type: ignore[arg-type]
    )
