from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class RewardCategory(models.Model):
    """兑换分类: a shelf of the points mall. With ``season_from`` and ``season_until`` (inclusive) it is a seasonal pool."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=40)
    icon = models.CharField(max_length=40)
    tone = models.CharField(max_length=10)
    position = models.SmallIntegerField()
    season_from = models.DateField(null=True)
    season_until = models.DateField(null=True)
    retired_at = models.DateTimeField(null=True)


class Reward(models.Model):
    """兑换商品. ``points`` and ``cash_fen`` is the price of one; ``tier_points`` {tier id: points} what some tiers pay.

    ``mall`` None: the whole group's. ``stock`` None: without end. ``taken`` is the lock of the stock. ``per_member`` 0: no
    limit in a ``limit_period``. ``version`` counts changes: whoever ordered on an older one is asked again. ``tier`` is lent
    for ``tier_length`` of ``tier_unit``. From ``early_opens_at`` members of ``early_tier_ids`` may have ``early_quota`` of it
    before everybody's ``opens_at``; ``early_taken`` is the lock of that quota.
    """

    class Kind(models.TextChoices):
        GOODS = "goods"
        CODE = "code"
        COUPON = "coupon"
        SERVICE = "service"
        SEAT = "seat"
        DONATION = "donation"
        TIER = "tier"

    class TierUnit(models.TextChoices):
        DAY = "day"
        MONTH = "month"

    class Status(models.TextChoices):
        DRAFT = "draft"
        OPEN = "open"
        PAUSED = "paused"
        CLOSED = "closed"

    class Period(models.TextChoices):
        EVER = "ever"
        YEAR = "year"
        MONTH = "month"
        DAY = "day"

    class OnExpiry(models.TextChoices):
        GIVE_BACK = "give_back"
        FORFEIT = "forfeit"

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    category = models.ForeignKey("rewards.RewardCategory", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    summary = models.CharField(max_length=120, blank=True)
    description = models.TextField(blank=True)
    icon = models.CharField(max_length=40, blank=True)
    place = models.CharField(max_length=120, blank=True)
    points = models.IntegerField()
    cash_fen = models.BigIntegerField(default=0)
    tier_points = models.JSONField(default=dict)
    market_fen = models.BigIntegerField(default=0)
    cost_fen = models.BigIntegerField(default=0)
    funding = models.JSONField()
    tier_ids = ArrayField(models.BigIntegerField(), default=list)
    stock = models.IntegerField(null=True)
    taken = models.IntegerField(default=0)
    per_member = models.IntegerField(default=0)
    limit_period = models.CharField(max_length=5, choices=Period.choices, default=Period.EVER)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField(null=True)
    needs_preparing = models.BooleanField(default=False)
    collect_days = models.SmallIntegerField(default=14)
    on_expiry = models.CharField(max_length=10, choices=OnExpiry.choices, default=OnExpiry.GIVE_BACK)
    member_may_cancel = models.BooleanField(default=True)
    starts_at = models.DateTimeField(null=True)
    goal_points = models.BigIntegerField(default=0)
    coupon_batch = models.ForeignKey("offers.CouponBatch", models.PROTECT, null=True, related_name="+")
    tier = models.ForeignKey("loyalty.Tier", models.PROTECT, null=True, related_name="+", db_index=False)
    tier_length = models.SmallIntegerField(default=0)
    tier_unit = models.CharField(max_length=5, choices=TierUnit.choices, default=TierUnit.DAY)
    early_opens_at = models.DateTimeField(null=True)
    early_tier_ids = ArrayField(models.BigIntegerField(), default=list)
    early_quota = models.IntegerField(default=0)
    early_taken = models.IntegerField(default=0)
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.DRAFT)
    picture = models.CharField(max_length=64, blank=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(taken__gte=0) & (Q(stock__isnull=True) | Q(taken__lte=F("stock"))),
                name="reward_within_stock",
            ),
            models.CheckConstraint(
                condition=Q(
                    points__gt=0, cash_fen__gte=0, market_fen__gte=0, cost_fen__gte=0, per_member__gte=0
                ),
                name="reward_amounts",
            ),
            models.CheckConstraint(
                condition=Q(kind="tier", tier__isnull=False, tier_length__gt=0)
                | (~Q(kind="tier") & Q(tier__isnull=True, tier_length=0)),
                name="reward_lends_tier",
            ),
            models.CheckConstraint(
                condition=Q(early_taken__gte=0, early_taken__lte=F("early_quota"))
                & (
                    Q(early_opens_at__isnull=True, early_quota=0)
                    | Q(early_opens_at__lt=F("opens_at"), early_quota__gt=0)
                ),
                name="reward_early_quota",
            ),
        ]
        indexes = [models.Index(fields=["group", "category"], name="reward_shelf")]


class RewardPicture(models.Model):
    """A picture by the SHA-256 of its content: JPEG, PNG or WebP, small enough to live beside the rest."""

    digest = models.CharField(max_length=64, primary_key=True)
    media_type = models.CharField(max_length=20)
    content = models.BinaryField()
    added_at = models.DateTimeField()


class RewardCode(models.Model):
    """One virtual code of a partner's pool, encrypted. ``order`` is whose it became; ``index`` keeps it from coming twice."""

    id = models.BigAutoField(primary_key=True)
    reward = models.ForeignKey("rewards.Reward", models.PROTECT, related_name="+", db_index=False)
    value = models.BinaryField()
    index = models.BinaryField()
    order = models.OneToOneField("rewards.ExchangeOrder", models.PROTECT, null=True, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reward", "index"], name="reward_code_once")]
        indexes = [
            models.Index(fields=["reward", "id"], condition=Q(order__isnull=True), name="reward_code_free")
        ]


class RewardHolding(models.Model):
    """How many of a reward a member took in one period (0001-01-01: ever): the lock of the per-member limit."""

    pk = models.CompositePrimaryKey("reward_id", "member_id", "period")
    reward = models.ForeignKey("rewards.Reward", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    period = models.DateField()
    taken = models.IntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(taken__gte=0), name="reward_holding_not_negative")]


class ExchangeOrder(models.Model):
    """兑换单. ``points`` and ``cash_fen`` are the whole order's, ``redemption`` is where its points went.

    ``code`` is shown when it is collected. ``period`` is the one its limit was counted in. ``returned`` pieces of a
    collected order came back. ``is_early``: out of the early quota. ``cost_fen`` and ``funding`` are the reward's as they were.
    """

    class State(models.TextChoices):
        RESERVED = "reserved"
        READY = "ready"
        COLLECTED = "collected"
        CANCELLED = "cancelled"
        EXPIRED = "expired"

    id = models.BigAutoField(primary_key=True)
    reward = models.ForeignKey("rewards.Reward", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=16, unique=True)
    state = models.CharField(max_length=10, choices=State.choices)
    quantity = models.IntegerField()
    points = models.BigIntegerField()
    cash_fen = models.BigIntegerField()
    cost_fen = models.BigIntegerField()
    funding = models.JSONField()
    period = models.DateField()
    redemption = models.OneToOneField("loyalty.Redemption", models.PROTECT, related_name="+")
    coupon = models.OneToOneField("offers.Coupon", models.PROTECT, null=True, related_name="+")
    tier_grant = models.OneToOneField("loyalty.TierGrant", models.PROTECT, null=True, related_name="+")
    is_early = models.BooleanField(default=False)
    returned = models.IntegerField(default=0)
    tender = models.CharField(max_length=20, blank=True)
    source = models.CharField(max_length=20)
    ordered_at = models.DateTimeField()
    ordered_by = models.CharField(max_length=80)
    ready_at = models.DateTimeField(null=True)
    collect_by = models.DateTimeField(null=True)
    collected_at = models.DateTimeField(null=True)
    collected_by = models.CharField(max_length=80, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0, points__gt=0, cash_fen__gte=0, returned__gte=0)
                & Q(returned__lte=F("quantity")),
                name="exchange_order_amounts",
            ),
            models.CheckConstraint(
                condition=Q(state="collected", collected_at__isnull=False)
                | Q(state__in=("cancelled", "expired"), ended_at__isnull=False)
                | Q(state__in=("reserved", "ready"), collected_at__isnull=True, ended_at__isnull=True),
                name="exchange_order_state",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-id"], name="exchange_order_member"),
            models.Index(fields=["reward", "-id"], name="exchange_order_reward"),
            models.Index(fields=["mall", "state", "-id"], name="exchange_order_desk"),
            models.Index(fields=["collect_by"], condition=Q(state="ready"), name="exchange_order_due"),
        ]


class Benefit(models.Model):
    """会员权益: what belongs to a tier. ``quotas`` {tier id: how many in a ``period``}; 0: it is there, nothing is counted.

    ``mall`` None: the whole group's. ``unit`` is what is counted (hour, visit, piece). ``birth_month``: usable in the month
    of the member's birthday only.
    """

    class Kind(models.TextChoices):
        PARKING = "parking"
        LOUNGE = "lounge"
        GIFT = "gift"
        SERVICE = "service"
        PRIORITY = "priority"
        POINTS = "points"

    class Period(models.TextChoices):
        YEAR = "year"
        MONTH = "month"
        DAY = "day"
        EVER = "ever"

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    unit = models.CharField(max_length=10)
    description = models.CharField(max_length=300, blank=True)
    how_to_use = models.CharField(max_length=300, blank=True)
    quotas = models.JSONField(default=dict)
    period = models.CharField(max_length=5, choices=Period.choices)
    birth_month = models.BooleanField(default=False)
    cost_fen = models.BigIntegerField(default=0)
    funding = models.JSONField()
    position = models.SmallIntegerField(default=0)
    version = models.IntegerField(default=1)
    retired_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)


class BenefitUsage(models.Model):
    """How much of a benefit a member used in one period (0001-01-01: ever): the lock of the quota."""

    pk = models.CompositePrimaryKey("benefit_id", "member_id", "period")
    benefit = models.ForeignKey("rewards.Benefit", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    period = models.DateField()
    used = models.IntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(used__gte=0), name="benefit_usage_not_negative")]


class BenefitUse(models.Model):
    """One use of a benefit at a desk, with what it cost and who pays; ``cancelled_at`` gave the quota back."""

    id = models.BigAutoField(primary_key=True)
    benefit = models.ForeignKey("rewards.Benefit", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    tier = models.ForeignKey("loyalty.Tier", models.PROTECT, related_name="+", db_index=False)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    quantity = models.IntegerField()
    period = models.DateField()
    cost_fen = models.BigIntegerField()
    funding = models.JSONField()
    note = models.CharField(max_length=120, blank=True)
    used_at = models.DateTimeField()
    used_by = models.CharField(max_length=80)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=80, blank=True)
    cancel_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0, cost_fen__gte=0), name="benefit_use_amounts")
        ]
        indexes = [
            models.Index(fields=["member", "-id"], name="benefit_use_member"),
            models.Index(fields=["benefit", "-id"], name="benefit_use_benefit"),
            models.Index(fields=["mall", "-id"], name="benefit_use_mall"),
        ]


class LuckyDraw(models.Model):
    """抽奖. Published, nothing of it changes any more: ``digest`` is the SHA-256 of its rules, ``commitment`` that of its seed.

    The seed is encrypted until the end and then ``revealed``. ``tickets`` counts the draws and gives them their numbers.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        REVEALED = "revealed"

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    description = models.TextField(blank=True)
    points = models.IntegerField()
    daily_limit = models.IntegerField()
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    collect_days = models.SmallIntegerField(default=14)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.DRAFT)
    seed = models.BinaryField(default=b"")
    commitment = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    revealed = models.CharField(max_length=64, blank=True)
    tickets = models.IntegerField(default=0)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    published_at = models.DateTimeField(null=True)
    revealed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(points__gt=0, daily_limit__gt=0, closes_at__gt=F("opens_at")), name="draw_bounds"
            )
        ]


class DrawPrize(models.Model):
    """One prize with its published odds (``odds_ppm`` of a million) and stock; the fallback (保底) has no end.

    ``value``: points of a points prize. ``value_fen`` is the market price, also of a service.
    """

    class Kind(models.TextChoices):
        GOODS = "goods"
        COUPON = "coupon"
        POINTS = "points"

    draw = models.ForeignKey("rewards.LuckyDraw", models.PROTECT, related_name="+")
    position = models.SmallIntegerField()
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    odds_ppm = models.IntegerField()
    stock = models.IntegerField(null=True)
    taken = models.IntegerField(default=0)
    points = models.IntegerField(default=0)
    value_fen = models.BigIntegerField()
    coupon_batch = models.ForeignKey("offers.CouponBatch", models.PROTECT, null=True, related_name="+")
    is_fallback = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draw", "position"], name="draw_prize_position"),
            models.CheckConstraint(
                condition=Q(taken__gte=0) & (Q(stock__isnull=True) | Q(taken__lte=F("stock"))),
                name="draw_prize_within_stock",
            ),
        ]


class DrawHolding(models.Model):
    """How often a member drew on one day: the lock of the daily limit."""

    pk = models.CompositePrimaryKey("draw_id", "member_id", "day")
    draw = models.ForeignKey("rewards.LuckyDraw", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    taken = models.IntegerField()


class DrawTicket(models.Model):
    """One draw: its ``number``, the member's ``nonce``, the ``roll`` (0 to 999,999) they and the seed make, what the roll
    means (``drawn``) and what was given (``prize``: the fallback when the drawn one had run out). Never changed, but for
    the moment its goods are collected with ``code``.
    """

    id = models.BigAutoField(primary_key=True)
    draw = models.ForeignKey("rewards.LuckyDraw", models.PROTECT, related_name="+", db_index=False)
    number = models.IntegerField()
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    nonce = models.CharField(max_length=64)
    roll = models.IntegerField()
    drawn = models.ForeignKey("rewards.DrawPrize", models.PROTECT, related_name="+", db_index=False)
    prize = models.ForeignKey("rewards.DrawPrize", models.PROTECT, related_name="+", db_index=False)
    redemption = models.OneToOneField("loyalty.Redemption", models.PROTECT, related_name="+")
    coupon = models.OneToOneField("offers.Coupon", models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=16, unique=True)
    drawn_at = models.DateTimeField()
    collected_at = models.DateTimeField(null=True)
    collected_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["draw", "number"], name="draw_ticket_number")]
        indexes = [models.Index(fields=["member", "-id"], name="draw_ticket_member")]


class Auction(models.Model):
    """积分竞拍: ``units`` of a reward go to the highest bids. Published, its terms stay; ``digest`` is their SHA-256.

    ``ends_at`` begins as ``closes_at``; late bids of the open kind move it, ``extension_most`` minutes at most. ``bids`` and
    ``bidders`` count and give numbers; ``head`` is the last link of the chain of all bids' commitments.
    """

    class Kind(models.TextChoices):
        OPEN = "open"
        SEALED = "sealed"

    class Status(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        CLOSED = "closed"
        CANCELLED = "cancelled"

    reward = models.ForeignKey("rewards.Reward", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    units = models.IntegerField()
    reserve_points = models.IntegerField()
    step_points = models.IntegerField()
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    extension_minutes = models.SmallIntegerField(default=0)
    extension_most = models.SmallIntegerField(default=0)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.DRAFT)
    digest = models.CharField(max_length=64, blank=True)
    head = models.CharField(max_length=64, blank=True)
    bids = models.IntegerField(default=0)
    bidders = models.IntegerField(default=0)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    published_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(units__gt=0, reserve_points__gt=0, step_points__gt=0, closes_at__gt=F("opens_at"))
                & Q(ends_at__gte=F("closes_at"), extension_minutes__gte=0, extension_most__gte=0),
                name="auction_bounds",
            )
        ]
        indexes = [models.Index(fields=["ends_at"], condition=Q(status="published"), name="auction_due")]


class AuctionBid(models.Model):
    """One bid, with the points it holds; never changed, but for its ``state`` and what came of it.

    ``number`` counts the auction's bids, ``bidder`` its members: all that others see of one. ``commitment`` is the SHA-256
    of the bid and its ``salt``. ``place`` is that of a winner. ``released_at``: the held points went back.
    """

    class State(models.TextChoices):
        STANDING = "standing"
        RAISED = "raised"
        OUTBID = "outbid"
        WON = "won"
        LOST = "lost"
        VOID = "void"

    id = models.BigAutoField(primary_key=True)
    auction = models.ForeignKey("rewards.Auction", models.PROTECT, related_name="+", db_index=False)
    number = models.IntegerField()
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    bidder = models.IntegerField()
    points = models.IntegerField()
    salt = models.CharField(max_length=32)
    commitment = models.CharField(max_length=64)
    hold = models.OneToOneField("loyalty.Hold", models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.STANDING)
    place = models.SmallIntegerField(null=True)
    order = models.OneToOneField("rewards.ExchangeOrder", models.PROTECT, null=True, related_name="+")
    bid_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["auction", "number"], name="auction_bid_number"),
            models.UniqueConstraint(
                fields=["auction", "member"], condition=Q(state="standing"), name="auction_bid_standing_once"
            ),
            models.UniqueConstraint(
                fields=["auction", "place"], condition=Q(place__isnull=False), name="auction_bid_place_once"
            ),
            models.CheckConstraint(
                condition=Q(points__gt=0)
                & (Q(state="won", place__isnull=False, order__isnull=False) | ~Q(state="won")),
                name="auction_bid_won",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-id"], name="auction_bid_member"),
            models.Index(
                fields=["auction"],
                condition=Q(state__in=("lost", "void"), released_at__isnull=True),
                name="auction_bid_to_release",
            ),
        ]
