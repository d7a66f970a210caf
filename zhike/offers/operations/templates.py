"""Templates and batches: what is on offer, how much of it, and for how long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.offers.events import BatchOpened
from zhike.offers.models import CouponBatch, CouponTemplate
from zhike.offers.operations._words import TermsUnusable
from zhike.offers.queries.known import BatchNotFound, terms_json, zone_of
from zhike.offers.rules.terms import CouponTerms, TermsError, parse_terms, validity_of

STOCK_MAX = 10_000_000
PER_MEMBER_MAX = 1_000
NAME_MAX = 80
CODE_MAX = 40


class TemplateNotFound(NotFound):
    code = "coupon-template-not-found"
    title = _("There is no such coupon template.")


class CodeTaken(Conflict):
    code = "code-taken"
    title = _("This code is taken. Choose another.")


class TemplateRetired(Conflict):
    code = "coupon-template-retired"
    title = _("This template is no longer in use.")


class BatchUnusable(Invalid):
    code = "coupon-batch-unusable"
    title = _("A batch cannot be like this.")


class BatchClosed(Conflict):
    code = "coupon-batch-closed"
    title = _("This batch is closed for good.")


@dataclass(frozen=True, slots=True)
class NewBatch:
    """``claim_until`` is exclusive. ``per_member`` 0: as many as there are. ``tier_ids`` empty: every member.

    From ``early_from`` members of ``early_tier_ids`` may claim ``early_quota`` of them before everybody; see CouponBatch.
    """

    code: str
    name: str
    stock: int
    claim_from: dt.datetime
    claim_until: dt.datetime
    per_member: int = 1
    is_public: bool = False
    is_bearer: bool = False
    tier_ids: Sequence[int] = ()
    early_from: dt.datetime | None = None
    early_tier_ids: Sequence[int] = ()
    early_quota: int = 0
    early_stays: bool = False


def save_template(
    *,
    actor: Viewer,
    group_id: int,
    code: str,
    name: str,
    terms: Mapping[str, Any],
    now: dt.datetime,
    mall_id: int | None = None,
    instructions: str = "",
) -> int:
    """Make a template or change the one with this code; the batches there are keep their terms. Its id.

    Raises TermsUnusable (naming the path), CodeTaken (by another mall's), TemplateRetired, Invalid, NotAllowed.
    """
    require_touch(actor, "offers.edit", mall=mall_id)
    parsed = _parse(terms)
    name, code = name.strip(), code.strip()
    if not 0 < len(name) <= NAME_MAX or not 0 < len(code) <= CODE_MAX:
        raise Invalid
    with transaction.atomic():
        known = CouponTemplate.objects.select_for_update(of=("self",)).filter(code=code).first()
        if known is not None and (known.group_id, known.mall_id) != (group_id, mall_id):
            raise CodeTaken
        if known is not None and known.retired_at is not None:
            raise TemplateRetired
        before = None if known is None else {"terms": known.terms, "name": known.name}
        template = known or CouponTemplate(
            group_id=group_id,
            mall_id=mall_id,
            code=code,
            created_at=now,
            created_by=actor.audit_id,
            version=0,
        )
        template.name, template.kind, template.instructions = name, parsed.kind, instructions.strip()
        template.terms = dict(terms_json(parsed))
        template.version += 1
        _save(template)
        audit.record(
            actor=actor,
            action="coupon_template.save",
            subject=("coupon_template", template.pk),
            before=before,
            after={"terms": template.terms, "name": name},
            now=now,
        )
    return template.pk


def _save(row: CouponTemplate | CouponBatch) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise CodeTaken from error


def _parse(terms: Mapping[str, Any]) -> CouponTerms:
    try:
        return parse_terms(terms)
    except TermsError as error:
        raise TermsUnusable(path=error.path) from None


@transaction.atomic
def retire_template(*, actor: Viewer, template_id: int, now: dt.datetime) -> None:
    """No new batches of it from now on; coupons that are out stay good. Raises TemplateNotFound, NotAllowed."""
    template = _locked_template(template_id)
    require_touch(actor, "offers.edit", mall=template.mall_id)
    if template.retired_at is not None:
        return
    template.retired_at = now
    template.save(update_fields=["retired_at"])
    audit.record(
        actor=actor, action="coupon_template.retire", subject=("coupon_template", template_id), now=now
    )


def _locked_template(template_id: int) -> CouponTemplate:
    found = CouponTemplate.objects.select_for_update(of=("self",)).filter(id=template_id).first()
    if found is None:
        raise TemplateNotFound
    return found


@transaction.atomic
def open_batch(*, actor: Viewer, template_id: int, batch: NewBatch, now: dt.datetime) -> int:
    """So many coupons of the template as it is now. Its id.

    Raises TemplateNotFound, TemplateRetired, BatchUnusable (naming fields), CodeTaken, NotAllowed.
    """
    template = _locked_template(template_id)
    require_touch(actor, "offers.edit", mall=template.mall_id)
    if template.retired_at is not None:
        raise TemplateRetired
    _check(batch, parse_terms(template.terms), zone_of(template.mall_id))
    row = CouponBatch(
        template=template,
        mall_id=template.mall_id,
        code=batch.code.strip(),
        name=batch.name.strip(),
        kind=template.kind,
        terms=template.terms,
        instructions=template.instructions,
        stock=batch.stock,
        per_member=batch.per_member,
        is_bearer=batch.is_bearer,
        is_public=batch.is_public,
        claim_from=batch.claim_from,
        claim_until=batch.claim_until,
        tier_ids=sorted(set(batch.tier_ids)),
        early_from=batch.early_from,
        early_tier_ids=sorted(set(batch.early_tier_ids)),
        early_quota=batch.early_quota,
        early_stays=batch.early_stays,
        created_at=now,
        created_by=actor.audit_id,
    )
    _save(row)
    audit.record(
        actor=actor,
        action="coupon_batch.open",
        subject=("coupon_batch", row.pk),
        after={"code": row.code, "stock": row.stock, "template_version": template.version},
        now=now,
    )
    events.publish(BatchOpened(row.pk, template_id, batch.stock), actor=actor, now=now)
    return row.pk


_RANGE = _("This is out of range.")


def _check(batch: NewBatch, terms: CouponTerms, zone: str) -> None:
    wrong = {}
    if not 1 <= batch.stock <= STOCK_MAX:
        wrong["stock"] = [_RANGE]
    if not 0 <= batch.per_member <= PER_MEMBER_MAX:
        wrong["per_member"] = [_RANGE]
    if not 0 < len(batch.name.strip()) <= NAME_MAX:
        wrong["name"] = [_RANGE]
    if not 0 < len(batch.code.strip()) <= CODE_MAX:
        wrong["code"] = [_RANGE]
    if batch.claim_until <= batch.claim_from:
        wrong["claim_until"] = [_("This ends before it begins.")]
    elif validity_of(terms, batch.claim_from, zone)[1] <= batch.claim_from:
        wrong["claim_from"] = [_("By then the coupon is no longer good.")]
    if batch.is_bearer and batch.is_public:
        wrong["is_public"] = [_("Codes for bearers are not claimed by members.")]
    if wrong := wrong | _early_faults(batch):
        raise BatchUnusable(fields=wrong)


def _early_faults(batch: NewBatch) -> dict[str, list[Any]]:
    """All of it or nothing: who, how many, and from when before everybody."""
    if batch.early_from is None and not batch.early_tier_ids and not batch.early_quota:
        return {}
    wrong: dict[str, list[Any]] = {}
    if not batch.is_public:
        wrong["early_from"] = [_("Only what members claim themselves opens earlier for some.")]
    elif batch.early_from is None or batch.early_from >= batch.claim_from:
        wrong["early_from"] = [_("This lies before the opening for everybody.")]
    if not batch.early_tier_ids:
        wrong["early_tiers"] = [_("Say for which tiers.")]
    elif batch.tier_ids and not set(batch.early_tier_ids) <= set(batch.tier_ids):
        wrong["early_tiers"] = [_("These tiers may not claim it at all.")]
    if not 1 <= batch.early_quota <= batch.stock:
        wrong["early_quota"] = [_("Between one and all of them are kept.")]
    return wrong


CHANGEABLE = ("name", "stock", "per_member", "claim_until", "is_public", "status")


@transaction.atomic
def change_batch(
    *, actor: Viewer, batch_id: int, changes: Mapping[str, Any], reason: str, now: dt.datetime
) -> None:
    """Change the stock, limit, end, publicity or state of a batch; never its terms. A closed one stays closed.

    The stock may not fall below what is issued. Raises BatchNotFound, BatchClosed, BatchUnusable, NotAllowed.
    """
    row = CouponBatch.objects.select_for_update(of=("self",)).filter(id=batch_id).first()
    if row is None:
        raise BatchNotFound
    require_touch(actor, "offers.edit", mall=row.mall_id)
    if row.status == CouponBatch.Status.CLOSED:
        raise BatchClosed
    if set(changes) - set(CHANGEABLE) or changes.get("status", row.status) not in CouponBatch.Status.values:
        raise BatchUnusable
    stock = changes.get("stock", row.stock)
    if not max(1, row.issued, row.early_quota) <= stock <= STOCK_MAX:
        raise BatchUnusable(fields={"stock": [_("The stock cannot be less than what is issued.")]})
    if not 0 <= changes.get("per_member", row.per_member) <= PER_MEMBER_MAX:
        raise BatchUnusable(fields={"per_member": [_RANGE]})
    if changes.get("claim_until", row.claim_until) <= row.claim_from:
        raise BatchUnusable(fields={"claim_until": [_("This ends before it begins.")]})
    before = {name: getattr(row, name) for name in changes}
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=list(changes))
    audit.record(
        actor=actor,
        action="coupon_batch.change",
        subject=("coupon_batch", batch_id),
        before={name: _plain(value) for name, value in before.items()},
        after={name: _plain(value) for name, value in changes.items()},
        reason=reason,
        now=now,
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime) else value
