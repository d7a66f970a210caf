"""E-mail as a conversation: read from a real IMAP server, answered by a real SMTP server, once and to the right one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.people import NOW, Crew, Malls
from tests.service.conftest import MINUTE, PNG, SYSTEM
from zhike.customers import operations as customer_operations
from zhike.integrations.mailbox.emulator import ADDRESS, MailEmulator
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import Event
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import Carriage, Contact, Conversation, Heard, Line, Message
from zhike.service.operations import hearing

pytestmark = pytest.mark.feature("C176", "C177")
LI_MAIL = "li.si@example.com"


@pytest.fixture
def post(settings: Any, tmp_path: Path) -> Iterator[MailEmulator]:
    settings.MAIL_NETWORKS = ["127.0.0.0/8"]
    settings.UPLOAD_DIR = tmp_path
    with MailEmulator() as emulator:
        yield emulator


@pytest.fixture
def bot_ready(desk: Malls) -> None:
    """The assistant knows three things: a small model, for what is asked here."""
    wanted = {"points_balance", "member_join", "human"}
    known = {code: one for code, one in queries.intent_set().items() if code in wanted}
    assert set(known) == wanted
    pairs = [(code, text) for code, one in known.items() for text in one.training(2, frames=2)]
    model = queries.fit([text for _code, text in pairs], [code for code, _text in pairs], 10)
    service.found_knowledge(actor=SYSTEM, group_id=desk.group, now=NOW)
    service.store_model(actor=SYSTEM, digest=queries.training_digest(), model=model, figures={}, now=NOW)


@pytest.fixture
def line(desk: Malls, post: MailEmulator) -> int:
    """The mailbox of 星河城, looked into for the first time."""
    pk = open_line(desk, post)
    look()
    return pk


def open_line(desk: Malls, post: MailEmulator, **changes: Any) -> int:
    given: dict[str, Any] = {
        "line_id": None,
        "mall_id": desk.star,
        "channel": "email",
        "name": "客服邮箱",
        "values": post.settings(),
    }
    return service.save_line(actor=SYSTEM, now=NOW, **given | changes)


def look(now: dt.datetime = NOW) -> int:
    return service.listen_to_lines(actor=SYSTEM, now=now)


def mail(
    text: str,
    *,
    sender: str = f"李四 <{LI_MAIL}>",
    title: str = "积分没有到账",
    name: str = "<first@example.com>",
    answers: str = "",
    files: tuple[tuple[str, bytes], ...] = (),
    charset: str = "utf-8",
    **headers: str,
) -> bytes:
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"], made["Subject"], made["Message-ID"] = sender, ADDRESS, title, name
    made["Date"] = "Sun, 08 Mar 2026 09:58:00 +0800"
    if answers:
        made["In-Reply-To"] = made["References"] = answers
    for header, value in headers.items():
        made[header.replace("_", "-")] = value
    made.set_content(text, charset=charset)
    for file_name, content in files:
        made.add_attachment(content, maintype="image", subtype="png", filename=file_name)
    return made.as_bytes()


def proven(result: str = "pass", server: str = "mx.mall.example") -> dict[str, str]:
    return {
        "Authentication_Results": f"{server}; spf=pass; dkim=pass; dmarc={result} header.from=example.com"
    }


def own_mail(person: int, *, verified: bool = True) -> None:
    at = NOW if verified else None
    customer_operations.add_identifier(
        actor=SYSTEM,
        person_id=person,
        identifier=customer_operations.NewIdentifier("email", LI_MAIL, at),
        now=NOW,
    )


def said(number: str) -> list[str]:
    row = queries.visible_conversation(SYSTEM, number)
    return [one.text for one in queries.messages_of(SYSTEM, row) if one.kind == "text"]


def answer(crew: Crew, number: str, text: str, now: dt.datetime = NOW) -> None:
    service.write_as_staff(actor=crew.sun, number=number, text=text, now=now)
    service.carry_answers(actor=SYSTEM, now=now)


def test_an_e_mail_becomes_a_conversation_and_the_answer_goes_back(
    line: int, post: MailEmulator, desk: Malls, crew: Crew, li_si: int
) -> None:
    own_mail(li_si)
    post.post.deliver(
        mail("我的积分没到账，小票见附件。\n\n发自我的iPhone", files=(("小票.png", PNG),), **proven())
    )
    assert look() == 1 and look() == 0
    row = Conversation.objects.get()
    assert (row.person_id, row.mall_id, row.channel, row.status) == (li_si, desk.star, "email", "queued")
    assert said(row.number) == ["我的积分没到账，小票见附件。"]
    [shown] = [
        one
        for one in queries.messages_of(SYSTEM, queries.visible_conversation(SYSTEM, row.number))
        if one.files
    ]
    assert shown.files[0].name == "小票.png" and shown.files[0].is_image
    answer(crew, row.number, "您好，已为您补登。", NOW + MINUTE)
    [(sender, to, raw)] = post.post.sent
    sent = message_from_bytes(raw, policy=policy.default)
    assert (sender, to) == (ADDRESS, LI_MAIL)
    assert sent["Subject"] == "Re: 积分没有到账" and sent["In-Reply-To"] == "<first@example.com>"
    assert sent.get_content().strip() == "您好，已为您补登。" and "星河城客服" in sent["From"]
    end = queries.contact_of(row, NOW)
    assert end and end.is_proven and end.title == "积分没有到账" and end.masked != LI_MAIL
    assert [one.status for one in end.carriages] == ["sent"] and "iPhone" in end.folded[0].text
    assert LI_MAIL.encode() not in bytes(Contact.objects.get().address)


def test_answers_find_their_thread_and_only_from_the_same_address(
    line: int, post: MailEmulator, crew: Crew, desk: Malls
) -> None:
    post.post.deliver(mail("第一封"))
    look()
    first = Conversation.objects.get()
    answer(crew, first.number, "收到")
    ours = message_from_bytes(post.post.sent[0][2], policy=policy.default)
    post.post.deliver(mail("按引用回复", name="<2@example.com>", answers=str(ours["Message-ID"])))
    post.post.deliver(mail("引用自己的上一封", name="<3@example.com>", answers="<first@example.com>"))
    tagged = mail("按回复地址", name="<4@example.com>").replace(
        f"To: {ADDRESS}".encode(), f"To: {ours['Reply-To'].addresses[0].addr_spec}".encode()
    )
    post.post.deliver(tagged)
    forged = str(ours["Message-ID"]).replace("zk.", "zk.0", 1)
    post.post.deliver(mail("伪造的编号", name="<5@example.com>", answers=forged))
    post.post.deliver(
        mail(
            "别人拿到了编号", name="<6@example.com>", sender="x@evil.example", answers=str(ours["Message-ID"])
        )
    )
    assert look() == 5
    assert said(first.number) == ["第一封", "收到", "按引用回复", "引用自己的上一封", "按回复地址"]
    others = Conversation.objects.exclude(pk=first.pk).order_by("id")
    assert [said(one.number) for one in others] == [["伪造的编号"], ["别人拿到了编号"]]
    assert others[0].person_id == first.person_id and others[1].person_id != first.person_id
    service.close_conversation(actor=crew.sun, number=first.number, now=NOW)
    post.post.deliver(mail("又来了", name="<7@example.com>", answers=str(ours["Message-ID"])))
    look()
    again = Conversation.objects.latest("id")
    assert again.pk != first.pk and again.person_id == first.person_id


def test_whoever_forges_an_address_learns_and_gets_nothing(
    line: int, post: MailEmulator, desk: Malls, crew: Crew, zhang_san: int, li_si: int, bot_ready: None
) -> None:
    """With the assistant on: only a sender whom our own server vouches for, at an address shown to be theirs, has jobs done."""
    open_line(desk, post, line_id=line, has_bot=True)
    own_mail(li_si)
    ask = "我有多少积分"
    cases: tuple[dict[str, str], ...] = (
        {},  # nobody checked
        proven("fail"),
        proven("pass", "mx.evil.example"),  # somebody else's seal
        {"Reply_To": "thief@evil.example", **proven("fail")},
    )
    for place, headers in enumerate(cases):
        post.post.deliver(mail(ask, name=f"<a{place}@x>", title=f"第{place}封", **headers))
    look()
    service.carry_answers(actor=SYSTEM, now=NOW)
    assert [row.handover["reason"] for row in Conversation.objects.order_by("id")] == ["unproven"] * 4
    assert not post.post.sent
    post.post.deliver(mail(ask, name="<b@x>", title="是我", **proven()))
    look()
    service.carry_answers(actor=SYSTEM, now=NOW)
    assert Conversation.objects.latest("id").handover["reason"] == "unable"  # begun, but 李四 has no card
    post.post.deliver(mail("怎么注册会员", name="<c@x>", title="注册"))
    look()
    service.carry_answers(actor=SYSTEM, now=NOW)
    assert [to for _sender, to, _raw in post.post.sent] == [
        LI_MAIL
    ]  # what everybody may know, and only to the address it is from


def test_an_address_that_was_never_proven_does_nothing_in_a_members_name(
    line: int, post: MailEmulator, desk: Malls, li_si: int, bot_ready: None
) -> None:
    open_line(desk, post, line_id=line, has_bot=True)
    own_mail(li_si, verified=False)
    post.post.deliver(mail("我有多少积分", **proven()))
    look()
    assert Conversation.objects.get().handover["reason"] == "unproven"


def test_an_unknown_sender_is_a_guest_and_stays_the_same_one(line: int, post: MailEmulator) -> None:
    post.post.deliver(mail("请问停车怎么收费", name="<1@x>", sender="访客 <guest@example.org>"))
    post.post.deliver(
        mail("再问一下营业时间", name="<2@x>", title="另一件事", sender="访客 <guest@example.org>")
    )
    look()
    rows = Conversation.objects.order_by("id")
    assert len(rows) == 2 and len({row.person_id for row in rows}) == 1
    from zhike.customers import queries as customers

    guest = customers.person(rows[0].person_id)
    assert (guest.name, guest.identifiers, guest.source) == ("访客", (), "email")


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-generated"},
        {"Auto_Submitted": "auto-replied; owner-email=x"},
        {"Precedence": "bulk"},
        {"List_Unsubscribe": "<mailto:x@example.com>"},
        {"Return_Path": "<>"},
        {"X_Autoreply": "yes"},
        {"sender": f"loop <{ADDRESS}>"},
        {"sender": "MAILER-DAEMON@example.com"},
        {"sender": "no-reply@shop.example"},
    ],
)
def test_programs_are_not_answered(line: int, post: MailEmulator, headers: dict[str, str]) -> None:
    post.post.deliver(mail("我正在休假", **headers))
    assert look() == 0
    assert not Conversation.objects.exists() and Heard.objects.get().what == "automatic"


def test_an_out_of_office_reply_is_a_note_in_its_thread(line: int, post: MailEmulator, crew: Crew) -> None:
    post.post.deliver(mail("问题"))
    look()
    row = Conversation.objects.get()
    answer(crew, row.number, "请补充手机号")
    ours = message_from_bytes(post.post.sent[0][2], policy=policy.default)
    post.post.deliver(
        mail("休假至周五", name="<o@x>", answers=str(ours["Message-ID"]), Auto_Submitted="auto-replied")
    )
    look()
    row.refresh_from_db()
    notes = Message.objects.filter(conversation=row, kind="note", audience="staff")
    assert len(notes) == 1 and not row.awaits_us


def bounce_of(reference: str) -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example.com\r\nTo: service@mall.example\r\nSubject: Undelivered\r\n"
        "Message-ID: <dsn@mx.example.com>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nfailed\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
        "Final-Recipient: rfc822; li.si@example.com\r\nAction: failed\r\nStatus: 5.2.2\r\n"
        "Diagnostic-Code: smtp; 552 mailbox full\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {reference}\r\nSubject: x\r\n\r\n--b--\r\n"
    ).encode()


def test_what_comes_back_is_shown_and_told(line: int, post: MailEmulator, crew: Crew) -> None:
    post.post.deliver(mail("问题"))
    look()
    row = Conversation.objects.get()
    answer(crew, row.number, "您好")
    ours = message_from_bytes(post.post.sent[0][2], policy=policy.default)
    post.post.deliver(bounce_of("<zk.1.1.000000000000000000000000@mall.example>"))  # forged: nothing happens
    look()
    assert Carriage.objects.get().status == "sent"
    post.post.deliver(bounce_of(str(ours["Message-ID"])).replace(b"dsn@", b"dsn2@"))
    look()
    row.refresh_from_db()
    end = queries.contact_of(row, NOW)
    assert end and (end.carriages[0].status, end.carriages[0].code) == ("bounced", "5.2.2")
    assert "mailbox full" in end.carriages[0].text and row.awaits_us
    assert Event.objects.filter(type="zhike.service.answer_not_delivered").count() == 1
    service.repeat_answer(actor=crew.sun, number=row.number, message=end.carriages[0].number, now=NOW)
    service.carry_answers(actor=SYSTEM, now=NOW)
    assert len(post.post.sent) == 2 and Carriage.objects.get().status == "sent"
    with pytest.raises(service.NothingToRepeat):
        service.repeat_answer(actor=crew.sun, number=row.number, message=end.carriages[0].number, now=NOW)


def test_a_refused_recipient_is_told_at_once(line: int, post: MailEmulator, crew: Crew) -> None:
    post.post.deliver(mail("问题"))
    look()
    post.post.refused[LI_MAIL] = "550 5.1.1 no such user"
    row = Conversation.objects.get()
    answer(crew, row.number, "您好")
    assert (Carriage.objects.get().status, Carriage.objects.get().code) == ("failed", "550")
    assert Message.objects.filter(conversation=row, kind="note").count() == 1


def test_who_dies_while_sending_sends_the_same_e_mail_again(
    line: int, post: MailEmulator, crew: Crew
) -> None:
    """The server took it and the answer was lost: it comes again under the same Message-ID, which the reader's program shows once."""
    post.post.deliver(mail("问题"))
    look()
    post.post.drops_after_data = 1
    row = Conversation.objects.get()
    answer(crew, row.number, "您好")
    assert Carriage.objects.get().status == "waiting"
    service.carry_answers(actor=SYSTEM, now=NOW + MINUTE)
    names = {message_from_bytes(raw)["Message-ID"] for _from, _to, raw in post.post.sent}
    assert len(post.post.sent) == 2 and len(names) == 1
    assert Carriage.objects.get().status == "sent"


@pytest.mark.parametrize("place", ["before", "after"])
def test_killed_between_reading_and_keeping_nothing_is_lost_or_doubled(
    line: int, post: MailEmulator, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    class Killed(BaseException):
        pass

    real = hearing.hear

    def dies(**given: Any) -> str | None:
        if place == "before":
            raise Killed
        real(**given)
        raise Killed

    for number in range(3):
        post.post.deliver(mail(f"第{number}封", name=f"<{number}@x>", title=f"事{number}"))
    monkeypatch.setattr(hearing, "hear", dies)
    with pytest.raises(Killed):
        look()
    monkeypatch.setattr(hearing, "hear", real)
    look()
    words = sorted(said(row.number)[0] for row in Conversation.objects.all())
    assert words == ["第0封", "第1封", "第2封"]


def test_a_mailbox_that_numbers_anew_gives_everything_once(line: int, post: MailEmulator) -> None:
    post.post.deliver(mail("第一封", name="<1@x>"))
    look()
    post.post.deliver(mail("第二封", name="<2@x>", answers="<1@x>"))
    post.post.renumber()
    assert look() == 1
    assert Message.objects.filter(author_kind="member").count() == 2
    assert Line.objects.get().mark["validity"] == 2


def test_what_lay_there_before_is_left_alone(desk: Malls, post: MailEmulator) -> None:
    post.post.deliver(mail("去年的信"))
    open_line(desk, post)
    look()
    assert look() == 0 and not Conversation.objects.exists()
    assert not any("STORE" in one or one.startswith("SELECT") for one in post.post.commands)


def test_netease_wants_to_know_who_reads(desk: Malls, post: MailEmulator) -> None:
    post.post.wants_id = True
    pk = open_line(desk, post)
    assert service.check_line(actor=SYSTEM, line_id=pk, now=NOW) == (0, "")


def test_a_line_that_fails_says_so_and_waits(desk: Malls, post: MailEmulator, crew: Crew) -> None:
    pk = open_line(desk, post, values=post.settings() | {"password": "wrong"})
    assert "login" in service.check_line(actor=crew.ops, line_id=pk, now=NOW)[1]
    assert queries.line_file(crew.ops, pk, NOW).due_at == NOW + MINUTE
    assert look() == 0 and post.post.commands.count("LOGOUT") == 1


def test_only_addresses_of_the_open_internet_are_called(
    desk: Malls, post: MailEmulator, settings: Any
) -> None:
    settings.MAIL_NETWORKS = []
    pk = open_line(desk, post)
    assert "forbidden" in service.check_line(actor=SYSTEM, line_id=pk, now=NOW)[1]
    assert not post.post.commands


def test_the_password_is_kept_and_never_shown(line: int, desk: Malls, post: MailEmulator, crew: Crew) -> None:
    assert b"demo-password" not in bytes(Line.objects.get().secret)
    open_line(desk, post, line_id=line, values=post.settings() | {"password": ""})
    assert service.check_line(actor=SYSTEM, line_id=line, now=NOW)[1] == ""
    shown = queries.line_file(crew.ops, line, NOW)
    assert shown.kept_secrets == ("password",) and "demo-password" not in str(shown)
    with pytest.raises(service.LineInvalid) as refused:
        open_line(desk, post, name="另一个", values={"address": "no address", "imap_port": "70000"})
    assert {"address", "imap_port", "imap_host", "user", "password"} <= set(refused.value.fields)


def test_lines_belong_to_their_mall(line: int, desk: Malls, post: MailEmulator, crew: Crew) -> None:
    with pytest.raises(NotFound):
        queries.line_file(crew.qian, line, NOW)
    assert queries.line_files(crew.qian, NOW) == []
    for actor in (crew.qian, crew.sun):
        with pytest.raises((NotFound, NotAllowed)):
            service.save_line(
                actor=actor,
                line_id=line,
                mall_id=desk.star,
                channel="email",
                name="抢",
                values=post.settings(),
                now=NOW,
            )
    post.post.deliver(mail("问题"))
    look()
    number = Conversation.objects.get().number
    with pytest.raises(NotFound):
        service.repeat_answer(actor=crew.qian, number=number, message=1, now=NOW)
    with pytest.raises(NotAllowed):
        service.repeat_answer(actor=crew.wu, number=number, message=1, now=NOW)
