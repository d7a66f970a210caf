"""Clusters in the console: who is alike, why so many, names, a segment of one; and over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.insight.alike import planted
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import make_key
from tests.ui.console.conftest import said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.insight import operations, queries
from zhike.kernel.access import Viewer

pytestmark = pytest.mark.feature("C044")


def test_nothing_yet_says_so(world: World, admin: Client) -> None:
    assert "还没有聚类" in said(admin.get("/console/clusters/"))
    run_id = operations.fit_clusters(actor=SYSTEM, now=world.now)
    page = said(admin.get("/console/clusters/"))
    assert "没有产生聚类" in page and "可学习的会员太少" in page
    assert "可学习的会员太少" in said(admin.get(f"/console/clusters/runs/{run_id}/"))
    assert admin.get(f"/console/clusters/runs/{run_id + 1}/").status_code == 404
    assert ApiClient(make_key(["segments.view"])).get("/api/v1/clusters").json == {"items": []}


def test_who_is_alike_and_why_so_many(
    world: World, admin: Client, desks: Desks, enter: Callable[[Viewer], Client]
) -> None:
    there = planted(world.malls, 150, now=world.now)
    run_id = operations.fit_clusters(actor=SYSTEM, now=world.now)
    operations.refresh_standings(actor=SYSTEM, now=world.now)
    page = said(admin.get("/console/clusters/"))
    assert "家庭型" in page and "折扣敏感" in page and "轮廓系数" in page and "为何分为 3 类" in page
    first = queries.clusters(SYSTEM)[0]
    card = f"/console/clusters/{first.id}/"
    assert "偏好业态" in said(admin.get(card)) and "标准差" in said(admin.get(card))
    assert "家庭型" in said(admin.get(f"/console/clusters/runs/{run_id}/"))
    assert f"/console/clusters/runs/{run_id}/" in said(admin.get("/console/models/"))
    assert admin.get(f"/console/models/{run_id}/").status_code == 302
    _named(admin, card)
    _segment(admin, first)
    member_id = next(iter(there.kind_of))
    found = queries.cluster_of(member_id)
    assert found is not None
    tab = said(admin.get(f"/console/members/{member_id}/persona/"))
    assert f"/console/clusters/{found.id}/" in tab
    _at_one_mall(enter(desks.wang), card)
    assert enter(desks.li).get("/console/clusters/").status_code == 403
    _api(member_id, found)


def _named(admin: Client, card: str) -> None:
    form: dict[str, Any] = {"name": "周末 亲子", "once": "n1"}
    assert admin.post(f"{card}name/", form | {"name": "长" * 41}).status_code == 422
    assert admin.post(f"{card}name/", form).status_code == 302
    assert "周末 亲子" in said(admin.get("/console/clusters/"))
    others = [one for one in queries.clusters(SYSTEM) if f"/{one.id}/" not in card]
    twice = admin.post(f"/console/clusters/{others[0].id}/name/", form | {"once": "n2"})
    assert twice.status_code == 422
    assert admin.post("/console/clusters/fit/", {"method": "ward", "k": "4"}).status_code == 302
    assert admin.post("/console/clusters/fit/", {"method": "x", "k": "4"}).status_code == 422


def _segment(admin: Client, first: queries.ClusterView) -> None:
    """One of whoever belongs; asked for twice, there is one; its persona tells of clusters; the builder offers them."""
    made = [admin.post(f"/console/clusters/{first.id}/segment/")["Location"] for _ in range(2)]
    assert made[0] == made[1]
    page = said(admin.get(made[0]))
    assert "属于“周末 亲子”" in page or "周末 亲子" in page
    assert "聚类" in said(admin.get(f"{made[0]}persona/"))
    segment = next(one for one in queries.segments(SYSTEM) if one.code == f"cluster-{first.kin}")
    assert segment.count == first.members
    asked = {
        "node": ["0:group", "0.0:leaf"],
        "0.match": "all",
        "0.0.field": "cluster_of_run",
        "act": "asked:0.0",
    }
    assert f"运行 {first.run_id}" in said(admin.post("/console/segments/builder/", asked))


def _at_one_mall(there: Client, card: str) -> None:
    assert "折扣敏感" in said(there.get("/console/clusters/"))
    assert there.get(card).status_code == 200
    assert there.post(f"{card}name/", {"name": "别的", "once": "n3"}).status_code == 403
    assert there.post("/console/clusters/fit/", {"method": "auto", "k": "0"}).status_code == 403
    assert there.get(f"/console/clusters/runs/{queries.cluster_run_id()}/").status_code == 403


def _api(member_id: int, found: queries.ClusterRef) -> None:
    key = ApiClient(make_key(["members.view", "segments.view"]))
    said_of = key.get(f"/api/v1/members/{member_id}/scores").json["cluster"]
    assert (said_of["id"], said_of["kin"], said_of["run_id"]) == (found.id, found.kin, found.run_id)
    items = key.get("/api/v1/clusters").json["items"]
    assert len(items) == 3 and items[0]["apart"] and 0 < items[0]["share"] < 1
    runs = key.get("/api/v1/model-runs", {"kind": "clusters"}).json["items"]
    assert runs[0]["holdout"]["0"]["k"] == 3
