"""One line about one event, and what every line needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from zhike.organization import queries as organization

Data = Mapping[str, Any]
Names = Mapping[int, str]


@dataclass(frozen=True)
class Told:
    title: str
    detail: str = ""
    icon: str = "dot"
    tone: str = ""
    url: str = ""


Teller = Callable[[Data, Names], Told]


def merchant(data: Data) -> str:
    found = organization.merchant_ref(data["merchant_id"]) if data.get("merchant_id") else None
    return found.name if found else ""


def receipt_url(receipt_id: str | None) -> str:
    return reverse("console:receipt", args=[receipt_id]) if receipt_id else ""
