"""Files that people sent: each below the uploads under a name that says nothing, found by the path its row keeps."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from zhike.kernel.ids import uuid7


def keep_upload(folder: str, content: bytes) -> str:
    """Write a file below the uploads; its path, for the row that owns it."""
    path = f"{folder}/{uuid7().hex}"
    whole = Path(settings.UPLOAD_DIR) / path
    whole.parent.mkdir(parents=True, exist_ok=True)
    whole.write_bytes(content)
    return path


def upload(path: str) -> bytes | None:
    """What was kept under a path; None when it is gone."""
    whole = Path(settings.UPLOAD_DIR) / path
    return whole.read_bytes() if path and whole.is_file() else None


def drop_upload(path: str) -> None:
    """For an upload whose row was not written after all."""
    (Path(settings.UPLOAD_DIR) / path).unlink(missing_ok=True)
