"""CloudEvents 1.0 as behaviour: an event's attributes judged, and the `track` message it means. Pure.

The type names the event: of `com.shop.order.completed` the last two parts, where our specification knows them ("order
completed"); else the whole type is the name. Who: the extension attributes `userid` and `anonymousid`, else `userId` and
`anonymousId` in the data, else a subject like `user/123` or `visitor/abc`. What the visitor agreed to: the extension
attribute `consent`, a list of categories ("Analytics,Advertising", or "none").
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from zhike.collection.rules.names import COMMERCE

EVENT_BYTES_MAX = 64 * 1024
REQUIRED = ("specversion", "id", "source", "type")
TEXT_MAX = 1024

_NAME = re.compile(r"[a-z0-9]{1,20}")
_SUBJECT = re.compile(r"(user|visitor)/(.{1,200})")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Malformed(Exception):
    """What comes is no CloudEvent 1.0: the attribute that is wrong, and a code of what is wrong with it."""

    def __init__(self, attribute: str, code: str) -> None:
        super().__init__(f"{attribute}: {code}")
        self.attribute = attribute
        self.code = code


def check(event: Mapping[str, Any]) -> None:
    """Raises Malformed."""
    for name in REQUIRED:
        value = event.get(name)
        if value is None or value == "":
            raise Malformed(name, "required")
        if not isinstance(value, str) or len(value) > TEXT_MAX or "\x00" in value:
            raise Malformed(name, "not-a-text")
    if event["specversion"] != "1.0":
        raise Malformed("specversion", "not-1.0")
    for name, value in event.items():
        if name in ("data", "data_base64"):
            continue
        if not _NAME.fullmatch(name):
            raise Malformed(name[:40], "bad-name")
        if not isinstance(value, str | int | bool) or (isinstance(value, str) and len(value) > TEXT_MAX):
            raise Malformed(name, "not-a-text")
    time = event.get("time")
    if time is not None and not _is_moment(time):
        raise Malformed("time", "not-a-time")
    if "data" in event and "data_base64" in event:
        raise Malformed("data_base64", "twice")


def message(event: Mapping[str, Any], category: str) -> bytes:
    """The message that a checked event means, as JSON. Its id is of source and id, which together name an event."""
    data = event.get("data")
    properties = dict(data) if isinstance(data, dict) else {} if data is None else {"value": data}
    user, anonymous = _who(event, properties)
    told: dict[str, Any] = {
        "type": "track",
        "messageId": hashlib.sha256(f"{event['source']}\n{event['id']}".encode()).hexdigest(),
        "event": name_of(event["type"]),
        "userId": user,
        "anonymousId": anonymous,
        "properties": properties,
    }
    if event.get("time"):
        told["timestamp"] = event["time"]
    if (agreed := event.get("consent")) is not None:
        categories = {one.strip().casefold() for one in str(agreed).split(",")}
        told["context"] = {"consent": {"categoryPreferences": {category: category.casefold() in categories}}}
    return msgspec.json.encode(told)


def name_of(event_type: str) -> str:
    """ "com.shop.product.added" is "product added"; a type our words do not know is its own name."""
    words = event_type.casefold().replace("_", " ").replace("-", " ").split(".")
    for count in (1, 2, 3, 4):
        name = " ".join(words[-count:])
        if name in COMMERCE:
            return name
    return event_type


def _who(event: Mapping[str, Any], properties: dict[str, Any]) -> tuple[str, str]:
    """User id and anonymous id; those in the data are taken out of it, for they are no property of the event."""
    user = event.get("userid") or properties.pop("userId", "") or ""
    anonymous = event.get("anonymousid") or properties.pop("anonymousId", "") or ""
    if not user and not anonymous:
        found = _SUBJECT.fullmatch(str(event.get("subject") or ""))
        if found:
            user, anonymous = (found[2], "") if found[1] == "user" else ("", found[2])
    return str(user), str(anonymous)


def _is_moment(value: Any) -> bool:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return False
    try:
        dt.datetime.fromisoformat(value.upper().replace("Z", "+00:00"))
    except ValueError:
        return False
    return True
