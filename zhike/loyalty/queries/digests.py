"""The signed days, the keys they were signed with, and what is sealed so far."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db import connection

from zhike.kernel import signing
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import NotFound
from zhike.loyalty.models import DailyDigest, Seal
from zhike.loyalty.rules import digests

PURPOSE = "ledger digest"


@dataclass(frozen=True, slots=True)
class DigestView:
    """``document`` is the signed text; ``holds`` says whether hash and signature still fit it."""

    day: dt.date
    document: str
    digest: str
    kid: str
    public_key: str
    signature: str
    signed_at: dt.datetime
    holds: bool

    @property
    def facts(self) -> dict[str, Any]:
        return digests.parse(self.document)

    @property
    def outstanding(self) -> int:
        return sum(self.facts["outstanding"].values())

    @property
    def file(self) -> str:
        """Everything an auditor keeps of the day, as a JSON file."""
        parts = {
            "document": self.document,
            "digest": self.digest,
            "kid": self.kid,
            "public_key": self.public_key,
            "signature": self.signature,
        }
        return json.dumps(parts, ensure_ascii=False, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class SealState:
    """How far the chain of seals reaches: of ``transfers`` in the ledger ``sealed`` are under a seal."""

    seals: int
    sealed: int
    transfers: int
    last_digest: str
    last_sealed_at: dt.datetime | None


def daily_digests(viewer: Viewer, limit: int = 100) -> list[DigestView]:
    """The latest signed days, newest first. Raises NotAllowed."""
    require(viewer, "ledger.verify")
    return [_view(row) for row in DailyDigest.objects.order_by("-day")[:limit]]


def daily_digest(viewer: Viewer, day: dt.date) -> DigestView:
    """Raises NotFound, NotAllowed."""
    require(viewer, "ledger.verify")
    row = DailyDigest.objects.filter(day=day).first()
    if row is None:
        raise NotFound
    return _view(row)


def public_keys(viewer: Viewer) -> dict[str, str]:
    """The public keys in hex by key id, oldest first. Raises NotAllowed."""
    require(viewer, "ledger.verify")
    return {kid: key.hex() for kid, key in signing.public_keys(PURPOSE).items()}


def seal_state(viewer: Viewer) -> SealState:
    """Raises NotAllowed."""
    require(viewer, "ledger.verify")
    last = Seal.objects.order_by("-id").defer("fingerprints").first()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), coalesce(sum(transfers), 0) FROM loyalty_seal")
        seals, sealed = cursor.fetchone()
        cursor.execute(
            "SELECT count(*) FROM loyalty_transfer WHERE id > %s", [last.last_transfer_id if last else 0]
        )
        open_ = cursor.fetchone()[0]
    return SealState(
        seals,
        int(sealed),
        int(sealed) + open_,
        bytes(last.digest).hex() if last else "",
        last.sealed_at if last else None,
    )


def _view(row: DailyDigest) -> DigestView:
    digest = hashlib.sha256(row.document.encode()).digest()
    holds = digest == bytes(row.digest) and signing.is_signed(
        bytes(row.public_key), digest, bytes(row.signature)
    )
    return DigestView(
        row.day,
        row.document,
        bytes(row.digest).hex(),
        row.kid,
        bytes(row.public_key).hex(),
        bytes(row.signature).hex(),
        row.signed_at,
        holds,
    )
