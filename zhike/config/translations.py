"""Makes looking up a translation cheap.

Django means to merge the catalogues of all apps into one but compares the wrong things
(`TranslationCatalog.update` holds a code object against a function), so that every text is looked for in one dictionary
per app. Here those with the same plural rule become one; where two apps have the same text, the same one still wins.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import trans_real


def merge_catalogues() -> None:
    """Load every language and merge its catalogues; once per process, before the first request."""
    for code, _name in settings.LANGUAGES:
        translation: Any = trans_real.translation(code)
        while translation is not None:
            _merge(getattr(translation, "_catalog", None))
            translation = getattr(translation, "_fallback", None)


def _merge(catalogue: Any) -> None:
    """Neighbours with the same plural rule become one; the order, and so the precedence, stays."""
    if not isinstance(catalogue, trans_real.TranslationCatalog):
        return
    merged: list[dict[Any, Any]] = []
    plurals: list[Any] = []
    for texts, plural in zip(catalogue._catalogs, catalogue._plurals, strict=True):  # type: ignore[attr-defined]
        if plurals and plurals[-1].__code__ == plural.__code__:
            merged[-1] = texts | merged[-1]
        else:
            merged.append(dict(texts))
            plurals.append(plural)
    catalogue._catalogs, catalogue._plurals = merged, plurals  # type: ignore[attr-defined]
