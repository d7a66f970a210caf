"""Promotions are published in versions and ended; nothing that was published is edited."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid, NotFound
from zhike.offers.events import PromotionPublished
from zhike.offers.models import Promotion, PromotionVersion
from zhike.offers.operations.templates import CODE_MAX, NAME_MAX, CodeTaken
from zhike.offers.rules.promotions import parse_promotion
from zhike.offers.rules.terms import TermsError


class PromotionNotFound(NotFound):
    code = "promotion-not-found"
    title = _("There is no such promotion.")


class PromotionUnusable(Invalid):
    code = "promotion-unusable"
    title = _("The promotion cannot be like this: %(path)s.")


class PromotionInThePast(Invalid):
    code = "promotion-in-the-past"
    title = _("A version cannot begin in the past, nor end before it begins.")


def publish_promotion(
    *,
    actor: Viewer,
    group_id: int,
    code: str,
    name: str,
    definition: Mapping[str, Any],
    effective_from: dt.datetime,
    now: dt.datetime,
    mall_id: int | None = None,
    effective_to: dt.datetime | None = None,
    note: str = "",
    backdated: bool = False,
) -> int:
    """A new promotion, or the next version of the one with this code; the promotion's id.

    ``backdated`` lets a version begin in the past, for loading what was in force. Raises PromotionUnusable (naming the
    path), PromotionInThePast, CodeTaken (by another mall's), Invalid, NotAllowed.
    """
    require_touch(actor, "offers.edit", mall=mall_id)
    try:
        parsed = parse_promotion(definition)
    except TermsError as error:
        raise PromotionUnusable(path=error.path) from None
    name, code = name.strip(), code.strip()
    if not 0 < len(name) <= NAME_MAX or not 0 < len(code) <= CODE_MAX:
        raise Invalid
    if (effective_from < now and not backdated) or (
        effective_to is not None and effective_to <= effective_from
    ):
        raise PromotionInThePast
    with transaction.atomic():
        row = _promotion(actor, group_id, mall_id, code, name, now)
        last = PromotionVersion.objects.filter(promotion=row).order_by("-version").first()
        version = PromotionVersion.objects.create(
            promotion=row,
            version=last.version + 1 if last else 1,
            definition=msgspec.to_builtins(parsed),
            effective_from=effective_from,
            effective_to=effective_to,
            note=note[:300],
            published_at=now,
            published_by=actor.audit_id,
        )
        audit.record(
            actor=actor,
            action="promotion.publish",
            subject=("promotion", row.pk),
            before={"definition": last.definition} if last else None,
            after={"definition": version.definition, "version": version.version},
            reason=note,
            now=now,
        )
        events.publish(PromotionPublished(row.pk, version.version, effective_from), actor=actor, now=now)
    return row.pk


def _promotion(
    actor: Viewer, group_id: int, mall_id: int | None, code: str, name: str, now: dt.datetime
) -> Promotion:
    known = Promotion.objects.select_for_update(of=("self",)).filter(code=code).first()
    if known is None:
        try:
            with transaction.atomic():
                return Promotion.objects.create(
                    group_id=group_id,
                    mall_id=mall_id,
                    code=code,
                    name=name,
                    created_at=now,
                    created_by=actor.audit_id,
                )
        except IntegrityError as error:
            raise CodeTaken from error
    if (known.group_id, known.mall_id) != (group_id, mall_id):
        raise CodeTaken
    known.name, known.ends_at = name, None
    known.save(update_fields=["name", "ends_at"])
    return known


@transaction.atomic
def end_promotion(*, actor: Viewer, promotion_id: int, now: dt.datetime, reason: str = "") -> None:
    """From now on it applies no more; ended before: nothing to do. Raises PromotionNotFound, NotAllowed."""
    row = Promotion.objects.select_for_update(of=("self",)).filter(id=promotion_id).first()
    if row is None:
        raise PromotionNotFound
    require_touch(actor, "offers.edit", mall=row.mall_id)
    if row.ends_at is not None and row.ends_at <= now:
        return
    row.ends_at = now
    row.save(update_fields=["ends_at"])
    audit.record(
        actor=actor, action="promotion.end", subject=("promotion", promotion_id), reason=reason, now=now
    )
