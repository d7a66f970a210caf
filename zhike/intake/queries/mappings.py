"""Mappings that were kept, and mappings as files."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.intake.models import SavedMapping
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Invalid


class NotAMapping(Invalid):
    code = "not-a-mapping"
    title = _("The mapping file is neither TOML nor JSON: %(why)s")


@dataclass(frozen=True, slots=True)
class SavedMappingView:
    id: int
    group_id: int
    name: str
    definition: dict[str, Any]
    saved_at: dt.datetime
    saved_by: str


def saved_mappings(viewer: Viewer) -> list[SavedMappingView]:
    """By name. Raises NotAllowed."""
    require(viewer, "imports.view")
    rows = SavedMapping.objects.order_by("name", "id")
    return [
        SavedMappingView(row.pk, row.group_id, row.name, row.definition, row.saved_at, row.saved_by)
        for row in rows
    ]


def mapping_of_text(text: str, file_name: str) -> dict[str, Any]:
    """A mapping from the text of a TOML or JSON file, not checked yet. Raises NotAMapping."""
    try:
        data = json.loads(text) if file_name.lower().endswith(".json") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotAMapping(why=str(error)[:200]) from None
    if not isinstance(data, dict):
        raise NotAMapping(why=type(data).__name__)
    return data


def mapping_toml(mapping: Mapping[str, Any]) -> str:
    """A mapping as a TOML file, without what is empty."""
    plain = {key: value for key, value in mapping.items() if not isinstance(value, dict)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items() if value not in ("", [])]
    for key, value in mapping.items():
        if isinstance(value, dict):
            lines += _table(_key(key), value)
    return "\n".join(lines).strip() + "\n"


def _table(path: str, table: Mapping[str, Any]) -> list[str]:
    plain = {
        key: value for key, value in table.items() if not isinstance(value, dict) and value not in ("", [])
    }
    lines = (
        ["", f"[{path}]", *(f"{_key(key)} = {_value(value)}" for key, value in plain.items())]
        if plain
        else []
    )
    for key, value in table.items():
        if isinstance(value, dict):
            lines += _table(f"{path}.{_key(key)}", value)
    return lines


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else _value(key)


def _value(value: Any) -> str:
    """TOML's strings, booleans, numbers and lists of them are written as JSON's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
