"""What staff choose for themselves."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Invalid
from zhike.organization.models import Staff
from zhike.organization.operations import _credentials


@transaction.atomic
def set_language(*, actor: Viewer, language: str, now: dt.datetime) -> None:
    """The language one is greeted in at the next log-in; empty: as the browser says. Raises NotAllowed, Invalid."""
    staff_id = _credentials.own_id(actor)
    if language and language not in dict(settings.LANGUAGES):
        raise Invalid(fields={"language": [_("This is not one of the languages.")]})
    row = Staff.objects.select_for_update().get(pk=staff_id)
    if row.language == language:
        return
    before, row.language = row.language, language
    row.save(update_fields=["language"])
    audit.record(
        actor=actor,
        action="staff.set_language",
        subject=("staff", staff_id),
        before={"language": before},
        after={"language": language},
        now=now,
    )
