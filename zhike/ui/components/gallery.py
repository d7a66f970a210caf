"""Sample values for the gallery of components: made up, and shown to developers only."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from zhike.kernel import clock


class SampleForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=40)
    phone = forms.CharField(label=_("Phone"), help_text=_("Eleven digits; we send one code to it."))
    tier = forms.ChoiceField(label=_("Tier"), choices=[("silver", "银卡"), ("gold", "金卡")])
    birthday = forms.DateField(
        label=_("Birthday"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    channel = forms.ChoiceField(
        label=_("Channel"), choices=[("sms", "短信"), ("wechat", "微信")], widget=forms.RadioSelect
    )
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    receipt = forms.FileField(label=_("File"), required=False)
    agreed = forms.BooleanField(label=_("Send me offers"), required=False)


def context(request: HttpRequest) -> dict[str, Any]:
    now = clock.now()
    form = SampleForm({"name": "王小明", "phone": "138", "tier": "gold", "channel": "sms"})
    form.add_error("phone", _("This is not a phone number."))
    return {
        "form": form,
        "empty_form": SampleForm(),
        "navigation": _navigation(request.path),
        "dock": _dock(),
        "malls": [{"label": "万象天地", "url": "#a", "active": True}, {"label": "滨江天街", "url": "#b"}],
        "search_url": "/console/_components/",
        "user_name": "陈晓",
        "user_detail": "会员运营",
        "user_links": [{"label": "我的账号", "url": "#", "icon": "user-round"}],
        "logout_url": "/console/_components/",
        "now": now,
        "earlier": [now - dt.timedelta(minutes=minutes) for minutes in (3, 130, 2000, 60000)],
        "members": _members(),
        "page": {"next_cursor": "n", "previous_cursor": "p"},
        "line": _line(),
        "bars": _bars(),
        "donut": _donut(),
        "heat": _heat(),
        "tabs": [
            {"label": "概况", "url": "#1", "active": True},
            {"label": "积分", "url": "#2", "badge": "12"},
            {"label": "小票", "url": "#3"},
        ],
        "wizard": ["上传", "映射列", "试跑", "导入"],
        "card_code": "ZK1.8f2c77a1.482913",
    }


def _navigation(path: str) -> list[dict[str, Any]]:
    groups = {
        "": [("工作台", "layout-dashboard", True, ""), ("会员", "users-round", False, "")],
        "忠诚度": [
            ("等级", "gem", False, ""),
            ("积分规则", "scroll-text", False, ""),
            ("小票", "receipt-text", False, ""),
        ],
        "数据": [
            ("导入", "file-up", False, "3"),
            ("停放事件", "inbox", False, ""),
            ("审计", "shield-check", False, ""),
        ],
    }
    return [
        {
            "key": label,
            "label": label,
            "open": True,
            "items": [
                {"label": text, "icon": icon, "url": path, "active": active, "badge": badge}
                for text, icon, active, badge in entries
            ],
        }
        for label, entries in groups.items()
    ]


def _dock() -> list[dict[str, Any]]:
    entries = [
        ("会员卡", "id-card", True),
        ("积分", "coins", False),
        ("小票", "receipt-text", False),
        ("我的", "user-round", False),
    ]
    return [{"label": label, "icon": icon, "url": "#", "active": active} for label, icon, active in entries]


def _members() -> list[dict[str, Any]]:
    rows = [
        ("王小明", "138****8000", "金卡", "#c9982b", 1234567, 8840000),
        ("欧阳雪晴", "159****0213", "银卡", "#9aa3ad", 3200, 128050),
        ("Anna Lee", "+852 9*** *567", "黑金卡", "#22252b", 98000, 45600000),
    ]
    keys = ("name", "phone", "tier", "colour", "points", "spend")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _line() -> dict[str, Any]:
    days = [f"11-{day:02d}" for day in range(1, 15)]
    issued = [820, 932, 901, 934, 1290, 1630, 1720, 860, 910, 980, 1010, 1340, 1800, 1910]
    redeemed = [220, 182, 391, 234, 290, 630, 710, 310, 282, 301, 334, 490, 830, 910]
    return {
        "kind": "area",
        "unit": "points",
        "categories": days,
        "series": [{"name": "发放", "values": issued}, {"name": "兑换", "values": redeemed}],
    }


def _bars() -> dict[str, Any]:
    return {
        "kind": "bar-horizontal",
        "unit": "fen",
        "categories": ["餐饮", "服饰", "亲子", "影院", "美妆"],
        "series": [{"name": "消费", "values": [182000000, 143000000, 81000000, 52000000, 47000000]}],
    }


def _donut() -> dict[str, Any]:
    return {
        "kind": "donut",
        "unit": "count",
        "categories": ["普卡", "银卡", "金卡", "黑金卡"],
        "series": [{"name": "会员", "values": [12840, 4920, 1830, 410]}],
    }


def _heat() -> dict[str, Any]:
    hours = [f"{hour}" for hour in range(10, 22)]
    cells = [[column, row, (column * 7 + row * 13) % 40] for column in range(12) for row in range(7)]
    return {
        "kind": "heatmap",
        "unit": "count",
        "categories": hours,
        "rows": ["一", "二", "三", "四", "五", "六", "日"],
        "series": [{"name": "小票", "values": cells}],
    }
