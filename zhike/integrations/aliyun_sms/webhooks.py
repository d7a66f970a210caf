"""What Aliyun pushes: delivery reports (SmsReport) and what people write back (SmsUp).

Aliyun signs neither, so they are known by the secret part of the path, by the address they come from where the account says
it, and a report only takes effect on a message that bears its BizId or our OutId and went to its number.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from zhike.integrations.aliyun_sms import mapping
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import NotFound
from zhike.messaging import operations, queries
from zhike.messaging.ports import UNREADABLE, Account

VENDOR = "aliyun_sms"
T = TypeVar("T")


@csrf_exempt
@require_POST
def reports(request: HttpRequest, account_id: int, token: str) -> JsonResponse:
    account = _account(request, account_id, token)
    entries = _entries(request, mapping.report)
    if entries is None:
        return JsonResponse({"code": 1, "msg": "unreadable"}, status=400)
    operations.record_reports(
        actor=system_viewer(VENDOR), account_id=account.id, reports=entries, now=clock.now()
    )
    return JsonResponse({"code": 0, "msg": "成功"})


@csrf_exempt
@require_POST
def replies(request: HttpRequest, account_id: int, token: str) -> JsonResponse:
    account = _account(request, account_id, token)
    entries = _entries(request, mapping.reply)
    if entries is None:
        return JsonResponse({"code": 1, "msg": "unreadable"}, status=400)
    operations.record_replies(
        actor=system_viewer(VENDOR), account_id=account.id, replies=entries, now=clock.now()
    )
    return JsonResponse({"code": 0, "msg": "成功"})


def _account(request: HttpRequest, account_id: int, token: str) -> Account:
    account = queries.account_of_callback(VENDOR, account_id, token)
    if not mapping.may_call(request.META.get("REMOTE_ADDR", ""), account.settings.get("callback_from", "")):
        raise NotFound
    return account


def _entries(request: HttpRequest, read: Callable[[Any], T]) -> list[T] | None:
    try:
        body = json.loads(request.body)
        return [read(entry) for entry in body]
    except UNREADABLE:
        return None


urlpatterns = [
    path("hooks/aliyun_sms/<int:account_id>/<str:token>/reports/", reports, name="aliyun_sms_reports"),
    path("hooks/aliyun_sms/<int:account_id>/<str:token>/replies/", replies, name="aliyun_sms_replies"),
]
