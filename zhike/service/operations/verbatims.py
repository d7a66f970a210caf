"""Reading what people say: comments are taken up as they come, read by the newest model, and decided on by people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, require
from zhike.kernel.errors import Invalid
from zhike.service.events import VerbatimDecided, VerbatimRead
from zhike.service.models import Conversation, SurveyAnswer, Ticket, Verbatim, VerbatimModel
from zhike.service.operations._tickets import HANDLE
from zhike.service.queries import verbatim_model, verbatim_training
from zhike.service.queries.tickets import opening_words
from zhike.service.queries.verbatims import COLUMNS
from zhike.service.rules import surveys as survey_rules
from zhike.service.rules import verbatims as rules

MANAGE = "tickets.manage"
MODELS_KEPT = 2
READ_BATCH = 500


class ReadingInvalid(Invalid):
    code = "reading-invalid"
    title = _("Choose how content they are, and topics from the list.")


def hear_answer(*, actor: Viewer, answer_id: int, now: dt.datetime) -> None:
    """Take up the words of an answer; nothing where there are none. Again: the same one comment. Raises NotAllowed."""
    require(actor, HANDLE)
    row = SurveyAnswer.objects.select_related("version", "survey").filter(pk=answer_id).first()
    if row is None or not (words := verbatim_model.answer_words(row)):
        return
    verdict = survey_rules.verdict(row.survey.kind, row.score)
    about = {
        "source": "answer",
        "mall_id": row.mall_id,
        "merchant_id": row.merchant_id,
        "said_at": row.answered_at,
    }
    _hear(actor, {"answer_id": row.pk}, about, words, rules.prior(verdict=verdict), row.person_id, now)


def hear_ticket(*, actor: Viewer, ticket_id: int, now: dt.datetime) -> None:
    """Take up what a ticket was opened with. Raises NotAllowed."""
    require(actor, HANDLE)
    row = Ticket.objects.filter(pk=ticket_id).first()
    if row is None or not (words := opening_words([row.pk]).get(row.pk, "")):
        return
    about = {
        "source": "ticket",
        "mall_id": row.mall_id,
        "merchant_id": row.merchant_id,
        "said_at": row.opened_at,
    }
    _hear(actor, {"ticket_id": row.pk}, about, words, rules.prior(kind=row.type), row.person_id, now)


def hear_conversation(*, actor: Viewer, conversation_id: int, now: dt.datetime) -> None:
    """Take up what a member wrote in a conversation that has ended. Raises NotAllowed."""
    require(actor, HANDLE)
    row = Conversation.objects.filter(pk=conversation_id).first()
    if row is None or not (words := verbatim_model.conversation_words([row.pk]).get(row.pk, "")):
        return
    about = {"source": "chat", "mall_id": row.mall_id, "merchant_id": None, "said_at": row.opened_at}
    _hear(actor, {"conversation_id": row.pk}, about, words, rules.NO_PRIOR, row.person_id, now)


@transaction.atomic
def _hear(
    actor: Viewer,
    key: dict[str, int],
    about: dict[str, Any],
    words: str,
    prior: Any,
    person_id: int | None,
    now: dt.datetime,
) -> None:
    row, is_new = Verbatim.objects.get_or_create(**key, defaults=about)
    known = verbatim_model.verbatim_reader()
    if not is_new or known is None:
        return
    _read(row, known, words, prior)
    row.save()
    events.publish(_read_fact(row, person_id), actor=actor, now=now)


def _read_fact(row: Verbatim, person_id: int | None) -> VerbatimRead:
    return VerbatimRead(row.pk, person_id, row.mall_id, row.source, row.sentiment, tuple(sorted(row.topics)))


def _read(row: Verbatim, known: tuple[str, rules.Model], words: str, prior: Any) -> None:
    reading = known[1].read(words, prior)
    row.sentiment, row.sureness, row.topics = reading.sentiment, reading.sureness, reading.topics
    row.digest = known[0]


@transaction.atomic
def read_verbatims(*, actor: Viewer, now: dt.datetime, limit: int = READ_BATCH) -> int:
    """Read with the newest model what an older one read, or none, and nobody decided on; how many. Raises NotAllowed.

    What is read for the first time is told to the log; another reading of it is not.
    """
    require(actor, HANDLE)
    known = verbatim_model.verbatim_reader()
    if known is None:
        return 0
    rows = Verbatim.objects.select_for_update(of=("self",), skip_locked=True)
    rows = rows.filter(decided_at=None).exclude(digest=known[0]).order_by("id")
    found = list(rows.select_related("answer__survey", "ticket", "conversation")[:limit])
    words = verbatim_model.words_of_verbatims(found)
    first = []
    for row in found:
        prior, person_id = _known_before(row)
        if not row.digest:
            first.append((row, person_id))
        _read(row, known, words[row.pk], prior)
    Verbatim.objects.bulk_update(found, ["sentiment", "sureness", "topics", "digest"])
    events.publish_many([_read_fact(row, person_id) for row, person_id in first], actor=actor, now=now)
    return len(found)


def _known_before(row: Verbatim) -> tuple[Any, int | None]:
    if row.answer is not None:
        verdict = survey_rules.verdict(row.answer.survey.kind, row.answer.score)
        return rules.prior(verdict=verdict), row.answer.person_id
    if row.ticket is not None:
        return rules.prior(kind=row.ticket.type), row.ticket.person_id
    return rules.NO_PRIOR, row.conversation.person_id if row.conversation else None


@transaction.atomic
def decide_verbatim(
    *, actor: Viewer, verbatim_id: int, sentiment: str, topics: Sequence[str], now: dt.datetime
) -> None:
    """Say how content somebody was and what about: kept over every later reading, and learnt from within a minute.

    A topic that the model had named keeps its own sentiment, unless the whole is now of another one. Raises ReadingInvalid,
    NotFound, NotAllowed.
    """
    row = load_visible(Verbatim.objects.select_for_update(of=("self",)), verbatim_id, actor, HANDLE, COLUMNS)
    if sentiment not in rules.SENTIMENTS or not set(topics) <= set(verbatim_model.topic_titles()):
        raise ReadingInvalid
    if not row.read_as:
        row.read_as = {"sentiment": row.sentiment, "topics": row.topics}
    same = sentiment == row.sentiment
    row.topics = {code: row.topics.get(code, sentiment) if same else sentiment for code in topics}
    row.sentiment, row.sureness, row.decided_at, row.decided_by = sentiment, 1.0, now, actor.label
    row.save()
    after = {"sentiment": sentiment, "topics": row.topics}
    audit.record(
        actor=actor, action="verbatim.decide", subject=("verbatim", row.pk), before=row.read_as, after=after, now=now
    )  # fmt: skip
    events.publish(
        VerbatimDecided(row.pk, row.mall_id, sentiment, tuple(sorted(row.topics))), actor=actor, now=now
    )


def train_verbatims(*, actor: Viewer, now: dt.datetime) -> bool:
    """Learn anew when there is something new to learn from; whether it did. Idempotent. Raises NotAllowed."""
    require(actor, MANAGE)
    digest = verbatim_model.verbatim_digest()
    if VerbatimModel.objects.filter(digest=digest).exists():
        return False
    examples, counts = verbatim_model.verbatim_examples()
    corpus = verbatim_model.corpus()
    keys = {code: topic.keys for code, topic in corpus.topics.items()}
    model = verbatim_training.fit_verbatims(examples, keys)
    figures = {
        "examples": counts,
        "families": rules.quality(model, corpus.testing()).as_figures(),
        "blind": rules.quality(model, corpus.blind).as_figures(),
        "oblique": rules.quality(model, corpus.looked_at).as_figures(),
    }
    store_verbatim_model(actor=actor, digest=digest, model=model, figures=figures, now=now)
    return True


@transaction.atomic
def store_verbatim_model(
    *, actor: Viewer, digest: str, model: rules.Model, figures: dict[str, Any], now: dt.datetime
) -> None:
    """Keep a model under the digest of what it learnt; the ones before the last two go. Raises NotAllowed."""
    require(actor, MANAGE)
    packed = verbatim_model.pack_verbatims(model)
    VerbatimModel.objects.update_or_create(
        digest=digest, defaults={"content": packed, "figures": figures, "trained_at": now}
    )
    kept = VerbatimModel.objects.order_by("-id").values_list("id", flat=True)[:MODELS_KEPT]
    VerbatimModel.objects.exclude(pk__in=list(kept)).delete()


@transaction.atomic
def forget_verbatims() -> None:
    """For a rebuild: whatever was read by the program goes; what people decided stays."""
    Verbatim.objects.filter(decided_at=None).delete()
