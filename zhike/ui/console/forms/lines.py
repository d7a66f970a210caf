"""What is typed about a way in for customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.service.queries import LineFile, voice
from zhike.ui.components import service as words
from zhike.ui.console.forms.messaging import FIELD_PREFIX, add_vendor_fields
from zhike.ui.console.forms.service import optional


class LineForm(forms.Form):
    """Where it leads and who answers, and what its vendor must be told. A secret is asked for once and never shown."""

    name = forms.CharField(max_length=60, label=_("Designation"))
    mall_id = forms.TypedChoiceField(coerce=int, label=_("Mall"))
    skill = forms.ChoiceField(
        choices=optional(list(words.SKILLS.items())),
        required=False,
        label=_("Goes to whoever knows about"),
    )
    has_bot = forms.BooleanField(
        required=False,
        label=_("The assistant answers first"),
        help_text=_("It does nothing in a member's name before the sender is proven."),
    )
    is_active = forms.BooleanField(required=False, initial=True, label=_("In use"))

    def __init__(
        self,
        *args: Any,
        channel: str,
        malls: Sequence[tuple[int, str]],
        accounts: Sequence[tuple[int, str]],
        known: LineFile | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mall_id"].choices = malls  # type: ignore[attr-defined]
        speaker = voice(channel)
        if speaker.vendor:
            self.fields["account_id"] = forms.TypedChoiceField(
                coerce=int,
                choices=accounts,
                label=_("Account"),
                help_text=_("One of those under “Channels”."),
            )
        self.vendor_fields = speaker.fields
        add_vendor_fields(self, self.vendor_fields, known.kept_secrets if known else ())

    @property
    def data_of_line(self) -> dict[str, Any]:
        """What the operation takes."""
        given = self.cleaned_data
        names = ("name", "mall_id", "skill", "has_bot", "is_active")
        values = {field.name: given[FIELD_PREFIX + field.name] for field in self.vendor_fields}
        return {name: given[name] for name in names} | {
            "values": values,
            "account_id": given.get("account_id"),
        }
