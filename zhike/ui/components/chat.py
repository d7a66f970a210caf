"""What the scripts of a chat get: messages, the state of a conversation, and a pass to the live stream. JSON, no HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from zhike.kernel.errors import Problem
from zhike.service import queries
from zhike.ui.components.middleware import CONTENT_SECURITY_POLICY

PASS_SALT = "zhike.live"
PASS_SECONDS = 600
"""A pass is renewed by the page that shows the chat, so whoever loses access loses the stream this soon."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What the bearer may watch: one conversation as member or staff, inboxes of malls, calls to one of ours."""

    reader: str
    conversation_id: int = 0
    mall_ids: tuple[int, ...] = ()
    staff_id: int = 0


def make_pass(given: Pass) -> str:
    value = [given.reader, given.conversation_id, list(given.mall_ids), given.staff_id]
    return signing.dumps(value, salt=PASS_SALT, compress=True)


def read_pass(text: str) -> Pass | None:
    """None for what is not ours, was changed, or is too old."""
    try:
        reader, conversation_id, mall_ids, staff_id = signing.loads(
            text, salt=PASS_SALT, max_age=PASS_SECONDS
        )
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return Pass(reader, conversation_id, tuple(mall_ids), staff_id)


def stream_address(request: HttpRequest) -> str:
    """Where the live stream is: a path of ours behind a proxy, another port of the same host, or "" for none."""
    given = settings.LIVE_URL
    if not given.startswith(":"):
        return str(given)
    host = urlsplit(f"//{request.get_host()}").hostname or "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    return f"{request.scheme}://{host}{given}/live/"


def allow_stream(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The page may open the stream, even when it is on another port."""
    address = stream_address(request)
    if "://" in address:
        parts = urlsplit(address)
        policy = CONTENT_SECURITY_POLICY.replace(
            "connect-src 'self'", f"connect-src 'self' {parts.scheme}://{parts.netloc}"
        )
        response["Content-Security-Policy"] = policy
    return response


def message_data(message: queries.MessageView) -> dict[str, Any]:
    return {
        "conversation": message.conversation_id,
        "number": message.number,
        "key": message.key,
        "kind": message.kind,
        "by": message.author_kind,
        "author": message.author,
        "text": message.text,
        "details": message.details,
        "at": message.written_at.isoformat(),
        "files": [{"id": one.id, "name": one.name, "image": one.is_image} for one in message.files],
    }


def state_data(found: queries.ConversationFile) -> dict[str, Any]:
    row = found.row
    return {
        "conversation": row.id,
        "number": row.number,
        "status": row.status,
        "assignee": row.assignee,
        "last": found.last_number,
        "memberReceived": found.member_received,
        "memberRead": found.member_read,
        "staffRead": found.staff_read,
        "looking": list(found.looking),
        "place": found.queue_place,
        "waitMinutes": None if found.wait_s is None else max(1, round(found.wait_s / 60)),
        "ticket": found.ticket,
    }


def file_answer(file: queries.FileView, content: bytes) -> HttpResponse:
    """As what it is; anything but pictures is offered for saving."""
    response = HttpResponse(content, content_type=file.content_type)
    if not file.is_image:
        response["Content-Disposition"] = 'attachment; filename="file"'
    return response


def refusal(problem: Problem) -> dict[str, Any]:
    return {"problem": problem.sentence, "code": problem.code}


def sentences() -> dict[str, str]:
    """What the scripts say, by key; gaps in braces are filled there."""
    return {
        "assigned": _("{to} is here for you."),
        "assigned_staff": _("Given to {to}"),
        "queued": _("We are putting you through to somebody."),
        "opens_at": _("Nobody is at the desk now. We are back at {time} and will answer here."),
        "released": _("Back in the queue"),
        "snoozed": _("Snoozed until {time}"),
        "woke": _("The snooze is over"),
        "closed": _("This conversation is closed. Write again any time."),
        "closed_staff": pgettext("chat", "Closed"),
        "ticket": _("Ticket {ticket} is open; we keep you informed."),
        "place": _("You are number {place} in the queue."),
        "wait": _("About {minutes} min to wait."),
        "typing": pgettext("chat", "is writing …"),
        "sending": pgettext("chat", "Sending"),
        "failed": pgettext("chat", "Not sent; tap to try again"),
        "sent": pgettext("chat", "Sent"),
        "received": pgettext("chat", "Received"),
        "read": pgettext("chat", "Read"),
        "note": _("Internal note"),
        "looking": _("Also looking at this: {names}"),
        "offline": _("Connection lost. New messages come when it is back."),
        "bot": _("Assistant"),
        "desk": _("Service desk"),
        "you": _("You"),
        "helpful": _("Did this help?"),
    }
