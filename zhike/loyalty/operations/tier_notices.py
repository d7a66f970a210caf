"""Members hear of their tier before its period ends, in the days of grace, and when it was kept or lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db import connection

from zhike.kernel.access import Viewer, require
from zhike.loyalty.operations.notices import CATCH_UP_DAYS, due_days
from zhike.loyalty.queries.counting import counted_for
from zhike.loyalty.queries.snapshots import Programme, read_programme
from zhike.loyalty.queries.tier_words import amount_of
from zhike.loyalty.rules.calendar import window_start
from zhike.loyalty.rules.standing import Counted, keeps
from zhike.messaging import operations as messaging

BATCH = 5_000
TEMPLATES: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "tier_ends": (
        "保级提醒",
        {
            "zh-hans": (
                "会员等级即将到期",
                "${name}，您的${tier}有效至 ${day}，再消费 ${missing} 即可保级。",
            ),
            "zh-hant": (
                "會員等級即將到期",
                "${name}，您的${tier}有效至 ${day}，再消費 ${missing} 即可保級。",
            ),
            "en": (
                "Your tier is about to end",
                "${name}, ${tier} is yours until ${day}. Spend ${missing} more and you keep it.",
            ),
        },
    ),
    "tier_grace": (
        "保级宽限提醒",
        {
            "zh-hans": ("保级宽限期", "${name}，您的${tier}已到期，${day} 前再消费 ${missing} 仍可保级。"),
            "zh-hant": ("保級寬限期", "${name}，您的${tier}已到期，${day} 前再消費 ${missing} 仍可保級。"),
            "en": (
                "A little longer to keep your tier",
                "${name}, the period of ${tier} is over. Spend ${missing} more by ${day} and you still keep it.",
            ),
        },
    ),
    "tier_kept": (
        "保级成功",
        {
            "zh-hans": ("保级成功", "${name}，您已保级成功，${tier}有效至 ${day}。"),
            "zh-hant": ("保級成功", "${name}，您已保級成功，${tier}有效至 ${day}。"),
            "en": ("You keep your tier", "${name}, you keep ${tier}, until ${day}."),
        },
    ),
    "tier_fallen": (
        "等级变更",
        {
            "zh-hans": ("会员等级变更", "${name}，上一周期未达到保级条件，您的会员等级已变更为${tier}。"),
            "zh-hant": ("會員等級變更", "${name}，上一週期未達到保級條件，您的會員等級已變更為${tier}。"),
            "en": (
                "Your tier has changed",
                "${name}, last period did not keep your tier. You are ${tier} now.",
            ),
        },
    ),
}
_HELD = """
SELECT a.id, m.person_id, coalesce(m.earned_tier_id, m.tier_id), m.tier_from FROM loyalty_member m
JOIN loyalty_account a ON a.member_id = m.id
WHERE m.tier_until = %s AND a.id > %s AND m.program_id = %s AND m.status = 'active' ORDER BY a.id LIMIT %s"""
_DECIDED = """
SELECT c.id, m.person_id, t.name, c.until, c.changed_at FROM loyalty_tierchange c JOIN loyalty_member m ON m.id = c.member_id
JOIN loyalty_tier t ON t.id = coalesce(c.earned_id, c.after_id)
WHERE c.cause = %s AND c.changed_at > %s AND c.changed_at <= %s AND c.id > %s AND m.program_id = %s AND m.status = 'active'
ORDER BY c.id LIMIT %s"""

Own = dict[int, dict[str, str]]


def notify_of_tiers(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Ask messaging to tell members of their tiers; how many messages were written.

    30, 7 and 1 days before the last day, and on the first of the days of grace, whoever has not done what keeps it; after
    the decision whoever kept or lost it. Once for each day and stage however often this runs: the request's name says
    both. Consent, quiet hours and caps are messaging's gates.
    """
    require(actor, "programme.edit")
    programme = read_programme(program_id)
    if not programme.tier_terms.is_held:
        return 0
    for code, (name, wordings) in TEMPLATES.items():
        messaging.begin_inbox_template(
            actor=actor, group_id=programme.group_id, code=code, name=name, wordings=wordings, now=now
        )
    today, written = programme.today(now), 0
    for stage, day in due_days(today):
        written += _tell(actor, "tier_ends", f"{day}:{stage}", _unkept(programme, day, day), now)
    if programme.tier_grace_days:
        day = today - dt.timedelta(days=1)
        until = day + dt.timedelta(days=programme.tier_grace_days)
        written += _tell(actor, "tier_grace", f"{day}", _unkept(programme, day, until), now)
    for cause in ("kept", "fallen"):
        written += _tell(actor, f"tier_{cause}", "", _decided(programme, cause, now), now)
    return written


def _tell(
    actor: Viewer, template: str, which: str, batches: Iterator[tuple[str, Own]], now: dt.datetime
) -> int:
    written = 0
    for mark, own in batches:
        if own:
            asked = messaging.send_messages(
                actor=actor,
                template=template,
                person_ids=list(own),
                own_values=own,
                once=f"{template}:{which}:{mark}",
                expires_at=now + dt.timedelta(days=2),
                now=now,
            )
            written += asked.count
    return written


def _unkept(programme: Programme, day: dt.date, told: dt.date) -> Iterator[tuple[str, Own]]:
    """The values of everybody whose tier ends with ``day`` and who has not done what keeps it, by batches of accounts."""
    terms, last = programme.tier_terms, 0
    names = {step.tier_id: step.name for step in programme.ladder}
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_HELD, [day, last, programme.id, BATCH])
            rows = cursor.fetchall()
        if not rows:
            return
        starts = [since or window_start(terms.window, day) for *_, since in rows]
        counted = counted_for([row[0] for row in rows], starts, terms.basis)
        own: Own = {}
        for account_id, person_id, tier_id, _since in rows:
            bought, step = counted.get(account_id, Counted(0, 0)), terms.step(tier_id)
            if not keeps(step, bought):
                missing = amount_of(step.to_keep - bought.of(terms.basis), terms.basis)
                own[person_id] = {"tier": names[tier_id], "day": told.isoformat(), "missing": missing}
        yield str(programme.id), own
        last = rows[-1][0]


def _decided(programme: Programme, cause: str, now: dt.datetime) -> Iterator[tuple[str, Own]]:
    """The values of everybody of whom this was decided within the last days, by the day of the decision."""
    since, last = now - dt.timedelta(days=CATCH_UP_DAYS), 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_DECIDED, [cause, since, now, last, programme.id, BATCH])
            rows = cursor.fetchall()
        if not rows:
            return
        by_day: dict[dt.date, Own] = {}
        for _id, person_id, tier, until, decided_at in rows:
            values = {"tier": tier, "day": until.isoformat() if until else "—"}
            by_day.setdefault(programme.today(decided_at), {})[person_id] = values
        for day, own in by_day.items():
            yield f"{programme.id}:{day}", own
        last = rows[-1][0]
