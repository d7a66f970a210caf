"""What one field may hold: a scanned code, a card, a phone number, a plate, a name. A scanner types and then Enter."""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass, field

from zhike.customers import queries as customers
from zhike.customers.queries import PersonHit
from zhike.kernel.access import Viewer
from zhike.loyalty import operations as loyalty_operations
from zhike.loyalty import queries as loyalty

QR_PREFIX = "ZK1."
HITS_MAX = 12
IDENTIFIERS = ("phone", "card", "email", "plate", "openid", "unionid")


@dataclass(frozen=True, slots=True)
class Hit:
    """`member_id` is None for a person we know who has not joined."""

    person: PersonHit
    member_id: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """One member for sure, or some to choose from, or nobody; then `phone` is what to enrol, if it was one."""

    member_id: int | None = None
    hits: list[Hit] = field(default_factory=list)
    phone: str = ""
    is_lost_card: bool = False


def find(viewer: Viewer, text: str, now: dt.datetime) -> Found:
    """Raises NotAllowed, and for a scanned code QrExpired, QrReplayed, QrInvalid."""
    text = unicodedata.normalize("NFKC", text).strip()
    if text.upper().startswith(QR_PREFIX):
        return Found(member_id=loyalty_operations.read_qr(actor=viewer, payload=text.upper(), now=now))
    persons = customers.search(viewer, text, HITS_MAX)
    hits = [Hit(person, loyalty.member_id_of_person(person.person_id)) for person in persons]
    sure = [hit for hit in hits if hit.person.matched in IDENTIFIERS and hit.member_id is not None]
    if len(sure) == 1 and len(hits) == 1:
        return Found(member_id=sure[0].member_id)
    is_phone = customers.normalised("phone", text) is not None
    return Found(
        hits=hits, phone=text if is_phone else "", is_lost_card=customers.is_reported_lost("card", text)
    )
