"""Knowledge and the assistant in the console: articles in versions, figures, the learning queue."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from tests.service.bot import set_up_bot
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.test_inbox import dialog
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.service import operations as service
from zhike.service.models import Article, BotExample, BotMiss

Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("C188", "C245")


@pytest.fixture
def number(world: World) -> str:
    """A conversation whose last question the assistant did not understand."""
    group_id = world.malls.group
    service.found_service(actor=SYSTEM, group_id=group_id, time_zone="Asia/Shanghai", now=world.now)
    set_up_bot(group_id, SYSTEM, world.now)
    person_id = loyalty.person_id_of(world.zhang_san)
    for text in ("量子纠缠态的退相干时间", "量子纠缠态的退相干时间", "母婴室在哪"):
        number = service.write_as_member(
            actor=customers.viewer_of_person(person_id),
            person_id=person_id,
            mall_id=world.malls.star,
            text=text,
            key=uuid4(),
            now=world.now,
        )
    return number


def test_articles_are_written_published_and_found(enter: Enter, desks: Desks, number: str) -> None:
    sun, admin = enter(desks.sun), enter(desks.admin)
    assert "退换货政策" in said(sun.get("/console/knowledge/"))
    assert "退换货政策" in said(sun.get("/console/knowledge/?q=tuihuanhuo", headers=HTMX))
    fields = {"code": "sky_garden", "skill": "places", "title": "空中花园", "body": "六层，免费开放。"}
    dialog(sun, "/console/knowledge/edit/", questions="花园在几楼\n屋顶花园", for_members="on", **fields)
    assert sun.post("/console/knowledge/sky_garden/state/", {"state": "published"}).status_code == 403
    admin.post("/console/knowledge/sky_garden/state/", {"state": "published"})
    assert Article.objects.get(code="sky_garden").state == "published"
    dialog(admin, "/console/knowledge/edit/?code=sky_garden", **fields | {"body": "七层。"}, for_members="on")
    page = said(sun.get("/console/knowledge/sky_garden/"))
    assert "七层。" in page and "六层，免费开放。" in page
    assert dialog(sun, "/console/knowledge/edit/", **fields | {"code": "坏"}).status_code == 422
    assert enter(desks.li).get("/console/knowledge/").status_code == 403


def test_the_learning_queue_and_suggestions(enter: Enter, desks: Desks, number: str) -> None:
    sun = enter(desks.sun)
    page = said(sun.get("/console/assistant/"))
    assert "量子纠缠态的退相干时间" in page
    miss = BotMiss.objects.latest("id")
    assert enter(desks.qian).get(f"/console/assistant/misses/{miss.pk}/", headers=HTMX).status_code == 404
    dialog(sun, f"/console/assistant/misses/{miss.pk}/", intent="other", text="量子力学")
    assert BotExample.objects.count() == 1
    assert "母婴室" in said(sun.get(f"/console/inbox/{number}/"))
