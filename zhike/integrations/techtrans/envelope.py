"""SOAP envelopes, 1.1 and 1.2: read without trust, written as text.

No document type, no entities, no more than a megabyte. Old tills write GBK, say so or not, or say UTF-8 and write GBK; all of
these are understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from zhike.integrations.techtrans.contract import NAMESPACE

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

BODY_MAX = 1024 * 1024
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
MEDIA_TYPES = {SOAP11: "text/xml; charset=utf-8", SOAP12: "application/soap+xml; charset=utf-8"}

_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"""<\?xml[^>]{0,100}encoding\s*=\s*["']([A-Za-z0-9._-]{1,20})["']""")
_CHARSET = re.compile(r"""charset\s*=\s*"?([A-Za-z0-9._-]{1,20})""", re.IGNORECASE)
_CHINESE = ("gbk", "gb2312", "gb18030", "cp936")


class Unreadable(Exception):
    """What came is no envelope of ours; the text says why, in words for whoever programs the till."""


@dataclass(frozen=True, slots=True)
class Call:
    """What was called: the name without its namespace, its element, and which SOAP it came in."""

    name: str
    element: Element
    soap: str


def read(raw: bytes, content_type: str) -> Call:
    """Raises Unreadable."""
    text = _DECLARATION.sub("", _decoded(raw, content_type), count=1)
    try:
        root = fromstring(text, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException as error:
        raise Unreadable("document types and entities are not allowed") from error
    except (ParseError, ValueError) as error:
        raise Unreadable(f"not well-formed XML: {error}") from error
    soap, name = _split(root.tag)
    if name != "Envelope" or soap not in MEDIA_TYPES:
        raise Unreadable("not a SOAP envelope")
    body = root.find(f"{{{soap}}}Body")
    called = None if body is None else next(iter(body), None)
    if called is None:
        raise Unreadable("the SOAP body is empty")
    return Call(_split(called.tag)[1], called, soap)


def child(element: Element | None, name: str) -> Element | None:
    """The first child of this local name, whatever its namespace."""
    if element is None:
        return None
    return next((one for one in element if _split(one.tag)[1] == name), None)


def children(element: Element | None, name: str) -> list[Element]:
    return [] if element is None else [one for one in element if _split(one.tag)[1] == name]


def text(element: Element | None, name: str) -> str:
    """The text of a child, "" without one."""
    found = child(element, name)
    return "" if found is None or found.text is None else found.text.strip()


def answer(soap: str, name: str, inside: str) -> str:
    """The envelope of an answer; `inside` is XML already."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{soap}"><soap:Body>'
        f'<{name}Response xmlns="{NAMESPACE}">{inside}</{name}Response></soap:Body></soap:Envelope>'
    )


def fault(soap: str, reason: str, *, ours: bool = False) -> str:
    """A fault: the caller's by default; `ours` means that the same call may be sent again."""
    said = escape(reason)
    if soap == SOAP12:
        code = "Receiver" if ours else "Sender"
        inside = (
            f"<soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code>"
            f'<soap:Reason><soap:Text xml:lang="en">{said}</soap:Text></soap:Reason>'
        )
    else:
        code = "Server" if ours else "Client"
        inside = f"<faultcode>soap:{code}</faultcode><faultstring>{said}</faultstring>"
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{soap}"><soap:Body>'
        f"<soap:Fault>{inside}</soap:Fault></soap:Body></soap:Envelope>"
    )


def _split(tag: str) -> tuple[str, str]:
    """Namespace and local name."""
    space, brace, name = tag.rpartition("}")
    return (space[1:], name) if brace else ("", tag)


def _decoded(raw: bytes, content_type: str) -> str:
    """As it is said to be written; where that cannot be, as UTF-8 or GBK."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        said = ["utf-16"]
    else:
        declared, charset = _ENCODING.search(raw[:200]), _CHARSET.search(content_type)
        said = [declared[1].decode("ascii").lower()] if declared else []
        said += [charset[1].lower()] if charset else []
    known = ["gb18030" if name in _CHINESE else name for name in said]
    for encoding in [
        *(name for name in known if name in ("utf-8", "utf8", "gb18030", "utf-16")),
        "utf-8",
        "gb18030",
    ]:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("the text is neither UTF-8 nor GBK")
