"""Each form carries a token: sent twice, by a double tap or after a lost answer, it takes effect once."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.kernel import idempotency
from zhike.kernel.errors import Conflict
from zhike.kernel.idempotency import KeyReused, Outcome


class AlreadyDone(Conflict):
    code = "counter-already-done"
    title = _("This was already carried out, with other values. Look at what was done last, then start anew.")


class TokenForm(forms.Form):
    """A form with a token, made anew for each form that is shown."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    @property
    def key(self) -> str:
        return str(self.cleaned_data["token"])

    @property
    def digest(self) -> bytes:
        """SHA-256 of all that was entered."""
        return digest_of({name: str(value) for name, value in self.cleaned_data.items()})


def digest_of(values: Mapping[str, str]) -> bytes:
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False).encode()).digest()


def scope_of(request: Any, what: str) -> str:
    return f"counter:{request.staff_id}:{what}"


def run_once(request: Any, form: TokenForm, what: str, execute: Callable[[], Mapping[str, Any]]) -> Outcome:
    """The answer of `execute`, or what it answered the first time (`replayed`). Raises AlreadyDone, InFlight."""
    try:
        return idempotency.run_once(
            scope=scope_of(request, what),
            key=form.key,
            request_hash=form.digest,
            now=request.now,
            execute=lambda: Outcome(200, dict(execute())),
        )
    except KeyReused:
        raise AlreadyDone from None
