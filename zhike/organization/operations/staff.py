"""Staff: who works here, with which roles, and how they prove who they are."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer, may_touch, require, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from zhike.organization import queries, rules
from zhike.organization.events import (
    PasswordChanged,
    RoleGranted,
    RoleRevoked,
    SecondFactorDisabled,
    SecondFactorEnabled,
    StaffCreated,
    StaffDeactivated,
)
from zhike.organization.models import Group, Mall, RoleGrant, Staff
from zhike.organization.operations import _credentials, sessions

TOTP_ISSUER = "Zhike"


class UsernameTaken(Conflict):
    code = "username-taken"
    title = _("Somebody else already uses this user name.")


class WeakPassword(Invalid):
    code = "weak-password"
    title = _("This password is too easy to guess.")


class UnknownRole(Invalid):
    code = "unknown-role"
    title = _("There is no role “%(role)s” at the level “%(level)s”.")


class RoleBeyondOwn(NotAllowed):
    code = "role-beyond-own"
    title = _("You cannot give a role that may do more than you may do yourself.")


class WrongTotpCode(Invalid):
    code = "wrong-totp-code"
    title = _("The code is wrong or has been used already. Wait for the next one.")


class NoSecondFactorPending(Conflict):
    code = "no-second-factor-pending"
    title = _("Start setting up the second factor first.")


class SecondFactorInForce(Conflict):
    code = "second-factor-in-force"
    title = _("A second factor is in force already. Turn it off first.")


@dataclass(frozen=True, slots=True)
class TotpSetup:
    """Shown once: the secret for typing, and the address that the QR code encodes."""

    secret: str
    uri: str


def create_staff(
    *,
    actor: Viewer,
    group_id: int | None,
    username: str,
    name: str,
    password: str | None,
    language: str = "",
    now: dt.datetime,
) -> int:
    """The new member of staff's id; without a password they cannot log in yet. Roles are granted separately.

    ``group_id`` is None before the group is founded; the founding takes them in.

    Raises NotAllowed, UsernameTaken, WeakPassword.
    """
    require(actor, "staff.manage")
    username = username.strip().lower()
    if not username or not name.strip():
        raise Invalid(fields={"username" if not username else "name": [_("Please fill this in.")]})
    hashed = make_password(None) if password is None else _hash(password, [username, name])
    with transaction.atomic():
        row, is_new = Staff.objects.get_or_create(
            username=username,
            defaults={
                "group_id": group_id,
                "name": name.strip(),
                "language": language,
                "password": hashed,
                "password_changed_at": now,
                "created_at": now,
            },
        )
        if not is_new:
            raise UsernameTaken
        after = {"username": username, "name": row.name}
        audit.record(actor=actor, action="staff.create", subject=("staff", row.pk), after=after, now=now)
        events.publish(StaffCreated(row.pk), actor=actor, now=now)
    return row.pk


def set_password(
    *,
    actor: Viewer,
    staff_id: int,
    password: str,
    current_password: str | None = None,
    keep_session_key: str | None = None,
    reason: str = "",
    now: dt.datetime,
) -> None:
    """Set a new password and end all sessions but ``keep_session_key``; a second factor stays in force.

    Staff change their own, proving that they know ``current_password``, managers that of their staff.
    Raises NotFound, NotAllowed, sessions.WrongPassword, sessions.TooManyLogIns, WeakPassword.
    """
    member = _load_own_or_managed(actor, staff_id)
    if _is_own(actor, staff_id):
        sessions.reauthenticate(actor=actor, password=current_password or "", now=now)
    hashed = _hash(password, [member.username, member.name])
    with transaction.atomic():
        row = _lock(staff_id)
        row.password = hashed
        row.password_changed_at = now
        row.failed_logins = 0
        row.locked_until = None
        row.save(update_fields=["password", "password_changed_at", "failed_logins", "locked_until"])
        ended = _credentials.end_sessions(staff_id, "password_changed", now, keep_session_key)
        audit.record(
            actor=actor, action="staff.set_password", subject=("staff", staff_id), reason=reason, now=now
        )
        events.publish(PasswordChanged(staff_id), *ended, actor=actor, now=now)


def grant_role(
    *, actor: Viewer, staff_id: int, role: str, level: str, target_id: int = 0, now: dt.datetime
) -> int:
    """The grant's id, an existing one for a role already held there. Nobody gives more than they have themselves.

    Raises NotFound, UnknownRole, RoleBeyondOwn.
    """
    if role not in rules.ROLES or level not in rules.LEVELS or (level == "all") != (target_id == 0):
        raise UnknownRole(role=role, level=level)
    _require_may_give(actor, role, level, target_id)
    if level == "own" and target_id != staff_id:
        raise UnknownRole(role=role, level=level)
    with transaction.atomic():
        _lock(staff_id)
        grant, is_new = RoleGrant.objects.get_or_create(
            staff_id=staff_id, role=role, level=level, target_id=target_id
        )
        if is_new:
            after = {"role": role, "level": level, "target_id": target_id}
            audit.record(
                actor=actor, action="staff.grant_role", subject=("staff", staff_id), after=after, now=now
            )
            events.publish(RoleGranted(staff_id, role, level, target_id), actor=actor, now=now)
    return grant.pk


def revoke_role(*, actor: Viewer, grant_id: int, reason: str = "", now: dt.datetime) -> None:
    """Raises NotFound, RoleBeyondOwn. In force from the next request of the person concerned."""
    with transaction.atomic():
        grant = RoleGrant.objects.select_for_update().filter(pk=grant_id).first()
        if grant is None:
            raise NotFound
        _require_may_give(actor, grant.role, grant.level, grant.target_id)
        before = {"role": grant.role, "level": grant.level, "target_id": grant.target_id}
        fact = RoleRevoked(grant.staff_id, grant.role, grant.level, grant.target_id)
        grant.delete()
        audit.record(
            actor=actor,
            action="staff.revoke_role",
            subject=("staff", fact.staff_id),
            before=before,
            reason=reason,
            now=now,
        )
        events.publish(fact, actor=actor, now=now)


def deactivate_staff(*, actor: Viewer, staff_id: int, reason: str, now: dt.datetime) -> None:
    """They can no longer log in, and their sessions end at the next request. Raises NotFound, NotAllowed."""
    _load_managed(actor, staff_id)
    with transaction.atomic():
        row = _lock(staff_id)
        if not row.is_active:
            return
        row.is_active = False
        row.save(update_fields=["is_active"])
        ended = _credentials.end_sessions(staff_id, "deactivated", now)
        audit.record(
            actor=actor,
            action="staff.deactivate",
            subject=("staff", staff_id),
            before={"is_active": True},
            after={"is_active": False},
            reason=reason,
            now=now,
        )
        events.publish(StaffDeactivated(staff_id), *ended, actor=actor, now=now)


def begin_totp(*, actor: Viewer, staff_id: int, now: dt.datetime) -> TotpSetup:
    """A new secret for one's own second factor; log-in asks for it once `confirm_totp` has seen a code of it.

    Raises NotAllowed for anybody else's, SecondFactorInForce.
    """
    import pyotp

    _require_self(actor, staff_id)
    secret = pyotp.random_base32()
    with transaction.atomic():
        row = _lock(staff_id)
        if row.totp_confirmed_at is not None:
            raise SecondFactorInForce
        row.totp_secret = crypto.encrypt(secret, field=_credentials.TOTP_FIELD, row=staff_id)
        row.totp_last_step = 0
        row.save(update_fields=["totp_secret", "totp_last_step"])
        audit.record(actor=actor, action="staff.begin_totp", subject=("staff", staff_id), now=now)
    return TotpSetup(secret, pyotp.TOTP(secret).provisioning_uri(name=row.username, issuer_name=TOTP_ISSUER))


def confirm_totp(*, actor: Viewer, staff_id: int, code: str, now: dt.datetime) -> None:
    """From now on log-in asks for the second factor. Raises NotAllowed, NoSecondFactorPending, WrongTotpCode."""
    _require_self(actor, staff_id)
    with transaction.atomic():
        row = _lock(staff_id)
        if row.totp_secret is None or row.totp_confirmed_at is not None:
            raise NoSecondFactorPending
        step = _credentials.totp_step_of(row, code, now)
        if step is None:
            raise WrongTotpCode
        row.totp_confirmed_at = now
        row.totp_last_step = step
        row.save(update_fields=["totp_confirmed_at", "totp_last_step"])
        audit.record(actor=actor, action="staff.confirm_totp", subject=("staff", staff_id), now=now)
        events.publish(SecondFactorEnabled(staff_id), actor=actor, now=now)


def disable_totp(
    *,
    actor: Viewer,
    staff_id: int,
    current_password: str | None = None,
    reason: str = "",
    now: dt.datetime,
) -> None:
    """One's own with one's password, or as a manager for somebody who lost the phone; idempotent.

    Raises NotFound, NotAllowed, sessions.WrongPassword, sessions.TooManyLogIns.
    """
    _load_own_or_managed(actor, staff_id)
    if _is_own(actor, staff_id):
        sessions.reauthenticate(actor=actor, password=current_password or "", now=now)
    with transaction.atomic():
        row = _lock(staff_id)
        if row.totp_secret is None:
            return
        row.totp_secret = None
        row.totp_confirmed_at = None
        row.save(update_fields=["totp_secret", "totp_confirmed_at"])
        audit.record(
            actor=actor, action="staff.disable_totp", subject=("staff", staff_id), reason=reason, now=now
        )
        events.publish(SecondFactorDisabled(staff_id), actor=actor, now=now)


def _hash(password: str, own_words: list[str]) -> str:
    """Argon2 of a password that is good enough. Raises WeakPassword."""
    places = [*Group.objects.values_list("code", "name"), *Mall.objects.values_list("code", "name")]
    banned = [*own_words, "zhike", *(word for pair in places for word in pair)]
    faults = rules.password_faults(password, banned, queries.security_profile())
    sentences = []
    if faults.is_too_short:
        sentences.append(_("It is too short."))
    if faults.is_too_long:
        sentences.append(_("It is too long."))
    if faults.has_too_few_kinds:
        sentences.append(_("Mix small and capital letters, digits and other characters."))
    if faults.has_banned_words:
        sentences.append(_("It contains a name that anybody here would try."))
    try:
        _common_passwords().validate(password)
    except ValidationError:
        sentences.append(_("It is among the passwords that are tried first."))
    if sentences:
        raise WeakPassword(fields={"password": sentences})
    return make_password(password)


@functools.cache
def _common_passwords() -> CommonPasswordValidator:
    return CommonPasswordValidator()


def _lock(staff_id: int) -> Staff:
    row = Staff.objects.select_for_update().filter(pk=staff_id).first()
    if row is None:
        raise NotFound
    return row


def _is_own(actor: Viewer, staff_id: int) -> bool:
    return actor.kind == "staff" and actor.id == staff_id


def _require_self(actor: Viewer, staff_id: int) -> None:
    if not _is_own(actor, staff_id):
        raise NotAllowed


def _load_managed(actor: Viewer, staff_id: int) -> queries.StaffView:
    member = queries.staff_member(staff_id)
    if not queries.may_manage(actor, member):
        raise NotAllowed
    return member


def _load_own_or_managed(actor: Viewer, staff_id: int) -> queries.StaffView:
    if _is_own(actor, staff_id):
        return queries.staff_member(staff_id)
    return _load_managed(actor, staff_id)


def _require_may_give(actor: Viewer, role: str, level: str, target_id: int) -> None:
    """Whoever gives or takes a role manages staff at its place and holds there all that the role may do."""
    place = queries.levels_of(level, target_id)
    require_touch(actor, "staff.manage", **place)
    for permission in rules.ROLES[role].all_permissions:
        if not may_touch(actor, permission, **place):
            raise RoleBeyondOwn
