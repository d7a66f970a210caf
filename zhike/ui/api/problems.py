"""Refusals that belong to HTTP itself, and how every refusal is answered (RFC 9457)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db.utils import DataError, InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Invalid, NotAllowed, NotFound, Problem, TooMany
from zhike.ui.api.responses import JsonResponse

if TYPE_CHECKING:
    from zhike.ui.api.handler import ApiRequest

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Unauthenticated(Problem):
    status = 401
    code = "unauthenticated"
    title = _("This call needs a valid API key: “Authorization: Bearer zk_…”.")


class ScopeMissing(NotAllowed):
    code = "scope-missing"
    title = _("This API key lacks the scope %(scope)s.")


class MethodNotAllowed(Problem):
    status = 405
    code = "method-not-allowed"
    title = _("This address does not know the method %(method)s.")


class TooLarge(Problem):
    status = 413
    code = "too-large"
    title = _("The body is larger than %(limit)s bytes.")


class UnsupportedMediaType(Problem):
    status = 415
    code = "unsupported-media-type"
    title = _("Send JSON: “Content-Type: application/json”, encoded in UTF-8.")


class UnsupportedEncoding(Problem):
    status = 415
    code = "unsupported-content-encoding"
    title = _("A body may be compressed with gzip and nothing else.")


class BrokenBody(Problem):
    code = "broken-body"
    title = _("The body broke off, or is not the gzip it says it is.")


class NotUtf8(Problem):
    code = "not-utf-8"
    title = _("The body is not UTF-8.")


class MalformedJson(Problem):
    code = "malformed-json"
    title = _("The body is not well-formed JSON.")


class RateLimited(TooMany):
    code = "rate-limited"
    title = _("This API key may call %(limit)s times a minute. Try again in %(retry_after)s s.")


class Unavailable(Problem):
    status = 503
    code = "unavailable"
    title = _("The service cannot answer at the moment. Nothing was changed; please try again.")


class InternalError(Problem):
    status = 500
    code = "internal-error"
    title = _("Something went wrong on our side. The request id helps us to find out what.")


def problem_of(error: Exception) -> Problem:
    """What to tell the caller. An error that nobody anticipated is logged and told as one sentence."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Http404):
        return NotFound()
    if isinstance(error, RequestDataTooBig):
        return TooLarge(limit="")
    if isinstance(error, SuspiciousOperation | UnicodeError | DataError):
        return Invalid()
    if isinstance(error, OperationalError | InterfaceError):
        logger.warning("database not available: %s", error)
        return Unavailable()
    logger.error("unanticipated error", exc_info=error)
    return InternalError()


def problem_response(request: ApiRequest, problem: Problem) -> JsonResponse:
    """The refusal as problem+json, in the caller's language."""
    body: dict[str, Any] = problem.as_problem_json(instance=request.path)
    body["request_id"] = request.request_id
    response = JsonResponse(msgspec.json.encode(body), problem.status, MEDIA_TYPE)
    if isinstance(problem, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="zhike"'
    elif isinstance(problem, ScopeMissing):
        response.headers["WWW-Authenticate"] = (
            f'Bearer error="insufficient_scope", scope="{problem.params["scope"]}"'
        )
    elif isinstance(problem, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(problem.params["allowed"])
    elif isinstance(problem, UnsupportedEncoding):
        response.headers["Accept-Encoding"] = "gzip"
    if problem.status == Unavailable.status:
        response.headers["Retry-After"] = "1"
    elif isinstance(problem, TooMany):
        response.headers["Retry-After"] = str(problem.retry_after)
    return response
