"""A form sent twice (a double click, a reload) takes effect once: it carries a key made when it was shown."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpResponse

from zhike.kernel import idempotency
from zhike.ui.components.staff import StaffRequest
from zhike.ui.console.pages import carry_out


class OnceForm(forms.Form):
    """A form with a hidden key; corrected after a refusal it is sent under the same key again."""

    once = forms.CharField(max_length=64, widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["once"].initial = secrets.token_hex(16)


def run_once(request: StaffRequest, what: str, form: OnceForm, execute: Callable[[], Any]) -> None:
    """Run the operation unless this very form was sent before. Raises what the operation raises, and KeyReused."""

    def outcome() -> idempotency.Outcome:
        execute()
        return idempotency.Outcome(200, {})

    fields = {name: str(value) for name, value in form.cleaned_data.items() if name != "once"}
    idempotency.run_once(
        scope=f"console:{request.staff_id}:{what}",
        key=form.cleaned_data["once"] or None,
        request_hash=hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).digest(),
        now=request.now,
        execute=outcome,
    )


def dialog_once(
    request: StaffRequest, form: OnceForm, act: Callable[[], Any], title: str, success: str, url: str
) -> HttpResponse:
    """A form in a dialog whose operation runs once for each time it was shown."""
    return carry_out(
        request,
        form,
        lambda: run_once(request, request.path, form, act),
        success=success,
        url=url,
        title=title,
    )
