"""The chat with the desk: a page, and what its script asks and tells. Answers are JSON."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from zhike.kernel import ratelimit
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import NotFound, Problem, TooMany
from zhike.organization import queries as organization
from zhike.service import operations, queries
from zhike.ui.components import chat as shapes
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page

MESSAGES_PER_MINUTE = 40
_PUBLIC = system_viewer("member-app")


@require_safe
@member_page
def chat(request: Any) -> HttpResponse:
    """The page is empty until its script has asked; `ask` is a first question that came with the address."""
    context = {
        "words": shapes.sentences(),
        "stream": shapes.stream_address(request),
        "ask": request.GET.get("ask", "")[:200],
        "suggestions": SUGGESTIONS,
    }
    return shapes.allow_stream(request, page(request, "chat", context, active="profile"))


SUGGESTIONS = ("查积分", "我的优惠券", "我的等级", "营业时间", "退换货", "转人工")
"""The bot speaks Chinese, so these are Chinese in every language."""


@require_safe
@member_page
def news(request: Any) -> HttpResponse:
    """Everything after a number of the conversation the caller has, the state, and a pass to the stream."""
    return JsonResponse(_news(request.member, request.GET.get("number", ""), request.GET.get("after", "0")))


def _news(member: SignedIn, number: str, after: str) -> dict[str, Any]:
    row = queries.current_conversation(member.viewer, member.person_id)
    if row is None:
        return {"state": None, "messages": [], "pass": ""}
    known = int(after) if number == row.number and after.isdecimal() and len(after) < 10 else 0
    given = shapes.Pass("member", row.pk)
    return {
        "state": shapes.state_data(queries.conversation_file(member.viewer, row, member.now)),
        "messages": [
            shapes.message_data(one) for one in queries.messages_of(member.viewer, row, after=known)
        ],
        "pass": shapes.make_pass(given) if row.status != "closed" else "",
    }


@require_POST
@member_page
def send(request: Any) -> HttpResponse:
    """One message under the key its writer made; sent again it is the same message."""
    member: SignedIn = request.member
    try:
        key = uuid.UUID(request.POST.get("key", ""))
    except ValueError:
        key = uuid.uuid4()

    def act() -> None:
        pace = ratelimit.check(f"member-chat:{member.id}", MESSAGES_PER_MINUTE, now=member.now)
        if not pace.allowed:
            raise TooMany(retry_after=pace.retry_after)
        operations.write_as_member(
            actor=member.viewer,
            person_id=member.person_id,
            mall_id=_mall(member),
            text=request.POST.get("text", ""),
            key=key,
            files=[operations.NewFile(one.name or "", one.read()) for one in request.FILES.getlist("files")],
            now=member.now,
        )

    return _done(request, act)


def _mall(member: SignedIn) -> int:
    """Theirs, or the first one of the group."""
    if member.file.mall_id is not None:
        return member.file.mall_id
    malls = organization.malls(_PUBLIC)
    if not malls:
        raise NotFound
    return malls[0].id


def _done(request: Any, act: Callable[[], object]) -> HttpResponse:
    """Act, and tell what is new since then."""
    try:
        act()
    except Problem as problem:
        return JsonResponse(shapes.refusal(problem), status=problem.status)
    return JsonResponse(_news(request.member, request.POST.get("number", ""), request.POST.get("after", "0")))


def _number(request: Any) -> str:
    return str(request.POST.get("number", ""))


@require_POST
@member_page
def typing(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    operations.tell_typing(actor=member.viewer, number=_number(request), now=member.now)
    return HttpResponse(status=204)


@require_POST
@member_page
def seen(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    marks = {
        name: int(text)
        for name in ("received", "read")
        if (text := request.POST.get(name, "")).isdecimal() and len(text) < 10
    }
    operations.mark_seen(actor=member.viewer, number=_number(request), now=member.now, **marks)
    return HttpResponse(status=204)


@require_POST
@member_page
def person(request: Any) -> HttpResponse:
    """The member wants somebody of us."""
    member: SignedIn = request.member
    return _done(
        request,
        lambda: operations.ask_for_agent(actor=member.viewer, number=_number(request), now=member.now),
    )


@require_POST
@member_page
def close(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    return _done(
        request,
        lambda: operations.close_conversation(actor=member.viewer, number=_number(request), now=member.now),
    )


@require_safe
@member_page
def file(request: Any, number: str, file_id: int) -> HttpResponse:
    found, content = queries.message_file(request.member.viewer, number, file_id)
    return shapes.file_answer(found, content)
