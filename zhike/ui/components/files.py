"""Files that pages hand out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import JsonResponse


def json_file(content: Mapping[str, Any], name: str) -> JsonResponse:
    """A JSON file to keep; Chinese stays readable."""
    response = JsonResponse(dict(content), json_dumps_params={"ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return response
