"""Conversations through an official account: what customers send, and answers by customer-service messages.

WeChat takes five answers to a message, for 48 hours; whoever writes again opens anew.
"""

from __future__ import annotations

import datetime as dt
import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from zhike.integrations.shared import calls
from zhike.integrations.wechat_mp import mapping
from zhike.integrations.wechat_mp.client import TOKENS
from zhike.messaging.ports import Account
from zhike.service.ports import AccountField, Door, Gone, Incoming, Media, Parcel, Refused, TryLater, Unsure

WINDOW, ANSWERS = dt.timedelta(hours=48), 5
FILE_BYTES_MAX = 10 * 1024 * 1024
TYPING_S = 3.0
_KINDS = {"image": "图片", "voice": "语音", "video": "视频", "shortvideo": "视频"}
_NAMES = {
    "image/jpeg": "picture.jpg",
    "image/png": "picture.png",
    "image/gif": "picture.gif",
    "video/mp4": "video.mp4",
}


class WechatDesk:
    """A voice (``service.ports``); the account with WeChat is that of template messages."""

    channel = "wechat"
    name = "微信公众号"
    vendor = "wechat_mp"
    identifier = "openid"
    is_repeatable = False
    open_for: dt.timedelta | None = WINDOW
    answers_max: int | None = ANSWERS
    fields: tuple[AccountField, ...] = ()

    def carries(self, head: bytes) -> bool:
        """Words only."""
        return False

    def carry(self, door: Door, parcel: Parcel) -> Gone | None:
        wanted = {"touser": parcel.address, "msgtype": "text", "text": {"content": parcel.text}}
        answer = TOKENS.call(_account(door), "/cgi-bin/message/custom/send", wanted)
        code, text = int(answer.get("errcode", -2)), str(answer.get("errmsg", ""))
        if code == 0:
            return None
        if mapping.is_account_trouble(code):
            raise Refused(str(code), text)
        seconds = mapping.seconds_to_wait(code)
        if seconds is not None:
            raise TryLater(str(code), seconds)
        return Gone(str(code), text)

    def show_typing(self, door: Door, address: str) -> None:
        wanted = {"touser": address, "command": "Typing"}
        TOKENS.call(_account(door), "/cgi-bin/message/custom/typing", wanted, timeout_s=TYPING_S)

    def fetch(self, door: Door, media: str) -> Media | Gone:
        """A file by its media_id, which WeChat keeps for three days."""
        account = _account(door)
        for attempt in range(2):
            token = TOKENS.token(account, is_old=attempt > 0)
            query = urlencode({"access_token": token, "media_id": media})
            kind, raw = _get(account, f"/cgi-bin/media/get?{query}")
            if kind not in ("application/json", "text/plain"):
                return Media(_NAMES.get(kind, "file"), raw)
            answer = _read(raw)
            code = int(answer.get("errcode", -2))
            if code not in mapping.OLD_TOKEN:
                break
        seconds = mapping.seconds_to_wait(code)
        if seconds is not None:
            raise TryLater(str(code), seconds)
        return Gone(str(code), str(answer.get("errmsg", "")))


def _account(door: Door) -> Account:
    return Account(door.id, door.settings, door.secrets)


def _read(raw: bytes) -> dict[str, Any]:
    """Raises Unsure."""
    try:
        answer = json.loads(raw)
    except ValueError as error:
        raise Unsure("unreadable") from error
    if not isinstance(answer, dict):
        raise Unsure("unreadable")
    return answer


def _get(account: Account, target: str) -> tuple[str, bytes]:
    """(content type, bytes). Raises TryLater, Unsure, Refused without https."""
    address = urlsplit(account.settings["endpoint"])
    if address.scheme != "https" and address.hostname not in calls.LOCAL:
        raise Refused("plain_http")
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=calls.TIMEOUT_S)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        raw = response.read(FILE_BYTES_MAX + 1)
    except (OSError, http.client.HTTPException) as error:
        raise TryLater(type(error).__name__, 30.0) from error
    finally:
        connection.close()
    if response.status != 200:
        raise Unsure(str(response.status))
    return (response.getheader("Content-Type") or "").partition(";")[0].strip().lower(), raw


def incoming(event: Mapping[str, str]) -> Incoming | None:
    """What a customer sent; None for what they did (events). Raises KeyError, ValueError, OverflowError."""
    kind = event["MsgType"]
    if kind == "event":
        return None
    media = event.get("MediaId", "") if kind in ("image", "video", "shortvideo") else ""
    if len(media) > 120 or len(event["MsgId"]) > 40:
        raise ValueError("a name that is none of WeChat's")
    return Incoming(
        key=f"wechat:{event['MsgId']}",
        address=event["FromUserName"],
        name="",
        text=_words(kind, event),
        at=mapping.moment(event),
        is_proven=True,
        media=media,
    )


def _words(kind: str, event: Mapping[str, str]) -> str:
    if kind == "text":
        text = event["Content"]
    elif kind == "location":
        text = f"[位置] {event.get('Label', '')} {event.get('Location_X', '')},{event.get('Location_Y', '')}"
    elif kind == "link":
        text = f"[链接] {event.get('Title', '')} {event.get('Url', '')}"
    elif kind == "voice":
        text = f"[语音] {event.get('Recognition', '')}"
    else:
        text = f"[{_KINDS.get(kind, '消息')}]"
    text.encode()
    return "".join(one for one in text if one in "\n\t" or one.isprintable()).strip()
