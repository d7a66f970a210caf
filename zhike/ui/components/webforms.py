"""Forms for whoever fills them in and whoever builds them: what kinds are called, fields as the templates want them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.ui.components import consents
from zhike.webforms import queries

KINDS = {
    "text": _("Short text"),
    "long": _("Long text"),
    "single": _("One of several"),
    "many": _("Several of several"),
    "rating": _("Stars, 1 to 5"),
    "nps": _("Recommendation, 0 to 10"),
    "matrix": _("Table of choices"),
    "number": _("Number"),
    "date": pgettext_lazy("field", "Date"),
    "phone": _("Phone number"),
    "file": _("Photos or files"),
    "signature": _("Signature"),
    "consent": _("Consent"),
    "heading": _("Heading"),
    "paragraph": _("Paragraph"),
}
ICONS = {
    "text": "type", "long": "text-initial", "single": "circle-dot", "many": "square-check", "rating": "star", "nps": "gauge",
    "matrix": "table", "number": "hash", "date": "calendar", "phone": "phone", "file": "paperclip", "signature": "signature",
    "consent": "shield-check", "heading": "heading", "paragraph": "pilcrow",
}  # fmt: skip
OPERATORS = {
    "is": pgettext_lazy("condition", "is"),
    "is_not": pgettext_lazy("condition", "is not"),
    "contains": pgettext_lazy("condition", "contains"),
    "at_least": pgettext_lazy("condition", "is at least"),
    "at_most": pgettext_lazy("condition", "is at most"),
}
FAULTS = {
    "title": _("The form has no title."),
    "empty": _("The form asks nothing yet."),
    "too_many": _("A form has at most 60 fields."),
    "label": _("It has no words."),
    "options": _("It needs two different options at least."),
    "rows": _("It needs a row at least."),
    "range": _("The smallest number is larger than the largest."),
    "condition": _("The condition does not fit the field it asks about."),
    "condition_order": _("The condition asks about a field that is not before this one."),
    "profile": _("This kind of field cannot be that part of the profile."),
    "consent": _("Choose what the consent is for."),
    "enrol": _("To enrol members, choose a short text and a phone that are both required and always shown."),
    "ticket_place": _("A form of the whole group opens no tickets: nobody would know where."),
    "ticket": _("The condition of the ticket does not fit its field."),
}
STATES = {
    "draft": pgettext_lazy("form", "Draft"),
    "closed": pgettext_lazy("form", "Closed"),
    "early": pgettext_lazy("form", "Not open yet"),
    "over": pgettext_lazy("form", "Time is over"),
    "full": pgettext_lazy("form", "Full"),
    "open": pgettext_lazy("form", "Open"),
}
STATE_TONES = {"open": "success", "early": "info", "full": "warning"}
CHANNELS = {
    "link": pgettext_lazy("answer", "Link"),
    "kiosk": pgettext_lazy("answer", "Kiosk"),
    "member": pgettext_lazy("answer", "Member app"),
    "api": pgettext_lazy("answer", "Another system"),
}
PROFILE = {
    "name": _("Name"),
    "sex": _("Sex"),
    "birthday": _("Birthday"),
    "occupation": _("Occupation"),
    "address": _("Address"),
}
DEEDS = {
    "enrol": _("Made a member"),
    "ticket": _("Ticket opened"),
    "profile": _("Profile"),
    "tag": _("Tag given"),
    "suggest": _("Tag suggested"),
    "consent": _("Consent recorded"),
}
LEADS = {
    "open": pgettext_lazy("lead", "To be called"),
    "enrolled": pgettext_lazy("lead", "Now a member"),
    "known": pgettext_lazy("lead", "Is a member already"),
    "dismissed": pgettext_lazy("lead", "Not interested"),
}


def purpose_name(purpose: str, channel: str) -> str:
    """What a consent is for, in words."""
    name = consents.PURPOSES[purpose][0] if purpose in consents.PURPOSES else purpose
    if channel == "any":
        return str(name)
    names = {"purpose": name, "channel": consents.CHANNELS.get(channel, channel)}
    return str(_("%(purpose)s by %(channel)s") % names)


def rows_of(
    definition: queries.Definition,
    values: Mapping[str, Any] | None = None,
    faults: Mapping[str, list[str]] | None = None,
) -> list[dict[str, Any]]:
    """The fields as components/web_form.html shows them, with what was given before and what is wrong with it."""
    values, faults = values or {}, faults or {}
    rows = []
    for one in definition.fields:
        given = values.get(one.key, "")
        rows.append(
            {
                "field": one,
                "given": given,
                "faults": faults.get(one.key, []),
                "choices": [
                    {"value": option, "is_chosen": option in given if one.kind == "many" else option == given}
                    for option in one.options
                ],
                "scale": [{"value": score, "is_chosen": str(score) == str(given)} for score in one.scale],
                "rows": _matrix(one, given),
                "purpose": purpose_name(one.purpose, one.channel)
                if one.kind == "consent" and one.purpose
                else "",
            }
        )
    return rows


def _matrix(one: queries.Field, given: Any) -> list[dict[str, Any]]:
    if one.kind != "matrix":
        return []
    chosen = given if isinstance(given, Mapping) else {}
    return [
        {
            "label": row,
            "name": f"{one.key}.{place}",
            "choices": [{"value": option, "is_chosen": chosen.get(row) == option} for option in one.options],
        }
        for place, row in enumerate(one.rows)
    ]


def shown_value(one: queries.Field, value: Any) -> str:
    """An answer as a line of text."""
    if value is None:
        return ""
    if one.kind == "matrix":
        return "; ".join(f"{row}: {option}" for row, option in value)
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "✓" if value is True else str(value)
