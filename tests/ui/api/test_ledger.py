"""Signed days for programs that keep them outside."""

import json

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from tools.verify_ledger import is_signed
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations


@pytest.mark.feature("N1")
def test_a_signed_day_by_itself_and_in_the_list(shop: Shop) -> None:
    day = operations.sign_day(actor=system_viewer("tests"), now=clock.now())
    auditor = ApiClient(make_key(["ledger.verify"]))
    found = auditor.get("/api/v1/ledger/digests").json
    one = auditor.get(f"/api/v1/ledger/digests/{day}").json
    assert found["items"] == [one]
    assert found["public_keys"][one["kid"]] == one["public_key"]
    assert is_signed(*(bytes.fromhex(one[name]) for name in ("public_key", "digest", "signature")))
    assert json.loads(one["document"])["day"] == day.isoformat()
    assert auditor.get("/api/v1/ledger/digests/1999-01-01").status == 404
    assert auditor.get("/api/v1/ledger/digests/yesterday").status == 422


def test_other_keys_see_nothing(shop: Shop, office: ApiClient) -> None:
    assert ApiClient(make_key(["receipts.record"])).get("/api/v1/ledger/digests").status == 403
