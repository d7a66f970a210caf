"""Receipts through the API: points at once, nothing twice, and nothing at all when refused."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import CARD, PHONE, Shop, make_key, row_counts

RECEIPTS = "/api/v1/receipts"


def balance(shop: Shop) -> int:
    from zhike.loyalty.models import Account

    return Account.objects.get(member_id=shop.member_id).balance


@pytest.mark.feature("C005", "C063", "B22")
def test_a_sale_becomes_points_and_says_why(shop: Shop, till: ApiClient) -> None:
    reply = till.post(RECEIPTS, shop.sale(12_850))
    answer = reply.json
    assert reply.status == 201
    assert (answer["status"], answer["points"], answer["balance"]) == ("accepted", 128, 128)
    assert (answer["member_id"], answer["tier"], answer["upgraded"]) == (shop.member_id, "silver", False)
    explanation = answer["explanation"]
    assert explanation["sentence"] == "¥128.50 counted, 1 point per ¥1.00: 128 points."
    assert explanation["refusal"] is None
    (rule,) = explanation["rules"]
    assert (rule["eligible_fen"], rule["base_points"], rule["base_per_fen"], rule["points"]) == (
        12_850,
        1,
        100,
        128,
    )
    assert rule["lines"] == [{"line_no": 1, "eligible_fen": 12_850, "basis_points": 10_000, "points": 128}]
    assert balance(shop) == 128


@pytest.mark.feature("B22", "N4")
def test_no_points_has_a_reason_in_the_callers_language(shop: Shop, till: ApiClient) -> None:
    small = till.post(RECEIPTS, shop.sale(90)).json["explanation"]
    assert small["refusal"] == "rounds_to_zero"
    assert small["sentence"] == "No points: the purchase is too small for a whole point."
    nobody = ApiClient(till.key, "zh-CN").post(RECEIPTS, shop.sale(member=None)).json
    assert (nobody["points"], nobody["member_id"], nobody["explanation"]["refusal"]) == (0, None, "no_member")
    assert "可凭小票" in nobody["explanation"]["sentence"] or "补" in nobody["explanation"]["sentence"]


@pytest.mark.feature("C064")
@pytest.mark.parametrize(
    "ref", [{"phone": PHONE}, {"phone": "+86 138-0013-8000"}, {"card": CARD}, {"card": CARD.lower()}]
)
def test_the_member_is_known_by_phone_and_card(shop: Shop, till: ApiClient, ref: dict[str, str]) -> None:
    assert till.post(RECEIPTS, shop.sale(member=ref)).json["member_id"] == shop.member_id


@pytest.mark.feature("C062", "C064")
def test_a_scanned_code_is_good_once_and_kept_when_refused(shop: Shop, till: ApiClient) -> None:
    from zhike.kernel import clock
    from zhike.loyalty import queries

    code = {"code": queries.qr_payload(shop.member_id, clock.now())}
    refused = till.post(RECEIPTS, shop.sale(member=code, tenders=[]), idempotency_key="qr")
    assert refused.code == "invalid-receipt"
    sale = shop.sale(member=code)
    taken = till.post(RECEIPTS, sale, idempotency_key="qr")
    assert (taken.status, taken.json["member_id"]) == (201, shop.member_id)
    again = till.post(RECEIPTS, sale, idempotency_key="qr")
    assert (again.status, again.json, again.headers["idempotent-replayed"]) == (201, taken.json, "true")
    assert till.post(RECEIPTS, shop.sale(member=code)).code == "qr-replayed"
    assert balance(shop) == 128


def test_merchants_are_known_by_code_and_mall(shop: Shop, till: ApiClient) -> None:
    by_code = shop.sale(merchant_id=None, merchant_code="C001")
    assert till.post(RECEIPTS, {**by_code, "mall_code": "XHC"}).status == 201
    assert till.post(RECEIPTS, {**by_code, "number": "other"}).status == 201
    assert till.post(RECEIPTS, {**by_code, "mall_code": "YGH"}).code == "merchant-unknown"


@pytest.mark.feature("B04")
def test_the_same_receipt_again_changes_nothing_and_says_so(shop: Shop, till: ApiClient) -> None:
    sale = shop.sale()
    first = till.post(RECEIPTS, sale)
    before = row_counts()
    again = till.post(RECEIPTS, sale)
    assert (again.status, again.json["status"]) == (200, "duplicate")
    assert {**again.json, "status": "accepted"} == first.json
    assert row_counts() == before
    other = till.post(
        RECEIPTS,
        sale
        | {"lines": [sale["lines"][0] | {"net_fen": 100}], "tenders": [{"kind": "cash", "amount_fen": 100}]},
    )
    assert (other.status, other.code) == (409, "receipt-conflict")
    assert row_counts() == before


@pytest.mark.feature("B04")
class TestIdempotencyKey:
    def test_the_first_answer_is_replayed(self, shop: Shop, till: ApiClient) -> None:
        sale = shop.sale()
        first = till.post(RECEIPTS, sale, idempotency_key="till-1/42")
        before = row_counts()
        again = till.post(RECEIPTS, sale, idempotency_key="till-1/42")
        assert (again.status, again.json, again.headers["idempotent-replayed"]) == (201, first.json, "true")
        assert "idempotent-replayed" not in first.headers
        assert row_counts() == before

    def test_another_request_under_the_key_is_refused(self, shop: Shop, till: ApiClient) -> None:
        till.post(RECEIPTS, shop.sale(), idempotency_key="k")
        before = row_counts()
        assert till.post(RECEIPTS, shop.sale(), idempotency_key="k").code == "idempotency-key-reused"
        assert row_counts() == before

    def test_callers_do_not_share_keys(self, shop: Shop, till: ApiClient, office: ApiClient) -> None:
        till.post(RECEIPTS, shop.sale(), idempotency_key="k")
        assert office.post(RECEIPTS, shop.sale(), idempotency_key="k").status == 201

    def test_a_refused_request_may_be_mended(self, shop: Shop, till: ApiClient) -> None:
        sale = shop.sale()
        assert till.post(RECEIPTS, sale | {"tenders": []}, idempotency_key="k").status == 422
        assert till.post(RECEIPTS, sale, idempotency_key="k").status == 201

    @pytest.mark.parametrize("key", ["", "x" * 256, "中", "a\tb"])
    def test_a_bad_key_is_refused(self, shop: Shop, till: ApiClient, key: str) -> None:
        before = row_counts()
        sent = key.encode().decode("latin-1")
        assert till.post(RECEIPTS, shop.sale(), idempotency_key=sent).code == "idempotency-key-invalid"
        assert row_counts() == before


def in_threads(count: int, act: Any) -> list[Any]:
    from django.db import connection

    def one(number: int) -> Any:
        try:
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.mark.feature("B04", "B15")
class TestTogether:
    """32 threads with connections of their own."""

    @pytest.fixture
    def shop(self, transactional_db: None) -> Shop:
        import datetime as dt

        from tests.people import build_malls
        from tests.ui.api.conftest import build_shop
        from zhike.organization import queries

        queries.forget_merchants()
        queries.forget_api_callers()
        now = dt.datetime.now(dt.UTC)
        return build_shop(build_malls(now), now)

    def test_one_key_32_times_at_once_has_one_effect(self, shop: Shop, till: ApiClient) -> None:
        sale = shop.sale()
        replies = in_threads(32, lambda _: till.post(RECEIPTS, sale, idempotency_key="once"))
        answers = [reply.json for reply in replies if reply.status == 201]
        assert {reply.status for reply in replies} <= {201, 409}
        assert all(reply.code == "idempotency-in-flight" for reply in replies if reply.status == 409)
        assert answers and all(answer == answers[0] for answer in answers)
        assert till.post(RECEIPTS, sale, idempotency_key="once").json == answers[0]
        assert balance(shop) == 128

    def test_one_receipt_32_times_at_once_is_recorded_once(self, shop: Shop, till: ApiClient) -> None:
        sale = shop.sale()
        replies = in_threads(32, lambda _: till.post(RECEIPTS, sale))
        assert sorted(reply.status for reply in replies) == [200] * 31 + [201]
        assert len({reply.json["receipt_id"] for reply in replies}) == 1
        assert balance(shop) == 128

    def test_32_receipts_of_one_member_at_once_all_count(self, shop: Shop, till: ApiClient) -> None:
        sales = [shop.sale() for _ in range(32)]
        replies = in_threads(32, lambda number: till.post(RECEIPTS, sales[number]))
        assert {reply.status for reply in replies} == {201}
        assert balance(shop) == 32 * 128
        assert sorted(reply.json["balance"] for reply in replies) == [128 * (n + 1) for n in range(32)]

    def test_32_redemptions_of_one_member_never_overdraw(self, shop: Shop, till: ApiClient) -> None:
        till.post(RECEIPTS, shop.sale(100_000))
        spend = {"points": 100, "merchant_id": shop.malls.cafe}
        replies = in_threads(32, lambda _: till.post(f"/api/v1/members/{shop.member_id}/redemptions", spend))
        assert sorted(reply.status for reply in replies) == [201] * 10 + [409] * 22
        assert {reply.code for reply in replies if reply.status == 409} == {"insufficient-points"}
        assert balance(shop) == 0

    def test_32_holds_of_one_member_never_overdraw(self, shop: Shop, till: ApiClient) -> None:
        till.post(RECEIPTS, shop.sale(100_000))
        wish = {"points": 100, "merchant_id": shop.malls.cafe}
        replies = in_threads(32, lambda _: till.post(f"/api/v1/members/{shop.member_id}/holds", wish))
        assert sorted(reply.status for reply in replies) == [201] * 10 + [409] * 22
        file = till.get(f"/api/v1/members/lookup?phone={PHONE.replace('+', '%2B')}").json
        assert (file["balance"], file["held"], len(file["holds"])) == (0, 1_000, 10)
        hold_id = file["holds"][0]["hold_id"]
        once = in_threads(8, lambda _: till.post(f"/api/v1/holds/{hold_id}/confirm", {}))
        assert {(reply.status, reply.json["used_points"]) for reply in once} == {(201, 100)}
        assert till.post(f"/api/v1/holds/{hold_id}/release", {}).code == "hold-ended"


@pytest.mark.feature("C005")
class TestBatch:
    def test_each_receipt_is_judged_by_itself(self, shop: Shop, till: ApiClient) -> None:
        known = shop.sale()
        till.post(RECEIPTS, known)
        receipts: list[Any] = [
            shop.sale(1_000),
            known,
            {"number": "half"},
            shop.sale(tenders=[]),
            shop.sale(member={"phone": "13999999999"}),
            shop.sale(merchant_id=shop.malls.noodles),
            "not even an object",
            shop.sale(2_000, member={"card": CARD}),
            shop.sale(member={"code": "anything"}),
        ]
        reply = till.post(f"{RECEIPTS}/batch", {"receipts": receipts})
        answer = reply.json
        assert reply.status == 200
        assert [result["status"] for result in answer["results"]] == [
            201,
            200,
            422,
            422,
            422,
            403,
            422,
            201,
            422,
        ]
        assert (answer["accepted"], answer["duplicates"], answer["refused"]) == (2, 1, 6)
        assert [result["index"] for result in answer["results"]] == list(range(9))
        assert answer["results"][1]["receipt"]["status"] == "duplicate"
        assert answer["results"][2]["problem"]["errors"] == {"till": ["This is required."]}
        assert answer["results"][4]["problem"]["code"] == "member-unknown"
        assert balance(shop) == 128 + 10 + 20

    def test_one_conflict_does_not_take_the_others_with_it(self, shop: Shop, till: ApiClient) -> None:
        known = shop.sale(1_000)
        till.post(RECEIPTS, known)
        fresh = shop.sale(2_000)
        changed = known | {"lines": fresh["lines"], "tenders": fresh["tenders"]}
        results = till.post(f"{RECEIPTS}/batch", {"receipts": [changed, fresh]}).json["results"]
        assert [result["status"] for result in results] == [409, 201]
        assert balance(shop) == 30

    def test_the_same_batch_again_adds_nothing(self, shop: Shop, till: ApiClient) -> None:
        batch = {"receipts": [shop.sale(1_000) for _ in range(5)]}
        assert till.post(f"{RECEIPTS}/batch", batch, idempotency_key="b").json["accepted"] == 5
        replayed = till.post(f"{RECEIPTS}/batch", batch, idempotency_key="b")
        assert (replayed.json["accepted"], replayed.headers["idempotent-replayed"]) == (5, "true")
        assert till.post(f"{RECEIPTS}/batch", batch).json["duplicates"] == 5
        assert balance(shop) == 50

    def test_a_batch_earns_what_single_receipts_earn(
        self, shop: Shop, till: ApiClient, office: ApiClient
    ) -> None:
        sales = [shop.sale(fen) for fen in (50, 9_999, 250_000, 300_000, 12_345)]
        together = [
            result["receipt"]
            for result in till.post(f"{RECEIPTS}/batch", {"receipts": sales}).json["results"]
        ]
        other = office.post("/api/v1/members", {"name": "李四", "phone": "13900139000"}).json["member_id"]
        alone = [
            till.post(RECEIPTS, sale | {"number": uuid.uuid4().hex, "member": {"member_id": other}}).json
            for sale in sales
        ]
        same = ("points", "balance", "tier", "upgraded")
        assert [[one[name] for name in same] for one in together] == [
            [one[name] for name in same] for one in alone
        ]

    @pytest.mark.parametrize("count", [0, 101])
    def test_a_batch_has_1_to_100(self, shop: Shop, till: ApiClient, count: int) -> None:
        before = row_counts()
        assert till.post(f"{RECEIPTS}/batch", {"receipts": [{}] * count}).status == 422
        assert row_counts() == before


@pytest.mark.feature("C028", "C029")
class TestWhoMay:
    def test_stranger_colleague_owner(
        self, shop: Shop, till: ApiClient, other_mall: ApiClient, stranger: ApiClient
    ) -> None:
        before = row_counts()
        assert stranger.post(RECEIPTS, shop.sale()).code == "unauthenticated"
        assert other_mall.post(RECEIPTS, shop.sale()).code == "not-allowed"
        assert ApiClient(make_key(["members.view"])).post(RECEIPTS, shop.sale()).code == "scope-missing"
        after = row_counts()
        assert {name: count - before[name] for name, count in after.items() if count != before[name]} == {
            "kernel_audit": 1,  # the key made above, not the calls
            "kernel_event": 1,
        }
        assert till.post(RECEIPTS, shop.sale()).status == 201

    def test_a_phone_may_be_named_only_by_who_may_look_up(self, shop: Shop) -> None:
        till = ApiClient(make_key(["receipts.record"]))
        assert till.post(RECEIPTS, shop.sale(member={"phone": PHONE})).code == "not-allowed"
        assert till.post(RECEIPTS, shop.sale(member={"member_id": shop.member_id})).status == 201
        batch = till.post(f"{RECEIPTS}/batch", {"receipts": [shop.sale(member={"phone": PHONE})]}).json
        assert batch["results"][0]["problem"]["code"] == "not-allowed"


@pytest.mark.feature("C106")
def test_a_sale_of_nobody_says_where_its_points_are_taken_once(shop: Shop, till: ApiClient) -> None:
    owned = till.post(RECEIPTS, shop.sale()).json
    assert owned["claim_url"] is None
    body = shop.sale(member=None)
    answer = till.post(RECEIPTS, body).json
    assert till.post(RECEIPTS, body).json["claim_url"] == answer["claim_url"]
    batch = till.post(f"{RECEIPTS}/batch", {"receipts": [shop.sale(member=None), shop.sale()]}).json
    urls = [one["receipt"]["claim_url"] for one in batch["results"]]
    assert (urls[0] is None, urls[1]) == (False, None)
    desk = ApiClient(make_key(["receipts.claim", "receipts.view"]))
    detail = desk.get(f"{RECEIPTS}/{answer['receipt_id']}").json
    assert detail["claim_url"] == answer["claim_url"]
    code = {"code": answer["claim_url"].rstrip("/").rpartition("/")[2]}
    scans = f"/api/v1/members/{shop.member_id}/receipt-scans"
    stranger = ApiClient(make_key(["receipts.claim"], "mall", shop.malls.cloud))
    assert stranger.post(scans, code).status == 403
    done = desk.post(scans, code)
    assert (done.status, done.json["points"], done.json["balance"]) == (201, 128, 384)
    again = desk.post(scans, code)
    assert (again.status, again.json["code"]) == (409, "receipt-already-yours")
    assert desk.post(scans, {"code": "x" * 35}).json["code"] == "receipt-code-unknown"
    assert desk.get(f"{RECEIPTS}/{answer['receipt_id']}").json["claim_url"] is None
