"""Reads of the organisation, who is asking, and the directory of merchants that the hot path consults."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Grant, Viewer, may_touch, require, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.reencryption import EncryptedColumn
from zhike.organization import rules
from zhike.organization.models import (
    ApiKey,
    Brand,
    Floor,
    Group,
    Mall,
    Merchant,
    RoleGrant,
    Staff,
    StaffSession,
    TradeCategory,
    Unit,
    Zone,
)

MALL_COLUMNS = {"mall": "id"}
MERCHANT_COLUMNS = {"mall": "mall_id", "floor": "floor_id", "merchant": "id"}


@dataclass(frozen=True, slots=True)
class GroupRef:
    """``app_name`` is what members read over their app; empty means the name of the program."""

    id: int
    code: str
    name: str
    app_name: str = ""


@dataclass(frozen=True, slots=True)
class MallRef:
    id: int
    code: str
    name: str
    time_zone: str
    currency: str
    group_id: int


@dataclass(frozen=True, slots=True)
class MerchantRef:
    id: int
    code: str
    name: str
    mall_id: int
    group_id: int
    time_zone: str
    floor_id: int | None
    brand_id: int | None
    trade_category_id: int | None
    trade_category_code: str
    is_open: bool
    mall_code: str = ""


@dataclass(frozen=True, slots=True)
class PlaceRef:
    """A floor, zone, unit, brand or trade category; ``parent_id`` is what it stands in."""

    id: int
    code: str
    name: str
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class GrantView:
    id: int
    role: str
    level: str
    target_id: int


@dataclass(frozen=True, slots=True)
class StaffView:
    id: int
    username: str
    name: str
    language: str
    is_active: bool
    has_second_factor: bool
    last_login: dt.datetime | None
    grants: tuple[GrantView, ...]


@dataclass(frozen=True, slots=True)
class SessionView:
    id: int
    started_at: dt.datetime
    last_seen_at: dt.datetime
    address: str | None
    agent: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ApiKeyView:
    id: int
    name: str
    prefix: str
    scopes: tuple[str, ...]
    level: str
    target_id: int
    rate_per_minute: int
    created_at: dt.datetime
    created_by: str
    last_used_at: dt.datetime | None
    revoked_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ApiCaller:
    viewer: Viewer
    key_id: int
    rate_per_minute: int


def security_profile() -> rules.SecurityProfile:
    """The strictness of log-ins that this house chose (``SECURITY_PROFILE``)."""
    return rules.PROFILES[settings.SECURITY_PROFILE]


def encrypted_columns() -> list[EncryptedColumn]:
    """For the rotation of keys."""
    return [EncryptedColumn("organization.staff.totp_secret", "organization_staff", "totp_secret")]


# --- who is asking -------------------------------------------------------------------------------------------------


def viewer_of_staff(staff_id: int, request_id: str = "") -> Viewer:
    """The viewer that a member of staff is now. Raises NotFound when they do not exist or were deactivated."""
    staff = Staff.objects.filter(pk=staff_id, is_active=True).values_list("name", flat=True).first()
    if staff is None:
        raise NotFound
    granted = RoleGrant.objects.filter(staff_id=staff_id).values_list("role", "level", "target_id")
    grants = tuple(Grant(*scope) for scope in rules.scopes_of(list(granted), staff_id))
    return Viewer(kind="staff", id=staff_id, label=staff, grants=grants, request_id=request_id)


def member_permissions() -> frozenset[str]:
    """What members may do about themselves."""
    return rules.MEMBER_PERMISSIONS


def all_permissions() -> list[str]:
    """Every permission there is, which are also the scopes of API keys, in the order of the matrix."""
    return list(rules.PERMISSIONS_IN_ORDER)


def role_permissions() -> dict[str, frozenset[str]]:
    """The roles in their order, each with all it may do anywhere."""
    return {name: role.all_permissions for name, role in rules.ROLES.items()}


class _ApiCallers:
    """Keys that were recently shown to be good, so that a till costs no query per request."""

    LIFETIME_S = 20.0
    SIZE_MAX = 10_000

    def __init__(self) -> None:
        self._callers: dict[bytes, tuple[float, ApiCaller]] = {}

    def get(self, digest: bytes) -> ApiCaller | None:
        found = self._callers.get(digest)
        if found is None or found[0] < time.monotonic():
            return None
        return found[1]

    def put(self, digest: bytes, caller: ApiCaller) -> None:
        if len(self._callers) >= self.SIZE_MAX:
            self._callers.clear()
        self._callers[digest] = (time.monotonic() + self.LIFETIME_S, caller)

    def forget(self) -> None:
        self._callers.clear()


_api_callers = _ApiCallers()


def viewer_of_api_key(raw: str, now: dt.datetime) -> ApiCaller | None:
    """The program that holds this key, or None. A revoked key stops here at once, in other processes within 20 s."""
    prefix = rules.api_key_prefix(raw)
    if prefix is None:
        return None
    digest = hashlib.sha256(raw.encode()).digest()
    caller = _api_callers.get(digest)
    if caller is None:
        caller = _load_api_caller(prefix, digest)
        if caller is not None:
            _api_callers.put(digest, caller)
    return caller


def _load_api_caller(prefix: str, digest: bytes) -> ApiCaller | None:
    key = ApiKey.objects.filter(prefix=prefix, revoked_at=None).first()
    if key is None or not hmac.compare_digest(bytes(key.digest), digest):
        return None
    ids: frozenset[int] = frozenset() if key.level == "all" else frozenset({key.target_id})
    grant = Grant(frozenset(key.scopes) & rules.PERMISSIONS, key.level, ids)
    viewer = Viewer(kind="api", id=key.pk, label=key.name, grants=(grant,))
    return ApiCaller(viewer, key.pk, key.rate_per_minute)


def forget_api_callers() -> None:
    """Drop what this process remembers about API keys; whoever changes keys calls it."""
    _api_callers.forget()


# --- merchants, on the hot path ------------------------------------------------------------------------------------


class _Directory:
    """All merchants in memory, in one query, at most ten seconds old; replaced whole, so readers need no lock."""

    AGE_MAX_S = 10.0
    MISS_PAUSE_S = 1.0
    MISSES_MAX = 10_000

    def __init__(self) -> None:
        self._loading = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._found: dict[object, MerchantRef] = {}
        self._missed: dict[object, float] = {}
        self._loaded_at = float("-inf")

    def get(self, key: object) -> MerchantRef | None:
        if time.monotonic() - self._loaded_at > self.AGE_MAX_S:
            self._load()
        return self._found.get(key) or self._look_again(key)

    def _look_again(self, key: object) -> MerchantRef | None:
        """It may be new: ask the database, at most once a second for the same key."""
        now = time.monotonic()
        if now - self._missed.get(key, float("-inf")) < self.MISS_PAUSE_S:
            return None
        self._load()
        if key not in self._found:
            if len(self._missed) >= self.MISSES_MAX:
                self._missed.clear()
            self._missed[key] = now
        return self._found.get(key)

    def _load(self) -> None:
        with self._loading:
            started_at = time.monotonic()
            refs = _merchant_refs()
            found: dict[object, MerchantRef] = {ref.id: ref for ref in refs}
            for ref in refs:
                found[ref.mall_id, ref.code] = ref
                found[ref.mall_code, ref.code] = ref
            codes = Counter(ref.code for ref in refs)
            found |= {(None, ref.code): ref for ref in refs if codes[ref.code] == 1}
            self._found, self._loaded_at = found, started_at


def _merchant_refs() -> list[MerchantRef]:
    rows = Merchant.objects.values_list(
        "id", "code", "name", "mall_id", "mall__group_id", "mall__time_zone", "floor_id", "brand_id",
        "trade_category_id", "trade_category__code", "status", "mall__code",
    )  # fmt: skip
    return [MerchantRef(*row[:9], row[9] or "", row[10] == Merchant.Status.OPEN, row[11]) for row in rows]


_directory = _Directory()


def merchant_ref(merchant_id: int) -> MerchantRef | None:
    """A merchant from memory, at most ten seconds old."""
    return _directory.get(merchant_id)


def merchant_by_code(
    code: str, mall_id: int | None = None, mall_code: str | None = None
) -> MerchantRef | None:
    """A merchant by its code and its mall's id or code; without a mall only a code that one merchant alone bears."""
    return _directory.get((mall_id or mall_code, code))


def forget_merchants() -> None:
    """Drop what this process remembers about merchants; whoever changes merchants calls it."""
    _directory.forget()


# --- places --------------------------------------------------------------------------------------------------------


class NotFounded(NotFound):
    code = "not-founded"
    title = _("This house is not open yet: somebody has to found it in the console first.")


def default_group() -> GroupRef:
    """The first group of this installation. Raises NotFounded before there is one."""
    found = founded_group()
    if found is None:
        raise NotFounded
    return found


def founded_group() -> GroupRef | None:
    """The same, or None before there is one."""
    row = Group.objects.order_by("id").values_list("id", "code", "name", "app_name").first()
    return None if row is None else GroupRef(*row)


def malls(viewer: Viewer, permission: str = "organization.view") -> list[MallRef]:
    """The malls in which the viewer holds the permission anywhere, be it at one merchant only."""
    direct = visible(Mall.objects.all(), viewer, permission, MALL_COLUMNS).values("pk")
    through = visible(Merchant.objects.all(), viewer, permission, MERCHANT_COLUMNS).values("mall_id")
    rows = Mall.objects.filter(Q(pk__in=direct) | Q(pk__in=through)).order_by("id")
    return [_mall_ref(mall) for mall in rows]


def mall(mall_id: int) -> MallRef:
    """Raises NotFound."""
    found = Mall.objects.filter(pk=mall_id).first()
    if found is None:
        raise NotFound
    return _mall_ref(found)


def first_mall_id() -> int | None:
    """The mall that was there first, for whatever belongs to the whole group but needs one mall's clock."""
    return Mall.objects.order_by("id").values_list("id", flat=True).first()


def _mall_ref(found: Mall) -> MallRef:
    return MallRef(found.pk, found.code, found.name, found.time_zone, found.currency, found.group_id)


def merchants(
    viewer: Viewer, mall_id: int | None = None, permission: str = "organization.view"
) -> list[MerchantRef]:
    """The merchants at which the viewer holds the permission, by code; closed ones too."""
    rows = visible(Merchant.objects.all(), viewer, permission, MERCHANT_COLUMNS)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    refs = (merchant_ref(pk) for pk in rows.order_by("mall_id", "code").values_list("pk", flat=True))
    return [ref for ref in refs if ref is not None]


def floors(mall_id: int) -> list[PlaceRef]:
    """From the lowest up."""
    rows = Floor.objects.filter(mall_id=mall_id).order_by("position", "code")
    return [PlaceRef(*row) for row in rows.values_list("id", "code", "name", "mall_id")]


def zones(floor_id: int) -> list[PlaceRef]:
    rows = Zone.objects.filter(floor_id=floor_id).order_by("code")
    return [PlaceRef(*row) for row in rows.values_list("id", "code", "name", "floor_id")]


def units(zone_id: int) -> list[PlaceRef]:
    """A unit's name is its code."""
    rows = Unit.objects.filter(zone_id=zone_id).order_by("code")
    return [PlaceRef(*row) for row in rows.values_list("id", "code", "code", "zone_id")]


def trade_categories(group_id: int) -> list[PlaceRef]:
    rows = TradeCategory.objects.filter(group_id=group_id).order_by("code")
    return [PlaceRef(*row) for row in rows.values_list("id", "code", "name", "parent_id")]


def brands(group_id: int) -> list[PlaceRef]:
    rows = Brand.objects.filter(group_id=group_id).order_by("code")
    return [PlaceRef(*row) for row in rows.values_list("id", "code", "name", "group_id")]


def levels_of(level: str, target_id: int) -> dict[str, int | None]:
    """The place of a grant with everything above it, as keywords for ``require_touch``. Raises NotFound."""
    if level == "all":
        return {}
    if level == "own":
        return {"own": target_id}
    if level == "mall":
        return {"mall": mall(target_id).id}
    if level == "floor":
        floor = Floor.objects.filter(pk=target_id).first()
        if floor is not None:
            return {"mall": floor.mall_id, "floor": floor.pk}
    merchant = merchant_ref(target_id) if level == "merchant" else None
    if merchant is None:
        raise NotFound
    return {"mall": merchant.mall_id, "floor": merchant.floor_id, "merchant": merchant.id}


# --- staff, sessions, keys -----------------------------------------------------------------------------------------


def staff_list(viewer: Viewer) -> list[StaffView]:
    """Everybody the viewer manages: those with a role at a place where the viewer holds staff.manage, by name."""
    require(viewer, "staff.manage")
    return [view for view in _staff_views(Staff.objects.order_by("name", "id")) if may_manage(viewer, view)]


def staff_member(staff_id: int) -> StaffView:
    """Raises NotFound."""
    views = _staff_views(Staff.objects.filter(pk=staff_id))
    if not views:
        raise NotFound
    return views[0]


def works_here(names: Sequence[str]) -> bool:
    """Whether somebody with one of these names is on the staff."""
    return Staff.objects.filter(name__in=[name for name in names if name], is_active=True).exists()


def staff_at(permission: str, mall_id: int) -> list[tuple[int, str]]:
    """(id, name) of everybody who holds the permission in the whole mall, by name; the caller has authorised."""
    levels = {"all": 0, "mall": mall_id}
    roles = [name for name, role in rules.ROLES.items() if permission in role.permissions]
    grants = RoleGrant.objects.filter(role__in=roles, staff__is_active=True)
    held = [
        staff_id
        for staff_id, level, target in grants.values_list("staff_id", "level", "target_id")
        if levels.get(level) == target
    ]
    return list(Staff.objects.filter(pk__in=held).order_by("name", "id").values_list("id", "name"))


def staff_with_role(role: str, mall_id: int, merchant_id: int | None = None) -> list[tuple[int, str]]:
    """(id, name) of everybody who has a role in a mall or in all of them, the mall's own first, by name; the caller has
    authorised. With a merchant, nobody who has it at another merchant."""
    grants = RoleGrant.objects.filter(role=role, staff__is_active=True).exclude(level="own")
    if merchant_id is not None:
        grants = grants.exclude(Q(level="merchant") & ~Q(target_id=merchant_id))
    levels: dict[int, str] = {}
    for staff_id, level, target in grants.values_list("staff_id", "level", "target_id"):
        if level == "all" or levels_of(level, target).get("mall") == mall_id:
            levels[staff_id] = min(levels.get(staff_id, level), level, key=lambda one: one == "all")
    names = dict(Staff.objects.filter(pk__in=levels).values_list("id", "name"))
    return sorted(names.items(), key=lambda pair: (levels[pair[0]] == "all", pair[1], pair[0]))


def visible_staff(staff_id: int, viewer: Viewer) -> StaffView:
    """One member of staff, for themself and for who manages them. Raises NotFound."""
    view = staff_member(staff_id)
    if not (viewer.kind == "staff" and viewer.id == staff_id) and not may_manage(viewer, view):
        raise NotFound
    return view


def may_manage(viewer: Viewer, staff: StaffView) -> bool:
    """Whether every role of ``staff`` lies where the viewer holds staff.manage; without roles, anywhere will do."""
    if not staff.grants:
        return viewer.may("staff.manage")
    return all(_may_manage_at(viewer, grant) for grant in staff.grants)


def _may_manage_at(viewer: Viewer, grant: GrantView) -> bool:
    try:
        return may_touch(viewer, "staff.manage", **levels_of(grant.level, grant.target_id))
    except NotFound:
        return may_touch(viewer, "staff.manage")


def _staff_views(rows: QuerySet[Staff]) -> list[StaffView]:
    members = list(rows)
    grants: dict[int, list[GrantView]] = defaultdict(list)
    for row in RoleGrant.objects.filter(staff_id__in=[member.pk for member in members]).order_by("id"):
        grants[row.staff_id].append(GrantView(row.pk, row.role, row.level, row.target_id))
    return [
        StaffView(
            id=member.pk,
            username=member.username,
            name=member.name,
            language=member.language,
            is_active=member.is_active,
            has_second_factor=member.totp_confirmed_at is not None,
            last_login=member.last_login,
            grants=tuple(grants[member.pk]),
        )
        for member in members
    ]


def sessions_of(staff_id: int, now: dt.datetime, current_key: str | None = None) -> list[SessionView]:
    """The sessions that are still live, latest first; ``current_key`` marks the one that asks."""
    profile = security_profile()
    rows = StaffSession.objects.filter(staff_id=staff_id, revoked_at=None).order_by("-last_seen_at")
    return [
        SessionView(
            row.pk, row.started_at, row.last_seen_at, row.address, row.agent, row.session_key == current_key
        )
        for row in rows
        if rules.is_session_live(row.started_at, row.last_seen_at, now, profile)
    ]


def session_is_live(session_key: str, now: dt.datetime) -> bool:
    """One indexed look-up: False once revoked, idle or too old, or once its owner was deactivated."""
    row = (
        StaffSession.objects.filter(session_key=session_key, revoked_at=None, staff__is_active=True)
        .values_list("started_at", "last_seen_at")
        .first()
    )
    return row is not None and rules.is_session_live(*row, now, security_profile())


def api_keys(viewer: Viewer) -> list[ApiKeyView]:
    """The keys at places where the viewer holds apikeys.manage, newest first; revoked ones too."""
    require(viewer, "apikeys.manage")
    views = (_api_key_view(key) for key in ApiKey.objects.order_by("-id"))
    return [
        view for view in views if may_touch(viewer, "apikeys.manage", **levels_of(view.level, view.target_id))
    ]


def _api_key_view(key: ApiKey) -> ApiKeyView:
    return ApiKeyView(
        id=key.pk,
        name=key.name,
        prefix=key.prefix,
        scopes=tuple(key.scopes),
        level=key.level,
        target_id=key.target_id,
        rate_per_minute=key.rate_per_minute,
        created_at=key.created_at,
        created_by=key.created_by,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )
