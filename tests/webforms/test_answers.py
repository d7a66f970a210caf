"""Answers: in time, within limits, once; what they set off, once; who reads them; what erasure and merging do."""

from __future__ import annotations

import datetime as dt
import io
import json
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from openpyxl import load_workbook

from tests.kernel.threads import run_threads
from tests.people import NOW, Crew, Malls
from tests.webforms.conftest import PNG, SIGN_UP, SYSTEM, VISIT, Publish, send
from zhike.customers import queries as customers
from zhike.insight import operations as insight
from zhike.insight import queries as insight_queries
from zhike.kernel import forgetting
from zhike.kernel.access import Grant, Viewer
from zhike.kernel.errors import NotAllowed, NotFound, Problem
from zhike.kernel.models import AuditEntry, Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as loyalty_queries
from zhike.privacy import queries as privacy
from zhike.service.models import Entry, Ticket
from zhike.ui.console.spreadsheet import xlsx_response
from zhike.webforms import operations, queries
from zhike.webforms.handlers import form_deeds
from zhike.webforms.models import Answer, AnswerFile, Deed, Form
from zhike.webforms.operations import answering
from zhike.webforms.personal import HOLDINGS, KEEPINGS
from zhike.webforms.queries import Definition, EnrolDeed, Field, TicketDeed, Upload

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C007", "C023")]
DAY, SECOND = dt.timedelta(days=1), dt.timedelta(seconds=1)
GOOD = {"q1": "5", "q4": "10", "q6": "白领", "q5": {"卫生": "好", "温度": "一般"}}
BAD = {"q1": "1", "q2": ["服务态度", "停车"], "q3": "店员一直玩手机", "q4": "2", "q7": "on"}


def refused(form: queries.OpenForm, given: dict[str, object], **more: object) -> str:
    kept = Answer.objects.count()
    with pytest.raises(Problem) as problem:
        send(form, given, **more)
    assert Answer.objects.count() == kept
    return problem.value.code


# --- building ------------------------------------------------------------------------------------------------------


def test_publishing_freezes_a_version_and_answers_stay_with_theirs(publish: Publish, crew: Crew) -> None:
    form = publish()
    first = send(form, GOOD)
    view = queries.form(crew.wang, form.id, NOW)
    draft = queries.replaced(view.draft, replace(VISIT.fields[5], options=("白领", "教师"), label="您的工作"))
    operations.change_draft(actor=crew.wang, form_id=form.id, revision=view.revision, draft=draft, now=NOW)
    assert queries.open_form(form.code, NOW).definition == VISIT
    assert operations.publish_form(actor=crew.wang, form_id=form.id, now=NOW) == 2
    assert operations.publish_form(actor=crew.wang, form_id=form.id, now=NOW) == 2
    again = queries.answer(crew.wang, form.id, first)
    assert (again.version, again.definition, again.values["q6"]) == (1, VISIT, "白领")
    late = send(form, GOOD)  # shown before the second version was there
    assert queries.answer(crew.wang, form.id, late).version == 1
    assert queries.open_form(form.code, NOW).version == 2
    assert [row.version for row in queries.versions(crew.wang, form.id)] == [2, 1]


def test_two_who_edit_at_once_notice(publish: Publish, crew: Crew) -> None:
    form = publish()
    view = queries.form(crew.wang, form.id, NOW)
    change = {
        "form_id": form.id,
        "revision": view.revision,
        "draft": queries.removed(view.draft, "q7"),
        "now": NOW,
    }
    operations.change_draft(actor=crew.wang, **change)
    with pytest.raises(operations.FormMoved):
        operations.change_draft(actor=crew.chen, **change)


def test_nobody_builds_or_reads_elsewhere(publish: Publish, mall: Malls, crew: Crew) -> None:
    form = publish()
    answer = send(form, BAD)
    for stranger in (crew.qian, crew.li, crew.nobody):
        with pytest.raises((NotFound, NotAllowed)):
            queries.form(stranger, form.id, NOW)
        with pytest.raises((NotFound, NotAllowed)):
            operations.close_form(actor=stranger, form_id=form.id, now=NOW)
    assert queries.forms(crew.qian, NOW) == []
    with pytest.raises(NotAllowed):
        operations.create_form(
            actor=crew.qian, group_id=mall.group, name="别人的", mall_id=mall.star, now=NOW
        )
    assert queries.figures(crew.chen, form.id, "Asia/Shanghai").answers == 1
    for reader in (crew.chen, crew.wu):  # who plans campaigns or audits sees figures, not what people wrote
        with pytest.raises((NotFound, NotAllowed)):
            queries.answer(reader, form.id, answer)
    with pytest.raises((NotFound, NotAllowed)):
        operations.begin_export(actor=crew.sun, form_id=form.id, reason="看看", file_format="csv", now=NOW)
    with pytest.raises(NotAllowed):
        operations.close_form(actor=crew.wu, form_id=form.id, now=NOW)
    assert queries.form(crew.wang, form.id, NOW).is_open


def test_an_unready_form_is_not_published(mall: Malls, crew: Crew) -> None:
    form_id = operations.create_form(
        actor=crew.wang, group_id=mall.group, name="空", mall_id=mall.star, now=NOW
    )
    with pytest.raises(operations.FormUnready):
        operations.publish_form(actor=crew.wang, form_id=form_id, now=NOW)
    with pytest.raises(NotFound):
        queries.open_form(queries.form(crew.wang, form_id, NOW).code, NOW)
    with pytest.raises(operations.NotPublished):
        operations.close_form(actor=crew.wang, form_id=form_id, now=NOW)
    unknown = Definition(
        "标签", fields=(Field("q1", "single", "选", options=("甲", "乙"), tags={"甲": 987654}),)
    )
    operations.change_draft(actor=crew.wang, form_id=form_id, revision=1, draft=unknown, now=NOW)
    with pytest.raises(operations.FormUnready):
        operations.publish_form(actor=crew.wang, form_id=form_id, now=NOW)
    long = Definition("x" * 300)
    with pytest.raises(operations.FormInvalid):
        operations.change_draft(actor=crew.wang, form_id=form_id, revision=2, draft=long, now=NOW)


# --- taking answers ------------------------------------------------------------------------------------------------


def test_answers_in_time_within_the_limit_and_slowly_enough(publish: Publish, crew: Crew) -> None:
    form = publish(opens_at=NOW + DAY, closes_at=NOW + 2 * DAY, answers_max=2)
    assert queries.open_form(form.code, NOW).state == "early"
    assert refused(form, GOOD) == "form-not-open"
    when = NOW + DAY
    assert refused(form, GOOD, now=when, shown_at=when - 2 * SECOND) == "form-too-fast"
    assert refused(form, {"q1": "9"}, now=when) == "form-answer-unusable"
    send(form, GOOD, now=when)
    send(form, GOOD, now=when)
    assert refused(form, GOOD, now=when) == "form-full"
    assert queries.open_form(form.code, when).state == "full"
    taking = operations.Taking("满意度", closes_at=NOW + 2 * DAY)
    operations.set_taking(actor=crew.wang, form_id=form.id, taking=taking, now=when)
    assert refused(form, GOOD, now=NOW + 2 * DAY) == "form-not-open"
    operations.close_form(actor=crew.wang, form_id=form.id, now=when)
    assert refused(form, GOOD, now=when) == "form-not-open"
    bad = operations.Taking("满意度", answers_max=1, kiosk_seconds=0)
    with pytest.raises(operations.FormInvalid):
        operations.set_taking(actor=crew.wang, form_id=form.id, taking=bad, now=when)


def test_sent_twice_is_once(publish: Publish) -> None:
    form = publish()
    assert send(form, GOOD, nonce="a") == send(form, BAD, nonce="a")
    assert (Answer.objects.count(), Form.objects.get().answered) == (1, 1)


def test_members_answer_once_even_after_they_were_merged(
    publish: Publish, zhang_san: int, li_si: int
) -> None:
    form = publish(members_only=True, once_per_member=True)
    assert refused(form, GOOD) == "form-members-only"
    send(form, GOOD, person_id=zhang_san, channel="member")
    assert refused(form, GOOD, person_id=zhang_san, channel="member") == "form-answered-before"
    loyalty.merge_persons(actor=SYSTEM, survivor_id=li_si, merged_id=zhang_san, reason="同一人", now=NOW)
    assert refused(form, GOOD, person_id=li_si, channel="member") == "form-answered-before"


@pytest.mark.django_db(transaction=True)
def test_the_limit_holds_among_32_threads(publish: Publish, zhang_san: int) -> None:
    limited, once = publish(answers_max=5), publish(once_per_member=True)

    def outcome(form: queries.OpenForm, person_id: int | None) -> str:
        try:
            send(form, GOOD, person_id=person_id)
        except Problem as problem:
            return problem.code
        return "kept"

    done = run_threads([lambda: outcome(limited, None)] * 16 + [lambda: outcome(once, zhang_san)] * 16)
    assert (done[:16].count("kept"), done[:16].count("form-full")) == (5, 11)
    assert (done[16:].count("kept"), done[16:].count("form-answered-before")) == (1, 15)
    assert sorted(Form.objects.values_list("answered", flat=True)) == [1, 5]


# --- what answers set off ------------------------------------------------------------------------------------------


def carry(answer: UUID) -> int:
    return operations.carry_out(actor=SYSTEM, answer_id=str(answer), now=NOW)


def tag(malls: Malls, code: str, name: str) -> int:
    return insight.save_tag(
        actor=SYSTEM, group_id=malls.group, code=code, name=name, category="note", kind="manual", now=NOW
    )


def test_each_deed_of_a_members_answer_is_done_once(publish: Publish, mall: Malls, zhang_san: int) -> None:
    parking = tag(mall, "parking", "在意停车")
    fields = queries.replaced(VISIT, replace(VISIT.fields[1], tags={"停车": parking}, suggests=True))
    answer = send(publish(fields), {**BAD, "q6": "学生"}, person_id=zhang_san, channel="member")
    assert [carry(answer), carry(answer)] == [5, 0]
    ticket = Ticket.objects.get()
    assert (ticket.person_id, ticket.severity, ticket.type, ticket.title) == (
        zhang_san,
        "high",
        "complaint",
        "商场满意度",
    )
    held = insight_queries.tags_of(zhang_san)
    assert [one.ref.name for one in held.on] == ["在意停车"] and held.suggested == ("服务态度",)
    assert customers.person(zhang_san).occupation == "学生"
    [change] = [one for one in customers.profile_history(zhang_san) if one.field == "occupation"]
    assert "v1" in change.reason and change.actor == "system:forms"
    [consent] = privacy.current_consents(zhang_san)
    assert (consent.purpose, consent.channel, consent.decision, consent.method) == (
        "marketing",
        "sms",
        "granted",
        "form",
    )
    assert consent.evidence["version"] == 1 and consent.evidence["answer"] == str(answer)
    assert set(Deed.objects.values_list("kind", flat=True)) == {
        "ticket",
        "tag",
        "suggest",
        "profile",
        "consent",
    }


def test_a_deed_that_is_refused_is_kept_with_its_reason(
    publish: Publish, mall: Malls, zhang_san: int
) -> None:
    quiet = tag(mall, "quiet", "安静")
    insight.mark_tag(
        actor=customers.viewer_of_person(zhang_san), person_id=zhang_san, tag_id=quiet, is_on=False, now=NOW
    )
    draft = Definition("选", fields=(Field("q1", "single", "选", options=("甲", "乙"), tags={"甲": quiet}),))
    answer = send(publish(draft), {"q1": "甲"}, person_id=zhang_san)
    assert [carry(answer), carry(answer)] == [1, 0]
    assert Deed.objects.get().refusal == "tag-refused-by-member"
    assert not insight_queries.tags_of(zhang_san).on


def test_an_anonymous_complaint_becomes_a_ticket_and_nobodys_record(publish: Publish) -> None:
    answer = send(publish(), BAD)
    carry(answer)
    ticket = Ticket.objects.get()
    assert ticket.person_id is None and set(Deed.objects.values_list("kind", flat=True)) == {"ticket"}
    assert carry(send(publish(), GOOD)) == 0


LEAD = replace(SIGN_UP, enrol=EnrolDeed("q1", "q2", needs_code=False))
SIGNED = {"q1": "赵六", "q2": "136 0000 1234", "q3": "6", "q4": "上午场", "q5": "on"}


def test_a_proved_phone_makes_a_member_and_takes_their_consent(publish: Publish) -> None:
    form = publish(SIGN_UP)
    assert refused(form, SIGNED) == "form-phone-unproved"
    assert refused(form, SIGNED, proved_phone="+8613600009999") == "form-phone-unproved"
    answer = send(form, SIGNED, proved_phone=customers.normalised("phone", SIGNED["q2"]))
    carry(answer)
    person_id = customers.person_id_by("phone", "13600001234")
    assert person_id is not None and Answer.objects.get().person_id == person_id
    assert loyalty_queries.member_id_of_person(person_id) is not None
    assert privacy.may_contact(person_id, "marketing", "sms")
    assert insight_queries.tags_of(person_id).suggested == ("上午场",)


def test_typing_somebody_elses_phone_touches_nothing_of_theirs(
    publish: Publish, crew: Crew, zhang_san: int
) -> None:
    form = publish(LEAD)
    given = {**SIGNED, "q2": "13800138000", "q1": "李鬼"}
    answer = send(form, given)
    carry(answer)
    row = Answer.objects.get()
    assert (row.person_id, row.lead) == (None, "open") and not Deed.objects.exists()
    assert [one.lead for one in queries.answers_page(crew.wang, form.id, lead="open").items] == ["open"]
    settle = {"form_id": form.id, "answer_id": answer, "now": NOW}
    with pytest.raises((NotAllowed, NotFound)):
        operations.settle_lead(actor=crew.chen, is_real=True, **settle)
    assert operations.settle_lead(actor=crew.wang, is_real=True, **settle) == "known"
    assert customers.person(zhang_san).name == "张三" and not privacy.current_consents(zhang_san)
    assert Answer.objects.get().person_id is None
    with pytest.raises(operations.LeadSettledAlready):
        operations.settle_lead(actor=crew.wang, is_real=False, **settle)


def test_a_lead_becomes_a_member_after_a_call_or_is_dismissed(publish: Publish, crew: Crew) -> None:
    form = publish(LEAD)
    real, joke = send(form, SIGNED), send(form, {**SIGNED, "q2": "13500001111"})
    settle = {"actor": crew.sun, "form_id": form.id, "now": NOW}
    assert operations.settle_lead(answer_id=real, is_real=True, **settle) == "enrolled"
    assert operations.settle_lead(answer_id=joke, is_real=False, **settle) == "dismissed"
    person_id = customers.person_id_by("phone", "13600001234")
    assert person_id is not None and privacy.may_contact(person_id, "marketing", "sms")
    assert customers.person_id_by("phone", "13500001111") is None
    assert queries.figures(crew.wang, form.id, "Asia/Shanghai").open_leads == 0


# --- results -------------------------------------------------------------------------------------------------------


def test_figures_count_every_field_and_what_people_wrote_stays_encrypted(
    publish: Publish, crew: Crew
) -> None:
    form = publish()
    for given in (GOOD, GOOD, BAD):
        send(form, given)
    found = queries.figures(crew.wang, form.id, "Asia/Shanghai")
    by_key = {one.field.key: one for one in found.fields}
    assert (found.answers, found.by_day) == (3, [(dt.date(2026, 3, 8), 3)])
    assert by_key["q1"].counts == {5: 2, 1: 1} and by_key["q1"].mean == pytest.approx(11 / 3)
    assert by_key["q2"].counts == {"停车": 1, "服务态度": 1} and by_key["q2"].answered == 1
    assert by_key["q4"].score == pytest.approx(100 / 3)
    assert by_key["q5"].counts == {("卫生", "好"): 2, ("温度", "一般"): 2}
    assert by_key["q7"].counts == {True: 1} and "q3" not in by_key
    row = Answer.objects.exclude(words=None).get()
    assert b"\xe5\xba\x97\xe5\x91\x98" not in bytes(row.words) and "店员" not in json.dumps(row.choices)
    assert queries.answer(crew.sun, form.id, row.pk).values["q3"] == "店员一直玩手机"
    assert "店员" not in json.dumps(list(Event.objects.values_list("data", flat=True)), ensure_ascii=False)


def test_pages_and_exports_hold_every_answer_once(publish: Publish, crew: Crew) -> None:
    form = publish()
    sent = {send(form, GOOD, now=NOW + n * SECOND) for n in range(5)}
    first = queries.answers_page(crew.wang, form.id, limit=3)
    second = queries.answers_page(crew.wang, form.id, limit=3, cursor=first.next_cursor)
    assert {one.id for one in (*first.items, *second.items)} == sent
    with pytest.raises(operations.ExportReasonMissing):
        operations.begin_export(actor=crew.wang, form_id=form.id, reason=" ", file_format="csv", now=NOW)
    assert (
        operations.begin_export(actor=crew.wang, form_id=form.id, reason="月报", file_format="csv", now=NOW)
        == 5
    )
    assert AuditEntry.objects.latest("id").reason == "月报"
    assert len(list(queries.exported(crew.wang, form.id))) == 5


def test_files_are_kept_and_handed_to_readers_only(
    publish: Publish, crew: Crew, tmp_path, monkeypatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(settings, "UPLOAD_DIR", tmp_path)
    form = publish(Definition("图", fields=(Field("q1", "file", "照片"), Field("q2", "signature", "签名"))))
    answer = send(
        form, {}, files={"q1": [Upload("../../小票.png", PNG)], "q2": [Upload("signature.png", PNG)]}
    )
    photo = AnswerFile.objects.get(field="q1")
    assert (photo.name, photo.content_type) == ("小票.png", "image/png")
    path, _name, _kind = queries.answer_file(crew.wang, form.id, answer, photo.pk)
    assert (tmp_path / path).read_bytes() == PNG
    with pytest.raises(NotFound):
        queries.answer_file(crew.qian, form.id, answer, photo.pk)


def test_a_program_sends_answers_only_where_its_key_allows(publish: Publish, mall: Malls) -> None:
    form = publish()
    key = Viewer("api", 1, "官网", (Grant(frozenset({"forms.submit"}), "mall", frozenset({mall.cloud})),))
    arguments = {"code": form.code, "version": 1, "nonce": "n", "channel": "api", "given": GOOD, "now": NOW}
    with pytest.raises(NotAllowed):
        operations.answer_form(actor=key, **arguments)
    own = Viewer("api", 1, "官网", (Grant(frozenset({"forms.submit"}), "mall", frozenset({mall.star})),))
    operations.answer_form(actor=own, **arguments)
    assert Answer.objects.get().channel == "api"


def test_the_log_tells_the_consumer(publish: Publish) -> None:
    answer = send(publish(), BAD)
    event = Event.objects.get(type="zhike.webforms.form_answered")
    assert event.data["answer_id"] == str(answer) and form_deeds.types == ["zhike.webforms.form_answered"]


# --- misuse --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [False, 0])
def test_a_program_that_says_no_has_not_consented(publish: Publish, said: object) -> None:
    send(publish(), {**GOOD, "q7": said}, channel="api", shown_at=None)
    assert "q7" not in Answer.objects.get().choices


def test_a_proved_phone_answers_once_where_members_do(publish: Publish, zhang_san: int) -> None:
    form = publish(SIGN_UP, once_per_member=True)
    send(form, SIGNED, proved_phone="+8613600001234")
    assert refused(form, SIGNED, proved_phone="+8613600001234") == "form-answered-before", "before the deeds"
    send(form, SIGNED, person_id=zhang_san)
    zhang = {**SIGNED, "q2": "13800138000"}
    assert refused(form, zhang, proved_phone="+8613800138000") == "form-answered-before"


def test_a_name_that_no_member_can_have_is_refused_at_once(publish: Publish) -> None:
    form, proved = publish(SIGN_UP), "+8613600001234"
    assert refused(form, {**SIGNED, "q1": "名" * 81}, proved_phone=proved) == "form-answer-unusable"
    carry(send(form, {**SIGNED, "q1": "名" * 80}, proved_phone=proved))
    assert customers.person_id_by("phone", proved) is not None


def test_files_go_when_the_answers_do(publish: Publish, tmp_path, settings) -> None:  # type: ignore[no-untyped-def]
    settings.UPLOAD_DIR = tmp_path
    form = publish(Definition("图", fields=(Field("q1", "file", "照片"),)))
    for days in (1_200, 5):
        send(form, {}, files={"q1": [Upload("身份证.png", PNG)]}, now=NOW - days * DAY)
    assert forgetting.purge(KEEPINGS[0], NOW - 1_095 * DAY, 100) == 1
    assert AnswerFile.objects.get().answer.answered_at == NOW - 5 * DAY
    assert forgetting.purge(KEEPINGS[0], NOW - 1_095 * DAY, 100) == 0


def test_an_erased_answer_enrols_nobody(publish: Publish) -> None:
    answer = send(publish(SIGN_UP), SIGNED, proved_phone="+8613600001234")
    phone = bytes(Answer.objects.get().phone_index or b"")
    forgetting.erase(HOLDINGS, {"address": [phone]})
    assert carry(answer) == 0 and customers.person_id_by("phone", "13600001234") is None


def test_no_phone_stands_in_the_text_of_a_ticket_where_an_erasure_would_miss_it(publish: Publish) -> None:
    draft = Definition("投诉", fields=(Field("q1", "phone", "电话"),), ticket=TicketDeed("complaint", "high"))
    carry(send(publish(draft), {"q1": "136 0000-1234"}))
    assert Entry.objects.get(kind="opening").text == "电话：136****1234"


@pytest.mark.parametrize("letter", ["\uffff", "\ufffe", "\ud800", "\x0b"])
def test_no_letter_of_an_answer_keeps_a_sheet_from_being_written(letter: str) -> None:
    book = load_workbook(io.BytesIO(xlsx_response("form", ["q1"], [[f"好{letter}😀=1+1"]]).content))
    assert [row[0] for row in book.active.iter_rows(values_only=True)] == ["q1", "好😀=1+1"]


def test_files_of_an_answer_that_is_not_kept_are_not_kept_either(
    publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "UPLOAD_DIR", tmp_path)
    form = publish(Definition("收货", fields=(Field("q1", "file", "照片"),)))
    photo = {"q1": [Upload("a.png", PNG)]}

    def broken(*_args: object, **_named: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(answering.events, "publish", broken)  # type: ignore[attr-defined]
        with pytest.raises(OSError, match="space"):
            send(form, {}, files=photo)
    assert not Answer.objects.exists() and not [one for one in tmp_path.rglob("*") if one.is_file()]
    send(form, {}, files=photo)
    assert len([one for one in tmp_path.rglob("*") if one.is_file()]) == 1
