"""Speaks to Tencent Cloud: signs, sends, times out, reads the answer."""

from __future__ import annotations

import datetime as dt
import http.client
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from zhike.integrations.tencent_sms import mapping, signing
from zhike.kernel import clock
from zhike.messaging.ports import (
    Account,
    AccountField,
    Answer,
    Letter,
    Question,
    Refused,
    Report,
    TryLater,
    Unsure,
)

VERSION = "2021-01-11"
SERVICE = "sms"
TIMEOUT_S = 10.0
JSON = "application/json; charset=utf-8"
STATUS_PAGE = 100


class TencentSms:
    """A gateway (``messaging.ports``). Stateless; one instance serves all accounts."""

    vendor = "tencent_sms"
    name = "腾讯云短信"
    channel = "sms"
    batch_max = 200
    shares_values = True
    needs_template = True
    fields = (
        AccountField("key_id", _("SecretId")),
        AccountField("key_secret", _("SecretKey"), is_secret=True),
        AccountField("app_id", _("SmsSdkAppId")),
        AccountField("sign_name", _("Signature"), _("As approved by Tencent, without 【】.")),
        AccountField("region", _("Region"), default="ap-guangzhou"),
        AccountField("endpoint", _("Address"), default="https://sms.tencentcloudapi.com"),
        AccountField(
            "returns_context",
            _("Returns SessionContext"),
            _("“yes” once Tencent has opened it for this account. Only then can a lost answer be looked up."),
            default="no",
        ),
    )

    def send(self, account: Account, key: str, letters: Sequence[Letter]) -> list[Answer]:
        """SendSms to up to 200 numbers, each of which is taken or refused by itself."""
        wanted = {
            "PhoneNumberSet": [letter.to for letter in letters],
            "SmsSdkAppId": account.settings["app_id"],
            "SignName": account.settings["sign_name"],
            "TemplateId": letters[0].template,
            "TemplateParamSet": [value for _name, value in letters[0].values],
            "SessionContext": key,
        }
        answer = self._call(account, "SendSms", wanted)
        by_number = {entry.get("PhoneNumber"): entry for entry in answer.get("SendStatusSet", [])}
        return [
            found
            for letter in letters
            if (found := _answer(letter, by_number.get(letter.to), len(letters))) is not None
        ]

    def find(
        self, account: Account, key: str, letters: Sequence[Letter], sent_at: dt.datetime
    ) -> list[Answer] | None:
        """PullSmsSendStatusByPhoneNumber bears our key only where Tencent has opened the SessionContext."""
        if account.settings.get("returns_context") != "yes":
            return None
        found = []
        for letter in letters:
            for entry in self._statuses(account, letter.to, sent_at):
                if entry.get("SessionContext") == key:
                    found.append(Answer(letter.message_id, True, str(entry.get("SerialNo", ""))))
                    break
        return found

    def ask(self, account: Account, questions: Sequence[Question]) -> list[Report]:
        """PullSmsSendStatusByPhoneNumber since each message: what bears its SerialNo and has an end."""
        found = []
        for question in questions:
            for entry in self._statuses(account, question.to, question.sent_at):
                if entry.get("SerialNo") == question.reference and (report := mapping.told(entry, question)):
                    found.append(report)
                    break
        return found

    def _statuses(self, account: Account, to: str, since: dt.datetime) -> list[dict[str, Any]]:
        wanted = {
            "BeginTime": int(since.timestamp()) - 60,
            "EndTime": int(clock.now().timestamp()) + 60,
            "Offset": 0,
            "Limit": STATUS_PAGE,
            "PhoneNumber": to,
            "SmsSdkAppId": account.settings["app_id"],
        }
        answer = self._call(account, "PullSmsSendStatusByPhoneNumber", wanted)
        return list(answer.get("PullSmsSendStatusSet", []))

    def lint(self, body: str, kind: str) -> list[str]:
        """Tencent's rules for templates: banned offers, no variables side by side, no link made of a variable."""
        found = []
        if mapping.is_banned(body):
            found.append("banned_content")
        if mapping.has_adjacent_variables(body):
            found.append("adjacent_variables")
        if "://${" in body:
            found.append("variable_link")
        return found

    def _call(self, account: Account, action: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """The ``Response`` of the answer. Raises TryLater, Unsure, Refused."""
        address = urlsplit(account.settings["endpoint"])
        if address.scheme != "https" and address.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise Refused("plain_http", str(_("Only https is safe enough for this.")))
        body = json.dumps(wanted, ensure_ascii=False).encode()
        timestamp = int(clock.now().timestamp())
        headers = {
            "Content-Type": JSON,
            "Host": address.netloc,
            "X-TC-Action": action,
            "X-TC-Version": VERSION,
            "X-TC-Timestamp": str(timestamp),
            "X-TC-Region": account.settings["region"],
            "Authorization": signing.authorization(
                account.settings["key_id"],
                account.secrets["key_secret"],
                service=SERVICE,
                host=address.netloc,
                content_type=JSON,
                body=body,
                timestamp=timestamp,
            ),
        }
        status, parsed = _post(address.scheme, address.netloc, body, headers)
        answer = parsed.get("Response", {})
        error = answer.get("Error", {})
        code = str(error.get("Code", ""))
        if status >= 500 or code.startswith("InternalError"):
            raise Unsure(code or str(status))
        if code:
            _raise_for(code, str(error.get("Message", "")))
            raise Refused(code, str(error.get("Message", "")))
        return dict(answer)


def _answer(letter: Letter, entry: dict[str, Any] | None, count: int) -> Answer | None:
    if entry is None:
        return None
    code, text = str(entry.get("Code", "")), str(entry.get("Message", ""))
    if code == "Ok":
        return Answer(letter.message_id, True, str(entry.get("SerialNo", "")))
    if count == 1:
        _raise_for(code, text)
    return Answer(letter.message_id, False, code=code, text=text)


def _raise_for(code: str, text: str) -> None:
    seconds = mapping.seconds_to_wait(code)
    if seconds is not None:
        raise TryLater(code, seconds)
    if mapping.is_account_trouble(code):
        raise Refused(code, text)


def _post(scheme: str, netloc: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Raises TryLater when nothing can have reached the vendor, Unsure when something may have."""
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = kind(netloc, timeout=TIMEOUT_S)
    try:
        try:
            connection.connect()
        except OSError as error:
            raise TryLater("unreachable", 30.0) from error
        try:
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unsure(type(error).__name__) from error
    finally:
        connection.close()
    return response.status, answer if isinstance(answer, dict) else {}
