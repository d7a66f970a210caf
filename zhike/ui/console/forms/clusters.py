"""Forms of the clusters."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhike.insight import queries
from zhike.ui.components import clusters as words
from zhike.ui.console.once import OnceForm


class FitForm(forms.Form):
    method = forms.ChoiceField(label=_("Method"))
    k = forms.ChoiceField(label=_("Number of clusters"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        numbers = range(queries.CLUSTERS_LEAST, queries.CLUSTERS_MOST + 1)
        self.fields["method"].choices = [  # type: ignore[attr-defined]
            (code, words.METHODS[code]) for code in ("auto", *queries.CLUSTER_METHODS)
        ]
        self.fields["k"].choices = [  # type: ignore[attr-defined]
            ("0", _now("The best number by the stated rule")),
            *((str(number), str(number)) for number in numbers),
        ]


class NameForm(OnceForm):
    name = forms.CharField(
        max_length=40,
        required=False,
        label=_("Name of the cluster"),
        help_text=_("Left empty: the name that its figures propose."),
    )
