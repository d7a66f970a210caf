"""A promotion as plain fields and back, and a basket to try it on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.kernel.money import NotAnAmount, fen_from_text, yuan_text
from zhike.offers.queries import PricedLine
from zhike.ui.console import offer_labels
from zhike.ui.console.forms.coupons import ScopeForm, scope_initial
from zhike.ui.console.forms.percent import percent_field
from zhike.ui.console.forms.programme import FenField
from zhike.ui.console.forms.rules import RuleChoices

_PARTS = re.compile(r"[\s,=:，：]+")
LINES_MAX = 50


def moment_field(**extra: Any) -> forms.DateTimeField:
    """A local date and time, perhaps empty."""
    return forms.DateTimeField(
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        **extra,
    )


class PromotionForm(ScopeForm):
    """What a kind does not use is left out of the definition."""

    name = forms.CharField(max_length=80, label=_("Display name"))
    kind = forms.ChoiceField(choices=list(offer_labels.PROMOTION_KINDS.items()), label=_("Kind"))
    steps = forms.CharField(
        required=False,
        max_length=300,
        label=_("Steps"),
        help_text=_(
            "One a line. Off from an amount: “200 30”. So many pieces: “3 20” (20% off from 3 pieces)."
        ),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    minimum_fen = FenField(required=False, label=_("From (yuan)"))
    minimum_quantity = forms.IntegerField(
        min_value=0, max_value=10_000, required=False, label=_("From so many pieces")
    )
    off_fen = FenField(required=False, label=_("Off each time (yuan)"))
    percent = percent_field(label=_("Percent off"))
    nth = forms.IntegerField(min_value=2, max_value=20, required=False, label=_("Every piece no. …"))
    cap_fen = FenField(required=False, label=_("At most off (yuan)"))
    gift = forms.CharField(max_length=120, required=False, label=_("Gift"))
    gift_value_fen = FenField(required=False, label=_("The gift is worth (yuan)"))
    gift_every = forms.BooleanField(required=False, label=_("One for every such amount"))
    gift_most = forms.IntegerField(
        min_value=0, max_value=1000, required=False, label=_("At most so many gifts")
    )
    group = forms.CharField(
        max_length=40,
        required=False,
        label=_("Group"),
        help_text=_("Of promotions of one group only one applies."),
    )
    exclusive = forms.BooleanField(required=False, label=_("Only by itself, with no other promotion"))
    priority = forms.IntegerField(
        min_value=0, max_value=1000, initial=100, label=_("Order"), help_text=_("Lower goes first.")
    )
    effective_from = moment_field(label=_("In force from"), help_text=_("Empty: at once."))
    effective_to = moment_field(label=_("In force until"), help_text=_("Empty: until it is ended."))
    note = forms.CharField(max_length=300, required=False, label=_("What changes and why"))

    def __init__(self, *args: Any, choices: RuleChoices, places: Any, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, choices=choices, places=places, is_new=is_new, **kwargs)

    def clean_steps(self) -> list[tuple[int, Decimal]]:
        """(fen or pieces as typed, fen or percent) are sorted out with the kind in `definition`."""
        found = []
        for line in self.cleaned_data["steps"].splitlines():
            parts = [part for part in _PARTS.split(line.strip()) if part]
            if not parts:
                continue
            try:
                first, second = (fen_from_text(part) for part in parts)
            except (NotAnAmount, ValueError):
                raise forms.ValidationError(
                    _("“%(line)s” is not two numbers."), params={"line": line[:40]}
                ) from None
            found.append((first, Decimal(second)))
        return found

    @property
    def definition(self) -> dict[str, Any]:
        data = self.cleaned_data
        kind = data["kind"]
        return {
            "kind": kind,
            "scope": self.scope,
            "minimum_fen": (data["minimum_fen"] or 0) if kind != "reach" else 0,
            "minimum_quantity": data["minimum_quantity"] or 0,
            "off_fen": (data["off_fen"] or 0) if kind == "every" else 0,
            "percent_bp": int((data["percent"] or 0) * 100) if kind in ("percent", "nth") else 0,
            "steps": self._steps(kind),
            "nth": (data["nth"] or 0) if kind == "nth" else 0,
            "cap_fen": data["cap_fen"] or None,
            "gift": data["gift"].strip(),
            "gift_value_fen": (data["gift_value_fen"] or 0) if data["gift"].strip() else 0,
            "gift_every": data["gift_every"],
            "gift_most": data["gift_most"] or 0,
            "group": data["group"].strip(),
            "exclusive": data["exclusive"],
            "priority": data["priority"],
        }

    def _steps(self, kind: str) -> list[list[int]]:
        """Both numbers were read as yuan: pieces and percents are a hundredth and the same of it."""
        steps = self.cleaned_data["steps"]
        if kind == "reach":
            return [[first, int(second)] for first, second in steps]
        return [[first // 100, int(second)] for first, second in steps] if kind == "pieces" else []


def initial_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The form's fields for a definition as it is stored."""
    plain = (
        "kind", "minimum_fen", "minimum_quantity", "off_fen", "nth", "cap_fen", "gift", "gift_value_fen", "gift_every",
        "gift_most", "group", "exclusive", "priority",
    )  # fmt: skip
    initial: dict[str, Any] = {name: definition.get(name) or None for name in plain}
    initial["priority"] = definition.get("priority", 100)
    initial["percent"] = Decimal(definition.get("percent_bp", 0)) / 100 or None
    lines = []
    for first, second in definition.get("steps", ()):
        left = yuan_text(first) if definition["kind"] == "reach" else str(first)
        lines.append(f"{left} {yuan_text(second)}")
    initial["steps"] = "\n".join(lines)
    return initial | scope_initial(definition.get("scope", {}))


class BasketForm(forms.Form):
    """A basket to try promotions on."""

    merchant = forms.TypedChoiceField(coerce=int, label=_("Merchant"))
    basket = forms.CharField(
        max_length=2000,
        label=_("Basket"),
        help_text=_(
            "One line for each article: pieces, price of one in yuan, and if need be its article number."
        ),
        widget=forms.Textarea(attrs={"rows": 4, "class": "font-mono"}),
        initial="2 59.90\n1 128.00",
    )

    def __init__(self, *args: Any, merchants: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["merchant"].choices = merchants  # type: ignore[attr-defined]

    def clean_basket(self) -> list[PricedLine]:
        lines: list[PricedLine] = []
        for line in self.cleaned_data["basket"].splitlines():
            parts = line.split()
            if not parts:
                continue
            try:
                count, price = int(parts[0]), fen_from_text(parts[1])
                if not (0 < count <= 10_000 and price >= 0 and len(parts) <= 3 and len(lines) < LINES_MAX):
                    raise ValueError(line)
            except (IndexError, NotAnAmount, ValueError):
                raise forms.ValidationError(
                    _("“%(line)s” cannot be read."), params={"line": line[:40]}
                ) from None
            lines.append(PricedLine(len(lines) + 1, count, price, parts[2] if len(parts) == 3 else ""))
        return lines
