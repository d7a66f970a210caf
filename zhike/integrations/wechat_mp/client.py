"""Speaks to WeChat: a token for the account, one call for each message."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.utils.translation import gettext_lazy as _

from zhike.integrations.wechat_mp import envelope, mapping
from zhike.kernel import clock
from zhike.messaging.ports import Account, AccountField, Answer, Letter, Refused, TryLater, Unsure

TIMEOUT_S = 10.0
EARLY = dt.timedelta(minutes=5)
"""How long before its end a token is replaced; for so long WeChat takes both."""
LOCAL = ("127.0.0.1", "localhost", "::1")


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

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def send(self, account: Account, key: str, letters: Sequence[Letter]) -> list[Answer]:
        """One answer for each message whose fate is known. ``client_msg_id`` keeps WeChat from sending one twice."""
        answers: list[Answer] = []
        for place, letter in enumerate(letters):
            try:
                answers.append(self._send_one(account, letter))
            except (TryLater, Refused):
                if not place:
                    raise
                return answers + _put_off(letters[place:])
            except Unsure:
                if len(letters) == 1:
                    raise
                return answers + _put_off(letters[place + 1 :])
        return answers

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
        answer = self._with_token(account, "/cgi-bin/message/template/send", wanted)
        code, text = int(answer.get("errcode", -2)), str(answer.get("errmsg", ""))
        if code == 0:
            return Answer(letter.message_id, True, str(answer.get("msgid", "")))
        if mapping.is_account_trouble(code):
            raise Refused(str(code), text)
        seconds = mapping.seconds_to_wait(code)
        if seconds is not None:
            raise TryLater(str(code), seconds)
        return Answer(letter.message_id, False, code=str(code), text=text)

    def _with_token(self, account: Account, path: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """A call that needs the account's token; one that is over is replaced once."""
        for attempt in range(2):
            token = self._token(account, is_old=attempt > 0)
            answer = _post(account, f"{path}?{urlencode({'access_token': token})}", wanted)
            if answer.get("errcode") not in mapping.OLD_TOKEN:
                return answer
        raise Refused(str(answer.get("errcode")), str(answer.get("errmsg", "")))

    def _token(self, account: Account, *, is_old: bool) -> str:
        """Kept until shortly before its end. One that WeChat calls old is asked for anew, by force when it stays the same."""
        now, kept_at = clock.now(), (account.settings["app_id"], account.secrets["app_secret"])
        with self._lock:
            kept = _TOKENS.get(kept_at)
            if kept is not None and not is_old and now < kept.ends_at - EARLY:
                return kept.text
            fresh = _fetch(account, now, by_force=False)
            if is_old and kept is not None and fresh.text == kept.text:
                fresh = _fetch(account, now, by_force=True)
            _TOKENS[kept_at] = fresh
            return fresh.text


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    ends_at: dt.datetime


_TOKENS: dict[tuple[str, str], _Token] = {}


def _fetch(account: Account, now: dt.datetime, *, by_force: bool) -> _Token:
    """Raises TryLater, Refused: no message has been sent yet, whatever happens."""
    wanted = {
        "grant_type": "client_credential",
        "appid": account.settings["app_id"],
        "secret": account.secrets["app_secret"],
        "force_refresh": by_force,
    }
    try:
        answer = _post(account, "/cgi-bin/stable_token", wanted)
    except Unsure as error:
        raise TryLater("no_token", 30.0) from error
    if "access_token" not in answer:
        code = int(answer.get("errcode", -2))
        seconds = mapping.seconds_to_wait(code)
        if seconds is not None:
            raise TryLater(str(code), seconds)
        raise Refused(str(code), str(answer.get("errmsg", "")))
    return _Token(
        str(answer["access_token"]), now + dt.timedelta(seconds=int(answer.get("expires_in", 7_200)))
    )


def _put_off(letters: Sequence[Letter]) -> list[Answer]:
    """Those that nothing was asked for, because of what happened to one before them."""
    return [Answer(letter.message_id, False, code="put_off", wait_s=60.0) for letter in letters]


def _post(account: Account, target: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Raises TryLater when nothing can have reached WeChat, Unsure when something may have, Refused without https."""
    address = urlsplit(account.settings["endpoint"])
    if address.scheme != "https" and address.hostname not in LOCAL:
        raise Refused("plain_http", str(_("Only https is safe enough for this.")))
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=TIMEOUT_S)
    body = json.dumps(wanted, ensure_ascii=False).encode()
    try:
        try:
            connection.connect()
        except OSError as error:
            raise TryLater("unreachable", 30.0) from error
        try:
            connection.request("POST", target, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unsure(type(error).__name__) from error
    finally:
        connection.close()
    if response.status >= 500 or not isinstance(answer, dict):
        raise Unsure(str(response.status))
    return answer
