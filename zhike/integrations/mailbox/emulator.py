"""A mail server on 127.0.0.1, for tests and the demo: IMAP4rev1 (RFC 3501) as far as a reader needs it, and SMTP to put e-mails in.

What is sent by SMTP lies in ``Post.sent``; a customer of the demonstration answers by ``Post.deliver``.
"""

from __future__ import annotations

import itertools
import re
import socketserver
import threading
from dataclasses import dataclass, field
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from typing import ClassVar

USER, PASSWORD = "service", "demo-password"
ADDRESS, AUTHORITY = "service@mall.example", "mx.mall.example"


@dataclass
class Post:
    """The state of the server; tests set its faults. ``mails`` are (uid, bytes)."""

    validity: int = 1
    mails: list[tuple[int, bytes]] = field(default_factory=list)
    sent: list[tuple[str, str, bytes]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    drops_after_data: int = 0
    wants_id: bool = False
    commands: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _uids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def deliver(self, raw: bytes) -> int:
        """Put an e-mail into the mailbox; its UID."""
        with self.lock:
            uid = next(self._uids)
            self.mails.append((uid, raw))
        return uid

    def renumber(self) -> None:
        """What happens when a mailbox is moved to another server: new numbers under a new UIDVALIDITY."""
        with self.lock:
            self.validity += 1
            self._uids = itertools.count(1)
            self.mails = [(next(self._uids), raw) for _uid, raw in self.mails]

    @property
    def next_uid(self) -> int:
        return max((uid for uid, _raw in self.mails), default=0) + 1


class MailEmulator:
    """Starts both servers on free ports of 127.0.0.1: ``imap_port`` and ``smtp_port``."""

    def __init__(self, post: Post | None = None, imap_port: int = 0, smtp_port: int = 0) -> None:
        self.post = post or Post()
        self._servers = [_serve(_Imap, self.post, imap_port), _serve(_Smtp, self.post, smtp_port)]
        self.imap_port, self.smtp_port = (int(one.server_address[1]) for one in self._servers)

    def __enter__(self) -> MailEmulator:
        for one in self._servers:
            threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_problem: object) -> None:
        for one in self._servers:
            one.shutdown()
            one.server_close()

    def settings(self) -> dict[str, str]:
        return settings(self.imap_port, self.smtp_port)


def settings(imap_port: int, smtp_port: int) -> dict[str, str]:
    """What a line to it is told."""
    return {
        "address": ADDRESS, "sender_name": "星河城客服", "imap_host": "127.0.0.1", "imap_port": str(imap_port),
        "imap_security": "none", "smtp_host": "127.0.0.1", "smtp_port": str(smtp_port), "smtp_security": "none",
        "user": USER, "password": PASSWORD, "folder": "INBOX", "authority": AUTHORITY, "tags": "yes",
    }  # fmt: skip


def letter(name: str, address: str, title: str, words: str, own_name: str) -> bytes:
    """An e-mail to us, as it comes out of our mail server: with what it found out about the sender."""
    mail = EmailMessage(policy=policy.SMTP)
    user, _at, domain = address.partition("@")
    mail["Authentication-Results"] = f"{AUTHORITY}; spf=pass; dkim=pass; dmarc=pass"
    mail["From"], mail["To"], mail["Subject"] = Address(name, user, domain), ADDRESS, title
    mail["Message-ID"] = own_name
    mail.set_content(words)
    return mail.as_bytes()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    post: Post


def _serve(handler: type[socketserver.StreamRequestHandler], post: Post, port: int) -> _Server:
    server = _Server(("127.0.0.1", port), handler)
    server.post = post
    return server


class _Line(socketserver.StreamRequestHandler):
    """One command a line, ended by CRLF."""

    server: _Server
    timeout = 30

    def say(self, text: str | bytes) -> None:
        self.wfile.write((text.encode() if isinstance(text, str) else text) + b"\r\n")

    def hear(self) -> str | None:
        line = self.rfile.readline(65_536)
        return line.decode("utf-8", "replace").rstrip("\r\n") if line else None


_FIELDS = re.compile(r"\((.*)\)")


class _Imap(_Line):
    """LOGIN, ID, SELECT or EXAMINE, UID SEARCH, UID FETCH, NOOP, LOGOUT."""

    is_in = False
    has_said_who = False
    is_selected = False
    OPEN: ClassVar[frozenset[str]] = frozenset({"CAPABILITY", "NOOP", "LOGOUT", "LOGIN", "ID"})

    def handle(self) -> None:
        self.say("* OK mail emulator ready")
        while (line := self.hear()) is not None:
            tag, _space, rest = line.partition(" ")
            verb, _space, given = rest.partition(" ")
            verb = verb.upper()
            self.server.post.commands.append(rest)
            if verb == "LOGOUT":
                self.say("* BYE")
                self.say(f"{tag} OK done")
                return
            if verb not in self.OPEN and not self.is_in:
                self.say(f"{tag} NO log in first")
                continue
            answer = getattr(self, f"do_{verb.lower()}", None)
            self.say(f"{tag} {answer(given)}" if answer else f"{tag} BAD unknown command")

    def do_capability(self, _given: str) -> str:
        self.say("* CAPABILITY IMAP4rev1 ID")
        return "OK done"

    def do_noop(self, _given: str) -> str:
        return "OK done"

    def do_id(self, _given: str) -> str:
        self.has_said_who = True
        self.say('* ID ("name" "emulator")')
        return "OK done"

    def do_login(self, given: str) -> str:
        self.is_in = [one.strip('"') for one in given.split()] == [USER, PASSWORD]
        return "OK welcome" if self.is_in else "NO [AUTHENTICATIONFAILED] wrong user or password"

    def do_examine(self, given: str) -> str:
        post = self.server.post
        if post.wants_id and not self.has_said_who:
            return "NO EXAMINE Unsafe Login. Please contact kefu@188.com for help"
        if given.strip('"').upper() != "INBOX":
            return "NO no such mailbox"
        self.is_selected = True
        with post.lock:
            self.say(f"* {len(post.mails)} EXISTS")
            self.say(f"* OK [UIDVALIDITY {post.validity}] valid")
            self.say(f"* OK [UIDNEXT {post.next_uid}] next")
        return "OK [READ-ONLY] selected"

    do_select = do_examine

    def do_uid(self, given: str) -> str:
        verb, _space, rest = given.partition(" ")
        if not self.is_selected:
            return "BAD select a mailbox first"
        return self._search(rest) if verb.upper() == "SEARCH" else self._fetch(rest)

    def _search(self, criterion: str) -> str:
        with self.server.post.lock:
            uids = [uid for uid, _raw in self.server.post.mails]
        if criterion.upper().startswith("UID "):
            first = int(criterion[4:].partition(":")[0])
            uids = [uid for uid in uids if uid >= first] or uids[-1:]
        self.say("* SEARCH " + " ".join(map(str, uids)))
        return "OK done"

    def _fetch(self, rest: str) -> str:
        uids, _space, wanted = rest.partition(" ")
        with self.server.post.lock:
            rows = list(self.server.post.mails)
        for place, (uid, raw) in enumerate(rows, start=1):
            if str(uid) == uids:
                names = _FIELDS.match(wanted)
                self._one(place, uid, raw, names[1].upper() if names else wanted.upper())
        return "OK done"

    def _one(self, place: int, uid: int, raw: bytes, wanted: str) -> None:
        parts = [b"UID %d" % uid]
        if "RFC822.SIZE" in wanted:
            parts.append(b"RFC822.SIZE %d" % len(raw))
        if "BODY.PEEK[HEADER]" in wanted:
            head = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            parts.append(b"BODY[HEADER] {%d}\r\n%s" % (len(head), head))
        elif "BODY.PEEK[]" in wanted:
            parts.append(b"BODY[] {%d}\r\n%s" % (len(raw), raw))
        self.say(b"* %d FETCH (%s)" % (place, b" ".join(parts)))


class _Smtp(_Line):
    """EHLO, MAIL, RCPT, DATA, RSET, NOOP, QUIT. ``Post.refused`` are recipients with what is said of them."""

    def handle(self) -> None:
        self.say("220 mail emulator")
        sender = to = ""
        while (line := self.hear()) is not None:
            verb = line[:4].upper()
            if verb == "QUIT":
                self.say("221 bye")
                return
            if verb == "EHLO":
                self.say("250 emulator")
            elif verb == "MAIL":
                sender = _address(line)
                self.say("250 OK")
            elif verb == "RCPT":
                to = _address(line)
                self.say(self.server.post.refused.get(to, "250 OK"))
            elif verb == "DATA":
                if not self._data(sender, to):
                    return
            else:
                self.say("250 OK" if verb in ("RSET", "NOOP", "HELO") else "502 unknown command")

    def _data(self, sender: str, to: str) -> bool:
        """Whether the connection goes on; one that drops has taken the e-mail and does not say so."""
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline(65_536)) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        post = self.server.post
        with post.lock:
            post.sent.append((sender, to, b"".join(lines)))
            if post.drops_after_data:
                post.drops_after_data -= 1
                return False
        self.say("250 OK")
        return True


def _address(line: str) -> str:
    found = re.search(r"<([^>]*)>", line)
    return found[1] if found else ""
