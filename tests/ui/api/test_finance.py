"""The liability for programs of the books."""

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations

ACCOUNTS = {"expense": "6601", "receivable": "1221", "provision": "2801", "payable": "2241"}


@pytest.mark.feature("B14")
def test_liability_and_journal(shop: Shop) -> None:
    now, system = clock.now(), system_viewer("tests")
    operations.adjust_points(actor=system, member_id=shop.member_id, points=250, reason="期初", now=now)
    books = ApiClient(make_key(["finance.view"]))
    found = books.get("/api/v1/finance/liability").json
    assert found["ties_out"]
    assert found["outstanding"] == found["months"][-1]["closing"] == found["payers"][0]["outstanding"]
    month = found["months"][-1]["month"]
    assert books.get(f"/api/v1/finance/journals/{month}").status == 404
    operations.publish_provision_policy(
        actor=system, program_id=_program(), value_points=100, value_fen=100, redemption_bp=10_000,
        accounts=ACCOUNTS, effective_on=now.date().replace(day=1), now=now,
    )  # fmt: skip
    journal = books.get(f"/api/v1/finance/journals/{month}").json
    assert journal["closing_fen"] == found["outstanding"]
    assert sum(line["debit_fen"] for line in journal["postings"]) > 0
    assert books.get("/api/v1/finance/journals/2026-13").status == 422


def test_other_keys_see_nothing(shop: Shop) -> None:
    till = ApiClient(make_key(["receipts.record"]))
    assert till.get("/api/v1/finance/liability").status == 403


def _program() -> int:
    from zhike.loyalty import queries

    program_id = queries.default_program_id()
    assert program_id is not None
    return program_id
