"""What WeChat calls back for a mini-program: who accepted or refused which templates, and what became of messages.

Signed, sealed and fresh, as ``shared.callbacks`` wants it. The same call again changes nothing.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from zhike.integrations.shared import callbacks, envelope
from zhike.integrations.wechat_mini import mapping
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.messaging import operations, queries
from zhike.messaging.ports import Account

VENDOR = "wechat_mini"
_NAMES = {"subscribe_msg_popup_event": mapping.POPUP, "subscribe_msg_change_event": mapping.CHANGE}


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
        _hear(account, callbacks.opened_for_app(request, account))
    except callbacks.UNOPENED:
        return HttpResponse("unreadable", status=400, content_type="text/plain")
    return HttpResponse("success", content_type="text/plain")


def _hear(account: Account, event: Element) -> None:
    """One operation for an event that we know; others are heard and forgotten. Raises ValueError, OverflowError."""
    actor, now, words = system_viewer(VENDOR), clock.now(), callbacks.words(event)
    if words.get("Event") == "subscribe_msg_sent_event":
        operations.record_reports(actor=actor, account_id=account.id, reports=mapping.reports(event), now=now)
        return
    name = _NAMES.get(words.get("Event", ""))
    if name is None:
        return
    openid = words["FromUserName"]
    if not (openid.isascii() and openid.isprintable() and 0 < len(openid) <= 64):
        raise envelope.Unsealable
    operations.record_subscription_answers(
        actor=actor,
        account_id=account.id,
        openid=openid,
        answers=mapping.answers(event, name),
        source="popup" if name == mapping.POPUP else "settings",
        key=words["CreateTime"],
        at=mapping.moment(words),
        now=now,
    )


urlpatterns = [
    path("hooks/wechat_mini/<int:account_id>/<str:token>/reports/", reports, name="wechat_mini_reports")
]
