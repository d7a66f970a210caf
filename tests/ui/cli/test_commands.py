"""The command line as a door: one operation per command, its answer printed, its refusal an exit code."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from django.db import connection

from tests.people import Malls
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, build_shop
from zhike.ui.cli import apikey, events, imports, keys, ledger, staff


def run(command: click.Command, *arguments: str, **options: Any) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(command, list(arguments), **options)


@pytest.fixture(autouse=True)
def _english() -> Any:
    from django.utils import translation

    with translation.override("en"):
        yield


@pytest.fixture
def shop(malls: Malls) -> Shop:
    return build_shop(malls, dt.datetime.now(dt.UTC))


@pytest.mark.feature("C028")
class TestApiKeys:
    def test_a_key_is_printed_once_and_opens_what_it_says(self, shop: Shop) -> None:
        made = run(
            apikey.apikey,
            "create",
            "--name",
            "tills",
            "--scope",
            "receipts.record,organization.view",
            "--quiet",
        )
        key = made.output.strip()
        assert (made.exit_code, key[:3]) == (0, "zk_")
        assert ApiClient(key).get("/api/v1/merchants").status == 200
        assert ApiClient(key).get("/api/v1/events").code == "scope-missing"
        listed = run(apikey.apikey, "list").output
        assert "tills" in listed
        assert key.split("_")[1] in listed
        assert key.split("_")[2] not in listed

    def test_a_key_for_one_mall(self, shop: Shop) -> None:
        arguments = [
            "--name",
            "cloud",
            "--scope",
            "organization.view",
            "--level",
            "mall",
            "--target",
            str(shop.malls.cloud),
        ]
        key = run(apikey.apikey, "create", *arguments, "--quiet").output.strip()
        (merchant,) = ApiClient(key).get("/api/v1/merchants").json["items"]
        assert merchant["merchant_id"] == shop.malls.noodles

    def test_revoked_by_its_prefix(self, shop: Shop) -> None:
        from zhike.organization.queries import forget_api_callers

        made = run(apikey.apikey, "create", "--name", "old", "--scope", "organization.view")
        key = next(word for word in made.output.split() if word.startswith("zk_"))
        revoked = run(apikey.apikey, "revoke", key.rpartition("_")[0], "--reason", "lost")
        assert (revoked.exit_code, revoked.output) == (0, "Revoked: old\n")
        forget_api_callers()
        assert ApiClient(key).get("/api/v1/merchants").status == 401
        assert run(apikey.apikey, "revoke", "zk_nothere").exit_code == 1

    def test_an_unknown_scope_is_refused(self, shop: Shop) -> None:
        from zhike.kernel.errors import Problem

        result = run(apikey.apikey, "create", "--name", "x", "--scope", "everything.really")
        assert isinstance(result.exception, Problem)


@pytest.mark.feature("C028")
def test_staff_can_log_in_afterwards(malls: Malls) -> None:
    from zhike.kernel.access import system_viewer
    from zhike.organization import queries
    from zhike.organization.operations.sessions import log_in

    arguments = ["create", "zheng", "--name", "郑店长", "--role", "mall_manager", "--level", "mall"]
    result = run(staff.staff, *arguments, "--target", str(malls.star), input="a long enough secret\n" * 2)
    assert result.exit_code == 0, result.output
    logged_in = log_in(
        actor=system_viewer("tests"),
        username="zheng",
        password="a long enough secret",
        totp_code=None,
        address="127.0.0.1",
        agent="tests",
        now=dt.datetime.now(dt.UTC),
    )
    viewer = queries.viewer_of_staff(logged_in.staff.pk)
    assert viewer.may("receipts.view")
    assert not viewer.may("apikeys.manage")


class TestLedger:
    def test_a_clean_ledger(self, shop: Shop) -> None:
        from tests.ui.api.conftest import TILL_SCOPES, make_key

        ApiClient(make_key(TILL_SCOPES)).post("/api/v1/receipts", shop.sale())
        assert run(ledger.ledger, "seal").exit_code == 0
        result = run(ledger.ledger, "verify")
        assert (result.exit_code, "The ledger is clean." in result.output) == (0, True)

    def test_a_forged_balance_is_found(self, shop: Shop) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE loyalty_account SET balance = 1000000 WHERE member_id = %s", [shop.member_id]
            )
        result = run(ledger.ledger, "verify")
        assert result.exit_code == 1
        assert "loyalty_account" in result.output
        assert "1000000" in result.output


class TestEvents:
    def test_nothing_parked(self, malls: Malls) -> None:
        assert run(events.events, "parked").exit_code == 0
        assert run(events.events, "replay", "--all").exit_code == 0
        assert run(events.events, "lag").exit_code == 0

    def test_a_parked_event_that_is_not_there(self, malls: Malls) -> None:
        assert run(events.events, "replay", "999").exit_code == 1

    def test_rebuild_derives_the_same_rows(self, shop: Shop) -> None:
        from zhike.config.consumers import consumers
        from zhike.kernel.errors import Problem

        for consumer in consumers():
            if consumer.reset is not None and not connection.in_atomic_block:
                assert run(events.rebuild, consumer.name).exit_code == 0
        assert isinstance(run(events.rebuild, "nothing").exception, Problem)


def test_keys_are_counted(shop: Shop) -> None:
    result = run(keys.keys, "status")
    assert result.exit_code == 0
    assert "k1" in result.output


@pytest.mark.feature("C017")
class TestImport:
    FILE = "小票号,商户编码,收银机号,交易时间,商品编码,品名,数量,实付金额,支付方式,手机号\n" + "".join(
        f"R{n},C001,T1,2026-07-01 12:0{n}:00,LATTE,拿铁,1,{n}.00,微信支付,13800138000\n" for n in range(1, 5)
    )

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "sales.csv"
        path.write_text(
            self.FILE + "R9,C001,T1,yesterday,LATTE,拿铁,1,1.00,微信支付,13800138000\n", encoding="utf-8"
        )
        return path

    def test_dry_run_run_again_and_undo(self, shop: Shop, file: Path, tmp_path: Path) -> None:
        from zhike.sales.models import Receipt

        arguments = ["receipts", str(file), "--mall", "XHC"]
        dry = run(imports.imports, *arguments, "--dry-run")
        assert dry.exit_code == 0, dry.output + str(dry.exception)
        assert Receipt.objects.count() == 0
        bad_rows = tmp_path / "bad.csv"
        done = run(imports.imports, *arguments, "--quarantine", str(bad_rows))
        assert done.exit_code == 0, done.output
        assert Receipt.objects.count() == 4
        assert "yesterday" in bad_rows.read_text(encoding="utf-8")
        assert run(imports.imports, *arguments).exit_code == 0
        assert Receipt.objects.count() == 4
        listed = run(imports.imports, "list").output
        run_id = str(Receipt.objects.values_list("import_id", flat=True)[0])
        assert run_id in listed
        undone = run(imports.imports, "undo", run_id, "--reason", "wrong day")
        assert (undone.exit_code, "4 receipts taken out" in undone.output) == (0, True)
        assert Receipt.objects.count() == 0

    def test_which_mall(self, shop: Shop, file: Path) -> None:
        result = run(imports.imports, "receipts", str(file))
        assert result.exit_code == 2
        assert "XHC, YGH" in result.output

    def test_a_mapping_file_that_is_none(self, shop: Shop, file: Path, tmp_path: Path) -> None:
        from zhike.kernel.errors import Problem

        mapping = tmp_path / "mapping.json"
        mapping.write_text(json.dumps(["no"]))
        result = run(imports.imports, "receipts", str(file), "--mall", "XHC", "--mapping", str(mapping))
        assert isinstance(result.exception, Problem)
