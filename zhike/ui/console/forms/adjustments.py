"""Corrections of points for many members at once, from a file; expired points given back."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console.forms.members import reason_field
from zhike.ui.console.once import OnceForm

FILE_MAX = 512 * 1024
LINES_MAX = 2_000


class BulkForm(OnceForm):
    """A CSV of two columns: membership number, points (negative ones take away)."""

    file = forms.FileField(
        label=_("CSV file"),
        help_text=_("One member a line: membership number, points. Negative numbers take points away."),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )
    reason = reason_field()

    def clean_file(self) -> list[tuple[str, int]]:
        file = self.cleaned_data["file"]
        if file.size > FILE_MAX:
            raise forms.ValidationError(_("The file is too large."))
        raw: bytes = file.read()
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("gb18030", errors="replace")
        rows: list[tuple[str, int]] = []
        for at, row in enumerate(csv.reader(io.StringIO(text.replace("\0", ""))), start=1):
            cells = [cell.strip() for cell in row if cell.strip()]
            if not cells or (at == 1 and not _is_points(cells[-1])):
                continue  # an empty line, or the heading
            if len(cells) != 2 or not _is_points(cells[1]) or int(cells[1]) == 0:
                raise forms.ValidationError(
                    _("Line %(line)s is not a number and points."), params={"line": at}
                )
            rows.append((cells[0][:40], int(cells[1])))
        if not 0 < len(rows) <= LINES_MAX:
            raise forms.ValidationError(_("Between 1 and %(limit)s lines."), params={"limit": LINES_MAX})
        return rows


def _is_points(text: str) -> bool:
    return (
        text.removeprefix("-").removeprefix("+").isascii()
        and text.removeprefix("-").removeprefix("+").isdecimal()
        and len(text) <= 9
    )


class ReinstateForm(OnceForm):
    expired_id = forms.TypedChoiceField(coerce=int, label=_("Which points"))
    points = forms.IntegerField(
        min_value=1,
        max_value=10_000_000,
        required=False,
        label=_("Points"),
        help_text=_("Empty: all of them."),
    )
    expires_on = forms.DateField(
        required=False,
        label=_("Last day they can be spent"),
        help_text=_("Empty: thirty days."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    reason = reason_field()

    def __init__(self, *args: Any, expired: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["expired_id"].choices = expired  # type: ignore[attr-defined]
