"""What the assistant answers, in the transaction of the message it answers: nothing is answered twice or not at all.

It does for members only what they may do themselves: every look-up and every ticket goes under their own authority.
It speaks Chinese, the language its intents are written in.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from zhike.kernel.access import Viewer
from zhike.organization import queries as organization
from zhike.service.models import BotMiss, Conversation, Message
from zhike.service.operations import _bot_jobs, _conversations, _sharing
from zhike.service.queries import bot as queries
from zhike.service.queries import knowledge
from zhike.service.rules import bot as words
from zhike.service.rules import intents

GUESSES_KEPT = 3


@dataclass(slots=True)
class Turn:
    """One message of a member and everything needed to answer it."""

    row: Conversation
    actor: Viewer
    message: Message
    text: str
    now: dt.datetime
    is_proven: bool = True
    ranked: list[tuple[str, float]] = field(default_factory=list)

    @property
    def group_id(self) -> int:
        return organization.mall(self.row.mall_id).group_id

    def reply(self, text: str, *choices: str) -> None:
        _conversations.say(self.row, "bot", text, self.now, choices=list(choices))
        self.row.bot_answers += 1
        self.row.awaits_us = False

    def hand_over(self, reason: str, skill: str = "") -> None:
        self.row.skill = skill or self.row.skill
        self.row.bot_state = {}
        guesses = [(code, round(share, 3)) for code, share in self.ranked[:GUESSES_KEPT]]
        _sharing.enqueue(self.row, reason, self.now, guesses=guesses)


def answer(
    row: Conversation, actor: Viewer, message: Message, text: str, now: dt.datetime, *, is_proven: bool = True
) -> None:
    """Answer a locked conversation that is with the assistant; the caller saves it.

    Whoever is not proven to be the member gets what everybody may know, and nothing done.
    """
    model = queries.current_model()
    turn = Turn(row, actor, message, text, now, is_proven)
    if model is None:
        turn.hand_over("no_bot")
        return
    if not text:
        turn.reply(words.NO_PICTURES, words.HUMAN)
        return
    turn.ranked = model.predict(_bot_jobs.without_names(turn))
    if words.wants_human(text) or _is_sure(turn, "human"):
        turn.hand_over("asked")
    elif row.bot_state.get("job") and not is_proven:
        turn.hand_over("unproven", row.skill)
    elif row.bot_state.get("job") and not words.gives_up(text):
        _bot_jobs.go_on(turn)
    elif row.bot_state.get("job"):
        row.bot_state = {}
        turn.reply(words.GIVEN_UP)
    else:
        _read(turn)


def _is_sure(turn: Turn, code: str) -> bool:
    return turn.ranked[0][0] == code and turn.ranked[0][1] >= intents.SURE


def _read(turn: Turn) -> None:
    """What it means: one of the things offered before, something sure, something to ask back about, or nothing."""
    known = queries.intent_set()
    offered = turn.row.bot_state.get("offered", [])
    turn.row.bot_state = {}
    chosen = next((code for code in offered if known[code].title == turn.text), None)
    if chosen is not None:
        _do(turn, known[chosen])
        return
    reading = intents.read(turn.ranked, asked_before=bool(offered))
    if reading.act == "do":
        _do(turn, known[reading.codes[0]])
    elif reading.act == "ask":
        turn.row.bot_state = {"offered": list(reading.codes)}
        turn.reply(words.WHICH, *(known[code].title for code in reading.codes), words.HUMAN)
    elif not _from_articles(turn):
        _miss(turn, "unsure")
        skill = known[reading.codes[0]].skill if reading.codes else "general"
        turn.reply(words.UNSURE)
        turn.hand_over("unsure", skill)


def _do(turn: Turn, intent: intents.Intent) -> None:
    turn.row.subject, turn.row.skill = intent.code, intent.skill
    if intent.kind == "job" and not turn.is_proven:
        turn.hand_over("unproven", intent.skill)
    elif intent.kind == "job":
        _bot_jobs.begin(turn, intent.code)
    elif intent.kind == "article":
        if not _tell(turn, intent.code):
            _miss(turn, "no_article")
            turn.hand_over("unable", intent.skill)
    elif intent.kind == "unable":
        turn.reply(words.UNABLE[intent.code])
        turn.hand_over("unable", intent.skill)
    elif intent.kind == "human":
        turn.reply(words.AT_ONCE.get(intent.code, words.SORRY))
        turn.hand_over("upset" if intent.code == "upset" else "complaint", intent.skill)
    elif intent.kind == "none":
        _miss(turn, "unrelated")
        turn.reply(words.UNRELATED, *words.EXAMPLES, words.HUMAN)
    else:
        turn.reply(words.TALK[intent.code], *(words.EXAMPLES if intent.code in words.WITH_EXAMPLES else ()))


def _tell(turn: Turn, code: str) -> bool:
    """The published article of an intent, if there is one for members."""
    found = [
        one
        for one in knowledge.search_articles(turn.actor, turn.group_id, "", limit=1_000)
        if one.code == code
    ]
    if found:
        turn.reply(found[0].body, words.SOLVED, words.HUMAN)
    return bool(found)


def _from_articles(turn: Turn) -> bool:
    """An article that answers a question the model does not know; only a clear find counts."""
    found = knowledge.search_articles(turn.actor, turn.group_id, turn.text, limit=2)
    if not found or not words.is_clear_find([one.score for one in found], turn.text):
        return False
    turn.reply(f"{found[0].title}\n{found[0].body}", words.SOLVED, words.HUMAN)
    turn.row.subject = found[0].code
    return True


def _miss(turn: Turn, reason: str) -> None:
    """For the learning queue."""
    BotMiss.objects.create(
        conversation=turn.row,
        number=turn.message.number,
        reason=reason,
        guesses=[(code, round(share, 3)) for code, share in turn.ranked[:GUESSES_KEPT]],
        missed_at=turn.now,
    )
