"""Gifts for what was spent: the stock at the desk, and campaigns that are written, published for good and ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.organization import queries as organization
from zhike.rewards.events import GiftCampaignPublished
from zhike.rewards.models import GiftCampaign, GiftItem
from zhike.rewards.operations import notices
from zhike.rewards.operations.catalogue import EDIT, FEN_MAX, FUNDERS, POINTS_MAX, STOCK_MAX, CodeTaken
from zhike.rewards.rules import gifts as rules

CAMPAIGN_DAYS_MAX = 366
Status = GiftCampaign.Status


class GiftItemNotFound(NotFound):
    code = "gift-not-found"
    title = _("There is no such gift.")


class GiftItemUnusable(Invalid):
    code = "gift-unusable"
    title = _("A gift cannot be like this.")


class GiftStockTooLow(Conflict):
    code = "gift-stock-taken"
    title = _("%(taken)s of it are given or promised already.")


class GiftCampaignNotFound(NotFound):
    code = "gift-campaign-not-found"
    title = _("There is no such gift campaign.")


class GiftCampaignUnusable(Invalid):
    code = "gift-campaign-unusable"
    title = _("A gift campaign cannot be like this.")


class GiftCampaignPublishedBefore(Conflict):
    code = "gift-campaign-published"
    title = _("A published campaign cannot be changed. End it and begin another.")


_RANGE = _("This is out of range.")


@dataclass(frozen=True, slots=True)
class NewGiftItem:
    """All that is said of a gift but its stock; ``points`` are taken from whoever does not bring it back."""

    code: str
    name: str
    icon: str = "gift"
    per_day: int = 0
    value_fen: int = 0
    cost_fen: int = 0
    points: int = 0
    funding: Mapping[str, int] = field(default_factory=lambda: {"mall": 10_000})


@dataclass(frozen=True, slots=True)
class NewGiftCampaign:
    """All that is said of a campaign; ``terms`` are rules.gifts.GiftTerms as JSON, the days are inclusive."""

    code: str
    name: str
    terms: Mapping[str, Any]
    starts_on: dt.date
    ends_on: dt.date
    collect_until: dt.date
    description: str = ""


@transaction.atomic
def save_gift_item(
    *, actor: Viewer, mall_id: int, item: NewGiftItem, now: dt.datetime, stock: int | None = None
) -> int:
    """Make a gift or change the one with this code; rights that were given stay as they are. Its id.

    ``stock`` is how many there are in all, those given included; None leaves it. Raises GiftItemUnusable (naming fields),
    GiftStockTooLow, CodeTaken (another mall's), NotAllowed.
    """
    require_touch(actor, EDIT, mall=mall_id)
    code = item.code.strip()
    row = GiftItem.objects.select_for_update(of=("self",)).filter(code=code).first()
    if row is not None and row.mall_id != mall_id:
        raise CodeTaken
    stock = (row.stock if row else 0) if stock is None else stock
    _check_item(item, stock)
    before = None if row is None else {"name": row.name, "stock": row.stock}
    row = row or GiftItem(mall_id=mall_id, code=code, created_at=now, created_by=actor.audit_id)
    if stock < row.taken:
        raise GiftStockTooLow(taken=row.taken)
    row.name, row.icon, row.stock, row.funding = item.name.strip(), item.icon, stock, dict(item.funding)
    for name in ("per_day", "value_fen", "cost_fen", "points"):
        setattr(row, name, getattr(item, name))
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise CodeTaken from error
    after = {"name": row.name, "stock": stock, "cost_fen": row.cost_fen, "points": row.points}
    subject = ("gift", row.pk)
    audit.record(actor=actor, action="gift.save", subject=subject, before=before, after=after, now=now)
    return row.pk


def _check_item(item: NewGiftItem, stock: int) -> None:
    tests = {
        "code": 0 < len(item.code.strip()) <= 40,
        "name": 0 < len(item.name.strip()) <= 60,
        "icon": 0 < len(item.icon) <= 40,
        "stock": 0 <= stock <= STOCK_MAX,
        "per_day": 0 <= item.per_day <= STOCK_MAX,
        "value_fen": 0 <= item.value_fen <= FEN_MAX,
        "cost_fen": 0 <= item.cost_fen <= FEN_MAX,
        "points": 0 <= item.points <= POINTS_MAX,
        "funding": set(item.funding) <= set(FUNDERS)
        and all(share > 0 for share in item.funding.values())
        and sum(item.funding.values()) == 10_000,
    }
    wrong = [name for name, is_right in tests.items() if not is_right]
    if wrong:
        raise GiftItemUnusable(fields={name: [_RANGE] for name in wrong})


@transaction.atomic
def save_gift_campaign(*, actor: Viewer, mall_id: int, campaign: NewGiftCampaign, now: dt.datetime) -> int:
    """Write a draft, or the draft with this code anew; its id.

    Raises GiftCampaignUnusable (naming fields), GiftCampaignPublishedBefore, CodeTaken (another mall's), NotAllowed.
    """
    require_touch(actor, EDIT, mall=mall_id)
    terms = _checked_terms(campaign, mall_id)
    code = campaign.code.strip()
    row = GiftCampaign.objects.select_for_update(of=("self",)).filter(code=code).first()
    if row is not None and row.mall_id != mall_id:
        raise CodeTaken
    if row is not None and row.status != Status.DRAFT:
        raise GiftCampaignPublishedBefore
    row = row or GiftCampaign(mall_id=mall_id, code=code, created_at=now, created_by=actor.audit_id)
    row.name, row.description = campaign.name.strip(), campaign.description.strip()
    row.starts_on, row.ends_on, row.collect_until = (
        campaign.starts_on,
        campaign.ends_on,
        campaign.collect_until,
    )
    row.terms = msgspec.to_builtins(terms)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise CodeTaken from error
    after = {"name": row.name, "starts_on": str(row.starts_on), "ends_on": str(row.ends_on)}
    audit.record(
        actor=actor, action="gift_campaign.save", subject=("gift_campaign", row.pk), after=after, now=now
    )
    return row.pk


def _checked_terms(campaign: NewGiftCampaign, mall_id: int) -> rules.GiftTerms:
    tests = {
        "code": 0 < len(campaign.code.strip()) <= 40,
        "name": 0 < len(campaign.name.strip()) <= 60,
        "description": len(campaign.description) <= 500,
        "ends_on": campaign.starts_on <= campaign.ends_on
        and (campaign.ends_on - campaign.starts_on).days < CAMPAIGN_DAYS_MAX,
        "collect_until": campaign.ends_on <= campaign.collect_until
        and (campaign.collect_until - campaign.ends_on).days <= rules.DAYS_MAX,
    }
    wrong = [name for name, is_right in tests.items() if not is_right]
    terms = None
    try:
        terms = rules.parse_gift_terms(campaign.terms)
    except rules.GiftTermsError as error:
        wrong += error.fields
    if terms is not None:
        wanted = {one.item_id for one in terms.steps}
        if GiftItem.objects.filter(id__in=wanted, mall_id=mall_id).count() != len(wanted):
            wrong.append("steps")
    if wrong or terms is None:
        raise GiftCampaignUnusable(fields={name: [_RANGE] for name in wrong})
    return terms


def _locked(campaign_id: int) -> GiftCampaign:
    row = GiftCampaign.objects.select_for_update(of=("self",)).filter(id=campaign_id).first()
    if row is None:
        raise GiftCampaignNotFound
    return row


@transaction.atomic
def publish_gift_campaign(*, actor: Viewer, campaign_id: int, now: dt.datetime) -> bool:
    """From now on nothing of its terms changes; False when it was published before.

    Raises GiftCampaignNotFound, NotAllowed.
    """
    row = _locked(campaign_id)
    require_touch(actor, EDIT, mall=row.mall_id)
    if row.status != Status.DRAFT:
        return False
    row.status, row.published_at = Status.PUBLISHED, now
    row.save(update_fields=["status", "published_at"])
    notices.begin_templates(organization.mall(row.mall_id).group_id, now)
    subject = ("gift_campaign", campaign_id)
    audit.record(
        actor=actor, action="gift_campaign.publish", subject=subject, after={"terms": row.terms}, now=now
    )
    events.publish(GiftCampaignPublished(campaign_id, row.mall_id), actor=actor, now=now)
    return True


@transaction.atomic
def end_gift_campaign(*, actor: Viewer, campaign_id: int, reason: str, now: dt.datetime) -> bool:
    """From now on nobody gets a new right; reserved gifts can still be fetched. False when it had ended.

    Raises GiftCampaignNotFound, Invalid (no reason), NotAllowed.
    """
    row = _locked(campaign_id)
    require_touch(actor, EDIT, mall=row.mall_id)
    if not reason.strip():
        raise Invalid
    if row.ended_at is not None:
        return False
    row.ended_at, row.end_reason = now, reason.strip()[:200]
    row.save(update_fields=["ended_at", "end_reason"])
    audit.record(
        actor=actor, action="gift_campaign.end", subject=("gift_campaign", campaign_id), reason=row.end_reason, now=now
    )  # fmt: skip
    return True
