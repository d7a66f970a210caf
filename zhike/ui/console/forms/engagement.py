"""What members earn besides buying: the terms of the plans as plain fields and back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console.forms.members import reason_field
from zhike.ui.console.forms.percent import percent_field
from zhike.ui.console.forms.programme import FenField

Choices = Sequence[tuple[str, Any]]
_NUMBERS = re.compile(r"[\s,，、]+")
_PARTS = re.compile(r"[\s:：=]+")
MALL = "mall"
UNIT_BP = 10_000


def points_field(**extra: Any) -> forms.IntegerField:
    return forms.IntegerField(**{"min_value": 0, "max_value": 100_000, "required": False, **extra})


class TermsForm(forms.Form):
    """Who pays, and how long the points live; under every plan."""

    validity_days = forms.IntegerField(
        min_value=1,
        max_value=3_660,
        required=False,
        label=_("Points lapse after … days"),
        help_text=_("Empty: like all points of the programme."),
    )
    payer = forms.ChoiceField(label=_("Paid by"))
    share = percent_field(
        label=_("Share of this payer (%)"), help_text=_("The mall pays the rest. Empty: all of it.")
    )
    is_open = forms.BooleanField(required=False, label=_("Open to members"))

    def __init__(self, *args: Any, payers: Choices, batches: Choices = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["payer"].choices = list(payers)  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            if name.endswith("batch_id"):
                field.choices = [("", _("no coupon")), *batches]  # type: ignore[attr-defined]

    @property
    def shared(self) -> dict[str, Any]:
        """The part of the terms that every plan has."""
        data = self.cleaned_data
        share = int((data["share"] if data["share"] is not None else Decimal(100)) * 100)
        funding: dict[str, int] = {}
        if data["payer"] != MALL and share:
            funding = {data["payer"]: share}
            if share < UNIT_BP:
                funding[MALL] = UNIT_BP - share
        return {"validity_days": data["validity_days"], "funding": funding}

    def reward(self, prefix: str = "") -> dict[str, Any]:
        batch_id = self.cleaned_data[f"{prefix}batch_id"]
        return {
            "points": self.cleaned_data[f"{prefix}points"] or 0,
            "batch_id": int(batch_id) if batch_id else None,
        }


def shared_initial(terms: Any, is_open: bool) -> dict[str, Any]:
    payer, bp = next(((code, bp) for code, bp in terms.funding.items() if code != MALL), (MALL, UNIT_BP))
    return {
        "validity_days": terms.validity_days,
        "payer": payer,
        "share": Decimal(bp) / 100,
        "is_open": is_open,
    }


class CheckInForm(TermsForm):
    """Points of the days as a list; milestones one a line: day, points, the number of a batch of coupons."""

    points = forms.CharField(
        max_length=200,
        label=_("Points of the 1st, 2nd … day in a row"),
        help_text=_("After the last day it begins again: 1, 2, 3, 4, 5, 6, 10."),
    )
    milestones = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 4}),
        label=_("Milestones"),
        help_text=_(
            "One a line: day, points on top, and if you like the number of a batch: “7 20”, “30 100 12”."
        ),
    )
    make_ups = points_field(max_value=31, label=_("Make-up cards a month"))
    make_up_days = points_field(min_value=1, max_value=31, label=_("Missed days up to … days back"))
    month_max = points_field(min_value=1, label=_("Most points a month"), help_text=_("Empty: no limit."))
    reason = reason_field()

    def clean_points(self) -> list[int]:
        found = [part for part in _NUMBERS.split(self.cleaned_data["points"].strip()) if part]
        if not all(part.isascii() and part.isdecimal() for part in found):
            raise forms.ValidationError(_("Whole numbers, with commas between them."))
        return [int(part) for part in found]

    def clean_milestones(self) -> list[dict[str, Any]]:
        found = []
        for line in self.cleaned_data["milestones"].splitlines():
            if not line.strip():
                continue
            parts = [part for part in _PARTS.split(line.strip()) if part]
            if not 2 <= len(parts) <= 3 or not all(part.isascii() and part.isdecimal() for part in parts):
                raise forms.ValidationError(_("This line is not understood: %(line)s") % {"line": line})
            day, points, *batch = (int(part) for part in parts)
            found.append({"day": day, "reward": {"points": points, "batch_id": batch[0] if batch else None}})
        return found

    @property
    def terms(self) -> dict[str, Any]:
        data = self.cleaned_data
        return self.shared | {
            "points": data["points"],
            "milestones": data["milestones"],
            "make_ups": data["make_ups"] or 0,
            "make_up_days": data["make_up_days"] or 7,
            "month_max": data["month_max"],
        }


class ReferralForm(TermsForm):
    """What both sides get, after which purchase, and how often."""

    inviter_points = points_field(label=_("Points"))
    inviter_batch_id = forms.ChoiceField(required=False, label=_("Coupon"))
    invitee_points = points_field(label=_("Points"))
    invitee_batch_id = forms.ChoiceField(required=False, label=_("Coupon"))
    minimum_fen = FenField(label=_("Purchase from (yuan)"))
    days_to_buy = points_field(min_value=1, max_value=366, required=True, label=_("Within … days of joining"))
    wait_days = points_field(
        max_value=366,
        label=_("Reward … days after the purchase"),
        help_text=_("Empty: when the purchase's own points can be spent."),
    )
    daily_max = points_field(
        min_value=1, max_value=1_000, required=True, label=_("Invitations a day that count")
    )
    year_max = points_field(
        min_value=1, max_value=1_000_000, label=_("Most points a year"), help_text=_("Empty: no limit.")
    )
    reason = reason_field()

    @property
    def terms(self) -> dict[str, Any]:
        data = self.cleaned_data
        names = ("minimum_fen", "days_to_buy", "wait_days", "daily_max", "year_max")
        sides = {side: self.reward(f"{side}_") for side in ("inviter", "invitee")}
        return self.shared | sides | {name: data[name] for name in names}


def referral_initial(terms: Any, is_open: bool) -> Mapping[str, Any]:
    initial = shared_initial(terms, is_open)
    for side in ("inviter", "invitee"):
        reward = getattr(terms, side)
        initial |= {f"{side}_points": reward.points, f"{side}_batch_id": str(reward.batch_id or "")}
    for name in ("minimum_fen", "days_to_buy", "wait_days", "daily_max", "year_max"):
        initial[name] = getattr(terms, name)
    return initial


class BirthdayForm(TermsForm):
    """One amount for everybody; tiers that get another one say so."""

    points = points_field(label=_("Points"), initial=100)
    batch_id = forms.ChoiceField(required=False, label=_("Coupon"))
    days_before = points_field(max_value=30, initial=0, label=_("Days before the birthday"))
    reason = reason_field()

    def __init__(self, *args: Any, tiers: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for tier_id, name in tiers:
            self.fields[f"tier_{tier_id}"] = points_field(label=name)

    @property
    def tier_fields(self) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith("tier_")]

    @property
    def terms(self) -> dict[str, Any]:
        data = self.cleaned_data
        tiers = {
            int(name.removeprefix("tier_")): points
            for name, points in data.items()
            if name.startswith("tier_") and points is not None
        }
        return self.shared | {
            "reward": self.reward(),
            "tier_points": tiers,
            "days_before": data["days_before"] or 0,
        }


def birthday_initial(terms: Any, is_open: bool) -> Mapping[str, Any]:
    tiers = {f"tier_{tier_id}": points for tier_id, points in terms.tier_points.items()}
    return (
        shared_initial(terms, is_open)
        | tiers
        | {
            "points": terms.reward.points,
            "batch_id": str(terms.reward.batch_id or ""),
            "days_before": terms.days_before,
        }
    )


def check_in_initial(terms: Any, is_open: bool) -> Mapping[str, Any]:
    lines = [
        " ".join(str(part) for part in (one.day, one.reward.points, one.reward.batch_id or "")).strip()
        for one in terms.milestones
    ]
    return shared_initial(terms, is_open) | {
        "points": ", ".join(str(points) for points in terms.points),
        "milestones": "\n".join(lines),
        "make_ups": terms.make_ups,
        "make_up_days": terms.make_up_days,
        "month_max": terms.month_max,
    }
