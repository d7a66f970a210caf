"""The ledger as it stood at the end of a day, in one signed document that can be kept somewhere else."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import IO, Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, keyring, signing
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict
from zhike.loyalty.models import Account, DailyDigest, Funding, Seal
from zhike.loyalty.operations.upkeep import seal_transfers
from zhike.loyalty.queries.digests import PURPOSE
from zhike.loyalty.queries.exports import export_ledger
from zhike.loyalty.rules import digests
from zhike.loyalty.rules.sealing import GENESIS


class DayNotOver(Conflict):
    code = "day-not-over"
    title = _("A day can be signed when it is over.")


@transaction.atomic
def sign_day(*, actor: Viewer, now: dt.datetime, day: dt.date | None = None) -> dt.date:
    """Seal what can be sealed and sign the state of the ledger under ``day``, yesterday unless given; the day signed.

    The document covers every sealed transfer, names the seals since the document before, and carries that one's
    hash, so one document kept outside proves all of the past. A day that is signed already is left as it is.
    Raises DayNotOver, NotAllowed.
    """
    require_touch(actor, "ledger.verify")
    today = now.astimezone(timezone.get_default_timezone()).date()
    day = day or today - dt.timedelta(days=1)
    if day >= today:
        raise DayNotOver
    seal_transfers(actor=actor, now=now)  # holds the sealer's lock until this is committed
    last = DailyDigest.objects.order_by("-day").first()
    if last is not None and last.day >= day:
        return last.day
    text = digests.canonical(_document(day, last, now))
    digest = hashlib.sha256(text.encode()).digest()
    signature = signing.sign(PURPOSE, digest)
    DailyDigest.objects.create(
        day=day,
        document=text,
        digest=digest,
        kid=signature.kid,
        public_key=signature.public_key,
        signature=signature.value,
        signed_at=now,
    )
    audit.record(
        actor=actor,
        action="ledger.sign",
        subject=("digest", day.isoformat()),
        after={"digest": digest.hex(), "kid": signature.kid},
        now=now,
    )
    return day


def hand_out_ledger(
    *, actor: Viewer, target: IO[bytes], now: dt.datetime, progress: Callable[[int], None] | None = None
) -> dict[str, int]:
    """Write the whole ledger to ``target`` (queries.export_ledger) and note that it was; rows by table.

    Raises NotAllowed.
    """
    require_touch(actor, "ledger.verify")
    counts = export_ledger(actor, target, now=now, progress=progress)
    audit.record(actor=actor, action="ledger.export", subject=("ledger", "all"), after=counts, now=now)
    return counts


def _document(day: dt.date, last: DailyDigest | None, now: dt.datetime) -> dict[str, Any]:
    before = digests.parse(last.document) if last else digests.EMPTY
    seals = list(Seal.objects.filter(first_transfer_id__gt=before["last_transfer_id"]).order_by("id"))
    through = seals[-1].last_transfer_id if seals else before["last_transfer_id"]
    document = {
        "format": digests.FORMAT,
        "day": day.isoformat(),
        "signed_at": digests.moment(now),
        "kid": keyring.current().newest_kid,
        "previous": (bytes(last.digest) if last else GENESIS).hex(),
        "last_transfer_id": through,
        "seals": [
            [
                seal.pk,
                seal.first_transfer_id,
                seal.last_transfer_id,
                seal.transfers,
                bytes(seal.previous).hex(),
                bytes(seal.digest).hex(),
                hashlib.sha256(bytes(seal.fingerprints)).hexdigest(),
                digests.moment(seal.sealed_at),
            ]
            for seal in seals
        ],
        "fundings": [[one.pk, one.code, one.split] for one in Funding.objects.order_by("id")],
        "system_accounts": [
            list(row)
            for row in Account.objects.filter(id__lt=0)
            .order_by("-id")
            .values_list("id", "program_id", "code")
        ],
    }
    return document | _totals(before, through)


def _totals(before: dict[str, Any], through: int) -> dict[str, Any]:
    """What the transfers after the document before, up to ``through``, add to its totals."""
    interval = [before["last_transfer_id"], through]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*),
                coalesce(sum(CASE WHEN credit_account_id > 0 THEN points - debt_points ELSE 0 END
                    - CASE WHEN debit_account_id > 0 THEN points - debt_points ELSE 0 END), 0),
                coalesce(sum(CASE WHEN debit_account_id > 0 THEN debt_points ELSE 0 END
                    - CASE WHEN credit_account_id > 0 THEN debt_points ELSE 0 END), 0)
            FROM loyalty_transfer WHERE id > %s AND id <= %s""",
            interval,
        )
        transfers, balance, debt = map(int, cursor.fetchone())
        cursor.execute(
            """SELECT account, sum(points)::bigint FROM (
                SELECT credit_account_id AS account, points FROM loyalty_transfer WHERE id > %s AND id <= %s
                UNION ALL SELECT debit_account_id, -points FROM loyalty_transfer WHERE id > %s AND id <= %s) legs
            WHERE account < 0 GROUP BY account""",
            interval * 2,
        )
        system = cursor.fetchall()
        cursor.execute(
            """SELECT (lot->>1)::bigint, sum(sign * (lot->>2)::bigint)::bigint
            FROM loyalty_entry, jsonb_array_elements(lots) AS lot WHERE transfer_id > %s AND transfer_id <= %s GROUP BY 1""",
            interval,
        )
        outstanding = cursor.fetchall()
    return {
        "transfers": before["transfers"] + transfers,
        "members": {
            "balance": before["members"]["balance"] + balance,
            "debt": before["members"]["debt"] + debt,
        },
        "system": digests.added(before["system"], system),
        "outstanding": digests.added(before["outstanding"], outstanding),
    }
