"""The first programme of an installation."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction

from zhike.kernel.access import Viewer, require_touch
from zhike.loyalty import queries
from zhike.loyalty.models import EarningRule, Tier
from zhike.loyalty.operations.administration import create_program, publish_rule_version, save_tier

FOUNDING_LOCK = 0x7A68696B65


@dataclass(frozen=True, slots=True)
class FirstTerms:
    """Names of the lowest tier and of the first rule, which gives ``points`` for every ``per_fen`` spent."""

    tier_name: str
    tier_colour: str
    rule_name: str
    points: int = 1
    per_fen: int = 100


def found_program(
    *, actor: Viewer, group_id: int, code: str, name: str, terms: FirstTerms, now: dt.datetime
) -> int:
    """Found the programme with its lowest tier and its first earning rule, in force from ``now``; its id.

    There is one founding: done again, it adds only what is still missing and changes nothing that is there.
    Raises NotAllowed, InvalidTier, InvalidRule.
    """
    require_touch(actor, "programme.edit")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FOUNDING_LOCK])
        program_id = queries.default_program_id()
        if program_id is None:
            program_id = create_program(actor=actor, group_id=group_id, code=code, name=name, now=now)
        if not Tier.objects.filter(program_id=program_id).exists():
            save_tier(
                actor=actor,
                program_id=program_id,
                code="basic",
                name=terms.tier_name,
                rank=1,
                threshold_fen=0,
                colour=terms.tier_colour,
                now=now,
            )
        if not EarningRule.objects.filter(program_id=program_id).exists():
            publish_rule_version(
                actor=actor,
                program_id=program_id,
                code="base",
                name=terms.rule_name,
                definition={"base": {"points": terms.points, "per_fen": terms.per_fen}},
                effective_from=now,
                now=now,
            )
    return program_id
