"""An earning rule's definition as sentences for people, and the difference between two of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from zhike.ui.components.formatting import grouped, yuan
from zhike.ui.console.forms.rules import CAPS, UNIT_BP, WEEKDAYS, RuleChoices
from zhike.ui.console.labels import RULE_EXPIRIES, TENDERS

SCOPE_LABELS = {
    "merchants": _("Merchants"),
    "trade_categories": _("Trade categories"),
    "product_categories": _("Product categories"),
}


@dataclass(frozen=True)
class Clause:
    """One fact of a rule. `key` is the same for the same fact in another version."""

    key: str
    label: str
    value: str


@dataclass(frozen=True)
class Change:
    """A clause that is new, gone or different; None on the side where it does not exist."""

    label: str
    before: str | None
    after: str | None


def clauses(definition: Mapping[str, Any], choices: RuleChoices) -> list[Clause]:
    """Everything the definition says, in the order of the editor."""
    return [
        *_base(definition),
        *_malls(definition, choices),
        *_tiers(definition, choices),
        *(clause for scope in SCOPE_LABELS for clause in _scope(scope, definition, choices)),
        *_calendar(definition),
        *_tenders(definition),
        *_caps(definition),
        *_expiry(definition),
        *_funding(definition, choices),
    ]


def changes(before: Mapping[str, Any], after: Mapping[str, Any], choices: RuleChoices) -> list[Change]:
    """What differs, in the order of the editor."""
    old = {clause.key: clause for clause in clauses(before, choices)}
    new = {clause.key: clause for clause in clauses(after, choices)}
    found = []
    for key in [*new, *(key for key in old if key not in new)]:
        was, now = old.get(key), new.get(key)
        if (was and was.value) != (now and now.value):
            label = (now or was).label  # type: ignore[union-attr]
            found.append(Change(label, was.value if was else None, now.value if now else None))
    return found


def times_text(bp: int) -> str:
    """15000 → ×1.5."""
    times = Decimal(bp) / UNIT_BP
    return f"×{times.normalize():f}"


def _base(definition: Mapping[str, Any]) -> Iterator[Clause]:
    base = definition.get("base") or {}
    text = gettext("%(points)s points for every %(amount)s") % {
        "points": grouped(base.get("points", 0)),
        "amount": yuan(base.get("per_fen", 100)),
    }
    yield Clause("base", gettext("Base rate"), text)
    if minimum := definition.get("minimum_fen"):
        yield Clause("minimum", gettext("Minimum spend"), yuan(minimum))


def _malls(definition: Mapping[str, Any], choices: RuleChoices) -> Iterator[Clause]:
    if malls := definition.get("malls"):
        yield Clause("malls", gettext("Only in"), _names(malls, choices.malls))


def _tiers(definition: Mapping[str, Any], choices: RuleChoices) -> Iterator[Clause]:
    names = {str(key): str(name) for key, name in choices.tiers}
    for tier, bp in ((definition.get("tiers") or {}).get("bp") or {}).items():
        label = str(format_lazy("{} · {}", _("Tier"), names.get(str(tier), f"#{tier}")))
        yield Clause(f"tier-{tier}", label, times_text(bp))


def _scope(scope: str, definition: Mapping[str, Any], choices: RuleChoices) -> Iterator[Clause]:
    stored = definition.get(scope) or {}
    label = str(SCOPE_LABELS[scope])
    names = {str(key): str(name) for key, name in choices.scopes[scope]}
    if only := stored.get("only"):
        yield Clause(
            f"{scope}-only", label, gettext("only %(names)s") % {"names": _names(only, names.items())}
        )
    if excluded := stored.get("except"):
        text = gettext("nothing at %(names)s") % {"names": _names(excluded, names.items())}
        yield Clause(f"{scope}-except", label, text)
    for target, bp in (stored.get("bp") or {}).items():
        name = names.get(str(target), f"#{target}")
        yield Clause(f"{scope}-{target}", f"{label} · {name}", times_text(bp))


def _calendar(definition: Mapping[str, Any]) -> Iterator[Clause]:
    for boost in definition.get("calendar") or []:
        parts = [times_text(boost["bp"])]
        if boost.get("from") or boost.get("to"):
            parts.append(f"{boost.get('from') or '…'} – {boost.get('to') or '…'}")
        if days := boost.get("weekdays"):
            names = dict(WEEKDAYS)
            parts.append(gettext(", ").join(str(names[day]) for day in sorted(days)))
        if hours := boost.get("hours"):
            parts.append(f"{hours[0]:02d}:00–{hours[1]:02d}:00")
        name = boost.get("name", "")
        yield Clause(f"boost-{name}", f"{gettext('Calendar')} · {name}", " · ".join(parts))


def _tenders(definition: Mapping[str, Any]) -> Iterator[Clause]:
    if tenders := definition.get("excluded_tenders"):
        yield Clause("tenders", gettext("Payments that earn nothing"), _names(tenders, TENDERS.items()))


def _caps(definition: Mapping[str, Any]) -> Iterator[Clause]:
    caps = definition.get("caps") or {}
    for name, label in CAPS:
        if caps.get(name) is not None:
            text = gettext("at most %(points)s points") % {"points": grouped(caps[name])}
            yield Clause(f"cap-{name}", f"{gettext('Cap')} · {label}", text)


def _expiry(definition: Mapping[str, Any]) -> Iterator[Clause]:
    expiry = definition.get("expiry")
    if not expiry:
        return
    parts = [str(RULE_EXPIRIES[expiry["kind"]])]
    if months := expiry.get("months"):
        parts.append(ngettext("%(counter)s month", "%(counter)s months", months) % {"counter": months})
    parts += [str(expiry[name]) for name in ("on", "month_day") if expiry.get(name)]
    if days := expiry.get("grace_days"):
        words = ngettext("%(counter)s day of grace", "%(counter)s days of grace", days)
        parts.append(words % {"counter": days})
    yield Clause("expiry", gettext("Points of this rule lapse"), " · ".join(parts))


def _funding(definition: Mapping[str, Any], choices: RuleChoices) -> Iterator[Clause]:
    if funding := definition.get("funding"):
        names = dict(choices.payers)
        shares = [f"{names.get(payer, payer)} {Decimal(bp) / 100:f}%" for payer, bp in funding.items()]
        yield Clause("funding", gettext("Paid by"), " · ".join(shares))


def _names(keys: Any, known: Any) -> str:
    names = {str(key): str(name) for key, name in known}
    return gettext(", ").join(names.get(str(key), f"#{key}") for key in keys)
