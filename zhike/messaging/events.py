"""What has happened to messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class _MessageFact(Fact):
    """``person_id`` is None for a recipient who is no member (yet)."""

    message_id: int
    person_id: int | None
    channel: str

    @property
    def subject(self) -> str:
        return f"message/{self.message_id}" if self.person_id is None else f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class MessageQueued(_MessageFact):
    type: ClassVar[str] = "zhike.messaging.message_queued"
    purpose: str
    template: str
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class MessageSent(_MessageFact):
    """A vendor took it, or it lies in the member's inbox."""

    type: ClassVar[str] = "zhike.messaging.message_sent"
    template: str
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class MessageDelivered(_MessageFact):
    """The vendor says that it arrived."""

    type: ClassVar[str] = "zhike.messaging.message_delivered"
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class MessageFailed(_MessageFact):
    """It did not arrive; ``code`` is the vendor's own."""

    type: ClassVar[str] = "zhike.messaging.message_failed"
    code: str
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class MessageRefused(_MessageFact):
    """We did not send it: ``gate`` and ``reason`` as the rules name them."""

    type: ClassVar[str] = "zhike.messaging.message_refused"
    gate: str
    reason: str
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class MessageRead(_MessageFact):
    """The member opened it."""

    type: ClassVar[str] = "zhike.messaging.message_read"
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class ContactRefused(Fact):
    """Somebody asked for no more offers. ``how``: reply, link, console."""

    type: ClassVar[str] = "zhike.messaging.contact_refused"
    suppression_id: int
    person_id: int | None
    how: str

    @property
    def subject(self) -> str:
        return f"suppression/{self.suppression_id}" if self.person_id is None else f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class PushDeviceAdded(Fact):
    """A member asked for notifications in a browser."""

    type: ClassVar[str] = "zhike.messaging.push_device_added"
    device_id: int
    person_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class PushDeviceRemoved(Fact):
    """A browser gets no more notifications: ``why`` is member, log_out, moved (to somebody else), crowded or gone."""

    type: ClassVar[str] = "zhike.messaging.push_device_removed"
    device_id: int
    person_id: int
    why: str

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class WechatFollowingChanged(Fact):
    """A member began or ceased to follow one of our official accounts."""

    type: ClassVar[str] = "zhike.messaging.wechat_following_changed"
    person_id: int
    account_id: int
    is_following: bool

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class SubscriptionAnswered(Fact):
    """A member was asked whether a template may be sent: accept (once), reject, ban; withdrawn in the settings later."""

    type: ClassVar[str] = "zhike.messaging.subscription_answered"
    person_id: int
    account_id: int
    template: str
    answer: str

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class StaffContactChanged(Fact):
    """A customer added one of us as a contact (linked), left (left), was removed (removed) or handed over (handed)."""

    type: ClassVar[str] = "zhike.messaging.staff_contact_changed"
    contact_id: int
    person_id: int | None
    staff_id: int
    state: str

    @property
    def subject(self) -> str:
        return f"staff_contact/{self.contact_id}" if self.person_id is None else f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class ContactTransferEnded(Fact):
    """Handing a contact to a colleague ended: done, refused (by the customer), full, guarded (too soon again) or failed."""

    type: ClassVar[str] = "zhike.messaging.contact_transfer_ended"
    transfer_id: int
    person_id: int | None
    from_staff_id: int
    to_staff_id: int
    state: str

    @property
    def subject(self) -> str:
        return f"staff_contact/{self.transfer_id}" if self.person_id is None else f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class StaffBindingChanged(Fact):
    """One of us is known to a vendor of personal contact, or no more."""

    type: ClassVar[str] = "zhike.messaging.staff_binding_changed"
    staff_id: int
    account_id: int
    is_bound: bool

    @property
    def subject(self) -> str:
        return f"staff/{self.staff_id}"


@dataclass(frozen=True, slots=True)
class StaffTaskEnded(Fact):
    """A task that one of us had to confirm ended: confirmed, or expired when nobody did."""

    type: ClassVar[str] = "zhike.messaging.staff_task_ended"
    task_id: int
    staff_id: int
    state: str
    delivered: int
    failed: int

    @property
    def subject(self) -> str:
        return f"staff/{self.staff_id}"


@dataclass(frozen=True, slots=True)
class ChannelAccountChanged(Fact):
    """An account with a vendor was opened, changed or switched off."""

    type: ClassVar[str] = "zhike.messaging.channel_account_changed"
    account_id: int
    vendor: str
    is_active: bool

    @property
    def subject(self) -> str:
        return f"channel_account/{self.account_id}"


@dataclass(frozen=True, slots=True)
class TemplateChanged(Fact):
    """A wording was written, approved, retired, or told to a vendor."""

    type: ClassVar[str] = "zhike.messaging.template_changed"
    template_id: int
    version_id: int
    change: str

    @property
    def subject(self) -> str:
        return f"message_template/{self.template_id}"


@dataclass(frozen=True, slots=True)
class SendingPolicyChanged(Fact):
    type: ClassVar[str] = "zhike.messaging.sending_policy_changed"
    group_id: int

    @property
    def subject(self) -> str:
        return f"group/{self.group_id}"


@dataclass(frozen=True, slots=True)
class OneTimeCodeVerified(Fact):
    """Somebody proved that a phone is theirs."""

    type: ClassVar[str] = "zhike.messaging.one_time_code_verified"
    code_id: int
    purpose: str

    @property
    def subject(self) -> str:
        return f"one_time_code/{self.code_id}"
