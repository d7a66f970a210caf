"""Who may do what, and how a log-in is judged. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

LEVELS = ("all", "mall", "floor", "merchant", "own")
"""Levels of scope a role can be granted at; "own" is what the member of staff looks after themself."""

# One row per permission, one column per role: y granted at the place of the role, o only for one's own members.
# fmt: off
_COLUMNS = (
    "admin", "group_manager", "mall_manager", "operations", "marketer",
    "service_agent", "merchant_manager", "cashier", "sales_associate", "auditor",
)
_MATRIX = {
    #                     adm grp mal ops mkt svc mer cas ass aud
    "dashboard.view":    " y   y   y   y   y   y   y   .   .   y ",
    "members.lookup":    " y   y   y   y   .   y   y   y   y   . ",
    "members.view":      " y   y   y   y   y   y   y   .   o   y ",
    "members.enroll":    " y   y   y   y   .   y   y   y   y   . ",
    "members.edit":      " y   y   y   y   .   y   .   .   o   . ",
    "members.identity":  " y   y   y   .   .   y   .   .   .   . ",
    "members.merge":     " y   y   y   .   .   y   .   .   .   . ",
    "members.reveal":    " y   y   y   .   .   y   .   .   o   . ",
    "members.export":    " y   y   y   .   .   .   .   .   .   . ",
    "receipts.view":     " y   y   y   y   .   y   y   y   o   y ",
    "receipts.record":   " y   y   y   y   .   y   y   y   y   . ",
    "receipts.return":   " y   y   y   y   .   y   y   y   .   . ",
    "receipts.claim":    " y   y   y   y   .   y   y   y   .   . ",
    "photo_claims.review": " y y y   y   .   y   .   .   .   . ",
    "photo_claims.approve": " y y y  .   .   .   .   .   .   . ",
    "points.view":       " y   y   y   y   y   y   y   y   o   y ",
    "points.redeem":     " y   y   y   y   .   y   y   y   .   . ",
    "points.adjust":     " y   y   y   .   .   y   .   .   .   . ",
    "points.waive":      " y   y   y   .   .   y   .   .   .   . ",
    "waivers.approve":   " y   y   y   .   .   .   .   .   .   . ",
    "waivers.approve_any": " y y   .   .   .   .   .   .   .   . ",
    "tiers.grant":       " y   y   y   .   .   y   .   .   .   . ",
    "tiers.approve":     " y   y   y   .   .   .   .   .   .   . ",
    "risk.view":         " y   y   y   y   .   y   .   .   .   y ",
    "risk.handle":       " y   y   y   .   .   y   .   .   .   . ",
    "risk.approve":      " y   y   y   .   .   .   .   .   .   . ",
    "risk.edit":         " y   y   .   y   .   .   .   .   .   . ",
    "adjustments.approve": " y y   y   .   .   .   .   .   .   . ",
    "adjustments.approve_any": " y y . . . . . . . . ",
    "ledger.verify":     " y   y   .   .   .   .   .   .   .   y ",
    "finance.view":     " y   y   .   .   .   .   .   .   .   y ",
    "finance.edit":     " y   y   .   .   .   .   .   .   .   . ",
    "programme.view":    " y   y   y   y   y   y   y   y   y   y ",
    "programme.edit":    " y   y   .   y   .   .   .   .   .   . ",
    "segments.view":    " y   y   y   y   y   .   .   .   .   y ",
    "segments.edit":    " y   y   y   y   y   .   .   .   .   . ",
    "segments.export":  " y   y   y   .   .   .   .   .   .   . ",
    "tags.give":         " y   y   y   y   y   y   y   .   y   . ",
    "offers.view":       " y   y   y   y   y   y   y   .   .   y ",
    "offers.edit":       " y   y   y   y   y   .   .   .   .   . ",
    "coupons.issue":     " y   y   y   y   y   y   .   .   .   . ",
    "coupons.claim":     " y   y   y   y   .   y   .   .   .   . ",
    "coupons.use":       " y   y   y   y   .   y   y   y   .   . ",
    "engagement.view":  " y   y   y   y   y   y   .   .   .   y ",
    "engagement.edit":  " y   y   y   y   y   .   .   .   .   . ",
    "engagement.take_part": " y y y   y   .   y   .   .   .   . ",
    "rewards.view":      " y   y   y   y   y   y   y   .   .   y ",
    "rewards.edit":      " y   y   y   y   y   .   .   .   .   . ",
    "rewards.exchange":  " y   y   y   y   .   y   .   .   .   . ",
    "rewards.serve":     " y   y   y   y   .   y   .   .   .   . ",
    "imports.view":      " y   y   y   y   .   .   .   .   .   y ",
    "imports.run":       " y   y   .   y   .   .   .   .   .   . ",
    "collection.view":   " y   y   y   y   y   .   .   .   .   y ",
    "collection.edit":   " y   y   .   y   .   .   .   .   .   . ",
    "events.view":       " y   y   .   y   .   .   .   .   .   y ",
    "events.replay":     " y   .   .   y   .   .   .   .   .   . ",
    "webhooks.manage":   " y   y   .   .   .   .   .   .   .   . ",
    "audit.view":        " y   y   .   .   .   .   .   .   .   y ",
    "organization.view": " y   y   y   y   y   y   y   .   .   y ",
    "organization.edit": " y   y   y   .   .   .   .   .   .   . ",
    "staff.manage":      " y   y   y   .   .   .   .   .   .   . ",
    "apikeys.manage":    " y   y   .   .   .   .   .   .   .   . ",
    "keys.manage":       " y   .   .   .   .   .   .   .   .   . ",
    "tickets.view":      " y   y   y   y   .   y   y   .   o   y ",
    "tickets.open":      " y   y   y   y   .   y   y   y   y   . ",
    "tickets.answer":    " y   y   y   y   .   y   y   .   .   . ",
    "tickets.handle":    " y   y   y   y   .   y   .   .   .   . ",
    "tickets.manage":    " y   y   .   y   .   .   .   .   .   . ",
    "quality.view":      " y   y   y   y   .   o   .   .   .   y ",
    "quality.review":    " y   y   y   y   .   .   .   .   .   . ",
    "quality.edit":      " y   y   .   y   .   .   .   .   .   . ",
    "compensation.approve": " y y y y . . . . . . ",
    "follow_ups.view":   " y   y   y   y   .   .   y   .   o   y ",
    "follow_ups.work":   " y   y   y   y   .   .   y   .   o   . ",
    "follow_ups.edit":   " y   y   y   y   .   .   .   .   .   . ",
    "rights.view":       " y   y   y   .   .   y   .   .   .   y ",
    "rights.ask":        " y   y   y   .   .   y   .   .   .   . ",
    "rights.handle":     " y   y   y   .   .   y   .   .   .   . ",
    "rights.approve":    " y   y   y   .   .   .   .   .   .   . ",
    "retention.edit":    " y   y   .   .   .   .   .   .   .   . ",
    "outbox.view":       " y   y   .   .   .   y   .   .   .   . ",
    "messages.view":     " y   y   y   y   y   y   .   .   .   y ",
    "messages.send":     " y   y   .   y   y   .   .   .   .   . ",
    "templates.edit":    " y   y   .   y   y   .   .   .   .   . ",
    "campaigns.view":    " y   y   y   y   y   .   .   .   .   y ",
    "campaigns.edit":    " y   y   y   y   y   .   .   .   .   . ",
    "campaigns.approve": " y   y   y   y   .   .   .   .   .   . ",
    "forms.view":        " y   y   y   y   y   y   .   .   .   y ",
    "forms.answers":     " y   y   y   y   .   y   .   .   .   . ",
    "forms.edit":        " y   y   y   y   y   .   .   .   .   . ",
    "forms.export":      " y   y   y   .   .   .   .   .   .   . ",
    "forms.submit":      " y   y   y   y   y   y   .   .   .   . ",
    "channels.manage":   " y   y   .   y   .   .   .   .   .   . ",
}
# fmt: on

PERMISSIONS_IN_ORDER = tuple(_MATRIX)
PERMISSIONS = frozenset(_MATRIX)

MEMBER_PERMISSIONS = frozenset(
    {
        "members.view",
        "members.edit",
        "members.reveal",
        "receipts.view",
        "receipts.claim",
        "points.view",
        "points.redeem",
        "programme.view",
        "coupons.claim",
        "engagement.take_part",
        "rewards.exchange",
        "tickets.view",
        "tickets.open",
        "rights.ask",
        "tags.give",
    }
)
"""What members may do about themselves."""


@dataclass(frozen=True, slots=True)
class Role:
    """``permissions`` hold where the role is granted, ``own_permissions`` only for the holder's own members."""

    permissions: frozenset[str]
    own_permissions: frozenset[str]

    @property
    def all_permissions(self) -> frozenset[str]:
        return self.permissions | self.own_permissions


def _roles() -> dict[str, Role]:
    marks = {permission: row.split() for permission, row in _MATRIX.items()}

    def marked(column: int, mark: str) -> frozenset[str]:
        return frozenset(permission for permission, row in marks.items() if row[column] == mark)

    return {name: Role(marked(at, "y"), marked(at, "o")) for at, name in enumerate(_COLUMNS)}


ROLES: Mapping[str, Role] = _roles()


def scopes_of(
    grants: Sequence[tuple[str, str, int]], staff_id: int
) -> list[tuple[frozenset[str], str, frozenset[int]]]:
    """(permissions, level, ids) for each granted (role, level, target id). An unknown role or level opens nothing."""
    scopes = []
    for name, level, target_id in grants:
        role = ROLES.get(name)
        if role is None or level not in LEVELS:
            continue
        own = frozenset({staff_id})
        if level == "own":
            scopes.append((role.all_permissions, "own", own))
            continue
        ids: frozenset[int] = frozenset() if level == "all" else frozenset({target_id})
        scopes.append((role.permissions, level, ids))
        if role.own_permissions:
            scopes.append((role.own_permissions, "own", own))
    return scopes


@dataclass(frozen=True, slots=True)
class SecurityProfile:
    """How strict log-ins are.

    "modern" follows OWASP ASVS 5 (length instead of composition, no forced change, waits that grow); "mlps3" follows
    the usual reading of 等级保护 level 3. They contradict each other, so a house chooses one.
    """

    password_length_min: int = 10
    password_character_kinds_min: int = 1
    password_age_max: dt.timedelta | None = None
    tries_before_wait: int = 5
    first_wait: dt.timedelta = dt.timedelta(seconds=30)
    longest_wait: dt.timedelta = dt.timedelta(minutes=15)
    idle_max: dt.timedelta = dt.timedelta(minutes=30)
    session_max: dt.timedelta = dt.timedelta(hours=12)


PROFILES: Mapping[str, SecurityProfile] = {
    "modern": SecurityProfile(),
    "mlps3": SecurityProfile(
        password_character_kinds_min=3,
        password_age_max=dt.timedelta(days=90),
        first_wait=dt.timedelta(minutes=15),
        idle_max=dt.timedelta(minutes=15),
    ),
}

PASSWORD_LENGTH_MAX = 128
ATTEMPT_WINDOW = dt.timedelta(minutes=15)
ACCOUNT_FAILURES_MAX = 20
ADDRESS_FAILURES_MAX = 60


@dataclass(frozen=True, slots=True)
class Attempts:
    """Failed log-ins of the last ATTEMPT_WINDOW: for this account from this address, for the account, from the address.

    ``is_known_address``: the owner of the account has logged in from here before.
    """

    pair_failures: int = 0
    pair_latest_at: dt.datetime | None = None
    account_failures: int = 0
    account_latest_at: dt.datetime | None = None
    address_failures: int = 0
    address_latest_at: dt.datetime | None = None
    is_known_address: bool = False


def wait_before_log_in(attempts: Attempts, now: dt.datetime, profile: SecurityProfile) -> dt.timedelta:
    """How long to wait before the next try; zero when it may be made now.

    A stranger's guessing slows the stranger down: limits on the whole account and on the whole address do not hold for
    an address from which the owner has logged in before, so nobody can lock somebody else out.
    """
    waits = [_remaining(_pair_wait(attempts.pair_failures, profile), attempts.pair_latest_at, now)]
    if not attempts.is_known_address:
        if attempts.account_failures >= ACCOUNT_FAILURES_MAX:
            waits.append(_remaining(profile.longest_wait, attempts.account_latest_at, now))
        if attempts.address_failures >= ADDRESS_FAILURES_MAX:
            waits.append(_remaining(profile.longest_wait, attempts.address_latest_at, now))
    return max(waits)


def _pair_wait(failures: int, profile: SecurityProfile) -> dt.timedelta:
    excess = failures - profile.tries_before_wait
    if excess < 0:
        return dt.timedelta()
    doublings: int = 2 ** min(excess, 16)
    return min(profile.first_wait * doublings, profile.longest_wait)


def _remaining(wait: dt.timedelta, since: dt.datetime | None, now: dt.datetime) -> dt.timedelta:
    if since is None:
        return dt.timedelta()
    return max(wait - (now - since), dt.timedelta())


@dataclass(frozen=True, slots=True)
class PasswordFaults:
    is_too_short: bool = False
    is_too_long: bool = False
    has_too_few_kinds: bool = False
    has_banned_words: frozenset[str] = field(default_factory=frozenset)

    def __bool__(self) -> bool:
        return self.is_too_short or self.is_too_long or self.has_too_few_kinds or bool(self.has_banned_words)


def password_faults(password: str, banned_words: Collection[str], profile: SecurityProfile) -> PasswordFaults:
    """What is wrong with a new password. ``banned_words`` are names everybody here would guess (3 letters or more)."""
    folded = password.casefold()
    return PasswordFaults(
        is_too_short=len(password) < profile.password_length_min,
        is_too_long=len(password) > PASSWORD_LENGTH_MAX,
        has_too_few_kinds=_character_kinds(password) < profile.password_character_kinds_min,
        has_banned_words=frozenset(w for w in banned_words if len(w) >= 3 and w.casefold() in folded),
    )


def _character_kinds(text: str) -> int:
    tests = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    return sum(any(test(character) for character in text) for test in tests)


def is_password_expired(changed_at: dt.datetime | None, now: dt.datetime, profile: SecurityProfile) -> bool:
    if profile.password_age_max is None:
        return False
    return changed_at is None or now - changed_at > profile.password_age_max


def is_session_live(
    started_at: dt.datetime, last_seen_at: dt.datetime, now: dt.datetime, profile: SecurityProfile
) -> bool:
    """Whether a session has neither idled too long nor lasted too long."""
    return now - last_seen_at < profile.idle_max and now - started_at < profile.session_max


TOTP_STEP_S = 30
TOTP_DRIFT_STEPS = 1


def totp_step(secret: str, code: str, now: dt.datetime, last_step: int) -> int | None:
    """The time step that ``code`` belongs to, or None when it is wrong, stale or already used (≤ ``last_step``)."""
    import hmac

    import pyotp

    totp = pyotp.TOTP(secret, interval=TOTP_STEP_S)
    current = int(now.timestamp()) // TOTP_STEP_S
    for step in range(current - TOTP_DRIFT_STEPS, current + TOTP_DRIFT_STEPS + 1):
        if step > last_step and hmac.compare_digest(totp.generate_otp(step).encode(), code.strip().encode()):
            return step
    return None


API_KEY_PREFIX = "zk"
_API_KEY_PARTS = 3


def api_key_prefix(raw: str) -> str | None:
    """The public middle of ``zk_<prefix>_<secret>``, or None when the text has another shape."""
    parts = raw.split("_", 2)
    if len(parts) != _API_KEY_PARTS or parts[0] != API_KEY_PREFIX or not parts[1] or not parts[2]:
        return None
    return parts[1]
