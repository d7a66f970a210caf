"""Requests per key and minute, over all processes, without a round trip per request.

The minute's allowance lies in one row per key of an unlogged table. A process leases a twentieth of it at a time and
counts in memory. The limit is never exceeded; what one process has leased and not used is lost to the others until the
minute ends, so a caller whose requests are spread over n processes may be stopped at up to n/20 of the limit early
(not at all for limits up to 20). Windows are whole minutes: a burst across the border may reach twice the limit.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, field

from django.db import connection

from zhike.kernel import clock

LEASES_PER_MINUTE = 20
KEYS_IN_MEMORY_MAX = 10_000
WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Decision:
    """`remaining` is what this process knows to be left; `retry_after` the seconds to wait, 0 if allowed."""

    allowed: bool
    remaining: int
    retry_after: int


@dataclass(slots=True)
class _Lease:
    minute: int
    left: int = 0
    left_elsewhere: int = 0
    is_used_up: bool = False
    asking: threading.Lock = field(default_factory=threading.Lock)


_lock = threading.Lock()
_leases: dict[str, _Lease] = {}


def check(key: str, limit_per_minute: int, *, now: dt.datetime | None = None) -> Decision:
    """Count one request of `key`. Call it before the operation's transaction."""
    seconds = (now or clock.now()).timestamp()
    minute = int(seconds // 60)
    while True:
        with _lock:
            lease = _lease_of(key, minute)
            if lease.left > 0:
                return _take(lease)
        taken = None if lease.is_used_up else _ask(key, lease, limit_per_minute)
        if isinstance(taken, Decision):
            return taken
        if taken is None:
            return Decision(allowed=False, remaining=0, retry_after=60 - int(seconds) % 60)
        minute = taken


def _ask(key: str, lease: _Lease, limit: int) -> Decision | int | None:
    """Take the next twentieth for this process; None when there is none, the minute when another began meanwhile.

    One thread asks at a time, or a crowd at the beginning of a minute would lease all of it and find nothing left for the
    last of them. Nobody waits longer than WAIT_S, for whoever asks may have to wait for a connection itself.
    """
    waited = lease.asking.acquire(timeout=WAIT_S)
    try:
        with _lock:
            if lease.left > 0:
                return _take(lease)
        more = None if lease.is_used_up else _lease_more(key, lease.minute, limit)
        with _lock:
            if more is None:
                lease.is_used_up = True
                return _take(lease) if lease.left > 0 else None
            kept = _lease_of(key, more.minute)
            if kept.minute != more.minute:
                return kept.minute
            kept.left += more.left
            kept.left_elsewhere = more.left_elsewhere
            return _take(kept) if kept.left > 0 else None
    finally:
        if waited:
            lease.asking.release()


def prune(*, now: dt.datetime) -> None:
    """Forget keys that have not called for an hour."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM kernel_rate_window WHERE minute < %s", [int(now.timestamp() // 60) - 60])


def _take(lease: _Lease) -> Decision:
    lease.left -= 1
    return Decision(allowed=True, remaining=lease.left + lease.left_elsewhere, retry_after=0)


def _lease_of(key: str, minute: int) -> _Lease:
    lease = _leases.get(key)
    if lease is None or lease.minute < minute:
        if len(_leases) >= KEYS_IN_MEMORY_MAX:
            _leases.clear()
        lease = _leases[key] = _Lease(minute)
    return lease


def _lease_more(key: str, minute: int, limit: int) -> _Lease | None:
    """Take up to a twentieth of the minute's allowance, or None when it is used up.

    The minute is the latest that any process has seen, so a clock that lags behind does not lock anyone out.
    """
    wanted = max(1, limit // LEASES_PER_MINUTE)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kernel_rate_window AS w (key, minute, leased) VALUES (%(key)s, %(minute)s, %(wanted)s)"
            " ON CONFLICT (key) DO UPDATE SET minute = greatest(w.minute, EXCLUDED.minute),"
            " leased = EXCLUDED.leased + CASE WHEN w.minute < EXCLUDED.minute THEN 0 ELSE w.leased END"
            " WHERE w.minute < EXCLUDED.minute OR w.leased < %(limit)s"
            " RETURNING minute, leased",
            {"key": key, "minute": minute, "limit": limit, "wanted": wanted},
        )
        row = cursor.fetchone()
    if row is None:
        return None
    minute, leased = row
    return _Lease(minute, left=min(wanted, limit - leased + wanted), left_elsewhere=max(0, limit - leased))
