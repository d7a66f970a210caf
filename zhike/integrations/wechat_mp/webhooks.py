"""What WeChat calls back: what became of a template message, who follows the account and who no more, what customers write.

Only the safe mode is taken: signed with the account's token, sealed with its key, and told within the last minutes. The same
call again changes nothing, so WeChat may repeat it, and so may anybody who caught it.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from zhike.integrations.shared import callbacks, envelope
from zhike.integrations.wechat_mp import mapping, talking
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.messaging import operations, queries
from zhike.messaging.ports import Account
from zhike.service import operations as service
from zhike.service import queries as service_queries

VENDOR = "wechat_mp"
_FOLLOWS = ("subscribe", "SCAN", "CLICK", "VIEW")


@csrf_exempt
@require_http_methods(["GET", "POST"])
def reports(request: HttpRequest, account_id: int, token: str) -> HttpResponse:
    """GET proves to WeChat that the address is ours; POST is an event."""
    account = queries.account_of_callback(VENDOR, account_id, token)
    try:
        if request.method == "GET":
            return HttpResponse(
                callbacks.echoed(request, account.secrets["token"]), content_type="text/plain"
            )
        event = _event(request, account)
        _hear(account, event)
    except callbacks.UNOPENED:
        return HttpResponse("unreadable", status=400, content_type="text/plain")
    return HttpResponse("success", content_type="text/plain")


def _event(request: HttpRequest, account: Account) -> Mapping[str, str]:
    """What was sealed, by the names of its elements. Raises one of UNOPENED."""
    return callbacks.words(callbacks.opened_for_app(request, account))


def _hear(account: Account, event: Mapping[str, str]) -> None:
    """One operation for an event that we know; others are heard and forgotten. Raises KeyError, ValueError, OverflowError."""
    actor, now, name = system_viewer(VENDOR), clock.now(), event.get("Event", "")
    if name == "TEMPLATESENDJOBFINISH":
        operations.record_reports(
            actor=actor, account_id=account.id, reports=[mapping.report(event)], now=now
        )
    elif name == "unsubscribe" or name in _FOLLOWS or event.get("MsgType", "event") != "event":
        openid = event["FromUserName"]
        if not (openid.isascii() and openid.isprintable() and 0 < len(openid) <= 64):
            raise envelope.Unsealable
        operations.record_following(
            actor=actor,
            account_id=account.id,
            openid=openid,
            is_following=name != "unsubscribe",
            is_sign=name not in ("subscribe", "unsubscribe"),
            at=mapping.moment(event),
            now=now,
        )
        _listen(account, event)


def _listen(account: Account, event: Mapping[str, str]) -> None:
    """What a customer sends becomes a conversation, where the account is a way in. Raises KeyError, ValueError, OverflowError."""
    line_id = service_queries.line_of_account(account.id)
    if line_id is None:
        return
    found = talking.incoming({"MsgType": "event"} | dict(event))
    if found is not None:
        service.hear(actor=system_viewer(VENDOR), line_id=line_id, incoming=found, now=clock.now())


urlpatterns = [
    path("hooks/wechat_mp/<int:account_id>/<str:token>/reports/", reports, name="wechat_mp_reports")
]
