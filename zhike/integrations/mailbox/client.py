"""Reads a mailbox by IMAP and answers by SMTP. Nothing in the mailbox is changed, not even what is read.

Servers are looked up once and judged: only public addresses, or networks that this house named (``ZHIKE_MAIL_NETWORKS``), and the
connection goes to the judged address.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import imaplib
import ipaddress
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from zhike.integrations.mailbox import mapping
from zhike.kernel import clock
from zhike.kernel.addresses import address_of
from zhike.kernel.filetypes import content_type_of
from zhike.kernel.outward import Forbidden, public_fault, resolve
from zhike.service.ports import AccountField, Door, Gone, Incoming, Media, Parcel, Refused, TryLater, Unsure

TIMEOUT_S = 20.0
SIZE_MAX = 30 * 1024 * 1024
OVERLAP = dt.timedelta(days=2)
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_UID = re.compile(rb"UID (\d+)")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
SECURITY = ("tls", "starttls", "none")


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text[:6]) < 65_536


def _is_host(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9.:_-]{1,250}", text))


def _is_address(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9._%-]{1,60}@[A-Za-z0-9.-]{1,180}", text))


_ENCRYPTION = _("tls, starttls, or none on this machine.")
_AUTHORITY = _(
    "The name that your mail server writes at the head of Authentication-Results. Without it no sender counts as proven."
)
FIELDS = (
    AccountField(
        "address", _("Address"), _("Customers write here, and answers come from here."), is_usable=_is_address
    ),
    AccountField("sender_name", _("Sender's name"), is_required=False),
    AccountField("imap_host", _("Incoming server (IMAP)"), is_usable=_is_host),
    AccountField("imap_port", _("Port of the incoming server"), default="993", is_usable=_is_port),
    AccountField(
        "imap_security",
        _("Encryption of the incoming server"),
        _ENCRYPTION,
        default="tls",
        is_usable=SECURITY.__contains__,
    ),
    AccountField("smtp_host", _("Outgoing server (SMTP)"), is_usable=_is_host),
    AccountField("smtp_port", _("Port of the outgoing server"), default="465", is_usable=_is_port),
    AccountField(
        "smtp_security",
        _("Encryption of the outgoing server"),
        _ENCRYPTION,
        default="tls",
        is_usable=SECURITY.__contains__,
    ),
    AccountField("user", _("User name"), is_usable=str.isascii),
    AccountField(
        "password",
        _("Password"),
        _("Many providers want one made for programs (授权码)."),
        is_secret=True,
        is_usable=str.isascii,
    ),
    AccountField("folder", _("Folder"), default="INBOX", is_usable=str.isascii),
    AccountField("authority", _("Server that checks senders"), _AUTHORITY, is_required=False),
    AccountField(
        "tags",
        _("Answers to tagged addresses"),
        _("yes, when the server takes service+anything@… for service@…."),
        default="no",
        is_usable=("yes", "no").__contains__,
    ),
)


class Mailbox:
    """A voice that is read (``service.ports``)."""

    channel = "email"
    name = "E-mail"
    vendor = ""
    identifier = "email"
    is_repeatable = True
    open_for: dt.timedelta | None = None
    answers_max: int | None = None
    fields = FIELDS

    def carries(self, head: bytes) -> bool:
        return content_type_of(head) is not None

    def fetch(self, door: Door, media: str) -> Media | Gone:
        """Files of e-mails come with them."""
        return Gone("none")

    def show_typing(self, door: Door, address: str) -> None:
        """Nobody sees it."""

    # --- reading ---------------------------------------------------------------------------------------------------

    def listen(self, door: Door, limit: int) -> Iterator[tuple[Mapping[str, Any], Sequence[Incoming]]]:
        """E-mails by their UIDs. A new line begins at the end; a mailbox that numbered anew (UIDVALIDITY) is gone through from two
        days before the last look, and what is known is known by its Message-ID.
        """
        with contextlib.closing(_Reading(door)) as reading:
            validity, following = reading.select(door.settings["folder"])
            mark = dict(door.mark)
            now = clock.now()
            if not mark:
                yield {"validity": validity, "uid": following - 1, "at": now.isoformat()}, ()
                return
            if mark.get("validity") == validity:
                uids = reading.after(int(mark["uid"]))
            else:
                seen = dt.datetime.fromisoformat(mark.get("at", now.isoformat()))
                uids = reading.since(seen - OVERLAP)
            for uid in uids[:limit]:
                mark = {"validity": validity, "uid": uid, "at": now.isoformat()}
                found = reading.mail(uid, door, now)
                yield mark, ([found] if found is not None else [])

    # --- answering -------------------------------------------------------------------------------------------------

    def carry(self, door: Door, parcel: Parcel) -> Gone | None:
        """One e-mail; None when the server took it."""
        given = door.settings
        mail = mapping.outgoing(
            parcel, given["address"], given.get("sender_name", ""), given.get("tags") == "yes", clock.now()
        )
        server = _smtp(door)
        try:
            server.send_message(mail, given["address"], [parcel.address])
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            if 400 <= code < 500:
                raise TryLater(str(code), 300.0) from error
            return Gone(str(code), _words(text))
        except smtplib.SMTPSenderRefused as error:
            raise Refused(str(error.smtp_code), _words(error.smtp_error)) from error
        except smtplib.SMTPResponseException as error:
            if 400 <= error.smtp_code < 500:
                raise TryLater(str(error.smtp_code), 300.0) from error
            return Gone(str(error.smtp_code), _words(error.smtp_error))
        except (smtplib.SMTPException, OSError) as error:
            raise Unsure(type(error).__name__) from error
        finally:
            server.close()
        return None


def _words(text: bytes | str) -> str:
    return " ".join((text.decode("utf-8", "replace") if isinstance(text, bytes) else text).split())


def _connected(host: str, port: int, security: str) -> socket.socket:
    """A connection to the judged address. Raises Refused, TryLater."""
    networks = [ipaddress.ip_network(one) for one in settings.MAIL_NETWORKS]

    def fault(address: str) -> str:
        ip = address_of(address)
        return "" if any(ip in network for network in networks) else public_fault(address)

    try:
        address = resolve(host, port, fault)
        if security == "none" and not address_of(address).is_loopback:
            raise Refused("plain", str(_("Only an encrypted connection is safe enough for this.")))
        return socket.create_connection((address, port), TIMEOUT_S)
    except Forbidden as error:
        raise Refused("forbidden", str(_("This server is not on the open internet."))) from error
    except (OSError, UnicodeError) as error:
        raise TryLater(type(error).__name__, 60.0) from error


class _Imap(imaplib.IMAP4):
    """Speaks over a connection that was made and judged before."""

    def __init__(self, host: str, connection: socket.socket) -> None:
        self._given = connection
        super().__init__(host)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._given


class _Smtp(smtplib.SMTP):
    """Speaks over a connection that was made and judged before; its name is not looked up."""

    def __init__(self, host: str, connection: socket.socket) -> None:
        self._given = connection
        super().__init__(local_hostname="localhost", timeout=TIMEOUT_S)
        self._host = host
        code, text = self.connect(host)
        if code != 220:
            self.close()
            raise smtplib.SMTPConnectError(code, text)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._given


def _wrapped(connection: socket.socket, host: str, security: str) -> socket.socket:
    if security != "tls":
        return connection
    return ssl.create_default_context().wrap_socket(connection, server_hostname=host)


def _smtp(door: Door) -> smtplib.SMTP:
    """Logged in. Raises Refused, TryLater."""
    given = door.settings
    host, security = given["smtp_host"], given["smtp_security"]
    connection = _connected(host, int(given["smtp_port"]), security)
    try:
        server = _Smtp(host, _wrapped(connection, host, security))
        if security == "starttls":
            server.starttls(context=ssl.create_default_context())
        server.ehlo_or_helo_if_needed()
        if server.has_extn("auth"):
            server.login(given["user"], door.secrets["password"])
    except smtplib.SMTPAuthenticationError as error:
        connection.close()
        raise Refused(str(error.smtp_code), "authentication") from error
    except ssl.SSLCertVerificationError as error:
        connection.close()
        raise Refused("certificate", error.verify_message) from error
    except (OSError, smtplib.SMTPException) as error:
        connection.close()
        raise TryLater(type(error).__name__, 60.0) from error
    return server


class _Reading:
    """One visit to a mailbox."""

    def __init__(self, door: Door) -> None:
        given = door.settings
        host, security = given["imap_host"], given["imap_security"]
        connection = _connected(host, int(given["imap_port"]), security)
        try:
            self._imap = _Imap(host, _wrapped(connection, host, security))
            if security == "starttls":
                self._imap.starttls(ssl.create_default_context())
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise Refused("certificate", error.verify_message) from error
        except (OSError, imaplib.IMAP4.error) as error:
            connection.close()
            raise TryLater(type(error).__name__, 60.0) from error
        try:
            self._imap.login(given["user"], door.secrets["password"])
        except imaplib.IMAP4.abort as error:
            raise TryLater("abort", 60.0) from error
        except imaplib.IMAP4.error as error:
            self.close()
            raise Refused("login", _words(str(error))[:80]) from error
        except OSError as error:
            raise TryLater(type(error).__name__, 60.0) from error

    def close(self) -> None:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self._imap.logout()

    def select(self, folder: str) -> tuple[int, int]:
        """(UIDVALIDITY, UIDNEXT). NetEase lets in only programs that say who they are (ID, RFC 2971)."""
        if "ID" in self._imap.capabilities:
            imaplib.Commands.setdefault("ID", ("AUTH", "SELECTED"))
            self._call(lambda: self._imap._simple_command("ID", '("name" "zhike")'))
        quoted = '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
        self._call(lambda: self._imap.select(quoted, readonly=True))
        validity = self._imap.response("UIDVALIDITY")[1]
        following = self._imap.response("UIDNEXT")[1]
        if not validity or validity[0] is None:
            raise Refused("no_uidvalidity")
        known = following and following[0]
        first = int(cast(bytes, known)) if known else max(self.after(0), default=0) + 1
        return int(cast(bytes, validity[0])), first

    def after(self, uid: int) -> list[int]:
        """UIDs beyond one, in order. ``n:*`` always names the last, so it is looked at again here."""
        return [one for one in self._uids(f"UID {uid + 1}:*") if one > uid]

    def since(self, moment: dt.datetime) -> list[int]:
        """By the day on which they came in."""
        return self._uids(f"SINCE {moment.day}-{_MONTHS[moment.month - 1]}-{moment.year}")

    def _uids(self, criterion: str) -> list[int]:
        data = self._call(lambda: self._imap.uid("SEARCH", criterion))
        return sorted(int(one) for line in data if line for one in line.split())

    def mail(self, uid: int, door: Door, now: dt.datetime) -> Incoming | None:
        """The e-mail; None when it has gone meanwhile. Of one that is too large only the headers are fetched."""
        own = frozenset({door.settings["address"].lower()})
        authority = door.settings.get("authority", "")
        data = self._call(lambda: self._imap.uid("FETCH", str(uid), "(UID RFC822.SIZE)"))
        size = next((int(found[1]) for line in data if (found := _SIZE.search(_flat(line)))), None)
        if size is None:
            return None
        part = "BODY.PEEK[]" if size <= SIZE_MAX else "BODY.PEEK[HEADER]"
        data = self._call(lambda: self._imap.uid("FETCH", str(uid), f"(UID {part})"))
        raw = next((line[1] for line in data if isinstance(line, tuple) and _UID.search(_flat(line))), None)
        if raw is None:
            raw = next((line[1] for line in data if isinstance(line, tuple)), None)
        if raw is None:
            return None
        if size > SIZE_MAX:
            notice = str(_("This e-mail is too large to be taken in. It lies in the mailbox."))
            return mapping.too_large(raw, size, own, authority, notice, now)
        return mapping.incoming(raw, own, authority, now)

    def _call(self, act: Any) -> list[Any]:
        """Raises TryLater when the server cannot now, Refused when it will not."""
        try:
            status, data = act()
        except (imaplib.IMAP4.abort, OSError) as error:
            raise TryLater(type(error).__name__, 60.0) from error
        except imaplib.IMAP4.error as error:
            raise Refused("imap", _words(str(error))[:80]) from error
        if status != "OK":
            raise Refused("imap", _words(data[0] if data and data[0] else status)[:80])
        return list(data)


def _flat(line: Any) -> bytes:
    if isinstance(line, tuple):
        return b" ".join(one for one in line[:1] if isinstance(one, bytes))
    return line if isinstance(line, bytes) else b""
