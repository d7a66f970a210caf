"""Segments in the console: built, read, counted, kept, compared, exported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.insight import operations, queries
from zhike.insight.models import Segment, SegmentSnapshot
from zhike.kernel.access import Viewer
from zhike.kernel.models import AuditEntry

pytestmark = pytest.mark.feature("C049")


def form(**changes: Any) -> dict[str, Any]:
    """Bought at least twice in the last 30 days, or of the tier; a woman."""
    return {
        "node": ["0:group", "0.0:leaf", "0.1:group", "0.1.0:leaf"], "0.match": "all", "0.1.match": "none",
        "0.0.field": "purchases", "0.0.op": "at_least", "0.0.low": "2", "0.0.window": "days", "0.0.days": "30",
        "0.1.0.field": "sex", "0.1.0.op": "is", "0.1.0.value": ["male"],
        "name": "常客", "code": "regulars", "place": "0", "note": "周末礼", **changes,
    }  # fmt: skip


def save(world: World, mall_id: int | None = None, **given: Any) -> int:
    values: dict[str, Any] = {"code": "buyers", "name": "买家", "definition": {
        "match": "all", "of": [{"field": "purchases", "op": "at_least", "value": 1}]}}  # fmt: skip
    return operations.save_segment(
        actor=SYSTEM, group_id=world.malls.group, mall_id=mall_id, now=world.now, **values | given
    )


def test_built_read_and_saved(world: World, admin: Client) -> None:
    page = said(admin.get("/console/segments/new/"))
    assert 'name="0.0.field"' in page
    read = said(admin.post("/console/segments/reading/", form(sample="1"), headers=HTMX))
    assert "近 30 天消费次数不少于 2 次，且不符合（性别为男）" in read
    assert "张三" in read and "138****8000" in read.replace(" ", "")
    assert "李四" not in read
    assert admin.post("/console/segments/new/", form()).status_code == 302
    segment = Segment.objects.get()
    assert (segment.code, segment.counted, segment.mall_id) == ("regulars", 1, None)
    listed = said(admin.get("/console/segments/"))
    assert "近 30 天消费次数不少于 2 次" in listed
    page = said(admin.get(f"/console/segments/{segment.pk}/edit/"))
    assert 'name="0.1.0.value" value="male" checked' in page
    admin.post(f"/console/segments/{segment.pk}/edit/", form(**{"0.0.low": "1"}, once="x"))
    segment.refresh_from_db()
    assert (segment.version, segment.counted) == (2, 2)
    assert "版本 1" in said(admin.get(f"/console/segments/{segment.pk}/"))


def test_the_builder_adds_and_takes_out(world: World, admin: Client) -> None:
    url = "/console/segments/builder/"
    more = said(admin.post(url, form(act="add:0.1"), headers=HTMX))
    assert 'value="0.1.1:leaf"' in more and 'value="0.1.0:leaf"' in more
    group = said(admin.post(url, form(act="group:0"), headers=HTMX))
    assert 'value="0.2:group"' in group and 'value="0.2.0:leaf"' in group
    less = said(admin.post(url, form(act="drop:0.0"), headers=HTMX))
    assert 'value="0.0:group"' in less and 'value="0.1' not in less
    other = said(admin.post(url, form(**{"act": "asked:0.0", "0.0.field": "behaviour"}), headers=HTMX))
    assert 'name="0.0.names" value="product_viewed"' in other
    assert 'value="2"' not in other
    nonsense = {"node": ["7:group", "0:leaf", "x"], "act": "drop:9"}
    assert admin.post(url, nonsense, headers=HTMX).status_code == 200


@pytest.mark.parametrize(
    ("changes", "said_"),
    [
        ({"0.0.low": ""}, "第 1 个条件：还缺少取值"),
        ({"0.0.low": "many"}, "第 1 个条件：有取值不合适"),
        ({"0.1.0.field": ""}, "第 2.1 个条件"),
        ({"node": ["0:group"]}, "没有任何条件"),
    ],
)
def test_what_is_not_finished_says_so(
    changes: dict[str, Any], said_: str, world: World, admin: Client
) -> None:
    assert said_ in said(admin.post("/console/segments/reading/", form(**changes), headers=HTMX))
    refused = admin.post("/console/segments/new/", form(**changes))
    assert refused.status_code == 422
    assert said_ in said(refused)
    assert not Segment.objects.exists()


def test_every_kind_of_condition_can_be_shown_and_read(world: World, admin: Client) -> None:
    leaves: list[dict[str, Any]] = []
    for code, field in queries.FIELDS.items():
        if field.choices == "segments":
            continue
        value: Any = 3
        if field.kind == "choice":
            value = list(queries.STATIC.get(field.choices, ()))[:2] or [world.malls.cafe]
        for op in queries.OPS[field.kind]:
            given = [3, 4] if op == "between" else value
            leaves.append({"field": code, "op": op, "value": given})
    narrow = {
        "merchants": [world.malls.cafe],
        "malls": [world.malls.star],
        "weekdays": [6],
        "minimum_fen": 5_000,
    }
    leaves += [
        {"field": "spend", "op": "at_least", "value": 12_345, "window": {"first": "2026-01-01"}, "where": narrow},
        {"field": "behaviour", "op": "at_least", "value": 2, "window": {"last": "2026-01-01"}, "where": {
            "names": ["product_viewed"], "properties": [{"key": "category", "op": "contains", "value": "tea"}]}},
    ]  # fmt: skip
    for start in range(0, len(leaves), 20):
        save(world, definition={"match": "any", "of": leaves[start : start + 20]}, code=f"all{start}")
    for segment in Segment.objects.all():
        assert admin.get(f"/console/segments/{segment.pk}/").status_code == 200
        page = admin.get(f"/console/segments/{segment.pk}/edit/")
        assert page.status_code == 200
        assert segment.definition == resent(page)
    listed = said(admin.get("/console/segments/"))
    assert "2026-01-01 以来消费金额（星河城；半山咖啡；周六；单笔满 ¥50）不少于 ¥123.45" in listed


def resent(page: Any) -> dict[str, Any]:
    """The definition that the shown form would send."""
    from zhike.ui.console.forms.segments import definition_of

    return queries.stored(queries.parse(definition_of(page.context["root"])))


def test_figures_of_now(world: World, admin: Client) -> None:
    page = said(admin.get(f"/console/segments/{save(world)}/now/", headers=HTMX))
    assert "张三" in page and "可发短信" in page


def test_frozen_and_put_away(world: World, admin: Client) -> None:
    segment_id = save(world)
    admin.post(f"/console/segments/{segment_id}/freeze/", {"label": "三月名单"})
    assert SegmentSnapshot.objects.get().counted == 2
    assert "三月名单" in said(admin.get(f"/console/segments/{segment_id}/"))
    admin.post(f"/console/segments/{segment_id}/archive/")
    assert "买家" not in said(admin.get("/console/segments/"))


@pytest.mark.feature("N7")
def test_exported_for_a_purpose(world: World, admin: Client) -> None:
    segment_id = save(world)
    url = f"/console/segments/{segment_id}/export/"
    assert admin.get(url).status_code == 200
    assert admin.post(url, {"purpose": "membership.any", "reason": ""}).status_code == 422
    response: Any = admin.post(url, {"purpose": "membership.any", "reason": "到店礼核对"})
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert len(lines) == 3
    assert "13800138000" not in "".join(lines)
    nobody: Any = admin.post(url, {"purpose": "marketing.sms", "reason": "短信"})  # both refused
    assert len(b"".join(nobody.streaming_content).decode().splitlines()) == 1
    assert AuditEntry.objects.filter(action="segment.export").count() == 2


def test_compared(world: World, admin: Client) -> None:
    buyers, ladies = save(world), save(world, code="l", name="女士", definition={"match": "all", "of": [
        {"field": "sex", "op": "is", "value": ["female"]}]})  # fmt: skip
    page = said(admin.get(f"/console/segments/overlap/?s={buyers}&s={ladies}"))
    assert "仅买家、女士" in page
    assert "请选择 2 至 4 个不同的人群" in said(admin.get(f"/console/segments/overlap/?s={buyers}"))
    assert admin.get("/console/segments/overlap/").status_code == 200


def test_who_may(world: World, desks: Desks, enter: Callable[[Viewer], Client]) -> None:
    ours = save(world, world.malls.star, name="星河买家")
    there = enter(desks.qian)
    assert "星河买家" not in said(there.get("/console/segments/"))
    assert there.get(f"/console/segments/{ours}/").status_code == 404
    marketer = enter(desks.chen)
    assert marketer.get(f"/console/segments/{ours}/export/").status_code == 403
    assert marketer.get(f"/console/segments/{ours}/edit/").status_code == 200
    assert enter(desks.li).get("/console/segments/").status_code == 403
