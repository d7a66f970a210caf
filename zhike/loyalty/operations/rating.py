"""The redemption rates: published in versions, announced before they make points worth less."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.ids import stamp
from zhike.loyalty.events import RateNoticeGiven, RatesPublished
from zhike.loyalty.models import Funding, Program, RateNotice, RateVersion
from zhike.loyalty.operations.announcing import (
    EDIT,
    Announcement,
    announce,
    is_in_the_past,
    locked_program,
    next_number,
    untold,
    withdraw,
)
from zhike.loyalty.operations.payers import enter_split
from zhike.loyalty.queries.rates import table_at
from zhike.loyalty.queries.snapshots import Programme, read_programme
from zhike.loyalty.rules.funding import base_code
from zhike.loyalty.rules.rates import RateTable, RateTableError, cut_bp, find_rate, parse_table
from zhike.messaging import operations as messaging
from zhike.organization import queries as organization

TEMPLATES = {
    False: ("rate_notice", "积分价值调整通知"),
    True: ("rate_notice_kept", "积分价值调整通知（原积分保值）"),
}
WORDINGS = {
    "zh-hans": (
        "积分抵现比例将调整",
        "${name}，自 ${day} 起积分抵现比例调整：您现有 ${points} 积分，今天可抵 ¥${before}，调整后可抵 ¥${after}。",
    ),
    "zh-hant": (
        "積分抵現比例將調整",
        "${name}，自 ${day} 起積分抵現比例調整：您現有 ${points} 積分，今天可抵 ¥${before}，調整後可抵 ¥${after}。",
    ),
    "en": (
        "What points are worth is going to change",
        "${name}, from ${day} on: your ${points} points pay ¥${before} today and ¥${after} then. ",
    ),
}
ENDS = {
    "zh-hans": ("您可以在此之前按现在的比例使用。", "您现有的积分仍按原比例抵现。"),
    "zh-hant": ("您可以在此之前按現在的比例使用。", "您現有的積分仍按原比例抵現。"),
    "en": (
        "Until then you can spend them at today's rate.",
        "The points you hold now keep what they are worth.",
    ),
}


class InvalidRates(Invalid):
    code = "invalid-rates"
    title = _("These redemption rates cannot be used: %(path)s is wrong (%(reason)s).")


class RatesInThePast(Invalid):
    code = "rates-in-the-past"
    title = _("Redemption rates take effect now or later, not in the past.")


class RateCutTooSoon(Conflict):
    code = "rate-cut-too-soon"
    title = _("This makes points worth up to %(cut)s%% less: members are told %(days)s days before.")


class RatesInForce(Conflict):
    code = "rates-in-force"
    title = _("This version has begun; publish another one instead.")


@transaction.atomic
def publish_rates(
    *,
    actor: Viewer,
    program_id: int,
    definition: Mapping[str, Any],
    effective_from: dt.datetime,
    now: dt.datetime,
    keeps: bool = False,
    note: str = "",
    backdated: bool = False,
) -> int:
    """Publish the next version of the redemption rates (rules.rates.RateTable); its id.

    One that makes points worth less than the version it follows, anywhere in the coming year, takes effect after the
    programme's ``rate_notice_days``, counted from the moment everybody who holds points was told (`give_rate_notice`).
    With ``keeps`` points given before now keep what they were worth: points given from now on are kept apart from them.
    ``backdated`` is for a made history (only the system may). Raises InvalidRates, RatesInThePast, RateCutTooSoon, NotFound,
    NotAllowed.
    """
    program = locked_program(actor, program_id)
    table = _checked(definition, program)
    if is_in_the_past(effective_from, now) and not (backdated and actor.kind == "system"):
        raise RatesInThePast
    programme = read_programme(program_id)
    before, _number = table_at(programme, effective_from - dt.timedelta(microseconds=1))
    tiers = [step.tier_id for step in programme.ladder]
    cut = cut_bp(before, table, tiers, programme.today(effective_from))
    if cut and effective_from < now + dt.timedelta(days=program.rate_notice_days):
        raise RateCutTooSoon(cut=f"{cut / 100:g}", days=program.rate_notice_days)
    row = RateVersion.objects.create(
        program=program,
        version=next_number(RateVersion, program_id),
        definition=dict(definition),
        effective_from=effective_from,
        cut_bp=cut,
        keeps=bool(cut) and keeps,
        notice_days=program.rate_notice_days if cut else 0,
        published_at=now,
        published_by=actor.audit_id,
        note=note.strip()[:300],
    )
    if row.keeps:
        own = Funding.objects.get(id=program.funding_id)
        program.funding_id = enter_split(base_code(own.code), own.split, row.pk)
    program.stamp = stamp()
    program.save(update_fields=["funding", "stamp"])
    after = {
        "version": row.version,
        "effective_from": effective_from.isoformat(),
        "cut_bp": cut,
        "keeps": row.keeps,
    }
    audit.record(
        actor=actor,
        action="rates.publish",
        subject=("program", program_id),
        after=after | {"definition": dict(definition)},
        reason=row.note,
        now=now,
    )
    fact = RatesPublished(program_id, row.version, effective_from, cut, row.keeps)
    events.publish(fact, actor=actor, now=now)
    return row.pk


def _checked(definition: Mapping[str, Any], program: Program) -> RateTable:
    try:
        table = parse_table(definition)
    except RateTableError as error:
        raise InvalidRates(path=error.path, reason=error.reason) from None
    ladder = {step.tier_id for step in read_programme(program.pk).ladder}
    categories = {place.id for place in organization.trade_categories(program.group_id)}
    for at, line in enumerate(table.lines):
        for name, named, known in (
            ("tiers", line.tiers, ladder),
            ("trade_categories", line.trade_categories, categories),
        ):
            if set(named) - known:
                raise InvalidRates(path=f"$.lines[{at}].{name}", reason="unknown")
    return table


@transaction.atomic
def withdraw_rates(*, actor: Viewer, version_id: int, now: dt.datetime) -> None:
    """Take back a version that has not begun. Who was told of it keeps the message. Raises NotFound, RatesInForce, NotAllowed."""
    require_touch(actor, EDIT)
    row = RateVersion.objects.select_for_update(of=("self",)).filter(id=version_id).first()
    if row is None:
        raise NotFound
    withdraw(row, RatesInForce, action="rates.withdraw", actor=actor, now=now)


def give_rate_notices(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Tell everybody who holds points of each version that makes them worth less; how many were told.

    Set-based, in batches that commit one by one: stop it anywhere, run it again; nobody is told twice of one version. Each
    row of RateNotice is the evidence: whom, when, and what their points were worth before and after. When nobody is left
    the notice period begins. Raises NotAllowed.
    """
    require(actor, EDIT)
    told = 0
    rows = RateVersion.objects.filter(program_id=program_id, cut_bp__gt=0, noticed_at=None, withdrawn_at=None)
    for row in rows.order_by("id"):
        programme = read_programme(program_id)
        code, name = TEMPLATES[row.keeps]
        messaging.begin_inbox_template(
            actor=actor,
            group_id=programme.group_id,
            code=code,
            name=name,
            wordings=_wordings(row.keeps),
            now=now,
        )
        announcement = Announcement(
            row,
            RateNotice,
            untold(_HOLDERS, {"version": row.pk, "program": program_id}),
            partial(_tell, actor, programme, row, now),
            partial(RateNoticeGiven, program_id, row.version),
            "rates.notice",
        )
        told += announce(announcement, actor=actor, now=now)
    return told


Batch = list[tuple[int, int, int, int, int]]
"""(account, member, person, tier, points)"""


def _wordings(keeps: bool) -> dict[str, tuple[str, str]]:
    return {
        language: (title, f"{body.strip()}{' ' if language == 'en' else ''}{ENDS[language][keeps]}")
        for language, (title, body) in WORDINGS.items()
    }


_HOLDERS = """
SELECT a.id, m.id, m.person_id, m.tier_id, a.balance FROM loyalty_account a JOIN loyalty_member m ON m.id = a.member_id
WHERE a.program_id = %(program)s AND a.balance > 0 AND m.status = 'active' AND a.id > %(last)s AND NOT EXISTS (
    SELECT FROM loyalty_ratenotice n WHERE n.version_id = %(version)s AND n.member_id = m.id)"""
# active members with points who were not told of the version yet


def _tell(actor: Viewer, programme: Programme, row: RateVersion, now: dt.datetime, batch: Batch) -> int:
    """Messages and evidence of one batch, both or neither."""
    today, begins = programme.today(now), max(row.effective_from, now + dt.timedelta(days=row.notice_days))
    tables = (table_at(programme, now)[0], parse_table(row.definition))
    rates = {
        tier: [
            find_rate(table, tier, None, day).rate
            for table, day in zip(tables, (today, programme.today(begins)), strict=True)
        ]
        for tier in {one[3] for one in batch}
    }
    notices, own = [], {}
    for _account, member_id, person_id, tier, points in batch:
        before, after = (int(rate.of(points)) for rate in rates[tier])
        if row.keeps:
            after = max(before, after)
        notices.append(
            RateNotice(
                version=row,
                member_id=member_id,
                points=points,
                before_fen=before,
                after_fen=after,
                told_at=now,
            )
        )
        own[person_id] = {
            "points": f"{points:,}", "before": f"{before / 100:,.2f}", "after": f"{after / 100:,.2f}",
        }  # fmt: skip
    RateNotice.objects.bulk_create(notices, ignore_conflicts=True)
    messaging.send_messages(
        actor=actor,
        template=TEMPLATES[row.keeps][0],
        person_ids=list(own),
        values={"day": programme.today(begins).isoformat()},
        own_values=own,
        once=f"rates:{row.pk}",
        now=now,
    )
    return len(notices)
