"""Which vendors serve the ports of the contexts."""

from __future__ import annotations

import datetime as dt
import json
import os
import urllib.request
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zhike.messaging.ports import Device, Gateway, Received

EMULATOR, PUSH_EMULATOR = "ZHIKE_EMULATED_SMS", "ZHIKE_EMULATED_PUSH"


def gateways() -> dict[str, Gateway]:
    """Every vendor of messages, by name."""
    from zhike.integrations.aliyun_sms.client import AliyunSms
    from zhike.integrations.smtp.client import Smtp
    from zhike.integrations.tencent_sms.client import TencentSms
    from zhike.integrations.web_push.client import WebPush
    from zhike.integrations.wechat_mp.client import WechatMp

    found: tuple[Gateway, ...] = (AliyunSms(), TencentSms(), Smtp(), WebPush(), WechatMp())
    return {gateway.vendor: gateway for gateway in found}


def play_vendors(port: int, web: str, push_port: int) -> None:
    """The emulated vendors of the demonstration: the one of text messages knows the wordings that the console says it knows,
    the push service's browsers show what they get, and every third member taps it.
    """
    from django.db import close_old_connections, connection

    from zhike.integrations.aliyun_sms.emulator import AliyunEmulator, Operator
    from zhike.integrations.web_push.emulator import PushEmulator, Service
    from zhike.kernel.access import system_viewer
    from zhike.messaging import queries

    def look_up(code: str) -> str | None:
        close_old_connections()
        try:
            return queries.told_wording("aliyun_sms", code)
        finally:
            connection.close()

    operator = Operator(look_up=look_up, report_pause_s=1.0)
    for account in queries.accounts(system_viewer("emulator")):
        if account.vendor == "aliyun_sms" and "127.0.0.1" in account.settings["endpoint"]:
            base = f"{web}/hooks/aliyun_sms/{account.id}/{account.callback_token}"
            operator.report_url, operator.reply_url = f"{base}/reports/", f"{base}/replies/"
    connection.close()
    service = Service(web=web, pause_s=1.0, taps=lambda url: zlib.crc32(url.encode()) % 3 == 0)
    with PushEmulator(service, push_port):
        AliyunEmulator(operator, port).serve()


def emulated_browser(name: str) -> Device:
    """What the subscription of an emulated browser says."""
    from zhike.integrations.web_push.emulator import subscription

    return subscription(name)


def demo_phone(limit: int) -> list[Received]:
    """What lies on the phones of the demonstration's emulated vendors, newest first; nothing when they do not run."""
    found = [*_shown(EMULATOR, "aliyun_sms"), *_shown(PUSH_EMULATOR, "web_push")]
    return sorted(found, key=lambda one: one.at, reverse=True)[:limit]


def _shown(variable: str, vendor: str) -> list[Received]:
    from zhike.messaging.ports import Received

    address = os.environ.get(variable, "")
    if not address.startswith("http://127.0.0.1:"):
        return []
    try:
        with urllib.request.urlopen(f"{address}/_phone", timeout=2) as answer:  # noqa: S310  this machine
            messages = json.loads(answer.read())["messages"]
    except (OSError, ValueError):
        return []
    return [Received(one["to"], one["text"], _moment(one["at"]), vendor) for one in messages]


def _moment(at: str | float) -> dt.datetime:
    return dt.datetime.fromisoformat(at) if isinstance(at, str) else dt.datetime.fromtimestamp(at, dt.UTC)
