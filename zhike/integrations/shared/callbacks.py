"""Reading what WeChat and WeCom call us with: signed with the account's token, sealed with its key, told just now."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.http import HttpRequest

from zhike.integrations.shared import envelope
from zhike.kernel import clock
from zhike.messaging.ports import UNREADABLE, Account

WINDOW_S = 600
BODY_MAX = 64 * 1024
UNOPENED = (*UNREADABLE, ParseError, DefusedXmlException)
"""What opening a call may raise that is not the vendor's, or not for us."""


def opened(request: HttpRequest, *, token: str, aes_key: str, receiver: str) -> Element:
    """The event inside. Raises one of UNOPENED."""
    if len(request.body) > BODY_MAX:
        raise envelope.Unsealable
    sealed = (_tree(request.body).findtext("Encrypt") or "").strip()
    given = request.GET
    timestamp, nonce = given.get("timestamp", ""), given.get("nonce", "")
    if not envelope.is_signed(given.get("msg_signature", ""), token, timestamp, nonce, sealed):
        raise envelope.Unsealable
    if abs(clock.now().timestamp() - int(timestamp)) > WINDOW_S:
        raise envelope.Unsealable
    return _tree(envelope.opened(sealed, aes_key, receiver))


def opened_for_app(request: HttpRequest, account: Account) -> Element:
    """The event inside a call for a WeChat app. Raises one of UNOPENED."""
    return opened(
        request,
        token=account.secrets["token"],
        aes_key=account.secrets["aes_key"],
        receiver=account.settings["app_id"],
    )


def echoed(request: HttpRequest, token: str) -> str:
    """What WeChat asks to hear back when the address is entered. Raises ValueError."""
    given = request.GET
    if not envelope.is_signed(
        given.get("signature", ""), token, given.get("timestamp", ""), given.get("nonce", "")
    ):
        raise envelope.Unsealable
    echo = given.get("echostr", "")
    if not (echo.isascii() and echo.isalnum() and len(echo) <= 64):
        raise envelope.Unsealable
    return echo


def words(event: Element) -> dict[str, str]:
    """What an event says, by the names of its elements."""
    return {one.tag: (one.text or "").strip() for one in event}


def _tree(raw: bytes) -> Element:
    """Without entities, declarations of types and what else XML can be made to do."""
    tree: Element = fromstring(raw, forbid_dtd=True)
    return tree
