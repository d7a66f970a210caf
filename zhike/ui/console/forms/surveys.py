"""Surveys: their words and rules, the places where they are put up, and whom to ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from zhike.ui.components import service as words
from zhike.ui.console.once import OnceForm

DAYS_MAX = 365
TYPE_MARKS = {"单选": "choice", "多选": "many", "打分": "score", "文字": "text"}


def written(questions: Sequence[dict[str, Any]]) -> str:
    """Questions as lines of text, "many* | What mattered? | Speed | Attitude", the kinds in the reader's language."""
    is_chinese = (get_language() or "").startswith("zh")
    marks = {code: mark if is_chinese else code for mark, code in TYPE_MARKS.items()}
    return "\n".join(
        " | ".join([marks[one["type"]] + ("*" if one["required"] else ""), one["text"], *one["options"]])
        for one in questions
    )


class SurveyForm(OnceForm):
    """``questions`` is one a line: kind, words, options, with bars between them; a star asks for an answer."""

    code = forms.RegexField(r"\A[a-z0-9][a-z0-9_-]*\Z", max_length=40, label=_("Code"))
    name = forms.CharField(max_length=80, label=_("Display name"))
    kind = forms.ChoiceField(choices=list(words.SURVEY_KINDS.items()), label=_("Scale"))
    trigger = forms.ChoiceField(choices=list(words.SURVEY_TRIGGERS.items()), label=_("When it is asked"))
    question = forms.CharField(max_length=120, label=_("The question with the scale"))
    questions = forms.CharField(
        required=False,
        max_length=4_000,
        label=_("What is asked after it"),
        help_text=_(
            "One a line: choice, many, score or text; the question; the options, with | between them. A star after the kind"
            " asks for an answer: many* | What mattered? | Speed | Attitude"
        ),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    thanks = forms.CharField(max_length=200, label=_("Words of thanks"))
    window_days = forms.IntegerField(min_value=1, max_value=DAYS_MAX, initial=7, label=_("Days to answer"))
    remind_after_days = forms.IntegerField(
        min_value=0,
        max_value=DAYS_MAX,
        initial=2,
        label=_("Remind after days"),
        help_text=_("Once; 0 never."),
    )
    quarantine_days = forms.IntegerField(
        min_value=0,
        max_value=DAYS_MAX,
        initial=30,
        label=_("Leave alone for days"),
        help_text=_("Whoever was asked by any survey in so many days is not asked."),
    )
    quota = forms.IntegerField(
        min_value=0,
        max_value=1_000_000,
        initial=0,
        label=_("Answers wanted"),
        help_text=_("0: as many as come."),
    )
    counts_late = forms.BooleanField(
        required=False, label=_("Count answers up to thirty days late (otherwise they are refused kindly)")
    )
    is_open = forms.BooleanField(required=False, initial=True, label=pgettext_lazy("survey", "Open"))

    def __init__(self, *args: Any, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_new:
            for name in ("code", "kind", "trigger"):
                self.fields[name].disabled = True

    def clean_questions(self) -> list[dict[str, Any]]:
        lines = self.cleaned_data["questions"].splitlines()
        return [_question(line) for line in lines if line.strip()]


def _question(line: str) -> dict[str, Any]:
    parts = [part.strip() for part in line.replace("｜", "|").split("|")]
    mark = parts[0].rstrip("*＊").strip()
    kind = TYPE_MARKS.get(mark, mark)
    return {
        "type": kind,
        "required": parts[0].endswith(("*", "＊")),
        "text": parts[1] if len(parts) > 1 else "",
        "options": parts[2:],
    }


class SendForm(OnceForm):
    percent = forms.IntegerField(min_value=1, max_value=100, initial=10, label=_("Share of the members (%)"))
    wave = forms.CharField(
        max_length=20, label=_("Wave"), help_text=_("Such as 2026-Q3: nobody is asked twice in one wave.")
    )


class TouchpointForm(OnceForm):
    name = forms.CharField(max_length=80, label=_("Display name"))
    kind = forms.ChoiceField(choices=list(words.PLACES.items()), label=_("Kind"))
    survey_id = forms.TypedChoiceField(coerce=int, label=_("Survey"))
    mall_id = forms.TypedChoiceField(coerce=int, label=_("Mall"))
    merchant_id = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label=_("Merchant"))
    department_id = forms.TypedChoiceField(
        coerce=int, empty_value=None, required=False, label=_("Department that sees to it")
    )
    is_open = forms.BooleanField(required=False, initial=True, label=pgettext_lazy("survey", "Open"))

    def __init__(
        self,
        *args: Any,
        surveys: Sequence[tuple[str, str]],
        malls: Sequence[tuple[int, str]],
        merchants: Sequence[tuple[str, str]],
        departments: Sequence[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["survey_id"].choices = surveys  # type: ignore[attr-defined]
        self.fields["mall_id"].choices = malls  # type: ignore[attr-defined]
        self.fields["merchant_id"].choices = [("", "–"), *merchants]  # type: ignore[attr-defined]
        self.fields["department_id"].choices = [("", "–"), *departments]  # type: ignore[attr-defined]
