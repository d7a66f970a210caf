"""Quality of conversations: a draw nobody can steer, a score with its formula, an appeal that somebody else decides."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection

from tests.people import NOW, Crew, Malls
from tests.service.conftest import SYSTEM
from tests.service.quality_scene import MONDAY, WEEK, Scene, talk
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import Conversation, QualityChecklistVersion, QualityPick, QualityReview
from zhike.service.rules import quality as rules
from zhike.service.rules import quality_facts

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C194")]
DAY = dt.timedelta(days=1)


@pytest.fixture
def scene(malls: Malls, crew: Crew, zhang_san: int) -> Scene:
    return Scene(malls, crew, zhang_san)


# --- the rules -----------------------------------------------------------------------------------------------------

ITEMS = (
    rules.Item("a", "quality", "甲", 10),
    rules.Item("b", "process", "乙", 5),
    rules.Item("c", "attitude", "丙", 5, fatal=True),
)


@pytest.mark.parametrize(
    ("a", "b", "c", "total", "sections"),
    [
        ("yes", "yes", "yes", 1000, {"quality": 1000, "process": 1000, "attitude": 1000}),
        ("partly", "no", "yes", 500, {"quality": 500, "process": 0, "attitude": 1000}),
        ("yes", "na", "yes", 1000, {"quality": 1000, "attitude": 1000}),
        ("yes", "partly", "na", 833, {"quality": 1000, "process": 500}),
        ("yes", "yes", "no", 0, {"quality": 1000, "process": 1000, "attitude": 0}),
    ],
)
def test_score(a: str, b: str, c: str, total: int, sections: dict[str, int]) -> None:
    found = rules.score(ITEMS, {"a": a, "b": b, "c": c})
    assert (found.total, found.sections) == (total, sections)
    assert found.fatal == (("c",) if c == "no" else ())


def test_answers_that_do_not_fit() -> None:
    fine = {"a": "yes", "b": "no", "c": "na"}
    assert rules.answers_are_right(ITEMS, fine)
    for wrong in ({"c": "partly"}, {"a": "often"}, {"d": "yes"}, dict.fromkeys("abc", "na")):
        assert not rules.answers_are_right(ITEMS, fine | wrong)
    assert not rules.answers_are_right(ITEMS, {"a": "yes", "b": "yes"})


def test_draw_is_the_same_again_and_another_with_another_seed() -> None:
    rows = [rules.Candidate(n, f"C{n}", 1 + n % 2) for n in range(40)] + [rules.Candidate(99, "C99", None)]
    drawn = rules.draw(rows, "x", 10, 1)
    assert drawn == rules.draw(reversed(rows), "x", 10, 1)
    assert len(drawn) == 4 and 99 not in drawn
    assert any(set(rules.draw(rows, str(seed), 10, 1)) != set(drawn) for seed in range(5))
    assert len(rules.draw(rows, "x", 0, 3)) == 6 and rules.draw(rows, "x", 0, 0) == []
    twice = [n for n in range(400) if rules.is_double("x", f"C{n}", 25)]
    assert 70 <= len(twice) <= 130 and not any(rules.is_double("x", f"C{n}", 0) for n in range(400))


def test_shared_out_by_what_is_left_and_never_to_oneself() -> None:
    waiting = [(pick, frozenset({7} if pick == 1 else ())) for pick in range(1, 6)]
    assert rules.share_out(waiting, {7: 2, 8: 2}) == [(1, 8), (2, 7), (3, 7), (4, 8)]


def test_kappa_of_a_textbook() -> None:
    """Two readers of fifty applications: 20 both yes, 15 both no, 5 and 10 apart: kappa 0.4."""
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    found = rules.agreement(pairs)
    assert (found.pairs, found.observed, found.expected) == (50, 0.7, 0.5)
    assert found.kappa == pytest.approx(0.4)
    assert rules.agreement(pairs[:19]).kappa is None and rules.agreement([]).observed is None
    assert rules.agreement([("yes", "yes")] * 30).kappa is None


def test_facts_are_said_and_not_judged() -> None:
    def line(number: int, who: str, text: str, seconds: int, **more: Any) -> quality_facts.Said:
        kind, what = more.get("kind", "text"), more.get("what", "")
        return quality_facts.Said(
            number, kind, who, "member", text, what, MONDAY + dt.timedelta(seconds=seconds)
        )

    said = [
        line(1, "member", "帮我看看手机号", 0),
        line(2, "system", "", 60, kind="event", what="queued"),
        line(3, "staff", "在的", 300),
        line(4, "member", "快点", 310),
        line(5, "staff", "您的号码是13800138000", 400),
        line(6, "staff", "感谢您的咨询", 401),
    ]
    facts = {one.code: one for one in quality_facts.facts(said, 180, [5], 2)}
    assert (facts["first_answer"].state, facts["first_answer"].value) == ("bad", 240)
    assert (facts["longest_wait"].value, facts["longest_wait"].numbers) == (90, (4, 5))
    assert (facts["greeting"].state, facts["farewell"].state) == ("bad", "good")
    assert (facts["identity"].state, facts["identity"].numbers) == ("bad", (5,))
    assert (facts["watched_words"].value, facts["satisfaction"].value) == (1, 2)
    said.insert(3, line(3, "staff", "先和您核实一下身份", 301))
    facts = {one.code: one for one in quality_facts.facts(said, 300, [], None)}
    assert facts["identity"].state == "good" and "satisfaction" not in facts


# --- the draw ------------------------------------------------------------------------------------------------------


def test_week_is_drawn_once_and_only_when_it_is_over(scene: Scene) -> None:
    first, second = scene.talk(), scene.talk(at=MONDAY + DAY)
    scene.talk(at=NOW - DAY)
    with pytest.raises(service.NoPlan):
        service.draw_quality(actor=scene.crew.wang, mall_id=scene.malls.star, week=WEEK, now=NOW)
    picks = scene.drawn()
    assert {one.conversation_id for one in picks} == {first, second}
    assert all(one.reasons == ["random"] and one.agent_id == scene.crew.sun.id for one in picks)
    again = service.draw_quality(
        actor=scene.crew.wang, mall_id=scene.malls.star, week=WEEK, now=NOW, seed="better"
    )
    assert again == scene.draw
    [draw] = queries.quality_draws(scene.crew.wang)
    assert (draw.seed, draw.population, draw.picks, draw.repeats) == ("seed", 2, 2, True)
    with pytest.raises(service.WeekNotOver):
        service.draw_quality(actor=scene.crew.wang, mall_id=scene.malls.star, week=NOW.date(), now=NOW)
    with pytest.raises(NotAllowed):
        service.draw_quality(actor=scene.crew.sun, mall_id=scene.malls.star, week=WEEK, now=NOW)
    assert Event.objects.filter(type="zhike.service.quality_drawn").count() == 1


def test_what_is_looked_at_anyway(scene: Scene) -> None:
    service.found_sensitive_words(actor=SYSTEM, group_id=scene.malls.group, now=MONDAY)
    plain = scene.talk()
    angry = scene.talk("你们是骗子", "您好，很抱歉", at=MONDAY + DAY)
    late = scene.talk("请问几点关门", "十点", at=MONDAY + 2 * DAY, waits=(700,))
    left = talk(None, scene.person, scene.malls.star, "有人吗", at=MONDAY + 3 * DAY)
    picks = {one.conversation_id: one for one in scene.drawn(percent=0)}
    assert picks[angry].reasons == ["words"]
    assert picks[late].reasons == ["handoff"] and picks[left].reasons == ["handoff"]
    assert picks[left].agent_id is None and plain not in picks
    assert service.take_late_reasons(actor=SYSTEM, mall_id=scene.malls.star, week=WEEK, now=NOW) == 0
    scene_alert = queries.word_alerts_page(scene.crew.wang).items[0]
    service.judge_word_alert(actor=scene.crew.wang, alert_id=scene_alert.id, verdict="harmless", now=NOW)
    assert QualityPick.objects.filter(conversation_id=angry).exists()


def test_the_hourly_job_draws_and_takes_what_comes_later(scene: Scene) -> None:
    service.found_sensitive_words(actor=SYSTEM, group_id=scene.malls.group, now=MONDAY)
    pk = scene.talk()
    scene.publish(percent=0)
    assert service.sample_quality(actor=SYSTEM, now=NOW) == 0
    assert not QualityPick.objects.exists()
    Conversation.objects.filter(pk=pk).update(rank=5)
    scene.publish(percent=0, always=("vip",))
    assert service.sample_quality(actor=SYSTEM, now=NOW) == 0  # the week was drawn by the plan of its time
    assert len(queries.quality_draws(scene.crew.wang)) == 1


def test_complaints_have_their_own_checklist(scene: Scene) -> None:
    pk = scene.talk()
    Conversation.objects.filter(pk=pk).update(skill="complaints")
    [pick] = scene.drawn()
    assert pick.checklist.checklist.code == "complaint"


def test_quota_leaves_the_rest_waiting_until_somebody_is_named(scene: Scene) -> None:
    for day in range(3):
        scene.talk(at=MONDAY + day * DAY)
    wang, ops = scene.crew.wang.id or 0, scene.crew.ops.id or 0
    picks = scene.drawn(reviewers=((wang, 1), (ops, 1)))
    assert sorted(str(one.first_id) for one in picks) == sorted([str(wang), str(ops), "None"])
    [free] = [one for one in picks if one.first_id is None]
    with pytest.raises(service.SeatTaken):
        service.assign_quality_pick(
            actor=scene.crew.ops, pick_id=free.pk, seat="first", reviewer_id=scene.crew.sun.id or 0, now=NOW
        )
    with pytest.raises(NotFound):
        service.assign_quality_pick(
            actor=scene.crew.qian, pick_id=free.pk, seat="first", reviewer_id=wang, now=NOW
        )
    service.assign_quality_pick(
        actor=scene.crew.ops, pick_id=free.pk, seat="first", reviewer_id=wang, now=NOW
    )
    assert queries.quality_counts(scene.crew.wang)["mine"] == 2


# --- reviews -------------------------------------------------------------------------------------------------------


def review(scene: Scene, pick: QualityPick, actor: Viewer | None = None, **changes: Any) -> int:
    findings = service.Findings(answers=scene.answers(pick, **changes.pop("answers", {})), **changes)
    return service.review_conversation(
        actor=actor or scene.reviewer(pick), pick_id=pick.pk, findings=findings, now=NOW
    )


def test_reviewed_with_evidence_and_seen_by_whom_it_is_about(scene: Scene) -> None:
    scene.talk()
    [pick] = scene.drawn()
    sun = scene.crew.sun
    with pytest.raises(NotFound):
        queries.pick_file(sun, pick.pk, NOW)
    quote = service.Quote(4, 0, 2)
    number = next(
        one.number
        for one in queries.pick_file(scene.crew.wang, pick.pk, NOW).messages
        if one.author_kind == "staff"
    )
    quote = service.Quote(number, 0, 2)
    assert (
        review(
            scene,
            pick,
            answers={"beyond": "partly"},
            quotes={"greeting": [quote]},
            notes={"beyond": "可以提醒生日礼"},
        )
        == 1
    )
    file = queries.pick_file(sun, pick.pk, NOW)
    [shown] = file.reviews
    assert shown.quotes["greeting"][0].text == "您好" and shown.notes == {"beyond": "可以提醒生日礼"}
    assert (shown.score, file.pick.score, shown.holds) == (975, 975, True)
    assert file.may_appeal and not file.may_review
    assert file.facts["greeting"].state == "good"
    assert review(scene, pick) == 2
    assert QualityReview.objects.count() == 2
    assert queries.pick(sun, pick.pk).score == 1000
    assert AuditEntry.objects.filter(action="quality.review").count() == 2
    event = Event.objects.filter(type="zhike.service.quality_reviewed").latest("position")
    assert (event.data["score"], event.data["staff_id"]) == (1000, sun.id)


def test_strangers_and_unfinished_answers(scene: Scene) -> None:
    scene.talk()
    [pick] = scene.drawn()
    other = next(one for one in (scene.crew.wang, scene.crew.ops) if one.id != pick.first_id)
    for actor, error in (
        (scene.crew.qian, NotFound),
        (scene.crew.sun, NotFound),
        (scene.crew.li, NotFound),
        (other, service.NotYourReview),
    ):
        with pytest.raises(error):
            review(scene, pick, actor)
    for wrong in (
        {"answers": {"polite": "partly"}},
        {"notes": {"nothing": "x"}},
        {"comment": "很" * 601},
        {"quotes": {"polite": [service.Quote(99)]}},
        {"quotes": {"polite": [service.Quote(1, 0, 5000)]}},
    ):
        with pytest.raises(service.ReviewInvalid):
            review(scene, pick, **wrong)
    assert not QualityReview.objects.exists()


def test_two_reviewers_do_not_see_each_other_before_both_are_done(scene: Scene) -> None:
    scene.talk()
    [pick] = scene.drawn(double_percent=100)
    assert pick.second_id and pick.second_id != pick.first_id
    review(scene, pick, answers={"polite": "no"})
    second = scene.reviewer(pick, "second")
    assert not queries.pick_file(second, pick.pk, NOW).reviews
    with pytest.raises(NotFound):
        queries.pick_file(scene.crew.sun, pick.pk, NOW)
    review(scene, pick, second)
    assert len(queries.pick_file(second, pick.pk, NOW).reviews) == 2
    report = queries.quality_report(scene.crew.wang, since=WEEK, until=WEEK + 7 * DAY)
    assert (report.doubles, report.apart, report.agreement.pairs) == (1, 1, 12)
    assert report.agreement.kappa is None
    assert (report.total.mean, report.total.fatal) == (0, 1)


def test_knocked_out_appealed_and_decided_by_somebody_else(scene: Scene) -> None:
    scene.talk()
    [pick] = scene.drawn()
    sun, lin = scene.crew.sun, scene.crew.lin
    review(scene, pick, answers={"right": "no"})
    assert queries.pick(sun, pick.pk).is_fatal
    with pytest.raises(service.AppealTextMissing):
        service.appeal_review(actor=sun, pick_id=pick.pk, reason="不服", now=NOW)
    with pytest.raises(service.AppealImpossible):
        service.appeal_review(actor=sun, pick_id=pick.pk, reason="答复与知识库一致", now=NOW + 6 * DAY)
    with pytest.raises(service.AppealImpossible):
        service.appeal_review(actor=lin, pick_id=pick.pk, reason="答复与知识库一致", now=NOW)
    service.appeal_review(actor=sun, pick_id=pick.pk, reason="答复与知识库一致", now=NOW + DAY)
    with pytest.raises(service.ReviewFixed):
        review(scene, pick)
    with pytest.raises(service.AppealImpossible):
        service.appeal_review(actor=sun, pick_id=pick.pk, reason="答复与知识库一致", now=NOW + DAY)
    findings = service.Findings(answers=scene.answers(pick))

    def decide(actor: Viewer) -> None:
        service.decide_quality_appeal(
            actor=actor, pick_id=pick.pk, decision="核对后改判", findings=findings, now=NOW + DAY
        )

    with pytest.raises(service.SecondPerson):
        decide(scene.reviewer(pick))
    with pytest.raises(NotFound):
        decide(scene.crew.qian)
    decide(lin)
    with pytest.raises(service.AppealImpossible):
        decide(lin)
    file = queries.pick_file(sun, pick.pk, NOW)
    assert (file.pick.outcome, file.pick.score, file.pick.is_fatal) == ("changed", 1000, False)
    assert [(one.seat, one.holds) for one in file.reviews] == [("appeal", True), ("first", False)]
    assert [one.outcome for one in queries.quality_lines(lin, since=WEEK, until=WEEK + DAY)] == ["changed"]


def test_report_counts_the_random_share_and_ranks_nobody_by_few(scene: Scene) -> None:
    service.found_sensitive_words(actor=SYSTEM, group_id=scene.malls.group, now=MONDAY)
    for day in range(5):
        scene.talk(at=MONDAY + day * DAY)
    scene.talk("我要打12315", "您好，抱歉", agent=scene.crew.ops, at=MONDAY + 6 * DAY)
    picks = scene.drawn(reviewers=((scene.crew.wang.id or 0, 50),))
    for pick in picks:
        service.review_conversation(
            actor=scene.crew.wang,
            pick_id=pick.pk,
            findings=service.Findings(answers=scene.answers(pick, proposal="no")),
            now=NOW,
        )
    report = queries.quality_report(scene.crew.wang, since=WEEK, until=WEEK + 7 * DAY)
    assert [(row.name, row.many, row.is_enough) for row in report.agents] == [
        ("孙客服", 5, True),
        ("冯运营", 1, False),
    ]
    assert report.total.mean == 950 and report.items[0].code == "proposal"
    assert report.items[0].share == 0 and {s: m for s, m, _n in report.sections}["innovation"] == 500
    own = queries.quality_report(scene.crew.sun, since=WEEK, until=WEEK + 7 * DAY)
    assert [row.name for row in own.agents] == ["孙客服"]
    assert not queries.quality_report(scene.crew.qian, since=WEEK, until=WEEK + 7 * DAY).agents
    with pytest.raises(NotAllowed):
        queries.quality_lines(scene.crew.sun, since=WEEK, until=WEEK + 7 * DAY)


def test_coaching_is_between_two_people(scene: Scene) -> None:
    sun, wang = scene.crew.sun, scene.crew.wang

    def note(actor: Viewer, coached: Viewer = sun, text: str = "首句问候后先复述问题") -> int:
        return service.note_coaching(
            actor=actor, mall_id=scene.malls.star, coached_id=coached.id or 0, text=text, now=NOW
        )

    for actor in (sun, scene.crew.qian):
        with pytest.raises(NotAllowed):
            note(actor)
    for wrong in ({"text": " "}, {"coached": scene.crew.li}):
        with pytest.raises(service.CoachingInvalid):
            note(wang, **wrong)  # type: ignore[arg-type]
    pk = note(wang)
    with pytest.raises(NotFound):
        service.read_coaching(actor=wang, note_id=pk, now=NOW)
    service.read_coaching(actor=sun, note_id=pk, now=NOW)
    [shown] = queries.coaching_notes(sun)
    assert shown.read_at == NOW and not queries.coaching_notes(scene.crew.qian)


@pytest.mark.django_db(transaction=True)
def test_thirty_two_draw_at_once_and_one_draw_is_made(scene: Scene) -> None:
    for day in range(3):
        scene.talk(at=MONDAY + day * DAY)
    scene.publish(percent=40)
    wang, star = scene.crew.wang, scene.malls.star
    gate, made, failures = threading.Barrier(32), set(), []

    def run(place: int) -> None:
        try:
            gate.wait()
            made.add(service.draw_quality(actor=wang, mall_id=star, week=WEEK, now=NOW, seed=f"mine{place}"))
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and len(made) == 1
    [draw] = queries.quality_draws(wang)
    assert (draw.picks, draw.repeats) == (2, True)
    assert QualityPick.objects.count() == 2


# --- what is judged by ---------------------------------------------------------------------------------------------


def test_checklists_are_versions(scene: Scene) -> None:
    def save(actor: Viewer = scene.crew.ops, **changes: Any) -> int:
        values: dict[str, Any] = {
            "group_id": scene.malls.group,
            "code": "night",
            "name": "夜班",
            "items": ITEMS,
        }
        return service.save_checklist(actor=actor, now=NOW, **values | changes)

    assert save() == 1 and save(name="夜间") == 1
    assert save(items=ITEMS[:2]) == 2
    assert [one.version for one in QualityChecklistVersion.objects.order_by("id")] == [1, 2]
    for wrong in (
        {"items": ()},
        {"items": (*ITEMS, ITEMS[0])},
        {"items": (rules.Item("x", "nothing", "甲", 1),)},
        {"items": (rules.Item("x", "quality", "甲", 21),)},
        {"code": "A B"},
        {"skills": ["flying"]},
    ):
        with pytest.raises(service.ChecklistInvalid):
            save(**wrong)
    for actor in (scene.crew.wang, scene.crew.sun):
        with pytest.raises(NotAllowed):
            save(actor)


def test_plan_that_cannot_be_kept(scene: Scene) -> None:
    for wrong in (
        {"percent": 101},
        {"appeal_days": 0},
        {"always": ("mood",)},
        {"reviewers": ((scene.crew.sun.id, 5),)},
        {"reviewers": ((scene.crew.wang.id, 5), (scene.crew.wang.id, 5))},
        {"reviewers": ((scene.crew.wang.id, 0),)},
    ):
        with pytest.raises(service.PlanInvalid):
            scene.publish(**wrong)
    with pytest.raises(NotAllowed):
        service.publish_quality_plan(
            actor=scene.crew.wang, mall_id=scene.malls.star, plan=scene.plan(), now=NOW
        )
