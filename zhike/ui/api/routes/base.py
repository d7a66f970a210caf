"""django-ninja behind our own gate: same keys, same bodies, same refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
from django.http import HttpResponse
from ninja import NinjaAPI
from ninja.errors import ValidationError
from ninja.operation import Operation
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from zhike.kernel.errors import Invalid
from zhike.kernel.idempotency import Outcome
from zhike.ui.api import body, gate, once
from zhike.ui.api.once import ENCODER
from zhike.ui.api.sentences import fields_of

if TYPE_CHECKING:
    import datetime as dt

    from django.http import HttpRequest

    from zhike.ui.api.handler import ApiRequest as _ApiRequest

    class ApiRequest(_ApiRequest):
        """A request that passed the gate."""

        now: dt.datetime
        json: Any

else:
    ApiRequest = Any

_ANYTHING = msgspec.json.Decoder()


class Needs:
    """What a call needs: all of these scopes, and with `body` a well-formed one."""

    def __init__(self, *scopes: str, body: bool = False) -> None:
        self.scopes = scopes
        self.body = body

    def __call__(self, request: ApiRequest) -> bool:
        request.now = gate.admit(request, *self.scopes)
        if self.body:
            request.json = body.decode(body.read(request), _ANYTHING)
            request._body = request.payload or b""  # what ninja looks at to see whether there is one
        return True


class JsonParser(Parser):
    """The body was read and unpacked at the gate."""

    def parse_body(self, request: HttpRequest) -> Any:
        return request.json  # type: ignore[attr-defined]


class JsonRenderer(BaseRenderer):
    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return ENCODER.encode(data)


def run_once(request: ApiRequest, execute: Callable[[], Outcome]) -> HttpResponse:
    """As `once.run_once`, for a body that the gate has read, in the form django-ninja passes on."""
    reply = once.run_once(request, request.payload or b"", request.now, execute)
    return HttpResponse(reply.content, status=reply.status_code, headers=reply.headers)


class RestApi(NinjaAPI):
    """Operations are called as their functions are."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


api = RestApi(
    title="Zhike",
    version="1",
    openapi_url=None,
    docs_url=None,
    urls_namespace="rest",
    parser=JsonParser(),
    renderer=JsonRenderer(),
)


def _refuse(request: HttpRequest, error: Exception) -> NoReturn:
    """Whatever it is, the handler around the whole API answers it."""
    if isinstance(error, ValidationError):
        raise Invalid(fields=fields_of(list(error.errors))) from error
    raise error


for _kind in (Exception, ValidationError):
    api.add_exception_handler(_kind, _refuse)  # type: ignore[arg-type]
