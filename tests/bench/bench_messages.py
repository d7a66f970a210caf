"""Sending: offers a second through every gate to an emulated vendor in a process of its own, over real HTTP."""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.connection
import urllib.request

from tests.bench.harness import Result, result, stopwatch
from tests.integrations.vendors import SYSTEM, open_account
from tests.people import NOW, Malls, build_malls, publish_policy

PEOPLE = 5_000
ASKED_PER_S = 500.0
"""What is asked of two cores; the limit that the ratio is of."""
WORDING = "${name}您好，周三会员日餐饮积分加倍，欢迎光临。拒收请回复R"


def run() -> list[Result]:
    here, there = multiprocessing.get_context("fork").Pipe()
    vendor = multiprocessing.get_context("fork").Process(target=_play_vendor, args=(there,), daemon=True)
    vendor.start()
    malls = build_malls()
    publish_policy(malls)
    people = _people(malls)
    url = here.recv()
    try:
        return _measure(people, url)
    finally:
        vendor.kill()
        vendor.join()


def _measure(people: list[int], url: str) -> list[Result]:
    from zhike.messaging import operations
    from zhike.messaging.models import OutboundMessage

    _write_offer(url)
    with stopwatch() as asking:
        operations.send_messages(actor=SYSTEM, template="offer", person_ids=people, now=NOW)
    asked_s = asking()
    seconds = []
    with stopwatch() as sending:
        while True:
            with stopwatch() as batch:
                done = operations.send_due(actor=SYSTEM, now=NOW)
            if not done.total:
                break
            seconds.append(batch())
    sent_s = sending()
    sent = OutboundMessage.objects.filter(status="sent").count()
    with urllib.request.urlopen(f"{url}/_phone") as answer:
        taken = json.loads(answer.read())["count"]
    if not sent == taken == len(people):
        raise RuntimeError(f"{len(people)} asked, {sent} sent, {taken} taken")
    name = f"messages: {PEOPLE:,} offers through every gate to the vendor"
    return [
        result("messages: written into the outbox", PEOPLE / asked_s, "messages/s"),
        result(name, sent / sent_s, "messages/s", limit=ASKED_PER_S, target=1.0, seconds=seconds),
    ]


def _write_offer(url: str) -> None:
    from zhike.messaging import operations, queries
    from zhike.organization import queries as organization

    account_id = open_account(url)
    group_id = organization.default_group().id
    template_id = operations.create_template(
        actor=SYSTEM,
        group_id=group_id,
        code="offer",
        name="会员日",
        kind="marketing",
        fallback=["sms"],
        now=NOW,
    )
    version_id = operations.write_version(
        actor=SYSTEM, template_id=template_id, channel="sms", language="zh-hans", body=WORDING, now=NOW
    )
    operations.approve_version(actor=SYSTEM, version_id=version_id, now=NOW)
    operations.tell_vendor(
        actor=SYSTEM,
        version_id=version_id,
        account_id=account_id,
        vendor_code="SMS_1",
        state="approved",
        now=NOW,
    )
    operations.save_policy(
        actor=SYSTEM, group_id=group_id, changes={"budget_fen": 10**7, "skips_holidays": True}, now=NOW
    )
    assert queries.templates(SYSTEM)


def _people(malls: Malls) -> list[int]:
    from zhike.customers import operations as customers
    from zhike.privacy import operations as privacy

    ids = customers.create_persons(
        actor=SYSTEM,
        group_id=malls.group,
        persons=[
            customers.NewPerson(
                name=f"客{number}",
                identifiers=(customers.NewIdentifier("phone", f"138{number:08d}"),),
                mall_id=malls.star,
            )
            for number in range(PEOPLE)
        ],
        now=NOW,
    )
    granted = (privacy.Decision("marketing", "sms", "granted"),)
    consents = [privacy.PersonDecisions(pk, granted, "paper") for pk in ids]
    privacy.record_consents_bulk(
        actor=SYSTEM, group_id=malls.group, persons=consents, policy_version="2026-01", now=NOW
    )
    return list(ids)


def _play_vendor(pipe: multiprocessing.connection.Connection) -> None:
    from zhike.integrations.aliyun_sms.emulator import AliyunEmulator, Operator

    operator = Operator(templates={"SMS_1": WORDING})
    emulator = AliyunEmulator(operator)
    pipe.send(emulator.url)
    emulator.serve()
