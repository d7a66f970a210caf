"""`/api/docs`: the OpenAPI document as a page that can be read, with a command to try for each operation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from zhike.ui.api import examples, openapi, shapes, texts

DEPTH_MAX = 4


@dataclass(frozen=True)
class FieldDoc:
    """One line of a table of fields; `indent` is how deep it lies, 0 at the top."""

    indent: int
    name: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True)
class AnswerDoc:
    status: str
    description: str
    fields: list[FieldDoc]

    @property
    def tone(self) -> str:
        return "success" if self.status < "300" else "warning" if self.status < "500" else "error"


@dataclass(frozen=True)
class OperationDoc:
    id: str
    method: str
    path: str
    summary: str
    description: str
    scopes: list[str]
    parameters: list[FieldDoc]
    fields: list[FieldDoc]
    command: str
    answers: list[AnswerDoc]

    @property
    def tone(self) -> str:
        return "primary" if self.method == "GET" else "success"


@dataclass(frozen=True)
class GroupDoc:
    id: str
    name: str
    description: str
    operations: list[OperationDoc]


def docs(request: HttpRequest) -> HttpResponse:
    document = openapi.document()
    context = {
        "introduction": document["info"]["description"],
        "idempotency": texts.IDEMPOTENCY,
        "version": document["info"]["version"],
        "problem_fields": list(_fields(document, {"$ref": openapi.REF.format(name="ProblemOut")})),
        "groups": list(_groups(document, request.build_absolute_uri("/").rstrip("/"))),
        "key_command": "zhike apikey create --name tills --scope receipts.record --scope members.lookup --scope points.redeem",
    }
    return render(request, "api/docs.html", context)


def _groups(document: dict[str, Any], base: str) -> Iterator[GroupDoc]:
    for tag in document["tags"]:
        operations = [
            _operation(document, method, path, operation, base)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if operation["tags"] == [tag["name"]]
        ]
        yield GroupDoc(tag["name"], tag["x-displayName"], tag["description"], operations)


def _operation(
    document: dict[str, Any], method: str, path: str, operation: dict[str, Any], base: str
) -> OperationDoc:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return OperationDoc(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        scopes=operation["x-scopes"],
        parameters=[_parameter(document, one) for one in operation["parameters"]],
        fields=list(_fields(document, body)) if body else [],
        command=_command(method, path, operation, base),
        answers=[
            AnswerDoc(status, answer["description"], list(_answer_fields(document, status, answer)))
            for status, answer in operation["responses"].items()
        ],
    )


def _parameter(document: dict[str, Any], parameter: dict[str, Any]) -> FieldDoc:
    said = _resolve(document, parameter)
    places = {"path": _("in the address"), "query": _("in the query"), "header": _("header")}
    kind = f"{_kind(document, said['schema'])} · {places[said['in']]}"
    return FieldDoc(0, said["name"], kind, bool(said.get("required")), said.get("description", ""))


def _answer_fields(document: dict[str, Any], status: str, answer: dict[str, Any]) -> Iterator[FieldDoc]:
    """The fields of what comes back; of refusals they are told once, in the introduction."""
    for content in answer.get("content", {}).values():
        if status < "300":
            yield from _fields(document, content["schema"])


def _fields(document: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> Iterator[FieldDoc]:
    shape = _object_in(document, schema)
    if shape is None or depth > DEPTH_MAX:
        return
    required = set(shape.get("required", ()))
    for name, field in shape.get("properties", {}).items():
        yield FieldDoc(depth, name, _kind(document, field), name in required, field.get("description", ""))
        yield from _fields(document, field, depth + 1)


def _object_in(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any] | None:
    """The object a schema is, or is a list of, or may be."""
    said = _resolve(document, schema)
    if said.get("properties"):
        return said
    if "items" in said:
        return _object_in(document, said["items"])
    inner = (_object_in(document, option) for option in said.get("anyOf", ()))
    return next((found for found in inner if found is not None), None)


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """A type in few words, such as “integer ≥ 1” or “list of objects”."""
    said = _resolve(document, schema)
    if "enum" in said or "const" in said:
        return " | ".join(str(value) for value in said.get("enum", [said.get("const")]))
    if "anyOf" in said:
        kinds = [_kind(document, option) for option in said["anyOf"]]
        return " | ".join(dict.fromkeys(kinds))
    if said.get("type") == "array":
        return _("list of %(kind)s") % {"kind": _kind(document, said["items"])}
    kind = said.get("format") or said.get("type") or _("anything")
    if isinstance(kind, list):
        kind = " | ".join(kind)
    limits = [
        f"{sign} {said[name]:g}" if isinstance(said[name], float) else f"{sign} {said[name]}"
        for name, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"))
        if name in said and abs(said[name]) < shapes.ID_MAX
    ]
    if "maxLength" in said:
        limits.append(_("at most %(count)s characters") % {"count": said["maxLength"]})
    return " ".join([str(kind), *limits])


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].lstrip("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def _command(method: str, path: str, operation: dict[str, Any], base: str) -> str:
    """A curl command that can be pasted into a shell."""
    name = operation["operationId"]
    for parameter, value in examples.PATHS.items():
        path = path.replace(f"{{{parameter}}}", value)
    query = f"?{examples.QUERIES[name]}" if name in examples.QUERIES else ""
    parts = [f"curl {'' if method == 'get' else '-X POST '}'{base}{path}{query}'"]
    if operation["x-scopes"]:
        parts.append('-H "Authorization: Bearer $ZHIKE_KEY"')
    if name in examples.BODIES:
        body = examples.BODIES[name]
        parts += ["-H 'Content-Type: application/json'", f"-H 'Idempotency-Key: {body.get('number', name)}'"]
        parts.append(f"-d '{_laid_out(body)}'")
    return " \\\n  ".join(parts)


def _laid_out(body: dict[str, Any]) -> str:
    """JSON with a line for each field, and for each item of a list."""

    def text(value: Any) -> str:
        if isinstance(value, list):
            items = ",\n      ".join(json.dumps(item, ensure_ascii=False) for item in value)
            return f"[\n      {items}\n    ]"
        return json.dumps(value, ensure_ascii=False)

    fields = ",\n    ".join(f"{json.dumps(name)}: {text(value)}" for name, value in body.items())
    return f"{{\n    {fields}\n  }}"
