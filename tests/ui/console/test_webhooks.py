"""Webhooks in the console: made, watched, rotated; only for those who may see everything."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.world import Desks
from zhike.kernel import clock
from zhike.kernel.access import Viewer
from zhike.webhooks import queries
from zhike.webhooks.models import DeadLetter

pytestmark = pytest.mark.feature("C017")
Enter = Callable[[Viewer], Client]
FORM = {"name": "数据仓库", "url": "https://example.com/hooks", "types": ["zhike.sales.receipt_recorded"]}


def test_endpoint_is_made_changed_and_its_secret_shown_once(desks: Desks, enter: Enter) -> None:
    browser = enter(desks.admin)
    assert "还没有端点" in browser.get("/console/webhooks/").content.decode()
    shown = browser.post("/console/webhooks/new/", FORM).content.decode()
    [secret] = set(re.findall(r"whsec_[A-Za-z0-9+/=]{44}", shown))
    [made] = queries.endpoints(desks.admin, clock.now())
    page = browser.get(f"/console/webhooks/{made.id}/").content.decode()
    assert secret not in page and "https://example.com/hooks" in page
    rotated = browser.post(f"/console/webhooks/{made.id}/secret/", {"overlap_hours": "24"}).content.decode()
    assert secret not in rotated and "whsec_" in rotated
    browser.post(f"/console/webhooks/{made.id}/edit/", FORM | {"name": "数仓"})
    changed = queries.endpoint(desks.admin, made.id, clock.now())
    assert (changed.name, changed.is_active, changed.secrets) == ("数仓", False, 2)


@pytest.mark.parametrize("url", ["http://example.com/", "https://169.254.169.254/", "nonsense"])
def test_address_that_may_not_be_called_is_refused(desks: Desks, enter: Enter, url: str) -> None:
    answer = enter(desks.admin).post("/console/webhooks/new/", FORM | {"url": url})
    assert "https://" in answer.content.decode() and not queries.endpoints(desks.admin, clock.now())


def test_dead_letters_are_sent_again_or_given_up(desks: Desks, enter: Enter) -> None:
    browser = enter(desks.admin)
    browser.post("/console/webhooks/new/", FORM)
    [made] = queries.endpoints(desks.admin, clock.now())
    letters = [
        DeadLetter.objects.create(
            endpoint_id=made.id, position=position, event_id="0" * 32, event_type="zhike.sales.receipt_recorded",
            tries=10, error="HTTP 500", died_at=clock.now(),
        )
        for position in (1, 2)
    ]  # fmt: skip
    url = f"/console/webhooks/{made.id}/"
    assert "HTTP 500" in browser.get(url).content.decode()
    browser.post(f"{url}letters/discard/", {"which": "ticked", "ids": [letters[0].pk]})
    browser.post(f"{url}letters/replay/", {"which": "all"})
    assert list(DeadLetter.objects.order_by("id").values_list("status", flat=True)) == [
        "discarded",
        "waiting",
    ]
    assert browser.post(f"{url}try/").status_code == 302


def test_doors(desks: Desks, enter: Enter) -> None:
    for stranger in (desks.wang, desks.chen, desks.li):
        assert enter(stranger).get("/console/webhooks/").status_code == 403
        assert enter(stranger).post("/console/webhooks/new/", FORM).status_code == 403
