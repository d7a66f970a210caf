"""Making and changing the places: group, mall, floor, zone, unit, trade category, brand, merchant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.organization import queries
from zhike.organization.events import GroupChanged, MerchantChanged, StructureAdded
from zhike.organization.models import Brand, Floor, Group, Mall, Merchant, TradeCategory, Unit, Zone
from zhike.organization.operations import _places

PERMISSION = "organization.edit"
MERCHANT_FIELDS = frozenset({"name", "floor_id", "unit_id", "brand_id", "trade_category_id", "status"})


class CodeTaken(Conflict):
    code = "code-taken"
    title = _("The code “%(code)s” is already in use here.")


class FieldNotEditable(Invalid):
    code = "field-not-editable"
    title = _("The field “%(field)s” cannot be changed here.")


def create_group(*, actor: Viewer, code: str, name: str, app_name: str = "", now: dt.datetime) -> int:
    """The new group's id; ``app_name`` is what members call it. Raises NotAllowed, CodeTaken."""
    require_touch(actor, PERMISSION)
    return _create(Group(code=code, name=name, app_name=app_name, created_at=now), actor, now)


def update_group(*, actor: Viewer, group_id: int, name: str, app_name: str, now: dt.datetime) -> None:
    """Change the group's name and the member app's; what is equal already is left alone.

    Raises NotAllowed, NotFound, and Invalid for an empty name.
    """
    require_touch(actor, PERMISSION)
    wanted = {"name": name.strip(), "app_name": app_name.strip()}
    if not wanted["name"]:
        raise Invalid(fields={"name": [_("Please fill this in.")]})
    with transaction.atomic():
        row = Group.objects.select_for_update().filter(pk=group_id).first()
        if row is None:
            raise NotFound
        after = {field: value for field, value in wanted.items() if getattr(row, field) != value}
        if not after:
            return
        before = {field: getattr(row, field) for field in after}
        for field, value in after.items():
            setattr(row, field, value)
        row.save(update_fields=list(after))
        subject = ("group", group_id)
        audit.record(actor=actor, action="group.update", subject=subject, before=before, after=after, now=now)
        events.publish(GroupChanged(group_id, tuple(after)), actor=actor, now=now)


def create_mall(
    *,
    actor: Viewer,
    group_id: int,
    code: str,
    name: str,
    time_zone: str = "Asia/Shanghai",
    currency: str = "CNY",
    address: str = "",
    now: dt.datetime,
) -> int:
    """The new mall's id. Raises NotAllowed, CodeTaken, UnknownTimeZone."""
    require_touch(actor, PERMISSION)
    _places.require_time_zone(time_zone)
    row = Mall(
        group_id=group_id, code=code, name=name, time_zone=time_zone, currency=currency, address=address
    )
    return _create(row, actor, now)


def create_floor(
    *, actor: Viewer, mall_id: int, code: str, name: str, position: int = 0, now: dt.datetime
) -> int:
    """The new floor's id; ``position`` counts from the ground up. Raises NotAllowed, NotFound, CodeTaken."""
    require_touch(actor, PERMISSION, **queries.levels_of("mall", mall_id))
    return _create(Floor(mall_id=mall_id, code=code, name=name, position=position), actor, now)


def create_zone(*, actor: Viewer, floor_id: int, code: str, name: str, now: dt.datetime) -> int:
    """The new zone's id. Raises NotAllowed, NotFound, CodeTaken."""
    require_touch(actor, PERMISSION, **queries.levels_of("floor", floor_id))
    return _create(Zone(floor_id=floor_id, code=code, name=name), actor, now)


def create_unit(
    *, actor: Viewer, zone_id: int, code: str, area_sqm: Decimal | None = None, now: dt.datetime
) -> int:
    """The new unit's id. Raises NotAllowed, NotFound, CodeTaken."""
    zone = Zone.objects.filter(pk=zone_id).first()
    if zone is None:
        raise NotFound
    require_touch(actor, PERMISSION, **queries.levels_of("floor", zone.floor_id))
    return _create(Unit(zone_id=zone_id, code=code, area_sqm=area_sqm), actor, now)


def create_trade_category(
    *, actor: Viewer, group_id: int, code: str, name: str, parent_id: int | None = None, now: dt.datetime
) -> int:
    """The new trade category's id; all malls of the group share the tree. Raises NotAllowed, CodeTaken."""
    require_touch(actor, PERMISSION)
    return _create(TradeCategory(group_id=group_id, code=code, name=name, parent_id=parent_id), actor, now)


def create_brand(*, actor: Viewer, group_id: int, code: str, name: str, now: dt.datetime) -> int:
    """The new brand's id. Raises NotAllowed, CodeTaken."""
    require_touch(actor, PERMISSION)
    return _create(Brand(group_id=group_id, code=code, name=name), actor, now)


def create_merchant(
    *,
    actor: Viewer,
    mall_id: int,
    code: str,
    name: str,
    floor_id: int | None = None,
    unit_id: int | None = None,
    brand_id: int | None = None,
    trade_category_id: int | None = None,
    now: dt.datetime,
) -> int:
    """The new merchant's id. Raises NotAllowed, NotFound, CodeTaken, and Invalid for a place outside the mall."""
    require_touch(actor, PERMISSION, **queries.levels_of("mall", mall_id))
    row = Merchant(
        mall_id=mall_id,
        code=code,
        name=name,
        floor_id=floor_id,
        unit_id=unit_id,
        brand_id=brand_id,
        trade_category_id=trade_category_id,
    )
    _require_inside_mall(row)
    return _create(row, actor, now)


def update_merchant(
    *, actor: Viewer, merchant_id: int, changes: Mapping[str, Any], reason: str = "", now: dt.datetime
) -> None:
    """Change name, place, brand, trade category or status ("open", "closed"); what is equal already is left alone.

    Raises NotFound, FieldNotEditable, and Invalid for a place outside the mall.
    """
    for name in changes:
        if name not in MERCHANT_FIELDS:
            raise FieldNotEditable(field=name)
    if changes.get("status", Merchant.Status.OPEN) not in Merchant.Status.values:
        raise Invalid(fields={"status": [_("Not a status of a merchant.")]})
    with transaction.atomic():
        rows = Merchant.objects.select_for_update()
        row = load_visible(rows, merchant_id, actor, PERMISSION, queries.MERCHANT_COLUMNS)
        before = {name: getattr(row, name) for name, value in changes.items() if getattr(row, name) != value}
        if not before:
            return
        for name in before:
            setattr(row, name, changes[name])
        _require_inside_mall(row)
        row.save(update_fields=list(before))
        audit.record(
            actor=actor,
            action="merchant.update",
            subject=("merchant", merchant_id),
            before=before,
            after={name: changes[name] for name in before},
            reason=reason,
            now=now,
        )
        events.publish(MerchantChanged(merchant_id, tuple(before)), actor=actor, now=now)
        _places.forget_after_commit()


def _create(row: models.Model, actor: Viewer, now: dt.datetime) -> int:
    kind = row._meta.model_name or ""
    code: str = row.code  # type: ignore[attr-defined]
    with transaction.atomic():
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            if "_code" in str(error):
                raise CodeTaken(code=code) from error
            raise
        audit.record(
            actor=actor, action=f"{kind}.create", subject=(kind, row.pk), after={"code": code}, now=now
        )
        events.publish(StructureAdded(kind, row.pk, code), actor=actor, now=now)
        _places.forget_after_commit()
    return int(row.pk)


def _require_inside_mall(row: Merchant) -> None:
    """A merchant's floor and unit lie in its mall, and its brand and trade category belong to its group."""
    group_id = Mall.objects.values_list("group_id", flat=True).get(pk=row.mall_id)
    places: list[tuple[str, models.QuerySet[Any]]] = [
        ("floor_id", Floor.objects.filter(mall_id=row.mall_id)),
        ("unit_id", Unit.objects.filter(zone__floor__mall_id=row.mall_id)),
        ("brand_id", Brand.objects.filter(group_id=group_id)),
        ("trade_category_id", TradeCategory.objects.filter(group_id=group_id)),
    ]
    for name, allowed in places:
        pk = getattr(row, name)
        if pk is not None and not allowed.filter(pk=pk).exists():
            raise Invalid(fields={name: [_("This does not belong to the mall of the merchant.")]})
