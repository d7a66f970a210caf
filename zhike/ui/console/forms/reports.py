"""Forms of the descriptive reports."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console.once import OnceForm


class ReportFileForm(OnceForm):
    reason = forms.CharField(max_length=200, label=_("What the file is for"))
    kind = forms.ChoiceField(choices=[("csv", "CSV"), ("xlsx", "Excel")], label=_("Format"))
