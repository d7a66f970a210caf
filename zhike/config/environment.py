"""What the surroundings tell: home, database address, keys, mode. Read once, by settings and the command line."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit


class Misconfigured(RuntimeError):
    """What the surroundings say cannot be used; its text says what to change."""


def home() -> Path:
    """The directory of this installation's own files: embedded database, keys, uploads."""
    return Path(os.environ.get("ZHIKE_HOME", ".zhike")).resolve()


def inbox() -> Path:
    """The folder below which connectors watch for files; ZHIKE_INBOX, or `inbox` in ZHIKE_HOME."""
    return Path(os.environ.get("ZHIKE_INBOX") or home() / "inbox")


def history_dir() -> Path:
    """The folder of the columnar history; ZHIKE_HISTORY, or `history` in ZHIKE_HOME. Every worker must see the same one."""
    return Path(os.environ.get("ZHIKE_HISTORY") or home() / "history")


def is_production() -> bool:
    return os.environ.get("ZHIKE_ENV", "development") == "production"


def proxies() -> list[str]:
    """Addresses and networks of the proxies in front of us, whose X-Forwarded-For is believed; nobody's by default."""
    return [one.strip() for one in os.environ.get("ZHIKE_PROXIES", "").split(",") if one.strip()]


def secret_key() -> str:
    """Django's signing key: from ``ZHIKE_SECRET_KEY``, or a file made on first start outside production."""
    if key := os.environ.get("ZHIKE_SECRET_KEY"):
        return key
    if is_production():
        raise Misconfigured("ZHIKE_SECRET_KEY must be set in production.")
    path = home() / "secret_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


def one_of(name: str, default: str, choices: Sequence[str]) -> str:
    """A variable that has one of a few values. Raises Misconfigured."""
    value = os.environ.get(name) or default
    if value not in choices:
        raise Misconfigured(f"{name} is {value!r}; it may be {', '.join(choices)}.")
    return value


def whole_number(name: str, default: int) -> int:
    """A variable that is a whole number above 0. Raises Misconfigured."""
    value = os.environ.get(name) or str(default)
    if not (value.isascii() and value.isdigit() and int(value) > 0):
        raise Misconfigured(f"{name} is {value!r}; it must be a whole number above 0.")
    return int(value)


def database() -> dict[str, Any]:
    """Django's DATABASES entry from ``DATABASE_URL``; the command line sets it when it started the embedded server.

    The host may be a percent-encoded socket directory, as in ``postgresql://postgres@%2Ftmp%2Frun/zhike``.
    Raises Misconfigured.
    """
    default = f"postgresql://postgres@{quote(str(home() / 'run'), safe='')}/zhike"
    parts = urlsplit(os.environ.get("DATABASE_URL") or default)
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise Misconfigured("DATABASE_URL must be like postgresql://role:password@host:5432/name.")
    address = parts.netloc.rpartition("@")[2]
    host, _, port = (address, "", "") if "%" in address else address.partition(":")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(host),
        "PORT": port,
        "OPTIONS": {
            "pool": {"min_size": 1, "max_size": whole_number("ZHIKE_POOL", 12), "timeout": 10},
            "prepare_threshold": 10
            ** 9,  # statements are prepared when they ask for it, and never by themselves
        },
    }
