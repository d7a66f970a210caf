"""Speaks to WeChat: a token for the mini-program, one call for each message."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.integrations.shared import calls, envelope, keywords
from zhike.integrations.wechat_mini import mapping
from zhike.messaging.ports import Account, AccountField, Answer, Letter


class WechatMini:
    """A gateway (``messaging.ports.CreditGateway``): each message uses up one acceptance of the member."""

    vendor = "wechat_mini"
    name = "微信小程序"
    channel = "mini"
    batch_max = 20
    shares_values = False
    needs_template = True
    fields = (
        AccountField("app_id", _("AppID")),
        AccountField("app_secret", _("AppSecret"), is_secret=True),
        AccountField("token", _("Token of the callbacks"), _("As entered at WeChat."), is_secret=True),
        AccountField(
            "aes_key",
            _("EncodingAESKey"),
            _("43 characters, from the same page at WeChat. Choose the safe mode and XML there."),
            is_secret=True,
            is_usable=envelope.is_aes_key,
        ),
        AccountField(
            "lasting",
            _("Numbers of long-term templates"),
            _(
                "Only for government, medical, transport, finance and education; separated by commas. Usually empty."
            ),
            is_required=False,
        ),
        AccountField("endpoint", _("Address"), default="https://api.weixin.qq.com"),
    )

    def send(self, account: Account, key: str, letters: Sequence[Letter]) -> list[Answer]:
        """One answer for each message whose fate is known."""
        return calls.one_by_one(lambda letter: self._send_one(account, letter), letters)

    def find(
        self, account: Account, key: str, letters: Sequence[Letter], sent_at: dt.datetime
    ) -> list[Answer] | None:
        """WeChat cannot be asked after a message."""
        return None

    def lint(self, body: str, kind: str) -> list[str]:
        return mapping.lint(body)

    def is_lasting(self, account: Account, template: str) -> bool:
        return template in {one.strip() for one in account.settings.get("lasting", "").split(",")}

    def is_no_credit(self, code: str) -> bool:
        return code == str(mapping.NO_CREDIT)

    def _send_one(self, account: Account, letter: Letter) -> Answer:
        wanted: dict[str, Any] = {
            "touser": letter.to,
            "template_id": letter.template,
            "data": keywords.data(letter.text),
            "miniprogram_state": "formal",
            "lang": "zh_CN",
        }
        if page := keywords.url(letter.text):
            wanted["page"] = page
        answer = TOKENS.call(account, "/cgi-bin/message/subscribe/send", wanted)
        return calls.answer_of(letter, answer, mapping.is_account_trouble, mapping.seconds_to_wait)


def _fetch(account: Account, now: dt.datetime, by_force: bool) -> calls.Token:
    return calls.stable_token(account, now, by_force, mapping.seconds_to_wait)


TOKENS = calls.Tokens(_fetch, calls.app_key, mapping.OLD_TOKEN)
