from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from zhike.kernel.fields import TransactionIdField


class ProductCategory(models.Model):
    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    parent = models.ForeignKey("sales.ProductCategory", models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "code"], name="product_category_code_unique")]


class Product(models.Model):
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, related_name="+")
    category = models.ForeignKey("sales.ProductCategory", models.PROTECT, null=True, related_name="+")
    sku = models.CharField(max_length=60)
    name = models.CharField(max_length=200)
    price_fen = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "sku"], name="product_sku_unique")]


class Receipt(models.Model):
    """One sale or return as the till wrote it. Amounts are fen; a return's are positive too, ``kind`` says which way.

    ``net_fen`` is what the customer paid after discounts (the sum of the lines' ``net_fen``, and of the tenders).
    ``source`` is the door it came through, ``import_id`` the file import that can be undone as a whole.
    """

    class Kind(models.TextChoices):
        SALE = "sale"
        RETURN = "return"

    id = models.UUIDField(primary_key=True)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+")
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey(
        "customers.Person", models.PROTECT, null=True, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=6, choices=Kind.choices)
    till = models.CharField(max_length=40)
    number = models.CharField(max_length=60)
    business_date = models.DateField()
    occurred_at = models.DateTimeField()
    original = models.ForeignKey("sales.Receipt", models.PROTECT, null=True, related_name="+", db_index=False)
    gross_fen = models.BigIntegerField()
    discount_fen = models.BigIntegerField(default=0)
    net_fen = models.BigIntegerField()
    cashier = models.CharField(max_length=60, blank=True)
    source = models.CharField(max_length=20)
    import_id = models.UUIDField(null=True)
    claimed_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "till", "number", "business_date"], name="receipt_natural_key"
            ),
            models.CheckConstraint(
                condition=Q(net_fen__gte=0, gross_fen__gte=0), name="receipt_amounts_positive"
            ),
        ]
        indexes = [
            models.Index(
                fields=["person", "-occurred_at"], condition=Q(person__isnull=False), name="receipt_person"
            ),
            models.Index(fields=["mall", "-occurred_at", "-id"], name="receipt_mall_newest"),
            models.Index(fields=["merchant", "-occurred_at"], name="receipt_merchant_newest"),
            models.Index(fields=["business_date", "mall"], name="receipt_day"),
            models.Index(fields=["original"], condition=Q(original__isnull=False), name="receipt_original"),
            models.Index(fields=["import_id"], condition=Q(import_id__isnull=False), name="receipt_import"),
        ]


class ReceiptLine(models.Model):
    """One line. ``returned_quantity`` and ``returned_fen`` grow as returns come in and never pass what was bought."""

    pk = models.CompositePrimaryKey("receipt_id", "line_no")
    receipt = models.ForeignKey("sales.Receipt", models.CASCADE, related_name="+", db_index=False)
    line_no = models.SmallIntegerField()
    product = models.ForeignKey("sales.Product", models.PROTECT, null=True, related_name="+", db_index=False)
    category = models.ForeignKey(
        "sales.ProductCategory", models.PROTECT, null=True, related_name="+", db_index=False
    )
    sku = models.CharField(max_length=60)
    name = models.CharField(max_length=200)
    quantity = models.DecimalField(max_digits=14, decimal_places=3)
    unit_price_fen = models.BigIntegerField()
    discount_fen = models.BigIntegerField(default=0)
    net_fen = models.BigIntegerField()
    original_line_no = models.SmallIntegerField(null=True)
    returned_quantity = models.DecimalField(max_digits=14, decimal_places=3, default=0)
    returned_fen = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(returned_quantity__lte=F("quantity"), returned_fen__lte=F("net_fen")),
                name="line_returned_within_bought",
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0, net_fen__gte=0), name="line_amounts_positive"),
        ]


class Tender(models.Model):
    """One way a part of the receipt was paid. ``kind`` is a code such as cash, wechat, alipay, card, voucher."""

    pk = models.CompositePrimaryKey("receipt_id", "position")
    receipt = models.ForeignKey("sales.Receipt", models.CASCADE, related_name="+", db_index=False)
    position = models.SmallIntegerField()
    kind = models.CharField(max_length=20)
    amount_fen = models.BigIntegerField()
    reference = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount_fen__gte=0), name="tender_amount_positive")]


class ReceiptGone(models.Model):
    """A receipt that was taken out again, written by a trigger: copies elsewhere must let it go too."""

    receipt_id = models.UUIDField(primary_key=True)
    xid = TransactionIdField()

    class Meta:
        indexes = [models.Index(fields=["xid"], name="receipt_gone_xid")]
