"""What an uploaded file is, by what its bytes say. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_SIGNATURES: Sequence[tuple[bytes, int, str]] = (
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"%PDF-", 0, "application/pdf"),
    (b"ftypheic", 4, "image/heic"),
    (b"ftypmp4", 4, "video/mp4"),
    (b"ftypisom", 4, "video/mp4"),
)


def content_type_of(head: bytes) -> str | None:
    """What a file is by its first bytes, whatever its name says; None for what is not accepted."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for mark, place, kind in _SIGNATURES if head[place : place + len(mark)] == mark), None)
