"""Speaks to Aliyun: signs, sends, times out, reads the answer."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.utils.translation import gettext_lazy as _

from zhike.integrations.aliyun_sms import mapping, signing
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

VERSION = "2017-05-25"
TIMEOUT_S = 10.0
FORM = "application/x-www-form-urlencoded"
QUERY_PAGE = 50


class AliyunSms:
    """A gateway (``messaging.ports``). Stateless; one instance serves all accounts."""

    vendor = "aliyun_sms"
    name = "阿里云短信"
    channel = "sms"
    batch_max = 100
    shares_values = False
    needs_template = True
    fields = (
        AccountField("key_id", _("AccessKey ID")),
        AccountField("key_secret", _("AccessKey secret"), is_secret=True),
        AccountField("sign_name", _("Signature"), _("As approved by Aliyun, without 【】.")),
        AccountField("endpoint", _("Address"), default="https://dysmsapi.aliyuncs.com"),
        AccountField(
            "callback_from",
            _("Callbacks come from"),
            _("Addresses or networks, with commas between. Empty: from anywhere that knows the secret path."),
            is_required=False,
            is_usable=mapping.are_networks,
        ),
    )

    def send(self, account: Account, key: str, letters: Sequence[Letter]) -> list[Answer]:
        """SendSms for one message, SendBatchSms for up to a hundred. A number that spoils its batch fails alone."""
        if len(letters) == 1:
            return [self._send_one(account, key, letters[0])]
        form = {
            "PhoneNumberJson": mapping.as_json([mapping.domestic(letter.to) for letter in letters]),
            "SignNameJson": mapping.as_json([account.settings["sign_name"]] * len(letters)),
            "TemplateParamJson": mapping.as_json([dict(letter.values) for letter in letters]),
        }
        query = {"TemplateCode": letters[0].template, "OutId": key}
        answer = self._call(account, "SendBatchSms", query, form)
        code = str(answer.get("Code", ""))
        if code == "OK":
            reference = str(answer.get("BizId", ""))
            return [Answer(letter.message_id, True, reference) for letter in letters]
        _raise_for(code, str(answer.get("Message", "")))
        return [self._send_one(account, key, letter) for letter in letters]

    def _send_one(self, account: Account, key: str, letter: Letter) -> Answer:
        query = {
            "PhoneNumbers": mapping.domestic(letter.to),
            "SignName": account.settings["sign_name"],
            "TemplateCode": letter.template,
            "OutId": key,
        }
        if letter.values:
            query["TemplateParam"] = mapping.as_json(dict(letter.values))
        answer = self._call(account, "SendSms", query)
        code, text = str(answer.get("Code", "")), str(answer.get("Message", ""))
        if code == "OK":
            return Answer(letter.message_id, True, str(answer.get("BizId", "")))
        _raise_for(code, text)
        return Answer(letter.message_id, False, code=code, text=text)

    def find(
        self, account: Account, key: str, letters: Sequence[Letter], sent_at: dt.datetime
    ) -> list[Answer]:
        """QuerySendDetails for each number: what bears our key as OutId was taken."""
        return [
            Answer(letter.message_id, True)
            for letter in letters
            if any(entry.get("OutId") == key for entry in self._since(account, letter.to, sent_at))
        ]

    def ask(self, account: Account, questions: Sequence[Question]) -> list[Report]:
        """QuerySendDetails on the day of each message: what Aliyun says it delivered, or could not."""
        found = []
        for question in questions:
            for entry in self._since(account, question.to, question.sent_at):
                if entry.get("OutId") == question.key and (report := mapping.told(entry, question)):
                    found.append(report)
                    break
        return found

    def _since(self, account: Account, to: str, sent_at: dt.datetime) -> Iterator[dict[str, Any]]:
        """What went to a number on the day of a sending, which may have passed midnight on its way."""
        days = {
            (sent_at + shift).astimezone(mapping.ZONE).strftime("%Y%m%d")
            for shift in (dt.timedelta(), dt.timedelta(minutes=10))
        }
        for day in sorted(days):
            yield from self._details(account, to, day)

    def _details(self, account: Account, to: str, day: str) -> Iterator[dict[str, Any]]:
        """What went to a number on a day, page by page."""
        page = 1
        while True:
            query = {
                "PhoneNumber": mapping.domestic(to),
                "SendDate": day,
                "PageSize": str(QUERY_PAGE),
                "CurrentPage": str(page),
            }
            answer = self._call(account, "QuerySendDetails", query)
            code = str(answer.get("Code", ""))
            if code != "OK":
                _raise_for(code, "")
                raise Refused(code)
            yield from answer.get("SmsSendDetailDTOs", {}).get("SmsSendDetailDTO", [])
            if page * QUERY_PAGE >= int(answer.get("TotalCount", 0)):
                return
            page += 1

    def lint(self, body: str, kind: str) -> list[str]:
        """Aliyun's rules for domestic templates: no link in a promotion's variable, no variables side by side."""
        found = []
        if mapping.has_adjacent_variables(body):
            found.append("adjacent_variables")
        if kind == "code" and mapping.has_link(body):
            found.append("link_in_code")
        return found

    def _call(
        self, account: Account, action: str, query: dict[str, str], form: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """The parsed answer. Raises TryLater, Unsure, Refused."""
        address = urlsplit(account.settings["endpoint"])
        if address.scheme != "https" and address.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise Refused("plain_http", str(_("Only https is safe enough for this.")))
        body = urlencode(form or {}).encode()
        headers = {
            "host": address.netloc,
            "x-acs-action": action,
            "x-acs-version": VERSION,
            "x-acs-date": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": signing.body_hash(body),
            "accept": "application/json",
        }
        if form:
            headers["content-type"] = FORM
        headers["authorization"] = signing.authorization(
            account.settings["key_id"],
            account.secrets["key_secret"],
            method="POST",
            path="/",
            query=query,
            headers=headers,
            hashed=headers["x-acs-content-sha256"],
        )
        status, answer = _post(address.scheme, address.netloc, signing.canonical_query(query), body, headers)
        code = str(answer.get("Code", ""))
        if status >= 500:
            raise Unsure(code or str(status))
        if status >= 400:
            _raise_for(code, str(answer.get("Message", "")))
            raise Refused(code or str(status), str(answer.get("Message", "")))
        return answer


def _post(
    scheme: str, netloc: str, query: str, body: bytes, headers: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """Raises TryLater when nothing can have reached the vendor, Unsure when something may have."""
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = kind(netloc, timeout=TIMEOUT_S)
    try:
        try:
            connection.connect()
        except OSError as error:
            raise TryLater("unreachable", 30.0) from error
        try:
            connection.request("POST", f"/?{query}", body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unsure(type(error).__name__) from error
    finally:
        connection.close()
    return response.status, answer if isinstance(answer, dict) else {}


def _raise_for(code: str, text: str) -> None:
    seconds = mapping.seconds_to_wait(code)
    if seconds is not None:
        raise TryLater(code, seconds)
    if mapping.is_account_trouble(code):
        raise Refused(code, text)
