"""What e-mails of real programs say: character sets, quotes, signatures, pages, results of checks, reports."""

from __future__ import annotations

import time
from email.message import EmailMessage

import pytest

from tests.people import NOW
from zhike.integrations.mailbox import folding, mapping
from zhike.service.ports import Incoming, Parcel

pytestmark = pytest.mark.feature("C176")
OWN = frozenset({"service@mall.example"})


@pytest.mark.parametrize(
    ("text", "words", "below"),
    [
        ("积分没到账\n\n------------------ 原始邮件 ------------------\n发件人: 客服", "积分没到账", "原始邮件"),
        ("好的\n\n在 2026-03-08 10:00:00，\"星河城\" <s@mall.example> 写道：\n> 您好", "好的", "写道"),
        ("好的\n\n客服 <s@mall.example> 于2026年3月8日周日 10:00写道：\n\n> 您好", "好的", "> 您好"),
        ("收到\n\nOn Sun, Mar 8, 2026 at 10:00 AM S <s@mall.example> wrote:\n> hi", "收到", "wrote"),
        ("收到\n\nOn Sun, Mar 8, 2026 at 10:00 AM Service of the mall\n<s@mall.example> wrote:\n> hi", "收到", "wrote"),
        ("收到\n\n发件人: 客服\n发送时间: 2026年3月8日\n收件人: 李四\n主题: 回复", "收到", "发送时间"),
        ("收到\n-- \n李四\n138", "收到", "李四"),
        ("收到\n\n发自我的iPhone", "收到", "iPhone"),
        ("从我家过来要多久？\n发件人：写错了怎么办", "从我家过来要多久？\n发件人：写错了怎么办", ""),
        ("> 您好，请补充手机号\n13800138000", "13800138000", "请补充"),
        ("> 全是引用\n> 没有别的", "> 全是引用\n> 没有别的", ""),
    ],
)  # fmt: skip
def test_words_are_told_from_what_is_quoted(text: str, words: str, below: str) -> None:
    own, rest = folding.parted(text)
    assert own == words and below in rest


def test_a_page_becomes_words_and_nothing_is_called() -> None:
    page = (
        "<html><head><title>x</title><style>p{}</style></head><body><p>您好<br>积分&nbsp;没到账</p>"
        '<script>alert(1)</script><img src="https://track.example/1.gif"><div style="display:none">密文</div>'
        "<table><tr><td>甲</td><td>乙</td></tr></table><blockquote><p>您写过</p></blockquote></body></html>"
    )
    shown = folding.plain(page)
    assert shown == "您好\n积分 没到账\n甲乙\n> 您写过"
    assert folding.parted(shown) == ("您好\n积分 没到账\n甲乙", "> 您写过")
    assert len(folding.plain("<div>" * 5_000 + "深" + "</div>" * 5_000)) == 1


def raw(body: bytes, *headers: str) -> bytes:
    usual = ["From: =?gb2312?B?wO7LxA==?= <li@example.com>", "To: service@mall.example", "Message-ID: <1@x>"]
    return "\r\n".join([*usual, *headers]).encode() + b"\r\n\r\n" + body


def read(source: bytes, authority: str = "mx.mall.example") -> Incoming:
    return mapping.incoming(source, OWN, authority, NOW)


def test_chinese_character_sets_are_read_even_when_they_are_misnamed() -> None:
    head = ("Subject: =?GBK?B?u/231sO709DlwA==?=", "Content-Type: text/plain; charset={}")
    for named, really in (
        ("gb2312", "gb18030"),
        ("GBK", "gbk"),
        ("utf-8", "gb18030"),
        ("x-unknown", "utf-8"),
    ):
        found = read(raw("積分没到账，喆".encode(really), head[0], head[1].format(named)))
        assert found.text == "積分没到账，喆" and found.name == "李四"
    assert read(raw(b"\xff\xfe\xfa", head[1].format("utf-8"))).text


def test_only_the_results_of_our_own_server_count() -> None:
    ours = "Authentication-Results: mx.mall.example; spf=pass smtp.mailfrom=x; dkim=fail; dmarc=pass"
    theirs = "Authentication-Results: mx.evil.example; dmarc=pass"
    assert read(raw(b"x", ours)).proof == {"spf": "pass", "dkim": "fail", "dmarc": "pass"}
    assert read(raw(b"x", ours)).is_proven
    for headers, authority in (
        ((theirs,), "mx.mall.example"),
        ((theirs, ours), "mx.mall.example"),
        ((ours,), ""),
    ):
        found = read(raw(b"x", *headers), authority)
        assert not found.is_proven and not found.proof


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\x00\x01\x02",
        raw(b"a\x00b"),
        raw(b"x", "Subject: =?utf-8?q?=FF=FE?=", "Date: nonsense", "References: <<<>>>"),
        raw(b"x", 'Content-Type: multipart/mixed; boundary="b"'),
        raw(b"x", "Content-Type: text/plain; charset=utf-99", "Content-Transfer-Encoding: base64"),
        raw(b"x").replace(b"From: ", b"From: @@@ "),
        raw(
            b"--b\r\nContent-Type: message/rfc822\r\n\r\n--b--",
            'Content-Type: multipart/report; boundary="b"',
        ),
    ],
)
def test_nothing_a_stranger_writes_breaks_the_reading(source: bytes) -> None:
    found = read(source)
    assert found.key and "\x00" not in found.text + found.title + found.folded
    found.text.encode()


def test_attachments_are_told_from_logos() -> None:
    mail = EmailMessage()
    mail["From"], mail["Message-ID"] = "li@example.com", "<1@x>"
    mail.set_content("见附件")
    mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="发票.pdf")
    mail.add_attachment(
        b"\x89PNG" + b"0" * 90, maintype="image", subtype="png", disposition="inline", cid="<logo>"
    )
    found = read(mail.as_bytes())
    assert [one.name for one in found.files] == ["发票.pdf"] and found.text == "见附件"


def test_an_answer_cannot_carry_headers_of_a_stranger() -> None:
    parcel = Parcel(
        "zk.1.2.x",
        "li@example.com",
        "您好",
        title="积分\r\nBcc: all@evil.example",
        answers=("<1@x>", "zk.1.1.y"),
    )
    mail = mapping.outgoing(parcel, "service@mall.example", "星河城", False, NOW)
    assert mail["Bcc"] is None and mail["Reply-To"] is None
    assert mail["References"] == "<1@x> <zk.1.1.y@mall.example>" and mail["Subject"].startswith("Re: 积分")


@pytest.mark.parametrize(
    "results",
    [
        "spf=pass smtp.mailfrom=dmarc=pass@evil.example; dmarc=fail header.from=example.com",
        "spf=pass smtp.mailfrom=dmarc=pass@evil.example",
        "spf=pass (domain of dmarc=pass@evil.example; dmarc=pass) smtp.mailfrom=evil.example",
        'spf=pass (domain of "a);dmarc=pass ("@evil.example) smtp.mailfrom=x; dmarc=fail header.from=example.com',
        'spf=pass smtp.mailfrom="a; dmarc=pass "@evil.example',
        "dmarc=pass header.from=evil.example",
    ],
)
def test_a_sender_cannot_write_the_result_of_the_check(results: str) -> None:
    """What a mail server repeats of the sender's own words is no result, nor is one about another domain."""
    assert not read(raw(b"x", f"Authentication-Results: mx.mall.example; {results}")).is_proven


def test_a_result_about_the_sender_proves_them() -> None:
    told = "Authentication-Results: mx.mall.example; spf=none; dmarc=pass (p=NONE (sp=x)) header.from=Example.com"
    assert read(raw(b"x", told)).is_proven


@pytest.mark.parametrize(
    "source",
    [
        raw(b"x", "Date: Fri, 31 Dec 9999 23:59:59 -1200"),
        raw(b"x", "Cc: " + "(" * 3_000),
        raw(b"x", 'Content-Type: text/plain; charset="utf-16\0"'),
        raw(b"x", "Content-Type: text/plain; charset=undefined"),
        raw(b"<p>x</p><![foo[ x]]>", "Content-Type: text/html"),
        raw(b"x" + b"<a " * 20_000, "Content-Type: text/html"),
        raw(b"x\n" + b">\n" * 50_000 + b"x"),
        raw(b"x\n" + b" " * 150_000 + b"x"),
    ],
)
def test_an_e_mail_made_to_stop_the_reader_is_read_on_time(source: bytes) -> None:
    """One that raised would be met again at every look, and no e-mail after it would be taken."""
    began = time.process_time()
    found = read(source)
    assert found.address == "li@example.com" and found.text.startswith("x")
    assert time.process_time() - began < 5


def test_e_mails_inside_one_another_without_end_are_nobodys() -> None:
    assert read(raw(b"") + b"x").address == "li@example.com"
    nested = raw(b"", "Content-Type: message/rfc822") + b"Content-Type: message/rfc822\r\n\r\n" * 1_500
    found = read(nested)
    assert not found.address and found.key.startswith("sha256:")


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers; charset=nope"])
def test_a_report_in_an_unknown_character_set_still_names_the_e_mail(kind: str) -> None:
    head = raw(b"", "Content-Type: multipart/report; boundary=b")
    status = b"--b\r\nContent-Type: message/delivery-status\r\n\r\nA: b\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    returned = f"--b\r\nContent-Type: {kind}\r\n\r\nMessage-ID: <7@x>\r\n".encode()
    inner = b"Content-Type: text/plain; charset=nope\r\n\r\n\xff\xff\r\n--b--"
    bounce = read(head + status + returned + inner).bounce
    assert bounce is not None and (bounce.reference, bounce.code) == ("<7@x>", "5.1.1")
