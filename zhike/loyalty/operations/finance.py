"""How the books value points: a policy in versions, and journals that leave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid, NotFound
from zhike.loyalty.models import Program, ProvisionPolicy
from zhike.loyalty.queries.journals import PERMISSION_EDIT, Journal, journal
from zhike.loyalty.rules.provisions import ACCOUNTS, BP

VALUE_MAX = 1_000_000
ACCOUNT_LENGTH_MAX = 60


class InvalidProvision(Invalid):
    code = "invalid-provision"
    title = _("The valuation cannot be used.")


class ProvisionInThePast(Invalid):
    code = "provision-in-the-past"
    title = _("A valuation can begin this month or later; months that are over keep theirs.")


@transaction.atomic
def publish_provision_policy(
    *,
    actor: Viewer,
    program_id: int,
    value_points: int,
    value_fen: int,
    redemption_bp: int,
    accounts: Mapping[str, str],
    effective_on: dt.date,
    now: dt.datetime,
    note: str = "",
) -> int:
    """Publish the next version of how points are valued, from the first of a month on; the version.

    ``accounts`` names rules.provisions.ACCOUNTS. The very first version may begin in the past.
    Raises InvalidProvision, ProvisionInThePast, NotFound, NotAllowed.
    """
    require_touch(actor, PERMISSION_EDIT)
    _check(value_points, value_fen, redemption_bp, accounts, effective_on)
    if not Program.objects.select_for_update(of=("self",)).filter(id=program_id).exists():
        raise NotFound
    known = ProvisionPolicy.objects.filter(program_id=program_id)
    this_month = now.astimezone(timezone.get_default_timezone()).date().replace(day=1)
    if known.exists() and effective_on < this_month:
        raise ProvisionInThePast
    version = (known.aggregate(latest=Max("version"))["latest"] or 0) + 1
    policy = ProvisionPolicy.objects.create(
        program_id=program_id,
        version=version,
        effective_on=effective_on,
        value_points=value_points,
        value_fen=value_fen,
        redemption_bp=redemption_bp,
        accounts=dict(accounts),
        note=note[:300],
        published_at=now,
        published_by=actor.audit_id,
    )
    audit.record(
        actor=actor,
        action="provision.publish",
        subject=("program", program_id),
        after={
            "version": version,
            "effective_on": effective_on.isoformat(),
            "value": [value_points, value_fen],
            "redemption_bp": redemption_bp,
            "accounts": policy.accounts,
        },
        reason=note,
        now=now,
    )
    return version


def _check(
    value_points: int, value_fen: int, redemption_bp: int, accounts: Mapping[str, str], effective_on: dt.date
) -> None:
    wrong = {
        "value_points": not 1 <= value_points <= VALUE_MAX,
        "value_fen": not 0 <= value_fen <= VALUE_MAX,
        "redemption_bp": not 0 <= redemption_bp <= BP,
        "effective_on": effective_on.day != 1,
    }
    fields = {name: [_("This number is out of range.")] for name, is_wrong in wrong.items() if is_wrong}
    for name in ACCOUNTS:
        if not 0 < len(accounts.get(name, "").strip()) <= ACCOUNT_LENGTH_MAX:
            fields[name] = [_("Name an account.")]
    if fields or set(accounts) != set(ACCOUNTS):
        raise InvalidProvision(fields=fields)


@transaction.atomic
def hand_out_journal(*, actor: Viewer, program_id: int, month: dt.date, now: dt.datetime) -> Journal:
    """The journal of a month, and a note in the audit trail that it left. Raises NotFound, NotAllowed."""
    found = journal(actor, program_id, month, now)
    audit.record(
        actor=actor,
        action="journal.export",
        subject=("program", program_id),
        after={"month": month.isoformat(), "postings": len(found.postings)},
        now=now,
    )
    return found
