"""Products' categories."""

from __future__ import annotations

from dataclasses import dataclass

from zhike.sales.models import ProductCategory


@dataclass(frozen=True, slots=True)
class CategoryRef:
    id: int
    code: str
    name: str
    parent_id: int | None


def product_categories(group_id: int) -> list[CategoryRef]:
    """The categories of a group, by code."""
    rows = ProductCategory.objects.filter(group_id=group_id).order_by("code")
    return [CategoryRef(*row) for row in rows.values_list("id", "code", "name", "parent_id")]
