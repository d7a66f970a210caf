"""The tags of one member as pages show them."""

from __future__ import annotations

from typing import Any

from zhike.insight import queries
from zhike.kernel.access import Viewer
from zhike.ui.components import tags as words


def shown(person_id: int, names: words.Names) -> dict[str, Any]:
    """What a card draws: tags with why and since when, those somebody said no to, words that wait."""
    found = queries.tags_of(person_id)
    return {"on": [_shown(one, names) for one in found.on], "off": [_shown(one, names) for one in found.off],
            "suggested": found.suggested}  # fmt: skip


def _shown(one: queries.TagOn, names: words.Names) -> dict[str, Any]:
    return {
        "id": one.ref.id,
        "name": words.name_of(one.ref),
        "category": words.CATEGORIES[one.ref.category],
        "since": one.since,
        "source": one.source,
        "source_name": words.SOURCES[one.source],
        "why": words.why(one.rule, one.figures, names),
        "by": one.by,
        "note": one.note,
        "by_rule": one.ref.kind == "rule",
    }


def to_give(viewer: Viewer, person_id: int) -> list[tuple[int, str]]:
    """Living tags somebody has not: those given by hand first."""
    has = {one.ref.id for one in queries.tags_of(person_id).on}
    rows = [ref for ref in queries.tags(viewer) if ref.state == "live" and ref.id not in has]
    return [(ref.id, words.name_of(ref)) for ref in sorted(rows, key=lambda ref: ref.kind != "manual")]
