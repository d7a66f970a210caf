"""Tags on the member's page: why somebody has them, given and taken off by hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from zhike.insight import operations
from zhike.kernel.errors import Problem
from zhike.loyalty import queries as loyalty
from zhike.ui.components import member_tags
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.once import OnceForm, run_once
from zhike.ui.console.pages import carry_out, done, fragment, permissions, refused
from zhike.ui.console.tag_names import member_tag_names
from zhike.ui.console.views.member import tab_url

GIVE = "tags.give"


class GiveForm(OnceForm):
    """One tap gives a tag; words of one's own are sent to marketing."""

    tag = forms.TypedChoiceField(
        label=gettext_lazy("Tag"), required=False, coerce=int, empty_value=None, widget=forms.RadioSelect
    )
    text = forms.CharField(
        max_length=60, required=False, label=gettext_lazy("Or in your own words"),
        help_text=gettext_lazy("Marketing may make it a tag. Nothing about health, faith or the like."),
    )  # fmt: skip

    def __init__(self, *args: Any, choices: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tag"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("tag") and not data.get("text") and not self.errors:
            raise forms.ValidationError(_("Choose a tag, or write a few words."))
        return data


@staff_page("members.view")
def tags(request: StaffRequest, member_id: int) -> HttpResponse:
    """The card on the member's page."""
    file = loyalty.member_file(request.viewer, member_id, request.now)
    shown = member_tags.shown(file.person.id, member_tag_names(request))
    context = {"tags": shown, "member_id": member_id, "may": permissions(request, tag=GIVE)}
    return fragment(request, "console/members/_tags.html", context)


@staff_page(GIVE)
def give(request: StaffRequest, member_id: int) -> HttpResponse:
    """A dialog: a tag in two taps, or words of one's own."""
    file = loyalty.member_file(request.viewer, member_id, request.now)
    choices = member_tags.to_give(request.viewer, file.person.id)
    form = GiveForm(request.POST or None, choices=choices)

    def act() -> None:
        data = form.cleaned_data
        run_once(request, f"give-tag:{member_id}", form, lambda: _give(request, file.person.id, data))

    return carry_out(
        request, form, act, success=_("Noted."), url=tab_url(member_id, "overview"), title=_("Give a tag"), label=_("Give a tag"),
        form_template="console/tags/_give.html",
    )  # fmt: skip


def _give(request: StaffRequest, person_id: int, data: dict[str, Any]) -> None:
    if data.get("tag"):
        operations.mark_tag(
            actor=request.viewer, person_id=person_id, tag_id=data["tag"], is_on=True, now=request.now
        )
    if data.get("text"):
        operations.suggest_tag(actor=request.viewer, person_id=person_id, text=data["text"], now=request.now)


@require_POST
@staff_page(GIVE)
def mark(request: StaffRequest, member_id: int, tag_id: int) -> HttpResponse:
    """Say no to a tag, or leave it to the rule again."""
    file = loyalty.member_file(request.viewer, member_id, request.now)
    url = tab_url(member_id, "overview")
    act: dict[str, Any] = {
        "actor": request.viewer, "person_id": file.person.id, "tag_id": tag_id, "now": request.now
    }  # fmt: skip
    try:
        if request.POST.get("do") == "undo":
            operations.unmark_tag(**act)
        else:
            operations.mark_tag(**act, is_on=False)
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, _("Noted."), url)
