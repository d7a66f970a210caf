"""Loaded by Schemathesis: every other generated id is one that exists, so that more than refusals is met."""

import json
import os
from typing import Any

import schemathesis

KNOWN: dict[str, Any] = json.loads(os.environ.get("ZHIKE_KNOWN", "{}"))


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    if not path_parameters:
        return path_parameters
    return {
        name: KNOWN[name] if name in KNOWN and hash(str(value)) % 2 else value
        for name, value in path_parameters.items()
    }
