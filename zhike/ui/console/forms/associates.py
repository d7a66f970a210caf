"""Who looks after members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from zhike.clienteling import queries as clienteling
from zhike.ui.console.forms.service import NumberChoice, optional
from zhike.ui.console.once import OnceForm


class HandOverForm(OnceForm):
    to_staff_id = NumberChoice(label=_("To whom"))
    reason = forms.CharField(max_length=200, label=_("Why"))

    def __init__(self, *args: Any, people: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to_staff_id"].required = True
        self.fields["to_staff_id"].choices = optional(people)  # type: ignore[attr-defined]


class AssignForm(OnceForm):
    staff_id = NumberChoice(label=_("Sales associate"))
    reason = forms.CharField(max_length=200, required=False, label=_("Why"))

    def __init__(self, *args: Any, people: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["staff_id"].choices = [("", _("Nobody")), *people]  # type: ignore[attr-defined]


DAYS = _("Days; 0 switches it off.")


class RemindersForm(OnceForm):
    """The reminder rules of a mall."""

    birthday_days_before = forms.IntegerField(label=_("Birthday: so many days before"), help_text=DAYS)
    first_purchase_days_after = forms.IntegerField(
        label=_("First purchase: so many days after"), help_text=DAYS
    )
    quiet_days = forms.IntegerField(label=_("Going quiet: so many days without a purchase"), help_text=DAYS)
    quiet_purchases_min = forms.IntegerField(label=_("Going quiet: only with so many purchases before"))
    points_days_before = forms.IntegerField(
        label=_("Points about to end: so many days before"), help_text=DAYS
    )
    points_min = forms.IntegerField(label=_("Points about to end: only from so many points"))
    coupon_days_before = forms.IntegerField(
        label=_("Coupon about to end: so many days before"), help_text=DAYS
    )
    ticket_days = forms.IntegerField(label=_("New ticket: to be called within so many days"), help_text=DAYS)
    patience_days = forms.IntegerField(
        label=_("After a first purchase or going quiet: in time for so many days")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (low, high) in clienteling.LIMITS.items():
            field = self.fields[name]
            field.validators += [MinValueValidator(low), MaxValueValidator(high)]
            field.widget.attrs |= {"min": low, "max": high}
