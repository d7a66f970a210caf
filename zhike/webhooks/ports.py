"""What webhooks need of the outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` 0: there was none, and ``error`` says why. ``retry_after_s`` is what the other side asks for."""

    status: int
    error: str = ""
    retry_after_s: int = 0
    took_ms: int = 0


class Post(Protocol):
    """Sends one request and waits for the answer, at most half a minute; never raises for what the other side does."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer: ...
