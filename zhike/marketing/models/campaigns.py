from __future__ import annotations

from django.db import models
from django.db.models import Q


class MarketingPolicy(models.Model):
    """What holds for all campaigns of a group: ``global_holdout_bp`` of the members get no campaign in a quarter.

    ``margin_bp`` is what is left of a yuan of sales where a merchant and its line of business have no rate of their own; None:
    nobody knows. A campaign stops by itself when certainly more than ``withdrawn_max_bp`` of those it reached take consent back, or more
    than ``complained_max_bp`` complain; None: never.
    """

    group = models.OneToOneField("organization.Group", models.PROTECT, related_name="+")
    global_holdout_bp = models.IntegerField()
    margin_bp = models.IntegerField(null=True)
    withdrawn_max_bp = models.IntegerField(null=True)
    complained_max_bp = models.IntegerField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(global_holdout_bp__gte=0, global_holdout_bp__lte=2_000)
                & Q(margin_bp__gte=0, margin_bp__lte=10_000),
                name="marketing_policy_shares",
            )
        ]


class Campaign(models.Model):
    """活动: a plan that somebody else approved, carried out in waves and measured against its holdout.

    ``segment`` is the audience, None is every member in the scope of who launched it (``launched_by``, empty: the program).
    ``budget`` is fen by who pays. ``forecast`` is what the reach planner found. Shares are hundredths of a per cent.
    ``starts_at`` None begins at the launch. ``target`` is how a model of uplift chooses from the audience (rules.uplift.Target),
    None takes everybody. ``is_unguarded``: somebody let it go on after too many had said no. ``version`` grows with every change.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        SUBMITTED = "submitted"
        APPROVED = "approved"
        RUNNING = "running"
        PAUSED = "paused"
        STOPPED = "stopped"
        SENT = "sent"
        DONE = "done"
        CANCELLED = "cancelled"

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=80)
    scenario = models.CharField(max_length=30, blank=True)
    goal = models.CharField(max_length=10)
    theme = models.CharField(max_length=500, blank=True)
    segment = models.BigIntegerField(null=True)
    holdout_bp = models.IntegerField()
    test_bp = models.IntegerField(default=10_000)
    window_days = models.SmallIntegerField()
    budget = models.JSONField(default=dict)
    rhythm = models.CharField(max_length=10, default="once")
    starts_at = models.DateTimeField(null=True)
    ends_on = models.DateField(null=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    stop_reason = models.CharField(max_length=40, blank=True)
    is_unguarded = models.BooleanField(default=False)
    forecast = models.JSONField(null=True)
    forecast_asked_at = models.DateTimeField(null=True)
    lessons = models.TextField(blank=True)
    winner = models.CharField(max_length=20, blank=True)
    target = models.JSONField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    edited_by = models.CharField(max_length=80)
    approved_by = models.CharField(max_length=80, blank=True)
    approved_at = models.DateTimeField(null=True)
    launched_by = models.BigIntegerField(null=True)
    launched_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(holdout_bp__gte=0, holdout_bp__lt=10_000, test_bp__gt=0, test_bp__lte=10_000),
                name="campaign_shares",
            ),
            models.CheckConstraint(
                condition=Q(window_days__gte=1, window_days__lte=90), name="campaign_window"
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="campaign_newest"),
            models.Index(
                fields=["status"],
                condition=Q(status__in=["running", "sent"]),
                name="campaign_at_work",
            ),
        ]


class CampaignArm(models.Model):
    """One content of a campaign: a wording, perhaps with a coupon or points. ``weight`` against the other arms."""

    campaign = models.ForeignKey("marketing.Campaign", models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=20)
    template = models.CharField(max_length=60)
    batch = models.ForeignKey(
        "offers.CouponBatch", models.PROTECT, null=True, related_name="+", db_index=False
    )
    points = models.IntegerField(default=0)
    weight = models.SmallIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "key"], name="campaign_arm_key")]


class CampaignWave(models.Model):
    """One filling of a campaign with recipients; its window begins at ``starts_at``. ``cursor`` is the last member looked at.

    ``is_rest``: it takes everybody whom the test left over, all into the winning arm. ``cut``: the expected uplift from which on a
    model lets people in, found once when the filling begins; None where no model chooses.
    """

    campaign = models.ForeignKey("marketing.Campaign", models.PROTECT, related_name="+", db_index=False)
    number = models.IntegerField()
    is_rest = models.BooleanField(default=False)
    starts_at = models.DateTimeField()
    cut = models.FloatField(null=True)
    filled_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "number"], name="campaign_wave_number")]


class CampaignRecipient(models.Model):
    """A person in a campaign, once. ``gate`` is what the gates said of them before anybody knew the arm, "" is open.

    Measured is whoever has an empty ``gate``, in every arm. ``cost`` is what the message is reckoned at, in thousandths of a fen.
    ``channel`` is the way by which every arm would have reached them, "" where the arms differ. ``chosen``: in by the model's "score",
    to "explore", or "" where no model chose. Held: the holdout, who get nothing;
    waiting: to be given; given; skipped: nothing could be given.
    """

    class State(models.TextChoices):
        HELD = "held"
        WAITING = "waiting"
        GIVEN = "given"
        SKIPPED = "skipped"

    pk = models.CompositePrimaryKey("campaign_id", "person_id")
    campaign = models.ForeignKey("marketing.Campaign", models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    member_id = models.BigIntegerField()
    wave = models.ForeignKey("marketing.CampaignWave", models.PROTECT, related_name="+", db_index=False)
    arm = models.CharField(max_length=20)
    gate = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    cost = models.IntegerField(default=0)
    chosen = models.CharField(max_length=7, blank=True)
    channel = models.CharField(max_length=20, blank=True)
    state = models.CharField(max_length=8, choices=State.choices)
    given_at = models.DateTimeField(null=True)
    clicked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["campaign", "wave", "person"], name="recipient_wave"),
            models.Index(
                fields=["campaign", "person"], condition=Q(state="waiting"), name="recipient_waiting"
            ),
        ]


class CampaignMeasure(models.Model):
    """What had been measured by a day: sums by arm, from which every figure of the review follows."""

    campaign = models.ForeignKey("marketing.Campaign", models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    sums = models.JSONField()
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "day"], name="campaign_measure_day")]
