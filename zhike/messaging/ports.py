"""What a vendor of messages does for us, in our words; one implementation is one folder of ``integrations``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AccountField:
    """One thing that a vendor must be told. A secret is stored encrypted and never shown again."""

    name: str
    label: object
    help: object = ""
    default: str = ""
    is_secret: bool = False
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Account:
    """An account with a vendor: ``settings`` and ``secrets`` by the names of its fields."""

    id: int
    settings: Mapping[str, str]
    secrets: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one address: a phone in E.164 or an e-mail address.

    ``text`` is what the person reads. A vendor that knows the wording by number (``template``) gets ``values`` instead,
    by name, in the order in which they stand in the wording.
    """

    message_id: int
    to: str
    text: str
    title: str = ""
    template: str = ""
    values: tuple[tuple[str, str], ...] = ()
    refusal_url: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the vendor says of one message: taken under ``reference``, or refused with its own ``code``."""

    message_id: int
    is_taken: bool
    reference: str = ""
    code: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a message later. ``out_key`` is the key of our call where the vendor gives it back."""

    reference: str
    to: str
    is_delivered: bool
    code: str
    at: dt.datetime
    out_key: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody wrote to us. ``key`` tells one reply from another sent again by the vendor."""

    key: str
    sender: str
    text: str
    at: dt.datetime


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
