"""The answer of a machine to a machine: bytes, a status and plain headers. Django's own costs ten times as much."""

from __future__ import annotations

JSON = "application/json"


class JsonResponse:
    """`headers` are an ordinary dict: all names are ours, none comes from outside."""

    __slots__ = ("content", "headers", "status_code")

    def __init__(self, content: bytes, status: int = 200, content_type: str = JSON) -> None:
        self.content = content
        self.status_code = status
        self.headers: dict[str, str] = {"Content-Type": content_type}
