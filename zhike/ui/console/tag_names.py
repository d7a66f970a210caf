"""What the ids in rules of tags are called."""

from __future__ import annotations

from typing import Any

from zhike.ui.components import segments as words
from zhike.ui.components import service
from zhike.ui.components.staff import StaffRequest


def member_tag_names(request: StaffRequest) -> dict[str, Any]:
    """As far as the viewer may see: places are named for who works with segments."""
    own: dict[str, Any] = {"case_kinds": service.TYPES, "weekdays": words.WEEKDAYS}
    return {**words.names_for(request.viewer).choices, **own} if request.viewer.may("segments.view") else own
