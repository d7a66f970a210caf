"""One box that finds persons by phone, card, plate, name, any part of it, pinyin and initials."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.people import NOW, Crew, Malls, meet
from zhike.customers import operations, queries
from zhike.customers.operations import NewIdentifier, NewPerson
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import NotAllowed

ACTOR = system_viewer("tests")


@pytest.fixture
def guests(malls: Malls) -> dict[str, int]:
    names = ["张三", "张三丰", "张小明", "章珊", "李四", "单美玲", "欧阳娜娜", "Alice Wang"]
    return {name: meet(malls, name, f"1380013{number:04d}") for number, name in enumerate(names)}


def found(viewer: Any, text: str, limit: int = 20) -> list[tuple[str, str]]:
    return [(hit.name, hit.matched) for hit in queries.search(viewer, text, limit)]


@pytest.mark.feature("C020")
def test_names_are_found_by_any_part(guests: dict[str, int], crew: Crew) -> None:
    assert found(crew.wang, "张三")[:2] == [("张三", "name"), ("张三丰", "name")]
    assert ("章珊", "sound") in found(crew.wang, "张山"), "the same pinyin, written otherwise"
    assert {name for name, _why in found(crew.wang, "张")} >= {"张三", "张三丰", "张小明"}
    assert found(crew.wang, "小明") == [("张小明", "name")]
    assert found(crew.wang, "阳娜") == [("欧阳娜娜", "name")]
    assert found(crew.wang, "欧阳 娜娜")[0] == ("欧阳娜娜", "name")


@pytest.mark.feature("C020")
def test_letters_are_pinyin_or_initials(guests: dict[str, int], crew: Crew) -> None:
    assert found(crew.wang, "zhangsan")[0] == ("张三", "pinyin")
    assert ("张三丰", "pinyin") in found(crew.wang, "Zhang San")
    assert found(crew.wang, "shanmeiling")[0] == ("单美玲", "pinyin")
    assert ("单美玲", "initials") in found(crew.wang, "sml")
    assert ("张三丰", "initials") in found(crew.wang, "zs"), "initials by their beginning"
    assert found(crew.wang, "alice")[0] == ("Alice Wang", "pinyin")


def test_sounding_alike_and_slips_come_last(guests: dict[str, int], crew: Crew) -> None:
    assert ("张三", "sound") in found(crew.wang, "zangsan")
    assert ("张小明", "typo") in found(crew.wang, "zhangxiaomng")
    assert found(crew.wang, "qqqqqqq") == []


@pytest.mark.feature("C064")
def test_whole_identifiers_are_found_and_masked(zhang_san: int, crew: Crew) -> None:
    operations.add_identifier(
        actor=ACTOR, person_id=zhang_san, identifier=NewIdentifier("plate", "粤B12345"), now=NOW
    )
    for text, why in [("138 0013 8000", "phone"), ("vip0001", "card"), ("粤B·12345", "plate")]:
        [hit] = queries.search(crew.wang, text)
        assert (hit.person_id, hit.matched, hit.masked_phone, hit.masked_card) == (
            zhang_san,
            why,
            "138****8000",
            "****01",
        )
    assert queries.search(crew.wang, "1380013800") == []


@pytest.mark.feature("C029")
def test_names_are_found_in_scope_only(zhang_san: int, li_si: int, crew: Crew) -> None:
    assert found(crew.wang, "李四") == []
    assert found(crew.qian, "李四") == [("李四", "name")]
    assert found(crew.qian, "张三") == []
    assert found(crew.zhou, "张三") == []
    assert found(crew.chen, "张三") == [("张三", "name")]
    operations.assign_associate(actor=ACTOR, person_id=zhang_san, staff_id=crew.zhou.id, now=NOW)
    assert found(crew.zhou, "zs") == [("张三", "initials")]


@pytest.mark.feature("C029", "C064")
def test_till_of_any_mall_finds_a_member_by_the_whole_number_only(zhang_san: int, crew: Crew) -> None:
    assert found(crew.zhao, "13800138000") == [("张*", "phone")]
    assert found(crew.zhao, "VIP0001") == [("张*", "card")]
    assert found(crew.zhao, "张三") == []
    assert found(crew.zhao, "zhangsan") == []
    assert found(crew.chen, "13800138000") == [("张三", "phone")], "in scope though not for look-up"
    with pytest.raises(NotAllowed):
        queries.search(crew.nobody, "张三")


def test_limit_and_odd_texts(guests: dict[str, int], crew: Crew) -> None:
    assert len(queries.search(crew.wang, "张", 2)) == 2
    for text in ("", "   ", "%", "_", "\\", "'", "\x00", "张" * 500, "😀", "a" * 500, "-1"):
        assert queries.search(crew.wang, text) == []


def test_the_gone_are_not_found(zhang_san: int, crew: Crew) -> None:
    from zhike.customers.models import Person

    Person.objects.filter(pk=zhang_san).update(status="erased")
    assert queries.search(crew.wang, "张三") == []
    assert queries.search(crew.wang, "13800138000") == []


def test_every_step_is_served_by_an_index(malls: Malls) -> None:
    persons = [
        NewPerson(
            name="王李赵周吴郑冯陈"[number % 8]
            + "伟芳娜敏静丽强磊军洋"[number // 8 % 10]
            + chr(0x4E00 + number % 997),
            identifiers=(NewIdentifier("phone", f"139{number:08d}"),),
            mall_id=malls.star,
        )
        for number in range(4000)
    ]
    operations.create_persons(actor=ACTOR, group_id=malls.group, persons=persons, now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_person")
        cursor.execute("ANALYZE customers_identifier")
        cursor.execute("SET LOCAL enable_seqscan = off")
        for step, plan in _plans(cursor, "王伟"):
            assert "Seq Scan" not in plan, step
        for step, plan in _plans(cursor, "wangwei"):
            assert "Seq Scan" not in plan, step


def _plans(cursor: Any, text: str) -> list[tuple[str, str]]:
    from zhike.customers import rules
    from zhike.customers.models import Person

    plans = []
    for matched, rows in queries._name_steps(Person.objects.all(), rules.meaning_of(text)):
        sql, params = rows.values_list("pk", flat=True)[:20].query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", params)
        plans.append((matched, "\n".join(row[0] for row in cursor.fetchall())))
    return plans
