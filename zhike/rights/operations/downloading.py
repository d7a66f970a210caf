"""A person takes a copy of their own data. Nobody else can: not even staff open what is in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Conflict, NotAllowed, NotFound
from zhike.rights import rules
from zhike.rights.events import DataHandedOut
from zhike.rights.models import RightsRequest
from zhike.rights.operations._trail import leave
from zhike.rights.operations.asking import ASK, locked
from zhike.rights.queries import exports
from zhike.rights.queries.subjects import persons_of, subjects_of


class DownloadOver(Conflict):
    code = "download-over"
    title = _("This download is over. Ask for a new one.")


class NotYours(NotAllowed):
    code = "not-yours"
    title = _("Only the person themselves can open a copy of their data, in the member app.")


@transaction.atomic
def download(
    *, actor: Viewer, request_id: int, named: Callable[[str], str] = str, now: dt.datetime
) -> tuple[str, bytes]:
    """The name and bytes of a ZIP with everything the catalogue exports, in clear; made now and kept nowhere.

    ``named`` gives files and columns their name in the reader's language. Up to five times within seven days, each
    audited. Raises NotYours for anybody but the person, NotFound, DownloadOver.
    """
    if actor.kind != "member":
        raise NotYours
    row = locked(actor, request_id, ASK)
    if row.kind != "access":
        raise NotFound
    if row.state != "ready" or row.download_until is None or now >= row.download_until:
        raise DownloadOver
    if row.downloads >= rules.DOWNLOADS_MAX:
        raise DownloadOver
    subjects = subjects_of(persons_of(row.person_id))
    about = {"request": row.number, "made_at": now.isoformat(), "format": "zhike-personal-data-1"}
    content, count = exports.bundle(subjects, about, named)
    row.downloads += 1
    row.save(update_fields=["downloads"])
    leave(row, "downloaded", actor=actor, now=now, details={"rows": count, "bytes": len(content)})
    events.publish(DataHandedOut(row.person_id, row.pk, row.kind, count), actor=actor, now=now)
    return f"{row.number}.zip", content


@transaction.atomic
def end_download(*, actor: Viewer, request_id: int, now: dt.datetime) -> None:
    """Its time is over: the request is done. Ended before: nothing to do. Raises NotFound."""
    row = locked(actor, request_id, ASK)
    if row.state != "ready" or row.download_until is None or now < row.download_until:
        return
    row.state, row.ended_at = RightsRequest.State.DONE, now
    row.save()
    leave(row, "expired", actor=actor, now=now, details={"downloads": row.downloads})
