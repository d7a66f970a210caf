"""The programme, its rules with their versions, and what a draft would have done."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Invalid
from zhike.loyalty.models import EarningRule, EarningRuleVersion, Program
from zhike.loyalty.queries.snapshots import Programme, read_programme
from zhike.loyalty.rules.definition import Definition, DefinitionError, Rule, parse_definition
from zhike.organization import queries as organization


class InvalidRule(Invalid):
    code = "invalid-rule"
    title = _("The rule cannot be used: %(path)s is wrong (%(reason)s).")


def checked_definition(definition: Mapping[str, Any]) -> Definition:
    """The definition, parsed. Raises InvalidRule naming what is wrong."""
    try:
        return parse_definition(definition)
    except DefinitionError as error:
        raise InvalidRule(path=error.path, reason=error.reason) from None


@dataclass(frozen=True, slots=True)
class RuleVersionView:
    version_id: int
    version: int
    definition: dict[str, Any]
    effective_from: dt.datetime
    effective_to: dt.datetime | None
    published_at: dt.datetime
    published_by: str
    note: str


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule with its versions, newest first; ``current`` is in force now, ``planned`` comes next."""

    rule_id: int
    code: str
    name: str
    current: RuleVersionView | None
    planned: RuleVersionView | None
    versions: tuple[RuleVersionView, ...]


def programs(viewer: Viewer) -> list[Programme]:
    require(viewer, "programme.view")
    return [read_programme(pk) for pk in Program.objects.order_by("id").values_list("id", flat=True)]


def program(viewer: Viewer, program_id: int) -> Programme:
    require(viewer, "programme.view")
    return read_programme(program_id)


def default_program_id() -> int | None:
    return Program.objects.order_by("id").values_list("id", flat=True).first()


def program_today(program_id: int, now: dt.datetime) -> dt.date:
    """A programme's date."""
    return read_programme(program_id).today(now)


def program_zone(program_id: int) -> str:
    return read_programme(program_id).time_zone


def waiting_days(program_id: int, merchant_id: int) -> int:
    """How many days the points of a purchase at a merchant wait."""
    merchant = organization.merchant_ref(merchant_id)
    return read_programme(program_id).waiting_days(merchant.trade_category_id if merchant else None)


def program_name(program_id: int) -> str:
    return Program.objects.values_list("name", flat=True).get(id=program_id)


def rules(viewer: Viewer, program_id: int, at: dt.datetime) -> list[RuleView]:
    """Every rule of a programme with its versions as of ``at``."""
    require(viewer, "programme.view")
    ends = {rule.version_id: rule.effective_to for rule in read_programme(program_id).rules}
    versions: dict[int, list[RuleVersionView]] = defaultdict(list)
    for row in EarningRuleVersion.objects.filter(rule__program_id=program_id).order_by("-version"):
        versions[row.rule_id].append(
            RuleVersionView(
                row.pk,
                row.version,
                row.definition,
                row.effective_from,
                ends.get(row.pk),
                row.published_at,
                row.published_by,
                row.note,
            )
        )
    views = []
    for rule in EarningRule.objects.filter(program_id=program_id).order_by("id"):
        mine = versions[rule.pk]
        current = next(
            (v for v in mine if v.effective_from <= at and (not v.effective_to or at < v.effective_to)), None
        )
        planned = next((v for v in reversed(mine) if v.effective_from > at), None)
        views.append(RuleView(rule.pk, rule.code, rule.name, current, planned, tuple(mine)))
    return views


def current_rules(program_id: int, at: dt.datetime) -> list[Rule]:
    """The rules in force at a moment."""
    return [replace(rule) for rule in read_programme(program_id).rules if rule.in_force(at)]
