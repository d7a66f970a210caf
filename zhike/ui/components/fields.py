"""Form fields with our controls: a class per kind of widget; label, help and error are tied together."""

from __future__ import annotations

from typing import Any

from django.forms import BoundField, widgets

_CLASSES: tuple[tuple[type[widgets.Widget], str], ...] = (
    (widgets.CheckboxInput, "checkbox checkbox-primary"),
    (widgets.ClearableFileInput, "file-input w-full"),
    (widgets.FileInput, "file-input w-full"),
    (widgets.Textarea, "textarea w-full"),
    (widgets.RadioSelect, "radio radio-primary"),
    (widgets.CheckboxSelectMultiple, "checkbox checkbox-primary"),
    (widgets.SelectMultiple, "select block h-auto w-full bg-none py-2"),
    (widgets.Select, "select w-full"),
    (widgets.Input, "input w-full"),
)


def control_class(widget: widgets.Widget) -> str:
    return next((css_class for kind, css_class in _CLASSES if isinstance(widget, kind)), "input w-full")


def control(field: BoundField, **extra: Any) -> str:
    """The field's widget with our classes added to its own."""
    widget = field.field.widget
    own = widget.attrs.get("class", "")
    return field.as_widget(attrs={"class": f"{control_class(widget)} {own}".strip()} | extra)


def layout(field: BoundField) -> str:
    """Which of three shapes a field takes: one tick box, a list of choices, or a label above a control."""
    widget = field.field.widget
    if isinstance(widget, widgets.CheckboxSelectMultiple | widgets.RadioSelect):
        return "choices"
    return "tick" if isinstance(widget, widgets.CheckboxInput) else "plain"
