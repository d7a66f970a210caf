"""Calling a vendor that speaks JSON and gives a token for an account."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.utils.translation import gettext_lazy as _

from zhike.kernel import clock
from zhike.messaging.ports import Account, Answer, Letter, Refused, TryLater, Unsure

TIMEOUT_S = 10.0
EARLY = dt.timedelta(minutes=5)
"""How long before its end a token is replaced; for so long both are taken."""
PICTURE_BYTES_MAX = 500_000
PICTURE_BEGINS = (b"\x89PNG\r\n", b"\xff\xd8\xff")
LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    ends_at: dt.datetime


class Tokens:
    """The tokens of a vendor's accounts, by what they were got with. ``fetch(account, now, by_force)`` asks for one."""

    def __init__(
        self,
        fetch: Callable[[Account, dt.datetime, bool], Token],
        key: Callable[[Account], tuple[str, str]],
        old: frozenset[int],
    ) -> None:
        self._fetch, self._key, self._old = fetch, key, old
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], Token] = {}

    def forget(self) -> None:
        self._kept.clear()

    def call(
        self,
        account: Account,
        path: str,
        wanted: dict[str, Any] | None,
        *,
        query: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> dict[str, Any]:
        """A call that needs the account's token; one that the vendor calls over is replaced once.

        Raises TryLater, Unsure, Refused.
        """
        for attempt in range(2):
            token = self.token(account, is_old=attempt > 0)
            target = f"{path}?{urlencode({'access_token': token} | dict(query or {}))}"
            answer = post(account, target, wanted, timeout_s)
            if answer.get("errcode") not in self._old:
                return answer
        raise Refused(str(answer.get("errcode")), str(answer.get("errmsg", "")))

    def token(self, account: Account, *, is_old: bool) -> str:
        """Kept until shortly before its end. One called old is asked for anew, by force when it stays the same."""
        now, kept_at = clock.now(), self._key(account)
        with self._lock:
            kept = self._kept.get(kept_at)
            if kept is not None and not is_old and now < kept.ends_at - EARLY:
                return kept.text
            fresh = self._fetch(account, now, False)
            if is_old and kept is not None and fresh.text == kept.text:
                fresh = self._fetch(account, now, True)
            self._kept[kept_at] = fresh
            return fresh.text


def fetched(
    account: Account,
    now: dt.datetime,
    path: str,
    wanted: dict[str, Any] | None,
    wait: Callable[[int], float | None],
) -> Token:
    """A token that the vendor gave; ``wait`` says for which errors to come again, and when.

    Raises TryLater, Refused: no message has been sent yet, whatever happens.
    """
    try:
        answer = post(account, path, wanted)
    except Unsure as error:
        raise TryLater("no_token", 30.0) from error
    if "access_token" not in answer:
        code = int(answer.get("errcode", -2))
        seconds = wait(code)
        if seconds is not None:
            raise TryLater(str(code), seconds)
        raise Refused(str(code), str(answer.get("errmsg", "")))
    life = dt.timedelta(seconds=int(answer.get("expires_in", 7_200)))
    return Token(str(answer["access_token"]), now + life)


def app_key(account: Account) -> tuple[str, str]:
    """What the token of a WeChat app is got with."""
    return account.settings["app_id"], account.secrets["app_secret"]


def stable_token(
    account: Account, now: dt.datetime, by_force: bool, wait: Callable[[int], float | None]
) -> Token:
    """WeChat's ``stable_token``: every process gets the same one until shortly before its end. Raises TryLater, Refused."""
    app_id, secret = app_key(account)
    wanted = {
        "grant_type": "client_credential",
        "appid": app_id,
        "secret": secret,
        "force_refresh": by_force,
    }
    return fetched(account, now, "/cgi-bin/stable_token", wanted, wait)


def one_by_one(send: Callable[[Letter], Answer], letters: Sequence[Letter]) -> list[Answer]:
    """Each letter by a call of its own: what happens to one puts off those behind it, and takes nothing back before it.

    Raises TryLater, Refused, Unsure where nothing but the first was tried.
    """
    answers: list[Answer] = []
    for place, letter in enumerate(letters):
        try:
            answers.append(send(letter))
        except (TryLater, Refused):
            if not place:
                raise
            return answers + _put_off(letters[place:])
        except Unsure:
            if len(letters) == 1:
                raise
            return answers + _put_off(letters[place + 1 :])
    return answers


def _put_off(letters: Sequence[Letter]) -> list[Answer]:
    """Those that nothing was asked for, because of what happened to one before them."""
    return [Answer(letter.message_id, False, code="put_off", wait_s=60.0) for letter in letters]


def post(
    account: Account, target: str, wanted: dict[str, Any] | None, timeout_s: float = TIMEOUT_S
) -> dict[str, Any]:
    """A POST of JSON, a GET without ``wanted``. Raises TryLater when nothing can have reached the vendor, Unsure when something
    may have, Refused without https.
    """
    address = urlsplit(account.settings["endpoint"])
    if address.scheme != "https" and address.hostname not in LOCAL:
        raise Refused("plain_http", str(_("Only https is safe enough for this.")))
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=timeout_s)
    body = None if wanted is None else json.dumps(wanted, ensure_ascii=False).encode()
    try:
        try:
            connection.connect()
        except OSError as error:
            raise TryLater("unreachable", 30.0) from error
        try:
            method = "GET" if body is None else "POST"
            connection.request(method, target, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unsure(type(error).__name__) from error
    finally:
        connection.close()
    if response.status >= 500 or not isinstance(answer, dict):
        raise Unsure(str(response.status))
    return answer


def picture(account: Account, url: str, hosts: Sequence[str]) -> bytes:
    """A picture that the vendor keeps at one of its ``hosts`` (endings), or where the account's endpoint is on this machine.

    Raises TryLater, Refused.
    """
    address, endpoint = urlsplit(url), urlsplit(account.settings["endpoint"])
    is_theirs = address.scheme == "https" and (address.hostname or "").endswith(tuple(hosts))
    if not is_theirs and not (address.netloc == endpoint.netloc and endpoint.hostname in LOCAL):
        raise Refused("no_picture", address.hostname or "")
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=TIMEOUT_S)
    try:
        connection.request("GET", f"{address.path}?{address.query}")
        response = connection.getresponse()
        raw = response.read(PICTURE_BYTES_MAX + 1)
    except (OSError, http.client.HTTPException) as error:
        raise TryLater("unreachable", 30.0) from error
    finally:
        connection.close()
    if response.status != 200 or len(raw) > PICTURE_BYTES_MAX or not raw.startswith(PICTURE_BEGINS):
        raise Refused("no_picture", str(response.status))
    return raw


def answer_of(
    letter: Letter,
    answer: Mapping[str, Any],
    is_account_trouble: Callable[[int], bool],
    seconds_to_wait: Callable[[int], float | None],
) -> Answer:
    """What the vendor's ``errcode`` says of one letter. Raises Refused when it is about the account, TryLater."""
    code, text = int(answer.get("errcode", -2)), str(answer.get("errmsg", ""))
    if code == 0:
        return Answer(letter.message_id, True, str(answer.get("msgid", "")))
    if is_account_trouble(code):
        raise Refused(str(code), text)
    seconds = seconds_to_wait(code)
    if seconds is not None:
        raise TryLater(str(code), seconds)
    return Answer(letter.message_id, False, code=str(code), text=text)
