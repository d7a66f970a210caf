"""A form sent twice, by a double tap or after a lost answer, takes effect once."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django import forms

from zhike.kernel import idempotency
from zhike.kernel.idempotency import Outcome


class TokenForm(forms.Form):
    """A form with a token, made anew for each form that is shown."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    @property
    def digest(self) -> bytes:
        """SHA-256 of all that was entered."""
        values = {name: str(value) for name, value in self.cleaned_data.items()}
        return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False).encode()).digest()


def run_once(
    request: Any, form: TokenForm, what: str, execute: Callable[[], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The answer of `execute`, or what it answered the first time. Raises what it raises, InFlight, KeyReused."""
    return idempotency.run_once(
        scope=f"member:{request.member.id}:{what}",
        key=str(form.cleaned_data["token"]),
        request_hash=form.digest,
        now=request.member.now,
        execute=lambda: Outcome(200, dict(execute())),
    ).body
