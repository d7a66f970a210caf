"""The payers that earning rules name, as the fundings that lots carry."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping

from django.db import connection

from zhike.kernel.access import Viewer
from zhike.kernel.ids import stamp
from zhike.loyalty.models import Funding, Program
from zhike.loyalty.queries.snapshots import Programme
from zhike.loyalty.rules.funding import MERCHANT, WHOLE_BP, code_since
from zhike.organization import queries as organization


def fundings_of(programme: Programme, payers: Iterable[str]) -> Mapping[str, int]:
    """The funding of each payer by code; one that pays for the first time is entered.

    A drafted programme is only tried: there a new payer gets a number that no funding has.
    """
    missing = [payer for payer in payers if payer not in programme.payers]
    if not missing:
        return programme.payers
    if programme.is_draft:
        return {**programme.payers, **{payer: -zlib.crc32(payer.encode()) for payer in missing}}
    since = since_of(programme)
    found = {payer: enter_payer(payer, since) for payer in missing}
    if not connection.in_atomic_block:  # what may be rolled back yet is not to be remembered by anyone
        Program.objects.filter(id=programme.id).update(stamp=stamp())
    return {**programme.payers, **found}


def enter_payer(payer: str, since: int | None = None) -> int:
    """The funding by which this party pays for all of it, since a version of the rates."""
    return enter_split(payer, {payer: WHOLE_BP}, since)


def enter_split(code: str, split: Mapping[str, int], since: int | None) -> int:
    row, _new = Funding.objects.get_or_create(
        code=code_since(code, since), defaults={"split": dict(split), "since_id": since}
    )
    return row.pk


def since_of(programme: Programme) -> int | None:
    """The notice of which version new points come after; None when none ever kept older points apart."""
    return programme.since.get(programme.funding_id)


def enter_named_payers(actor: Viewer, funding: Mapping[str, int]) -> None:
    """Enter whom a rule names; where the merchant of the purchase pays, every merchant there is.

    A merchant that opens later is entered when it first pays.
    """
    named = {payer for payer in funding if payer != MERCHANT}
    if MERCHANT in funding:
        merchants = organization.merchants(actor, permission="programme.edit")
        named |= {f"{MERCHANT}:{merchant.id}" for merchant in merchants}
    Funding.objects.bulk_create(
        [Funding(code=payer, split={payer: WHOLE_BP}) for payer in sorted(named)], ignore_conflicts=True
    )
