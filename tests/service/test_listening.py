"""What people say: clauses and figures, what is heard and read, corrections that stay and teach, who sees it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import lru_cache
from random import Random

import pytest

from tests.people import NOW, Crew, Malls
from tests.service.conftest import SYSTEM
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.events import drain
from zhike.kernel.models import AuditEntry, Event
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.handlers import listening
from zhike.service.models import SurveyAnswer, Verbatim, VerbatimModel
from zhike.service.queries import verbatim_model
from zhike.service.rules import regression
from zhike.service.rules import verbatims as rules

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C058", "C019")]
DAY = dt.timedelta(days=1)
PART = 12
Complain = Callable[..., str]


@lru_cache(maxsize=1)
def small_model() -> rules.Model:
    """Four topics and every third of the rest's clauses: learnt in a moment, once in a process."""
    corpus = verbatim_model.corpus()
    kept = {"clean", "parking", "staff", "food"}
    examples = [
        one
        for at, one in enumerate(corpus.training())
        if (one.topics is None and at % 8 == 0) or (one.topics and kept & set(one.topics) and at % 2 == 0)
    ]
    keys = {code: corpus.topics[code].keys for code in kept}
    return queries.fit_verbatims(examples, keys)


def learn(now: dt.datetime = NOW) -> None:
    service.store_verbatim_model(
        actor=SYSTEM, digest=queries.verbatim_digest(), model=small_model(), figures={}, now=now
    )


# --- reading -------------------------------------------------------------------------------------------------------


def test_a_comment_is_taken_apart_where_it_turns() -> None:
    assert rules.clauses("停车很方便，但是洗手间太脏了！服务好") == ["停车很方便", "洗手间太脏了", "服务好"]
    assert rules.clauses("好") == []
    assert rules.plain("太 好 了！！！！！！") == "太好了!!!"


def test_each_thing_has_its_own_mood() -> None:
    reading = small_model().read("停车很方便，但是洗手间太脏了，没人打扫")
    assert reading.topics == {"parking": "positive", "clean": "negative"}
    assert small_model().read("店员态度很差，不理人").sentiment == "negative"


def test_what_was_known_before_tips_what_the_words_leave_open() -> None:
    silent = rules.Linear(rules.SENTIMENTS, {}, [], [0.0, 0.0, 0.0])
    model = rules.Model(silent, rules.Linear((rules.OTHER,), {}, [], [0.0]), {})
    read = {v: model.read("昨天去了", rules.prior(verdict=v)) for v in ("low", "high")}
    assert (read["low"].sentiment, read["high"].sentiment) == ("negative", "positive")
    assert read["low"].sureness == 0.5556 and model.read("昨天去了").is_unsure
    assert rules.prior(kind="complaint") == rules.prior(verdict="low") and rules.prior() == {}


def test_nothing_of_the_test_is_in_what_it_learns_from() -> None:
    corpus = verbatim_model.corpus()
    learnt = {one.text for one in corpus.training()}
    held = (*corpus.testing(many=1_000), *corpus.blind, *corpus.looked_at)
    assert not learnt & {one.text for one in held}
    assert len(corpus.topics) == 17 and all(
        topic.trained(how) for topic in corpus.topics.values() for how in rules.SENTIMENTS
    )
    assert all(set(one.topics or ()) <= set(corpus.topics) for one in corpus.blind)


def test_a_model_is_the_same_after_it_was_kept() -> None:
    model = small_model()
    again = verbatim_model.unpack_verbatims(verbatim_model.pack_verbatims(model))
    for text in ("洗手间很脏", "味道不错，就是停车太贵", "几点关门"):
        assert again.read(text) == model.read(text)


def test_least_squares_finds_what_was_put_in_and_says_how_sure_it_is() -> None:
    rng = Random(5)
    rows = [[float(rng.random() < 0.4), float(rng.random() < 0.3)] for _ in range(600)]
    values = [70 - 30 * row[0] + 10 * row[1] + rng.gauss(0, 12) for row in rows]
    fitted = regression.least_squares(rows, values)
    for one, truth in zip(fitted, (-30, 10), strict=True):
        assert one is not None and abs(one[0] - truth) < one[1] * 2 and 1 < one[1] < 5
    twice = regression.least_squares([[*row, row[0]] for row in rows], values)
    assert twice[:2] == fitted and twice[2] is None
    assert regression.least_squares([[1.0, 0.0]] * 9, [1.0] * 9) == [None, None]
    assert regression.least_squares([[1.0]], [1.0]) == [None] and regression.least_squares([], []) == []


# --- heard ---------------------------------------------------------------------------------------------------------


def answer_at_place(malls: Malls, crew: Crew, score: int, comment: str, now: dt.datetime = NOW) -> None:
    service.found_surveys(actor=SYSTEM, group_id=malls.group, now=NOW)
    if not (places := queries.touchpoints(SYSTEM)):
        survey = next(one for one in queries.surveys(SYSTEM, malls.group) if one.trigger == "link")
        service.save_touchpoint(
            actor=SYSTEM,
            survey_id=survey.id,
            mall_id=malls.star,
            kind="restroom",
            name="三层洗手间",
            now=NOW,
        )
        places = queries.touchpoints(SYSTEM)
    nonce = f"n{SurveyAnswer.objects.count()}"
    service.answer_touchpoint(
        actor=system_viewer("survey-link"), code=places[0].code, nonce=nonce, device=nonce.encode(), score=score,
        comment=comment, answers={}, now=now,
    )  # fmt: skip


def test_answers_tickets_and_chats_are_heard_once_and_read(
    desk: Malls, crew: Crew, complain: Complain
) -> None:
    learn()
    answer_at_place(desk, crew, 1, "洗手间太脏了，没人打扫")
    answer_at_place(desk, crew, 5, "")
    number = complain()
    drain(listening)
    drain(listening)
    rows = {row.source: row for row in Verbatim.objects.all()}
    assert set(rows) == {"answer", "ticket"}
    assert rows["answer"].sentiment == "negative" and rows["answer"].topics == {"clean": "negative"}
    assert rows["ticket"].sentiment == "negative" and rows["ticket"].merchant_id == desk.cafe
    assert "staff" in rows["ticket"].topics
    told = Event.objects.filter(type="zhike.service.verbatim_read")
    assert told.count() == 2
    ticket = queries.ticket(crew.sun, number, NOW).row
    reading = queries.ticket_verbatim(crew.sun, ticket.id)
    assert reading is not None and reading.number == number and reading.words.startswith("咖啡里有异物")


def test_what_came_before_the_model_is_read_once_there_is_one(
    desk: Malls, crew: Crew, complain: Complain
) -> None:
    complain()
    drain(listening)
    assert Verbatim.objects.get().sentiment == ""
    assert service.read_verbatims(actor=SYSTEM, now=NOW) == 0
    learn()
    assert [service.read_verbatims(actor=SYSTEM, now=NOW) for _ in range(2)] == [1, 0]
    assert Verbatim.objects.get().sentiment == "negative"
    assert Event.objects.filter(type="zhike.service.verbatim_read").count() == 1


def test_a_rebuild_reads_again_and_keeps_what_people_decided(
    desk: Malls, crew: Crew, complain: Complain
) -> None:
    learn()
    complain()
    answer_at_place(desk, crew, 2, "停车太贵")
    drain(listening)
    decided = Verbatim.objects.get(source="ticket")
    service.decide_verbatim(
        actor=crew.sun, verbatim_id=decided.pk, sentiment="negative", topics=["food"], now=NOW
    )
    assert listening.reset is not None
    listening.reset()
    assert [row.source for row in Verbatim.objects.all()] == ["ticket"]
    assert set(Verbatim.objects.get().topics) == {"food"}


# --- people decide -------------------------------------------------------------------------------------------------


def test_a_correction_stays_is_audited_and_is_learnt_from(
    desk: Malls, crew: Crew, complain: Complain
) -> None:
    learn()
    complain()
    drain(listening)
    row = Verbatim.objects.get()
    before, digest = row.topics, queries.verbatim_digest()
    service.decide_verbatim(
        actor=crew.sun, verbatim_id=row.pk, sentiment="neutral", topics=["food"], now=NOW + DAY
    )
    row.refresh_from_db()
    assert (row.sentiment, row.topics, row.decided_by) == ("neutral", {"food": "neutral"}, crew.sun.label)
    assert row.read_as == {"sentiment": "negative", "topics": before}
    assert AuditEntry.objects.latest("id").action == "verbatim.decide"
    assert queries.verbatim_digest() != digest
    examples, counts = verbatim_model.verbatim_examples()
    assert counts["decided"] == 1 and examples[counts["ours"]].topics == ("food",)
    learn(NOW + DAY)
    assert service.read_verbatims(actor=SYSTEM, now=NOW + DAY) == 0
    row.refresh_from_db()
    assert row.sentiment == "neutral"
    quality = queries.reading_quality(crew.sun)
    assert (quality.decided, quality.agreed) == (1, 0)
    assert VerbatimModel.objects.count() == 2


def test_nonsense_and_strangers_change_nothing(desk: Malls, crew: Crew, complain: Complain) -> None:
    learn()
    complain()
    drain(listening)
    row = Verbatim.objects.get()

    def decide(actor: object, sentiment: str = "neutral", topics: tuple[str, ...] = ()) -> None:
        service.decide_verbatim(
            actor=actor,  # type: ignore[arg-type]
            verbatim_id=row.pk,
            sentiment=sentiment,
            topics=topics,
            now=NOW,
        )

    for sentiment, topics in (("happy", ()), ("neutral", ("moon",)), ("neutral", ("other",))):
        with pytest.raises(service.ReadingInvalid):
            decide(crew.sun, sentiment, topics)
    with pytest.raises((NotFound, NotAllowed)):
        decide(crew.qian)
    assert Verbatim.objects.get().decided_at is None
    assert not queries.verbatims_page(crew.qian, queries.Heard()).items
    with pytest.raises(NotAllowed):
        queries.verbatims_page(crew.zhou, queries.Heard())


# --- figures -------------------------------------------------------------------------------------------------------


def test_figures_compare_with_the_period_before_and_filters_hold(
    desk: Malls, crew: Crew, complain: Complain
) -> None:
    learn()
    for at, (score, words) in enumerate(
        [
            (1, "洗手间太脏了"),
            (1, "厕所很臭"),
            (5, "停车很方便"),
            (2, "停车太贵，洗手间也脏"),
            (1, "地面全是水"),
        ]
    ):
        answer_at_place(desk, crew, score, words, NOW - at * 20 * DAY)
    drain(listening)
    found = queries.listening(
        crew.sun, queries.Heard(mall_id=desk.star), since=NOW - 30 * DAY, until=NOW + DAY, zone=dt.UTC
    )
    clean = next(row for row in found.topics if row.code == "clean")
    assert (found.total, found.before) == (2, 2) and (clean.negative, clean.change.before) == (2, 1)
    assert clean.change.verdict == "unsure"
    assert sum(sum(counts.values()) for _week, counts in found.by_week) == 2
    assert queries.net_of(found.sentiments) == -1 and queries.net_of({}) is None

    def many(**conditions: object) -> int:
        return len(queries.verbatims_page(crew.sun, queries.Heard(**conditions)).items)  # type: ignore[arg-type]

    assert many() == 5 and many(topic="parking") == 2 and many(topic="parking", sentiment="negative") == 1
    assert many(source="ticket") == 0 and many(words="洗手间") == 2 and many(sentiment="positive") == 1
    assert many(since=NOW - 30 * DAY) == 2
    assert queries.score_drivers(crew.sun, mall_id=None, now=NOW) == ()


def test_what_goes_with_the_score(desk: Malls, crew: Crew) -> None:
    learn()
    for at in range(45):
        score, words = ((1 + at % 2, "洗手间太脏了"), (4 + at % 2, "随便看看"), (3, "没有意见"))[at % 3]
        answer_at_place(desk, crew, score, words, NOW - at * DAY)
    drain(listening)
    found = {(one.code, one.sentiment): one for one in queries.score_drivers(crew.sun, mall_id=None, now=NOW)}
    dirty = found["clean", "negative"]
    assert (
        dirty.is_sure and dirty.effect < -20 and dirty.count == 15 and dirty.low < dirty.effect < dirty.high
    )
