"""Who stands at the counter. A cashier sees a member because a card, code or phone was shown, and for a while only."""

from __future__ import annotations

import datetime as dt
from typing import Any

from zhike.customers import queries as customers
from zhike.loyalty import queries as loyalty
from zhike.loyalty.queries import MemberFile

PRESENTED = "counter_presented"
VALID_FOR = dt.timedelta(minutes=30)
PRESENTED_MAX = 40


def present(request: Any, member_id: int) -> None:
    """Note that this member was found by what they showed."""
    known = request.session.get(PRESENTED, {})
    known.pop(str(member_id), None)
    latest = dict(list(known.items())[1 - PRESENTED_MAX :])
    request.session[PRESENTED] = latest | {str(member_id): request.now.isoformat()}


def is_presented(request: Any, member_id: int) -> bool:
    since = request.session.get(PRESENTED, {}).get(str(member_id))
    return since is not None and request.now - dt.datetime.fromisoformat(since) < VALID_FOR


def member_file(request: Any, member_id: int) -> MemberFile:
    """The file of a member who was presented here or is in the viewer's scope. Raises MemberNotFound."""
    shown = is_presented(request, member_id)
    return loyalty.member_file(request.viewer, member_id, request.now, presented=shown)


def shown_as(file: MemberFile) -> dict[str, Any]:
    """What pages show of a member: whoever waits behind can read the screen, so names and numbers are masked."""
    phone = file.person.active("phone")
    return {
        "file": file,
        "member_id": file.member_id,
        "masked_name": customers.masked_field("name", file.person.name) or "–",
        "masked_phone": phone.masked if phone else "",
    }
