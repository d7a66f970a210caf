"""Which vendors serve the ports of the contexts."""

from __future__ import annotations

import datetime as dt
import functools
import json
import os
import urllib.request
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zhike.messaging.ports import Device, Gateway, Received
    from zhike.service.ports import Voice

EMULATOR, PUSH_EMULATOR, WECHAT_EMULATOR, WECOM_EMULATOR, MINI_EMULATOR = (
    "ZHIKE_EMULATED_SMS",
    "ZHIKE_EMULATED_PUSH",
    "ZHIKE_EMULATED_WECHAT",
    "ZHIKE_EMULATED_WECOM",
    "ZHIKE_EMULATED_MINI",
)


def gateways() -> dict[str, Gateway]:
    """Every vendor of messages, by name."""
    from zhike.integrations.aliyun_sms.client import AliyunSms
    from zhike.integrations.smtp.client import Smtp
    from zhike.integrations.tencent_sms.client import TencentSms
    from zhike.integrations.web_push.client import WebPush
    from zhike.integrations.wechat_mini.client import WechatMini
    from zhike.integrations.wechat_mp.client import WechatMp
    from zhike.integrations.wecom.client import Wecom

    found: tuple[Gateway, ...] = (
        AliyunSms(),
        TencentSms(),
        Smtp(),
        WebPush(),
        WechatMp(),
        WechatMini(),
        Wecom(),
    )
    return {gateway.vendor: gateway for gateway in found}


def voices() -> dict[str, Voice]:
    """Every vendor through whom customers write to us, by the channel of their conversations."""
    from zhike.integrations.mailbox.client import Mailbox
    from zhike.integrations.wechat_mp.talking import WechatDesk

    found: tuple[Voice, ...] = (Mailbox(), WechatDesk())
    return {voice.channel: voice for voice in found}


def play_vendors(
    port: int, web: str, push_port: int, wechat_port: int, wecom_port: int, mini_port: int
) -> None:
    """The emulated vendors of the demonstration: those of text messages and of WeChat know the wordings that the console says
    they know, the push service's browsers show what they get, and every third member taps it; WeCom's first associate confirms.
    """
    from django.db import close_old_connections, connection

    from zhike.integrations.aliyun_sms.emulator import AliyunEmulator, Operator
    from zhike.integrations.web_push.emulator import PushEmulator, Service
    from zhike.integrations.wechat_mini import emulator as mini
    from zhike.integrations.wechat_mp import emulator as wechat
    from zhike.integrations.wecom import emulator as wecom
    from zhike.kernel.access import system_viewer
    from zhike.messaging import queries

    def look_up(vendor: str, code: str) -> str | None:
        close_old_connections()
        try:
            return queries.told_wording(vendor, code)
        finally:
            connection.close()

    operator = Operator(look_up=functools.partial(look_up, "aliyun_sms"), report_pause_s=1.0)
    official = wechat.Account(
        look_up=lambda code: wechat.keywords(look_up("wechat_mp", code)),
        follows=wechat.is_emulated,
        report_pause_s=1.0,
    )
    app = mini.App(
        look_up=lambda code: wechat.keywords(look_up("wechat_mini", code)),
        is_generous=mini.is_emulated,
        report_pause_s=1.0,
    )
    actor = system_viewer("emulator")
    corp = wecom.Corp(
        users={one.userid for one in queries.bindings(actor)},
        knows=wecom.is_emulated,
        unionid_of=wecom.demo_unionid,
        confirms=wecom.confirms_soon,
    )
    for account in queries.accounts(actor):
        if account.vendor == "aliyun_sms" and "127.0.0.1" in account.settings["endpoint"]:
            base = f"{web}/hooks/aliyun_sms/{account.id}/{account.callback_token}"
            operator.report_url, operator.reply_url = f"{base}/reports/", f"{base}/replies/"
        elif account.vendor == "wechat_mp" and "127.0.0.1" in account.settings["endpoint"]:
            official.report_url = f"{web}/hooks/wechat_mp/{account.id}/{account.callback_token}/reports/"
        elif account.vendor == "wechat_mini" and "127.0.0.1" in account.settings["endpoint"]:
            app.report_url = f"{web}/hooks/wechat_mini/{account.id}/{account.callback_token}/reports/"
        elif account.vendor == "wecom" and "127.0.0.1" in account.settings["endpoint"]:
            corp.report_url = f"{web}/hooks/wecom/{account.id}/{account.callback_token}/reports/"
    connection.close()
    service = Service(web=web, pause_s=1.0, taps=lambda url: zlib.crc32(url.encode()) % 3 == 0)
    with (
        PushEmulator(service, push_port),
        wechat.WechatEmulator(official, wechat_port),
        wecom.WecomEmulator(corp, wecom_port),
        mini.MiniEmulator(app, mini_port),
    ):
        AliyunEmulator(operator, port).serve()


def play_mailbox(imap_port: int, smtp_port: int) -> None:
    """The emulated mail server of the demonstration; a customer writes now and then."""
    import time
    import uuid

    from zhike.integrations.mailbox import emulator
    from zhike.simulator.mail import GONE, arriving

    post = emulator.Post(validity=int(time.time()), refused={GONE: "550 5.1.1 no such mailbox"})
    with emulator.MailEmulator(post, imap_port, smtp_port):
        for name, address, title, words in arriving():
            time.sleep(60)
            post.deliver(emulator.letter(name, address, title, words, f"<{uuid.uuid4().hex}@example.com>"))
        while True:
            time.sleep(3600)


def emulated_mailbox(imap_port: int, smtp_port: int) -> dict[str, str]:
    """What a line to the emulated mail server is told."""
    from zhike.integrations.mailbox import emulator

    return emulator.settings(imap_port, smtp_port)


def emulated_browser(name: str) -> Device:
    """What the subscription of an emulated browser says."""
    from zhike.integrations.web_push.emulator import subscription

    return subscription(name)


def emulated_wechat(url: str) -> dict[str, str]:
    """What an account with the emulated WeChat at this address is told."""
    from zhike.integrations.wechat_mp import emulator

    return _of_app(emulator.APP_ID, emulator.SECRET, emulator.TOKEN, emulator.AES_KEY, url)


def emulated_mini(url: str) -> dict[str, str]:
    """What an account with the emulated mini-program at this address is told."""
    from zhike.integrations.wechat_mini import emulator

    return _of_app(emulator.APP_ID, emulator.SECRET, emulator.TOKEN, emulator.AES_KEY, url)


def _of_app(app_id: str, secret: str, token: str, aes_key: str, url: str) -> dict[str, str]:
    return {"app_id": app_id, "app_secret": secret, "token": token, "aes_key": aes_key, "endpoint": url}


def emulated_wecom(url: str) -> dict[str, str]:
    """What an account with the emulated WeCom at this address is told."""
    from zhike.integrations.wecom import emulator

    return {
        "corp_id": emulator.CORP_ID,
        "secret": emulator.SECRET,
        "token": emulator.TOKEN,
        "aes_key": emulator.AES_KEY,
        "endpoint": url,
    }


def demo_phone(limit: int) -> list[Received]:
    """What lies on the phones of the demonstration's emulated vendors, newest first; nothing when they do not run."""
    found = [
        *_shown(EMULATOR, "aliyun_sms"),
        *_shown(PUSH_EMULATOR, "web_push", "Web Push"),
        *_shown(WECHAT_EMULATOR, "wechat_mp", "微信"),
        *_shown(WECOM_EMULATOR, "wecom", "企业微信"),
        *_shown(MINI_EMULATOR, "wechat_mini", "微信小程序"),
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)[:limit]


def _shown(variable: str, vendor: str, where: str = "") -> list[Received]:
    """``where`` stands in the place of an address that says nothing to people."""
    from zhike.messaging.ports import Received

    address = os.environ.get(variable, "")
    if not address.startswith("http://127.0.0.1:"):
        return []
    try:
        with urllib.request.urlopen(f"{address}/_phone", timeout=2) as answer:  # noqa: S310  this machine
            messages = json.loads(answer.read())["messages"]
    except (OSError, ValueError):
        return []
    return [Received(where or one["to"], one["text"], _moment(one["at"]), vendor) for one in messages]


def _moment(at: str | float) -> dt.datetime:
    return dt.datetime.fromisoformat(at) if isinstance(at, str) else dt.datetime.fromtimestamp(at, dt.UTC)
