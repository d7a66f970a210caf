"""Wordings: written with checks and a preview, approved, told to a vendor; and who may."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.integrations.vendors import open_account
from tests.ui.console.world import Desks, World
from zhike.kernel import clock
from zhike.kernel.access import Viewer, system_viewer
from zhike.messaging import queries
from zhike.messaging.models import TemplateVersion, VendorTemplate

Enter = Callable[[Viewer], Client]
SYSTEM = system_viewer("tests")
BODY = "${name}您好，周末全场八折，拒收请回复R"


@pytest.mark.feature("C128", "C123")
def test_a_wording_from_the_first_word_to_the_vendors_number(
    world: World, desks: Desks, enter: Enter
) -> None:
    account_id = open_account("http://127.0.0.1:9", "tencent_sms", now=clock.now())
    client = enter(desks.chen)
    form = {
        "name": "周末",
        "code": "weekend",
        "kind": "marketing",
        "first": "sms",
        "second": "inbox",
        "third": "",
    }
    made = client.post("/console/message-templates/new/", form)
    assert made.status_code == 302
    url = made["Location"]
    assert "周末" in client.get("/console/message-templates/").content.decode()
    assert "已有相同编码" in client.post("/console/message-templates/new/", form).content.decode()
    draft = {"channel": "sms", "language": "zh-hans", "title": "", "body": "周末全场八折", "as_member": ""}
    refused = client.post(f"{url}write/", draft)
    assert "拒收请回复R" in refused.content.decode()
    assert not TemplateVersion.objects.filter(template__code="weekend").exists()
    assert client.post(f"{url}write/", draft | {"body": BODY})["Location"] == url
    version = TemplateVersion.objects.get(template__code="weekend")
    assert version.state == "draft"
    client.post(f"/console/wordings/{version.pk}/approve/")
    dialog = f"/console/wordings/{version.pk}/vendors/{account_id}/"
    assert client.get(dialog).status_code == 200
    client.post(dialog, {"vendor_code": "1110", "state": "approved", "note": ""})
    told = VendorTemplate.objects.get(version=version)
    assert (told.vendor_code, told.state) == ("1110", "approved")
    page = client.get(url).content.decode()
    assert "1110" in page
    client.post(f"{url}write/", draft | {"body": BODY.replace("八折", "七折")})
    newer = TemplateVersion.objects.latest("id")
    client.post(f"/console/wordings/{newer.pk}/approve/")
    version.refresh_from_db()
    assert (newer.number, version.state) == (2, "retired")
    found = queries.approved_wording("weekend", "sms", "en")
    assert found is not None and "七折" in found.body


@pytest.mark.feature("C128")
def test_preview_reads_as_a_real_member_in_scope(world: World, desks: Desks, enter: Enter) -> None:
    from tests.messaging.test_sending import write

    template_id = write("weekend", "marketing", "sms")
    open_account("http://127.0.0.1:9", "tencent_sms", now=clock.now())
    url = f"/console/message-templates/{template_id}/preview/"
    text = {"channel": "sms", "title": "", "body": "${name}，送您优惠券 ${gift}"}
    from zhike.customers import queries as customers

    person = customers.contact_cards([queries_person(world)])[queries_person(world)]
    client = enter(desks.admin)
    page = client.post(url, text | {"as_member": person.phone}).content.decode()
    assert f"】{person.name}，送您优惠券 ${{gift}}" in page
    assert "含服务商禁发的内容" in page
    assert "gift" in page
    assert "拒收请回复R" in page
    unknown = client.post(url, text | {"as_member": "13800000009"}).content.decode()
    assert "${name}" in unknown


def queries_person(world: World) -> int:
    from zhike.loyalty import queries as loyalty

    return next(r.person_id for r in loyalty.members_page(SYSTEM).items if r.member_id == world.zhang_san)


@pytest.mark.parametrize("who", ["wang", "sun", "li", "tang"])
def test_wordings_are_written_by_few(world: World, desks: Desks, enter: Enter, who: str) -> None:
    from tests.messaging.test_sending import write

    template_id = write("weekend", "marketing", "sms", approve=False)
    version_id = TemplateVersion.objects.latest("id").pk
    client = enter(getattr(desks, who))
    for path in ("new/", f"{template_id}/write/"):
        assert client.get(f"/console/message-templates/{path}").status_code == 403
    assert client.post(f"/console/wordings/{version_id}/approve/").status_code == 403
    may_read = who in ("wang", "sun")
    assert client.get(f"/console/message-templates/{template_id}/").status_code == (200 if may_read else 403)
    assert TemplateVersion.objects.latest("id").state == "draft"
