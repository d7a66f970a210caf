"""Anticipated refusals: a status, a stable code and one sentence for the person who asked.

Subclasses live beside the function that raises them. The API renders them as RFC 9457 problem details,
pages render `sentence` as an alert. An anticipated problem never pages anyone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Problem(Exception):
    """A refusal. `title` may hold %(name)s placeholders that `params` fill."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad-request"
    title: ClassVar[StrOrPromise] = _("The request cannot be carried out.")

    def __init__(self, *, fields: Mapping[str, Sequence[StrOrPromise]] | None = None, **params: Any) -> None:
        super().__init__(self.code)
        self.params: dict[str, Any] = params
        self._fields = fields or {}

    @property
    def sentence(self) -> str:
        """The refusal in the active language."""
        text = str(self.title)
        return text % self.params if self.params else text

    @property
    def fields(self) -> dict[str, list[str]]:
        """Sentences about single inputs, by the input's name."""
        return {name: [str(sentence) for sentence in sentences] for name, sentences in self._fields.items()}

    def as_problem_json(self, instance: str = "") -> dict[str, Any]:
        """The RFC 9457 body. `type` is a relative reference, resolved against the API's own address."""
        body: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": self.sentence,
            "status": self.status,
            "detail": self.sentence,
            "code": self.code,
        }
        if instance:
            body["instance"] = instance
        if self._fields:
            body["errors"] = self.fields
        return body

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


class NotAllowed(Problem):
    status = 403
    code = "not-allowed"
    title = _("You do not have permission to do this.")


class NotFound(Problem):
    status = 404
    code = "not-found"
    title = _("There is no such thing, or you may not see it.")


class Conflict(Problem):
    status = 409
    code = "conflict"
    title = _("Someone else has changed this in the meantime.")


class Invalid(Problem):
    status = 422
    code = "invalid"
    title = _("Some of what you entered is not valid.")


class TooMany(Problem):
    status = 429
    code = "too-many-requests"
    title = _("Too many requests. Please try again in a moment.")

    @property
    def retry_after(self) -> int:
        """Whole seconds until it makes sense to ask again."""
        return int(self.params.get("retry_after", 1))
