"""Who pays for points. A payer is a code: the mall itself, or a party with its id."""

from __future__ import annotations

OWN = "mall"


def is_own(code: str) -> bool:
    """Whether the mall pays itself, so that nobody owes it anything for these points."""
    return code == OWN or code.startswith(f"{OWN}:")
