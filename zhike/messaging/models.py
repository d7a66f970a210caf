from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class ChannelAccount(models.Model):
    """An account with a vendor. ``secret`` is an encrypted JSON object; ``price`` is fen for a thousand parts."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    vendor = models.CharField(max_length=20)
    channel = models.CharField(max_length=10)
    name = models.CharField(max_length=60)
    settings = models.JSONField(default=dict)
    secret = models.BinaryField()
    price = models.IntegerField(default=0)
    position = models.SmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    paused_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "name"], name="channel_account_name")]


class MessageTemplate(models.Model):
    """What a message says and why it may be sent. ``fallback`` lists its channels, the one to try first in front."""

    class Kind(models.TextChoices):
        CODE = "code"
        SERVICE = "service"
        MARKETING = "marketing"

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    code = models.CharField(max_length=60)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    fallback = ArrayField(models.CharField(max_length=10), default=list)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "code"], name="message_template_code")]


class TemplateVersion(models.Model):
    """One wording for one channel in one language; never edited once approved. ``${name}`` stands for a value."""

    class State(models.TextChoices):
        DRAFT = "draft"
        APPROVED = "approved"
        RETIRED = "retired"

    template = models.ForeignKey("messaging.MessageTemplate", models.PROTECT, related_name="+")
    channel = models.CharField(max_length=10)
    language = models.CharField(max_length=10)
    number = models.IntegerField()
    title = models.CharField(max_length=120, blank=True)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    author = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    approved_by = models.CharField(max_length=80, blank=True)
    approved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["template", "channel", "language", "number"], name="template_version_number"
            ),
            models.UniqueConstraint(
                fields=["template", "channel", "language"],
                condition=models.Q(state="approved"),
                name="template_version_one_approved",
            ),
        ]


class VendorTemplate(models.Model):
    """The number under which a vendor knows a wording, and whether the vendor has approved it."""

    class State(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"

    version = models.ForeignKey("messaging.TemplateVersion", models.PROTECT, related_name="+")
    account = models.ForeignKey("messaging.ChannelAccount", models.PROTECT, related_name="+")
    vendor_code = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    note = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "account"], name="vendor_template_unique")]


class SendingPolicy(models.Model):
    """When and how often a group writes to people. Caps count marketing messages; 0 is no cap."""

    group = models.OneToOneField("organization.Group", models.PROTECT, related_name="+")
    quiet_from = models.TimeField()
    quiet_until = models.TimeField()
    when_quiet = models.CharField(max_length=10, default="postpone")
    skips_holidays = models.BooleanField(default=False)
    total_per_day = models.SmallIntegerField(default=2)
    total_per_month = models.SmallIntegerField(default=8)
    channel_per_day = models.JSONField(default=dict)
    channel_per_month = models.JSONField(default=dict)
    budget_fen = models.IntegerField(null=True)
    updated_at = models.DateTimeField()


class Spending(models.Model):
    """What marketing messages cost a group in a calendar month, in thousandths of a fen; moved with each sending."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    month = models.DateField()
    cost = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "month"], name="spending_month")]


class Dispatch(models.Model):
    """One call to a vendor: written before it is made, settled after. ``references`` lists what the vendor answered."""

    class State(models.TextChoices):
        CALLING = "calling"
        DONE = "done"
        UNSURE = "unsure"
        LOST = "lost"

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey("messaging.ChannelAccount", models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.CALLING)
    count = models.IntegerField()
    looks = models.SmallIntegerField(default=0)
    called_at = models.DateTimeField()
    look_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["look_at"],
                condition=models.Q(state__in=["calling", "unsure"]),
                name="dispatch_unsettled",
            )
        ]


class OutboundMessage(models.Model):
    """One message to one recipient, sent or not. ``recipient``, ``title``, ``body`` and ``values`` are encrypted.

    ``fallback`` are the channels still to try, ``first`` the message that this one replaces, ``tried`` the accounts that
    refused to carry it, ``asked_at`` when the vendor was last asked for a receipt that did not come. ``tasked`` waits for one of
    us to confirm it at the vendor. ``gate`` names what
    refused or postponed it. ``cost`` is in thousandths of a fen, as vendors charge parts of a fen.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"
        TASKED = "tasked"
        SENT = "sent"
        DELIVERED = "delivered"
        FAILED = "failed"
        REFUSED = "refused"
        EXPIRED = "expired"
        UNKNOWN = "unknown"

    person = models.ForeignKey("customers.Person", models.PROTECT, null=True, related_name="+")
    channel = models.CharField(max_length=10)
    kind = models.CharField(max_length=10, default="code")
    purpose = models.CharField(max_length=20)
    template = models.CharField(max_length=60)
    version = models.ForeignKey("messaging.TemplateVersion", models.PROTECT, null=True, related_name="+")
    language = models.CharField(max_length=10, blank=True)
    recipient = models.BinaryField()
    address = models.BinaryField(null=True)
    masked = models.CharField(max_length=120)
    title = models.BinaryField(null=True)
    body = models.BinaryField()
    values = models.BinaryField(null=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    gate = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=80, blank=True)
    campaign = models.CharField(max_length=60, blank=True)
    once = models.CharField(max_length=80, null=True, unique=True)
    account = models.ForeignKey("messaging.ChannelAccount", models.PROTECT, null=True, related_name="+")
    dispatch = models.ForeignKey("messaging.Dispatch", models.PROTECT, null=True, related_name="+")
    reference = models.CharField(max_length=80, blank=True)
    tried = ArrayField(models.BigIntegerField(), default=list)
    fallback = ArrayField(models.CharField(max_length=10), default=list)
    first = models.BigIntegerField(null=True)
    is_replaced = models.BooleanField(default=False)
    parts = models.SmallIntegerField(default=1)
    cost = models.IntegerField(default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="outbound_newest"),
            models.Index(
                fields=["sent_at", "id"],
                condition=models.Q(status="sent", channel="sms"),
                name="outbound_untold",
            ),
            models.Index(fields=["due_at", "id"], condition=models.Q(status="queued"), name="outbound_due"),
            models.Index(fields=["dispatch"], name="outbound_dispatch"),
            models.Index(fields=["reference"], condition=~models.Q(reference=""), name="outbound_reference"),
            models.Index(
                fields=["person", "sent_at"],
                condition=models.Q(kind="marketing", sent_at__isnull=False),
                name="outbound_person_sent",
            ),
            models.Index(
                fields=["person", "-created_at", "-id"],
                condition=models.Q(channel="inbox"),
                name="outbound_inbox",
            ),
        ]


class DeliveryReport(models.Model):
    """What a vendor reported about a message. ``message`` is empty while nobody knows what it is about."""

    account = models.ForeignKey("messaging.ChannelAccount", models.PROTECT, related_name="+")
    reference = models.CharField(max_length=80)
    address = models.BinaryField()
    is_delivered = models.BooleanField()
    code = models.CharField(max_length=60)
    message = models.ForeignKey("messaging.OutboundMessage", models.PROTECT, null=True, related_name="+")
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "reference", "address", "is_delivered", "code"],
                name="delivery_report_once",
            )
        ]


class InboundMessage(models.Model):
    """What somebody wrote to us, kept as it came; ``sender`` and ``body`` are encrypted."""

    account = models.ForeignKey("messaging.ChannelAccount", models.PROTECT, related_name="+")
    key = models.CharField(max_length=120)
    person = models.ForeignKey("customers.Person", models.PROTECT, null=True, related_name="+")
    sender = models.BinaryField()
    masked = models.CharField(max_length=120)
    body = models.BinaryField()
    is_refusal = models.BooleanField()
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="inbound_message_once")]
        indexes = [models.Index(fields=["-received_at", "-id"], name="inbound_newest")]


class Suppression(models.Model):
    """An address that gets no more marketing, whosever it is. ``value`` is encrypted, ``address`` its blind index."""

    value = models.BinaryField()
    address = models.BinaryField()
    masked = models.CharField(max_length=120)
    reason = models.CharField(max_length=20)
    created_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["address"], condition=models.Q(lifted_at=None), name="suppression_once"
            )
        ]


class OwnQuietHours(models.Model):
    """Hours in which a member wants to be left alone, in the zone of their mall."""

    person = models.OneToOneField("customers.Person", models.PROTECT, related_name="+")
    quiet_from = models.TimeField()
    quiet_until = models.TimeField()
    updated_at = models.DateTimeField()


class PushDevice(models.Model):
    """A browser in which a member wants notifications. ``endpoint`` and ``keys`` are encrypted, ``address`` is the blind index."""

    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    account = models.ForeignKey("messaging.ChannelAccount", models.PROTECT, related_name="+")
    endpoint = models.BinaryField()
    address = models.BinaryField()
    keys = models.BinaryField()
    name = models.CharField(max_length=60)
    added_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address"], name="push_device_once")]
        indexes = [models.Index(fields=["person", "-added_at"], name="push_device_person")]


class WechatFollower(models.Model):
    """A member who follows one of our official accounts. ``openid`` is encrypted, ``address`` its blind index.

    ``told_at`` is the vendor's moment of the newest event, a whole second: what comes late changes nothing. ``told`` are the kinds of
    events heard of that second.
    """

    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    account = models.ForeignKey("messaging.ChannelAccount", models.PROTECT, related_name="+")
    openid = models.BinaryField()
    address = models.BinaryField()
    is_following = models.BooleanField()
    told_at = models.DateTimeField()
    told = models.CharField(max_length=3, default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "address"], name="wechat_follower_once")]
        indexes = [models.Index(fields=["person"], name="wechat_follower_person")]


class StaffBinding(models.Model):
    """One of us as a vendor of personal contact knows them (``userid``), with the code that customers scan to add them.

    ``welcome`` is what whoever adds them reads first. Who is unbound keeps the row, for what was done through it.
    """

    account = models.ForeignKey("messaging.ChannelAccount", models.PROTECT, related_name="+")
    staff = models.ForeignKey("organization.Staff", models.PROTECT, related_name="+")
    userid = models.CharField(max_length=64)
    way_key = models.CharField(max_length=80, blank=True)
    way_url = models.CharField(max_length=300, blank=True)
    way_picture = models.BinaryField(null=True)
    welcome = models.CharField(max_length=600, blank=True)
    bound_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "userid"], condition=models.Q(ended_at=None), name="staff_binding_userid"
            ),
            models.UniqueConstraint(
                fields=["account", "staff"], condition=models.Q(ended_at=None), name="staff_binding_staff"
            ),
        ]


class StaffContact(models.Model):
    """A customer who has one of us in their WeChat; ``outside`` is the customer's id at the vendor, encrypted.

    ``person`` is empty while nobody knows whose it is; ``matched_by`` says how we came to know. ``told_at`` is the vendor's moment
    of the newest event: what comes late changes nothing. ``welcome_state``: "", calling, sent, late, failed.
    """

    class State(models.TextChoices):
        LINKED = "linked"
        LEFT = "left"
        REMOVED = "removed"
        HANDED_OVER = "handed"

    binding = models.ForeignKey("messaging.StaffBinding", models.PROTECT, related_name="+")
    person = models.ForeignKey("customers.Person", models.PROTECT, null=True, related_name="+")
    outside = models.BinaryField()
    address = models.BinaryField()
    state = models.CharField(max_length=8, choices=State.choices)
    matched_by = models.CharField(max_length=10, blank=True)
    by_code = models.BooleanField(default=False)
    welcome_state = models.CharField(max_length=8, blank=True)
    began_at = models.DateTimeField()
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["binding", "address"], name="staff_contact_once"),
        ]
        indexes = [
            models.Index(fields=["person"], name="staff_contact_person"),
            models.Index(fields=["address"], name="staff_contact_address"),
        ]


class StaffTask(models.Model):
    """A call whose messages go only when one of us confirms them at the vendor; ``reference`` is the vendor's number of it."""

    class State(models.TextChoices):
        CALLING = "calling"
        OPEN = "open"
        CONFIRMED = "confirmed"
        EXPIRED = "expired"
        FAILED = "failed"

    dispatch = models.OneToOneField("messaging.Dispatch", models.PROTECT, related_name="+")
    binding = models.ForeignKey("messaging.StaffBinding", models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.CALLING)
    reference = models.CharField(max_length=80, blank=True)
    campaign = models.CharField(max_length=60, blank=True)
    template = models.CharField(max_length=60)
    count = models.IntegerField()
    delivered = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    reminded = ArrayField(models.DateTimeField(), default=list)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["asked_at"],
                condition=models.Q(state__in=["open", "confirmed"]),
                name="staff_task_open",
            ),
            models.Index(fields=["-made_at", "-id"], name="staff_task_newest"),
        ]


class ContactTransfer(models.Model):
    """A customer's contact handed from one of us to another at the vendor, because the member was. ``code`` is the vendor's."""

    class State(models.TextChoices):
        DUE = "due"
        CALLING = "calling"
        WAITING = "waiting"
        DONE = "done"
        REFUSED = "refused"
        FULL = "full"
        GUARDED = "guarded"
        FAILED = "failed"

    contact = models.ForeignKey("messaging.StaffContact", models.PROTECT, related_name="+")
    to = models.ForeignKey("messaging.StaffBinding", models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.DUE)
    code = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField()
    called_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contact"],
                condition=models.Q(state__in=["due", "calling", "waiting"]),
                name="contact_transfer_one_open",
            )
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="contact_transfer_newest")]


class SubscriptionAnswer(models.Model):
    """What a member answered when a mini-program asked to send a template; an acceptance is one credit, used up by one message.

    ``openid`` is encrypted, ``address`` its blind index. ``app_key`` and ``vendor_key`` are the evidence: our mini-program's report and
    WeChat's own call, of which one or both tell of the same tap. ``is_lasting`` ones are not used up. ``message`` holds or used it.
    """

    class State(models.TextChoices):
        OPEN = "open"
        HELD = "held"
        USED = "used"
        LOST = "lost"
        NONE = "none"

    account = models.ForeignKey("messaging.ChannelAccount", models.PROTECT, related_name="+")
    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    openid = models.BinaryField()
    address = models.BinaryField()
    template = models.CharField(max_length=60)
    answer = models.CharField(max_length=10)
    state = models.CharField(max_length=5, choices=State.choices)
    is_lasting = models.BooleanField(default=False)
    app_key = models.CharField(max_length=80, blank=True)
    vendor_key = models.CharField(max_length=80, blank=True)
    lost_by = models.CharField(max_length=10, blank=True)
    message = models.ForeignKey("messaging.OutboundMessage", models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "address", "template", "app_key"],
                condition=~models.Q(app_key=""),
                name="subscription_answer_app",
            ),
            models.UniqueConstraint(
                fields=["account", "address", "template", "vendor_key"],
                condition=~models.Q(vendor_key=""),
                name="subscription_answer_vendor",
            ),
            models.UniqueConstraint(
                fields=["message"],
                condition=models.Q(state__in=["held", "used"]),
                name="subscription_answer_message",
            ),
        ]
        indexes = [
            models.Index(
                fields=["person", "account", "template"],
                condition=models.Q(state="open"),
                name="subscription_answer_open",
            ),
            models.Index(fields=["-answered_at", "-id"], name="subscription_answer_newest"),
        ]


class OneTimeCode(models.Model):
    """A code sent to prove possession of a phone; ``digest`` is keyed and bound to phone and purpose."""

    index = models.BinaryField()
    purpose = models.CharField(max_length=20)
    digest = models.BinaryField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.SmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["index", "purpose", "-created_at"], name="one_time_code_latest")]
