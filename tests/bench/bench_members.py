"""A million members: found by phone, card, name and pinyin; the member page and the list. Against the bare SELECT."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench.harness import Result, result, timed
from tests.loyalty.conftest import BASE_RULE, SYSTEM, Town, build_town
from zhike.customers import queries as customers
from zhike.kernel import clock
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.loyalty.operations.members import new_card_number
from zhike.organization.operations import staff

KEEP_DATABASE = True
MEMBERS = 1_000_000
CALLS = 400
FIRST_PHONE = 15_000_000_000
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
GIVEN = "伟芳娜敏静丽强磊洋艳勇军杰娟涛超明霞秀英华玲辉鹏燕红梅琳佳倩欣悦怡雨涵梓萱浩然子轩"
PASSWORD = "Qinghe7-Songjian"


def run() -> list[Result]:
    town = _town()
    rng = random.Random(1)
    return [
        *_by_identifier(rng),
        *_by_name(rng),
        *_reading(rng),
        *_pages(town, rng),
    ]


def _town() -> Town:
    """The mall with its million members, loaded by SQL the first time."""
    if (count := _scalar("SELECT count(*) FROM loyalty_member")) >= MEMBERS:
        mall_id = _scalar("SELECT min(id) FROM organization_mall")
        return Town(1, mall_id, 0, 0, 0, 0, _scalar("SELECT min(id) FROM loyalty_program"), {})
    assert count == 0, "a half-loaded benchmark database: remove .zhike/bench"
    with transaction.atomic():
        return _new_town()


def _new_town() -> Town:
    town = build_town()
    now = clock.now()
    loyalty.publish_rule_version(
        actor=SYSTEM,
        program_id=town.program_id,
        code="base",
        name="消费积分",
        definition=BASE_RULE,
        effective_from=now.replace(year=now.year - 1),
        now=now,
        backdated=True,
    )
    _load(town)
    staff_id = staff.create_staff(
        actor=SYSTEM, group_id=town.group_id, username="bench", name="压测", password=PASSWORD, now=now
    )
    staff.grant_role(actor=SYSTEM, staff_id=staff_id, role="admin", level="all", now=now)
    return town


def _load(town: Town) -> None:
    """Persons, identifiers, members, accounts and cards by COPY; values stay unreadable, which no read here needs."""
    rng = random.Random(7)
    names = sorted(
        {rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice((1, 2, 2)))) for _ in range(12_000)}
    )
    spoken = [(name, *customers_name(name)) for name in names]
    now = clock.now()
    with connection.cursor() as cursor:
        _copy(
            cursor,
            "customers_person",
            "id, group_id, name, name_pinyin, name_initials, name_grams, sex, occupation, language, status, created_at,"
            " source, source_mall_id, birthday_calendar, birthday_key",
            (
                (
                    no,
                    town.group_id,
                    *spoken[no * 7919 % len(spoken)],
                    "female",
                    "",
                    "",
                    "active",
                    now,
                    "bench",
                    town.mall_id,
                    "solar",
                    "",
                )
                for no in range(1, MEMBERS + 1)
            ),
        )
        columns = "id, person_id, kind, value, index, masked, created_at, retired_reason"
        kinds = (("phone", 0, lambda no: f"+86{FIRST_PHONE + no}"), ("card", MEMBERS, new_card_number))
        for kind, offset, value_of in kinds:
            rows = (
                (
                    offset + no,
                    no,
                    kind,
                    b"v1",
                    customers.indexes_of(kind, value_of(no))[0],
                    "150****0000",
                    now,
                    "",
                )
                for no in range(1, MEMBERS + 1)
            )
            _copy(cursor, "customers_identifier", columns, rows)
        cursor.execute(
            """INSERT INTO loyalty_member (id, program_id, person_id, number, status, tier_id, tier_since, mall_id,
                enrolled_at, enrolled_by, source)
            SELECT n, %s, n, i.no, 'active', %s, now(), %s, now() - make_interval(secs => n * 30), 'bench', 'bench'
            FROM generate_series(1, %s) n,
                LATERAL (SELECT 'B' || lpad(n::text, 12, '0') AS no) i""",
            [town.program_id, min(town.tiers.values()), town.mall_id, MEMBERS],
        )
        cursor.execute(
            """INSERT INTO loyalty_account (program_id, member_id, code, balance, debt, qualifying_fen, version)
            SELECT %s, id, '', 0, 0, 0, 0 FROM loyalty_member""",
            [town.program_id],
        )
        for table in ("customers_person", "loyalty_member", "customers_identifier"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {2 * MEMBERS + 1})")
        cursor.execute("ANALYZE")


def customers_name(name: str) -> tuple[str, str, list[str]]:
    from zhike.customers import rules

    return (*rules.pinyin(name), rules.grams(name))


def _copy(cursor: Any, table: str, columns: str, rows: Any) -> None:
    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _scalar(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])


def _by_identifier(rng: random.Random) -> list[Result]:
    """Ours (normalise, blind index under every live key, look up) against the SELECT with the index in hand."""
    results = []
    for kind, value_of in (("phone", lambda no: str(FIRST_PHONE + no)), ("card", new_card_number)):
        numbers = rng.sample(range(1, MEMBERS), CALLS * 2)
        keys = [_key(kind, value_of(no)) for no in numbers[:CALLS]]
        bare = timed(_each(keys, partial(_fetch, _BARE)), CALLS)
        ours = timed(
            _each([value_of(no) for no in numbers[CALLS:]], partial(customers.person_id_by, kind)), CALLS
        )
        results.append(
            result(
                f"look-up by {kind}, 1M", _mean_ms(ours), "ms", limit=_mean_ms(bare), target=0.3, seconds=ours
            )
        )
    return results


_BARE = (
    "SELECT person_id FROM customers_identifier WHERE kind = %s AND index = ANY(%s) AND retired_at IS NULL"
)


def _key(kind: str, value: str) -> tuple[str, list[bytes]]:
    return kind, customers.indexes_of(kind, customers.normalised(kind, value) or "")


def _by_name(rng: random.Random) -> list[Result]:
    words = {
        "name": lambda: rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=2)),
        "part of a name": lambda: "".join(rng.choices(GIVEN, k=2)),
        "pinyin": lambda: customers_name(rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=2)))[0],
        "initials": lambda: customers_name(rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=2)))[1],
    }
    results = []
    for label, word in words.items():
        asked = [word() for _ in range(CALLS)]
        seconds = timed(_each(asked, lambda text: customers.search(SYSTEM, text, 20)), CALLS)
        results.append(result(f"search by {label}, 1M", _mean_ms(seconds), "ms", seconds=seconds))
    return results


def _reading(rng: random.Random) -> list[Result]:
    """The member's file and the list as queries: milliseconds, and how many statements."""
    now = clock.now()
    numbers = rng.sample(range(1, MEMBERS), CALLS)
    cursors = [None]
    for _ in range(50):
        cursors.append(members.members_page(SYSTEM, cursor=cursors[-1]).next_cursor)
    bare = timed(
        _each(
            numbers,
            lambda no: _fetch(
                "SELECT * FROM loyalty_member m JOIN loyalty_account a ON a.member_id = m.id WHERE m.id = %s",
                [no],
            ),
        ),
        CALLS,
    )
    ours = timed(_each(numbers, lambda no: members.member_file(SYSTEM, no, now)), CALLS)
    pages = timed(_each(cursors, lambda cursor: members.members_page(SYSTEM, cursor=cursor)), CALLS)
    return [
        result("member file, 1M", _mean_ms(ours), "ms", limit=_mean_ms(bare), seconds=ours),
        result(
            "member file, statements", _statements(lambda: members.member_file(SYSTEM, 77, now)), "queries"
        ),
        result("members list, 1M", _mean_ms(pages), "ms", seconds=pages),
        result("members list, statements", _statements(lambda: members.members_page(SYSTEM)), "queries"),
    ]


def _pages(town: Town, rng: random.Random) -> list[Result]:
    """The console's pages, rendered by the program itself: server time of the whole request, and its statements."""
    client = Client(HTTP_HOST="127.0.0.1")
    client.post("/console/login/", {"username": "bench", "password": PASSWORD}, REMOTE_ADDR="127.0.0.1")
    results = []
    for label, address in (("member page", "/console/members/{}/"), ("members list", "/console/members/")):
        addresses = [address.format(no) for no in rng.sample(range(1, MEMBERS), 60)]
        assert client.get(addresses[0]).status_code == 200, (label, addresses[0])
        seconds = timed(_each(addresses, client.get), 60)
        results.append(result(f"{label} over HTTP, 1M", _mean_ms(seconds), "ms", seconds=seconds))
        queries = _statements(partial(client.get, addresses[1]))
        results.append(result(f"{label} over HTTP, statements", queries, "queries"))
    return results


def _each(values: Sequence[Any], act: Callable[[Any], object]) -> Callable[[], object]:
    """Calls ``act`` with the next value, round and round."""
    position = -1

    def step() -> object:
        nonlocal position
        position = (position + 1) % len(values)
        return act(values[position])

    return step


def _fetch(sql: str, args: Sequence[Any]) -> object:
    from zhike.kernel.statements import fetch_row

    return fetch_row(sql, args)


def _mean_ms(seconds: Sequence[float]) -> float:
    return sum(seconds) / len(seconds) * 1000


def _statements(action: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        action()
    return len(captured)
