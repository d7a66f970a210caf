"""Whose behaviour it is: identify, alias, stitching, shared devices, consent, and what never reaches the log."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection

from tests.collection.conftest import SYSTEM, Sender, agreed, behaviour, build_sender, track
from tests.people import NOW, Crew, Malls
from zhike.collection import queries
from zhike.collection.models import Visitor
from zhike.customers import operations as customers
from zhike.customers import queries as people
from zhike.customers.models import ProfileChange
from zhike.kernel import clock
from zhike.kernel.models import Event
from zhike.privacy import operations as privacy

pytestmark = [pytest.mark.feature("C002", "C018"), pytest.mark.django_db]


def identify(user_id: str, anonymous_id: str = "", **traits: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": user_id, "anonymousId": anonymous_id, "traits": traits}


def person_of(user_id: str) -> int | None:
    return people.person_id_by("account", f"default:{user_id}")


# --- identify ------------------------------------------------------------------------------------------------------


@pytest.mark.feature("C001")
def test_identify_makes_a_person_with_identifiers_and_profile(server: Sender, malls: Malls) -> None:
    server.send(
        identify("u-7", name="王五", phone="137 0013 7000", email="W5@Example.com", gender="男", birthday="1988-02-29",
                 address={"city": "上海", "street": "南京西路 1 号"}, plan="gold")
    )  # fmt: skip
    person = people.person(person_of("u-7") or 0)
    assert (person.name, person.sex, person.source, person.source_mall_id) == (
        "王五",
        "male",
        "collection",
        malls.star,
    )
    assert {one.kind for one in person.identifiers} == {"account", "phone", "email"}
    assert people.person_id_by("phone", "13700137000") == person.id and person.has_address
    assert people.birth_date(person.id) == dt.date(1988, 2, 29)


def test_identify_finds_the_person_by_phone_and_fills_gaps_only(server: Sender, zhang_san: int) -> None:
    """What a human being entered stays; the source's word is kept with its name."""
    server.send(identify("u-1", phone="13800138000", name="ZHANG", title="医生"))
    person = people.person(zhang_san)
    assert person_of("u-1") == zhang_san
    assert (person.name, person.occupation) == ("张三", "医生")
    [change] = ProfileChange.objects.filter(person_id=zhang_san)
    assert (change.field, change.actor, change.reason) == (
        "occupation",
        "system:source 官网服务器",
        "官网服务器",
    )


def test_later_word_of_a_machine_replaces_the_earlier_but_not_the_other_way(server: Sender) -> None:
    server.send(identify("u-2", title="教师") | {"timestamp": "2026-03-01T00:00:00Z"})
    server.send(
        identify("u-2", title="校长")
        | {"timestamp": "2200-01-01T00:00:00Z", "sentAt": "2200-01-01T00:00:00Z"}
    )
    server.send(identify("u-2", title="学生") | {"timestamp": "2026-03-02T00:00:00Z"})
    person_id = person_of("u-2") or 0
    assert people.person(person_id).occupation == "校长"
    customers.update_profile(
        actor=SYSTEM_STAFF(),
        person_id=person_id,
        changes={"occupation": "退休"},
        reason="本人来电",
        now=clock.now(),
    )
    server.send(identify("u-2", title="校长"))
    assert people.person(person_id).occupation == "退休"


def SYSTEM_STAFF() -> Any:
    from zhike.kernel.access import ALL, Grant, Viewer

    grant = Grant(frozenset({"members.edit", "members.identity"}), ALL)
    return Viewer(kind="staff", id=1, label="孙客服", grants=(grant,))


def test_identifier_of_somebody_else_stays_there_and_the_conflict_is_told(
    server: Sender, zhang_san: int, li_si: int
) -> None:
    server.send(identify("u-1", phone="13800138000"))
    server.send(identify("u-1", phone="13900139000"))
    assert person_of("u-1") == zhang_san and people.person_id_by("phone", "13900139000") == li_si
    conflict = Event.objects.get(type="zhike.customers.identifiers_conflicted")
    assert conflict.data == {"person_id": zhang_san, "other_person_id": li_si, "kind": "phone"}


def test_public_key_neither_makes_nor_changes_persons(web: Sender, zhang_san: int) -> None:
    web.send(identify("u-1", "browser-1", phone="13800138000", name="恶作剧") | {"context": agreed()})
    assert person_of("u-1") is None and people.person(zhang_san).name == "张三"
    assert not Visitor.objects.filter(person_id=zhang_san).exists()


def test_invalid_identifier_is_set_aside_mended_and_taken(server: Sender, crew: Crew) -> None:
    from zhike.collection import operations

    server.send(identify("u-3", phone="12345", name="赵六"))
    [kept] = queries.set_aside_page(SYSTEM, server.source_id).items
    assert (kept.reason, kept.detail) == ("invalid-identifier", "phone")
    assert kept.message["traits"] == {"phone": "***", "name": "***"} and kept.message["userId"] == "u-***"
    body = operations.open_set_aside(actor=crew.ops, set_aside_id=kept.id, now=NOW)
    with pytest.raises(operations.StillUnusable):
        operations.replay_set_aside(
            actor=crew.ops, set_aside_id=kept.id, body=body.replace("12345", "1"), now=NOW
        )
    operations.replay_set_aside(
        actor=crew.ops, set_aside_id=kept.id, body=body.replace("12345", "13600136000"), now=NOW
    )
    assert person_of("u-3") == people.person_id_by("phone", "13600136000") is not None
    assert queries.set_aside(SYSTEM, kept.id).is_mended
    with pytest.raises(operations.AlreadySettled):
        operations.replay_set_aside(actor=crew.ops, set_aside_id=kept.id, now=NOW)


# --- stitching -----------------------------------------------------------------------------------------------------


@pytest.mark.feature("C021")
def test_anonymous_time_becomes_the_persons_at_identify(server: Sender, zhang_san: int) -> None:
    server.send(track(), track("Cart Viewed"))
    first, second = behaviour()
    assert first.subject == second.subject and first.subject.startswith("visitor/")
    server.send(identify("u-1", "browser-1", phone="13800138000"), track(userId="u-1"))
    [visitor] = queries.visitors_of(zhang_san)
    assert visitor.subject == first.subject and visitor.until is not None and visitor.until >= first.time
    assert behaviour()[-1].subject == f"person/{zhang_san}"
    assert (
        Event.objects.filter(type="zhike.collection.visitor_stitched", subject=f"person/{zhang_san}").count()
        == 1
    )


def test_order_inside_a_batch_does_not_matter(server: Sender, zhang_san: int) -> None:
    server.send(track(userId="u-1"), identify("u-1", "browser-1", phone="13800138000"), track())
    assert next(event.subject for event in behaviour()) == f"person/{zhang_san}"
    assert len(queries.visitors_of(zhang_san)) == 1


@pytest.mark.feature("C018")
def test_shared_device_is_nobodys(server: Sender, zhang_san: int, li_si: int) -> None:
    server.send(track())
    server.send(identify("u-1", "browser-1", phone="13800138000"))
    assert queries.visitors_of(zhang_san)
    server.send(identify("u-2", "browser-1", phone="13900139000"))
    assert not queries.visitors_of(zhang_san) and not queries.visitors_of(li_si)
    server.send(identify("u-1", "browser-1"))
    assert not queries.visitors_of(zhang_san)
    shared = Event.objects.get(type="zhike.collection.visitor_shared")
    assert shared.data["person_id"] == zhang_san and shared.data["other_person_id"] == li_si


def test_kiosk_gives_nothing_to_anybody(malls: Malls, zhang_san: int) -> None:
    kiosk = build_sender(malls, "一楼导览屏", kind="kiosk", is_trusted=True, consent_assumed=True)
    kiosk.send(track(), identify("u-1", "browser-1", phone="13800138000"))
    assert not Visitor.objects.exists()
    assert behaviour()[0].subject == f"source/{kiosk.source_id}"


def test_unknown_account_becomes_the_persons_once_it_is_known(
    server: Sender, web: Sender, zhang_san: int
) -> None:
    web.send(track(userId="u-1", context=agreed()))
    assert behaviour()[0].subject.startswith("visitor/")
    server.send(identify("u-1", phone="13800138000"))
    [visitor] = queries.visitors_of(zhang_san)
    assert visitor.subject == behaviour()[0].subject and visitor.until is None


def test_alias_joins_an_anonymous_time_and_an_older_account(server: Sender, zhang_san: int) -> None:
    server.send(track(anonymousId="app-1"), identify("old-1", phone="13800138000"))
    server.send({"type": "alias", "previousId": "old-1", "userId": "new-1"})
    assert person_of("new-1") == zhang_san
    server.send({"type": "alias", "previousId": "app-1", "userId": "new-1"})
    assert len(queries.visitors_of(zhang_san)) == 1
    server.send({"type": "alias", "previousId": "x", "userId": "nobody"})
    assert queries.set_aside_page(SYSTEM, server.source_id).items[0].reason == "unknown-user"


# --- consent -------------------------------------------------------------------------------------------------------


def decide(person_id: int, decision: str) -> None:
    privacy.record_consents(
        actor=SYSTEM, person_id=person_id, policy_version="2026-01", method="member_app", evidence={}, now=NOW,
        decisions=[privacy.Decision("personalisation", "any", decision)],
    )  # fmt: skip


@pytest.mark.feature("N7")
def test_without_consent_behaviour_leads_to_nobody(web: Sender) -> None:
    web.send(track(context={"page": {"title": "首页"}}))
    assert (web.last.anonymised, web.last.taken) == (1, 0)
    [event] = behaviour()
    assert event.subject == f"source/{web.source_id}" and event.data["basis"] == "anonymous"
    assert event.data["visitor_id"] is event.data["person_id"] is None and event.data["context"] == {}
    assert (event.time.minute, event.time.second) == (0, 0)
    assert not Visitor.objects.exists()


@pytest.mark.feature("N7")
def test_refused_banner_keeps_nothing_but_the_count(web: Sender, server: Sender, zhang_san: int) -> None:
    server.send(identify("u-1", phone="13800138000"))
    refused = {"context": agreed(yes=False)}
    web.send(track() | refused, track(userId="u-1") | refused, track(context=agreed("Advertising")))
    assert web.last.refused == 3 and not behaviour()
    web.send(track("Order Completed", userId="u-1", properties={"order_id": "O-1"}) | refused)
    assert [event.data["basis"] for event in behaviour()] == ["contract"]


@pytest.mark.feature("N7")
def test_what_the_member_decided_outranks_the_banner(
    server: Sender, web: Sender, zhang_san: int, policy: str
) -> None:
    server.send(identify("u-1", phone="13800138000"))
    web.send(track(userId="u-1"))
    decide(zhang_san, "granted")
    web.send(track(userId="u-1"))
    decide(zhang_san, "refused")
    web.send(track(userId="u-1", context=agreed()))
    assert [event.data["basis"] for event in behaviour()] == ["anonymous", "consent", "anonymous"]
    assert [event.subject == f"person/{zhang_san}" for event in behaviour()] == [False, True, False]


@pytest.mark.feature("N7")
def test_children_are_not_profiled(server: Sender) -> None:
    child = clock.now().date() - dt.timedelta(days=365 * 10)
    server.send(identify("u-9", phone="13700137009", birthday=child.isoformat()))
    server.send(track(userId="u-9", context=agreed()))
    assert behaviour()[0].data["basis"] == "anonymous"


# --- personal data -------------------------------------------------------------------------------------------------


def test_personal_data_reach_neither_log_nor_debugger(web: Sender) -> None:
    secrets = [
        "13800138000",
        "138-0013-8000",
        "w5@example.com",
        "11010519491231002X",
        "6222021234567890128",
        "秘密路 3 号",
    ]
    web.send(
        track(
            context=agreed() | {"ip": "203.0.113.77", "page": {"url": "https://shop.cn/a?phone=13800138000#t=9"}},
            properties={
                "email": "w5@example.com", "note": "打我 138-0013-8000 或 w5@example.com", "shippingAddress": "秘密路 3 号",
                "deep": [{"text": "身份证 11010519491231002X 卡 6222021234567890128"}], "number": 13800138000,
                "order_id": "202611221234567890", "name": "拿铁",
            },
        ),
        identify("13800138000", "browser-1", phone="13800138000", address="秘密路 3 号") | {"context": agreed()},
        {"type": "track", "anonymousId": "x", "event": "call 13800138000", "context": agreed()},
        {"type": "nonsense", "traits": {"email": "w5@example.com"}, "properties": {"q": "13800138000"}},
    )  # fmt: skip
    kept = behaviour()[0].data["properties"]
    assert kept["order_id"] == "202611221234567890" and kept["name"] == "拿铁" and kept["number"] == "***"
    assert behaviour()[0].data["context"]["page"]["url"] == "https://shop.cn/a"
    with connection.cursor() as cursor:
        for table in (
            "kernel_event",
            "collection_delivery",
            "collection_setaside",
            "collection_visitor",
            "kernel_audit",
        ):
            cursor.execute(f"SELECT string_agg(t::text, '') FROM {table} t")
            text = cursor.fetchone()[0] or ""
            assert [secret for secret in [*secrets, "203.0.113.77"] if secret in text] == [], table


def test_stranger_sees_no_source(web: Sender, crew: Crew) -> None:
    from zhike.collection import operations
    from zhike.kernel.errors import NotAllowed, NotFound

    assert [one.ref.id for one in queries.sources(crew.wang, NOW)] == [web.source_id]
    assert queries.sources(crew.qian, NOW) == []
    for ask in (
        lambda: queries.source(crew.qian, web.source_id, NOW),
        lambda: queries.latest_deliveries(crew.qian, web.source_id),
        lambda: operations.make_write_key(actor=crew.wang, source_id=web.source_id, now=NOW),
        lambda: operations.update_source(
            actor=crew.li, source_id=web.source_id, changes={"name": "我的"}, now=NOW
        ),
    ):
        with pytest.raises((NotFound, NotAllowed)):
            ask()


def test_upkeep_keeps_the_counts(web: Sender) -> None:
    from zhike.collection import operations
    from zhike.kernel import clock

    web.send(track(messageId="m"), track())
    now = clock.now()
    before = sum(count.messages for _hour, count in queries.counts_by_hour(SYSTEM, web.source_id, now))
    later = now + dt.timedelta(days=9)
    assert operations.prune_collection(actor=SYSTEM, now=later) == 1
    assert operations.prune_collection(actor=SYSTEM, now=later) == 0
    after = sum(count.messages for _hour, count in queries.counts_by_hour(SYSTEM, web.source_id, now))
    assert before == after == 2
    web.send(track(messageId="m"))
    assert web.last.duplicates == 0
