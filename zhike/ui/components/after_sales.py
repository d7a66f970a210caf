"""What codes of after-sales sheets are called on pages, and the form in which goods are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.service.queries import LineChoice

KINDS = {
    "return": pgettext_lazy("after-sales", "Return"),
    "exchange": pgettext_lazy("after-sales", "Exchange"),
    "repair": pgettext_lazy("after-sales", "Repair"),
}
REASONS = {
    "quality": pgettext_lazy("after-sales", "Faulty"),
    "damaged": pgettext_lazy("after-sales", "Damaged when bought"),
    "wrong_item": pgettext_lazy("after-sales", "Not what was bought"),
    "mismatch": pgettext_lazy("after-sales", "Not as described"),
    "size": pgettext_lazy("after-sales", "Does not fit"),
    "dislike": pgettext_lazy("after-sales", "Changed my mind"),
    "other": pgettext_lazy("after-sales", "Another reason"),
}
CONDITIONS = {
    "sealed": pgettext_lazy("after-sales", "Unopened, tags on"),
    "opened": pgettext_lazy("after-sales", "Opened"),
    "used": pgettext_lazy("after-sales", "Used"),
}
STATES = {
    "applied": pgettext_lazy("after-sales", "Asked for"),
    "approved": pgettext_lazy("after-sales", "Approved"),
    "refused": pgettext_lazy("after-sales", "Refused"),
    "withdrawn": pgettext_lazy("after-sales", "Withdrawn"),
    "received": pgettext_lazy("after-sales", "Goods received"),
    "checked": pgettext_lazy("after-sales", "Checked"),
    "rejected": pgettext_lazy("after-sales", "Not accepted"),
    "refunded": pgettext_lazy("after-sales", "Refunded"),
    "exchanged": pgettext_lazy("after-sales", "Exchanged"),
    "workshop": pgettext_lazy("after-sales", "With the workshop"),
    "ready": pgettext_lazy("after-sales", "Ready to collect"),
    "collected": pgettext_lazy("after-sales", "Collected"),
    "handed": pgettext_lazy("after-sales", "Handed back"),
}
STATE_TONES = {
    "applied": "warning",
    "approved": "info",
    "received": "primary",
    "checked": "primary",
    "workshop": "primary",
    "ready": "warning",
    "rejected": "error",
    "refused": "error",
    "refunded": "success",
    "exchanged": "success",
    "collected": "success",
}
ACTS = {
    "approve": pgettext_lazy("after-sales", "Approve"),
    "refuse": pgettext_lazy("after-sales", "Refuse"),
    "withdraw": pgettext_lazy("after-sales", "Withdraw"),
    "receive": pgettext_lazy("after-sales", "Goods received"),
    "pass": pgettext_lazy("after-sales", "Check passed"),
    "reject": pgettext_lazy("after-sales", "Do not accept"),
    "settle": pgettext_lazy("after-sales", "Finish"),
    "hand_back": pgettext_lazy("after-sales", "Hand back"),
    "send": pgettext_lazy("after-sales", "Workshop and day"),
    "finish": pgettext_lazy("after-sales", "Mended"),
    "agree": pgettext_lazy("after-sales", "Member agrees to pay"),
    "decline": pgettext_lazy("after-sales", "Member does not pay"),
}
ACT_ICONS = {
    "approve": "check",
    "refuse": "x",
    "withdraw": "undo-2",
    "receive": "package-open",
    "pass": "circle-check",
    "reject": "package-x",
    "settle": "badge-check",
    "hand_back": "hand",
    "send": "wrench",
    "finish": "circle-check",
    "agree": "handshake",
    "decline": "x",
}
VERDICTS = {
    "ok": pgettext_lazy("after-sales", "Possible"),
    "none_left": _("Nothing of it is left to come back, or it is on its way already."),
    "excluded": _("Goods of this kind are excluded from it."),
    "used": _("Used goods come back only with a fault."),
    "opened": _("Opened goods come back only with a fault."),
    "late": _("The time for it is over."),
}
QUEUES = {
    "open": pgettext_lazy("after-sales", "All open"),
    "applied": pgettext_lazy("after-sales", "To be decided"),
    "approved": pgettext_lazy("after-sales", "Goods to come"),
    "here": pgettext_lazy("after-sales", "With us"),
    "ready": pgettext_lazy("after-sales", "To be collected"),
    "ended": pgettext_lazy("after-sales", "Ended"),
    "all": pgettext_lazy("after-sales", "All"),
}
TABLES: dict[str, dict[str, Any]] = {
    "as_kind": KINDS,
    "as_reason": REASONS,
    "as_condition": CONDITIONS,
    "as_state": STATES,
    "as_state_tone": STATE_TONES,
    "as_act": ACTS,
    "as_act_icon": ACT_ICONS,
    "as_verdict": VERDICTS,
}


class ApplyFields(forms.Form):
    """What is wanted, why, how the goods are, and how many of each line; for the member app and the counter."""

    kind = forms.ChoiceField(
        label=_("What would you like?"),
        choices=list(KINDS.items()),
        initial="return",
        widget=forms.RadioSelect,
    )
    reason = forms.ChoiceField(label=_("Why?"), choices=list(REASONS.items()), initial="dislike")
    condition = forms.ChoiceField(
        label=_("How are the goods?"), choices=list(CONDITIONS.items()), initial="sealed"
    )
    text = forms.CharField(
        label=_("In your own words"),
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    @staticmethod
    def chosen(data: Any) -> dict[str, str]:
        """Kind, reason and condition as sent or in an address, each a known one."""
        wanted = {}
        for name, known, usual in (
            ("kind", KINDS, "return"),
            ("reason", REASONS, "dislike"),
            ("condition", CONDITIONS, "sealed"),
        ):
            value = data.get(name, usual)
            wanted[name] = value if value in known else usual
        return wanted

    @staticmethod
    def counted(data: Any) -> dict[str, str]:
        """How many of which line was typed already, when the wish changes."""
        return {name: value for name, value in data.items() if name.startswith("line-") and value}

    def add_lines(self, lines: Sequence[LineChoice]) -> None:
        """A field for each line that may come back."""
        self.numbers = [line.line_no for line in lines if line.verdict.allowed]
        for line in lines:
            if line.verdict.allowed:
                self.fields[f"line-{line.line_no}"] = _quantity(line)
        if len(self.numbers) == 1:
            self.initial.setdefault(f"line-{self.numbers[0]}", 1)

    @property
    def quantities(self) -> dict[int, Decimal]:
        given = {number: self.cleaned_data.get(f"line-{number}") for number in self.numbers}
        return {number: quantity for number, quantity in given.items() if quantity}

    def rows(self, lines: Sequence[LineChoice]) -> list[dict[str, Any]]:
        """Each line with its field, if it may come back."""
        return [
            {"line": line, "field": self[f"line-{line.line_no}"] if line.verdict.allowed else None}
            for line in lines
        ]


def _quantity(line: LineChoice) -> forms.DecimalField:
    attrs = {
        "inputmode": "decimal",
        "step": "1",
        "min": "0",
        "max": f"{line.left.normalize():f}",
        "x-ref": "input",
        "class": "input join-item w-16 text-center",
        "placeholder": "0",
        "aria-label": line.name,
    }
    return forms.DecimalField(
        required=False,
        min_value=Decimal(0),
        max_value=line.left,
        max_digits=12,
        decimal_places=3,
        label=line.name,
        widget=forms.NumberInput(attrs=attrs),
    )
