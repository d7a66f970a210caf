"""Run in a process of its own: makes a mall with a rule, five members and an API key, and prints what tills need."""

from __future__ import annotations

import json
import sys

import django


def main() -> None:
    django.setup()
    from tests.loyalty.conftest import BASE_RULE, SYSTEM, build_town
    from zhike.kernel import clock
    from zhike.loyalty import operations as loyalty
    from zhike.organization.operations.api_keys import create_api_key

    now = clock.now()
    town = build_town()
    loyalty.publish_rule_version(
        actor=SYSTEM,
        program_id=town.program_id,
        code="base",
        name="消费积分",
        definition=BASE_RULE,
        effective_from=now.replace(year=now.year - 1),
        now=now,
        backdated=True,
    )
    members = [
        loyalty.enroll_member(
            actor=SYSTEM, name="张三", phone=f"1380013800{n}", mall_id=town.mall_id, source="counter", now=now
        )
        for n in range(5)
    ]
    scopes = ["receipts.record", "members.lookup", "points.redeem"]
    _key, raw = create_api_key(actor=SYSTEM, name="tills", scopes=scopes, rate_per_minute=60_000, now=now)
    json.dump({"key": raw, "merchant_id": town.shop, "members": [m.member_id for m in members]}, sys.stdout)


if __name__ == "__main__":
    main()
