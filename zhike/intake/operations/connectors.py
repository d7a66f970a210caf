"""Connectors of merchants' tills: made, changed, and the credentials that tills show."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from zhike.intake.models import Connector, TillCredential
from zhike.intake.rules.mapping import TENDERS
from zhike.intake.rules.tills import DEFAULT_TENDERS, TILL_MAX
from zhike.kernel import audit
from zhike.kernel.access import Viewer, load_visible, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.organization import queries as organization

RUN = "imports.run"
MALL = {"mall": "mall_id"}
BY_CONNECTOR = {"mall": "connector__mall_id"}
NAME_MAX = 60
TILLS_MAX = 99
MALL_NUMBER_MAX = 6
PASSWORD_BYTES = 15
OVERLAP_MAX = dt.timedelta(days=30)


class ConnectorNameTaken(Conflict):
    code = "connector-name-taken"
    title = _("There is a connector of this name in the mall already.")


class CredentialExists(Conflict):
    code = "till-credential-exists"
    title = _("This merchant has a credential here already. Give it a new password, or revoke it first.")


class MerchantElsewhere(Invalid):
    code = "merchant-elsewhere"
    title = _("This merchant is not in the mall of the connector, or is closed.")


def create_till_connector(*, actor: Viewer, mall_id: int, name: str, now: dt.datetime) -> int:
    """A door for the tills of a mall, with the usual codes of payment. Raises NotAllowed, Invalid, ConnectorNameTaken."""
    require_touch(actor, RUN, mall=mall_id)
    number = organization.mall(mall_id).code[:MALL_NUMBER_MAX].upper()
    settings = {"tenders": dict(DEFAULT_TENDERS), "unknown_member": "without", "mall_number": number}
    return make_connector(
        actor=actor, mall_id=mall_id, name=name, kind=Connector.Kind.TILLS, settings=settings, now=now
    ).pk


@transaction.atomic
def make_connector(
    *,
    actor: Viewer,
    mall_id: int,
    name: str,
    kind: str,
    settings: dict[str, Any],
    now: dt.datetime,
    **more: Any,
) -> Connector:
    """The row of a connector of any kind, audited; the caller has authorised. Raises Invalid, ConnectorNameTaken."""
    try:
        with transaction.atomic():
            row = Connector.objects.create(
                mall_id=mall_id, kind=kind, name=cleaned_name(name), settings=settings, created_at=now,
                created_by=actor.label[:80], **more,
            )  # fmt: skip
    except IntegrityError as error:
        raise ConnectorNameTaken from error
    after = {"name": row.name, "kind": kind}
    audit.record(actor=actor, action="connector.create", subject=("connector", row.pk), after=after, now=now)
    return row


def cleaned_name(name: str) -> str:
    cleaned = " ".join(name.split())
    if not 0 < len(cleaned) <= NAME_MAX:
        raise Invalid(fields={"name": [_("Give it a name of at most 60 characters.")]})
    return cleaned


@transaction.atomic
def update_till_connector(
    *,
    actor: Viewer,
    connector_id: int,
    name: str,
    is_on: bool,
    tenders: Mapping[str, str],
    unknown_member: str,
    mall_number: str,
    now: dt.datetime,
) -> None:
    """Change its name, the mall's number at the tills, its codes of payment, what becomes of unknown members, and whether it is open.

    Uploads that wait are judged by the new terms when they are replayed. Raises NotFound, Invalid, ConnectorNameTaken.
    """
    if unknown_member not in ("without", "quarantine"):
        raise Invalid
    if not tenders or any(not 0 < len(code) <= 10 or kind not in TENDERS for code, kind in tenders.items()):
        raise Invalid(fields={"tenders": [_("Say at least one code, each with a kind of payment.")]})
    number = mall_number.strip().upper()
    if len(number) > MALL_NUMBER_MAX:
        raise Invalid(fields={"mall_number": [_("At most six characters: tills have no room for more.")]})
    row = locked_connector(connector_id, actor, Connector.Kind.TILLS)
    before = {"name": row.name, "is_on": row.is_on, **row.settings}
    row.name, row.is_on = cleaned_name(name), is_on
    row.settings = {"tenders": dict(tenders), "unknown_member": unknown_member, "mall_number": number}
    save_connector(row, "name", "is_on", "settings")
    after = {"name": row.name, "is_on": is_on, **row.settings}
    audit.record(
        actor=actor,
        action="connector.update",
        subject=("connector", row.pk),
        before=before,
        after=after,
        now=now,
    )


def save_connector(row: Connector, *fields: str) -> None:
    """Raises ConnectorNameTaken."""
    try:
        with transaction.atomic():
            row.save(update_fields=fields)
    except IntegrityError as error:
        raise ConnectorNameTaken from error


def locked_connector(connector_id: int, actor: Viewer, kind: str | None = None) -> Connector:
    """The row of a connector the actor may change, held. Raises NotFound."""
    rows = Connector.objects.select_for_update(of=("self",))
    return load_visible(rows if kind is None else rows.filter(kind=kind), connector_id, actor, RUN, MALL)


def create_credential(
    *, actor: Viewer, connector_id: int, merchant_id: int, tills: Sequence[str] = (), now: dt.datetime
) -> tuple[int, str, str]:
    """Id, user name and password for the tills of one merchant; the password is shown this once and never again.

    ``tills`` are the numbers it may use, none of them for any. Raises NotFound, MerchantElsewhere, Invalid, CredentialExists.
    """
    numbers = _tills(tills)
    with transaction.atomic():
        connector = locked_connector(connector_id, actor, Connector.Kind.TILLS)
        merchant = organization.merchant_ref(merchant_id)
        if merchant is None or merchant.mall_id != connector.mall_id or not merchant.is_open:
            raise MerchantElsewhere
        if TillCredential.objects.filter(
            connector=connector, merchant_id=merchant_id, revoked_at__isnull=True
        ).exists():
            raise CredentialExists
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        row = TillCredential.objects.create(
            connector=connector,
            merchant_id=merchant_id,
            username=f"{merchant.mall_code}-{merchant.code}"[:33] + f"-{secrets.token_hex(3)}",
            digest=digest_of(password),
            tills=numbers,
            created_at=now,
            created_by=actor.label[:80],
        )
        _record(actor, "create", row, {"merchant": merchant_id, "tills": numbers}, now)
    return row.pk, row.username, password


def rotate_credential(
    *, actor: Viewer, credential_id: int, overlap: dt.timedelta, now: dt.datetime
) -> tuple[str, str]:
    """User name and the new password, shown this once; the present one works on for ``overlap``, so no till falls silent.

    Raises NotFound (also for one that was revoked), Invalid for an overlap beyond 30 days.
    """
    if not dt.timedelta() <= overlap <= OVERLAP_MAX:
        raise Invalid
    with transaction.atomic():
        row = _locked_credential(credential_id, actor)
        if row.revoked_at is not None:
            raise NotFound
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        row.previous_digest = row.digest if overlap else None
        row.previous_until = now + overlap if overlap else None
        row.digest = digest_of(password)
        row.save(update_fields=["digest", "previous_digest", "previous_until"])
        _record(actor, "rotate", row, {"overlap_hours": int(overlap.total_seconds() // 3600)}, now)
    return row.username, password


@transaction.atomic
def set_tills(*, actor: Viewer, credential_id: int, tills: Sequence[str], now: dt.datetime) -> None:
    """Which till numbers the merchant may use; none of them for any. Raises NotFound, Invalid."""
    numbers = _tills(tills)
    row = _locked_credential(credential_id, actor)
    row.tills = numbers
    row.save(update_fields=["tills"])
    _record(actor, "tills", row, {"tills": numbers}, now)


@transaction.atomic
def revoke_credential(*, actor: Viewer, credential_id: int, now: dt.datetime) -> int:
    """The tills of the merchant are turned away from now on; idempotent. The connector's id. Raises NotFound."""
    row = _locked_credential(credential_id, actor)
    if row.revoked_at is None:
        row.revoked_at = now
        row.save(update_fields=["revoked_at"])
        _record(actor, "revoke", row, None, now)
    return row.connector_id


def digest_of(password: str) -> bytes:
    """Passwords are 120 random bits that we made, so a plain digest keeps them as well as a slow one would."""
    return hashlib.sha256(password.encode()).digest()


def _locked_credential(credential_id: int, actor: Viewer) -> TillCredential:
    rows = TillCredential.objects.select_for_update(of=("self",))
    return load_visible(rows, credential_id, actor, RUN, BY_CONNECTOR)


def _tills(tills: Sequence[str]) -> list[str]:
    numbers = sorted({till.strip() for till in tills if till.strip()})
    if len(numbers) > TILLS_MAX or any(len(number) > TILL_MAX for number in numbers):
        raise Invalid(fields={"tills": [_("At most 99 numbers of at most 40 characters.")]})
    return numbers


def _record(
    actor: Viewer, what: str, row: TillCredential, after: dict[str, Any] | None, now: dt.datetime
) -> None:
    subject = ("till_credential", row.pk)
    audit.record(actor=actor, action=f"till_credential.{what}", subject=subject, after=after, now=now)
