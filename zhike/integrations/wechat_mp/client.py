"""Speaks to WeChat: a token for the account, one call for each message."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.integrations.shared import calls, envelope
from zhike.integrations.wechat_mp import mapping
from zhike.messaging.ports import Account, AccountField, Answer, Letter


class WechatMp:
    """A gateway (``messaging.ports``). What it keeps is tokens, by account and secret.

    ``stable_token`` gives every process the same token until shortly before its end, so that none makes another's worthless.
    """

    vendor = "wechat_mp"
    name = "微信公众号"
    channel = "wechat"
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
            _("43 characters, from the same page at WeChat. Choose the safe mode there."),
            is_secret=True,
            is_usable=envelope.is_aes_key,
        ),
        AccountField("endpoint", _("Address"), default="https://api.weixin.qq.com"),
    )

    def send(self, account: Account, key: str, letters: Sequence[Letter]) -> list[Answer]:
        """One answer for each message whose fate is known. ``client_msg_id`` keeps WeChat from sending one twice."""
        return calls.one_by_one(lambda letter: self._send_one(account, letter), letters)

    def find(
        self, account: Account, key: str, letters: Sequence[Letter], sent_at: dt.datetime
    ) -> list[Answer] | None:
        """WeChat cannot be asked after a message."""
        return None

    def lint(self, body: str, kind: str) -> list[str]:
        return mapping.lint(body, kind)

    def _send_one(self, account: Account, letter: Letter) -> Answer:
        wanted: dict[str, Any] = {
            "touser": letter.to,
            "template_id": letter.template,
            "data": mapping.data(letter.text),
            "client_msg_id": f"zhike-{letter.message_id}",
        }
        if url := mapping.url(letter.text):
            wanted["url"] = url
        answer = TOKENS.call(account, "/cgi-bin/message/template/send", wanted)
        return calls.answer_of(letter, answer, mapping.is_account_trouble, mapping.seconds_to_wait)


def _fetch(account: Account, now: dt.datetime, by_force: bool) -> calls.Token:
    return calls.stable_token(account, now, by_force, mapping.seconds_to_wait)


TOKENS = calls.Tokens(_fetch, calls.app_key, mapping.OLD_TOKEN)
