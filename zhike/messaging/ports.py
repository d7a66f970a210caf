"""What a vendor of messages does for us, in our words; one implementation is one folder of ``integrations``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading a vendor's call may raise when it does not say what the vendor says it does."""
KEY_LENGTH_MAX = 120
CREDIT_ANSWERS = ("accept", "reject", "ban")
"""What comes back when a member is asked whether a template may be sent: yes, no, or the vendor has banned the template."""


@dataclass(frozen=True, slots=True)
class AccountField:
    """One thing that a vendor must be told. A secret is stored encrypted and never shown again.

    ``make`` makes it once when nobody enters it; ``is_usable`` says whether what was entered can be it.
    """

    name: str
    label: object
    help: object = ""
    default: str = ""
    is_secret: bool = False
    is_required: bool = True
    make: Callable[[], str] | None = None
    is_usable: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """An account with a vendor: ``settings`` and ``secrets`` by the names of its fields."""

    id: int
    settings: Mapping[str, str]
    secrets: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that shows notifications: where they go, and the keys that only it can read them with (RFC 8291)."""

    id: int
    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one address: a phone in E.164 or an e-mail address; a notification goes to all ``devices`` of a person.

    ``text`` is what the person reads. A vendor that knows the wording by number (``template``) gets ``values`` instead,
    by name, in the order in which they stand in the wording. ``path`` is what a tap opens, within the member app;
    ``seconds`` is how long the message is worth delivering, ``sender`` who of us it comes from where that is a person.
    """

    message_id: int
    to: str
    text: str
    title: str = ""
    template: str = ""
    values: tuple[tuple[str, str], ...] = ()
    refusal_url: str = ""
    kind: str = ""
    seconds: int = 0
    path: str = ""
    devices: tuple[Device, ...] = ()
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the vendor says of one message: taken under ``reference``, or refused with its own ``code``.

    ``wait_s`` of one not taken: come again with it after so many seconds. ``gone`` are devices that are no more.
    ``is_tasked``: one of us must confirm it before it goes.
    """

    message_id: int
    is_taken: bool
    reference: str = ""
    code: str = ""
    text: str = ""
    wait_s: float = 0.0
    gone: tuple[int, ...] = ()
    is_tasked: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a message later. ``out_key`` is the key of our call where the vendor gives it back.

    Raises ValueError for text that nobody can keep: with NUL, or half of a character.
    """

    reference: str
    to: str
    is_delivered: bool
    code: str
    at: dt.datetime
    out_key: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        _require_plain(self.reference, self.to, self.code, self.out_key, self.text)


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody wrote to us. ``key`` tells one reply from another sent again by the vendor.

    Raises ValueError for text that nobody can keep, and for a key longer than any of a vendor.
    """

    key: str
    sender: str
    text: str
    at: dt.datetime

    def __post_init__(self) -> None:
        _require_plain(self.key, self.sender, self.text)
        if len(self.key) > KEY_LENGTH_MAX:
            raise ValueError("the key of a reply is too long")


def _require_plain(*texts: str) -> None:
    """Raises ValueError; UnicodeEncodeError, which is one, for half of a character."""
    for text in texts:
        text.encode()
        if "\0" in text:
            raise ValueError("NUL in a text")


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it lies on the emulated phone of a demonstration."""

    to: str
    text: str
    at: dt.datetime
    vendor: str


class TryLater(Exception):
    """The vendor took nothing and says to come again, after ``seconds``."""

    def __init__(self, code: str, seconds: float = 5.0) -> None:
        super().__init__(code)
        self.code = code
        self.seconds = seconds


class Unsure(Exception):
    """The call ended without an answer: the vendor may have taken the messages or not."""


class Refused(Exception):
    """The vendor took nothing and would not next time: a wrong key, an unknown signature, a template not approved."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.text = text


class Gateway(Protocol):
    """A vendor. Every call has a time-out; none is made inside a transaction."""

    @property
    def vendor(self) -> str: ...

    @property
    def name(self) -> str:
        """As people call it."""

    @property
    def channel(self) -> str: ...

    @property
    def fields(self) -> tuple[AccountField, ...]: ...

    @property
    def batch_max(self) -> int:
        """How many messages of one template go in one call."""

    @property
    def shares_values(self) -> bool:
        """Whether all messages of a call have the same values."""

    @property
    def needs_template(self) -> bool:
        """Whether the vendor sends only wordings that it knows by number."""

    def send(self, account: Account, key: str, letters: Sequence[Letter]) -> list[Answer]:
        """One answer for each letter. ``key`` names this call for ever. Raises TryLater, Unsure, Refused."""

    def find(
        self, account: Account, key: str, letters: Sequence[Letter], sent_at: dt.datetime
    ) -> list[Answer] | None:
        """What the vendor knows of a call whose answer was lost: one answer for each message that it took.

        None when this vendor cannot tell. Raises TryLater, Unsure, Refused.
        """

    def lint(self, body: str, kind: str) -> list[str]:
        """What this vendor would refuse in a wording: codes, worst first."""


@dataclass(frozen=True, slots=True)
class Question:
    """A message that a vendor took and never told the end of: under ``reference``, in our call ``key``."""

    reference: str
    to: str
    key: str
    sent_at: dt.datetime


class TellingGateway(Gateway, Protocol):
    """A vendor that can be asked what became of a message."""

    def ask(self, account: Account, questions: Sequence[Question]) -> list[Report]:
        """What it knows the end of. Raises TryLater, Unsure, Refused."""


class PushGateway(Gateway, Protocol):
    """A vendor that carries notifications to browsers."""

    def public_key(self, account: Account) -> str:
        """What a browser must be told when it subscribes, so that only we can write to it."""

    def device_fault(self, account: Account, device: Device) -> str:
        """Why this device can or may not be written to: ``unknown_service``, ``keys``; "" when it may."""


@dataclass(frozen=True, slots=True)
class ContactWay:
    """The code by which customers add one of us: what the vendor calls it, and its picture (PNG or JPEG) with its address."""

    key: str
    url: str
    picture: bytes


@dataclass(frozen=True, slots=True)
class OutsideCard:
    """What the vendor says of a customer whom somebody added: the unionid, and phones that ``userid`` noted of them."""

    unionid: str
    phones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskFate:
    """What became of one customer's message in a task: ``state`` is waiting, delivered or failed with the vendor's ``code``."""

    outside: str
    state: str
    code: str = ""
    at: dt.datetime | None = None


class StaffGateway(Gateway, Protocol):
    """A vendor through whom customers have one of us as a personal contact. All may raise TryLater, Unsure, Refused."""

    def limit(self, account: Account, now: dt.datetime) -> tuple[dt.datetime, int]:
        """How many messages one customer may get since which moment, by the vendor's rule."""

    def hours_to_confirm(self, account: Account) -> int:
        """How long a task may wait for the person who has to confirm it."""

    def contact_way(self, account: Account, userid: str, state: str) -> ContactWay:
        """A code for ``userid`` whose scans bring ``state`` back."""

    def outside_card(self, account: Account, userid: str, outside: str) -> OutsideCard: ...

    def welcome(self, account: Account, code: str, text: str) -> None:
        """The first words to whoever has just added somebody; ``code`` works once and for seconds."""

    def task_fates(self, account: Account, reference: str, userid: str) -> tuple[bool, list[TaskFate]]:
        """Whether ``userid`` has confirmed the task, and what became of each message."""

    def remind(self, account: Account, reference: str) -> None: ...

    def withdraw(self, account: Account, reference: str) -> None:
        """Nobody can confirm the task any more."""

    def hand_over(
        self, account: Account, userid: str, to: str, outside: Sequence[str], words: str
    ) -> Mapping[str, str]:
        """Begin to hand customers over to a colleague: the vendor's error by customer, "" where it began."""

    def handed_over(self, account: Account, userid: str, to: str) -> Mapping[str, str]:
        """What became of it by customer: waiting, done, refused, full or failed."""

    def transfer_fault(self, code: str) -> str:
        """What an error of ``hand_over`` means: guarded, full or failed."""


class CreditGateway(Gateway, Protocol):
    """A vendor that sends a template only to whom accepted it, and once for each acceptance."""

    def is_lasting(self, account: Account, template: str) -> bool:
        """Whether one acceptance of this template lasts."""

    def is_no_credit(self, code: str) -> bool:
        """Whether this refusal says that the member has no acceptance left."""
