"""Loading a whole organisation at once: the simulator's, or one kept in a file."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from django.db import models, transaction

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.organization.events import StructureAdded
from zhike.organization.models import Brand, Floor, Group, Mall, Merchant, TradeCategory, Unit, Zone
from zhike.organization.operations import _places
from zhike.organization.operations.structure import PERMISSION

M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True, slots=True)
class UnitSpec:
    code: str
    area_sqm: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ZoneSpec:
    code: str
    name: str
    units: tuple[UnitSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class FloorSpec:
    """``position`` counts from the ground up: B1 is -1, the ground floor 0 or 1 as the house counts."""

    code: str
    name: str
    position: int = 0
    zones: tuple[ZoneSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class MerchantSpec:
    """Codes refer to the same spec; "" for none. A unit is named together with its zone."""

    code: str
    name: str
    floor_code: str = ""
    zone_code: str = ""
    unit_code: str = ""
    brand_code: str = ""
    trade_category_code: str = ""
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class MallSpec:
    code: str
    name: str
    time_zone: str = "Asia/Shanghai"
    currency: str = "CNY"
    address: str = ""
    floors: tuple[FloorSpec, ...] = ()
    merchants: tuple[MerchantSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class TradeCategorySpec:
    """Parents come before their children."""

    code: str
    name: str
    parent_code: str = ""


@dataclass(frozen=True, slots=True)
class BrandSpec:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class OrganizationSpec:
    group_code: str
    group_name: str
    trade_categories: tuple[TradeCategorySpec, ...] = ()
    brands: tuple[BrandSpec, ...] = ()
    malls: tuple[MallSpec, ...] = ()


@dataclass(slots=True)
class LoadedOrganization:
    """Ids by code; merchants by (mall code, merchant code). ``added`` counts new rows by kind."""

    group_id: int
    mall_ids: dict[str, int] = field(default_factory=dict)
    merchant_ids: dict[tuple[str, str], int] = field(default_factory=dict)
    trade_category_ids: dict[str, int] = field(default_factory=dict)
    brand_ids: dict[str, int] = field(default_factory=dict)
    added: Counter[str] = field(default_factory=Counter)


def load_organization(*, actor: Viewer, spec: OrganizationSpec, now: dt.datetime) -> LoadedOrganization:
    """Create what is missing and rename what is there, by codes; nothing is removed.

    A second run changes nothing. Raises NotAllowed, UnknownTimeZone, and KeyError for a code the spec does not define.
    """
    require_touch(actor, PERMISSION)
    for mall in spec.malls:
        _places.require_time_zone(mall.time_zone)
    with transaction.atomic():
        load = _Load(now)
        group = load.upsert(
            [Group(code=spec.group_code, name=spec.group_name, created_at=now)], ("code",), ("name",)
        )
        loaded = LoadedOrganization(group[spec.group_code,])
        _load_catalogue(load, loaded, spec)
        _load_malls(load, loaded, spec)
        loaded.added = Counter(fact.kind for fact in load.facts)
        if load.facts:
            subject = ("group", loaded.group_id)
            after = dict(loaded.added)
            audit.record(actor=actor, action="organization.load", subject=subject, after=after, now=now)
            events.publish(*load.facts, actor=actor, now=now)
        _places.forget_after_commit()
    return loaded


class _Load:
    """Upserts row by table, remembering what was new."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now
        self.facts: list[StructureAdded] = []

    def upsert(
        self, rows: Iterable[M], unique: tuple[str, ...], update: tuple[str, ...]
    ) -> dict[tuple[Any, ...], int]:
        """Ids by the values of ``unique``, one statement for all rows of a table."""
        wanted = list(rows)
        if not wanted:
            return {}
        model = type(wanted[0])
        manager = model._default_manager
        parents = {name: {getattr(row, name) for row in wanted} for name in unique}
        within = {f"{name}__in": values for name, values in parents.items()}
        known = set(manager.filter(**within).values_list("pk", flat=True))
        saved = manager.bulk_create(
            wanted, update_conflicts=True, unique_fields=list(unique), update_fields=list(update)
        )
        kind = model._meta.model_name or ""
        self.facts += [StructureAdded(kind, row.pk, _code(row)) for row in saved if row.pk not in known]
        return {tuple(getattr(row, name) for name in unique): int(row.pk) for row in saved}


def _code(row: models.Model) -> str:
    return str(getattr(row, "code", ""))


def _load_catalogue(load: _Load, loaded: LoadedOrganization, spec: OrganizationSpec) -> None:
    """Trade categories level by level, then brands."""
    group_id = loaded.group_id
    ids = loaded.trade_category_ids
    waiting = list(spec.trade_categories)
    while waiting:
        ready = [item for item in waiting if not item.parent_code or item.parent_code in ids]
        if not ready:
            raise KeyError(waiting[0].parent_code)
        rows = (
            TradeCategory(
                group_id=group_id,
                code=item.code,
                name=item.name,
                parent_id=ids[item.parent_code] if item.parent_code else None,
            )
            for item in ready
        )
        found = load.upsert(rows, ("group_id", "code"), ("name", "parent_id"))
        ids |= {code: pk for (_group_id, code), pk in found.items()}
        waiting = [item for item in waiting if item not in ready]
    brands = (Brand(group_id=group_id, code=item.code, name=item.name) for item in spec.brands)
    found = load.upsert(brands, ("group_id", "code"), ("name",))
    loaded.brand_ids |= {code: pk for (_group_id, code), pk in found.items()}


def _load_malls(load: _Load, loaded: LoadedOrganization, spec: OrganizationSpec) -> None:
    malls = load.upsert(
        (
            Mall(
                group_id=loaded.group_id,
                code=mall.code,
                name=mall.name,
                time_zone=mall.time_zone,
                currency=mall.currency,
                address=mall.address,
            )
            for mall in spec.malls
        ),
        ("code",),
        ("name", "time_zone", "currency", "address"),
    )
    for mall in spec.malls:
        mall_id = loaded.mall_ids[mall.code] = malls[mall.code,]
        floors = load.upsert(
            (Floor(mall_id=mall_id, code=f.code, name=f.name, position=f.position) for f in mall.floors),
            ("mall_id", "code"),
            ("name", "position"),
        )
        units = _load_units(load, mall, {code: pk for (_mall_id, code), pk in floors.items()})
        merchants = load.upsert(
            (
                _merchant(item, mall_id, loaded, units, floors.get((mall_id, item.floor_code)))
                for item in mall.merchants
            ),
            ("mall_id", "code"),
            ("name", "floor_id", "unit_id", "brand_id", "trade_category_id", "status"),
        )
        loaded.merchant_ids |= {(mall.code, code): pk for (_mall_id, code), pk in merchants.items()}


def _load_units(load: _Load, mall: MallSpec, floor_ids: dict[str, int]) -> dict[tuple[str, str], int]:
    """Ids of units by (zone code, unit code)."""
    zones = load.upsert(
        (
            Zone(floor_id=floor_ids[floor.code], code=zone.code, name=zone.name)
            for floor in mall.floors
            for zone in floor.zones
        ),
        ("floor_id", "code"),
        ("name",),
    )
    zone_codes = {pk: code for (_floor_id, code), pk in zones.items()}
    units = load.upsert(
        (
            Unit(zone_id=zones[floor_ids[floor.code], zone.code], code=unit.code, area_sqm=unit.area_sqm)
            for floor in mall.floors
            for zone in floor.zones
            for unit in zone.units
        ),
        ("zone_id", "code"),
        ("area_sqm",),
    )
    return {(zone_codes[zone_id], code): pk for (zone_id, code), pk in units.items()}


def _merchant(
    item: MerchantSpec,
    mall_id: int,
    loaded: LoadedOrganization,
    units: dict[tuple[str, str], int],
    floor_id: int | None,
) -> Merchant:
    if item.floor_code and floor_id is None:
        raise KeyError(item.floor_code)
    return Merchant(
        mall_id=mall_id,
        code=item.code,
        name=item.name,
        floor_id=floor_id,
        unit_id=units[item.zone_code, item.unit_code] if item.unit_code else None,
        brand_id=loaded.brand_ids[item.brand_code] if item.brand_code else None,
        trade_category_id=loaded.trade_category_ids[item.trade_category_code]
        if item.trade_category_code
        else None,
        status=Merchant.Status.OPEN if item.is_open else Merchant.Status.CLOSED,
    )
