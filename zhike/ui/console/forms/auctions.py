"""An auction as plain fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.rewards.operations import NewAuction
from zhike.rewards.queries import AuctionView
from zhike.ui.components.labels import AUCTION_KINDS
from zhike.ui.console.forms.coupons import in_zone
from zhike.ui.console.forms.draws import moment_field
from zhike.ui.console.forms.members import reason_field
from zhike.ui.console.forms.organization import code_field

_SAME = (
    "name", "description", "kind", "units", "reserve_points", "step_points", "extension_minutes", "extension_most",
)  # fmt: skip


class AuctionForm(forms.Form):
    reward = forms.TypedChoiceField(
        coerce=int, label=_("Reward"), help_text=_("Its units are set aside when the auction is published.")
    )
    name = forms.CharField(max_length=60, label=_("Display name"), help_text=_("Members read it."))
    kind = forms.ChoiceField(
        choices=list(AUCTION_KINDS.items()),
        label=_("Kind"),
        help_text=_("Open: everybody sees the bids and can answer. Sealed: nobody sees them before the end."),
    )
    units = forms.IntegerField(min_value=1, max_value=1_000, initial=1, label=_("Pieces"))
    reserve_points = forms.IntegerField(min_value=1, max_value=100_000_000, label=_("Lowest bid (points)"))
    step_points = forms.IntegerField(min_value=1, max_value=100_000_000, label=_("Step (points)"))
    opens_at = moment_field(label=_("From"))
    closes_at = moment_field(label=_("Until"))
    extension_minutes = forms.IntegerField(
        min_value=0,
        max_value=30,
        initial=0,
        label=_("Open after a late bid (minutes)"),
        help_text=_(
            "Of the open kind: so that nobody wins by the last second alone. 0: it ends to the second."
        ),
    )
    extension_most = forms.IntegerField(
        min_value=0, max_value=240, initial=0, label=_("Longer at most (minutes)")
    )
    description = forms.CharField(
        max_length=2_000, required=False, label=_("Description"), widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(
        self,
        *args: Any,
        rewards: Sequence[tuple[int, str]],
        zone: str,
        known: AuctionView | None,
        **kwargs: Any,
    ) -> None:
        if known is not None:
            local = ZoneInfo(zone)
            kwargs["initial"] = {
                "reward": known.reward.id,
                **{name: getattr(known, name) for name in _SAME},
                **{
                    name: getattr(known, name).astimezone(local).replace(tzinfo=None)
                    for name in ("opens_at", "closes_at")
                },
            }
        super().__init__(*args, **kwargs)
        self.known, self.zone = known, zone
        self.fields["reward"].choices = list(rewards)  # type: ignore[attr-defined]
        if known is None:
            self.fields = {"code": code_field(), **self.fields}

    @property
    def auction(self) -> NewAuction:
        data = self.cleaned_data
        return NewAuction(
            code=self.known.code if self.known else data["code"],
            reward_id=data["reward"],
            opens_at=in_zone(data["opens_at"], self.zone),
            closes_at=in_zone(data["closes_at"], self.zone),
            **{name: data[name] for name in _SAME},
        )


class CancelForm(forms.Form):
    reason = reason_field()
