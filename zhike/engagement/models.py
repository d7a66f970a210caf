from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Plan(models.Model):
    """What something gives: ``terms`` count from the next occasion on, ``version`` counts the changes."""

    terms = models.JSONField()
    is_open = models.BooleanField(default=True)
    version = models.IntegerField(default=1)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)

    class Meta:
        abstract = True


class CheckInPlan(Plan):
    """签到方案 of a mall: ``terms`` are rules.check_in.CheckInTerms."""

    mall = models.OneToOneField("organization.Mall", models.PROTECT, related_name="+")


class CheckInRecord(models.Model):
    """How a member checks in at a mall; its row is the lock of their check-ins there. Follows from them."""

    pk = models.CompositePrimaryKey("member_id", "mall_id")
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    total = models.IntegerField(default=0)
    longest = models.IntegerField(default=0)
    last_day = models.DateField(null=True)


class CheckIn(models.Model):
    """签到: a member came by on a day of the mall's calendar, or made up for one they missed (``made_up``).

    ``streak`` is the day's place in its row of days when it was made; ``points`` and ``coupon`` what it gave, ``missed``
    why a coupon could not be given.
    """

    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    streak = models.IntegerField()
    points = models.IntegerField(default=0)
    coupon = models.ForeignKey("offers.Coupon", models.PROTECT, null=True, related_name="+", db_index=False)
    missed = models.CharField(max_length=40, blank=True)
    made_up = models.BooleanField(default=False)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "mall", "day"], name="check_in_once_a_day"),
            models.CheckConstraint(condition=Q(streak__gte=1, points__gte=0), name="check_in_bounds"),
        ]
        indexes = [models.Index(fields=["mall", "day"], name="check_in_mall_day")]


class BirthdayPlan(Plan):
    """生日礼 of a programme: ``terms`` are rules.birthday.BirthdayTerms; ``done_on`` the last day whose gifts are given."""

    program = models.OneToOneField("loyalty.Program", models.PROTECT, related_name="+")
    done_on = models.DateField(null=True)


class BirthdayGift(models.Model):
    """What a member got for the birthday of one ``year`` of the calendar they celebrate by; once."""

    pk = models.CompositePrimaryKey("member_id", "year")
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    year = models.SmallIntegerField()
    day = models.DateField()
    key = models.CharField(max_length=5)
    points = models.IntegerField(default=0)
    batch = models.ForeignKey(
        "offers.CouponBatch", models.PROTECT, null=True, related_name="+", db_index=False
    )
    missed = models.CharField(max_length=40, blank=True)
    given_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-day"], name="birthday_gift_day")]


class ReferralPlan(Plan):
    """邀请有礼 of a programme: ``terms`` are rules.referral.ReferralTerms."""

    program = models.OneToOneField("loyalty.Program", models.PROTECT, related_name="+")


class InviteCode(models.Model):
    """邀请码: what a member's link and QR code say."""

    member = models.OneToOneField("loyalty.Member", models.PROTECT, primary_key=True, related_name="+")
    code = models.CharField(max_length=12, unique=True)
    created_at = models.DateTimeField()


class MemberDevice(models.Model):
    """A browser that a member logged in from, by the hash of its cookie."""

    pk = models.CompositePrimaryKey("member_id", "device")
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    device = models.CharField(max_length=64, db_index=True)
    seen_at = models.DateTimeField()


class Referral(models.Model):
    """邀请: a member (``inviter``) brought a new one (``invitee``), at most one for each new member.

    joined → waiting (a purchase counts, until ``due_on``) → rewarded → taken_back; or refused (``refusal``), or lapsed.
    ``terms`` are the plan's on the day of joining: they are what was promised.
    ``device`` and ``address`` are hashes of where the invitee joined.
    """

    class Status(models.TextChoices):
        JOINED = "joined"
        WAITING = "waiting"
        REWARDED = "rewarded"
        TAKEN_BACK = "taken_back"
        REFUSED = "refused"
        LAPSED = "lapsed"

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    inviter = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    invitee = models.OneToOneField("loyalty.Member", models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.JOINED)
    refusal = models.CharField(max_length=20, blank=True)
    terms = models.JSONField()
    receipt_id = models.UUIDField(null=True)
    due_on = models.DateField(null=True)
    inviter_points = models.IntegerField(default=0)
    invitee_points = models.IntegerField(default=0)
    inviter_coupon = models.ForeignKey(
        "offers.Coupon", models.PROTECT, null=True, related_name="+", db_index=False
    )
    invitee_coupon = models.ForeignKey(
        "offers.Coupon", models.PROTECT, null=True, related_name="+", db_index=False
    )
    device = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=64, blank=True)
    joined_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(inviter=F("invitee")), name="referral_of_two"),
        ]
        indexes = [
            models.Index(fields=["inviter", "-joined_at"], name="referral_inviter"),
            models.Index(fields=["due_on"], condition=Q(status="waiting"), name="referral_due"),
            models.Index(fields=["program", "-joined_at"], name="referral_newest"),
        ]


class Mission(models.Model):
    """任务 of a programme. ``version`` is the newest of its terms; ``closed_at``: nobody begins it any more."""

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    description = models.CharField(max_length=300, blank=True)
    version = models.IntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)


class MissionVersion(models.Model):
    """What a mission asks and gives (rules.missions.MissionTerms) from ``published_at`` on. Never edited."""

    mission = models.ForeignKey("engagement.Mission", models.PROTECT, related_name="+", db_index=False)
    version = models.IntegerField()
    terms = models.JSONField()
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mission", "version"], name="mission_version_unique"),
        ]


class MissionRun(models.Model):
    """A member on a mission in one period (rules.missions.FOR_EVER when it can be done once); its row is the lock.

    running → waiting (done, its reward comes on ``due_on``) → rewarded → taken_back, and on from there; missed: done, but
    the quota was used up. ``version``: the terms that were promised when it began. ``counts`` and ``finished_at`` follow
    from what the member did. ``attempt`` counts the rewards, so that each is a transfer of its own.
    """

    class Status(models.TextChoices):
        RUNNING = "running"
        WAITING = "waiting"
        REWARDED = "rewarded"
        TAKEN_BACK = "taken_back"
        MISSED = "missed"

    mission = models.ForeignKey("engagement.Mission", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    period = models.DateField()
    version = models.ForeignKey("engagement.MissionVersion", models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    counts = models.JSONField(default=list)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    due_on = models.DateField(null=True)
    attempt = models.SmallIntegerField(default=0)
    points = models.IntegerField(default=0)
    coupon = models.ForeignKey("offers.Coupon", models.PROTECT, null=True, related_name="+", db_index=False)
    missed = models.CharField(max_length=40, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "mission", "period"], name="mission_run_unique"),
            models.CheckConstraint(condition=Q(points__gte=0, attempt__gte=0), name="mission_run_bounds"),
        ]
        indexes = [
            models.Index(fields=["mission", "-changed_at", "-id"], name="mission_run_newest"),
            models.Index(fields=["due_on"], condition=Q(status="waiting"), name="mission_run_due"),
        ]


class Deed(models.Model):
    """Something a member did that other parts of the house or a mall's own app tell of: ``kind`` is one of rules.missions.DEEDS.

    ``reference`` names it for good (“survey:7”, “dianping:93812”).
    """

    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10)
    reference = models.CharField(max_length=80)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+", db_index=False)
    merchant = models.ForeignKey(
        "organization.Merchant", models.PROTECT, null=True, related_name="+", db_index=False
    )
    happened_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=80)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "reference"], name="deed_once")]
        indexes = [models.Index(fields=["member", "happened_at"], name="deed_member")]


class WelcomeOffer(models.Model):
    """新客首单礼 of a mall. ``version`` is the newest of its terms; the row is the lock of its quota and budget."""

    mall = models.OneToOneField("organization.Mall", models.PROTECT, related_name="+")
    version = models.IntegerField()


class WelcomeVersion(models.Model):
    """What a mall promises (rules.welcome.WelcomeTerms) those who join from ``effective_from`` on, or nothing (not
    ``is_open``). Never edited."""

    offer = models.ForeignKey("engagement.WelcomeOffer", models.PROTECT, related_name="+", db_index=False)
    version = models.IntegerField()
    terms = models.JSONField()
    is_open = models.BooleanField()
    effective_from = models.DateTimeField()
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["offer", "version"], name="welcome_version_unique"),
        ]


class Welcome(models.Model):
    """What a new member was promised on joining, and what came of it; one for each member, its row is the lock.

    promised → waiting (a purchase counts, until ``due_on``) → granted → taken_back and on from there; refused
    (``refusal``), missed (quota or budget used up), lapsed. ``given_at``: since when something of it was given, which
    takes one place of the quota. ``points`` stand now; ``kept_points`` could not be taken back and count against the
    next ones. ``attempt`` counts the transfers, so that each has a reference of its own.
    """

    class Status(models.TextChoices):
        PROMISED = "promised"
        WAITING = "waiting"
        GRANTED = "granted"
        TAKEN_BACK = "taken_back"
        REFUSED = "refused"
        MISSED = "missed"
        LAPSED = "lapsed"

    member = models.OneToOneField("loyalty.Member", models.PROTECT, primary_key=True, related_name="+")
    version = models.ForeignKey("engagement.WelcomeVersion", models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PROMISED)
    refusal = models.CharField(max_length=20, blank=True)
    receipt_id = models.UUIDField(null=True)
    bought_at = models.DateTimeField(null=True)
    due_on = models.DateField(null=True)
    lapses_at = models.DateTimeField()
    attempt = models.SmallIntegerField(default=0)
    points = models.IntegerField(default=0)
    kept_points = models.IntegerField(default=0)
    coupon = models.ForeignKey("offers.Coupon", models.PROTECT, null=True, related_name="+", db_index=False)
    missed = models.CharField(max_length=40, blank=True)
    joined_at = models.DateTimeField()
    given_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(points__gte=0, kept_points__gte=0, attempt__gte=0), name="welcome_bounds"
            ),
        ]
        indexes = [
            models.Index(fields=["version", "-joined_at"], name="welcome_newest"),
            models.Index(fields=["due_on"], condition=Q(status="waiting"), name="welcome_due"),
            models.Index(fields=["lapses_at"], condition=Q(status="promised"), name="welcome_lapses"),
        ]


class WelcomeMark(models.Model):
    """That somebody known by this has had a welcome: a keyed fingerprint of a phone, card, account or browser.

    It outlives the person: an erasure takes ``welcome`` away and leaves a fingerprint that tells nobody anything but
    whether a newcomer was here before.
    """

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+", db_index=False)
    mark = models.BinaryField(max_length=17)
    kind = models.CharField(max_length=10)
    welcome = models.ForeignKey("engagement.Welcome", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "mark"], name="welcome_mark_once")]


class StampCard(models.Model):
    """集点卡 of a mall or of one merchant in it. ``version`` is the newest of its terms; who collects gets these.

    ``terms`` are rules.stamps.StampTerms. ``closed_at``: purchases after it give no stamps any more.
    """

    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+")
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=60)
    description = models.CharField(max_length=300, blank=True)
    version = models.IntegerField(default=0)
    terms = models.JSONField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)


class StampHolding(models.Model):
    """How far a member is on a card; its row is the lock of their rewards. Follows from what they bought.

    ``stamps`` of the card that is being filled, ``total`` that count in all, ``rounds`` filled; ``due_on`` when the next
    reward that waits comes.
    """

    card = models.ForeignKey("engagement.StampCard", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+")
    stamps = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    rounds = models.IntegerField(default=0)
    due_on = models.DateField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["card", "member"], name="stamp_holding_unique")]
        indexes = [
            models.Index(fields=["card", "-changed_at", "-id"], name="stamp_holding_newest"),
            models.Index(fields=["due_on"], condition=Q(due_on__isnull=False), name="stamp_holding_due"),
        ]


class StampReward(models.Model):
    """What one filled card gave. ``is_standing`` until stamps were taken back; ``kept_points`` could not be taken back and
    count against the next ones; ``attempt`` counts the transfers."""

    holding = models.ForeignKey("engagement.StampHolding", models.PROTECT, related_name="+", db_index=False)
    number = models.IntegerField()
    is_standing = models.BooleanField(default=True)
    attempt = models.SmallIntegerField(default=0)
    points = models.IntegerField(default=0)
    kept_points = models.IntegerField(default=0)
    coupon = models.ForeignKey("offers.Coupon", models.PROTECT, null=True, related_name="+", db_index=False)
    missed = models.CharField(max_length=40, blank=True)
    given_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["holding", "number"], name="stamp_reward_once")]
