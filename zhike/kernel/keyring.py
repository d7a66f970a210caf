"""The keys of this installation: from the environment or a file, never from the database.

`ZHIKE_KEYS` holds them as JSON, or `ZHIKE_KEY_FILE` (default `keys.json` in the home directory) names a file of the
same form:

    {"keys": [{"kid": "k1", "secret": "base64 of 32 bytes"}], "index_keys": [{"version": 1, "secret": "…"}]}

The last key of each list is used for writing, all of them for reading. Outside production the file is made on first
use; in production a missing file is an error, because a new key could not read what the old one wrote.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Conflict

SECRET_BYTES = 32
INDEX_VERSION_MAX = 255
_KID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


class KeyringUnusable(RuntimeError):
    """There are no keys, or not in the form they should have; the message says where they were looked for."""


class KeysNotInFile(Conflict):
    code = "keys-not-in-file"
    title = _("The keys come from the environment. Add the new key there.")


@dataclass(frozen=True, slots=True)
class Keyring:
    """Secrets by key id, and index secrets by version; both in the order in which they were made."""

    keys: dict[str, bytes]
    index_keys: dict[int, bytes]

    @property
    def newest_kid(self) -> str:
        return list(self.keys)[-1]

    @property
    def newest_index_version(self) -> int:
        return list(self.index_keys)[-1]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises KeyringUnusable."""
        try:
            raw = json.loads(text)
            keys = {str(entry["kid"]): _secret(entry["secret"]) for entry in raw["keys"]}
            index_keys = {int(entry["version"]): _secret(entry["secret"]) for entry in raw["index_keys"]}
        except (ValueError, KeyError, TypeError) as error:
            raise KeyringUnusable(
                "The keys are not in the form that zhike/kernel/keyring.py describes."
            ) from error
        ids_fit = all(map(_KID.fullmatch, keys)) and all(0 < v <= INDEX_VERSION_MAX for v in index_keys)
        unique = len(keys) == len(raw["keys"]) and len(index_keys) == len(raw["index_keys"])
        if not (keys and index_keys and ids_fit and unique):
            raise KeyringUnusable(
                "The keys need at least one key and one index key, each with an id of its own."
            )
        return cls(keys, index_keys)

    @classmethod
    def generate(cls) -> Self:
        return cls({"k1": secrets.token_bytes(SECRET_BYTES)}, {1: secrets.token_bytes(SECRET_BYTES)})

    def with_new_key(self) -> Self:
        number = len(self.keys) + 1
        while f"k{number}" in self.keys:
            number += 1
        return type(self)(self.keys | {f"k{number}": secrets.token_bytes(SECRET_BYTES)}, self.index_keys)

    def with_new_index_key(self) -> Self:
        version = max(self.index_keys) + 1
        return type(self)(self.keys, self.index_keys | {version: secrets.token_bytes(SECRET_BYTES)})

    def without_key(self, kid: str) -> Self:
        return type(self)({k: s for k, s in self.keys.items() if k != kid}, self.index_keys)

    def without_index_key(self, version: int) -> Self:
        return type(self)(self.keys, {v: s for v, s in self.index_keys.items() if v != version})

    def text(self) -> str:
        keys = [{"kid": kid, "secret": _base64(secret)} for kid, secret in self.keys.items()]
        index_keys = [
            {"version": version, "secret": _base64(secret)} for version, secret in self.index_keys.items()
        ]
        return json.dumps({"keys": keys, "index_keys": index_keys}, indent=2) + "\n"


_lock = threading.Lock()
_current: Keyring | None = None


def current() -> Keyring:
    """The keys, read on first use. Raises KeyringUnusable."""
    return _current or reload()


def reload() -> Keyring:
    """Read the keys again: another process may have added one."""
    global _current
    with _lock:
        _current = _load()
        return _current


def forget() -> None:
    """Read the keys again when they are needed next."""
    global _current
    _current = None


def store(keyring: Keyring) -> None:
    """Replace the key file in one step. Raises KeysNotInFile when the keys come from the environment."""
    if os.environ.get("ZHIKE_KEYS"):
        raise KeysNotInFile
    _write(key_file(), keyring)
    reload()


def key_file() -> Path:
    return Path(os.environ.get("ZHIKE_KEY_FILE") or Path(settings.HOME) / "keys.json")


def _load() -> Keyring:
    if text := os.environ.get("ZHIKE_KEYS"):
        return Keyring.parse(text)
    path = key_file()
    if not path.exists():
        if settings.PRODUCTION:
            raise KeyringUnusable(f"No keys: set ZHIKE_KEYS or put them into {path}.")
        _create(path)
    return Keyring.parse(path.read_text(encoding="utf-8"))


def _create(path: Path) -> None:
    """Two processes may come here at once; a link makes only the first one's keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path, Keyring.generate())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _write(path: Path, keyring: Keyring) -> None:
    _draft(path, keyring).replace(path)


def _draft(path: Path, keyring: Keyring) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(keyring.text())
        handle.flush()
        os.fsync(handle.fileno())
    return draft


def _secret(text: Any) -> bytes:
    secret = base64.b64decode(text, validate=True)
    if len(secret) != SECRET_BYTES:
        raise ValueError("a secret has 32 bytes")
    return secret


def _base64(secret: bytes) -> str:
    return base64.b64encode(secret).decode()
