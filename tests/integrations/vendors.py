"""Accounts with emulated vendors, opened through the operations."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.people import NOW
from zhike.integrations.aliyun_sms.emulator import AliyunEmulator
from zhike.integrations.aliyun_sms.emulator import Operator as AliyunOperator
from zhike.integrations.tencent_sms.emulator import Operator as TencentOperator
from zhike.integrations.tencent_sms.emulator import TencentEmulator
from zhike.kernel.access import Viewer, system_viewer
from zhike.messaging import operations, queries
from zhike.messaging.models import TemplateVersion
from zhike.organization import queries as organization

SYSTEM = system_viewer("tests")
CODE = "SMS_154950909"


def aliyun(**state: Any) -> AliyunEmulator:
    """Approves the wording of codes under CODE."""
    operator = AliyunOperator(**{"report_pause_s": 0.0, "signs": {"星河城"}} | state)
    return AliyunEmulator(operator)


def tencent(**state: Any) -> TencentEmulator:
    return TencentEmulator(TencentOperator(**{"report_pause_s": 0.0} | state))


def open_account(
    url: str, vendor: str = "aliyun_sms", *, actor: Viewer = SYSTEM, now: dt.datetime = NOW, **more: Any
) -> int:
    values = {"key_id": "demo-key", "key_secret": "demo-secret", "sign_name": "星河城", "endpoint": url}
    values |= {"app_id": "1400006666", "region": "ap-guangzhou"} | more.pop("values", {})
    given = {"account_id": None, "name": vendor, "price": 4_500, "position": 0, "is_active": True} | more
    return operations.save_account(
        actor=actor,
        group_id=organization.default_group().id,
        vendor=vendor,
        values=values,
        now=now,
        **given,
    )


def approve_at_vendor(
    emulator: Any, account_id: int, template: str = "one_time_code", code: str = CODE, now: dt.datetime = NOW
) -> None:
    """Every approved wording of the template gets a number, there and here."""
    approved = TemplateVersion.objects.filter(template__code=template, channel="sms", state="approved")
    for number, row in enumerate(approved.order_by("id")):
        vendor_code = code if row.language == "zh-hans" else f"{code}{number}"
        if "tencent" in type(emulator).__name__.lower():
            from zhike.integrations.tencent_sms.emulator import _play
        else:
            from zhike.integrations.aliyun_sms.emulator import _play  # type: ignore[assignment]
        _play(emulator.operator, "/_templates", {"code": vendor_code, "body": row.body})
        operations.tell_vendor(
            actor=SYSTEM,
            version_id=row.pk,
            account_id=account_id,
            vendor_code=vendor_code,
            state="approved",
            now=now,
        )


def callbacks(emulator: Any, account_id: int, vendor: str, base: str) -> None:
    token = queries.account(SYSTEM, account_id).callback_token
    emulator.operator.report_url = f"{base}/hooks/{vendor}/{account_id}/{token}/reports/"
    emulator.operator.reply_url = f"{base}/hooks/{vendor}/{account_id}/{token}/replies/"
