"""Where the built front end lies: logical names to the hashed files of the build manifest."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

BUILD = Path(__file__).resolve().parent / "static" / "build"
NAMES = {"app.js": "src/app.js", "app.css": "src/app.css"}


def built_file(name: str) -> str:
    """The static path of `app.js` or `app.css`. Raises ImproperlyConfigured when the front end was never built.

    A server keeps the names it started with, as WhiteNoise keeps its list of files; with DEBUG both see every rebuild.
    """
    manifest = BUILD / "manifest.json"
    try:
        written_at = manifest.stat().st_mtime_ns if settings.DEBUG else 0
        return f"build/{_manifest(written_at)[NAMES[name]]['file']}"
    except FileNotFoundError:
        raise ImproperlyConfigured("The front end is not built. Run `python hatch_build.py`.") from None


@lru_cache(maxsize=1)
def _manifest(written_at: int) -> dict[str, dict[str, str]]:
    """The manifest as written at that moment."""
    del written_at
    loaded: dict[str, dict[str, str]] = json.loads((BUILD / "manifest.json").read_text())
    return loaded
