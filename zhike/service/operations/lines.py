"""Opening and changing the doors through which customers write."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer, load_visible, require_touch
from zhike.kernel.errors import Invalid
from zhike.messaging import queries as messaging
from zhike.service.events import LineChanged
from zhike.service.models import Line
from zhike.service.operations import hearing
from zhike.service.ports import Voice
from zhike.service.queries import lines as queries
from zhike.service.rules import conversations

VALUE_MAX = 500
Faults = dict[str, list[Any]]


class LineInvalid(Invalid):
    code = "line-invalid"
    title = _("The way in is not complete.")


def save_line(
    *,
    actor: Viewer,
    line_id: int | None,
    mall_id: int,
    channel: str,
    name: str,
    values: Mapping[str, str],
    account_id: int | None = None,
    has_bot: bool = False,
    skill: str = "",
    is_active: bool = True,
    now: dt.datetime,
) -> int:
    """Open a line, or change one; its id. ``values`` by the names of the vendor's fields; an empty secret keeps the one that is there.

    A line that goes to another server or mailbox begins there at the end: what lay there before is not taken.
    Raises LineInvalid with fields, NotFound, NotAllowed.
    """
    require_touch(actor, queries.MANAGE, mall=mall_id)
    voice = queries.voice(channel)
    name = " ".join(name.split())
    wrong: Faults = {}
    with transaction.atomic():
        row = None
        if line_id is not None:
            rows = Line.objects.select_for_update()
            row = load_visible(rows, line_id, actor, queries.MANAGE, queries.COLUMNS)
        kept = queries.opened(row).secrets if row is not None and row.account_id is None else {}
        plain, secrets = _split(voice, values, dict(kept), wrong)
        if not 0 < len(name) <= 60:
            wrong["name"] = [_("Give it a name.")]
        elif Line.objects.filter(mall_id=mall_id, name=name).exclude(pk=line_id or 0).exists():
            wrong["name"] = [_("Another way in has this name.")]
        if skill and skill not in conversations.SKILLS:
            wrong["skill"] = [_("There is no such skill.")]
        if voice.vendor:
            _check_account(voice, account_id, line_id, wrong)
        if wrong:
            raise LineInvalid(fields=wrong)
        pk = row.pk if row is not None else _next_id()
        moved = row is not None and _place(row.settings) != _place(plain)
        fresh = {
            "mall_id": mall_id,
            "channel": channel,
            "name": name,
            "settings": plain,
            "secret": crypto.encrypt(json.dumps(secrets), field=queries.SECRET_FIELD, row=pk),
            "account_id": account_id if voice.vendor else None,
            "is_active": is_active,
            "has_bot": has_bot,
            "skill": skill,
            "due_at": None,
            "failures": 0,
            "fault": "",
            "changed_at": now,
            "changed_by": actor.label,
        } | ({"mark": {}} if moved else {})
        if row is None:
            Line.objects.create(pk=pk, **fresh)
        else:
            Line.objects.filter(pk=pk).update(**fresh)
        after = {"channel": channel, "name": name, "active": is_active, "bot": has_bot, "settings": plain}
        audit.record(actor=actor, action="line.save", subject=("line", pk), after=after, now=now)
        events.publish(LineChanged(pk, mall_id, channel, is_active), actor=actor, now=now)
    return pk


def _split(
    voice: Voice, values: Mapping[str, str], kept: dict[str, str], wrong: Faults
) -> tuple[dict[str, str], dict[str, str]]:
    """What may be shown and what is secret, of the vendor's own fields."""
    plain: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for field in voice.fields:
        given = values.get(field.name, "").strip()
        value = given or (kept.get(field.name, "") if field.is_secret else field.default)
        (secrets if field.is_secret else plain)[field.name] = value
        if field.is_required and not value:
            wrong[field.name] = [_("This is needed.")]
        elif len(value) > VALUE_MAX or (value and field.is_usable is not None and not field.is_usable(value)):
            wrong[field.name] = [_("This cannot be right.")]
    return plain, secrets


def _check_account(voice: Voice, account_id: int | None, line_id: int | None, wrong: Faults) -> None:
    if account_id not in [pk for pk, _name in messaging.accounts_of_vendor(voice.vendor)]:
        wrong["account_id"] = [_("Open the account under “Channels” first.")]
    elif Line.objects.filter(account_id=account_id).exclude(pk=line_id or 0).exists():
        wrong["account_id"] = [_("Another way in has this account.")]


def _place(settings: Mapping[str, str]) -> tuple[str | None, ...]:
    """What the mark of a line is about."""
    return tuple(settings.get(name) for name in ("imap_host", "imap_port", "user", "folder"))


def check_line(*, actor: Viewer, line_id: int, now: dt.datetime) -> tuple[int, str]:
    """Look into a line now: how many messages came, and what is wrong with it ("" for nothing). Raises NotFound, NotAllowed."""
    row = load_visible(Line.objects.all(), line_id, actor, queries.MANAGE, queries.COLUMNS)
    taken = hearing.listen_to_line(actor, row, now)
    audit.record(actor=actor, action="line.check", subject=("line", line_id), after={"taken": taken}, now=now)
    return taken, Line.objects.values_list("fault", flat=True).get(pk=line_id)


def _next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('service_line', 'id'))")
        return int(cursor.fetchone()[0])
