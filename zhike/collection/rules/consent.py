"""On what ground behaviour may be kept, and tied to whom. Pure. (个人信息保护法 4, 13, 15, 28, 31)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from zhike.collection.rules.names import NECESSARY

Basis = Literal["consent", "contract", "anonymous", "refused"]


def said_consent(context: Mapping[str, Any], category: str) -> bool | None:
    """What the site's consent banner says in ``context.consent.categoryPreferences``; None when it says nothing.

    A banner that is there but does not name the category has not been agreed to.
    """
    consent = context.get("consent")
    if not isinstance(consent, Mapping):
        return None
    preferences = consent.get("categoryPreferences")
    if not isinstance(preferences, Mapping):
        return None
    return preferences.get(category) is True


def basis_of(
    *, name: str, said: bool | None, assumed: bool, decision: str | None, is_known: bool, is_protected: bool
) -> Basis:
    """Why an event may be kept as somebody's, or that it may not.

    ``said`` is the banner's word, ``assumed`` the source's promise that it sends only after consent, ``decision`` what the
    known person decided on personalisation ("" never asked), ``is_protected``: under 14, or restricted. The strictest word
    counts. Orders are kept for a known person because the contract needs them; what may not be anybody's is kept without
    anybody, unless the visitor refused, then not at all.
    """
    necessary = is_known and name in NECESSARY
    if said is False:
        return "contract" if necessary else "refused"
    if is_protected or decision in ("refused", "withdrawn"):
        return "contract" if necessary else "anonymous"
    if said or assumed or decision == "granted":
        return "consent"
    return "contract" if necessary else "anonymous"
