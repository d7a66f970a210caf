"""What WeCom calls back: who added or removed whom, and hand-overs that failed.

Signed with the account's token, sealed with its key for our corp, told within the last minutes. The same call again changes
nothing: WeCom calls up to three times when it does not hear from us within five seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from zhike.integrations.shared import callbacks, envelope
from zhike.integrations.wecom import mapping
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.messaging import operations, queries
from zhike.messaging.ports import Account

VENDOR = "wecom"
_ENDINGS = {"del_external_contact": "removed", "del_follow_user": "left"}
_TRANSFER_FAILS = {"customer_refused": "refused", "customer_limit_exceed": "full"}


@csrf_exempt
@require_http_methods(["GET", "POST"])
def reports(request: HttpRequest, account_id: int, token: str) -> HttpResponse:
    """GET proves to WeCom that the address is ours; POST is an event."""
    account = queries.account_of_callback(VENDOR, account_id, token)
    try:
        if request.method == "GET":
            return HttpResponse(_echo(request, account), content_type="text/plain")
        event = callbacks.opened(
            request,
            token=account.secrets["token"],
            aes_key=account.secrets["aes_key"],
            receiver=account.settings["corp_id"],
        )
        _hear(account, callbacks.words(event))
    except callbacks.UNOPENED:
        return HttpResponse("unreadable", status=400, content_type="text/plain")
    return HttpResponse("success", content_type="text/plain")


def _echo(request: HttpRequest, account: Account) -> bytes:
    """What WeCom asks to hear back when the address is entered: sealed, unlike WeChat's. Raises ValueError."""
    given = request.GET
    sealed = given.get("echostr", "")
    if not envelope.is_signed(
        given.get("msg_signature", ""),
        account.secrets["token"],
        given.get("timestamp", ""),
        given.get("nonce", ""),
        sealed,
    ):
        raise envelope.Unsealable
    return envelope.opened(sealed, account.secrets["aes_key"], account.settings["corp_id"])


def _hear(account: Account, event: Mapping[str, str]) -> None:
    """One operation for an event that we know; others are heard and forgotten. Raises KeyError, ValueError, OverflowError."""
    if event.get("Event") != "change_external_contact":
        return
    actor, now, change = system_viewer(VENDOR), clock.now(), event.get("ChangeType", "")
    if change not in ("add_external_contact", "transfer_fail", *_ENDINGS):
        return
    userid, outside, at = event["UserID"], event["ExternalUserID"], mapping.moment(event)
    for text in (userid, outside):
        if not (text.isascii() and text.isprintable() and 0 < len(text) <= 64):
            raise envelope.Unsealable
    if change == "add_external_contact":
        operations.record_contact_added(
            actor=actor,
            account_id=account.id,
            userid=userid,
            outside=outside,
            state=event.get("State", ""),
            welcome_code=event.get("WelcomeCode", ""),
            at=at,
            now=now,
        )
    elif change == "transfer_fail":
        operations.record_transfer_failed(
            actor=actor,
            account_id=account.id,
            to_userid=userid,
            outside=outside,
            why=_TRANSFER_FAILS.get(event.get("FailReason", ""), "failed"),
            now=now,
        )
    else:
        is_by_transfer = event.get("Source", "") == "DELETE_BY_TRANSFER"
        operations.record_contact_ended(
            actor=actor,
            account_id=account.id,
            userid=userid,
            outside=outside,
            why="handed" if is_by_transfer else _ENDINGS[change],
            at=at,
            now=now,
        )


urlpatterns = [path("hooks/wecom/<int:account_id>/<str:token>/reports/", reports, name="wecom_reports")]
