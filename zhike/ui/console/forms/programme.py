"""The programme's settings, its tier ladder, and publishing a rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.kernel.money import NotAnAmount, fen_from_text, yuan_text
from zhike.loyalty.operations import COLOURS
from zhike.ui.console import labels
from zhike.ui.console.forms.organization import code_field


class FenField(forms.CharField):
    """An amount in yuan, as fen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs.update({"inputmode": "decimal", "maxlength": "16"})

    def prepare_value(self, value: Any) -> Any:
        return yuan_text(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            fen = fen_from_text(text)
        except NotAnAmount as problem:
            raise forms.ValidationError(problem.sentence) from problem
        if fen < 0:
            raise forms.ValidationError(_("This amount cannot be negative."))
        return fen


class ProgrammeForm(forms.Form):
    name = forms.CharField(max_length=120, label=_("Display name"))
    rounding = forms.ChoiceField(choices=list(labels.ROUNDINGS.items()), label=_("Parts of a point"))
    expiry = forms.ChoiceField(choices=list(labels.EXPIRIES.items()), label=_("Points lapse"))
    expiry_months = forms.IntegerField(min_value=1, max_value=120, label=_("after … months"))
    expiry_month_day = forms.CharField(
        max_length=5,
        required=False,
        label=_("Day of the year"),
        help_text=_("MM-DD; for a fixed day of the year only."),
    )
    expiry_grace_days = forms.IntegerField(
        min_value=0,
        max_value=366,
        required=False,
        label=_("Days of grace"),
        help_text=_("Added to the last day."),
    )
    return_window_days = forms.IntegerField(
        min_value=0,
        max_value=366,
        required=False,
        label=_("Points can be spent after … days"),
        help_text=_("When the goods can no longer come back. 0: at once."),
    )
    hold_minutes = forms.IntegerField(
        min_value=1, max_value=10_080, label=_("A till may set points aside for … minutes")
    )
    shortfall = forms.ChoiceField(
        choices=list(labels.SHORTFALLS.items()), label=_("When a return finds the points spent")
    )
    waiver_limit = forms.IntegerField(
        min_value=0,
        max_value=10_000_000,
        label=_("Points of debt that a manager may waive"),
        help_text=_("More than that is decided by the group."),
    )
    redeem_points = forms.IntegerField(min_value=1, max_value=1_000_000, label=_("So many points"))
    redeem_fen = FenField(label=_("are worth (yuan)"))
    redeem_step = forms.IntegerField(min_value=1, max_value=1_000_000, label=_("Redeemed in steps of"))
    redeem_minimum = forms.IntegerField(min_value=1, max_value=100_000_000, label=_("At least"))
    redeem_maximum = forms.IntegerField(min_value=1, max_value=100_000_000, label=_("At most"))
    rate_notice_days = forms.IntegerField(
        min_value=0,
        max_value=365,
        label=_("Members are told … days before points are worth less or tiers get worse"),
    )
    adjustment_limit = forms.IntegerField(
        min_value=0, max_value=10_000_000, label=_("Points one person may correct at once, alone")
    )
    adjustment_day_limit = forms.IntegerField(
        min_value=0,
        max_value=100_000_000,
        label=_("and in a day; above it corrections are decided higher up"),
    )
    tier_window = forms.ChoiceField(
        choices=list(labels.TIER_WINDOWS.items()), label=_("Spend that counts toward a tier")
    )
    tier_reverses_on_refund = forms.BooleanField(
        required=False, label=_("A return takes the tier back that its purchase gave")
    )
    tier_period = forms.ChoiceField(
        choices=list(labels.TIER_PERIODS.items()),
        label=_("A tier is held"),
        help_text=_("At the end it is kept with what each tier says, or lost after the days of grace."),
    )
    tier_grace_days = forms.IntegerField(
        min_value=0, max_value=90, required=False, label=_("Days of grace after the period")
    )
    tier_fall = forms.ChoiceField(
        choices=list(labels.TIER_FALLS.items()), label=_("Who does not keep it falls")
    )
    claim_window_days = forms.IntegerField(
        min_value=0, max_value=365, label=_("A receipt can be claimed for … days")
    )
    photo_claims_day = forms.IntegerField(
        min_value=0,
        max_value=100,
        label=_("Photographed receipts a member may hand in a day"),
        help_text=_("0: receipts are not taken by photograph."),
    )
    photo_claim_second_fen = FenField(label=_("Two people look at photographed receipts above (yuan)"))

    def clean_expiry_month_day(self) -> str:
        return self.cleaned_data["expiry_month_day"] or "12-31"

    def clean_expiry_grace_days(self) -> int:
        return self.cleaned_data["expiry_grace_days"] or 0

    def clean_tier_grace_days(self) -> int:
        return self.cleaned_data["tier_grace_days"] or 0

    def clean_return_window_days(self) -> int:
        return self.cleaned_data["return_window_days"] or 0


class ReturnWindowsForm(forms.Form):
    """Days that points of each trade category wait; empty: as long as the others."""

    def __init__(self, *args: Any, categories: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for category_id, name in categories:
            self.fields[f"window_{category_id}"] = forms.IntegerField(
                min_value=0, max_value=366, required=False, label=name
            )

    @property
    def windows(self) -> dict[int, int | None]:
        """Days by trade category."""
        return {int(name.removeprefix("window_")): days for name, days in self.cleaned_data.items()}


class TierForm(forms.Form):
    name = forms.CharField(max_length=60, label=_("Display name"))
    rank = forms.IntegerField(
        min_value=0, max_value=1000, label=_("Rank"), help_text=_("Lower ranks are lower tiers.")
    )
    threshold_fen = FenField(
        label=_("Reached at a spend of (yuan)"), help_text=_("The lowest tier begins at 0.")
    )
    keep_fen = FenField(
        required=False,
        label=_("Kept with a spend of (yuan)"),
        help_text=_("At the end of its period. Empty: as much as reaching it takes."),
    )
    threshold_count = forms.IntegerField(
        min_value=0,
        max_value=10**12,
        label=_("Reached with so many visits, or so much growth value"),
        help_text=_("The lowest tier begins at 0."),
    )
    keep_count = forms.IntegerField(
        min_value=0,
        max_value=10**12,
        required=False,
        label=_("Kept with so many visits, or so much growth value"),
        help_text=_("At the end of its period. Empty: as much as reaching it takes."),
    )
    keep_visits = forms.IntegerField(
        min_value=1,
        max_value=366,
        required=False,
        label=_("or with purchases on so many days"),
        help_text=_("Empty: days do not count."),
    )
    colour = forms.ChoiceField(
        choices=[(colour, labels.COLOURS.get(colour, colour)) for colour in COLOURS],
        widget=forms.RadioSelect,
        label=_("Colour"),
    )
    benefits = forms.CharField(
        required=False,
        max_length=2000,
        label=_("Benefits"),
        help_text=_("One a line; members read them in their app."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, is_new: bool, basis: str = "spend", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("threshold", "keep"):
            del self.fields[f"{name}_{'count' if basis == 'spend' else 'fen'}"]
        if is_new:
            self.fields = {"code": code_field(), **self.fields}


class _MomentForm(forms.Form):
    """A moment in the mall's own time; empty means now."""

    effective_from = forms.DateTimeField(
        required=False,
        help_text=_("Empty: at once."),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def moment(self, now: dt.datetime, zone: str) -> dt.datetime:
        """The moment entered, aware; `now` when nothing was given."""
        given: dt.datetime | None = self.cleaned_data["effective_from"]
        return given.replace(tzinfo=ZoneInfo(zone)) if given else now


class PublishForm(_MomentForm):
    """When a version begins, and why it was made."""

    note = forms.CharField(max_length=300, required=False, label=_("What changes and why"))

    def __init__(self, *args: Any, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["effective_from"].label = _("In force from")
        if is_new:
            self.fields = {"code": code_field(), **self.fields}


class RetireRuleForm(_MomentForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["effective_from"].label = _("No longer in force from")
