"""Tags in the console: written as a sentence, published, seen on a member with why, given by hand, made of free words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.insight import operations, queries
from zhike.insight.handlers import tags
from zhike.insight.models import Tag, TagMark
from zhike.kernel.access import Viewer
from zhike.kernel.events import drain
from zhike.loyalty import queries as loyalty

pytestmark = [pytest.mark.feature("C046"), pytest.mark.django_db]


def form(**changes: Any) -> dict[str, Any]:
    """At least two purchases from ¥100 on in 30 days, and not: a coupon used for half of them."""
    return {
        "row": ["0", "1"], "match": "all",
        "0.ask": "figure", "0.event": "purchase", "0.measure": "count", "0.number": "30", "0.unit": "days", "0.op": "at_least",
        "0.low": "2", "0.key0": "net_fen", "0.keyop0": "at_least", "0.keyvalue0": "0.50",
        "1.not": "1", "1.ask": "share", "1.event": "coupon_used", "1.by": "purchase", "1.measure": "count", "1.number": "30",
        "1.unit": "days", "1.op": "at_least", "1.low": "50", "1.least": "2",
        "name": "常客", "name_en": "Regular", "code": "regular", "category": "visit", "note": "周末礼", **changes,
    }  # fmt: skip


def test_written_read_published_and_seen(world: World, admin: Client) -> None:
    assert 'name="0.event"' in said(admin.get("/console/tags/new/"))
    read = said(admin.post("/console/tags/reading/", form(), headers=HTMX))
    assert (
        "近 30 天消费（实付金额不少于 ¥0.50） ≥ 2 次，且不符合（近 30 天用券占消费的比例 ≥ 50%（消费至少 2 次））"
        in read
    )
    assert "位会员现在符合" in read
    assert admin.post("/console/tags/new/", form()).status_code == 302
    tag = Tag.objects.get()
    url = f"/console/tags/{tag.pk}/"
    assert "尚未发布" in said(admin.get(url))
    assert "将获得" in said(admin.get(f"{url}moves/", headers=HTMX))
    assert admin.post(f"{url}publish/", {"note": "首次"}).status_code == 302
    drain(tags)
    listed = said(admin.get("/console/tags/"))
    assert "常客" in listed and "生效中" in listed
    assert "张三" in said(admin.get(f"{url}now/", headers=HTMX))
    page = said(admin.get(url))
    assert "版本 1" in page and "获得" in page
    card = said(admin.get(f"/console/members/{world.zhang_san}/tags/card/", headers=HTMX))
    assert "常客" in card and "3 次" in card
    assert "member_tags" not in said(admin.get(f"/console/members/{world.zhang_san}/"))
    assert "获得标签“常客”" in said(admin.get(f"/console/members/{world.zhang_san}/timeline/"))
    edit = said(admin.get(f"{url}edit/"))
    assert 'name="0.keyvalue0" autocomplete="off" value="0.50"' in edit
    assert 'name="1.least"' in edit
    admin.post(f"{url}edit/", form(**{"0.low": "9"}, ttl_days="20"))
    assert "将失去" in said(admin.post("/console/tags/reading/", form(tag=str(tag.pk)), headers=HTMX))
    assert admin.post(f"{url}retire/").status_code == 302
    assert "已停用" in said(admin.get(url))


def test_the_editor_adds_takes_out_and_asks_otherwise(world: World, admin: Client) -> None:
    url = "/console/tags/builder/"
    assert 'name="row" value="2"' in said(admin.post(url, form(act="add"), headers=HTMX))
    assert 'name="row" value="1"' not in said(admin.post(url, form(act="drop:0"), headers=HTMX))
    other = said(admin.post(url, form(**{"act": "asked:0", "0.ask": "unfollowed"}), headers=HTMX))
    assert 'name="0.wait"' in other
    choice = said(admin.post(url, form(**{"act": "asked:0", "0.key0": "trades"}), headers=HTMX))
    assert 'name="0.values0"' in choice and "咖啡" in choice
    money = said(admin.post(url, form(**{"act": "asked:0", "0.measure": "sum"}), headers=HTMX))
    assert 'value="net_fen" selected' in money
    unfinished = said(admin.post("/console/tags/reading/", form(**{"0.low": ""}), headers=HTMX))
    assert "第 1 个条件：还缺少取值" in unfinished
    everybody = form(**{"row": ["0"], "0.op": "at_most"})
    assert "没有任何行为的人也会符合" in said(admin.post("/console/tags/reading/", everybody, headers=HTMX))
    assert admin.post("/console/tags/new/", form(name="")).status_code == 422
    assert admin.post("/console/tags/new/", form(**{"0.number": "0"})).status_code == 422
    assert not Tag.objects.exists()


def test_a_rule_of_another_shape_stays_as_it_is(world: World, admin: Client) -> None:
    leaf = {"ask": "figure", "event": "purchase", "within": {"days": 30}, "op": "at_least", "value": 1}
    nested = {"match": "all", "of": [{"match": "any", "of": [leaf, leaf | {"value": 3}]}]}
    tag_id = operations.save_tag(
        actor=SYSTEM, group_id=world.malls.group, code="nested", name="嵌套", category="visit", rule=nested, now=world.now
    )  # fmt: skip
    url = f"/console/tags/{tag_id}/edit/"
    assert "只能通过 API 修改" in said(admin.get(url))
    assert admin.post(url, {"name": "换个名字", "category": "life"}).status_code == 302
    found = queries.tag(SYSTEM, tag_id)
    assert (found.ref.name, found.draft) == ("换个名字", queries.tag_rule.parse(nested))


@pytest.mark.feature("C047", "C008")
def test_given_by_hand_refused_and_suggested(
    world: World, desks: Desks, enter: Callable[[Viewer], Client], admin: Client
) -> None:
    assert (
        admin.post(
            "/console/tags/new/?kind=manual", {"name": "偏好简约", "code": "plain", "category": "taste"}
        ).status_code
        == 302
    )
    tag = Tag.objects.get()
    sun, url = enter(desks.sun), f"/console/members/{world.zhang_san}/tags/"
    assert "偏好简约" in said(sun.get(f"{url}give/", headers=HTMX))
    assert sun.post(f"{url}give/", {"text": ""}).status_code == 422
    assert sun.post(f"{url}give/", {"tag": str(tag.pk), "text": "等新款风衣"}).status_code == 302
    card = said(sun.get(f"{url}card/", headers=HTMX))
    assert "孙客服" in card and "等新款风衣" in card
    assert sun.post(f"{url}{tag.pk}/", {}).status_code == 302
    assert "标记为不符合" in said(sun.get(f"{url}card/", headers=HTMX))
    assert sun.post(f"{url}{tag.pk}/", {"do": "undo"}).status_code == 302
    assert not TagMark.objects.filter(ended_at=None).exists()
    assert sun.get(f"/console/members/{world.li_si}/tags/card/").status_code == 404
    assert enter(desks.li).get(f"{url}give/").status_code == 403
    queue = "/console/tags/suggestions/"
    assert "等新款风衣" in said(admin.get(queue))
    assert "转为标签" in said(admin.get(f"{queue}take/?w=等新款风衣", headers=HTMX))
    assert admin.post(f"{queue}take/", {"w": "等新款风衣", "category": "note"}).status_code == 422
    taken = {"w": "等新款风衣", "category": "note", "name": "等新款", "code": "waits"}
    assert admin.post(f"{queue}take/", taken).status_code == 302
    assert "等新款" in said(admin.get(f"{url}card/", headers=HTMX))
    sun.post(f"{url}give/", {"text": "爱喝美式"})
    assert admin.post(f"{queue}decline/", {"w": "爱喝美式"}).status_code == 302
    assert "没有待处理的建议" in said(admin.get(queue))
    person_id = loyalty.person_id_of(world.zhang_san)
    assert [one.by for one in queries.tags_of(person_id).on] == ["孙客服"]


def test_doors(world: World, desks: Desks, enter: Callable[[Viewer], Client]) -> None:
    assert enter(desks.sun).get("/console/tags/").status_code == 403
    qian = enter(desks.qian)
    assert qian.get("/console/tags/").status_code == 200
    assert qian.get("/console/tags/new/").status_code == 200
    assert qian.post("/console/tags/new/", form()).status_code == 422  # a tag is the whole group's
    assert qian.get("/console/tags/suggestions/").status_code == 403
    assert qian.get("/console/tags/7/").status_code == 404
