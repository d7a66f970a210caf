"""The reader of comments: what it learns from, its packed form, the newest one."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import zlib
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from zhike.service.models import Message, SurveyAnswer, Verbatim, VerbatimModel
from zhike.service.queries.calendars import SHIPPED
from zhike.service.queries.conversations import text_of
from zhike.service.queries.tickets import opening_words
from zhike.service.rules import surveys as survey_rules
from zhike.service.rules import verbatims as rules

METHOD = "nb-lr-1"
"""Part of the digest: another way of training makes another model of the same words."""
SCORED_MAX = 20_000
SCORED_STEP = 200
"""So many more comments with a score, and it learns anew."""
SCORED_CHARS_MIN = 4


@lru_cache(maxsize=1)
def corpus() -> rules.Corpus:
    """The words that come with the program."""
    return rules.parse((SHIPPED / "verbatims.txt").read_text("utf-8"))


def topic_titles() -> dict[str, str]:
    return {code: topic.title for code, topic in corpus().topics.items() if code != rules.OTHER}


# --- what was said -------------------------------------------------------------------------------------------------


def answer_words(answer: SurveyAnswer) -> str:
    """The comment, and the answers that were given in words."""
    asked = answer.version.questions
    told = [
        str(answer.answers.get(str(place), "")) for place, one in enumerate(asked) if one["type"] == "text"
    ]
    return "\n".join(part for part in (answer.comment, *told) if part.strip())


def conversation_words(ids: Iterable[int]) -> dict[int, str]:
    """What members wrote in each conversation."""
    rows = Message.objects.filter(conversation_id__in=list(ids), kind="text", author_kind="member")
    said: dict[int, list[str]] = {}
    for row in rows.order_by("conversation_id", "number"):
        said.setdefault(row.conversation_id, []).append(text_of(row))
    return {pk: "\n".join(parts) for pk, parts in said.items()}


def words_of_verbatims(rows: Sequence[Verbatim]) -> dict[int, str]:
    """The words of each, from where they were said."""
    answers = SurveyAnswer.objects.select_related("version").in_bulk(
        [row.answer_id for row in rows if row.answer_id]
    )
    tickets = opening_words([row.ticket_id for row in rows if row.ticket_id])
    chats = conversation_words([row.conversation_id for row in rows if row.conversation_id])
    found = {}
    for row in rows:
        if row.answer_id:
            found[row.pk] = answer_words(answers[row.answer_id])
        else:
            found[row.pk] = tickets.get(row.ticket_id or 0) or chats.get(row.conversation_id or 0) or ""
    return found


# --- what it learns from -------------------------------------------------------------------------------------------


def verbatim_digest() -> str:
    """Names everything there is to learn from now."""
    decided = Verbatim.objects.exclude(decided_at=None).order_by("id")
    taught = ",".join(f"{pk}:{at:%s}" for pk, at in decided.values_list("id", "decided_at"))
    parts = (METHOD, taught, str(_scored().count() // SCORED_STEP), _reviews_stamp())
    content = (SHIPPED / "verbatims.txt").read_bytes()
    return hashlib.sha256(content + "\n".join(parts).encode()).hexdigest()


def verbatim_examples() -> tuple[list[rules.Example], dict[str, int]]:
    """Everything to learn from, and how many came from where: ours, decided by people, scored by members, a file."""
    ours = corpus().training()
    rows = list(Verbatim.objects.exclude(decided_at=None).order_by("id"))
    words = words_of_verbatims(rows)
    decided = [
        rules.Example(words[row.pk], row.sentiment, tuple(row.topics) or (rules.OTHER,)) for row in rows
    ]
    scored = [
        rules.Example(answer.comment, "negative" if verdict == "low" else "positive", None)
        for answer in _scored().select_related("survey").order_by("-id")[:SCORED_MAX]
        if (verdict := survey_rules.verdict(answer.survey.kind, answer.score))
        and len(answer.comment) >= SCORED_CHARS_MIN
    ]
    reviews = list(_reviews())
    counts = {"ours": len(ours), "decided": len(decided), "scored": len(scored), "reviews": len(reviews)}
    return [*ours, *decided, *scored, *reviews], counts


def _scored() -> Any:
    return SurveyAnswer.objects.exclude(comment="")


def _reviews_stamp() -> str:
    path = settings.REVIEWS_FILE
    if not path or not Path(path).is_file():
        return ""
    found = Path(path).stat()
    return f"{path}:{found.st_size}:{found.st_mtime_ns}"


def _reviews() -> Iterable[rules.Example]:
    """Labelled reviews of the operator's own: a CSV file (or .csv.gz) with `label` (1 praise, 0 blame) and `review`."""
    if not _reviews_stamp():
        return
    path = Path(settings.REVIEWS_FILE)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row.get("label") in ("0", "1") and row.get("review"):
                sentiment = "positive" if row["label"] == "1" else "negative"
                yield rules.Example(row["review"], sentiment, None)


# --- the model -----------------------------------------------------------------------------------------------------


def pack_verbatims(model: rules.Model) -> bytes:
    """Two linear models: a line about each, then their numbers."""
    parts = []
    for one in (model.sentiment, model.topic):
        head = {"codes": one.codes, "grams": list(one.index), "bias": [round(value, 5) for value in one.bias]}
        parts.append(json.dumps(head, ensure_ascii=False).encode())
    parts.append(json.dumps(model.keys, ensure_ascii=False).encode())
    numbers = array("f", model.sentiment.weights).tobytes() + array("f", model.topic.weights).tobytes()
    return zlib.compress(b"\n".join([*parts, numbers]), 6)


def unpack_verbatims(content: bytes) -> rules.Model:
    first, second, keys, rest = zlib.decompress(content).split(b"\n", 3)
    numbers = array("f")
    numbers.frombytes(rest)
    found, begin = [], 0
    for head in (json.loads(first), json.loads(second)):
        size = len(head["grams"]) * len(head["codes"])
        index = {gram: row for row, gram in enumerate(head["grams"])}
        found.append(rules.Linear(tuple(head["codes"]), index, numbers[begin : begin + size], head["bias"]))
        begin += size
    return rules.Model(found[0], found[1], {code: tuple(words) for code, words in json.loads(keys).items()})


_loaded: dict[str, rules.Model] = {}


def verbatim_reader() -> tuple[str, rules.Model] | None:
    """The newest model and its digest, read once in a process; None before the first training."""
    digest = VerbatimModel.objects.order_by("-id").values_list("digest", flat=True).first()
    if digest is None:
        return None
    if digest not in _loaded:
        row = VerbatimModel.objects.get(digest=digest)
        _loaded.clear()
        _loaded[digest] = unpack_verbatims(bytes(row.content))
    return digest, _loaded[digest]
