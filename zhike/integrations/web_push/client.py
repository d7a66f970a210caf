"""Speaks Web Push: encrypts for each browser (RFC 8291), signs as this house (RFC 8292), posts to its service (RFC 8030)."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils.translation import gettext_lazy as _

from zhike.integrations.web_push import mapping, vapid
from zhike.kernel import clock
from zhike.kernel.outward import Forbidden, Pinned, public_fault, resolve
from zhike.messaging.ports import Account, AccountField, Answer, Device, Letter, Refused

TIMEOUT_S = 10.0
LINES = 8
"""How many messages of a call are on their way at once: each is a request of its own to a far server."""
RECORD = 4_096
LOCAL = ("127.0.0.1", "localhost", "::1")


def is_contact(text: str) -> bool:
    return text.startswith(("mailto:", "https://")) and len(text) > 8 and " " not in text


class WebPush:
    """A gateway for notifications (``messaging.ports``). Stateless; one instance serves all accounts."""

    vendor = "web_push"
    name = "Web Push"
    channel = "push"
    batch_max = 64
    shares_values = False
    needs_template = False
    fields = (
        AccountField(
            "contact",
            _("Contact for push services"),
            _("Whom a push service may ask about our notifications: mailto:… or https://…"),
            is_usable=is_contact,
        ),
        AccountField(
            "private_key",
            _("Private key (VAPID)"),
            _("Leave it empty: it is made once and kept. Another key makes every browser ask anew."),
            is_secret=True,
            is_required=False,
            make=vapid.new_key,
            is_usable=vapid.is_private_key,
        ),
        AccountField(
            "services",
            _("Further push services"),
            _("Hosts besides those of Chrome, Firefox, Edge and Safari, with commas between."),
            is_required=False,
        ),
        AccountField(
            "emulator",
            _("Emulator"),
            _("An address of this machine for all notifications."),
            is_required=False,
        ),
    )

    def send(self, account: Account, key: str, letters: Sequence[Letter]) -> list[Answer]:
        """One answer for each message whose fate is known; it is taken when one browser's service took it."""
        lines = [letters[start::LINES] for start in range(min(LINES, len(letters)))]
        with ThreadPoolExecutor(max_workers=len(lines) or 1) as pool:
            carried = pool.map(lambda line: _Line(account, clock.now()).carry(line), lines)
            answers = [answer for line in carried for answer in line if answer is not None]
        if answers and all(answer.code in ("401", "403") for answer in answers):
            raise Refused(answers[0].code, answers[0].text)
        return sorted(answers, key=lambda answer: answer.message_id)

    def find(
        self, account: Account, key: str, letters: Sequence[Letter], sent_at: dt.datetime
    ) -> list[Answer] | None:
        """A push service cannot be asked."""
        return None

    def lint(self, body: str, kind: str) -> list[str]:
        """A phone shows a few lines; what is longer belongs on a page."""
        return ["notification_too_long"] if len(body) > mapping.LENGTH_MAX else []

    def public_key(self, account: Account) -> str:
        return vapid.public_key(account.secrets["private_key"])

    def device_fault(self, account: Account, device: Device) -> str:
        services = mapping.SERVICES + mapping.more_services(account.settings.get("services", ""))
        return mapping.endpoint_fault(device.endpoint, services) or mapping.keys_fault(device)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a push service said of one browser: ``fate`` is taken, gone, later, unsure or refused."""

    fate: str
    code: str = ""
    text: str = ""
    wait_s: float = 0.0
    reference: str = ""


@dataclass
class _Line:
    """Messages one after the other, over connections that stay open."""

    account: Account
    now: dt.datetime
    open: dict[str, http.client.HTTPConnection] = field(default_factory=dict)
    signed: dict[str, str] = field(default_factory=dict)

    def carry(self, letters: Sequence[Letter]) -> list[Answer | None]:
        try:
            return [_sum(letter, [self._post(letter, one) for one in letter.devices]) for letter in letters]
        finally:
            for connection in self.open.values():
                connection.close()

    def _post(self, letter: Letter, device: Device) -> _Outcome:
        services = mapping.SERVICES + mapping.more_services(self.account.settings.get("services", ""))
        if fault := mapping.endpoint_fault(device.endpoint, services):
            return _Outcome("refused", fault)
        parts = urlsplit(device.endpoint)
        host = parts.hostname or ""
        body = sealed(mapping.payload(letter), device)
        headers = {
            "Host": host,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(min(max(letter.seconds, 0), mapping.LIFE_MAX_S)),
            "Urgency": mapping.URGENCY.get(letter.kind, "normal"),
            "Topic": mapping.topic(letter),
            "Authorization": self._authorization(f"https://{host}"),
        }
        try:
            connection = self._connected(host)
        except Forbidden as fault:
            return _Outcome("refused", "private", str(fault))
        except OSError:
            return _Outcome("later", "unreachable", wait_s=mapping.WAIT_DEFAULT_S)
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        try:
            connection.request("POST", target, body, headers)
            answer = connection.getresponse()
            text = answer.read(2_000).decode(errors="replace")
            answer.close()
        except (OSError, http.client.HTTPException):
            with contextlib.suppress(KeyError):
                self.open.pop(host).close()
            return _Outcome("unsure")
        return self._outcome(answer, text)

    def _authorization(self, audience: str) -> str:
        if audience not in self.signed:
            secret, contact = self.account.secrets["private_key"], self.account.settings["contact"]
            self.signed[audience] = vapid.authorization(secret, audience, contact, self.now)
        return self.signed[audience]

    def _connected(self, host: str) -> http.client.HTTPConnection:
        """To the service itself, at an address of the open internet; or to the emulator on this machine."""
        if host not in self.open or self.open[host].sock is None:
            emulator = urlsplit(self.account.settings.get("emulator", ""))
            if emulator.hostname in LOCAL and emulator.scheme == "http":
                line = http.client.HTTPConnection(emulator.netloc, timeout=TIMEOUT_S)
            elif emulator.netloc:
                raise Forbidden("not-this-machine")
            else:
                address = resolve(host, 443, public_fault)
                line = Pinned(host, 443, address, is_tls=True, timeout_s=TIMEOUT_S)
            line.connect()
            self.open[host] = line
        return self.open[host]

    def _outcome(self, answer: http.client.HTTPResponse, text: str) -> _Outcome:
        status = answer.status
        if 200 <= status < 300:
            reference = (answer.getheader("Location", "") or "").rpartition("/")[2]
            return _Outcome("taken", reference=reference)
        if status in (404, 410):
            return _Outcome("gone", str(status))
        if status == 429 or status >= 500:
            wait_s = mapping.seconds_to_wait(answer.getheader("Retry-After", "") or "", self.now)
            return _Outcome("later", str(status), wait_s=wait_s)
        return _Outcome("refused", str(status), text[:200])


def _sum(letter: Letter, outcomes: Sequence[_Outcome]) -> Answer | None:
    """One answer for all browsers of a person, None when nobody knows."""
    paired = zip(letter.devices, outcomes, strict=True)
    gone = tuple(device.id for device, outcome in paired if outcome.fate == "gone")
    by_fate = {outcome.fate: outcome for outcome in reversed(outcomes)}
    if "taken" in by_fate:
        return Answer(letter.message_id, True, by_fate["taken"].reference, gone=gone)
    if "unsure" in by_fate:
        return None
    if "later" in by_fate:
        late = by_fate["later"]
        return Answer(letter.message_id, False, code=late.code, wait_s=late.wait_s, gone=gone)
    if "refused" in by_fate:
        wrong = by_fate["refused"]
        return Answer(letter.message_id, False, code=wrong.code, text=wrong.text, gone=gone)
    return Answer(letter.message_id, False, code="no_device", gone=gone)


def sealed(plain: bytes, device: Device) -> bytes:
    """Readable by this browser only: a new key pair and a new salt for every message."""
    body: bytes = http_ece.encrypt(
        plain,
        private_key=ec.generate_private_key(vapid.CURVE),
        dh=vapid.unpacked(device.p256dh),
        auth_secret=vapid.unpacked(device.auth),
        version="aes128gcm",
        rs=RECORD,
    )
    return body
