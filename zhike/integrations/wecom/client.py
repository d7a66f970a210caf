"""Speaks to WeCom: a token for the corp, tasks that staff confirm, codes, welcomes, hand-overs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _

from zhike.integrations.shared import calls, envelope
from zhike.integrations.wecom import mapping
from zhike.messaging.ports import (
    Account,
    AccountField,
    Answer,
    ContactWay,
    Letter,
    OutsideCard,
    Refused,
    TaskFate,
    TryLater,
    Unsure,
)

WELCOME_TIMEOUT_S = 3.0
"""WeCom waits five seconds for the answer to its callback, in which the welcome is sent."""
PAGES_MAX = 100
BASE = "/cgi-bin/externalcontact"
PICTURES = (".qpic.cn", ".weixin.qq.com")
"""Where WeCom keeps the pictures of codes."""


class Wecom:
    """A gateway (``messaging.ports.StaffGateway``)."""

    vendor = "wecom"
    name = "企业微信"
    channel = "wecom"
    batch_max = 1_000
    shares_values = True
    needs_template = False
    fields = (
        AccountField("corp_id", _("Corp ID")),
        AccountField("secret", _("Secret of the app that may call customer contact"), is_secret=True),
        AccountField("token", _("Token of the callbacks"), _("As entered at WeCom."), is_secret=True),
        AccountField(
            "aes_key",
            _("EncodingAESKey"),
            _("43 characters, from the same page at WeCom."),
            is_secret=True,
            is_usable=envelope.is_aes_key,
        ),
        AccountField(
            "rule",
            _("How often a customer may be written to"),
            _("As set at WeCom: month (as many as the month has days), week (7) or day (1)."),
            default="month",
            is_usable=lambda text: text in mapping.RULES,
        ),
        AccountField(
            "hours",
            _("Hours that a task waits for confirmation"),
            default="72",
            is_usable=lambda text: text.isascii() and text.isdigit() and 1 <= int(text) <= 720,
        ),
        AccountField("endpoint", _("Address"), default="https://qyapi.weixin.qq.com"),
    )

    def send(self, account: Account, key: str, letters: Sequence[Letter]) -> list[Answer]:
        """One task for all of them, which the sender has to confirm. All have one text and one sender."""
        first = letters[0]
        wanted = {
            "chat_type": "single",
            "external_userid": [letter.to for letter in letters],
            "sender": first.sender,
            "text": {"content": first.text},
        }
        answer = _called(account, f"{BASE}/add_msg_template", wanted)
        failed = set(answer.get("fail_list") or ())
        return [
            Answer(letter.message_id, False, code="not_a_contact")
            if letter.to in failed
            else Answer(letter.message_id, True, str(answer.get("msgid", "")), is_tasked=True)
            for letter in letters
        ]

    def find(
        self, account: Account, key: str, letters: Sequence[Letter], sent_at: dt.datetime
    ) -> list[Answer] | None:
        """WeCom keeps no key of ours with a task, so it cannot be asked after one."""
        return None

    def lint(self, body: str, kind: str) -> list[str]:
        return mapping.lint(body, kind)

    def limit(self, account: Account, now: dt.datetime) -> tuple[dt.datetime, int]:
        return mapping.limit(account.settings.get("rule", ""), now)

    def hours_to_confirm(self, account: Account) -> int:
        return int(account.settings.get("hours") or 72)

    def contact_way(self, account: Account, userid: str, state: str) -> ContactWay:
        wanted = {"type": 1, "scene": 2, "skip_verify": True, "state": state, "user": [userid]}
        answer = _called(account, f"{BASE}/add_contact_way", wanted)
        url = str(answer.get("qr_code", ""))
        return ContactWay(str(answer.get("config_id", "")), url, calls.picture(account, url, PICTURES))

    def outside_card(self, account: Account, userid: str, outside: str) -> OutsideCard:
        answer = _called(account, f"{BASE}/get", None, {"external_userid": outside})
        follows = [one for one in answer.get("follow_user", ()) if one.get("userid") == userid]
        phones = tuple(str(phone) for one in follows for phone in one.get("remark_mobiles") or ())
        return OutsideCard(str(answer.get("external_contact", {}).get("unionid") or ""), phones)

    def welcome(self, account: Account, code: str, text: str) -> None:
        _called(
            account,
            f"{BASE}/send_welcome_msg",
            {"welcome_code": code, "text": {"content": text}},
            timeout_s=WELCOME_TIMEOUT_S,
        )

    def task_fates(self, account: Account, reference: str, userid: str) -> tuple[bool, list[TaskFate]]:
        tasks = _pages(account, f"{BASE}/get_groupmsg_task", {"msgid": reference, "limit": 1000}, "task_list")
        is_confirmed = any(one.get("userid") == userid and one.get("status") == 2 for one in tasks)
        wanted = {"msgid": reference, "userid": userid, "limit": 1000}
        told = _pages(account, f"{BASE}/get_groupmsg_send_result", wanted, "send_list")
        try:
            return is_confirmed, [mapping.fate(one) for one in told]
        except (KeyError, ValueError, OverflowError) as error:
            raise Unsure("unreadable") from error

    def remind(self, account: Account, reference: str) -> None:
        _called(account, f"{BASE}/remind_groupmsg_send", {"msgid": reference})

    def withdraw(self, account: Account, reference: str) -> None:
        _called(account, f"{BASE}/cancel_groupmsg_send", {"msgid": reference})

    def hand_over(
        self, account: Account, userid: str, to: str, outside: Sequence[str], words: str
    ) -> Mapping[str, str]:
        wanted = {
            "handover_userid": userid,
            "takeover_userid": to,
            "external_userid": list(outside[: mapping.TRANSFER_MAX]),
            "transfer_success_msg": words[:200],
        }
        answer = _called(account, f"{BASE}/transfer_customer", wanted)
        return {
            str(one.get("external_userid")): str(one["errcode"]) if one.get("errcode") else ""
            for one in answer.get("customer", ())
        }

    def handed_over(self, account: Account, userid: str, to: str) -> Mapping[str, str]:
        wanted = {"handover_userid": userid, "takeover_userid": to}
        told = _pages(account, f"{BASE}/transfer_result", wanted, "customer")
        return {str(one.get("external_userid")): mapping.transfer(int(one.get("status", 0))) for one in told}

    def transfer_fault(self, code: str) -> str:
        return mapping.transfer_fault(code)


def _pages(account: Account, path: str, wanted: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Everything of a list that WeCom gives by pages."""
    found: list[dict[str, Any]] = []
    for _page in range(PAGES_MAX):
        answer = _called(account, path, wanted)
        found += answer.get(name) or ()
        if not answer.get("next_cursor"):
            break
        wanted = wanted | {"cursor": answer["next_cursor"]}
    return found


def _called(
    account: Account,
    path: str,
    wanted: dict[str, Any] | None,
    query: Mapping[str, str] | None = None,
    timeout_s: float = calls.TIMEOUT_S,
) -> dict[str, Any]:
    """The answer of a call that went well. Raises TryLater, Unsure, Refused."""
    answer = TOKENS.call(account, path, wanted, query=query, timeout_s=timeout_s)
    code, text = int(answer.get("errcode", -2)), str(answer.get("errmsg", ""))
    if code == 0:
        return answer
    seconds = mapping.seconds_to_wait(code)
    if seconds is not None:
        raise TryLater(str(code), seconds)
    raise Refused(str(code), text)


def _fetch(account: Account, now: dt.datetime, by_force: bool) -> calls.Token:
    """WeCom gives the same token until it is over, whoever asks; there is nothing to force."""
    query = urlencode({"corpid": account.settings["corp_id"], "corpsecret": account.secrets["secret"]})
    return calls.fetched(account, now, f"/cgi-bin/gettoken?{query}", None, mapping.seconds_to_wait)


TOKENS = calls.Tokens(
    _fetch, lambda account: (account.settings["corp_id"], account.secrets["secret"]), mapping.OLD_TOKEN
)
