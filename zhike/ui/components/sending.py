"""What a form is bound to."""

from __future__ import annotations

from django.http import HttpRequest, QueryDict


def sent(request: HttpRequest) -> QueryDict | None:
    """The POST, even an empty one; None when the form is only shown."""
    return request.POST if request.method == "POST" else None
