"""The catalogue of amends, and who may give how much."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid
from zhike.offers import queries as offers
from zhike.organization import queries as organization
from zhike.service.events import CompensationTermsChanged
from zhike.service.models import AuthorityLimit, CompensationItem
from zhike.service.operations.settings import MANAGE
from zhike.service.rules import compensation as rules

_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class ItemInvalid(Invalid):
    code = "compensation-item-invalid"
    title = _("It needs a code, a name, a kind, a limit, and for a coupon the batch it comes from.")


class AuthorityInvalid(Invalid):
    code = "authority-invalid"
    title = _("An authority names a role, a period, and amounts that are not negative.")


@transaction.atomic
def save_compensation_item(
    *,
    actor: Viewer,
    group_id: int,
    code: str,
    name: str,
    kind: str,
    amount_max: int,
    unit_cost_fen: int = 0,
    batch_id: int | None = None,
    is_offered: bool = True,
    now: dt.datetime,
) -> int:
    """Make or change an item of the catalogue; its id. What was given keeps the name and cost it was given with.

    Raises ItemInvalid, BatchNotFound, NotAllowed.
    """
    require_touch(actor, MANAGE)
    is_sound = _CODE.fullmatch(code) and 0 < len(name.strip()) <= 80 and kind in rules.KINDS
    if not is_sound or not 0 < amount_max <= rules.AMOUNT_MAX or not 0 <= unit_cost_fen <= rules.AMOUNT_MAX:
        raise ItemInvalid
    if (kind == "coupon") != (batch_id is not None):
        raise ItemInvalid(fields={"batch_id": [ItemInvalid.title]})
    if batch_id is not None:
        offers.batch_name(batch_id)
    values = {
        "name": name.strip(),
        "kind": kind,
        "amount_max": amount_max,
        "unit_cost_fen": unit_cost_fen,
        "batch_id": batch_id,
        "is_offered": is_offered,
    }
    row, _made = CompensationItem.objects.update_or_create(group_id=group_id, code=code, defaults=values)
    _keep(actor, group_id, "item.save", code, values, now)
    return row.pk


@transaction.atomic
def save_authority(
    *,
    actor: Viewer,
    group_id: int,
    role: str,
    each_fen: int | None,
    period: str,
    period_fen: int | None,
    now: dt.datetime,
) -> None:
    """What a role gives without asking, on one ticket and in a day or month; None is no limit.

    Raises AuthorityInvalid, NotAllowed.
    """
    require_touch(actor, MANAGE)
    amounts = [fen for fen in (each_fen, period_fen) if fen is not None]
    if role not in organization.role_permissions() or period not in rules.PERIODS:
        raise AuthorityInvalid
    if any(not 0 <= fen < 2**31 for fen in amounts):
        raise AuthorityInvalid
    values = {"each_fen": each_fen, "period": period, "period_fen": period_fen}
    AuthorityLimit.objects.update_or_create(group_id=group_id, role=role, defaults=values)
    _keep(actor, group_id, "authority.save", role, values, now)


def _keep(
    actor: Viewer, group_id: int, what: str, key: str, after: Mapping[str, object], now: dt.datetime
) -> None:
    audit.record(
        actor=actor, action=f"compensation_{what}", subject=("compensation", key), after=after, now=now
    )
    events.publish(CompensationTermsChanged(group_id, key), actor=actor, now=now)


USUAL_ITEMS = (
    ("points", "积分补偿", "points", 0, 5_000),
    ("cash", "现金补偿", "cash", 0, 100_000),
    ("gift", "致歉礼品", "gift", 5_000, 3),
    ("vip-lounge", "贵宾厅体验", "vip", 8_000, 2),
    ("parking", "免费停车一次", "vip", 1_500, 5),
)
USUAL_AUTHORITIES: tuple[tuple[str, int | None, str, int | None], ...] = (
    ("service_agent", 10_000, "month", 200_000),
    ("operations", 30_000, "month", 1_000_000),
    ("mall_manager", 100_000, "month", 3_000_000),
    ("group_manager", None, "month", None),
    ("admin", None, "month", None),
)


@transaction.atomic
def found_compensation(*, actor: Viewer, group_id: int, now: dt.datetime) -> None:
    """The usual catalogue and authorities, where there are none. Raises NotAllowed."""
    if not CompensationItem.objects.filter(group_id=group_id).exists():
        for code, name, kind, unit, amount_max in USUAL_ITEMS:
            save_compensation_item(
                actor=actor,
                group_id=group_id,
                code=code,
                name=name,
                kind=kind,
                unit_cost_fen=unit,
                amount_max=amount_max,
                now=now,
            )
    if not AuthorityLimit.objects.filter(group_id=group_id).exists():
        for role, each, period, total in USUAL_AUTHORITIES:
            save_authority(
                actor=actor,
                group_id=group_id,
                role=role,
                each_fen=each,
                period=period,
                period_fen=total,
                now=now,
            )
