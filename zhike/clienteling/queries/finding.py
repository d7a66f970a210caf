"""A member of one's own, found by whatever one remembers of them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from zhike.clienteling.queries.reaching import VIEW
from zhike.customers import queries as customers
from zhike.customers.queries import associates
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.loyalty.queries import MemberRow

TAIL_LENGTHS = (3, 4)
"""Of a number only the last four digits are kept in clear."""
HITS_MAX = 20


@dataclass(frozen=True, slots=True)
class Found:
    """``elsewhere``: the number belongs to a member who is not theirs, and whom they do not see here."""

    rows: tuple[MemberRow, ...]
    elsewhere: bool = False


def find_member(viewer: Viewer, text: str) -> Found:
    """Members in the viewer's scope by the end of a phone number, by phone, card, name, pinyin or initials.

    Six queries at most for the end of a number, whatever the size of the house. Raises NotAllowed.
    """
    words = unicodedata.normalize("NFKC", text).strip()
    if not words:
        return Found(())
    persons: list[int] = []
    if words.isascii() and words.isdigit() and len(words) in TAIL_LENGTHS:
        persons = associates.cared_for_with_tail(viewer, words, VIEW, HITS_MAX)
    hits = [] if persons else customers.search(viewer, words, HITS_MAX)
    persons = persons or [hit.person_id for hit in hits]
    members = loyalty.visible_member_ids(viewer, persons)
    order = [members[person_id] for person_id in persons if person_id in members]
    rows = tuple(loyalty.member_rows(viewer, list(dict.fromkeys(order))))
    sure = [hit for hit in hits if hit.matched in ("phone", "card", "email", "plate")]
    return Found(rows, elsewhere=bool(sure) and not rows)
