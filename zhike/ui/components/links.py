"""Addresses that leave the program: printed on paper, shown as a QR."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.urls import reverse

from zhike.loyalty.queries import receipt_code


def receipt_link(receipt_id: UUID) -> str:
    """Where a phone takes the points of a receipt that nobody owns."""
    return settings.PUBLIC_URL + reverse("member:scan", args=[receipt_code(receipt_id)])
