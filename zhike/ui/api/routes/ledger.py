"""The signed days of the ledger, for whoever keeps them outside."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from ninja import Query, Router

from zhike.loyalty import queries
from zhike.ui.api.routes.base import ApiRequest, Needs
from zhike.ui.api.schemas import DigestOut, DigestsOut

router = Router(tags=["ledger"])


@router.get("/ledger/digests", auth=Needs("ledger.verify"), response=DigestsOut)
def list_digests(request: ApiRequest, limit: Annotated[int, Query(ge=1, le=400)] = 31) -> DigestsOut:
    """The latest signed days and the public keys of the installation."""
    items = [_out(day) for day in queries.daily_digests(request.viewer, limit)]
    return DigestsOut(items=items, public_keys=queries.public_keys(request.viewer))


@router.get("/ledger/digests/{day}", auth=Needs("ledger.verify"), response=DigestOut)
def get_digest(request: ApiRequest, day: dt.date) -> DigestOut:
    """One signed day, in the form `verify_ledger.py --digest` takes."""
    return _out(queries.daily_digest(request.viewer, day))


def _out(day: queries.DigestView) -> DigestOut:
    return DigestOut(
        day=day.day,
        document=day.document,
        digest=day.digest,
        kid=day.kid,
        public_key=day.public_key,
        signature=day.signature,
        signed_at=day.signed_at,
    )
