"""One example of every body, shown on the page and in the OpenAPI document. A test sends each of them."""

from __future__ import annotations

from typing import Any

SALE: dict[str, Any] = {
    "merchant_code": "C001",
    "till": "T1",
    "number": "20260701-0042",
    "occurred_at": "2026-07-01T12:30:00+08:00",
    "member": {"phone": "13800138000"},
    "lines": [
        {"sku": "LATTE", "name": "拿铁", "quantity": "2", "unit_price_fen": 3200, "net_fen": 6400},
        {
            "sku": "CAKE",
            "name": "芝士蛋糕",
            "quantity": "1",
            "unit_price_fen": 3800,
            "discount_fen": 300,
            "net_fen": 3500,
        },
    ],
    "tenders": [{"kind": "wechat", "amount_fen": 9900}],
}

BODIES: dict[str, dict[str, Any]] = {
    "make_compliance_report": {"first": "2026-01-01", "last": "2026-06-30"},
    "plan_campaign": {
        "name": "周三会员日",
        "arms": [{"key": "A", "template": "member_day"}],
        "holdout_bp": 1000,
        "window_days": 7,
        "budget": {"mall": 500000},
    },
    "publish_welcome_offer": {
        "mall_id": 1,
        "terms": {"multiplier_bp": 20000, "points": 100, "minimum_fen": 10000, "days_to_buy": 30},
        "reason": "冬季拉新",
    },
    "step_campaign": {"step": "submit"},
    "submit_form_answer": {"version": 1, "values": {"q1": 5, "q2": ["停车"], "q3": "很满意"}},
    "ask_rights": {
        "member_id": 1,
        "kind": "correction",
        "note": "热线来电，已核对证件",
        "changes": {"name": "张三丰"},
    },
    "set_margin_rate": {"merchant_id": 1, "margin_bp": 1_850, "valid_from": "2026-07-01"},
    "enter_journey": {"member_id": 1, "key": "workshop-2026-07-01"},
    "take_receipt": SALE,
    "take_receipts": {"receipts": [SALE | {"number": "20260701-0043"}, SALE | {"number": "20260701-0044"}]},
    "return_lines": {
        "till": "T1",
        "number": "20260703-0007",
        "occurred_at": "2026-07-03T18:05:00+08:00",
        "lines": [{"line_no": 1, "quantity": "1"}],
    },
    "merge_members": {"member_id": 1, "merged_member_id": 2, "reason": "换了手机号"},
    "judge_merge_suggestion": {"verdict": "accepted", "reason": "同一人"},
    "undo_merge": {"reason": "并错了"},
    "redeem": {"points": 50, "merchant_code": "C001", "reference": "T1-20260701-0042"},
    "mark_member_tag": {"code": "prefers-simple", "is_on": True, "note": "到店试穿时说的"},
    "save_segment": {
        "code": "coffee-lovers",
        "name": "咖啡常客",
        "definition": {
            "match": "all",
            "of": [{"field": "purchases", "op": "at_least", "value": 3, "window": {"days": 90}}],
        },
    },
    "count_definition": {
        "definition": {"match": "all", "of": [{"field": "age", "op": "between", "value": [25, 35]}]}
    },
    "quote_coupons": {
        "merchant_code": "C001",
        "codes": ["ZKC.7Q2MXK4VTW9HCA35"],
        "lines": [{"sku": "LATTE", "net_fen": 6_400}],
    },
    "quote_price": {
        "merchant_code": "C001",
        "lines": [{"sku": "LATTE", "quantity": 2, "unit_price_fen": 3_200}],
    },
    "lock_coupons": {
        "merchant_code": "C001",
        "codes": ["7Q2MXK4VTW9HCA35"],
        "lines": [{"sku": "LATTE", "net_fen": 6_400}],
        "till": "T1",
        "lock_seconds": 600,
    },
    "confirm_coupons": {"till": "T1", "number": "20260701-0042", "business_date": "2026-07-01"},
    "release_coupons": {},
    "claim_coupon": {"member_id": 1},
    "check_in": {"mall_id": 1},
    "found_household": {"name": "张家"},
    "invite_into_household": {
        "number": "8800000000229",
        "role": "child",
        "day_limit": 200,
        "month_limit": 1_000,
    },
    "answer_household": {"household_id": 1, "accept": True},
    "put_into_pool": {"points": 500},
    "leave_household": {},
    "spend_from_pool": {"points": 300, "merchant_id": 1, "reference": "T1-20260701-0045"},
    "accept_mission": {},
    "record_deed": {"kind": "review", "reference": "dianping:93812", "happened_at": "2026-07-01T08:30:00Z"},
    "withdraw_deed": {"kind": "review", "reference": "dianping:93812", "reason": "评价已删除"},
    "quote_redemption": {"points": 500, "bill_fen": 12_800, "merchant_code": "C001"},
    "preview_redemption_rates": {
        "table": {
            "points": 100,
            "fen": 100,
            "lines": [
                {
                    "name": "国庆中秋",
                    "premium_bp": 2_000,
                    "dates": [{"from": "2027-10-01", "to": "2027-10-07"}],
                }
            ],
        },
        "effective_from": "2027-09-20T00:00:00+08:00",
    },
    "publish_redemption_rates": {
        "table": {"points": 100, "fen": 120, "step": 100, "minimum": 100},
        "effective_from": "2027-09-20T00:00:00+08:00",
        "note": "年中升级",
    },
    "decide_risk_alert": {"confirmed": True, "reason": "监控佐证"},
    "take_risk_measure": {"kind": "freeze", "reason": "核查期间先冻结", "member_id": 1},
    "undo_risk_measure": {"reason": "申诉成立"},
    "adjust_points": {"parts": [{"member_id": 1, "points": 200}], "reason": "漏积补录"},
    "decide_adjustment": {"approve": True},
    "reinstate_points": {"expired_id": 1, "points": 100, "reason": "客诉补救"},
    "ask_waiver": {"points": 120, "reason": "商户系统故障导致误扣"},
    "decide_waiver": {"approve": True},
    "accept_invitation": {"code": "K7M3Q9TX", "member_id": 1},
    "push_coupons": {"member_ids": [1, 2, 3], "reason": "会员日"},
    "publish_tier_policy": {
        "terms": {
            "tiers": [
                {"tier": 1, "threshold_fen": 0},
                {"tier": 2, "threshold_fen": 100_000, "keep_fen": 60_000},
            ],
            "window": "rolling_12_months",
            "period": "anniversary",
            "grace_days": 30,
        },
        "effective_from": "2027-09-20T00:00:00+08:00",
        "note": "保级门槛下调",
    },
    "grant_tier": {
        "tier": "gold",
        "until": "2026-08-31",
        "reason": "周年庆体验金卡",
        "reference": "campaign:57",
    },
    "revoke_tier_grant": {"reason": "发错人"},
    "decide_tier_exception": {"approve": True},
    "exchange_reward": {"reward_id": 12, "quantity": 1, "expected_points": 800},
    "hand_in_photo": {
        "picture": "/9j/4AAQSkZJRgABAQAAAQABAAD…",
        "paper": {
            "merchant_id": 12,
            "number": "20260701-0183",
            "business_date": "2026-07-01",
            "net_fen": 12_800,
            "till": "02",
            "bought_at": "11:20",
        },
    },
    "approve_photo": {
        "paper": {
            "merchant_id": 12,
            "number": "20260701-0183",
            "business_date": "2026-07-01",
            "net_fen": 12_800,
        }
    },
    "refuse_photo": {"reason": "unreadable", "note": "日期与金额看不清，请重拍"},
    "scan_receipt": {"code": "AZfDolsefECKUS9vPx2bEJm1w0Zc7bQKx3A"},
    "place_bid": {"points": 1200},
    "reserve_gift": {"campaign_id": 3, "step": 0, "hand_out": True},
    "hand_out_gift": {"gift_code": "ZKE.7Q2MXK4VTW"},
    "take_back_gift": {"is_good": True, "reason": "退货退回"},
    "draw_ticket": {"nonce": "6f1c0a9e52b84d37"},
    "hand_over_prize": {"pick_up_code": "ZKE.4XKQ7WM2PN"},
    "hand_over_exchange": {"pick_up_code": "ZKE.7Q2MXK4VTW", "tender": "wechat"},
    "cancel_exchange": {"reason": "缺货"},
    "use_benefit": {"benefit_id": 3, "mall_id": 1, "quantity": 2},
    "cancel_benefit_use": {"reason": "记错了"},
    "hold": {"points": 40, "merchant_code": "C001", "reference": "T1-20260701-0045", "minutes": 10},
    "confirm_hold": {"points": 30},
    "release_hold": {},
    "reverse_redemption": {"reason": "付款取消"},
    "reverse_member_redemption": {"points": 20, "reason": "部分退款"},
    "enroll_member": {
        "name": "李四",
        "phone": "13900139000",
        "merchant_code": "C001",
        "consents": [
            {"purpose": "membership", "channel": "any", "decision": "granted"},
            {"purpose": "marketing", "channel": "sms", "decision": "refused"},
        ],
        "policy_version": "2026-01",
        "method": "till",
    },
    "open_ticket": {
        "type": "complaint",
        "text": "昨天买的蛋糕有异味，要求退款。",
        "merchant_code": "C001",
        "member_id": 1024,
    },
    "write_message": {"text": "您好，停车券已补发到您的卡包。", "audience": "member"},
    "answer_ticket": {"text": "您好，我们已联系商户核实，今天内回复您。", "audience": "member"},
    "propose_amends": {"item": "points", "amount": 500, "payer": "merchant", "reason": "商品质量问题"},
    "decide_verbatim": {"sentiment": "negative", "topics": ["clean", "queue"]},
    "finish_follow_up": {"outcome": "visit", "channel": "in_person", "note": "约周六到店试大衣"},
    "record_contact": {"channel": "in_person", "result": "talked", "note": "到店看了秋冬新款"},
    "write_care_note": {"text": "偏好简约的款式，女儿上小学。"},
    "report_subscription_answers": {
        "openid": "oABCDEFGHIJKLMNOPQRSTUVWXYZ1",
        "key": "pickup-20260302-0001",
        "answers": [{"template": "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY", "answer": "accept"}],
    },
    "judge_word_alert": {"verdict": "upheld", "note": "已约谈客服"},
    "ask_for_goods": {
        "kind": "return",
        "reason": "quality",
        "condition": "used",
        "lines": [{"line_no": 1, "quantity": 1}],
        "text": "拉链坏了",
    },
    "take_goods_step": {
        "act": "send",
        "plan": {
            "workshop": "星河维修工坊",
            "promised_on": "2026-07-10",
            "parts": [{"name": "拉链", "quantity": 1, "cost_fen": 1500}],
            "labour_fen": 3000,
            "charge_fen": 0,
        },
    },
    "close_ticket": {"text": "已退款，感谢您的反馈。"},
}

PATHS: dict[str, str] = {
    "alert_id": "77",
    "pick_id": "77",
    "member_id": "1024",
    "order_id": "345",
    "use_id": "512",
    "number": "T260701-00042",
    "receipt_id": "0197c3a2-5b1e-7c40-8a51-2f6f3f1d9b10",
    "hold_id": "0197c3a2-70aa-7d31-8b5c-3f0e9a4c1d22",
    "redemption_id": "0197c3a2-61d0-7b12-9d3e-6f6c0c7d2e4a",
    "verbatim_id": "2048",
    "day": "2026-07-01",
    "month": "2026-07",
}

QUERIES: dict[str, str] = {"look_up_member": "phone=13800138000", "list_events": "limit=100"}
