"""The OpenAPI 3.1 document of every address: django-ninja's own, and the plain views described from their structs."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec
from django.utils.translation import get_language, gettext

from zhike.ui.api import examples, field_texts, offer_shapes, shapes, texts
from zhike.ui.api.problems import MEDIA_TYPE, MethodNotAllowed
from zhike.ui.api.responses import JsonResponse
from zhike.ui.api.routes.base import ApiRequest, Needs, api

if TYPE_CHECKING:
    from collections.abc import Iterator

REF = "#/components/schemas/{name}"
PREFIX = "/api/v1"
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Plain:
    """What a plain view takes and gives."""

    id: str
    method: str
    path: str
    tag: str
    scopes: tuple[str, ...] = ()
    body: type[msgspec.Struct] | None = None
    answers: dict[int, type[msgspec.Struct]] = field(default_factory=dict)
    refusals: tuple[int, ...] = ()


PLAIN = (
    Plain(
        "take_receipt",
        "post",
        f"{PREFIX}/receipts",
        "receipts",
        ("receipts.record",),
        shapes.ReceiptIn,
        {201: shapes.ReceiptOut, 200: shapes.ReceiptOut},
        (409,),
    ),
    Plain(
        "take_receipts",
        "post",
        f"{PREFIX}/receipts/batch",
        "receipts",
        ("receipts.record",),
        shapes.BatchIn,
        {200: shapes.BatchOut},
        (409,),
    ),
    Plain(
        "redeem",
        "post",
        f"{PREFIX}/members/{{member_id}}/redemptions",
        "redemptions",
        ("points.redeem",),
        shapes.RedemptionIn,
        {201: shapes.RedemptionOut},
        (404, 409),
    ),
    Plain(
        "quote_coupons",
        "post",
        f"{PREFIX}/coupons/quote",
        "coupons",
        ("coupons.use",),
        offer_shapes.CouponQuoteIn,
        {200: offer_shapes.CouponQuoteOut},
    ),
    Plain(
        "quote_price",
        "post",
        f"{PREFIX}/prices/quote",
        "coupons",
        ("coupons.use",),
        offer_shapes.PriceQuoteIn,
        {200: offer_shapes.PriceQuoteOut},
    ),
    Plain(
        "lock_coupons",
        "post",
        f"{PREFIX}/coupons/locks",
        "coupons",
        ("coupons.use",),
        offer_shapes.CouponLockIn,
        {201: offer_shapes.CouponLockOut},
        (409,),
    ),
    Plain(
        "confirm_coupons",
        "post",
        f"{PREFIX}/coupons/locks/{{lock_id}}/confirm",
        "coupons",
        ("coupons.use",),
        offer_shapes.CouponConfirmIn,
        {200: offer_shapes.CouponLockOut},
        (404, 409),
    ),
    Plain(
        "release_coupons",
        "post",
        f"{PREFIX}/coupons/locks/{{lock_id}}/release",
        "coupons",
        ("coupons.use",),
        offer_shapes.CouponReleaseIn,
        {200: offer_shapes.CouponLockOut},
        (404, 409),
    ),
    Plain(
        "claim_coupon",
        "post",
        f"{PREFIX}/coupon-batches/{{batch_id}}/claims",
        "coupons",
        ("coupons.claim",),
        offer_shapes.CouponClaimIn,
        {201: offer_shapes.CouponIssuedOut},
        (404, 409),
    ),
    Plain(
        "hold",
        "post",
        f"{PREFIX}/members/{{member_id}}/holds",
        "redemptions",
        ("points.redeem",),
        shapes.HoldIn,
        {201: shapes.HoldOut},
        (404, 409),
    ),
    Plain(
        "confirm_hold",
        "post",
        f"{PREFIX}/holds/{{hold_id}}/confirm",
        "redemptions",
        ("points.redeem",),
        shapes.ConfirmIn,
        {201: shapes.HoldOut},
        (404, 409),
    ),
    Plain(
        "release_hold",
        "post",
        f"{PREFIX}/holds/{{hold_id}}/release",
        "redemptions",
        ("points.redeem",),
        shapes.ReleaseIn,
        {201: shapes.HoldOut},
        (404, 409),
    ),
    Plain("live", "get", "/health/live", "operation", answers={200: shapes.LiveOut}),
    Plain("ready", "get", "/health/ready", "operation", answers={200: shapes.ReadyOut, 503: shapes.ReadyOut}),
    Plain("metrics", "get", "/metrics", "operation", refusals=(401, 403, 429)),
)
PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "member_id": {"type": "integer", "minimum": 1, "maximum": shapes.ID_MAX},
    "batch_id": {"type": "integer", "minimum": 1, "maximum": shapes.ID_MAX},
    "lock_id": {"type": "string", "format": "uuid"},
    "hold_id": {"type": "string", "format": "uuid"},
}
TAG_ORDER = list(texts.TAGS)
PARAMETERS: dict[str, dict[str, Any]] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    },
    "AcceptLanguage": {
        "name": "Accept-Language",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "default": "zh-Hans", "examples": ["zh-Hans", "zh-Hant", "en"]},
    },
}


def openapi_json(request: ApiRequest) -> JsonResponse:
    """The document in the caller's language."""
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed(method=request.method, allowed=["GET", "HEAD"])
    response = JsonResponse(_encoded(get_language() or ""))
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Vary"] = "Accept-Language"
    return response


@lru_cache(maxsize=8)
def _encoded(language: str) -> bytes:
    del language
    return msgspec.json.encode(document())


def document() -> dict[str, Any]:
    """The document in the active language."""
    paths, schemas = _ninja_paths()
    for plain in PLAIN:
        paths.setdefault(plain.path, {})[plain.method] = _plain_operation(plain)
    schemas |= _plain_schemas()
    for operation in _operations(paths):
        _finish(operation)
    _describe(schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": gettext("Zhike API"),
            "version": version("zhike"),
            "description": str(texts.INTRODUCTION),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": name, "x-displayName": str(text.summary), "description": str(text.description)}
            for name, text in texts.TAGS.items()
        ],
        "paths": dict(sorted(paths.items(), key=_by_tag)),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "parameters": _described_parameters(),
            "headers": HEADERS,
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer", "bearerFormat": "zk_…"}},
        },
    }


HEADERS: dict[str, dict[str, Any]] = {
    name: {"schema": {"type": "string"}}
    for name in (
        "X-Request-ID",
        "Idempotent-Replayed",
        "RateLimit-Limit",
        "RateLimit-Remaining",
        "RateLimit-Reset",
        "Retry-After",
    )
}


def _by_tag(item: tuple[str, dict[str, Any]]) -> tuple[int, str]:
    operation = next(iter(item[1].values()))
    return TAG_ORDER.index(operation["tags"][0]), item[0]


def _operations(paths: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in paths.values():
        for method in METHODS:
            if method in path:
                yield path[method]


def _ninja_paths() -> tuple[dict[str, Any], dict[str, Any]]:
    """What django-ninja says, with the scopes of each operation."""
    scopes = _scopes_by_operation()
    said = copy.deepcopy(dict(api.get_openapi_schema(path_prefix=PREFIX.lstrip("/") + "/")))
    for operation in _operations(said["paths"]):
        operation["x-scopes"] = list(scopes[operation["operationId"]])
        for parameter in operation["parameters"]:
            parameter["schema"] = _without_null(parameter["schema"])
    return said["paths"], said["components"]["schemas"]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is left out has no value; null is a value that a query cannot say."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    found: dict[str, Any] = options[0] if len(options) == 1 else schema
    return {name: value for name, value in found.items() if name != "title"}


def _scopes_by_operation() -> dict[str, tuple[str, ...]]:
    scopes: dict[str, tuple[str, ...]] = {}
    for router in api._get_bound_routers():
        for view in router.path_operations.values():
            for operation in view.operations:
                needs = operation.auth_callbacks[0]
                assert isinstance(needs, Needs)
                scopes[api.get_openapi_operation_id(operation)] = needs.scopes
    return scopes


def _plain_operation(plain: Plain) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": plain.id,
        "tags": [plain.tag],
        "x-scopes": list(plain.scopes),
        "parameters": [],
        "responses": {
            status: {"content": {"application/json": {"schema": {"$ref": REF.format(name=shape.__name__)}}}}
            for status, shape in plain.answers.items()
        },
    }
    if plain.id == "metrics":
        operation["responses"][200] = {"content": {"text/plain": {"schema": {"type": "string"}}}}
    operation["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in PATH_PARAMETERS.items()
        if f"{{{name}}}" in plain.path
    ]
    if plain.body is not None:
        content = {"application/json": {"schema": {"$ref": REF.format(name=plain.body.__name__)}}}
        operation["requestBody"] = {"required": True, "content": content}
    operation["responses"] |= {status: {} for status in plain.refusals}
    return operation


def _plain_schemas() -> dict[str, Any]:
    types: list[type] = [shapes.ProblemOut]
    for plain in PLAIN:
        types += [*([plain.body] if plain.body else []), *plain.answers.values()]
    _refs, components = msgspec.json.schema_components(types, ref_template=REF)
    # each should be a receipt, but anything is taken and judged by itself, so that a bad one does not spoil the others
    components["BatchIn"]["properties"]["receipts"]["items"] = {
        "anyOf": [{"$ref": REF.format(name="ReceiptIn")}, {}]
    }
    return components


def _finish(operation: dict[str, Any]) -> None:
    """Texts, security, headers, examples and refusals, alike for every operation."""
    name = operation["operationId"]
    text = texts.OPERATIONS[name]
    operation["summary"], operation["description"] = str(text.summary), str(text.description)
    operation["parameters"] = [*operation.get("parameters", [])]
    scopes = operation["x-scopes"]
    operation["security"] = [{"apiKey": []}] if scopes else []
    answers: dict[Any, Any] = operation["responses"]
    if scopes:
        operation["parameters"].append({"$ref": "#/components/parameters/AcceptLanguage"})
        answers |= {status: answers.get(status, {}) for status in (401, 403, 422, 429, 503)}
    if "requestBody" in operation:
        operation["parameters"].append({"$ref": "#/components/parameters/IdempotencyKey"})
        answers |= {status: answers.get(status, {}) for status in (400, 409, 413, 415)}
        operation["requestBody"]["content"]["application/json"]["example"] = examples.BODIES[name]
    if any(parameter.get("in") == "path" for parameter in operation["parameters"]) or name in MAY_MISS:
        answers.setdefault(404, {})
    if name in MAY_CONFLICT:
        answers.setdefault(409, {})
    operation["responses"] = {
        str(status): _answer(status, answer, keyed=bool(scopes)) for status, answer in sorted(answers.items())
    }


MAY_MISS = frozenset(
    (
        "look_up_member",
        "enroll_member",
        "get_policy",
        "open_ticket",
        "merge_members",
        "hand_out_gift",
        "hand_over_exchange",
        "hand_over_prize",
        "set_margin_rate",
    )
)
MAY_CONFLICT = frozenset(("look_up_member", "birthday_gift", "list_invitations", "judge_goods"))


def _answer(status: int, answer: dict[str, Any], *, keyed: bool) -> dict[str, Any]:
    refusal = status >= 400
    names = ["X-Request-ID"]
    if keyed and status != 401:
        names += ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]
    if status in (429, 503):
        names.append("Retry-After")
    content = answer.get("content")
    if content is None and refusal:
        content = {MEDIA_TYPE: {"schema": {"$ref": REF.format(name="ProblemOut")}}}
    return {
        "description": str(field_texts.ANSWERS[status]),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        **({"content": content} if content else {}),
    }


def _describe(schemas: dict[str, Any]) -> None:
    """Sentences of fields in the reader's language; docstrings are for developers."""
    for name, schema in schemas.items():
        schema.pop("description", None)
        for field_name, field_schema in schema.get("properties", {}).items():
            field_schema.pop("title", None)
            sentence = field_texts.FIELDS.get(f"{name}.{field_name}")
            if sentence is not None:
                field_schema["description"] = str(sentence)


def _described_parameters() -> dict[str, Any]:
    said = copy.deepcopy(PARAMETERS)
    said["IdempotencyKey"]["description"] = str(texts.IDEMPOTENCY)
    return said
