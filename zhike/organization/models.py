from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Group(models.Model):
    """The operator: everything below belongs to exactly one group. Members know it by ``app_name``."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    app_name = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()


class Mall(models.Model):
    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=60, default="Asia/Shanghai")
    currency = models.CharField(max_length=3, default="CNY")
    address = models.CharField(max_length=240, blank=True)


class Floor(models.Model):
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    position = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mall", "code"], name="floor_code_unique")]


class Zone(models.Model):
    floor = models.ForeignKey("organization.Floor", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["floor", "code"], name="zone_code_unique")]


class Unit(models.Model):
    zone = models.ForeignKey("organization.Zone", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    area_sqm = models.DecimalField(max_digits=8, decimal_places=2, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["zone", "code"], name="unit_code_unique")]


class TradeCategory(models.Model):
    """业态: the line of business of a merchant, a tree."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    parent = models.ForeignKey("organization.TradeCategory", models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "code"], name="trade_category_code_unique")]


class Brand(models.Model):
    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "code"], name="brand_code_unique")]


class Merchant(models.Model):
    """商户: the shop that takes the money."""

    class Status(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+")
    floor = models.ForeignKey("organization.Floor", models.PROTECT, null=True, related_name="+")
    unit = models.ForeignKey("organization.Unit", models.PROTECT, null=True, related_name="+")
    brand = models.ForeignKey("organization.Brand", models.PROTECT, null=True, related_name="+")
    trade_category = models.ForeignKey(
        "organization.TradeCategory", models.PROTECT, null=True, related_name="+"
    )
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mall", "code"], name="merchant_code_unique")]


class Staff(AbstractBaseUser):
    """Someone who works here and logs in. ``password`` is Argon2; the second factor is TOTP (RFC 6238).

    ``failed_logins`` counts since the last success; until ``locked_until`` only addresses this person has used before
    may try again, so that a stranger's guessing never locks the owner out. ``group`` is empty only for those who were
    made before the group was founded.
    """

    USERNAME_FIELD = "username"

    objects = BaseUserManager["Staff"]()

    group = models.ForeignKey("organization.Group", models.PROTECT, null=True, related_name="+")
    username = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=60)
    language = models.CharField(max_length=10, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    password_changed_at = models.DateTimeField(null=True)
    failed_logins = models.SmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    totp_secret = models.BinaryField(null=True)
    totp_confirmed_at = models.DateTimeField(null=True)
    totp_last_step = models.BigIntegerField(default=0)


class RoleGrant(models.Model):
    """A role of one member of staff at one place: ``level`` names what ``target_id`` is the id of (0 for ``all``)."""

    staff = models.ForeignKey("organization.Staff", models.CASCADE, related_name="+")
    role = models.CharField(max_length=40)
    level = models.CharField(max_length=20)
    target_id = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["staff", "role", "level", "target_id"], name="role_grant_unique"),
            models.CheckConstraint(
                condition=models.Q(level="all", target_id=0)
                | (~models.Q(level="all") & models.Q(target_id__gt=0)),
                name="role_grant_target_of_level",
            ),
        ]


class StaffSession(models.Model):
    """One logged-in browser, listed to its owner and revocable. ``session_key`` is Django's."""

    staff = models.ForeignKey("organization.Staff", models.CASCADE, related_name="+")
    session_key = models.CharField(max_length=40, unique=True)
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=300, blank=True)
    revoked_at = models.DateTimeField(null=True)


class LogInAttempt(models.Model):
    """One try to log in, counted as failed until it has succeeded. ``account`` is the blind index of the name tried."""

    account = models.BinaryField()
    address = models.GenericIPAddressField(null=True)
    attempted_at = models.DateTimeField()
    succeeded = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-attempted_at"], name="log_in_attempt_account"),
            models.Index(fields=["address", "-attempted_at"], name="log_in_attempt_address"),
        ]


class ApiKey(models.Model):
    """A program that may call the API. The secret is shown once; ``digest`` is SHA-256 of the whole key."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.BinaryField(unique=True)
    scopes = ArrayField(models.CharField(max_length=60))
    level = models.CharField(max_length=20, default="all")
    target_id = models.BigIntegerField(default=0)
    rate_per_minute = models.IntegerField(default=6000)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
