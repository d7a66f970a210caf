"""Pictures that are kept in the database, as an answer."""

from __future__ import annotations

from django.http import HttpResponse


def picture_response(picture: bytes) -> HttpResponse:
    """A PNG or JPEG that only who is logged in may keep for a day."""
    kind = "image/png" if picture.startswith(b"\x89PNG") else "image/jpeg"
    return HttpResponse(picture, content_type=kind, headers={"Cache-Control": "private, max-age=86400"})
