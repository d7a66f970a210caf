"""Journeys as plain fields: the settings, each kind of node, a member for a trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.marketing import operations, queries
from zhike.ui.components import stages
from zhike.ui.console import journey_labels as labels
from zhike.ui.console.forms.members import reason_field
from zhike.ui.console.forms.percent import percent_field
from zhike.ui.console.forms.programme import FenField
from zhike.ui.console.once import OnceForm

Choices = Sequence[tuple[Any, Any]]
ROWS = (1, 2, 3)
WAYS = ("A", "B", "C", "D")
NOTHING = ("", "–")


@dataclass(frozen=True)
class NodeChoices:
    """What nodes may name."""

    events: Choices = ()
    segments: Choices = ()
    tiers: Choices = ()
    templates: Choices = ()
    batches: Choices = ()
    tags: Choices = ()
    keys: Sequence[str] = field(default_factory=tuple)


class NameForm(OnceForm):
    name = forms.CharField(max_length=80, label=_("Journey name"))
    theme = forms.CharField(
        max_length=500,
        required=False,
        label=_("What it is about"),
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class JourneyWhyForm(OnceForm):
    reason = reason_field()


class MemberForm(OnceForm):
    """One member, by what they call themselves."""

    member = forms.CharField(max_length=40, label=_("Phone or card number"))


class TrialForm(forms.Form):
    """One member, and whether what is waited for happens."""

    member = forms.CharField(max_length=40, label=_("Phone or card number"))
    awaited = forms.BooleanField(required=False, label=_("Everything that is waited for happens"))


class _WatchFields(forms.Form):
    """An event and up to three conditions on its data; mixed in under a prefix."""

    @staticmethod
    def add_to(form: forms.Form, prefix: str, choices: NodeChoices, *, label: Any, needed: bool) -> None:
        options = list(choices.events) if needed else [NOTHING, *choices.events]
        form.fields[f"{prefix}event"] = forms.ChoiceField(choices=options, required=needed, label=label)
        for row in ROWS:
            key = forms.CharField(max_length=60, required=False, label=_("Field"))
            key.widget.attrs["list"] = "event-fields"
            form.fields[f"{prefix}key{row}"] = key
            form.fields[f"{prefix}op{row}"] = forms.ChoiceField(
                choices=list(labels.WHERE_OPS.items()), required=False, label=_("How it compares")
            )
            form.fields[f"{prefix}value{row}"] = forms.CharField(
                max_length=120, required=False, label=_("The value")
            )


def watch_initial(watch: queries.Watch | None, prefix: str) -> dict[str, Any]:
    """The fields of an event with its conditions."""
    initial: dict[str, Any] = {f"{prefix}event": watch.event if watch else ""}
    for row, (key, op, value) in zip(ROWS, watch.where if watch else (), strict=False):
        initial |= {f"{prefix}key{row}": key, f"{prefix}op{row}": op, f"{prefix}value{row}": value}
    return initial


def watch_of(data: Mapping[str, Any], prefix: str) -> queries.Watch | None:
    """And back; None where no event is named."""
    if not data.get(f"{prefix}event"):
        return None
    where = tuple(
        (
            data[f"{prefix}key{row}"].strip(),
            data[f"{prefix}op{row}"] or "equals",
            data[f"{prefix}value{row}"].strip(),
        )
        for row in ROWS
        if data[f"{prefix}key{row}"].strip()
    )
    return queries.Watch(data[f"{prefix}event"], where)


def watch_params(watch: queries.Watch | None) -> dict[str, Any]:
    return {"event": watch.event, "where": [list(one) for one in watch.where]} if watch else {}


class SettingsForm(forms.Form):
    """Who enters, what it is for, who is held out, who may come again."""

    trigger = forms.ChoiceField(choices=list(labels.TRIGGERS.items()), label=_("Who enters"))
    segment = forms.ChoiceField(required=False, label=_("Segment"))
    who = forms.ChoiceField(choices=list(labels.WHO.items()), required=False, label=_("Which of them"))
    days = forms.IntegerField(min_value=0, max_value=90, required=False, label=_("Days before"))
    at = forms.TimeField(
        required=False,
        label=_("At what time"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    minimum = forms.IntegerField(
        min_value=1, max_value=10**7, required=False, label=_("At least so many points")
    )
    goal_ends = forms.BooleanField(required=False, label=_("Whoever reaches the goal leaves the journey"))
    reentry = forms.ChoiceField(choices=list(labels.REENTRIES.items()), label=_("Entering again"))
    reentry_days = forms.IntegerField(min_value=0, max_value=3_650, required=False, label=_("After days"))
    holdout = percent_field(
        label=_("Holdout (%)"),
        help_text=_("They get nothing. Without them nobody knows what the journey added."),
    )
    window_days = forms.IntegerField(
        min_value=1,
        max_value=90,
        label=_("Window (days)"),
        help_text=_("So long after their entry the goal and purchases count."),
    )

    def __init__(self, *args: Any, choices: NodeChoices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["segment"] = forms.ChoiceField(
            choices=[NOTHING, *choices.segments], required=False, label=_("Segment")
        )
        _WatchFields.add_to(self, "enter_", choices, label=_("The event"), needed=False)
        _WatchFields.add_to(self, "goal_", choices, label=_("The goal"), needed=False)
        _WatchFields.add_to(self, "leave_", choices, label=_("Leave at once when"), needed=False)

    def rows(self, prefix: str) -> list[tuple[Any, Any, Any]]:
        return _rows(self, prefix)

    @property
    def enter_rows(self) -> list[tuple[Any, Any, Any]]:
        return _rows(self, "enter_")

    @property
    def goal_rows(self) -> list[tuple[Any, Any, Any]]:
        return _rows(self, "goal_")

    @property
    def leave_rows(self) -> list[tuple[Any, Any, Any]]:
        return _rows(self, "leave_")

    @property
    def edit(self) -> operations.Settle:
        data = self.cleaned_data
        return operations.Settle(
            trigger=self._trigger(),
            goal=watch_of(data, "goal_"),
            goal_ends=data["goal_ends"],
            leave=watch_of(data, "leave_"),
            reentry=data["reentry"],
            reentry_days=data["reentry_days"] or 0,
            holdout_bp=int((data["holdout"] or 0) * 100),
            window_days=data["window_days"],
        )

    def _trigger(self) -> dict[str, Any]:
        data = self.cleaned_data
        kind = data["trigger"]
        found: dict[str, Any] = {"kind": kind}
        if kind == "event":
            found |= watch_params(watch_of(data, "enter_"))
        elif kind == "segment":
            found |= {
                "segment": int(data["segment"]) if data["segment"] else None,
                "who": data["who"] or "joining",
            }
        elif kind in ("birthday", "expiring"):
            at = data["at"]
            found |= {"days": data["days"] or 0, "at": f"{at:%H:%M}" if at else ""}
            if kind == "expiring":
                found["minimum"] = data["minimum"] or 1
        return found


def settings_initial(definition: queries.Definition) -> dict[str, Any]:
    trigger = definition.trigger
    return {
        "trigger": trigger.get("kind"),
        "segment": str(trigger.get("segment") or ""),
        "who": trigger.get("who"),
        "days": trigger.get("days"),
        "at": trigger.get("at"),
        "minimum": trigger.get("minimum"),
        "goal_ends": definition.goal_ends,
        "reentry": definition.reentry,
        "reentry_days": definition.reentry_days or None,
        "holdout": definition.holdout_bp / 100,
        "window_days": definition.window_days,
        **watch_initial(definition.entry_watch, "enter_"),
        **watch_initial(definition.goal, "goal_"),
        **watch_initial(definition.leave, "leave_"),
    }


def _rows(form: forms.Form, prefix: str) -> list[tuple[Any, Any, Any]]:
    return [
        (form[f"{prefix}key{row}"], form[f"{prefix}op{row}"], form[f"{prefix}value{row}"]) for row in ROWS
    ]


class NodeForm(forms.Form):
    """The fields of one kind of node."""

    title = forms.CharField(
        max_length=30, required=False, label=_("Name on the canvas"), help_text=_("Empty: what it does.")
    )

    def __init__(self, *args: Any, kind: str, choices: NodeChoices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        getattr(self, f"_add_{kind}", lambda _choices: None)(choices)

    # --- fields ------------------------------------------------------------------------------------------------------

    def _add_message(self, choices: NodeChoices) -> None:
        self.fields["template"] = forms.ChoiceField(
            choices=[NOTHING, *choices.templates], required=False, label=_("Wording")
        )

    def _add_coupon(self, choices: NodeChoices) -> None:
        self.fields["batch"] = forms.ChoiceField(
            choices=[NOTHING, *choices.batches], required=False, label=_("Coupon")
        )

    def _add_points(self, choices: NodeChoices) -> None:
        self.fields["points"] = forms.IntegerField(min_value=1, max_value=100_000, label=_("Points"))

    def _add_tag(self, choices: NodeChoices) -> None:
        self.fields["do"] = forms.ChoiceField(
            choices=list(labels.TAG_DOINGS.items()), label=_("What is done")
        )
        self.fields["tag"] = forms.ChoiceField(
            choices=[NOTHING, *choices.tags], required=False, label=_("Tag")
        )

    def _add_tier(self, choices: NodeChoices) -> None:
        self.fields["tier"] = forms.ChoiceField(
            choices=[NOTHING, *choices.tiers], required=False, label=_("Tier")
        )
        self.fields["days"] = forms.IntegerField(min_value=1, max_value=90, label=_("For so many days"))

    def _add_ticket(self, choices: NodeChoices) -> None:
        self.fields["type"] = forms.ChoiceField(
            choices=list(labels.TICKET_TYPES.items()), label=_("Kind of ticket")
        )
        self.fields["text"] = forms.CharField(
            max_length=500,
            required=False,
            label=_("What is to be done"),
            widget=forms.Textarea(attrs={"rows": 3}),
        )

    def _add_signal(self, choices: NodeChoices) -> None:
        self.fields["name"] = forms.CharField(
            max_length=60,
            required=False,
            label=_("Name of the event"),
            help_text=_("Webhooks get it as zhike.marketing.journey_signalled with this name."),
        )

    def _add_delay(self, choices: NodeChoices) -> None:
        self._add_length(_("How long"), needed=False)
        self.fields["at"] = forms.TimeField(
            required=False,
            label=_("Then until this time of day"),
            help_text=_("Between 08:00 and 21:00; empty: at once."),
            widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        )

    def _add_wait(self, choices: NodeChoices) -> None:
        _WatchFields.add_to(self, "", choices, label=_("For what"), needed=True)
        self._add_length(_("At most"), needed=True)

    def _add_length(self, label: Any, *, needed: bool) -> None:
        self.fields["value"] = forms.IntegerField(
            min_value=0, max_value=100_000, required=needed, label=label
        )
        self.fields["unit"] = forms.ChoiceField(choices=list(labels.UNITS.items()), label=_("Unit"))

    def _add_split(self, choices: NodeChoices) -> None:
        for way in WAYS:
            self.fields[f"{way}_name"] = forms.CharField(max_length=20, required=False, label=_("Way"))
            self.fields[f"{way}_weight"] = forms.IntegerField(
                min_value=1, max_value=100, required=False, label=_("Weight")
            )

    _add_ab = _add_split

    def _add_branch(self, choices: NodeChoices) -> None:
        self.fields["about"] = forms.ChoiceField(
            choices=list(labels.CONDITIONS.items()), label=_("Condition")
        )
        self.fields["segment"] = forms.ChoiceField(
            choices=[NOTHING, *choices.segments], required=False, label=_("Segment")
        )
        self.fields["tier"] = forms.ChoiceField(
            choices=[NOTHING, *choices.tiers], required=False, label=_("Tier")
        )
        self.fields["lifecycle"] = forms.ChoiceField(
            choices=list(stages.STAGES.items()), required=False, label=_("Stage")
        )
        self.fields["number"] = forms.IntegerField(
            min_value=1, max_value=10**9, required=False, label=_("At least")
        )
        self.fields["fen"] = FenField(required=False, label=_("At least"))
        self.fields["within"] = forms.IntegerField(
            min_value=1,
            max_value=3_660,
            required=False,
            label=_("In the last days"),
            help_text=_("Empty: ever."),
        )

    # --- for the template --------------------------------------------------------------------------------------------

    @property
    def where_rows(self) -> list[tuple[Any, Any, Any]]:
        return _rows(self, "") if self.kind == "wait" else []

    @property
    def way_rows(self) -> list[tuple[str, Any, Any]]:
        if self.kind not in ("split", "ab"):
            return []
        return [(way, self[f"{way}_name"], self[f"{way}_weight"]) for way in WAYS]

    # --- and back ----------------------------------------------------------------------------------------------------

    @property
    def params(self) -> dict[str, Any]:
        """The node's parameters; what is missing is said by the faults of the graph."""
        data = self.cleaned_data
        own = {"title": data["title"].strip()} if data["title"].strip() else {}
        found: dict[str, Any] = getattr(self, f"_read_{self.kind}", lambda _data: {})(data)
        return {**own, **found}

    def _read_message(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"template": data["template"]}

    def _read_coupon(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"batch": int(data["batch"])} if data["batch"] else {}

    def _read_points(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"points": data["points"]}

    def _read_tag(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"do": data["do"], **({"tag": int(data["tag"])} if data["tag"] else {})}

    def _read_tier(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"days": data["days"], **({"tier": int(data["tier"])} if data["tier"] else {})}

    def _read_ticket(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"type": data["type"], "text": data["text"].strip()}

    def _read_signal(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": data["name"].strip()}

    def _read_delay(self, data: Mapping[str, Any]) -> dict[str, Any]:
        at = data["at"]
        return {"value": data["value"] or 0, "unit": data["unit"], "at": f"{at:%H:%M}" if at else ""}

    def _read_wait(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {**watch_params(watch_of(data, "")), "value": data["value"], "unit": data["unit"]}

    def _read_split(self, data: Mapping[str, Any]) -> dict[str, Any]:
        ways = [
            {"key": data[f"{way}_name"].strip(), "weight": data[f"{way}_weight"] or 1}
            for way in WAYS
            if data[f"{way}_name"].strip()
        ]
        return {"ways": ways}

    _read_ab = _read_split

    def _read_branch(self, data: Mapping[str, Any]) -> dict[str, Any]:
        leaf = _leaf(data)
        return {"condition": {"match": "all", "of": [leaf]}} if leaf else {}


def _leaf(data: Mapping[str, Any]) -> dict[str, Any] | None:
    about = data["about"]
    if about in ("segment", "tier"):
        return {"field": about, "op": "is", "value": [int(data[about])]} if data[about] else None
    if about == "lifecycle":
        return {"field": about, "op": "is", "value": [data[about]]} if data[about] else None
    value = data["fen"] if about == "spend" else data["number"]
    if not value:
        return None
    leaf: dict[str, Any] = {"field": about, "op": "at_least", "value": value}
    if about != "points" and data["within"]:
        leaf["window"] = {"days": data["within"]}
    return leaf


def node_initial(node: queries.Node) -> dict[str, Any]:
    """The fields for a node."""
    params = dict(node.params)
    if node.kind == "wait":
        params |= watch_initial(node.watch, "")
    if node.kind in ("split", "ab"):
        for way, one in zip(WAYS, params.get("ways") or (), strict=False):
            params |= {f"{way}_name": one.get("key"), f"{way}_weight": one.get("weight")}
    if node.kind == "branch":
        leaf = ((params.get("condition") or {}).get("of") or [{}])[0]
        about, value = leaf.get("field", "segment"), leaf.get("value")
        params |= {"about": about, "within": (leaf.get("window") or {}).get("days")}
        if isinstance(value, list):
            params[about] = str(value[0]) if value else ""
        elif about == "spend":
            params["fen"] = value
        else:
            params["number"] = value
    return params
