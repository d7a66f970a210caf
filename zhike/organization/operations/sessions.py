"""Logging in and out, and the sessions that follow from it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models import Count, F, Max, QuerySet
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Invalid, NotFound, Problem, TooMany
from zhike.organization import queries, rules
from zhike.organization.events import SessionEnded, StaffLoggedIn
from zhike.organization.models import LogInAttempt, Staff, StaffSession
from zhike.organization.operations import _credentials

ACCOUNT_FIELD = "organization.log_in_attempt.account"
KNOWN_ADDRESS_FOR = dt.timedelta(days=90)
ATTEMPTS_KEPT_FOR = dt.timedelta(days=1)
SEEN_EVERY = dt.timedelta(minutes=1)
AGENT_LENGTH_MAX = 300


class WrongCredentials(Problem):
    status = 401
    code = "wrong-credentials"
    title = _("The user name, the password or the code is wrong.")


class SecondFactorNeeded(Problem):
    status = 401
    code = "second-factor-needed"
    title = _("Enter the six digits that your authenticator app shows.")


class WrongPassword(Invalid):
    code = "wrong-password"
    title = _("This is not your password.")


class TooManyLogIns(TooMany):
    code = "too-many-log-ins"
    title = _("Too many failed log-ins. Try again in %(retry_after)s seconds.")


@dataclass(frozen=True, slots=True)
class LogInResult:
    """``failed_logins`` happened since the last success: worth showing, for they may have been somebody else's."""

    staff: Staff
    viewer: Viewer
    must_change_password: bool
    failed_logins: int


def log_in(
    *,
    actor: Viewer,
    username: str,
    password: str,
    totp_code: str | None,
    address: str | None,
    agent: str = "",
    now: dt.datetime,
) -> LogInResult:
    """Check the credentials; ``actor`` is the door that asks (``system_viewer("console")``).

    Every try counts as failed until it has succeeded, so that tries made at once are limited like tries one by one.
    Raises TooManyLogIns, WrongCredentials, and SecondFactorNeeded when the password was right and a code is missing.
    """
    username = username.strip().lower()
    account = crypto.blind_index(username, field=ACCOUNT_FIELD)
    member = Staff.objects.filter(username=username, is_active=True).first()
    attempt = _reserve_attempt(account, address, member, now)
    if not _is_password_right(member, password) or member is None:
        _record_failure(actor, account, member, "password", address, now)
        raise WrongCredentials
    if member.totp_confirmed_at is not None and not totp_code:
        attempt.delete()
        raise SecondFactorNeeded
    failed_logins = _accept(actor, member.pk, totp_code, attempt, agent, now)
    if failed_logins is None:
        _record_failure(actor, account, member, "code", address, now)
        raise WrongCredentials
    must_change = rules.is_password_expired(member.password_changed_at, now, queries.security_profile())
    viewer = queries.viewer_of_staff(member.pk, actor.request_id)
    return LogInResult(member, viewer, must_change, failed_logins)


def reauthenticate(*, actor: Viewer, password: str, now: dt.datetime) -> None:
    """Prove again that it is really them, before something that a stolen session must not do.

    A wrong try is counted even though it raises, so this is called outside any other transaction.
    Raises NotAllowed for anybody but staff, TooManyLogIns, WrongPassword.
    """
    member = Staff.objects.get(pk=_credentials.own_id(actor))
    account = crypto.blind_index(member.username, field=ACCOUNT_FIELD)
    attempt = _reserve_attempt(account, None, member, now)
    if not _is_password_right(member, password):
        _record_failure(actor, account, member, "password_again", None, now)
        raise WrongPassword(fields={"current_password": [WrongPassword.title]})
    attempt.delete()


def start_session(
    *, actor: Viewer, session_key: str, address: str | None, agent: str, now: dt.datetime
) -> int:
    """Note the browser session of somebody who has just logged in; its id."""
    row = StaffSession.objects.create(
        staff_id=_credentials.own_id(actor),
        session_key=session_key,
        started_at=now,
        last_seen_at=now,
        address=address,
        agent=agent[:AGENT_LENGTH_MAX],
    )
    return row.pk


def keep_session(*, actor: Viewer, session_key: str, now: dt.datetime) -> bool:
    """Whether the actor's session is still live; if so it counts as seen (written at most once a minute)."""
    own = StaffSession.objects.filter(session_key=session_key, staff_id=_credentials.own_id(actor))
    if not queries.session_is_live(session_key, now) or not own.exists():
        return False
    own.filter(last_seen_at__lt=now - SEEN_EVERY).update(last_seen_at=now)
    return True


def end_session(*, actor: Viewer, session_key: str, now: dt.datetime) -> None:
    """Log out; nothing happens when the session has ended already."""
    with transaction.atomic():
        rows = StaffSession.objects.select_for_update().filter(session_key=session_key)
        row = rows.filter(staff_id=_credentials.own_id(actor), revoked_at=None).first()
        if row is not None:
            _end(actor, row, "logged_out", "", now)


def revoke_session(*, actor: Viewer, session_id: int, reason: str = "", now: dt.datetime) -> None:
    """End one's own session elsewhere, or that of somebody one manages; idempotent. Raises NotFound."""
    with transaction.atomic():
        row = StaffSession.objects.select_for_update().filter(pk=session_id).first()
        if row is None:
            raise NotFound
        queries.visible_staff(row.staff_id, actor)
        if row.revoked_at is None:
            _end(actor, row, "revoked", reason, now)


def revoke_other_sessions(
    *, actor: Viewer, staff_id: int, keep_session_key: str | None, now: dt.datetime
) -> int:
    """End all sessions of oneself, or of somebody one manages, but the one kept; how many. Raises NotFound."""
    queries.visible_staff(staff_id, actor)
    with transaction.atomic():
        ended = _credentials.end_sessions(staff_id, "revoked", now, keep_session_key)
        if ended:
            after = {"sessions": [fact.session_id for fact in ended]}
            audit.record(
                actor=actor, action="session.revoke", subject=("staff", staff_id), after=after, now=now
            )
            events.publish(*ended, actor=actor, now=now)
    return len(ended)


def forget_log_in_attempts(*, actor: Viewer, now: dt.datetime) -> int:
    """Remove tries that no longer count for any limit; how many."""
    count, _per_table = LogInAttempt.objects.filter(attempted_at__lt=now - ATTEMPTS_KEPT_FOR).delete()
    return count


def _end(actor: Viewer, row: StaffSession, cause: str, reason: str, now: dt.datetime) -> None:
    row.revoked_at = now
    row.save(update_fields=["revoked_at"])
    audit.record(
        actor=actor,
        action="session.end",
        subject=("staff", row.staff_id),
        after={"session_id": row.pk, "cause": cause},
        reason=reason,
        now=now,
    )
    events.publish(SessionEnded(row.staff_id, row.pk, cause), actor=actor, now=now)


def _reserve_attempt(
    account: bytes, address: str | None, member: Staff | None, now: dt.datetime
) -> LogInAttempt:
    """One more failed try, unless it has to wait: the tries on one account are counted one after another."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            key = int.from_bytes(account[1:9], "big", signed=True)
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])
        attempts = _attempts(account, address, member, now)
        wait = rules.wait_before_log_in(attempts, now, queries.security_profile())
        if wait:
            raise TooManyLogIns(retry_after=int(wait.total_seconds()) + 1)
        return LogInAttempt.objects.create(account=account, address=address, attempted_at=now)


def _attempts(account: bytes, address: str | None, member: Staff | None, now: dt.datetime) -> rules.Attempts:
    recent = LogInAttempt.objects.filter(attempted_at__gt=now - rules.ATTEMPT_WINDOW)
    pair = recent.filter(account=account, address=address)
    succeeded_at = pair.filter(succeeded=True).aggregate(at=Max("attempted_at"))["at"]
    if succeeded_at is not None:
        pair = pair.filter(attempted_at__gt=succeeded_at)
    nothing = recent.none()
    return rules.Attempts(
        *_failures(pair),
        *_failures(recent.filter(account=account)),
        *_failures(nothing if address is None else recent.filter(address=address)),
        is_known_address=member is not None and _is_known(member, address, now),
    )


def _failures(rows: QuerySet[LogInAttempt]) -> tuple[int, dt.datetime | None]:
    found = rows.filter(succeeded=False).aggregate(count=Count("id"), latest=Max("attempted_at"))
    return found["count"], found["latest"]


def _is_known(member: Staff, address: str | None, now: dt.datetime) -> bool:
    sessions = StaffSession.objects.filter(staff_id=member.pk, started_at__gt=now - KNOWN_ADDRESS_FOR)
    return address is not None and sessions.filter(address=address).exists()


def _is_password_right(member: Staff | None, password: str) -> bool:
    """Takes as long for a user name that does not exist, so that nobody can tell."""
    if len(password) > rules.PASSWORD_LENGTH_MAX:
        return False
    if member is None:
        make_password(password)
        return False
    return member.check_password(password)


def _accept(
    actor: Viewer, staff_id: int, totp_code: str | None, attempt: LogInAttempt, agent: str, now: dt.datetime
) -> int | None:
    """Settle a try whose password was right; None when the second factor was wrong or used already."""
    with transaction.atomic():
        row = Staff.objects.select_for_update().get(pk=staff_id)
        if row.totp_confirmed_at is not None:
            step = _credentials.totp_step_of(row, totp_code or "", now)
            if step is None:
                return None
            row.totp_last_step = step
        failed_logins, row.failed_logins, row.last_login = row.failed_logins, 0, now
        row.save(update_fields=["totp_last_step", "failed_logins", "last_login"])
        attempt.succeeded = True
        attempt.save(update_fields=["succeeded"])
        used_second_factor = row.totp_confirmed_at is not None
        audit.record(
            actor=actor,
            action="staff.log_in",
            subject=("staff", staff_id),
            after={"address": attempt.address, "agent": agent[:AGENT_LENGTH_MAX], "totp": used_second_factor},
            now=now,
        )
        events.publish(StaffLoggedIn(staff_id, used_second_factor), actor=actor, now=now)
    return failed_logins


def _record_failure(
    actor: Viewer, account: bytes, member: Staff | None, cause: str, address: str | None, now: dt.datetime
) -> None:
    """The name tried is not kept when nobody bears it: it may be somebody's password."""
    subject = ("staff", member.pk) if member else ("unknown_staff", account.hex())
    with transaction.atomic():
        if member is not None:
            Staff.objects.filter(pk=member.pk).update(failed_logins=F("failed_logins") + 1)
        after = {"address": address, "cause": cause}
        audit.record(actor=actor, action="staff.log_in_failed", subject=subject, after=after, now=now)
