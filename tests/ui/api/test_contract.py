"""Schemathesis against the live server: it does what its OpenAPI document says, whatever is sent."""

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.people import build_malls, publish_policy
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import EVERYTHING, build_shop, make_key
from tests.ui.api.live import web_server

# Valid by its shape is not valid by the state of things: a merchant must exist, amounts must add up.
EXCLUDED = "positive_data_acceptance"
HOOKS = "tests.ui.api.contract_hooks"


@pytest.mark.slow
@pytest.mark.feature("C005", "C065")
@pytest.mark.xdist_group("contract")
def test_the_live_server_keeps_its_contract(transactional_db: None, tmp_path: Path) -> None:
    from zhike.organization import queries

    queries.forget_merchants()
    now = dt.datetime.now(dt.UTC)
    shop = build_shop(build_malls(now), now)
    publish_policy(shop.malls)
    key = make_key(EVERYTHING)
    office = ApiClient(key)
    sale = office.post("/api/v1/receipts", shop.sale(500_000)).json
    spend = {"points": 100, "merchant_id": shop.malls.cafe}
    redemption = office.post(f"/api/v1/members/{shop.member_id}/redemptions", spend).json
    hold = office.post(f"/api/v1/members/{shop.member_id}/holds", spend).json
    known = {
        "hold_id": hold["hold_id"],
        "member_id": shop.member_id,
        "receipt_id": sale["receipt_id"],
        "redemption_id": redemption["redemption_id"],
    }
    with web_server() as address:
        command = [
            sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/v1/openapi.json", "-u", address,
            "-H", f"Authorization: Bearer {key}", "-H", "Accept-Language: en", "--checks", "all",
            "--exclude-checks", EXCLUDED, "--exclude-path", "/metrics", "--max-examples", "15", "--seed", "7",
            "--generation-database", "none", "--continue-on-failure", "--no-color", "--warnings", "off",
        ]  # fmt: skip
        env = {
            **os.environ,
            "SCHEMATHESIS_HOOKS": HOOKS,
            "ZHIKE_KNOWN": json.dumps(known),
            "PYTHONHASHSEED": "0",
        }
        env["PYTHONPATH"] = str(Path(__file__).resolve().parents[3])
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=280, check=False
        )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
