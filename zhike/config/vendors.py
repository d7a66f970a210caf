"""Which vendors serve the ports of the contexts."""

from __future__ import annotations

import datetime as dt
import json
import os
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zhike.messaging.ports import Gateway, Received

EMULATOR = "ZHIKE_EMULATED_SMS"


def gateways() -> dict[str, Gateway]:
    """Every vendor of messages, by name."""
    from zhike.integrations.aliyun_sms.client import AliyunSms
    from zhike.integrations.smtp.client import Smtp
    from zhike.integrations.tencent_sms.client import TencentSms

    found: tuple[Gateway, ...] = (AliyunSms(), TencentSms(), Smtp())
    return {gateway.vendor: gateway for gateway in found}


def play_vendors(port: int, web: str) -> None:
    """The emulated vendor of the demonstration: knows the wordings that the console says it knows."""
    from django.db import close_old_connections, connection

    from zhike.integrations.aliyun_sms.emulator import AliyunEmulator, Operator
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
    AliyunEmulator(operator, port).serve()


def demo_phone(limit: int) -> list[Received]:
    """What lies on the phones of the demonstration's emulated vendor, newest first; nothing when it does not run."""
    from zhike.messaging.ports import Received

    address = os.environ.get(EMULATOR, "")
    if not address.startswith("http://127.0.0.1:"):
        return []
    try:
        with urllib.request.urlopen(f"{address}/_phone", timeout=2) as answer:  # noqa: S310  this machine
            messages = json.loads(answer.read())["messages"]
    except (OSError, ValueError):
        return []
    return [
        Received(one["to"], one["text"], dt.datetime.fromisoformat(one["at"]), "aliyun_sms")
        for one in messages[:limit]
    ]
