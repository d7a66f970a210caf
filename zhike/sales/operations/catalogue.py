"""Products and their categories."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from zhike.kernel import audit
from zhike.kernel.access import Viewer, require
from zhike.sales.models import ProductCategory


@dataclass(frozen=True, slots=True)
class NewProduct:
    merchant_id: int
    sku: str
    name: str
    category_id: int | None = None
    price_fen: int | None = None


@transaction.atomic
def create_category(
    *, actor: Viewer, group_id: int, code: str, name: str, parent_id: int | None = None, now: dt.datetime
) -> int:
    """Create the category unless its code exists in the group; returns its id."""
    require(actor, "organization.edit")
    category, created = ProductCategory.objects.get_or_create(
        group_id=group_id, code=code, defaults={"name": name, "parent_id": parent_id}
    )
    if created:
        subject = ("product_category", category.pk)
        audit.record(
            actor=actor,
            action="create_category",
            subject=subject,
            after={"code": code, "name": name},
            now=now,
        )
    return category.pk


@transaction.atomic
def load_products(
    *, actor: Viewer, products: Sequence[NewProduct], now: dt.datetime
) -> dict[tuple[int, str], int]:
    """Create the products that do not exist yet, set-based; returns the id of each (merchant_id, sku) given."""
    require(actor, "organization.edit")
    with connection.cursor() as cursor:
        cursor.execute("""CREATE TEMP TABLE new_product
            (merchant_id bigint, sku text, name text, category_id bigint, price_fen bigint) ON COMMIT DROP""")
        with cursor.copy("COPY new_product FROM STDIN") as copy:
            for product in products:
                copy.write_row(
                    (product.merchant_id, product.sku, product.name, product.category_id, product.price_fen)
                )
        cursor.execute("""INSERT INTO sales_product (merchant_id, sku, name, category_id, price_fen)
            SELECT DISTINCT ON (merchant_id, sku) merchant_id, sku, name, category_id, price_fen FROM new_product
            ORDER BY merchant_id, sku ON CONFLICT (merchant_id, sku) DO NOTHING""")
        created = cursor.rowcount
        cursor.execute("""SELECT DISTINCT p.merchant_id, p.sku, p.id FROM sales_product p
            JOIN new_product n ON n.merchant_id = p.merchant_id AND n.sku = p.sku""")
        ids = {(merchant_id, sku): product_id for merchant_id, sku, product_id in cursor.fetchall()}
        cursor.execute("DROP TABLE new_product")
    if created:
        audit.record(
            actor=actor,
            action="load_products",
            subject=("product", "many"),
            after={"created": created},
            now=now,
        )
    return ids
