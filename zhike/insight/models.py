from __future__ import annotations

from django.db import models


class Segment(models.Model):
    """A named definition. ``mall`` None: the whole group's. ``counted`` members belonged at ``counted_at``."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    note = models.CharField(max_length=300, blank=True)
    definition = models.JSONField()
    version = models.IntegerField()
    counted = models.IntegerField(null=True)
    counted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    changed_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "code"], name="segment_code_unique")]


class SegmentVersion(models.Model):
    """A definition as it was; never edited."""

    segment = models.ForeignKey("insight.Segment", models.PROTECT, related_name="+")
    version = models.IntegerField()
    definition = models.JSONField()
    counted = models.IntegerField(null=True)
    saved_at = models.DateTimeField()
    saved_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["segment", "version"], name="segment_version_unique"),
        ]


class SegmentCount(models.Model):
    """How many belonged at the end of a day, or when last counted on it."""

    pk = models.CompositePrimaryKey("segment_id", "day")
    segment = models.ForeignKey("insight.Segment", models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    counted = models.IntegerField()


class SegmentSnapshot(models.Model):
    """Who belonged at one moment, frozen: ``members`` is a serialised roaring bitmap of member ids."""

    segment = models.ForeignKey("insight.Segment", models.PROTECT, related_name="+")
    version = models.IntegerField()
    label = models.CharField(max_length=80)
    counted = models.IntegerField()
    members = models.BinaryField()
    taken_at = models.DateTimeField()
    taken_by = models.CharField(max_length=80)

    class Meta:
        indexes = [models.Index(fields=["segment", "-taken_at"], name="segment_snapshot_newest")]


class Standing(models.Model):
    """Where a member stands: stage of life as a customer, and RFM (``rfm`` "" without a purchase in the window).

    Thrown away and worked out again from receipts by the hourly job; ``rfm`` is recency, frequency, value as 0 or 1.
    """

    member = models.OneToOneField("loyalty.Member", models.CASCADE, primary_key=True, related_name="+")
    person = models.ForeignKey("customers.Person", models.CASCADE, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+", db_index=False)
    stage = models.CharField(max_length=10)
    stage_since = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    frequency = models.IntegerField()
    monetary_fen = models.BigIntegerField()
    recency_score = models.SmallIntegerField(null=True)
    frequency_score = models.SmallIntegerField(null=True)
    monetary_score = models.SmallIntegerField(null=True)
    rfm = models.CharField(max_length=3, blank=True)
    rfm_since = models.DateTimeField()


class StandingPolicy(models.Model):
    """Settings of stages (by mall) or of RFM, in versions. Never edited."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=10)
    version = models.IntegerField()
    definition = models.JSONField()
    note = models.CharField(max_length=200, blank=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group", "kind", "mall", "version"],
                name="standing_policy_version",
                nulls_distinct=False,
            )
        ]


class RfmRun(models.Model):
    """One day: the breaks that made the scores, how many had bought, and how many stood where at last."""

    day = models.DateField(primary_key=True)
    policy_version = models.IntegerField()
    population = models.IntegerField()
    breaks = models.JSONField()
    counts = models.JSONField()
    stages = models.JSONField()
    ran_at = models.DateTimeField()


class LifetimeRun(models.Model):
    """One fit of the model of lifetime value: what it was fitted to, what came out, how well it foresaw the hold-out."""

    ran_at = models.DateTimeField()
    ran_by = models.CharField(max_length=80)
    customers = models.IntegerField()
    first_on = models.DateField(null=True)
    last_on = models.DateField()
    parameters = models.JSONField()
    holdout = models.JSONField()
    fault = models.CharField(max_length=20, blank=True)


class Forecast(models.Model):
    """What the newest fit expects of a member in the next ``FORECAST_DAYS``. Thrown away by the next fit.

    ``risk_percent`` is the chance that they are no customer any more; None with a single purchase, where the model cannot tell.
    """

    member = models.OneToOneField("loyalty.Member", models.CASCADE, primary_key=True, related_name="+")
    run = models.ForeignKey("insight.LifetimeRun", models.CASCADE, related_name="+", db_index=False)
    risk_percent = models.SmallIntegerField(null=True)
    purchases_milli = models.IntegerField()
    value_fen = models.BigIntegerField()


class BasketRun(models.Model):
    """One search for what is bought together, in versions: ``mall`` None is the whole group's.

    ``days`` before ``until`` are looked at; shares are asked for in millionths (support) and hundredths of a per cent
    (confidence). ``items`` names what occurs in the rules: {id: [name, merchant id or null]}.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    level = models.CharField(max_length=10)
    unit = models.CharField(max_length=10)
    days = models.SmallIntegerField()
    support_ppm = models.IntegerField()
    confidence_bp = models.IntegerField()
    count_min = models.IntegerField()
    version = models.IntegerField()
    until = models.DateTimeField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    fault = models.CharField(max_length=20, blank=True)
    baskets = models.IntegerField(default=0)
    sets = models.IntegerField(default=0)
    rules = models.IntegerField(default=0)
    items = models.JSONField(default=dict)
    took_ms = models.IntegerField(default=0)
    asked_by = models.CharField(max_length=80)
    ran_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group", "mall", "level", "unit", "version"],
                name="basket_run_version",
                nulls_distinct=False,
            )
        ]


class BasketRule(models.Model):
    """Who buys ``antecedent`` buys ``consequent``: baskets with all, with the antecedent, with the consequent.

    ``q`` is the chance of seeing it by accident, corrected for how many were tried (Benjamini-Hochberg).
    """

    run = models.ForeignKey("insight.BasketRun", models.CASCADE, related_name="+", db_index=False)
    antecedent = models.JSONField()
    consequent = models.BigIntegerField()
    both = models.IntegerField()
    before = models.IntegerField()
    after = models.IntegerField()
    confidence = models.FloatField()
    lift = models.FloatField()
    leverage = models.FloatField()
    q = models.FloatField()
    is_across = models.BooleanField()
    text = models.CharField(max_length=1_000)

    class Meta:
        indexes = [models.Index(fields=["run", "-leverage"], name="basket_rule_strongest")]


class BasketOffer(models.Model):
    """A coupon template that was made of a rule; kept as the rule was, so that it outlives the run."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    level = models.CharField(max_length=10)
    unit = models.CharField(max_length=10)
    antecedent = models.JSONField()
    consequent = models.BigIntegerField()
    text = models.CharField(max_length=1_000)
    confidence = models.FloatField()
    template = models.ForeignKey("offers.CouponTemplate", models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group", "mall", "level", "unit", "antecedent", "consequent"],
                name="basket_offer_once",
                nulls_distinct=False,
            )
        ]


class Tag(models.Model):
    """A word that members can carry (标签). ``rule`` tags follow a rule, ``manual`` ones are given by people only.

    ``version`` is the newest that was published (0: none), ``applied_version`` the one that who holds it was judged by:
    the reader of the log takes up a new version in its turn. ``draft`` is a rule nobody is judged by yet.
    """

    class Kind(models.TextChoices):
        RULE = "rule"
        MANUAL = "manual"

    class State(models.TextChoices):
        DRAFT = "draft"
        LIVE = "live"
        RETIRED = "retired"

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=40)
    name_en = models.CharField(max_length=60, blank=True)
    category = models.CharField(max_length=20)
    note = models.CharField(max_length=300, blank=True)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices)
    owner = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    ttl_days = models.IntegerField(null=True)
    draft = models.JSONField(null=True)
    version = models.IntegerField(default=0)
    applied_version = models.IntegerField(default=0)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "code"], name="tag_code_unique")]


class TagVersion(models.Model):
    """A rule as it was published; never edited. ``moved`` is how many it gave the tag to and took it from."""

    tag = models.ForeignKey("insight.Tag", models.PROTECT, related_name="+")
    version = models.IntegerField()
    definition = models.JSONField()
    ttl_days = models.IntegerField(null=True)
    note = models.CharField(max_length=200, blank=True)
    gained = models.IntegerField(null=True)
    lost = models.IntegerField(null=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tag", "version"], name="tag_version_unique")]


class TagSubject(models.Model):
    """Whose history a person's or (below zero) a visitor's is, as the log told it, and whether there may be one."""

    subject = models.BigIntegerField(primary_key=True)
    into = models.BigIntegerField(null=True)
    until = models.DateTimeField(null=True)
    is_off = models.BooleanField(default=False)
    cleared = models.BigIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["into"], condition=models.Q(into__isnull=False), name="tag_subject_into")
        ]


class TagState(models.Model):
    """What a rule has seen of one subject, slot by slot, up to ``clock``. Derived from the log."""

    pk = models.CompositePrimaryKey("tag_id", "subject")
    tag = models.ForeignKey("insight.Tag", models.CASCADE, related_name="+", db_index=False)
    subject = models.BigIntegerField()
    slots = models.JSONField()
    clock = models.DateTimeField()


class TagHeld(models.Model):
    """Who has a tag by its rule, since when, and the figures that say why. Derived from the log."""

    pk = models.CompositePrimaryKey("tag_id", "person_id")
    tag = models.ForeignKey("insight.Tag", models.CASCADE, related_name="+", db_index=False)
    person = models.ForeignKey("customers.Person", models.CASCADE, related_name="+")
    since = models.DateTimeField()
    figures = models.JSONField()
    version = models.IntegerField()


class TagTimer(models.Model):
    """When time alone may give or take a tag. Derived from the log."""

    pk = models.CompositePrimaryKey("tag_id", "person_id")
    tag = models.ForeignKey("insight.Tag", models.CASCADE, related_name="+", db_index=False)
    person_id = models.BigIntegerField()
    due = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["due"], name="tag_timer_due")]


class TagMark(models.Model):
    """What somebody said by hand: this person has the tag, or (``is_on`` False) has it not. Rules do not touch it.

    ``source`` is staff or member: what members said of themselves staff cannot say otherwise.
    """

    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    tag = models.ForeignKey("insight.Tag", models.PROTECT, related_name="+")
    is_on = models.BooleanField()
    source = models.CharField(max_length=6)
    note = models.CharField(max_length=200, blank=True)
    marked_at = models.DateTimeField()
    marked_by = models.CharField(max_length=80)
    author = models.CharField(max_length=80)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "tag"], condition=models.Q(ended_at=None), name="tag_mark_one_active"
            )
        ]
        indexes = [
            models.Index(fields=["tag"], condition=models.Q(ended_at=None), name="tag_mark_of_tag"),
        ]


class TagSuggestion(models.Model):
    """What staff wrote about a person in their own words; marketing makes a tag of it, or not."""

    class State(models.TextChoices):
        OPEN = "open"
        TAKEN = "taken"
        DECLINED = "declined"

    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    text = models.CharField(max_length=60)
    wording = models.CharField(max_length=60)
    state = models.CharField(max_length=8, choices=State.choices)
    written_at = models.DateTimeField()
    written_by = models.CharField(max_length=80)
    author = models.CharField(max_length=80)
    tag = models.ForeignKey("insight.Tag", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "wording"], condition=models.Q(state="open"), name="tag_suggestion_once"
            )
        ]
        indexes = [
            models.Index(fields=["wording"], condition=models.Q(state="open"), name="tag_suggestion_open")
        ]


class TagCount(models.Model):
    """How many had the tag when last counted on a day."""

    pk = models.CompositePrimaryKey("tag_id", "day")
    tag = models.ForeignKey("insight.Tag", models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    counted = models.IntegerField()


class RecommendRun(models.Model):
    """One night's fit of what goes with what: products, or merchants. ``holdout``: how good it was on visits it had not seen."""

    kind = models.CharField(max_length=10)
    ran_at = models.DateTimeField()
    people = models.IntegerField()
    items = models.IntegerField()
    parameters = models.JSONField()
    holdout = models.JSONField()
    took_ms = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["kind", "-id"], name="recommend_run_newest")]


class RecommendItem(models.Model):
    """An item of a fit: who bought it, and what goes with it.

    ``recent``: buyers in the last 30 days before the fit. ``again_bp``: of its buyers, the share that bought it on another day too.
    ``neighbours``: pairs of item (int64) and weight (float64), packed, the strongest first.
    """

    run = models.ForeignKey("insight.RecommendRun", models.CASCADE, related_name="+", db_index=False)
    item = models.BigIntegerField()
    mall_id = models.BigIntegerField(null=True)
    merchant_id = models.BigIntegerField()
    buyers = models.IntegerField()
    recent = models.IntegerField()
    again_bp = models.IntegerField()
    last_on = models.DateField()
    neighbours = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "item"], name="recommend_item_once")]
        indexes = [
            models.Index(fields=["run", "-recent", "item"], name="recommend_item_popular"),
            models.Index(fields=["run", "mall_id", "-recent", "item"], name="recommend_item_mall"),
            models.Index(fields=["run", "merchant_id", "-recent", "item"], name="recommend_item_merchant"),
        ]


class RecommendRefusal(models.Model):
    """What a member does not want to be shown any more."""

    pk = models.CompositePrimaryKey("person_id", "kind", "item")
    person = models.ForeignKey("customers.Person", models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=10)
    item = models.BigIntegerField()
    refused_at = models.DateTimeField()


class ModelRun(models.Model):
    """One fit of a model about members, kept as its card: who started it, on what, how good it was on what it had not seen.

    ``scored_to`` is the last member id that was scored: a run that was broken off goes on from there. ``model`` is the
    fitted model of the newest run only.
    """

    class State(models.TextChoices):
        SCORING = "scoring"
        DONE = "done"
        FAILED = "failed"

    kind = models.CharField(max_length=10)
    state = models.CharField(max_length=8, choices=State.choices)
    fault = models.CharField(max_length=20, blank=True)
    ran_at = models.DateTimeField()
    ran_by = models.CharField(max_length=80)
    finished_at = models.DateTimeField(null=True)
    members = models.IntegerField(default=0)
    first_on = models.DateField(null=True)
    last_on = models.DateField()
    parameters = models.JSONField(default=dict)
    holdout = models.JSONField(default=dict)
    drift = models.JSONField(default=dict)
    model = models.BinaryField(null=True)
    scored_to = models.BigIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["kind", "-id"], name="model_run_newest")]


class ChurnScore(models.Model):
    """The chance, in hundredths of a per cent, that a member buys nothing in the next horizon; thrown away by the next run.

    ``source``: trees or baseline. ``reasons``: [[figure, its value or null, what it adds to the log-odds in thousandths], …], the
    strongest first.
    """

    member = models.OneToOneField("loyalty.Member", models.CASCADE, primary_key=True, related_name="+")
    run = models.ForeignKey("insight.ModelRun", models.CASCADE, related_name="+", db_index=False)
    risk_bp = models.IntegerField()
    source = models.CharField(max_length=8)
    reasons = models.JSONField()
    action = models.CharField(max_length=8)
    horizon_days = models.SmallIntegerField()

    class Meta:
        indexes = [models.Index(fields=["-risk_bp", "member"], name="churn_score_highest")]


class Cluster(models.Model):
    """Members who are alike, as one run found them. ``kin`` is the first cluster of the line it continues, its own id for a new one.

    ``proposed`` are name codes from its figures; ``name`` is what staff call it, if they do. ``profile``: means, effects, favourites.
    """

    run = models.ForeignKey("insight.ModelRun", models.PROTECT, related_name="+", db_index=False)
    number = models.SmallIntegerField()
    kin = models.BigIntegerField(default=0)
    proposed = models.JSONField()
    name = models.CharField(max_length=40, blank=True)
    members = models.IntegerField()
    profile = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="cluster_number_once")]
        indexes = [models.Index(fields=["kin"], name="cluster_kin")]


class ClusterMember(models.Model):
    """Which cluster of a run a member belongs to. Of old runs it is thrown away."""

    pk = models.CompositePrimaryKey("run_id", "member_id")
    run = models.ForeignKey("insight.ModelRun", models.CASCADE, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.CASCADE, related_name="+")
    cluster = models.ForeignKey("insight.Cluster", models.CASCADE, related_name="+")


class MemberClass(models.Model):
    """How a member buys, what they prefer, what they are worth, each since when; worked out anew every night."""

    member = models.OneToOneField("loyalty.Member", models.CASCADE, primary_key=True, related_name="+")
    person = models.ForeignKey("customers.Person", models.CASCADE, related_name="+")
    behaviour = models.CharField(max_length=10)
    behaviour_since = models.DateTimeField()
    preference = models.CharField(max_length=10)
    preference_since = models.DateTimeField()
    value = models.CharField(max_length=10)
    value_since = models.DateTimeField()


class ClassRun(models.Model):
    """One day: how many were in which class of each kind."""

    day = models.DateField(primary_key=True)
    counts = models.JSONField()
    ran_at = models.DateTimeField()
