"""What Tencent calls back: the status of messages, and replies. Unsigned: known by the secret part of the path."""

from __future__ import annotations

import json

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from zhike.integrations.tencent_sms import mapping
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.messaging import operations, queries
from zhike.messaging.ports import UNREADABLE

VENDOR = "tencent_sms"
_OK = {"result": 0, "errmsg": "OK"}
_UNREADABLE = {"result": 1, "errmsg": "unreadable"}


@csrf_exempt
@require_POST
def reports(request: HttpRequest, account_id: int, token: str) -> JsonResponse:
    account = queries.account_of_callback(VENDOR, account_id, token)
    try:
        entries = [mapping.report(entry) for entry in json.loads(request.body)]
    except UNREADABLE:
        return JsonResponse(_UNREADABLE, status=400)
    operations.record_reports(
        actor=system_viewer(VENDOR), account_id=account.id, reports=entries, now=clock.now()
    )
    return JsonResponse(_OK)


@csrf_exempt
@require_POST
def replies(request: HttpRequest, account_id: int, token: str) -> JsonResponse:
    account = queries.account_of_callback(VENDOR, account_id, token)
    try:
        entry = mapping.reply(json.loads(request.body))
    except UNREADABLE:
        return JsonResponse(_UNREADABLE, status=400)
    operations.record_replies(
        actor=system_viewer(VENDOR), account_id=account.id, replies=[entry], now=clock.now()
    )
    return JsonResponse(_OK)


urlpatterns = [
    path("hooks/tencent_sms/<int:account_id>/<str:token>/reports/", reports, name="tencent_sms_reports"),
    path("hooks/tencent_sms/<int:account_id>/<str:token>/replies/", replies, name="tencent_sms_replies"),
]
