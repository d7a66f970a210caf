"""What a person is known by, in clear: for an erasure, which looks for it everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zhike.customers.models import Identifier, Person
from zhike.customers.queries import VALUE_FIELD
from zhike.kernel import crypto


@dataclass(frozen=True, slots=True)
class Words:
    """``identifiers`` are (kind, normalised value), retired ones too; ``names`` as written."""

    identifiers: tuple[tuple[str, str], ...]
    names: tuple[str, ...]

    @property
    def spellings(self) -> tuple[str, ...]:
        """Each identifier as it may have been written: a phone with and without its country's code."""
        found = []
        for kind, value in self.identifiers:
            found.append(value)
            if kind == "phone" and value.startswith("+86"):
                national = value.removeprefix("+86")
                found += [
                    national,
                    f"{national[:3]} {national[3:7]} {national[7:]}",
                    f"{national[:3]}-{national[3:7]}-{national[7:]}",
                ]
        return tuple(dict.fromkeys(found))


def words_of(person_ids: Sequence[int]) -> Words:
    """In clear, of all ids of one human being; never for a page. For contexts above, which have checked already."""
    identifiers = []
    for pk, value in (
        Identifier.objects.filter(person_id__in=person_ids).order_by("id").values_list("id", "value")
    ):
        kind, _, text = crypto.decrypt(bytes(value), field=VALUE_FIELD, row=pk).partition(":")
        identifiers.append((kind, text))
    names = Person.objects.filter(pk__in=person_ids).exclude(name="").values_list("name", flat=True)
    return Words(tuple(dict.fromkeys(identifiers)), tuple(dict.fromkeys(names)))


def fingerprints(person_ids: Sequence[int], *, field: str) -> dict[bytes, str]:
    """What one human being is or was known by, as keyed indexes of ``field`` alone, with the kind of each.

    They cannot be compared with any other field's, nor read; for a memory that outlives the person. Under every live key.
    """
    return {
        index: kind
        for kind, value in words_of(person_ids).identifiers
        for index in crypto.blind_indexes(f"{kind}:{value}", field=field)
    }
