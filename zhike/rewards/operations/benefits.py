"""Benefits of tiers: the catalogue, and each use recorded at a desk within its quota."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.clock import business_date
from zhike.kernel.errors import Conflict, Invalid, NotFound, Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.rewards.events import BenefitUseCancelled, BenefitUsed
from zhike.rewards.models import Benefit, BenefitUse
from zhike.rewards.operations._words import GIVER, ReasonMissing
from zhike.rewards.operations.catalogue import EDIT, FEN_MAX, FUNDERS, CodeTaken
from zhike.rewards.operations.orders import SERVE
from zhike.rewards.queries.known import zone_of
from zhike.rewards.rules import benefits as rules
from zhike.rewards.rules.exchange import period_of

QUOTA_MAX = 10_000


class BenefitNotFound(NotFound):
    code = "benefit-not-found"
    title = _("There is no such benefit.")


class BenefitUnusable(Invalid):
    code = "benefit-unusable"
    title = _("A benefit cannot be like this.")


class NotOfThisTier(Conflict):
    code = "benefit-tier"
    title = _("The member's tier does not have this benefit.")


class NothingCounted(Conflict):
    code = "benefit-uncounted"
    title = _("This benefit is always there; its use is not counted.")


class NotTheirMonth(Conflict):
    code = "benefit-birth-month"
    title = _("This benefit is for the month of the member's birthday.")


class BirthdayUnknown(Conflict):
    code = "benefit-birthday-unknown"
    title = _("The member's birthday is not known.")


class QuotaUsedUp(Conflict):
    code = "benefit-quota"
    title = _("Only %(left)s of it are left in this time.")


class BenefitElsewhere(Conflict):
    code = "benefit-mall"
    title = _("This benefit belongs to another mall.")


class UseNotFound(NotFound):
    code = "benefit-use-not-found"
    title = _("There is no such use of a benefit.")


_REFUSALS: dict[str, type[Problem]] = {
    "tier": NotOfThisTier,
    "uncounted": NothingCounted,
    "birthday-unknown": BirthdayUnknown,
    "not-birth-month": NotTheirMonth,
}


@dataclass(frozen=True, slots=True)
class NewBenefit:
    """All that is said of a benefit; ``quotas`` by tier id as text, 0: there, nothing is counted."""

    code: str
    name: str
    kind: str
    unit: str
    quotas: Mapping[str, int]
    period: str = "month"
    description: str = ""
    how_to_use: str = ""
    birth_month: bool = False
    cost_fen: int = 0
    funding: Mapping[str, int] = field(default_factory=lambda: {"mall": 10_000})
    position: int = 0


@dataclass(frozen=True, slots=True)
class BenefitOutcome:
    """A use; ``left`` of the quota in this period."""

    use_id: int
    quantity: int
    left: int
    replayed: bool = False


@transaction.atomic
def save_benefit(
    *, actor: Viewer, group_id: int, benefit: NewBenefit, now: dt.datetime, mall_id: int | None = None
) -> int:
    """Make a benefit or change the one with this code; uses that were recorded stay as they are. Its id.

    Raises BenefitUnusable (naming fields), CodeTaken (another mall's), NotAllowed.
    """
    require_touch(actor, EDIT, mall=mall_id)
    _check(benefit)
    row = Benefit.objects.select_for_update(of=("self",)).filter(code=benefit.code.strip()).first()
    if row is not None and (row.group_id, row.mall_id) != (group_id, mall_id):
        raise CodeTaken
    before = None if row is None else {"name": row.name, "quotas": row.quotas}
    row = row or Benefit(
        group_id=group_id,
        mall_id=mall_id,
        code=benefit.code.strip(),
        created_at=now,
        created_by=actor.audit_id,
        version=0,
    )
    for name in ("kind", "period", "birth_month", "cost_fen", "position"):
        setattr(row, name, getattr(benefit, name))
    for name in ("name", "unit", "description", "how_to_use"):
        setattr(row, name, getattr(benefit, name).strip())
    row.quotas, row.funding = dict(benefit.quotas), dict(benefit.funding)
    row.retired_at = None
    row.version += 1
    row.save()
    audit.record(
        actor=actor,
        action="benefit.save",
        subject=("benefit", row.pk),
        before=before,
        after={"name": row.name, "quotas": row.quotas, "period": row.period, "cost_fen": row.cost_fen},
        now=now,
    )
    return row.pk


def _check(benefit: NewBenefit) -> None:
    tests = {
        "code": 0 < len(benefit.code.strip()) <= 40,
        "name": 0 < len(benefit.name.strip()) <= 60,
        "kind": benefit.kind in Benefit.Kind.values,
        "unit": 0 < len(benefit.unit.strip()) <= 10,
        "period": benefit.period in Benefit.Period.values,
        "description": len(benefit.description) <= 300,
        "how_to_use": len(benefit.how_to_use) <= 300,
        "quotas": bool(benefit.quotas) and all(0 <= quota <= QUOTA_MAX for quota in benefit.quotas.values()),
        "cost_fen": 0 <= benefit.cost_fen <= FEN_MAX,
        "mall_share": set(benefit.funding) <= set(FUNDERS) and sum(benefit.funding.values()) == 10_000,
    }
    wrong = {name: [_("This is out of range.")] for name, is_right in tests.items() if not is_right}
    if wrong:
        raise BenefitUnusable(fields=wrong)


@transaction.atomic
def retire_benefit(*, actor: Viewer, benefit_id: int, now: dt.datetime) -> None:
    """Nobody has it from now on. Raises BenefitNotFound, NotAllowed."""
    row = Benefit.objects.select_for_update(of=("self",)).filter(id=benefit_id).first()
    if row is None:
        raise BenefitNotFound
    require_touch(actor, EDIT, mall=row.mall_id)
    row.retired_at = now
    row.save(update_fields=["retired_at"])
    audit.record(actor=actor, action="benefit.retire", subject=("benefit", benefit_id), now=now)


@transaction.atomic
def use_benefit(
    *,
    actor: Viewer,
    member_id: int,
    benefit_id: int,
    mall_id: int,
    now: dt.datetime,
    quantity: int = 1,
    note: str = "",
) -> BenefitOutcome:
    """Record that a member uses so much of a benefit at a mall's desk. Never more than the tier's quota of the period,
    however many desks try at once.

    Raises BenefitNotFound, NotOfThisTier, NothingCounted, NotTheirMonth, BirthdayUnknown, QuotaUsedUp, BenefitElsewhere,
    Invalid, MemberNotFound, MemberFrozen, NotAllowed.
    """
    require_touch(actor, SERVE, mall=mall_id)
    benefit = Benefit.objects.filter(id=benefit_id, retired_at=None).first()
    if benefit is None:
        raise BenefitNotFound
    if benefit.mall_id not in (None, mall_id):
        raise BenefitElsewhere
    if not 1 <= quantity <= rules.QUANTITY_MAX:
        raise Invalid
    file = members.member_file(GIVER, member_id, now)
    if file.status != "active":
        raise loyalty.MemberFrozen
    today = business_date(now, zone_of(mall_id))
    quota = rules.quota_of(benefit.quotas, file.tier.id)
    birthday = customers.birth_date(file.person.id) if benefit.birth_month else None
    why_not = rules.refusal(quota, 0, 0, birth_month=benefit.birth_month, birthday=birthday, today=today)
    if why_not:
        raise _REFUSALS[why_not]
    assert quota is not None
    period = period_of(benefit.period, today)
    used = _count(benefit.pk, member_id, period, quantity, quota)
    use = BenefitUse.objects.create(
        benefit=benefit,
        member_id=member_id,
        tier_id=file.tier.id,
        mall_id=mall_id,
        quantity=quantity,
        period=period,
        cost_fen=benefit.cost_fen * quantity,
        funding=benefit.funding,
        note=note.strip()[:120],
        used_at=now,
        used_by=actor.audit_id,
    )
    fact = BenefitUsed(use.pk, benefit.pk, member_id, file.person.id, quantity, mall_id, use.cost_fen)
    events.publish(fact, actor=actor, now=now)
    return BenefitOutcome(use.pk, quantity, quota - used)


def _count(benefit_id: int, member_id: int, period: dt.date, quantity: int, quota: int) -> int:
    """Count within the quota; the row is held until the end. Raises QuotaUsedUp."""
    place: dict[str, Any] = {"benefit": benefit_id, "member": member_id, "period": period}
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO rewards_benefitusage AS u (benefit_id, member_id, period, used)
            SELECT %(benefit)s, %(member)s, %(period)s, %(quantity)s WHERE %(quantity)s <= %(quota)s
            ON CONFLICT (benefit_id, member_id, period) DO UPDATE SET used = u.used + excluded.used
            WHERE u.used + excluded.used <= %(quota)s RETURNING used""",
            {**place, "quantity": quantity, "quota": quota},
        )
        row = cursor.fetchone()
        if row is not None:
            return int(row[0])
        cursor.execute(
            "SELECT used FROM rewards_benefitusage"
            " WHERE benefit_id = %(benefit)s AND member_id = %(member)s AND period = %(period)s",
            place,
        )
        known = cursor.fetchone()
    raise QuotaUsedUp(left=max(0, quota - (known[0] if known else 0)))


@transaction.atomic
def cancel_use(*, actor: Viewer, use_id: int, reason: str, now: dt.datetime) -> None:
    """It was a mistake, or was not had: the quota is given back. Again, nothing happens.

    Raises UseNotFound, ReasonMissing, NotAllowed.
    """
    use = BenefitUse.objects.select_for_update(of=("self",)).filter(id=use_id).first()
    if use is None:
        raise UseNotFound
    require_touch(actor, SERVE, mall=use.mall_id)
    if not reason.strip():
        raise ReasonMissing
    if use.cancelled_at is not None:
        return
    use.cancelled_at, use.cancelled_by, use.cancel_reason = now, actor.audit_id, reason.strip()[:200]
    use.save(update_fields=["cancelled_at", "cancelled_by", "cancel_reason"])
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE rewards_benefitusage SET used = used - %s
            WHERE benefit_id = %s AND member_id = %s AND period = %s""",
            [use.quantity, use.benefit_id, use.member_id, use.period],
        )
    audit.record(
        actor=actor,
        action="benefit.cancel_use",
        subject=("benefit_use", use_id),
        after={"quantity": use.quantity},
        reason=reason.strip(),
        now=now,
    )
    fact = BenefitUseCancelled(
        use.pk,
        use.benefit_id,
        use.member_id,
        members.person_id_of(use.member_id),
        use.quantity,
        use.cancel_reason,
    )
    events.publish(fact, actor=actor, now=now)
