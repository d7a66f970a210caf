"""Calendars, holidays, policies, departments, causes: what tickets are measured by."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.service.events import CalendarPublished, HolidaysLoaded, PolicyPublished
from zhike.service.models import (
    BusinessCalendar,
    CalendarVersion,
    Cause,
    Department,
    HolidayYear,
    PolicyVersion,
)
from zhike.service.operations import _clocks
from zhike.service.queries import calendars as queries
from zhike.service.rules import calendars, policies

MANAGE = "tickets.manage"
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class CalendarInvalid(Invalid):
    code = "calendar-invalid"
    title = _("These hours cannot be used.")


class HolidaysInvalid(Invalid):
    code = "holidays-invalid"
    title = _("This is not a list of holidays: a year, and days with date, name and isOffDay.")


class PolicyInvalid(Invalid):
    code = "policy-invalid"
    title = _("Row %(row)s: %(what)s")


class NameInvalid(Invalid):
    code = "service-name-invalid"
    title = _("It needs a name, and a code of small letters, digits and dashes.")


class CauseLoop(Conflict):
    code = "cause-loop"
    title = _("A cause cannot stand below itself.")


SHIFT_FAULTS = {
    "format": _("Write hours as 09:00-12:00, 13:30-18:00."),
    "overlap": _("Two of these shifts overlap."),
    "too_many": _("At most eight shifts a day."),
    "no_time": _("At least one day must have hours."),
}
POLICY_FAULTS = {
    "rows": _("there must be between 1 and 60 rows."),
    "on_reopen": _("say what reopening does to the clock."),
    "twice": _("this type and severity stand there twice."),
    "kind": _("there is no such type or severity."),
    "minutes": _("a target has between 0 and 129,600 minutes."),
    "order": _("the first answer cannot be due after the solution."),
    "percent": _("the warning comes between 0 and 99 per cent of the time."),
    "calendar": _("there is no such calendar."),
    "role": _("there is nobody of this role to tell."),
}


@transaction.atomic
def publish_calendar(
    *,
    actor: Viewer,
    group_id: int,
    code: str,
    name: str,
    time_zone: str,
    week: Sequence[str],
    makeup: str = "",
    region: str = "",
    exceptions: Mapping[dt.date, str] | None = None,
    now: dt.datetime,
) -> int:
    """A new version of a calendar (or its first), from texts such as "09:00-12:00, 13:30-18:00"; its number.

    Tickets opened before keep the version they began with. Raises CalendarInvalid, NameInvalid, NotAllowed.
    """
    require_touch(actor, MANAGE)
    _require_name(code, name)
    if not calendars.is_zone(time_zone):
        raise CalendarInvalid(fields={"time_zone": [_("There is no such time zone.")]})
    try:
        stored = calendars.definition(
            week=week,
            makeup=makeup,
            region=region,
            exceptions={day.isoformat(): text for day, text in (exceptions or {}).items()},
        )
    except calendars.BadShifts as fault:
        raise CalendarInvalid(fields={"week": [SHIFT_FAULTS[fault.code]]}) from fault
    BusinessCalendar.objects.get_or_create(group_id=group_id, code=code, defaults={"name": name})
    row = BusinessCalendar.objects.select_for_update().get(group_id=group_id, code=code)
    newest = CalendarVersion.objects.filter(calendar=row).order_by("-version").first()
    if newest and row.name == name and (newest.definition, newest.time_zone) == (stored, time_zone):
        return newest.version
    row.name = name
    row.save(update_fields=["name"])
    version = newest.version + 1 if newest else 1
    CalendarVersion.objects.create(
        calendar=row,
        version=version,
        time_zone=time_zone,
        definition=stored,
        published_at=now,
        published_by=actor.label,
    )
    audit.record(
        actor=actor,
        action="calendar.publish",
        subject=("calendar", row.pk),
        after={"code": code, "version": version},
        now=now,
    )
    events.publish(CalendarPublished(group_id, code, version), actor=actor, now=now)
    return version


@transaction.atomic
def load_holidays(*, actor: Viewer, region: str, data: Any, now: dt.datetime) -> int:
    """A published year of holidays and make-up workdays; the year. The same list again changes nothing.

    Running clocks whose calendar follows the region are reckoned anew. Raises HolidaysInvalid, NotAllowed.
    """
    require_touch(actor, MANAGE)
    try:
        year, days = calendars.parse_holidays(data)
    except calendars.BadHolidays as fault:
        raise HolidaysInvalid from fault
    stored = calendars.holidays_data(days)
    newest = HolidayYear.objects.filter(region=region, year=year).order_by("-id").first()
    if newest is not None and newest.days == stored:
        return year
    HolidayYear.objects.create(region=region, year=year, days=stored, loaded_at=now, loaded_by=actor.label)
    audit.record(
        actor=actor,
        action="holidays.load",
        subject=("holidays", f"{region}/{year}"),
        after={"days": len(days)},
        now=now,
    )
    events.publish(HolidaysLoaded(region, year, len(days)), actor=actor, now=now)
    _clocks.reckon_region_anew(region, now)
    return year


@transaction.atomic
def publish_policy(
    *, actor: Viewer, group_id: int, policy: policies.Policy, note: str = "", now: dt.datetime
) -> int:
    """New promises for tickets from now on; the version. Raises PolicyInvalid, NotAllowed."""
    require_touch(actor, MANAGE)
    try:
        policies.checked(policy, list(queries.newest_version_ids(group_id)))
    except policies.BadPolicy as fault:
        raise PolicyInvalid(row=fault.place, what=POLICY_FAULTS[fault.code]) from fault
    stored = policies.stored(policy)
    newest = PolicyVersion.objects.select_for_update().filter(group_id=group_id).order_by("-version").first()
    if newest is not None and newest.definition == stored:
        return newest.version
    version = newest.version + 1 if newest else 1
    PolicyVersion.objects.create(
        group_id=group_id,
        version=version,
        definition=stored,
        note=note.strip()[:200],
        published_at=now,
        published_by=actor.label,
    )
    audit.record(
        actor=actor,
        action="service_policy.publish",
        subject=("group", group_id),
        after={"version": version, "rows": len(policy.rows)},
        reason=note.strip()[:200],
        now=now,
    )
    events.publish(PolicyPublished(group_id, version), actor=actor, now=now)
    return version


@transaction.atomic
def save_department(*, actor: Viewer, group_id: int, code: str, name: str, now: dt.datetime) -> int:
    """Make or rename a department; its id. Raises NameInvalid, NotAllowed."""
    require_touch(actor, MANAGE)
    _require_name(code, name)
    row, _made = Department.objects.update_or_create(
        group_id=group_id, code=code, defaults={"name": name.strip()}
    )
    audit.record(
        actor=actor,
        action="department.save",
        subject=("department", row.pk),
        after={"code": code, "name": name.strip()},
        now=now,
    )
    return row.pk


@transaction.atomic
def save_cause(
    *, actor: Viewer, group_id: int, code: str, name: str, parent_id: int | None = None, now: dt.datetime
) -> int:
    """Make, rename or move a cause; its id. Raises NameInvalid, CauseLoop, NotFound, NotAllowed."""
    require_touch(actor, MANAGE)
    _require_name(code, name)
    rows = {row.pk: row for row in Cause.objects.select_for_update().filter(group_id=group_id).order_by("id")}
    known = next((row for row in rows.values() if row.code == code), None)
    above = parent_id
    while above is not None:
        if above not in rows:
            raise NotFound
        if known is not None and above == known.pk:
            raise CauseLoop
        above = rows[above].parent_id
    row, _made = Cause.objects.update_or_create(
        group_id=group_id, code=code, defaults={"name": name.strip(), "parent_id": parent_id}
    )
    audit.record(
        actor=actor,
        action="cause.save",
        subject=("cause", row.pk),
        after={"code": code, "name": name.strip(), "parent_id": parent_id},
        now=now,
    )
    return row.pk


def _require_name(code: str, name: str) -> None:
    if not _CODE.fullmatch(code) or not 0 < len(name.strip()) <= 80:
        raise NameInvalid


# --- the usual values ----------------------------------------------------------------------------------------------

DEPARTMENTS = (
    ("service", "客户服务部"),
    ("operations", "营运部"),
    ("engineering", "工程部"),
    ("security", "安保部"),
    ("marketing", "市场部"),
    ("it", "信息部"),
)
CAUSES: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "goods",
        "商品",
        (("goods-quality", "商品质量"), ("goods-wrong", "错发或漏发"), ("goods-food", "食品安全")),
    ),
    ("price", "价格与促销", (("price-label", "价签不符"), ("price-promotion", "活动规则争议"))),
    ("staff", "服务态度", (("staff-attitude", "态度冷淡"), ("staff-slow", "处理缓慢"))),
    ("points", "会员与积分", (("points-missing", "积分未到账"), ("points-coupon", "优惠券无法使用"))),
    (
        "place",
        "环境与设施",
        (("place-parking", "停车"), ("place-clean", "卫生"), ("place-lift", "电梯与扶梯")),
    ),
    ("after-sale", "售后", (("after-sale-refund", "退换货"), ("after-sale-repair", "维修"))),
)


def found_service(*, actor: Viewer, group_id: int, time_zone: str, now: dt.datetime) -> None:
    """The usual calendars, holidays, departments, causes and promises, where there are none. Raises NotAllowed."""
    with transaction.atomic():
        if not queries.has_been_founded(group_id):
            daily, office = ["10:00-22:00"] * 7, ["09:00-12:00, 13:30-18:00"] * 5 + ["", ""]
            publish_calendar(
                actor=actor,
                group_id=group_id,
                code="desk",
                name="服务台营业时间",
                time_zone=time_zone,
                week=daily,
                now=now,
            )
            publish_calendar(
                actor=actor,
                group_id=group_id,
                code="office",
                name="办公时间",
                time_zone=time_zone,
                week=office,
                region="cn",
                now=now,
            )
        for data in queries.shipped_holidays():
            if not HolidayYear.objects.filter(region=data["region"], year=data["year"]).exists():
                load_holidays(actor=actor, region=data["region"], data=data, now=now)
        if not Department.objects.filter(group_id=group_id).exists():
            for code, name in DEPARTMENTS:
                save_department(actor=actor, group_id=group_id, code=code, name=name, now=now)
        if not Cause.objects.filter(group_id=group_id).exists():
            for code, name, below in CAUSES:
                top = save_cause(actor=actor, group_id=group_id, code=code, name=name, now=now)
                for code_below, name_below in below:
                    save_cause(
                        actor=actor,
                        group_id=group_id,
                        code=code_below,
                        name=name_below,
                        parent_id=top,
                        now=now,
                    )
        if queries.policy_in_force(group_id) is None:
            publish_policy(actor=actor, group_id=group_id, policy=policies.USUAL, now=now)
