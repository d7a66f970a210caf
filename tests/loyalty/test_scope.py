"""What is the whole house's needs a grant for the whole house: a mall's own staff neither change nor carry it away."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from tests.loyalty.conftest import BASE_RULE, NOW, Town, staff
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import AuditEntry
from zhike.loyalty import operations as loyalty

Deed = Callable[[Viewer, Town], Any]

DEEDS: dict[str, tuple[str, Deed]] = {
    "settings": (
        "programme.edit",
        lambda actor, town: loyalty.update_program(
            actor=actor, program_id=town.program_id, changes={"redeem_fen": 500}, now=NOW
        ),
    ),
    "rule": (
        "programme.edit",
        lambda actor, town: loyalty.publish_rule_version(
            actor=actor,
            program_id=town.program_id,
            code="tenfold",
            name="十倍",
            definition=BASE_RULE,
            effective_from=NOW,
            now=NOW,
        ),
    ),
    "tier": (
        "programme.edit",
        lambda actor, town: loyalty.save_tier(
            actor=actor,
            program_id=town.program_id,
            code="own",
            name="自家",
            rank=9,
            threshold_fen=0,
            colour="gold",
            now=NOW,
        ),
    ),
    "ledger": (
        "ledger.verify",
        lambda actor, town: loyalty.hand_out_ledger(actor=actor, target=io.BytesIO(), now=NOW),
    ),
    "card secrets": (
        "members.export",
        lambda actor, town: loyalty.hand_out_secrets(actor=actor, reason="till", now=NOW),
    ),
}


@pytest.mark.feature("C029")
@pytest.mark.parametrize(("permission", "deed"), DEEDS.values(), ids=DEEDS)
@pytest.mark.parametrize("level", ["mall", "merchant", "own"])
def test_a_part_of_the_house_is_not_the_house(town: Town, permission: str, deed: Deed, level: str) -> None:
    before = AuditEntry.objects.count()
    with pytest.raises(NotAllowed):
        deed(staff(permission, level=level, ids=[town.mall_id, town.shop, 1]), town)
    assert AuditEntry.objects.count() == before
