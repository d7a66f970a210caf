from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Program(models.Model):
    """忠诚度计划: how points round, live, are spent, and what happens when a refund finds them gone.

    ``stamp`` grows with every change of programme, tiers or rules, so that a process knows when its copy is old. ``growth`` is
    how growth value is earned (rules.growth.GrowthRules), None where there is none.
    """

    class Rounding(models.TextChoices):
        DOWN = "down"
        HALF_UP = "half_up"
        UP = "up"

    class Expiry(models.TextChoices):
        ROLLING_MONTHS = "rolling_months"
        END_OF_YEAR = "end_of_year"
        FIXED_DATE = "fixed_date"
        NEVER = "never"

    class Shortfall(models.TextChoices):
        """What a clawback does when the points are already spent."""

        DEBT = "debt"
        BLOCK = "block"
        DEDUCT_CASH = "deduct_cash"
        WAIVE = "waive"

    class TierWindow(models.TextChoices):
        ROLLING_12_MONTHS = "rolling_12_months"
        CALENDAR_YEAR = "calendar_year"
        LIFETIME = "lifetime"

    class TierBasis(models.TextChoices):
        """What the ladder counts: spend, business days with a qualifying receipt, or growth value."""

        SPEND = "spend"
        VISITS = "visits"
        GROWTH = "growth"

    class TierPeriod(models.TextChoices):
        """How long a tier is held before it has to be earned again."""

        AT_ONCE = "at_once"
        ANNIVERSARY = "anniversary"
        YEAR = "year"
        QUARTER = "quarter"

    class TierFall(models.TextChoices):
        """How far somebody falls who did not keep their tier."""

        ONE_STEP = "one_step"
        TO_SPEND = "to_spend"

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    rounding = models.CharField(max_length=10, choices=Rounding.choices, default=Rounding.DOWN)
    expiry = models.CharField(max_length=20, choices=Expiry.choices, default=Expiry.ROLLING_MONTHS)
    expiry_months = models.SmallIntegerField(default=24)
    expiry_month_day = models.CharField(max_length=5, default="12-31")
    expiry_grace_days = models.SmallIntegerField(default=0)
    return_window_days = models.SmallIntegerField(default=0)
    hold_minutes = models.SmallIntegerField(default=15)
    time_zone = models.CharField(max_length=60, default="Asia/Shanghai")
    shortfall = models.CharField(max_length=12, choices=Shortfall.choices, default=Shortfall.DEBT)
    redeem_points = models.IntegerField(default=100)
    redeem_fen = models.IntegerField(default=100)
    redeem_step = models.IntegerField(default=1)
    redeem_minimum = models.IntegerField(default=1)
    redeem_maximum = models.IntegerField(default=1_000_000)
    tier_window = models.CharField(
        max_length=20, choices=TierWindow.choices, default=TierWindow.ROLLING_12_MONTHS
    )
    tier_basis = models.CharField(
        max_length=6, choices=TierBasis.choices, default=TierBasis.SPEND, db_default=TierBasis.SPEND
    )
    growth = models.JSONField(null=True)
    tier_reverses_on_refund = models.BooleanField(default=True)
    tier_period = models.CharField(
        max_length=12, choices=TierPeriod.choices, default=TierPeriod.AT_ONCE, db_default=TierPeriod.AT_ONCE
    )
    tier_grace_days = models.SmallIntegerField(default=0, db_default=0)
    tier_fall = models.CharField(
        max_length=8, choices=TierFall.choices, default=TierFall.ONE_STEP, db_default=TierFall.ONE_STEP
    )
    claim_window_days = models.SmallIntegerField(default=30)
    photo_claims_day = models.SmallIntegerField(default=5, db_default=5)
    photo_claim_second_fen = models.BigIntegerField(default=200_000, db_default=200_000)
    waiver_limit = models.IntegerField(default=2_000)
    rate_notice_days = models.SmallIntegerField(default=30)
    adjustment_limit = models.IntegerField(default=5_000)
    adjustment_day_limit = models.IntegerField(default=20_000)
    funding = models.ForeignKey("loyalty.Funding", models.PROTECT, related_name="+")
    stamp = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()


class ReturnWindow(models.Model):
    """退货期 of one trade category: points of its purchases wait so many days; others wait the programme's own."""

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    trade_category = models.ForeignKey("organization.TradeCategory", models.PROTECT, related_name="+")
    days = models.SmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "trade_category"], name="return_window_unique"),
            models.CheckConstraint(condition=Q(days__gte=0), name="return_window_not_negative"),
        ]


class Tier(models.Model):
    """One step of the ladder: reached when qualifying spend in the programme's window is ``threshold_fen`` or more.

    Where the ladder counts visits or growth value, ``threshold_count`` and ``keep_count`` are used instead. At the end of
    its period it is kept with ``keep_fen`` (None: as much as reaching it takes) or, where ``keep_visits`` is given, with
    purchases on so many days.
    """

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=60)
    rank = models.SmallIntegerField()
    threshold_fen = models.BigIntegerField()
    keep_fen = models.BigIntegerField(null=True)
    keep_visits = models.IntegerField(null=True)
    threshold_count = models.BigIntegerField(default=0, db_default=0)
    keep_count = models.BigIntegerField(null=True)
    colour = models.CharField(max_length=20)
    benefits = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "rank"], name="tier_rank_unique"),
            models.UniqueConstraint(fields=["program", "code"], name="tier_code_unique"),
            models.CheckConstraint(
                condition=Q(keep_fen=None) | Q(keep_fen__gte=0, keep_fen__lte=F("threshold_fen")),
                name="tier_kept_with_no_more",
            ),
            models.CheckConstraint(
                condition=Q(threshold_count__gte=0)
                & (Q(keep_count=None) | Q(keep_count__gte=0, keep_count__lte=F("threshold_count"))),
                name="tier_kept_with_no_more_count",
            ),
            models.CheckConstraint(
                condition=Q(keep_visits=None) | Q(keep_visits__gt=0), name="tier_visits_positive"
            ),
        ]


class EarningRule(models.Model):
    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["program", "code"], name="earning_rule_code_unique")]


class EarningRuleVersion(models.Model):
    """One version, in force from ``effective_from`` until the next version's (or ``retired_from``). Never edited."""

    rule = models.ForeignKey("loyalty.EarningRule", models.PROTECT, related_name="+")
    version = models.IntegerField()
    definition = models.JSONField()
    effective_from = models.DateTimeField()
    retired_from = models.DateTimeField(null=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "version"], name="rule_version_unique")]


class Member(models.Model):
    """A person in a programme. ``mall`` and ``merchant`` enrolled them; who looks after them (导购) is the person's.

    ``survivor``: the membership that a merged one goes on in; its account holds the points of both.
    ``tier`` is the one that counts. Where a temporary one stands above what was earned, ``earned_tier`` is the earned one,
    else None. The earned one is held until ``tier_until`` (a day; None: no end), and what is bought from ``tier_from`` on
    (None: in the programme's window) keeps it. At ``tier_due`` a temporary tier begins
    or ends: from then on ``tier`` is only right once that is settled.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        FROZEN = "frozen"
        CLOSED = "closed"
        MERGED = "merged"

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    survivor = models.ForeignKey("loyalty.Member", models.PROTECT, null=True, related_name="+")
    tier = models.ForeignKey("loyalty.Tier", models.PROTECT, related_name="+")
    tier_since = models.DateTimeField()
    earned_tier = models.ForeignKey(
        "loyalty.Tier", models.PROTECT, null=True, related_name="+", db_index=False
    )
    tier_from = models.DateField(null=True)
    tier_until = models.DateField(null=True)
    tier_due = models.DateTimeField(null=True)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, null=True, related_name="+")
    enrolled_at = models.DateTimeField()
    enrolled_by = models.CharField(max_length=80)
    source = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "person"], name="member_person_unique"),
            models.CheckConstraint(
                condition=Q(status="merged", survivor__isnull=False)
                | (~Q(status="merged") & Q(survivor=None)),
                name="member_merged_has_survivor",
            ),
        ]
        indexes = [
            models.Index(fields=["-enrolled_at", "-id"], name="member_newest"),
            models.Index(fields=["mall", "-enrolled_at", "-id"], name="member_mall_newest"),
            models.Index(fields=["tier", "-enrolled_at", "-id"], name="member_tier_newest"),
            models.Index(fields=["tier_due"], condition=Q(tier_due__isnull=False), name="member_tier_due"),
            models.Index(
                fields=["tier_until"], condition=Q(tier_until__isnull=False), name="member_tier_until"
            ),
        ]


class MemberCard(models.Model):
    """电子会员卡. ``secret`` (encrypted) seeds the rotating QR; a till may hold it to verify offline."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        LOST = "lost"
        REPLACED = "replaced"

    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    secret = models.BinaryField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    issued_at = models.DateTimeField()
    last_step = models.BigIntegerField(default=0)


class MemberMerge(models.Model):
    """What two memberships were when they became one, so that they can be two again.

    ``before`` has each side's lots, debt, caps and tier (rules.merging.Snapshot), ``last_transfer_id`` what the
    survivor's account had posted by then. ``merge`` is the merge of the two persons.
    """

    merge = models.OneToOneField("customers.Merge", models.PROTECT, primary_key=True, related_name="+")
    survivor = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+")
    merged = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+")
    before = models.JSONField()
    last_transfer_id = models.BigIntegerField()
    merged_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)


class Funding(models.Model):
    """Who pays for points: shares in basis points that sum to 10,000, e.g. ``{"mall": 10000}``. Never edited.

    ``since``: points of this funding were given after the notice of that version of the redemption rates; what older
    fundings were promised does not hold for them.
    """

    code = models.CharField(max_length=40, unique=True)
    split = models.JSONField()
    since = models.ForeignKey("loyalty.RateVersion", models.PROTECT, null=True, related_name="+")


class ProvisionPolicy(models.Model):
    """What points are worth in the books from ``effective_on``: rules.provisions.Policy in versions. Never edited."""

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    version = models.IntegerField()
    effective_on = models.DateField()
    value_points = models.IntegerField()
    value_fen = models.IntegerField()
    redemption_bp = models.IntegerField()
    accounts = models.JSONField()
    note = models.CharField(max_length=300, blank=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "version"], name="provision_version_unique"),
            models.CheckConstraint(
                condition=Q(
                    value_points__gt=0, value_fen__gte=0, redemption_bp__gte=0, redemption_bp__lte=10_000
                ),
                name="provision_bounds",
            ),
        ]


class Account(models.Model):
    """One owner's points. System accounts have negative ids, no member and no balance, so no row is hot.

    ``version`` counts every change: a writer that decided on an older version writes nothing and decides again.
    ``qualifying_fen`` is the spend that counts toward the tier within the programme's window. ``restraint``: "", "spending"
    or "all" (neither spent nor earned), what the open restraints of everybody merged into the member come to.
    """

    id = models.BigAutoField(primary_key=True)
    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+", db_index=False)
    member = models.OneToOneField("loyalty.Member", models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=40, blank=True)
    balance = models.BigIntegerField(default=0)
    debt = models.BigIntegerField(default=0)
    qualifying_fen = models.BigIntegerField(default=0)
    version = models.BigIntegerField(default=0)
    restraint = models.CharField(max_length=8, default="", db_default="", blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(balance__gte=0, debt__gte=0), name="account_not_negative"),
            models.CheckConstraint(condition=Q(balance=0) | Q(debt=0), name="account_balance_or_debt"),
        ]


class Transfer(models.Model):
    """Points moved from ``debit_account`` to ``credit_account``; append-only.

    ``lots`` tells which lots of the member's account changed: ``[[expires_on, funding_id, points], …]``, and
    ``debt_points`` how many of ``points`` repaid (credit) or became (debit) debt: lots + debt_points = points.
    ``balance_after`` is the member's balance − debt. ``reverses`` points at the transfer given back or clawed back.
    """

    debit_account = models.ForeignKey("loyalty.Account", models.PROTECT, related_name="+", db_index=False)
    credit_account = models.ForeignKey("loyalty.Account", models.PROTECT, related_name="+", db_index=False)
    points = models.BigIntegerField()
    reason = models.CharField(max_length=20)
    reference = models.CharField(max_length=80)
    rule_version = models.ForeignKey(
        "loyalty.EarningRuleVersion", models.PROTECT, null=True, related_name="+", db_index=False
    )
    funding = models.ForeignKey("loyalty.Funding", models.PROTECT, related_name="+", db_index=False)
    lots = models.JSONField()
    debt_points = models.BigIntegerField(default=0)
    balance_after = models.BigIntegerField()
    reverses = models.ForeignKey(
        "loyalty.Transfer", models.PROTECT, null=True, related_name="+", db_index=False
    )
    explanation = models.JSONField()
    actor = models.CharField(max_length=80)
    occurred_at = models.DateTimeField()
    posted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(points__gt=0), name="transfer_points_positive"),
            models.CheckConstraint(
                condition=~Q(debit_account=F("credit_account")), name="transfer_two_accounts"
            ),
        ]
        indexes = [
            models.Index(
                fields=["credit_account", "-id"], condition=Q(credit_account__gt=0), name="transfer_credit"
            ),
            models.Index(
                fields=["debit_account", "-id"], condition=Q(debit_account__gt=0), name="transfer_debit"
            ),
            models.Index(fields=["reference"], name="transfer_reference"),
        ]


class Lot(models.Model):
    """Points of one account with one expiry and funding: ``earned`` ever, ``remaining`` now; 9999-12-31 is never."""

    pk = models.CompositePrimaryKey("account_id", "expires_on", "funding_id")
    account = models.ForeignKey("loyalty.Account", models.PROTECT, related_name="+", db_index=False)
    expires_on = models.DateField()
    funding = models.ForeignKey("loyalty.Funding", models.PROTECT, related_name="+", db_index=False)
    earned = models.BigIntegerField()
    remaining = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(remaining__gte=0), name="lot_not_negative")]
        indexes = [models.Index(fields=["expires_on", "account"], name="lot_expiry")]


class CapUsage(models.Model):
    """Points a member already got under one cap of one rule: ``period`` is the day, or 0001-01-01 for ever."""

    pk = models.CompositePrimaryKey("account_id", "rule_id", "cap", "period")
    account = models.ForeignKey("loyalty.Account", models.PROTECT, related_name="+", db_index=False)
    rule = models.ForeignKey("loyalty.EarningRule", models.PROTECT, related_name="+", db_index=False)
    cap = models.CharField(max_length=40)
    period = models.DateField()
    used = models.BigIntegerField()


class Award(models.Model):
    """What the rules decided for one receipt of a member, points or none. ``explanation`` says why (rules.Explanation).

    ``clawed_points`` grows as returns come in. ``qualifying_fen`` counted toward the tier.
    """

    receipt = models.OneToOneField("sales.Receipt", models.PROTECT, primary_key=True, related_name="+")
    account = models.ForeignKey("loyalty.Account", models.PROTECT, related_name="+", db_index=False)
    tier = models.ForeignKey("loyalty.Tier", models.PROTECT, related_name="+", db_index=False)
    points = models.BigIntegerField()
    clawed_points = models.BigIntegerField(default=0)
    qualifying_fen = models.BigIntegerField()
    explanation = models.JSONField()
    occurred_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(points__gte=0, clawed_points__gte=0, clawed_points__lte=F("points")),
                name="award_bounds",
            )
        ]
        indexes = [models.Index(fields=["account", "-occurred_at"], name="award_account")]


class PendingPoints(models.Model):
    """待生效积分: what a receipt gave and may not be spent yet. A receipt's points wait, and are let go, all together.

    ``points`` once waited, in ``lots`` ([[expires_on, funding_id, points], …], the earliest expiry first), ``remaining``
    still do: returns take from the first lots, the release on ``available_on`` takes the rest. In the ledger they stand
    on the programme's system account *pending*.
    """

    receipt = models.OneToOneField("sales.Receipt", models.PROTECT, primary_key=True, related_name="+")
    account = models.ForeignKey("loyalty.Account", models.PROTECT, related_name="+", db_index=False)
    points = models.BigIntegerField()
    remaining = models.BigIntegerField()
    lots = models.JSONField()
    available_on = models.DateField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(remaining__gte=0, remaining__lte=F("points")), name="pending_points_bounds"
            )
        ]
        indexes = [
            models.Index(
                fields=["available_on", "account"], condition=Q(remaining__gt=0), name="pending_due"
            ),
            models.Index(
                fields=["account", "available_on"], condition=Q(remaining__gt=0), name="pending_account"
            ),
        ]


class Hold(models.Model):
    """预占: points set aside for a purchase that is being paid, until ``expires_at``.

    A hold ends once: confirmed (it becomes the ``redemption`` of the same id; what was not used is given back), released
    or expired. In the ledger held points stand on the programme's system account *held*.
    """

    class Status(models.TextChoices):
        OPEN = "open"
        CONFIRMED = "confirmed"
        RELEASED = "released"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, null=True, related_name="+")
    points = models.BigIntegerField()
    value_fen = models.BigIntegerField()
    used_points = models.BigIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    reference = models.CharField(max_length=80, blank=True)
    transfer = models.ForeignKey("loyalty.Transfer", models.PROTECT, related_name="+", db_index=False)
    held_at = models.DateTimeField()
    held_by = models.CharField(max_length=80)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(points__gt=0, used_points__gte=0, used_points__lte=F("points")),
                name="hold_bounds",
            )
        ]
        indexes = [
            models.Index(fields=["member", "-held_at"], name="hold_member"),
            models.Index(fields=["expires_at"], condition=Q(status="open"), name="hold_due"),
        ]


class Redemption(models.Model):
    """Points spent at a till or counter. ``reversed_points`` grows as parts are given back."""

    id = models.UUIDField(primary_key=True)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+")
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, null=True, related_name="+")
    points = models.BigIntegerField()
    value_fen = models.BigIntegerField()
    reversed_points = models.BigIntegerField(default=0)
    reference = models.CharField(max_length=80, blank=True)
    transfer = models.ForeignKey("loyalty.Transfer", models.PROTECT, related_name="+", db_index=False)
    redeemed_at = models.DateTimeField()
    redeemed_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(points__gt=0, reversed_points__gte=0, reversed_points__lte=F("points")),
                name="redemption_bounds",
            )
        ]


class Waiver(models.Model):
    """免除欠分: somebody asked that a member's debt be let go (``points`` of it), and somebody else decided.

    ``transfer`` is what an approval posted; it may be less than was asked when the member earned meanwhile.
    """

    class Status(models.TextChoices):
        ASKED = "asked"
        APPROVED = "approved"
        REFUSED = "refused"

    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    points = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ASKED)
    asked_by = models.CharField(max_length=80)
    asked_at = models.DateTimeField()
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True)
    transfer = models.ForeignKey(
        "loyalty.Transfer", models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member"], condition=Q(status="asked"), name="waiver_one_open"),
            models.CheckConstraint(condition=Q(points__gt=0), name="waiver_points_positive"),
            models.CheckConstraint(
                condition=Q(decided_by="") | ~Q(decided_by=F("asked_by")), name="waiver_two_persons"
            ),
        ]
        indexes = [models.Index(fields=["member", "-asked_at"], name="waiver_member")]


class Seal(models.Model):
    """A batch of transfers, hashed and chained to the seal before it. ``digest`` = SHA-256(previous ‖ rows).

    ``fingerprints`` (rules.sealing) tell which column of which row was changed, should the digest not fit.
    """

    first_transfer_id = models.BigIntegerField()
    last_transfer_id = models.BigIntegerField()
    transfers = models.IntegerField()
    previous = models.BinaryField()
    digest = models.BinaryField()
    fingerprints = models.BinaryField(default=b"")
    sealed_at = models.DateTimeField()


class DailyDigest(models.Model):
    """What the ledger was at the end of a day, signed: seals, totals, funders. Never changed.

    ``document`` is canonical JSON, ``digest`` its SHA-256, ``signature`` Ed25519 over the digest by the key ``kid``.
    """

    day = models.DateField(unique=True)
    document = models.TextField()
    digest = models.BinaryField()
    kid = models.CharField(max_length=32)
    public_key = models.BinaryField()
    signature = models.BinaryField()
    signed_at = models.DateTimeField()


class ReplayRun(models.Model):
    """A replay of the ledger under a ``draft`` that has been in force for ``days`` (None: for ever); see operations.replay."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True)
    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    draft = models.JSONField()
    days = models.IntegerField(null=True)
    receipts_total = models.BigIntegerField(default=0)
    receipts_done = models.BigIntegerField(default=0)
    result = models.JSONField(null=True)
    failure = models.CharField(max_length=500, blank=True)
    seconds = models.FloatField(null=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120, blank=True)


class MemberActivity(models.Model):
    """How a member shops, derived from the log: visits (days with a purchase), purchases, returns, what stayed spent.

    Thrown away and derived again by ``zhike rebuild member_activity``.
    """

    member = models.OneToOneField("loyalty.Member", models.CASCADE, primary_key=True, related_name="+")
    visits = models.IntegerField()
    purchases = models.IntegerField()
    returns = models.IntegerField()
    spent_fen = models.BigIntegerField()
    first_purchase_at = models.DateTimeField(null=True)
    last_purchase_at = models.DateTimeField(null=True)
    last_merchant = models.ForeignKey("organization.Merchant", models.PROTECT, null=True, related_name="+")
