"""Words that are watched, noticing them as they are said, and what a supervisor makes of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, require_touch, system_viewer
from zhike.kernel.errors import Invalid, NotFound
from zhike.organization import queries as organization
from zhike.service.events import WordsNoticed
from zhike.service.models import Conversation, Message, SensitiveWord, WordAlert
from zhike.service.operations._conversations import names
from zhike.service.operations.settings import MANAGE
from zhike.service.queries import watch as queries
from zhike.service.rules import watch as rules

WATCHER = system_viewer("watch")
NOTE_MAX = 300


class WordsInvalid(Invalid):
    code = "sensitive-words-invalid"
    title = _(
        "Between 1 and %(limit)s words of up to 40 characters, each with at least two letters or one Chinese pair."
    )


class VerdictInvalid(Invalid):
    code = "word-alert-verdict-invalid"
    title = _("Say whether it is upheld or harmless; the note has up to 300 characters.")


def look(row: Conversation, message: Message, text: str, speaker: str, now: dt.datetime) -> None:
    """Open an alert when a watched word stands in a message that is being stored; its conversation is held."""
    words = queries.watched(organization.mall(row.mall_id).group_id) if text else []
    found = queries.noticed(words, text, speaker) if words else []
    if not found:
        return
    gravest = rules.gravest(found)
    alert = WordAlert.objects.create(
        conversation=row,
        message=message,
        mall_id=row.mall_id,
        speaker=speaker,
        staff_id=message.author_id if speaker == "staff" else None,
        category=gravest.category,
        severity=gravest.severity,
        terms=sorted({hit.word.term for hit in found}),
        marks=[[hit.start, hit.end] for hit in found],
        noticed_at=now,
    )
    fact = WordsNoticed(*names(row), alert.pk, gravest.category, gravest.severity, speaker)
    events.publish(fact, actor=WATCHER, now=now)


@transaction.atomic
def save_sensitive_words(
    *,
    actor: Viewer,
    group_id: int,
    terms: Sequence[str],
    category: str,
    severity: str,
    speaker: str = "both",
    now: dt.datetime,
) -> int:
    """Watch these words from now on, or watch them otherwise; how many. What was said before is not looked through.

    Raises WordsInvalid, NotAllowed.
    """
    require_touch(actor, MANAGE)
    wanted = {rules.fold(term).text: " ".join(term.split()) for term in terms if term.strip()}
    is_right = (
        category in rules.CATEGORIES and severity in rules.SEVERITIES and speaker in rules.SPEAKERS
    ) and 0 < len(wanted) <= rules.TERMS_MAX
    if not is_right or any(len(folded) < 2 or len(term) > rules.TERM_MAX for folded, term in wanted.items()):
        raise WordsInvalid(limit=rules.TERMS_MAX)
    for folded, term in wanted.items():
        sounds = queries.sound_of(folded)
        SensitiveWord.objects.update_or_create(
            group_id=group_id,
            folded=folded[: rules.TERM_MAX],
            defaults={
                "term": term,
                "sound": " ".join(sounds) if all(map(rules.is_han, folded)) else "",
                "category": category,
                "severity": severity,
                "speaker": speaker,
                "created_at": now,
                "created_by": actor.label,
                "retired_at": None,
            },
        )
    audit.record(
        actor=actor,
        action="sensitive_words.save",
        subject=("group", group_id),
        after={
            "terms": sorted(wanted.values()),
            "category": category,
            "severity": severity,
            "speaker": speaker,
        },
        now=now,
    )
    return len(wanted)


@transaction.atomic
def drop_sensitive_word(*, actor: Viewer, word_id: int, now: dt.datetime) -> None:
    """Watch it no longer; alerts stay. Raises NotFound, NotAllowed."""
    require_touch(actor, MANAGE)
    row = SensitiveWord.objects.select_for_update().filter(pk=word_id, retired_at=None).first()
    if row is None:
        raise NotFound
    row.retired_at = now
    row.save(update_fields=["retired_at"])
    audit.record(
        actor=actor,
        action="sensitive_words.drop",
        subject=("group", row.group_id),
        after={"term": row.term},
        now=now,
    )


def found_sensitive_words(*, actor: Viewer, group_id: int, now: dt.datetime) -> None:
    """The usual words, where none were ever written down. Raises NotAllowed."""
    if SensitiveWord.objects.filter(group_id=group_id).exists():
        return
    for category, severity, speaker, terms in rules.USUAL:
        save_sensitive_words(
            actor=actor, group_id=group_id, terms=terms, category=category, severity=severity, speaker=speaker, now=now
        )  # fmt: skip


@transaction.atomic
def judge_word_alert(*, actor: Viewer, alert_id: int, verdict: str, note: str = "", now: dt.datetime) -> None:
    """A supervisor looked: it is upheld, or harmless. It can be judged anew. Raises VerdictInvalid, NotFound, NotAllowed."""
    note = " ".join(note.split())
    if verdict not in rules.VERDICTS or len(note) > NOTE_MAX:
        raise VerdictInvalid
    rows = WordAlert.objects.select_for_update(of=("self",))
    row = load_visible(rows, alert_id, actor, queries.HANDLE, queries.COLUMNS)
    before = row.verdict
    row.verdict, row.note, row.judged_at, row.judged_by = verdict, note, now, actor.label
    row.save(update_fields=["verdict", "note", "judged_at", "judged_by"])
    audit.record(
        actor=actor,
        action="word_alert.judge",
        subject=("word_alert", row.pk),
        before={"verdict": before},
        after={"verdict": verdict},
        reason=note,
        now=now,
    )
