"""A member sees and changes what is theirs, and nothing of anybody else."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.people import NOW, Crew
from tests.ui.counter.world import SYSTEM, World
from tools import verify_card
from zhike.customers import queries as customers
from zhike.customers.operations import assign_associate
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import AuditEntry
from zhike.loyalty import operations as loyalty_operations
from zhike.loyalty import queries as loyalty
from zhike.privacy import queries as privacy
from zhike.sales import queries as sales
from zhike.ui.cli import cards
from zhike.ui.member.views.receipts import CLAIMS_PER_MINUTE


def text(client: Client, address: str, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return str(answer.content.decode())


class TestCard:
    @pytest.mark.feature("C075")
    def test_the_card_says_who_looks_after_the_member(self, zhang: Client, world: World, crew: Crew) -> None:
        assert "Your sales associate" not in text(zhang, "/m/")
        person_id = loyalty.person_id_of(world.zhang.member_id)
        assign_associate(actor=SYSTEM, person_id=person_id, staff_id=crew.zhou.id, now=NOW)
        page = text(zhang, "/m/")
        assert "Your sales associate" in page and "周导购" in page

    @pytest.mark.feature("C062")
    def test_the_codes_are_those_a_till_reads(self, zhang: Client, world: World) -> None:
        codes = zhang.get("/m/").context["codes"]
        assert len(set(codes)) == len(codes) == 6
        assert loyalty_operations.read_qr(actor=SYSTEM, payload=codes[0], now=NOW) == world.zhang.member_id
        assert codes[0].startswith(f"ZK1.{world.zhang.number}.")

    @pytest.mark.feature("C062")
    def test_a_till_without_a_network_agrees_with_the_server(self, zhang: Client, world: World) -> None:
        handed_out = loyalty_operations.hand_out_secrets(actor=SYSTEM, reason="food court", now=NOW)
        secret = bytes.fromhex(dict(handed_out)[world.zhang.number])
        payload = zhang.get("/m/card/").context["codes"][0]
        secrets, seen = {world.zhang.number: secret}, dict[str, int]()
        assert verify_card.verify(payload, secrets, seen, NOW.timestamp()) == world.zhang.number
        with pytest.raises(ValueError, match="already used"):
            verify_card.verify(payload, secrets, seen, NOW.timestamp())
        with pytest.raises(ValueError, match="expired"):
            verify_card.verify(payload, secrets, {}, NOW.timestamp() + 61)
        with pytest.raises(ValueError, match="unknown"):
            verify_card.verify(payload.replace("ZK1.", "ZK2."), secrets, {}, NOW.timestamp())
        assert loyalty_operations.read_qr(actor=SYSTEM, payload=payload, now=NOW) == world.zhang.member_id

    def test_secrets_are_handed_out_to_who_may_and_on_record(self, world: World, crew: Crew) -> None:
        with pytest.raises(NotAllowed):
            loyalty_operations.hand_out_secrets(actor=crew.li, reason="curious", now=NOW)
        assert AuditEntry.objects.filter(action="card.hand_out_secrets").count() == 0
        assert (
            len(list(loyalty_operations.hand_out_secrets(actor=crew.lin, reason="food court", now=NOW))) == 2
        )
        entry = AuditEntry.objects.get(action="card.hand_out_secrets")
        assert (entry.actor_label, entry.reason) == ("林总", "food court")

    def test_the_file_for_the_till_is_its_owner_s_alone(self, world: World, tmp_path: Path) -> None:
        file = tmp_path / "cards.csv"
        assert cards.export.callback is not None
        cards.export.callback(file, "food court")
        assert file.stat().st_mode & 0o777 == 0o600
        numbers = [row.partition(",")[0] for row in file.read_text().splitlines()]
        assert numbers == [world.zhang.number, world.li.number]

    @pytest.mark.feature("C063")
    def test_the_balance_is_the_till_s_at_once(self, zhang: Client, world: World) -> None:
        assert zhang.get("/m/card/").context["file"].balance == 0
        world.buy(12_800, member=world.zhang)
        assert "128" in text(zhang, "/m/card/")
        assert zhang.get("/m/card/").context["file"].balance == 128

    @pytest.mark.feature("C065", "C066")
    def test_tier_and_the_way_to_the_next(self, zhang: Client, world: World) -> None:
        world.buy(40_000, member=world.zhang)
        page = text(zhang, "/m/")
        assert "普卡" in page
        assert "Spend ¥600 more to reach 银卡." in page
        assert "生日礼遇" in page
        world.buy(600_000, member=world.zhang)
        assert "highest tier" in text(zhang, "/m/")


class TestPoints:
    @pytest.mark.feature("B22")
    def test_each_entry_says_why_and_until_when(self, zhang: Client, world: World) -> None:
        world.buy(12_800, member=world.zhang)
        world.redeem(world.zhang, 28)
        page = text(zhang, "/m/points/")
        assert "¥128.00 counted, 1 point per ¥1.00: 128 points." in page
        assert "Redeemed 28 points for ¥0.28." in page
        assert "128 points until" in page
        assert 'datetime="2028-03-31"' in text(zhang, "/m/points/lots/")

    def test_another_s_entries_are_not_among_them(self, zhang: Client, world: World) -> None:
        world.buy(77_700, member=world.li, merchant_id=world.malls.noodles, mall_id=world.malls.cloud)
        assert "777" not in text(zhang, "/m/points/")

    def test_more_is_fetched_piece_by_piece(self, zhang: Client, world: World) -> None:
        for _ in range(21):
            world.buy(1_000, member=world.zhang)
        cursor = zhang.get("/m/points/").context["entries"].next_cursor
        more = zhang.get("/m/points/", {"cursor": cursor}, headers={"hx-request": "true"})
        assert len(more.context["entries"].items) == 1
        assert "<html" not in more.content.decode()

    @pytest.mark.parametrize("cursor", ["x", "bnVsbA", "🙂", "A" * 2000])
    def test_a_broken_cursor_is_a_clear_answer(self, zhang: Client, cursor: str) -> None:
        assert zhang.get("/m/points/", {"cursor": cursor}).status_code == 422


class TestReceipts:
    @pytest.mark.feature("B22")
    def test_points_and_why_none(self, zhang: Client, world: World) -> None:
        earned = world.buy(12_800, member=world.zhang)
        small = world.buy(900, member=world.zhang)
        page = text(zhang, "/m/receipts/")
        assert "+128" in page
        assert "No points" in page
        assert "below the minimum" in text(zhang, f"/m/receipts/{small.receipt_id}/")
        detail = text(zhang, f"/m/receipts/{earned.receipt_id}/")
        assert "手冲咖啡" in detail
        assert "WeChat Pay" in detail

    @pytest.mark.feature("C029")
    def test_another_s_receipt_is_not_there(self, zhang: Client, world: World) -> None:
        others = world.buy(
            12_800, member=world.li, merchant_id=world.malls.noodles, mall_id=world.malls.cloud
        )
        nobodys = world.buy(9_900)
        assert zhang.get(f"/m/receipts/{others.receipt_id}/").status_code == 404
        assert zhang.get(f"/m/receipts/{nobodys.receipt_id}/").status_code == 404
        assert zhang.get(f"/m/receipts/{uuid.uuid4()}/").status_code == 404
        assert "阿婆面馆" not in text(zhang, "/m/receipts/")


class TestClaiming:
    def form(self, world: World, **changes: Any) -> dict[str, Any]:
        return {
            "merchant": str(world.malls.cafe),
            "number": "X00001",
            "business_date": "2026-03-08",
            "amount": "128.00",
        } | changes

    def test_a_receipt_is_handed_in_once(self, zhang: Client, world: World) -> None:
        sale = world.buy(12_800)
        answer = zhang.post("/m/receipts/claim/", self.form(world))
        assert answer["Location"] == f"/m/receipts/{sale.receipt_id}/"
        assert "+128" in text(zhang, answer["Location"])
        assert zhang.post("/m/receipts/claim/", self.form(world)).status_code == 422
        assert loyalty.member_file(SYSTEM, world.zhang.member_id, NOW).balance == 128

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount": "127.99"},
            {"amount": "0"},
            {"amount": "-128"},
            {"amount": "many"},
            {"number": "X00002"},
            {"number": ""},
            {"business_date": "2026-03-07"},
            {"business_date": "2026-03-09"},
            {"business_date": ""},
            {"merchant": "999"},
            {"merchant": "x"},
            {"merchant": ""},
        ],
    )
    def test_it_must_fit_in_everything(self, zhang: Client, world: World, changes: dict[str, str]) -> None:
        sale = world.buy(12_800)
        assert zhang.post("/m/receipts/claim/", self.form(world, **changes)).status_code == 422
        assert sales.receipt(SYSTEM, sale.receipt_id).row.person_id is None
        assert loyalty.member_file(SYSTEM, world.zhang.member_id, NOW).balance == 0

    def test_amounts_cannot_be_tried_out(self, zhang: Client, world: World) -> None:
        world.buy(12_800)
        for yuan in range(CLAIMS_PER_MINUTE):
            zhang.post("/m/receipts/claim/", self.form(world, amount=f"{yuan + 1}.00"))
        answer = zhang.post("/m/receipts/claim/", self.form(world))
        assert answer.status_code == 422
        assert loyalty.member_file(SYSTEM, world.zhang.member_id, NOW).balance == 0

    def test_another_s_receipt_stays_another_s(self, zhang: Client, world: World) -> None:
        sale = world.buy(12_800, member=world.li)
        assert zhang.post("/m/receipts/claim/", self.form(world)).status_code == 422
        assert sales.receipt(SYSTEM, sale.receipt_id).row.person_id == world.li.person_id


@pytest.mark.feature("C106")
class TestScan:
    def test_the_link_on_the_paper_is_opened_after_the_log_in_and_gives_the_points_once(
        self, zhang: Client, world: World
    ) -> None:
        sale = world.buy(12_800)
        address = f"/m/r/{loyalty.receipt_code(sale.receipt_id)}/"
        assert Client().get(address)["Location"] == f"/m/login/?{urlencode({'next': address})}"
        page = text(zhang, address)
        assert 'data-scanned="free"' in page and "128.00" in page
        assert loyalty.member_file(SYSTEM, world.zhang.member_id, NOW).balance == 0
        done = zhang.post(address, follow=True)
        assert done.redirect_chain[-1][0] == f"/m/receipts/{sale.receipt_id}/"
        assert "The receipt is yours: 128 points." in done.content.decode()
        assert 'data-scanned="own"' in text(zhang, address)
        again = zhang.post(address, follow=True).content.decode()
        assert "You have this receipt already" in again
        assert loyalty.member_file(SYSTEM, world.zhang.member_id, NOW).balance == 128

    def test_anothers_and_a_forged_one_are_said_so(self, zhang: Client, world: World) -> None:
        sale = world.buy(12_800, member=world.li)
        page = text(zhang, f"/m/r/{loyalty.receipt_code(sale.receipt_id)}/")
        assert 'data-scanned="taken"' in page and "128.00" not in page
        assert 'data-scanned="unknown"' in text(zhang, f"/m/r/{'x' * 35}/")
        assert "not the code" in zhang.post(f"/m/r/{'x' * 35}/", follow=True).content.decode()

    def test_what_is_typed_may_be_the_whole_address(self, zhang: Client, world: World) -> None:
        code = loyalty.receipt_code(world.buy(12_800).receipt_id)
        assert "/m/r/" in text(zhang, "/m/receipts/claim/")
        for typed in (code, f" https://mall.example/m/r/{code}/ "):
            assert zhang.get("/m/r/", {"code": typed})["Location"] == f"/m/r/{code}/"
        assert zhang.get("/m/r/", {"code": "1234"})["Location"] == "/m/receipts/claim/"


class TestProfile:
    def test_it_is_masked_where_it_is_only_looked_at(self, zhang: Client, world: World) -> None:
        page = text(zhang, "/m/me/")
        assert "138 **** 8000" in page
        assert "1990-05-12" not in page

    @pytest.mark.feature("C014")
    def test_a_change_is_kept_with_what_was_before(self, zhang: Client, world: World) -> None:
        assert "张三丰" in text(zhang, "/m/me/edit/")
        changed = {"name": "张三峰", "sex": "male", "occupation": "工程师"}
        assert zhang.post("/m/me/edit/", changed)["Location"] == "/m/me/"
        person = customers.person(world.zhang.person_id)
        assert (person.name, person.sex, person.occupation) == ("张三峰", "male", "工程师")
        fields = {change.field for change in customers.profile_history(world.zhang.person_id)}
        assert fields == {"name", "sex", "occupation"}
        assert "Female → Male" in text(zhang, "/m/me/history/")

    def test_a_birthday_is_said_once(self, zhang: Client, world: World) -> None:
        filled = {"name": "张三丰", "sex": "female", "birthday": "1991-01-01", "occupation": ""}
        before = customers.birth_date(world.zhang.person_id)
        assert zhang.post("/m/me/edit/", filled).status_code == 302
        assert customers.birth_date(world.zhang.person_id) == before

    @pytest.mark.parametrize(
        "changes", [{"name": ""}, {"name": "x" * 81}, {"occupation": "x" * 81}, {"sex": "cat"}]
    )
    def test_bad_input_changes_nothing(self, zhang: Client, world: World, changes: dict[str, str]) -> None:
        filled = {"name": "张三丰", "sex": "female", "occupation": ""} | changes
        assert zhang.post("/m/me/edit/", filled).status_code == 422
        assert customers.profile_history(world.zhang.person_id) == []

    def test_whatever_else_is_sent_changes_nobody_else(self, zhang: Client, world: World) -> None:
        before = customers.person(world.li.person_id)
        filled = {
            "name": "坏人",
            "sex": "male",
            "birthday": "",
            "occupation": "",
            "person_id": str(world.li.person_id),
        }
        zhang.post("/m/me/edit/", filled)
        assert customers.person(world.li.person_id) == before


class TestConsents:
    def decided(self, world: World) -> dict[tuple[str, str], str]:
        return {
            (row.purpose, row.channel): row.decision
            for row in privacy.current_consents(world.zhang.person_id)
        }

    def test_each_can_be_withdrawn_and_given(self, zhang: Client, world: World) -> None:
        zhang.post("/m/me/consents/", {"consent-membership-any": "on", "consent-marketing-wechat": "on"})
        decided = self.decided(world)
        assert decided["marketing", "sms"] == "withdrawn"
        assert decided["marketing", "wechat"] == "granted"
        assert decided["membership", "any"] == "granted"
        page = text(zhang, "/m/me/consents/")
        assert "Withdrawn" in page
        assert page.count("Agreed") >= 3

    def test_nothing_changed_is_nothing_recorded(self, zhang: Client, world: World) -> None:
        zhang.post("/m/me/consents/", {"consent-membership-any": "on", "consent-marketing-sms": "on"})
        before = len(privacy.consent_history(world.zhang.person_id))
        zhang.post("/m/me/consents/", {"consent-membership-any": "on", "consent-marketing-sms": "on"})
        assert len(privacy.consent_history(world.zhang.person_id)) == before

    def test_membership_is_not_left_by_a_tick(self, zhang: Client, world: World) -> None:
        assert zhang.post("/m/me/consents/", {}).status_code == 422
        assert self.decided(world)["membership", "any"] == "granted"


class TestApp:
    def test_it_can_be_installed(self, phone: Client, db: None) -> None:
        answer = phone.get("/m/manifest.webmanifest")
        assert answer["Content-Type"] == "application/manifest+json"
        body = answer.json()
        assert (body["scope"], body["start_url"], body["display"]) == ("/m/", "/m/", "standalone")
        assert {icon["sizes"] for icon in body["icons"]} >= {"192x192", "512x512"}
        assert any(icon["purpose"] == "maskable" for icon in body["icons"])
        for icon in body["icons"]:
            assert phone.get(icon["src"]).status_code == 200, icon

    def test_the_service_worker_keeps_no_personal_page(self, phone: Client, db: None) -> None:
        answer = phone.get("/m/sw.js")
        assert answer["Content-Type"] == "text/javascript"
        assert answer["Cache-Control"] == "no-cache"
        shell = answer.context["shell"]
        assert all(address.startswith("/static/") or address == "/m/offline/" for address in shell)
        for address in shell:
            assert phone.get(address).status_code == 200, address

    def test_policy_about_and_the_page_for_no_connection_are_open(self, phone: Client, world: World) -> None:
        assert "会员隐私政策" in text(phone, "/m/policy/")
        assert "2026-01" in text(phone, "/m/policy/")
        text(phone, "/m/about/")
        text(phone, "/m/offline/")


@pytest.mark.feature("C066", "B24")
def test_growth_value_is_seen_with_where_it_came_from(zhang: Client, world: World) -> None:
    assert zhang.get("/m/tiers/growth/").status_code == 404, "the programme has none"
    policy = loyalty.plain_policy(loyalty.policy_now(world.program_id)) | {"growth": {"visit": 10}}
    about: dict[str, Any] = {"actor": SYSTEM, "program_id": world.program_id}
    loyalty_operations.publish_tier_policy(definition=policy, effective_from=NOW, now=NOW, **about)
    assert "Your next purchase makes a beginning." in text(zhang, "/m/tiers/growth/")
    world.buy(12_800, member=world.zhang)
    loyalty_operations.settle_growth(now=NOW, **about)
    page = text(zhang, "/m/tiers/growth/")
    assert "A purchase of ¥128 that counts." in page and "+128" in page and "+10" in page
    assert "138" in text(zhang, "/m/tiers/")
    assert "for a day with a purchase" in text(zhang, "/m/tiers/terms/")
