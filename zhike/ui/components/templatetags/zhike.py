"""Filters and components for templates; a built-in, so no page needs `{% load %}`.

docs/guides/build-a-page.md shows every one of them with a snippet.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from django import template
from django.forms import BoundField
from django.template.context import Context
from django.templatetags.static import static
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString, mark_safe

from zhike.kernel import clock
from zhike.ui.components import assets, fields, formatting, icons
from zhike.ui.components.context import script_sentences as script_texts
from zhike.ui.components.tier_colours import TIER_COLOURS

register = template.Library()
_HEX = re.compile(r"#[0-9a-fA-F]{3,8}")


# --- filters ---------------------------------------------------------------------------------------------------------


def _or_dash(value: object, write: Callable[[Any], str]) -> str:
    return formatting.DASH if value is None or value == "" else write(value)


@register.filter
def yuan(fen: int | None) -> str:
    return _or_dash(fen, formatting.yuan)


@register.filter
def points(value: int | None) -> str:
    """1234 → 1,234."""
    return _or_dash(value, formatting.grouped)


@register.filter
def points_text(value: int | None) -> str:
    """1234 → 1,234 积分."""
    return _or_dash(value, formatting.points_text)


@register.filter
def signed(value: int | None) -> str:
    """120 → +120."""
    return _or_dash(value, formatting.signed)


@register.filter
def count(value: int | None) -> str:
    return _or_dash(value, formatting.grouped)


@register.filter
def compact(value: int | None) -> str:
    """123456 → 12.3万; for tiles, never where the exact figure matters."""
    return _or_dash(value, formatting.compact)


@register.filter
def percent(share: float | None, decimals: int = 1) -> str:
    return _or_dash(share, lambda given: formatting.percent(given, decimals))


@register.filter
def phone(text: str | None) -> str:
    return formatting.phone(str(text)) if text else formatting.DASH


@register.filter
def datetime_local(value: dt.datetime | None) -> str:
    if not value:
        return formatting.DASH
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), formatting.moment(value))


@register.filter
def date_local(value: dt.date | None) -> str:
    if not value:
        return formatting.DASH
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), formatting.day(value))


@register.filter
def relative_time(value: dt.datetime | None) -> str:
    if not value:
        return formatting.DASH
    shown = formatting.relative(value, clock.now())
    pattern = '<time datetime="{}" title="{}">{}</time>'
    return format_html(pattern, value.isoformat(), formatting.moment(value), shown)


@register.filter
def initial(name: str | None) -> str:
    """The one or two letters of an avatar: 王小明 → 王, Anna Lee → AL."""
    words = (name or "?").split()
    if len(words) > 1 and words[0].isascii():
        return (words[0][0] + words[-1][0]).upper()
    return words[0][0].upper() if words else "?"


# --- small tags ------------------------------------------------------------------------------------------------------


@register.simple_tag
def asset(name: str) -> str:
    """The address of a built file: {% asset "app.css" %}."""
    return static(assets.built_file(name))


@register.simple_tag
def icon(name: str, size: int = 20, css_class: str = "", label: str = "") -> SafeString:
    return icons.icon(str(name), size, str(css_class), str(label))


@register.simple_tag
def qr(text: str, label: str, css_class: str = "w-full") -> SafeString:
    return icons.qr(text, str(label), css_class)


@register.simple_tag(takes_context=True)
def query_with(context: Context, **changes: object) -> str:
    """The present query string with some parameters changed; an empty value removes one: ?{% query_with after="" %}."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        if value is None or value == "":
            query.pop(name, None)
        else:
            query[name] = str(value)
    return str(query.urlencode())


@register.simple_tag
def script_sentences() -> SafeString:
    return json_script(script_texts(), "ui-text")


@register.simple_block_tag
def fragment(content: SafeString) -> SafeString:
    """A piece of page kept in a variable: {% fragment as actions %}…{% endfragment %}."""
    return content


# --- components without a body ---------------------------------------------------------------------------------------


@register.inclusion_tag("components/kpi.html")
def kpi(
    label: str,
    value: object,
    *,
    url: str = "",
    note: str = "",
    icon: str = "",
    tone: str = "",
    id: str = "",
    hint: str = "",
) -> Any:
    """`hint` says what the figure counts: the tile's tooltip, and read out with it."""
    return locals()


@register.inclusion_tag("components/badge.html")
def badge(label: object, tone: str = "", icon: str = "") -> Any:
    return locals()


@register.inclusion_tag("components/tier_badge.html")
def tier_badge(name: str, colour: str = "") -> Any:
    """`colour` is one of TIER_COLOURS, or #rrggbb."""
    painted = TIER_COLOURS.get(colour, colour or "")
    return {"name": name, "colour": painted if _HEX.fullmatch(painted) else ""}


@register.inclusion_tag("components/person.html")
def person(name: str, detail: str = "", url: str = "") -> Any:
    return locals()


@register.inclusion_tag("components/pager.html", takes_context=True)
def pager(context: Context, page: Any, *, note: str = "", target: str = "") -> Any:
    """`page` is a kernel.paging.Page; its cursor travels as ?cursor=. With `target` htmx swaps only that element."""
    return {"request": context["request"], "page": page, "note": note, "target": target}


@register.inclusion_tag("components/tabs.html")
def tabs(items: list[dict[str, Any]], label: str = "") -> Any:
    return locals()


@register.inclusion_tag("components/steps.html")
def steps(items: list[str], current: int) -> Any:
    """`current` counts from 1."""
    return locals()


@register.inclusion_tag("components/progress_bar.html")
def progress_bar(value: float, max: float = 100, *, label: str, note: str = "", tone: str = "primary") -> Any:
    return locals()


@register.inclusion_tag("components/masked.html")
def masked(text: str, reveal_url: str = "", label: str = "") -> Any:
    return locals()


@register.inclusion_tag("components/copy_button.html")
def copy_button(value: str, label: str = "") -> Any:
    return locals()


@register.inclusion_tag("components/confirm_button.html", takes_context=True)
def confirm_button(
    context: Context,
    label: str,
    *,
    url: str,
    question: str,
    tone: str = "error",
    icon: str = "",
    css_class: str = "btn-sm",
    name: str = "",
    value: str = "",
) -> Any:
    """A POST form of one button that asks first."""
    del context
    return locals()


@register.inclusion_tag("components/indicator.html")
def indicator(id: str = "", label: str = "") -> Any:
    return locals()


@register.inclusion_tag("components/skeleton.html")
def skeleton(rows: int = 3) -> Any:
    return {"rows": range(rows)}


@register.inclusion_tag("components/field.html")
def field(field: BoundField, *, css_class: str = "", **attributes: Any) -> Any:
    """A form field whole; further arguments become attributes of the control (inputmode="numeric", data_x="…")."""
    extra = {name.replace("_", "-"): value for name, value in attributes.items()}
    shape = fields.layout(field)
    rendered = "" if shape == "choices" else fields.control(field, **extra)
    return {"field": field, "shape": shape, "control": rendered, "css_class": css_class}


@register.inclusion_tag("components/form_fields.html")
def form_fields(form: Any) -> Any:
    """All fields of a form in a responsive grid, with the form's own errors on top."""
    return {"form": form}


@register.inclusion_tag("components/form_errors.html")
def form_errors(form: Any) -> Any:
    return {"form": form}


# --- components with a body ------------------------------------------------------------------------------------------


def _render(context: Context, name: str, content: SafeString, **values: Any) -> SafeString:
    engine = context.template.engine  # type: ignore[union-attr]
    inner = context.new({"content": content if content.strip() else "", **values})
    for kept in ("csrf_token", "request"):
        if kept in context:
            inner[kept] = context[kept]
    return mark_safe(engine.get_template(f"components/{name}.html").render(inner))  # noqa: S308  # a template's output


@register.simple_block_tag(takes_context=True)
def page_header(
    context: Context,
    content: SafeString,
    title: str,
    *,
    subtitle: str = "",
    back_url: str = "",
    back_label: str = "",
    icon: str = "",
) -> SafeString:
    """The body holds the actions."""
    values = {
        "title": title,
        "subtitle": subtitle,
        "back_url": back_url,
        "back_label": back_label,
        "icon": icon,
    }
    return _render(context, "page_header", content, **values)


@register.simple_block_tag(takes_context=True)
def card(
    context: Context,
    content: SafeString,
    title: str = "",
    *,
    note: str = "",
    actions: str = "",
    flush: bool = False,
    id: str = "",
    css_class: str = "",
) -> SafeString:
    """`flush` leaves out the padding: for tables. `actions` is a {% fragment %}."""
    values = {
        "title": title,
        "note": note,
        "actions": actions,
        "flush": flush,
        "id": id,
        "css_class": css_class,
    }
    return _render(context, "card", content, **values)


@register.simple_block_tag(takes_context=True)
def data_table(
    context: Context,
    content: SafeString,
    label: str,
    *,
    stacked: bool = True,
    id: str = "",
    css_class: str = "",
) -> SafeString:
    """The body holds thead and tbody; give each td a data-label, the phone shows it."""
    return _render(context, "data_table", content, label=label, stacked=stacked, id=id, css_class=css_class)


@register.simple_block_tag(takes_context=True)
def filter_bar(
    context: Context,
    content: SafeString,
    *,
    target: str,
    url: str = "",
    search: str | None = None,
    placeholder: str = "",
) -> SafeString:
    """A GET form that refreshes `target` (a CSS selector) while people type or choose; works without scripts too."""
    values = {"target": target, "url": url, "search": search, "placeholder": placeholder}
    return _render(context, "filter_bar", content, **values)


@register.simple_block_tag(takes_context=True)
def empty_state(
    context: Context, content: SafeString, title: str, *, text: str = "", icon: str = "inbox"
) -> SafeString:
    return _render(context, "empty_state", content, title=title, text=text, icon=icon)


@register.simple_block_tag(takes_context=True)
def error_state(
    context: Context, content: SafeString, title: str, *, text: str = "", retry_url: str = ""
) -> SafeString:
    return _render(context, "error_state", content, title=title, text=text, retry_url=retry_url)


@register.simple_block_tag(takes_context=True)
def notice(
    context: Context, content: SafeString, tone: str = "info", *, title: str = "", icon: str = ""
) -> SafeString:
    """An alert that stays on the page. Tones: info, success, warning, error."""
    shown = icon or {"success": "circle-check", "warning": "triangle-alert", "error": "circle-x"}.get(
        tone, "info"
    )
    return _render(context, "notice", content, tone=tone, title=title, icon=shown)


@register.simple_block_tag(takes_context=True)
def submit_row(
    context: Context,
    content: SafeString,
    label: str,
    *,
    cancel_url: str = "",
    icon: str = "",
    confirm: str = "",
) -> SafeString:
    """The body holds further buttons, left of the main one."""
    return _render(
        context, "submit_row", content, label=label, cancel_url=cancel_url, icon=icon, confirm=confirm
    )


@register.simple_block_tag(takes_context=True)
def modal(
    context: Context, content: SafeString, id: str, *, title: str, wide: bool = False, open: bool = False
) -> SafeString:
    """Opened by any <button data-dialog-open="id">; `open` shows it as soon as htmx brings it."""
    kind = "dialog-wide" if wide else ""
    return _render(context, "dialog", content, id=id, title=title, kind=kind, open=open)


@register.simple_block_tag(takes_context=True)
def drawer(context: Context, content: SafeString, id: str, *, title: str, open: bool = False) -> SafeString:
    return _render(context, "dialog", content, id=id, title=title, kind="dialog-drawer", open=open)


@register.simple_block_tag(takes_context=True)
def explanation(context: Context, content: SafeString, summary: str, *, open: bool = False) -> SafeString:
    """One sentence; its reasons unfold below."""
    return _render(context, "explanation", content, summary=summary, open=open)


@register.simple_block_tag(takes_context=True)
def timeline(context: Context, content: SafeString, label: str) -> SafeString:
    return _render(context, "timeline", content, label=label)


@register.simple_block_tag(takes_context=True)
def timeline_item(
    context: Context,
    content: SafeString,
    title: str,
    *,
    at: dt.datetime | None = None,
    icon: str = "dot",
    tone: str = "",
    url: str = "",
) -> SafeString:
    return _render(context, "timeline_item", content, title=title, at=at, icon=icon, tone=tone, url=url)


@register.simple_block_tag(takes_context=True)
def detail(context: Context, content: SafeString, label: str) -> SafeString:
    """One line of <dl class="details">."""
    return _render(context, "detail", content, label=label)


@register.simple_block_tag(takes_context=True)
def menu(
    context: Context,
    content: SafeString,
    label: str,
    *,
    icon: str = "ellipsis",
    css_class: str = "btn-ghost btn-sm",
    labelled: bool = False,
) -> SafeString:
    """A small menu behind a button, which shows its label when `labelled`; the body holds links and buttons."""
    given = {"label": label, "icon": icon, "css_class": css_class, "labelled": labelled}
    return _render(context, "menu", content, **given)


@register.simple_block_tag(takes_context=True)
def chart(
    context: Context, content: SafeString, id: str, description: dict[str, Any], *, label: str, size: str = ""
) -> SafeString:
    """A picture of the numbers; the body is the same numbers as a table, for readers who cannot see it."""
    return _render(context, "chart", content, id=id, description=description, label=label, size=size)
