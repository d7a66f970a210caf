"""Check-ins for a mall's own app."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.engagement import operations
from zhike.engagement.models import CheckIn
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty

SYSTEM = system_viewer("tests")


@pytest.fixture
def zhang(shop: Shop) -> Any:
    now = dt.datetime.now(dt.UTC)
    return loyalty.enroll_member(
        actor=SYSTEM, name="张三", phone="13800138000", mall_id=shop.malls.star, source="counter", now=now
    )


@pytest.mark.feature("C084")
def test_check_in_once_a_day_and_only_at_ones_own_mall(shop: Shop, zhang: Any) -> None:
    now = dt.datetime.now(dt.UTC)
    operations.save_check_in_plan(
        actor=SYSTEM, mall_id=shop.malls.star, terms={"points": [3]}, is_open=True, now=now
    )
    own = ApiClient(make_key(["engagement.take_part", "members.view"], "mall", shop.malls.star))
    other = ApiClient(make_key(["engagement.take_part", "members.view"], "mall", shop.malls.cloud))
    path, body = f"/api/v1/members/{zhang.member_id}/check-ins", {"mall_id": shop.malls.star}
    assert other.post(path, body).status == 403
    assert not CheckIn.objects.exists()
    first, second = own.post(path, body).json, own.post(path, body).json
    assert (first["points"], first["repeated"], second["repeated"]) == (3, False, True)
    state = own.get(f"{path}?mall_id={shop.malls.star}").json
    assert (state["streak"], state["done_today"], state["days"]) == (1, True, [first["day"]])
    refused = own.post(path, body | {"day": first["day"]})
    assert (refused.status, refused.code) == (409, "check-in-cannot-make-up")
    assert other.get(f"{path}?mall_id={shop.malls.star}").status == 404


@pytest.mark.feature("C076")
def test_a_birthday_by_the_chinese_calendar(shop: Shop) -> None:
    now = dt.datetime.now(dt.UTC)
    office = ApiClient(make_key(["members.view", "members.enroll"]))
    body = {"name": "赵奶奶", "phone": "13700137000", "birthday": "1952-10-03", "birthday_calendar": "lunar"}
    member_id = office.post("/api/v1/members", body | {"mall_code": "XHC", "method": "counter_tick"}).json[
        "member_id"
    ]
    path = f"/api/v1/members/{member_id}/birthday-gift"
    assert office.get(path).status == 409
    operations.save_birthday_plan(
        actor=SYSTEM, program_id=shop.program_id, terms={"reward": {"points": 66}}, is_open=True, now=now
    )
    found = office.get(path).json
    assert (found["lunar"], found["promise"], found["given_for"]) == ("八月十五", "66 points", None)


@pytest.mark.feature("C085")
def test_an_invitation_is_decided_once(shop: Shop, zhang: Any) -> None:
    now = dt.datetime.now(dt.UTC)
    app = ApiClient(make_key(["engagement.take_part", "members.view"]))
    path = f"/api/v1/members/{zhang.member_id}/invitations"
    assert app.get(path).code == "engagement-not-running"
    terms = {"inviter": {"points": 200}, "invitee": {"points": 100}}
    operations.save_referral_plan(
        actor=SYSTEM, program_id=shop.program_id, terms=terms, is_open=True, now=now
    )
    code = operations.invite_code(actor=SYSTEM, member_id=zhang.member_id, now=now)
    friend = loyalty.enroll_member(
        actor=SYSTEM, name="赵小六", phone="13700137000", mall_id=shop.malls.star, source="h5", now=now
    )
    body = {"code": code, "member_id": friend.member_id}
    assert [app.post("/api/v1/invitations", body).json for _ in range(2)] == [
        {"counts": True, "refusal": ""}
    ] * 2
    assert app.post("/api/v1/invitations", body | {"code": "NOBODY22"}).status == 404
    found = app.get(path).json
    assert (found["code"], [(one["name"], one["status"]) for one in found["items"]]) == (
        code,
        [("赵*六", "joined")],
    )


@pytest.mark.feature("C072")
def test_missions_are_listed_accepted_and_fed_with_deeds(shop: Shop, zhang: Any) -> None:
    now = dt.datetime.now(dt.UTC)
    terms = {"steps": [{"kind": "review", "goal": 2}], "reward": {"points": 30}, "starts": "accept"}
    mission_id = operations.save_mission(
        actor=SYSTEM, program_id=shop.program_id, name="写评价", terms=terms, now=now
    )
    own = ApiClient(make_key(["engagement.take_part", "members.view"], "mall", shop.malls.star))
    other = ApiClient(make_key(["engagement.take_part", "members.view"], "mall", shop.malls.cloud))
    path = f"/api/v1/members/{zhang.member_id}"
    assert other.get(f"{path}/missions").status == 404
    assert other.post(f"{path}/missions/{mission_id}/acceptance", {}).status == 403
    assert own.get(f"{path}/missions").json["items"][0]["state"] == "open"
    first, second = (own.post(f"{path}/missions/{mission_id}/acceptance", {}).json for _ in range(2))
    assert first == second
    at = dt.datetime.now(dt.UTC).isoformat()
    for number in (1, 1, 2):
        deed = {"kind": "review", "reference": f"dp:{number}", "happened_at": at}
        assert own.post(f"{path}/deeds", deed).status == 200
    assert other.post(f"{path}/deeds", deed).status == 403
    assert own.post(f"{path}/deeds", deed | {"happened_at": "2020-01-01T00:00:00Z"}).code == "deed-unusable"
    operations.review_missions(actor=SYSTEM, person_id=zhang.person_id, now=dt.datetime.now(dt.UTC))
    [item] = own.get(f"{path}/missions").json["items"]
    assert (item["steps"][0]["count"], item["state"], item["points"]) == (2, "rewarded", 30)
    office = ApiClient(make_key(["engagement.edit"]))
    gone = {"kind": "review", "reference": "dp:2", "reason": "删评"}
    assert [office.post("/api/v1/deeds/withdrawal", gone).status for _ in range(2)] == [200, 200]
    assert own.post("/api/v1/deeds/withdrawal", gone).status == 403


@pytest.mark.feature("C102")
def test_a_household_over_the_api(shop: Shop, zhang: Any) -> None:
    now = dt.datetime.now(dt.UTC)
    li = loyalty.enroll_member(
        actor=SYSTEM, name="李四", phone="13900139000", mall_id=shop.malls.star, source="counter", now=now
    )
    loyalty.grant_points(
        actor=SYSTEM, member_id=zhang.member_id, points=500, reference="gift:1", note="x", now=now
    )
    rights = ["members.edit", "members.view", "points.redeem"]
    own = ApiClient(make_key(rights, "mall", shop.malls.star))
    other = ApiClient(make_key(rights, "mall", shop.malls.cloud))
    path = f"/api/v1/members/{zhang.member_id}/household"
    assert own.get(path).status == 404
    assert other.post(path, {"name": "张家"}).status == 403
    household_id = own.post(path, {"name": "张家"}).json["household_id"]
    invited = {"number": li.number, "role": "child", "day_limit": 30, "month_limit": 30}
    assert own.post(f"{path}/invitations", invited).status == 201
    theirs = f"/api/v1/members/{li.member_id}/household"
    answer = {"household_id": household_id, "accept": True}
    assert own.post(f"{theirs}/answer", answer).json == {"joined": True}
    assert own.post(f"{path}/points", {"points": 400}).json == {"points": 400}
    spend = {"points": 30, "merchant_id": shop.malls.cafe, "reference": "T1"}
    assert other.post(f"{theirs}/redemptions", spend).status == 403
    done = own.post(f"{theirs}/redemptions", spend)
    assert (done.status, done.json["value_fen"], done.json["balance"]) == (201, 30, 370)
    assert own.post(f"{theirs}/redemptions", spend).code == "household-above-limit"
    assert own.post(f"{theirs}/redemptions", spend | {"merchant_id": 4711}).status == 404
    found = own.get(path).json
    assert (found["points"], found["own"], len(found["members"])) == (370, 370, 2)
    assert (
        own.post(f"/api/v1/redemptions/{done.json['redemption_id']}/reversal", {"reason": "x"}).status == 201
    )
    assert own.post(f"{theirs}/departure", {}).json == {"points": 0}
    assert own.post(f"{path}/departure", {}).json == {"points": 400}
