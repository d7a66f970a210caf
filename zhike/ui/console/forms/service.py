"""What is typed at the service desk and in its settings."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.service import operations, queries
from zhike.service.queries import ALERTED_ROLES, ANY, NamedRef
from zhike.ui.components import service as words
from zhike.ui.console.labels import ROLES
from zhike.ui.console.once import OnceForm

TEXT_MAX = 4_000
WEEKDAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
AREA = {"rows": 4}


def area(label: Any, *, required: bool = True, rows: int = 4, **more: Any) -> forms.CharField:
    return forms.CharField(
        max_length=TEXT_MAX,
        required=required,
        label=label,
        widget=forms.Textarea(attrs={"rows": rows}),
        **more,
    )


def optional(choices: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    return [("", "–"), *choices]


def refs(found: Sequence[NamedRef]) -> list[tuple[str, str]]:
    return optional([(str(ref.id), ref.path or ref.name) for ref in found])


class NumberChoice(forms.TypedChoiceField):
    """The id of a row, or None."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(coerce=int, empty_value=None, required=False, **kwargs)


class TicketForm(OnceForm):
    """A new ticket; ``known`` is what the member shows or says, found by the desk's own search."""

    type = forms.ChoiceField(choices=list(words.TYPES.items()), label=_("Kind of matter"))
    severity = forms.ChoiceField(choices=list(words.SEVERITIES.items()), label=_("How grave"))
    channel = forms.ChoiceField(choices=list(words.CHANNELS.items()), initial="phone", label=_("How it came"))
    mall_id = forms.TypedChoiceField(coerce=int, label=_("Mall"))
    merchant_id = NumberChoice(label=_("Merchant"))
    known = forms.CharField(
        max_length=80,
        required=False,
        label=_("Member"),
        help_text=_("Phone, card or e-mail; empty when it is not a member."),
    )
    cause_id = NumberChoice(label=_("Cause"))
    text = area(_("What was said"), rows=6)

    def __init__(
        self,
        *args: Any,
        malls: Sequence[tuple[int, str]],
        merchants: Sequence[tuple[str, str]],
        causes: Sequence[NamedRef],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mall_id"].choices = malls  # type: ignore[attr-defined]
        self.fields["merchant_id"].choices = optional(merchants)  # type: ignore[attr-defined]
        self.fields["cause_id"].choices = refs(causes)  # type: ignore[attr-defined]


class ReplyForm(OnceForm):
    """Something to say, and to whom."""

    text = area(_("Your answer"))
    audience = forms.ChoiceField(
        choices=list(words.AUDIENCES.items()), initial="member", label=_("Who reads it"), required=False
    )
    wait = forms.BooleanField(
        required=False, label=_("Then wait for the member: the time to solve stands still")
    )


class TextForm(OnceForm):
    text = area(_("What the member reads"))


class ReasonForm(OnceForm):
    reason = forms.CharField(max_length=300, required=False, label=_("Reason"))


class AssignForm(OnceForm):
    staff_id = NumberChoice(label=_("Who deals with it"))
    department_id = NumberChoice(label=_("Department"))
    note = forms.CharField(max_length=300, required=False, label=_("What to know"))

    def __init__(
        self, *args: Any, staff: Sequence[tuple[str, str]], departments: Sequence[NamedRef], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["staff_id"].choices = [("", _("Nobody yet")), *staff]  # type: ignore[attr-defined]
        self.fields["department_id"].choices = refs(departments)  # type: ignore[attr-defined]


class ClassifyForm(OnceForm):
    type = forms.ChoiceField(choices=list(words.TYPES.items()), label=_("Kind of matter"))
    severity = forms.ChoiceField(
        choices=list(words.SEVERITIES.items()),
        label=_("How grave"),
        help_text=_("The time that has passed stays; the targets change."),
    )
    merchant_id = NumberChoice(label=_("Merchant"))
    cause_id = NumberChoice(label=_("Cause"))
    reason = forms.CharField(max_length=300, required=False, label=_("Reason"))

    def __init__(
        self, *args: Any, merchants: Sequence[tuple[str, str]], causes: Sequence[NamedRef], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["merchant_id"].choices = optional(merchants)  # type: ignore[attr-defined]
        self.fields["cause_id"].choices = refs(causes)  # type: ignore[attr-defined]


class MergeForm(OnceForm):
    into = forms.CharField(max_length=24, label=_("Number of the ticket that stays"))


class TaskForm(OnceForm):
    title = forms.CharField(max_length=160, label=_("What is to be done"))
    department_id = NumberChoice(label=_("Department"))
    for_merchant = forms.BooleanField(required=False, label=_("For the merchant, who sees it"))
    due_at = forms.DateTimeField(
        required=False,
        label=_("Due"),
        input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(
        self, *args: Any, departments: Sequence[NamedRef], has_merchant: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department_id"].choices = refs(departments)  # type: ignore[attr-defined]
        if not has_merchant:
            del self.fields["for_merchant"]


OUTCOMES_OF = {
    "part": ("done",),
    "call_back": ("satisfied", "dissatisfied", "unreachable"),
    "inspection": ("no_fault", "fault_found"),
    "low_score": ("satisfied", "dissatisfied", "unreachable", "done"),
}


class FinishForm(OnceForm):
    outcome = forms.ChoiceField(label=_("Outcome"))
    result = area(_("What came of it"))

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(code, words.OUTCOMES[code]) for code in OUTCOMES_OF.get(kind, operations.OUTCOMES)]
        self.fields["outcome"].choices = choices  # type: ignore[attr-defined]


# --- settings ------------------------------------------------------------------------------------------------------


class CalendarForm(forms.Form):
    """A week in seven lines."""

    code = forms.RegexField(r"\A[a-z0-9][a-z0-9_-]*\Z", max_length=40, label=_("Code"))
    name = forms.CharField(max_length=80, label=_("Display name"))
    time_zone = forms.CharField(max_length=60, initial="Asia/Shanghai", label=_("Time zone"))
    makeup = forms.CharField(
        max_length=120,
        required=False,
        label=_("Hours of a make-up workday"),
        help_text=_("Empty: those of Monday."),
    )
    keeps_holidays = forms.BooleanField(
        required=False, label=_("Closed on public holidays, open on make-up workdays (mainland China)")
    )
    exceptions = forms.CharField(
        required=False,
        max_length=6_000,
        label=_("Exceptions"),
        help_text=_("One day a line, such as 2026-10-01 10:00-16:00; without hours it is closed."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, name in enumerate(WEEKDAYS):
            self.fields[f"day{number}"] = forms.CharField(
                max_length=120,
                required=False,
                label=name,
                widget=forms.TextInput(attrs={"placeholder": "09:00-12:00, 13:30-18:00"}),
            )
        if not is_new:
            del self.fields["code"]

    @property
    def week(self) -> list[str]:
        return [self.cleaned_data[f"day{number}"] for number in range(7)]

    @property
    def day_fields(self) -> list[Any]:
        return [self[f"day{number}"] for number in range(7)]

    def clean_exceptions(self) -> dict[dt.date, str]:
        found = {}
        for line in self.cleaned_data["exceptions"].splitlines():
            day, _space, hours = line.strip().partition(" ")
            if not day:
                continue
            try:
                found[dt.date.fromisoformat(day)] = hours.strip()
            except ValueError:
                raise forms.ValidationError(
                    _("“%(line)s” does not begin with a date such as 2026-10-01."), params={"line": line}
                ) from None
        return found


class HolidayForm(forms.Form):
    file = forms.FileField(
        label=_("List of a year"),
        help_text=_("JSON with year and days (date, name, isOffDay), as holiday-cn publishes it."),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > 200_000:
            raise forms.ValidationError(_("This file is too large."))
        try:
            return json.loads(file.read().decode("utf-8-sig"))
        except (UnicodeDecodeError, ValueError):
            raise forms.ValidationError(_("This is not JSON.")) from None


def _roles(*, optional_one: bool) -> list[tuple[str, Any]]:
    roles = [(code, ROLES[code]) for code in ALERTED_ROLES]
    return [("", _("Nobody")), *roles] if optional_one else roles


class PolicyRowForm(forms.Form):
    """One row of the promises; times in minutes of working time."""

    type = forms.ChoiceField(choices=[(ANY, _("Any type")), *words.TYPES.items()], label=_("Kind of matter"))
    severity = forms.ChoiceField(choices=[(ANY, _("Any")), *words.SEVERITIES.items()], label=_("How grave"))
    calendar = forms.ChoiceField(required=False, label=_("Service calendar"))
    first_answer = forms.IntegerField(min_value=0, max_value=129_600, label=_("First answer (min)"))
    resolution = forms.IntegerField(min_value=0, max_value=129_600, label=_("Solution (min)"))
    call_back = forms.IntegerField(min_value=0, max_value=129_600, label=_("Call-back (min)"))
    warn_percent = forms.IntegerField(min_value=0, max_value=99, initial=80, label=_("Warn at (%)"))
    department = forms.ChoiceField(required=False, label=_("Department"))
    owner = forms.ChoiceField(choices=_roles(optional_one=False), label=_("Told when overdue"))
    then = forms.ChoiceField(
        choices=_roles(optional_one=True), required=False, label=_("Told half a target later")
    )
    at_once = forms.ChoiceField(choices=_roles(optional_one=True), required=False, label=_("Told at once"))

    def __init__(
        self,
        *args: Any,
        calendars: Sequence[queries.CalendarView] = (),
        departments: Sequence[NamedRef] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["calendar"].choices = [  # type: ignore[attr-defined]
            ("", _("Around the clock")),
            *((view.code, view.name) for view in calendars),
        ]
        self.fields["department"].choices = optional([(ref.code, ref.name) for ref in departments])  # type: ignore[attr-defined]

    def row(self, known: Sequence[operations.Row]) -> operations.Row:
        """What is not on the form stays as it was."""
        data = {name: value for name, value in self.cleaned_data.items() if name != "DELETE"}
        before = next((r for r in known if (r.type, r.severity) == (data["type"], data["severity"])), None)
        calendar = before.call_back_calendar if before else ""
        return operations.Row(**data, call_back_calendar=calendar)


PolicyRows = forms.formset_factory(PolicyRowForm, extra=0, can_delete=True, min_num=1, max_num=60)


class PolicyForm(forms.Form):
    on_reopen = forms.ChoiceField(
        choices=[("restart", _("begins anew")), ("continue", _("goes on with what was used"))],
        label=_("When a ticket is reopened, its time to solve"),
    )
    note = forms.CharField(max_length=200, required=False, label=_("What changes and why"))


class CauseForm(forms.Form):
    code = forms.RegexField(r"\A[a-z0-9][a-z0-9_-]*\Z", max_length=40, label=_("Code"))
    name = forms.CharField(max_length=80, label=_("Display name"))
    parent_id = NumberChoice(label=_("Below"))

    def __init__(self, *args: Any, causes: Sequence[NamedRef], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parent_id"].choices = refs(causes)  # type: ignore[attr-defined]


class DepartmentForm(forms.Form):
    code = forms.RegexField(r"\A[a-z0-9][a-z0-9_-]*\Z", max_length=40, label=_("Code"))
    name = forms.CharField(max_length=80, label=_("Display name"))
