"""Forms of the form builder: a field, the words, what answers set off, how answers are taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.ui.components import consents
from zhike.ui.components import service as service_words
from zhike.ui.components import webforms as words
from zhike.ui.console.forms.draws import moment_field
from zhike.ui.console.once import OnceForm
from zhike.webforms import queries

Choices = Sequence[tuple[str, Any]]
CONDITION = ("when_field", "when_op", "when_value")


class NewForm(OnceForm):
    name = forms.CharField(max_length=80, label=_("Name of the form"))
    mall_id = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label=_("Mall"))
    pattern = forms.ChoiceField(label=_("Begin with"))

    def __init__(self, *args: Any, malls: Choices, patterns: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mall_id"].choices = malls  # type: ignore[attr-defined]
        self.fields["pattern"].choices = patterns  # type: ignore[attr-defined]


class WordsForm(OnceForm):
    title = forms.CharField(max_length=200, label=_("Title"))
    intro = forms.CharField(
        max_length=1_000, required=False, label=_("Introduction"), widget=forms.Textarea(attrs={"rows": 3})
    )
    thanks = forms.CharField(
        max_length=1_000, required=False, label=_("Words of thanks"), widget=forms.Textarea(attrs={"rows": 2})
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for raw in text.splitlines() if (line := " ".join(raw.split())))


class ConditionForm(OnceForm):
    """A condition on an earlier field, or none."""

    when_field = forms.ChoiceField(required=False, label=_("Only if this was answered"))
    when_op = forms.ChoiceField(
        choices=list(words.OPERATORS.items()), required=False, label=pgettext_lazy("condition", "Comparison")
    )
    when_value = forms.CharField(max_length=100, required=False, label=pgettext_lazy("condition", "Value"))

    def __init__(self, *args: Any, earlier: Sequence[queries.Field], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._earlier = {one.key: one for one in earlier}
        labels = [(one.key, one.label[:60]) for one in earlier]
        self.fields["when_field"].choices = [("", _("Always")), *labels]  # type: ignore[attr-defined]
        if not earlier:
            for name in CONDITION:
                del self.fields[name]

    @property
    def when(self) -> queries.Condition | None:
        data = self.cleaned_data
        if not data.get("when_field"):
            return None
        return queries.Condition(data["when_field"], data["when_op"], data["when_value"].strip())

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        ground = self._earlier.get(data.get("when_field") or "")
        if ground is None:
            return data
        value = (data.get("when_value") or "").strip()
        if data.get("when_op") not in queries.operators(ground.kind):
            known = ", ".join(str(words.OPERATORS[op]) for op in queries.operators(ground.kind))
            self.add_error("when_op", _("This field can be compared so: %(known)s.") % {"known": known})
        elif ground.kind in queries.CHOOSING and value not in ground.options:
            self.add_error("when_value", _("One of: %(options)s.") % {"options": ", ".join(ground.options)})
        elif not value:
            self.add_error("when_value", _("Say with what it is compared."))
        return data


def condition_initial(when: queries.Condition | None) -> dict[str, str]:
    return {"when_field": when.field, "when_op": when.op, "when_value": when.value} if when else {}


class FieldForm(ConditionForm):
    """One field; which inputs there are depends on its kind."""

    label = forms.CharField(max_length=1_000, label=pgettext_lazy("field", "Words"))
    help = forms.CharField(max_length=200, required=False, label=_("Hint below it"))
    is_required = forms.BooleanField(required=False, label=_("Must be answered"))
    options = forms.CharField(
        required=False, label=_("Options, one a line"), widget=forms.Textarea(attrs={"rows": 4})
    )
    rows = forms.CharField(
        required=False, label=_("Rows, one a line"), widget=forms.Textarea(attrs={"rows": 4})
    )
    low = forms.FloatField(required=False, label=_("Smallest number"))
    high = forms.FloatField(required=False, label=_("Largest number"))
    consent = forms.ChoiceField(required=False, label=_("What the consent is for"))
    profile = forms.ChoiceField(required=False, label=_("Part of the member's profile"))
    suggests = forms.BooleanField(
        required=False, label=_("Suggest each chosen option as a tag, for staff to decide")
    )
    field_order = (
        "label",
        "help",
        "options",
        "rows",
        "low",
        "high",
        "consent",
        "is_required",
        *CONDITION,
        "profile",
        "suggests",
    )

    def __init__(
        self, *args: Any, known: queries.Field, tags: Sequence[tuple[int, str]], **kwargs: Any
    ) -> None:
        initial = {
            "label": known.label,
            "help": known.help,
            "is_required": known.is_required,
            "options": "\n".join(known.options),
            "rows": "\n".join(known.rows),
            "low": known.low,
            "high": known.high,
            "consent": f"{known.purpose}.{known.channel}" if known.purpose else "",
            "profile": known.profile,
            "suggests": known.suggests,
            **condition_initial(known.when),
        }
        super().__init__(*args, initial=initial, **kwargs)
        self._known = known
        kind = known.kind
        self._drop("options", kept=kind in (*queries.CHOOSING, "matrix"))
        self._drop("rows", kept=kind == "matrix")
        self._drop("low", "high", kept=kind == "number")
        self._drop("consent", kept=kind == "consent")
        self._drop("is_required", kept=kind in queries.ASKING)
        self._drop("suggests", kept=kind in queries.CHOOSING)
        parts = [(part, words.PROFILE[part]) for part, kinds in queries.PROFILE.items() if kind in kinds]
        self._drop("profile", kept=bool(parts))
        if parts:
            self.fields["profile"].choices = [("", _("None of it")), *parts]  # type: ignore[attr-defined]
        if kind == "consent":
            self.fields["consent"].choices = [("", "–"), *_consents()]  # type: ignore[attr-defined]
        if kind == "paragraph":
            self.fields["label"].widget = forms.Textarea(attrs={"rows": 4})
            del self.fields["help"]
        if kind in queries.CHOOSING and tags:
            for place, option in enumerate(known.options):
                self.fields[f"tag_{place}"] = forms.TypedChoiceField(
                    choices=[("", "–"), *tags],
                    coerce=int,
                    empty_value=None,
                    required=False,
                    initial=known.tags.get(option),
                    label=_("Tag for “%(option)s”") % {"option": option},
                )

    def _drop(self, *names: str, kept: bool) -> None:
        for name in names:
            if not kept:
                del self.fields[name]

    @property
    def changed_field(self) -> queries.Field:
        data, known = self.cleaned_data, self._known
        purpose, _dot, channel = data.get("consent", "").partition(".")
        options = _lines(data.get("options", ""))
        tags = {
            option: data[f"tag_{place}"]
            for place, option in enumerate(known.options)
            if data.get(f"tag_{place}") and option in options
        }
        return replace(
            known,
            label=data["label"].strip(),
            help=data.get("help", "").strip(),
            is_required=data.get("is_required", False),
            options=options,
            rows=_lines(data.get("rows", "")),
            low=data.get("low"),
            high=data.get("high"),
            purpose=purpose,
            channel=channel,
            profile=data.get("profile", ""),
            suggests=data.get("suggests", False),
            tags=tags,
            when=self.when,
        )


def _consents() -> list[tuple[str, str]]:
    marketing = [
        (f"marketing.{one}", words.purpose_name("marketing", one)) for one in consents.MARKETING_CHANNELS
    ]
    others = [(f"{one}.any", words.purpose_name(one, "any")) for one in ("personalisation", "sharing")]
    return [*marketing, *others]


class DeedsForm(ConditionForm):
    """What answers set off."""

    opens_ticket = forms.BooleanField(required=False, label=_("Open a ticket with what was said"))
    type = forms.ChoiceField(
        choices=list(service_words.TYPES.items()), required=False, label=_("Kind of ticket")
    )
    severity = forms.ChoiceField(
        choices=list(service_words.SEVERITIES.items()), required=False, label=_("Severity")
    )
    enrols = forms.BooleanField(required=False, label=_("Make whoever answers a member"))
    enrol_name = forms.ChoiceField(required=False, label=_("Field with the name"))
    enrol_phone = forms.ChoiceField(required=False, label=_("Field with the phone"))
    needs_code = forms.BooleanField(
        required=False,
        label=_("The phone is proved by a code before the form is sent"),
        help_text=_(
            "Otherwise it is kept as a lead until staff called. Nobody's record is touched by a phone that is not proved."
        ),
    )
    field_order = (
        "opens_ticket",
        "type",
        "severity",
        *CONDITION,
        "enrols",
        "enrol_name",
        "enrol_phone",
        "needs_code",
    )

    def __init__(self, *args: Any, draft: queries.Definition, **kwargs: Any) -> None:
        ticket, enrol = draft.ticket, draft.enrol
        initial = {
            "opens_ticket": ticket is not None,
            "type": ticket.type if ticket else "complaint",
            "severity": ticket.severity if ticket else "normal",
            "enrols": enrol is not None,
            "enrol_name": enrol.name if enrol else "",
            "enrol_phone": enrol.phone if enrol else "",
            "needs_code": enrol.needs_code if enrol else True,
            **condition_initial(ticket.when if ticket else None),
        }
        super().__init__(*args, earlier=draft.earlier(""), initial=initial, **kwargs)
        for name, kind in (("enrol_name", "text"), ("enrol_phone", "phone")):
            found = [(one.key, one.label[:60]) for one in draft.fields if one.kind == kind]
            self.fields[name].choices = [("", "–"), *found]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("enrols"):
            for name in ("enrol_name", "enrol_phone"):
                if not data.get(name):
                    self.add_error(name, _("Choose a field; add one first if there is none."))
        return data

    @property
    def ticket(self) -> queries.TicketDeed | None:
        data = self.cleaned_data
        return queries.TicketDeed(data["type"], data["severity"], self.when) if data["opens_ticket"] else None

    @property
    def enrol(self) -> queries.EnrolDeed | None:
        data = self.cleaned_data
        if not data["enrols"]:
            return None
        return queries.EnrolDeed(data["enrol_name"], data["enrol_phone"], data["needs_code"])


class TakingForm(OnceForm):
    name = forms.CharField(max_length=80, label=_("Name of the form"))
    opens_at = moment_field(required=False, label=_("Opens"))
    closes_at = moment_field(required=False, label=_("Closes"))
    answers_max = forms.IntegerField(
        min_value=0, max_value=1_000_000, label=_("Answers at most"), help_text=_("0: as many as come.")
    )
    members_only = forms.BooleanField(required=False, label=_("Only members who are logged in"))
    once_per_member = forms.BooleanField(required=False, label=_("One answer per member"))
    kiosk_seconds = forms.IntegerField(
        min_value=3,
        max_value=120,
        label=_("Seconds of thanks at a kiosk"),
        help_text=_("Then an empty form is shown."),
    )


class ExportForm(OnceForm):
    file_format = forms.ChoiceField(choices=[("csv", "CSV"), ("xlsx", "Excel (.xlsx)")], label=_("File"))
    reason = forms.CharField(
        max_length=200, label=_("What the file is for"), widget=forms.Textarea(attrs={"rows": 2})
    )
