"""What tills call: the WSDL on GET, the calls on POST, all at one address."""

from __future__ import annotations

import logging
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from zhike.intake import operations, queries
from zhike.intake.operations import DAY_TOTAL, Refusal, TillReceipt
from zhike.integrations.techtrans import contract, envelope, mapping
from zhike.integrations.techtrans.envelope import SOAP11, Call, Unreadable, child, text
from zhike.kernel import clock, ratelimit
from zhike.organization import queries as organization

if TYPE_CHECKING:
    import datetime as dt
    from xml.etree.ElementTree import Element

    from zhike.intake.queries import TillSession

logger = logging.getLogger(__name__)

CALLS_PER_MINUTE = 600
"""Of one user name from one address: ten receipts a second."""
SALES_DATA = "SALESDATA"


@csrf_exempt
@require_http_methods(["GET", "POST"])
def salestrans(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        address = request.build_absolute_uri(request.path)
        return HttpResponse(contract.wsdl(address), content_type="text/xml; charset=utf-8")
    soap = SOAP11
    try:
        call = envelope.read(_body(request), request.META.get("CONTENT_TYPE", ""))
        soap = call.soap
        found = _answer(request, call)
    except Unreadable as error:
        status = 400 if soap == envelope.SOAP12 else 500
        return _response(soap, envelope.fault(soap, str(error)), status)
    except Exception:
        logger.exception("an upload of a till failed")
        return _response(soap, envelope.fault(soap, "try again later", ours=True), 500)
    return _response(soap, envelope.answer(soap, call.name, found))


def _body(request: HttpRequest) -> bytes:
    """Raises Unreadable for more than a megabyte, before it is read."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if not announced.isdecimal() or int(announced) > envelope.BODY_MAX:
        raise Unreadable(f"larger than {envelope.BODY_MAX} bytes")
    return request.body


def _response(soap: str, body: str, status: int = 200) -> HttpResponse:
    return HttpResponse(body, status=status, content_type=envelope.MEDIA_TYPES[soap])


def _answer(request: HttpRequest, call: Call) -> str:
    """The inside of the answer. Raises Unreadable for a call that the contract does not know."""
    if call.name in _POSTS:
        asked = child(call.element, "astr_request")
        header = child(asked, "header")
        language = "en" if text(header, "lang").lower().startswith("en") else "zh-hans"
        with translation.override(language):
            return _posted(request, call.name, asked, header)
    if call.name == "getversion":
        return f"<getversionResult>{contract.VERSION}</getversionResult>"
    if call.name == "getcompanyname":
        name = escape(organization.default_group().name)
        return f"<getcompanynameResult>{name}</getcompanynameResult>"
    if call.name == "test_a_plus_b":
        return f"<test_a_plus_bResult>{_sum(call.element)}</test_a_plus_bResult>"
    raise Unreadable(f"there is no operation {call.name[:60]}")


def _sum(element: Element) -> int:
    texts = [text(element, name) for name in ("al_value1", "al_value2")]
    if not all(one.lstrip("-").isdecimal() and len(one) < 12 for one in texts):
        raise Unreadable("al_value1 and al_value2 are whole numbers")
    return sum(int(one) for one in texts)


def _posted(request: HttpRequest, name: str, asked: Element | None, header: Element | None) -> str:
    now = clock.now()
    username = text(header, "username")
    key = f"till:{request.META.get('REMOTE_ADDR', '')}:{username[:40]}"
    if not ratelimit.check(key, CALLS_PER_MINUTE, now=now).allowed:
        return _result(name, header, mapping.TOO_MANY, queries.reason_sentence("too-many-uploads"))
    session = queries.till_of(username, text(header, "password"), now)
    if session is None:
        return _result(name, header, mapping.LOG_IN, queries.reason_sentence("log-in"))
    try:
        code, message, more = _POSTS[name](session, asked, header, now)
    except Refusal as refusal:
        code, message, more = mapping.CODES.get(refusal.reason, mapping.OTHER), _sentence(refusal), ""
    return _result(name, header, code, message, more)


def _take_sale(
    session: TillSession, asked: Element | None, header: Element | None, now: dt.datetime
) -> tuple[int, str, str]:
    kind = text(header, "messagetype").upper()
    if kind not in ("", SALES_DATA):
        return mapping.MESSAGE, queries.reason_sentence("message-type"), ""
    said = mapping.receipt(asked)
    if said.kind.upper() == DAY_TOTAL:
        operations.declare_day(
            actor=session.viewer, session=session, said=mapping.day_total_of_sale(said), now=now
        )
        return mapping.OK, "", ""
    return _take(session, said, now, lambda number: mapping.sales_header(asked, number))


def _take_short_sale(
    session: TillSession, asked: Element | None, header: Element | None, now: dt.datetime
) -> tuple[int, str, str]:
    return _take(session, mapping.short_receipt(asked), now, lambda number: "")


def _take(
    session: TillSession, said: TillReceipt, now: dt.datetime, echo: Callable[[str], str]
) -> tuple[int, str, str]:
    outcome = operations.take_upload(actor=session.viewer, session=session, said=said, now=now)
    if outcome.status == "accepted":
        return mapping.OK, "", echo(str(outcome.receipt_id))
    if outcome.status == "duplicate":
        return (
            mapping.DUPLICATE,
            _sentence(Refusal("uploaded-before", said.number)),
            "",
        )
    refusal = Refusal(outcome.reason, outcome.detail)
    return mapping.CODES.get(outcome.reason, mapping.OTHER), _sentence(refusal), ""


def _take_day(
    session: TillSession, asked: Element | None, header: Element | None, now: dt.datetime
) -> tuple[int, str, str]:
    operations.declare_day(actor=session.viewer, session=session, said=mapping.day_total(asked), now=now)
    return mapping.OK, "", ""


_POSTS: dict[str, Callable[..., tuple[int, str, str]]] = {
    "postsalescreate": _take_sale,
    "postesalescreate": _take_short_sale,
    "postdailysalessummary": _take_day,
    "postdailysalessummary2": _take_day,
}


def _sentence(refusal: Refusal) -> str:
    sentence = queries.reason_sentence(refusal.reason)
    return f"{sentence} ({refusal.detail})" if refusal.detail else sentence


def _result(name: str, header: Any, code: int, message: str, more: str = "") -> str:
    told = "".join(
        f"<{field}>{escape(text(header, field))}</{field}>"
        for field in ("messagetype", "messageid", "version")
    )
    return (
        f"<{name}Result><header><responsecode>{code}</responsecode>"
        f"<responsemessage>{escape(message)}</responsemessage><pagerecords>0</pagerecords><pageno>0</pageno>"
        f"<updatecount>{int(code == mapping.OK)}</updatecount><maxrecords>0</maxrecords><maxpageno>0</maxpageno>"
        f"{told}</header>{more}</{name}Result>"
    )


urlpatterns = [path("soap/salestrans.asmx", salestrans, name="techtrans_salestrans")]
