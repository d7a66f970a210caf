"""E-mails and our words. Pure: bytes in, values out; no address is called and no mark-up is kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from email import message_from_bytes, policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage, Message, MIMEPart
from email.utils import format_datetime, getaddresses, parsedate_to_datetime

from zhike.integrations.mailbox import folding
from zhike.service.ports import Bounce, Incoming, Media, Parcel

NAMES_MAX = 40
SMALL_PICTURE = 8 * 1024
"""Pictures inside the text below this size are logos of signatures."""
_ID = re.compile(r"<[^<>\s]{1,250}>")
_RESULT = re.compile(r"\s*(spf|dkim|dmarc)(?:/\d+)?\s*=\s*([a-z]+)", re.IGNORECASE)
_DMARC = re.compile(r"\bdmarc\s*=\s*([a-z]+)", re.IGNORECASE)
_JUDGED = re.compile(r"\bheader\.from\s*=\s*(\S+)", re.IGNORECASE)
_STRANGERS = re.compile(r'"(?:[^"\\]|\\.)*"|\([^()]*\)')
"""Quoted strings and comments, which may hold what the sender chose."""
UNREADABLE = (
    ValueError, LookupError, AttributeError, TypeError, AssertionError, OverflowError, RecursionError, MessageError,
)  # fmt: skip
"""What the parts of Python that read e-mails raise for what is no e-mail, or one inside another a thousand times."""
_MACHINES = re.compile(
    r"^(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|notifications?)\b", re.IGNORECASE
)
_CHARSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "unicode-1-1-utf-7": "utf-7",
}


def incoming(raw: bytes, own: frozenset[str], authority: str, now: dt.datetime) -> Incoming:
    """One e-mail. ``own`` are addresses of this house, ``authority`` the server whose Authentication-Results are believed (RFC 8601).

    Never raises for what a stranger wrote: what cannot be read is left out, and what cannot be read at all is of nobody.
    """
    try:
        return _read(raw, own, authority, now)
    except UNREADABLE:
        return Incoming(key=f"sha256:{hashlib.sha256(raw).hexdigest()}", address="", name="", text="", at=now)


def _read(raw: bytes, own: frozenset[str], authority: str, now: dt.datetime) -> Incoming:
    mail = message_from_bytes(raw, policy=policy.default)
    name, address = _sender(mail)
    names = _names(mail)
    proof = _proof(mail, authority, address)
    text, html, files, left_out = _parts(mail)
    words, folded = folding.parted(text or folding.plain(html))
    bounce = _bounce(mail)
    return Incoming(
        key=_key(mail, raw),
        address=address,
        name=name,
        text=_clean(words),
        at=_moment(mail, now),
        title=_clean(_header(mail, "Subject")),
        folded=_clean(folded),
        files=tuple(files),
        left_out=tuple(left_out),
        thread=tuple(names),
        is_proven=proof.get("dmarc") == "pass",
        proof=proof,
        automatic="bounce" if bounce else _automatic(mail, address, own),
        bounce=bounce,
    )


def too_large(
    head: bytes, size: int, own: frozenset[str], authority: str, notice: str, now: dt.datetime
) -> Incoming:
    """An e-mail of which only the headers were fetched."""
    found = incoming(head, own, authority, now)
    return Incoming(
        key=found.key, address=found.address, name=found.name, text=notice, at=found.at, title=found.title,
        thread=found.thread, is_proven=found.is_proven, proof=found.proof, automatic=found.automatic,
        left_out=(f"{size // 1024 // 1024} MB",),
    )  # fmt: skip


def _key(mail: EmailMessage, raw: bytes) -> str:
    found = _ID.search(_header(mail, "Message-ID"))
    return found[0] if found else f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _header(mail: EmailMessage, name: str) -> str:
    """As text, whatever is in it."""
    try:
        return _clean(str(mail.get(name, "")))
    except UNREADABLE:
        return ""


def _headers(mail: EmailMessage, name: str) -> list[str]:
    try:
        return [_clean(str(one)) for one in mail.get_all(name, [])]
    except UNREADABLE:
        return []


def _sender(mail: EmailMessage) -> tuple[str, str]:
    """(name, address) of the first one in From. Reply-To is not believed: an answer goes to whoever it is from."""
    found = [pair for pair in getaddresses([_header(mail, "From")]) if "@" in pair[1]]
    return found[0] if found else ("", "")


def _names(mail: EmailMessage) -> list[str]:
    """Names of the e-mails before it, oldest first, then the addresses it came to: one may carry our mark."""
    text = f"{_header(mail, 'References')} {_header(mail, 'In-Reply-To')}"
    names = _ID.findall(text)[-NAMES_MAX:]
    came_to = [_header(mail, name) for name in ("To", "Cc", "Delivered-To", "X-Original-To")]
    return names + [address for _name, address in getaddresses(came_to) if "@" in address][:NAMES_MAX]


def _proof(mail: EmailMessage, authority: str, address: str) -> dict[str, str]:
    """What our own mail server found out about the sender: the topmost header that it wrote, no other.

    A result stands only where RFC 8601 puts it, at the head of its part: the rest repeats what the sender chose, even
    ``dmarc=pass@…`` for a name. DMARC counts as passed only when nothing else is told of it anywhere and it is about ``address``.
    """
    found: dict[str, str] = {}
    for one in _headers(mail, "Authentication-Results")[:1]:
        server, *parts = _bare(one).split(";")
        if not authority or server.split()[:1] != [authority]:
            continue
        for part in parts:
            told = _RESULT.match(part)
            if told is None:
                continue
            name, result = told[1].lower(), told[2].lower()
            about = _JUDGED.search(part)
            doubts = [two.lower() for two in _DMARC.findall(one) if two.lower() != "pass"]
            if name == "dmarc" and result == "pass":
                is_of_sender = about is None or _is_of(about[1], address)
                result = doubts[0] if doubts else ("pass" if is_of_sender else "fail")
            found.setdefault(name, result)
    return found


def _bare(header: str) -> str:
    """Without quoted strings and comments, the innermost first."""
    while (bare := _STRANGERS.sub(" ", header)) != header:
        header = bare
    return header


def _is_of(judged: str, address: str) -> bool:
    """Whether what was judged (a domain, by some servers a whole address) is where this address is from."""
    return judged.strip("<>").rpartition("@")[2].lower() == address.rpartition("@")[2].lower()


def _automatic(mail: EmailMessage, address: str, own: frozenset[str]) -> str:
    """Why no person wrote this (RFC 3834, and what programs do besides); "" when one did."""
    said = _header(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    if address.lower() in own:
        return "own"
    if said and said != "no":
        return said[:20]
    if _header(mail, "X-Autoreply") or _header(mail, "X-Autorespond"):
        return "auto-replied"
    if _header(mail, "Precedence").lower() in ("bulk", "list", "junk", "auto_reply"):
        return "list"
    if mail.get("List-Id") or mail.get("List-Unsubscribe"):
        return "list"
    is_empty = _header(mail, "Return-Path").strip() == "<>"
    return "machine" if is_empty or _MACHINES.match(address.partition("@")[0]) else ""


def _bounce(mail: EmailMessage) -> Bounce | None:
    """A report that an e-mail of ours did not arrive (RFC 3464)."""
    if mail.get_content_type() != "multipart/report":
        return None
    status = reason = reference = ""
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status":
            blocks = part.get_payload()
            for fields in blocks if isinstance(blocks, list) else []:
                if isinstance(fields, str):
                    continue
                if str(fields.get("Action", "")).strip().lower() == "failed":
                    status = str(fields.get("Status", "")).strip()[:20] or "5.0.0"
                    reason = str(fields.get("Diagnostic-Code", "")).partition(";")[2].strip()
        elif part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            reference = _reported(part) or reference
    if not status:
        return None
    return Bounce(reference or " ".join(_names(mail)), status, _clean(" ".join(reason.split())))


def _reported(part: MIMEPart) -> str:
    """The Message-ID of the e-mail that a report returns, or of which it returns the headers."""
    inner = part.get_payload()
    if isinstance(inner, list):
        first = inner[0] if inner else None
        found = _ID.search(str(first.get("Message-ID", ""))) if isinstance(first, Message) else None
        return found[0] if found else ""
    text = _bytes(part).decode("utf-8", "replace")
    told = re.search(r"^Message-ID:\s*(<[^<>\s]+>)", text, re.IGNORECASE | re.MULTILINE)
    return told[1] if told else ""


def _parts(mail: EmailMessage) -> tuple[str, str, list[Media], list[str]]:
    """(text, HTML, files, names of what was left out)."""
    texts: list[str] = []
    pages: list[str] = []
    files: list[Media] = []
    left_out: list[str] = []
    for part in mail.walk():
        kind, name = part.get_content_type(), _file_name(part)
        if part.is_multipart():
            continue
        is_attached = part.get_content_disposition() == "attachment" or bool(name)
        if kind in ("text/plain", "text/html") and not is_attached:
            (texts if kind == "text/plain" else pages).append(_text(part))
        elif kind not in ("message/delivery-status", "text/rfc822-headers"):
            content = _bytes(part)
            is_logo = part.get("Content-ID") and kind.startswith("image/") and len(content) < SMALL_PICTURE
            if content and not is_logo:
                files.append(Media(name or kind.replace("/", "."), content))
            elif name and not is_logo:
                left_out.append(name)
    return "\n".join(texts).strip(), "\n".join(pages), files, left_out


def _file_name(part: MIMEPart) -> str:
    try:
        return _clean(part.get_filename() or "")
    except UNREADABLE:
        return ""


def _bytes(part: MIMEPart) -> bytes:
    try:
        found = part.get_payload(decode=True)
    except UNREADABLE:
        return b""
    return found if isinstance(found, bytes) else b""


def _text(part: MIMEPart) -> str:
    """In its character set, or in the likeliest where it lies about it: Chinese programs say gb2312 and mean GB 18030."""
    raw = _bytes(part)
    named = str(part.get_content_charset() or "utf-8").lower()
    for charset in (_CHARSETS.get(named, named), "utf-8", "gb18030"):
        try:
            return raw.decode(charset)
        except (ValueError, LookupError):
            continue
    return raw.decode("utf-8", errors="replace")


def _clean(text: str) -> str:
    """Without what no column keeps: NUL, halves of characters, control characters but the ends of lines."""
    text = text.encode("utf-8", "replace").decode()
    return "".join(one for one in text if one in "\n\t" or (one.isprintable() or one == "\u3000"))


def _moment(mail: EmailMessage, now: dt.datetime) -> dt.datetime:
    try:
        found = parsedate_to_datetime(_header(mail, "Date"))
        return found.astimezone(dt.UTC) if found.tzinfo else now
    except UNREADABLE:
        return now


# --- what goes out -------------------------------------------------------------------------------------------------


def outgoing(parcel: Parcel, sender: str, sender_name: str, has_tags: bool, now: dt.datetime) -> EmailMessage:
    """An answer with what keeps it in its thread (RFC 5322, 3.6.4). It is written by a person or by the assistant, so it is answered."""
    name, _at, domain = sender.partition("@")
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = Address(_one_line(sender_name), name, domain)
    mail["To"] = Address(addr_spec=parcel.address)
    title = _one_line(parcel.title)
    is_answer = re.match(r"(re|回复|答复|回覆)\s*[：:]", title, re.IGNORECASE)
    mail["Subject"] = title if is_answer else f"Re: {title}".strip()
    mail["Date"] = format_datetime(parcel.at or now)
    mail["Message-ID"] = f"<{parcel.reference}@{domain}>"
    known = [
        one if "@" in one else f"<{one}@{domain}>" for one in parcel.answers if not one.startswith("sha256:")
    ]
    if known:
        mail["In-Reply-To"] = known[-1]
        mail["References"] = " ".join(known)
    if has_tags:
        mail["Reply-To"] = Address(_one_line(sender_name), f"{name}+{parcel.return_mark}", domain)
    mail.set_content(parcel.text, charset="utf-8", cte="base64")
    for file in parcel.files:
        mail.add_attachment(file.content, maintype="application", subtype="octet-stream", filename=file.name)
    return mail


def _one_line(text: str) -> str:
    return " ".join(text.split())
