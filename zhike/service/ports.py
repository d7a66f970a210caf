"""What a vendor does for our conversations, in our words: bring what customers write, carry what we answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from zhike.messaging.ports import UNREADABLE, AccountField, Refused, TryLater, Unsure

__all__ = [
    "UNREADABLE",
    "AccountField",
    "Bounce",
    "Door",
    "Gone",
    "Incoming",
    "Media",
    "Parcel",
    "ReadingVoice",
    "Refused",
    "TryLater",
    "Unsure",
    "Voice",
]


@dataclass(frozen=True, slots=True)
class Door:
    """A line as its vendor's client needs it: ``settings`` and ``secrets`` by the names of its fields."""

    id: int
    settings: Mapping[str, str]
    secrets: Mapping[str, str]
    mark: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Media:
    """A file of a customer, by its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Bounce:
    """An answer of ours came back: the one we sent under ``reference``, for the reason ``code``."""

    reference: str
    code: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """Something that came in. ``key`` names it at the vendor for ever, ``address`` is whoever sent it.

    ``thread`` are names of earlier messages that it says it answers; those of ours are believed only when they carry our
    signature (``service.rules.lines``). ``is_proven``: the vendor vouches that the address is the sender's. ``proof`` are the results
    of the checks, by name. ``automatic`` says why no person wrote it ("" when one did): such are never answered. ``media`` is the name
    of a file to be fetched later.
    """

    key: str
    address: str
    name: str
    text: str
    at: dt.datetime
    title: str = ""
    folded: str = ""
    files: tuple[Media, ...] = ()
    left_out: tuple[str, ...] = ()
    thread: tuple[str, ...] = ()
    is_proven: bool = False
    proof: Mapping[str, str] = field(default_factory=dict)
    automatic: str = ""
    bounce: Bounce | None = None
    media: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """An answer on its way to ``address``. ``reference`` is our name for it, ``answers`` the names of what came before, oldest first."""

    reference: str
    address: str
    text: str
    title: str = ""
    answers: tuple[str, ...] = ()
    return_mark: str = ""
    author: str = ""
    files: tuple[Media, ...] = ()
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """The vendor will not take this one, with its own ``code``; the line itself is well."""

    code: str
    text: str = ""


class Voice(Protocol):
    """A vendor. Every call has a time-out; none is made inside a transaction."""

    @property
    def channel(self) -> str:
        """As in Conversation.channel."""

    @property
    def name(self) -> str:
        """As people call it."""

    @property
    def vendor(self) -> str:
        """The vendor of messages whose account this line is about; "" when it has its own settings."""

    @property
    def fields(self) -> tuple[AccountField, ...]: ...

    @property
    def identifier(self) -> str:
        """The kind of identifier that its addresses are."""

    @property
    def is_repeatable(self) -> bool:
        """Whether the same parcel may be handed over again after a call that ended without an answer."""

    @property
    def open_for(self) -> dt.timedelta | None:
        """How long after the customer's last word we may answer; None for ever."""

    @property
    def answers_max(self) -> int | None:
        """How often we may answer before the customer writes again."""

    def carries(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes can be handed over."""

    def carry(self, door: Door, parcel: Parcel) -> Gone | None:
        """Hand an answer over; None when it was taken. Raises TryLater, Unsure, Refused (about the line, not the parcel)."""

    def fetch(self, door: Door, media: str) -> Media | Gone:
        """A file that a customer sent. Raises TryLater, Unsure, Refused."""

    def show_typing(self, door: Door, address: str) -> None:
        """Let the customer see that somebody is writing, where that can be seen. Raises TryLater, Unsure, Refused."""


class ReadingVoice(Voice, Protocol):
    """A vendor that is read, and does not call by itself."""

    def listen(self, door: Door, limit: int) -> Iterator[tuple[Mapping[str, Any], Sequence[Incoming]]]:
        """What came after the door's mark, with the mark after it; a mark alone where there was nothing to take.

        Raises TryLater, Unsure, Refused.
        """
