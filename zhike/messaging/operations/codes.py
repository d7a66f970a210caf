"""One-time codes: sent seldom, checked once."""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Invalid, TooMany
from zhike.messaging.events import OneTimeCodeVerified
from zhike.messaging.models import OneTimeCode
from zhike.messaging.operations import _wake
from zhike.messaging.operations._queue import Draft, queue
from zhike.messaging.queries import wordings
from zhike.messaging.queries.sent import PHONE_FIELD
from zhike.messaging.rules import codes as rules
from zhike.messaging.rules import wording

DIGEST_FIELD = "messaging.one_time_code.digest"
TEMPLATE = "one_time_code"
CODES_KEPT_FOR = dt.timedelta(days=1)


class NotAPhone(Invalid):
    code = "not-a-phone"
    title = _("This is not a valid phone number.")


class UnknownPurpose(Invalid):
    code = "unknown-purpose"
    title = _("There are no codes for this purpose.")


class TooManyCodes(TooMany):
    code = "too-many-codes"
    title = _("A code was sent just now. You can ask for the next one in %(retry_after)s seconds.")


class WrongCode(Invalid):
    code = "wrong-code"
    title = _("The code is wrong.")


class CodeExpired(Invalid):
    code = "code-expired"
    title = _("The code has expired. Ask for a new one.")


class TooManyTries(TooMany):
    code = "too-many-tries"
    title = _("The code was mistyped too often. Ask for a new one.")


@dataclass(frozen=True, slots=True)
class SentCode:
    """``masked`` is the phone as it may be shown."""

    masked: str
    expires_at: dt.datetime
    next_at: dt.datetime


def send_one_time_code(
    *, actor: Viewer, phone: str, purpose: str, language: str, now: dt.datetime
) -> SentCode:
    """Queue a message with a fresh code; codes sent before for the same purpose no longer work.

    At most one a minute and five an hour for a phone, whatever the purpose, however many ask at once.
    Raises NotAPhone, UnknownPurpose, TooManyCodes.
    """
    normal = _phone(phone)
    _require_purpose(purpose)
    index = crypto.blind_index(normal, field=PHONE_FIELD)
    with transaction.atomic():
        _lock(index)
        recent = OneTimeCode.objects.filter(index=index, created_at__gt=now - rules.WINDOW)
        wait = rules.wait_before_code(list(recent.values_list("created_at", flat=True)), now)
        if wait:
            raise TooManyCodes(retry_after=int(wait.total_seconds()) + 1)
        code = f"{secrets.randbelow(10**rules.CODE_DIGITS):0{rules.CODE_DIGITS}d}"
        expires_at = now + rules.VALID_FOR
        OneTimeCode.objects.create(
            index=index,
            purpose=purpose,
            digest=crypto.blind_index(_bound(index, purpose, code, now), field=DIGEST_FIELD),
            created_at=now,
            expires_at=expires_at,
        )
        draft = _draft(normal, purpose, code, language, now, expires_at)
        [message] = queue(actor, [draft], now)
        transaction.on_commit(_wake.codes)
    return SentCode(message.masked, expires_at, now + rules.PAUSE)


def verify_one_time_code(*, actor: Viewer, phone: str, purpose: str, code: str, now: dt.datetime) -> None:
    """Use up the latest code of this phone and purpose.

    A wrong try is counted even though it raises, so this is called outside any other transaction, which would undo it.
    Raises NotAPhone, WrongCode, CodeExpired, TooManyTries.
    """
    index = crypto.blind_index(_phone(phone), field=PHONE_FIELD)
    with transaction.atomic():
        row = _latest(index, purpose)
        verdict = rules.judge(_as_sent(row, index, purpose, code.strip()), now)
        if row is not None:
            _settle(actor, row, verdict, now)
    if verdict == "expired":
        raise CodeExpired
    if verdict == "too_many_tries":
        raise TooManyTries
    if verdict == "wrong":
        raise WrongCode


def forget_old_codes(*, actor: Viewer, now: dt.datetime) -> int:
    """Remove codes that are long past use; how many. The audit trail keeps what happened with them."""
    count, _per_table = OneTimeCode.objects.filter(created_at__lt=now - CODES_KEPT_FOR).delete()
    return count


def _latest(index: bytes, purpose: str) -> OneTimeCode | None:
    rows = OneTimeCode.objects.select_for_update().filter(index=index, purpose=purpose)
    return rows.order_by("-created_at", "-id").first()


def _as_sent(row: OneTimeCode | None, index: bytes, purpose: str, code: str) -> rules.SentCode | None:
    if row is None:
        return None
    digests = crypto.blind_indexes(_bound(index, purpose, code, row.created_at), field=DIGEST_FIELD)
    is_right = any(hmac.compare_digest(bytes(row.digest), digest) for digest in digests)
    return rules.SentCode(row.expires_at, row.tries, row.used_at is not None, is_right)


def _settle(actor: Viewer, row: OneTimeCode, verdict: rules.Verdict, now: dt.datetime) -> None:
    subject = ("one_time_code", row.pk)
    if verdict == "right":
        row.used_at = now
        row.save(update_fields=["used_at"])
        audit.record(actor=actor, action="one_time_code.verify", subject=subject, now=now)
        events.publish(OneTimeCodeVerified(row.pk, row.purpose), actor=actor, now=now)
    elif verdict == "wrong" and row.used_at is None:
        row.tries += 1
        row.save(update_fields=["tries"])
        after = {"tries": row.tries}
        audit.record(actor=actor, action="one_time_code.fail", subject=subject, after=after, now=now)


def _bound(index: bytes, purpose: str, code: str, created_at: dt.datetime) -> str:
    """A code together with what it is good for: this phone, this purpose, this sending."""
    return f"{index.hex()}|{purpose}|{created_at.astimezone(dt.UTC).isoformat()}|{code}"


def _draft(
    phone: str, purpose: str, code: str, language: str, now: dt.datetime, expires_at: dt.datetime
) -> Draft:
    """The message, signed by whom it comes from, as the law wants it: in the approved wording, or in the built-in one."""
    values = {"code": code, "minutes": str(rules.VALID_FOR // dt.timedelta(minutes=1))}
    found = wordings.approved_wording(TEMPLATE, "sms", language or settings.LANGUAGE_CODE)
    body = found.body if found else built_in_wording(language)
    return Draft(
        channel="sms",
        kind="code",
        purpose=purpose,
        template=TEMPLATE,
        to=phone,
        body=f"【{wordings.signature()}】" + wording.render(body, values),
        due_at=now,
        person_id=customers.person_id_by("phone", phone),
        version_id=found.id if found else None,
        language=found.language if found else "",
        values=values,
        expires_at=expires_at,
    )


def built_in_wording(language: str) -> str:
    """What a code says as long as nobody has written another wording."""
    with translation.override(language or settings.LANGUAGE_CODE):
        text = gettext(
            "%(code)s is your code, valid for %(minutes)s minutes. If you did not ask for it, ignore this message."
        )
    return text % {"code": "${code}", "minutes": "${minutes}"}


def _lock(index: bytes) -> None:
    """Whoever sends to this phone goes one after another until their transactions end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(index[1:9], "big", signed=True)])


def _phone(phone: str) -> str:
    normal = customers.normalised("phone", phone)
    if normal is None:
        raise NotAPhone
    return normal


def _require_purpose(purpose: str) -> None:
    if purpose not in rules.PURPOSES:
        raise UnknownPurpose
