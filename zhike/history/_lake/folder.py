"""The folder of the lake: whole files only, one manifest that names them, one writer at a time.

A file is written under another name, brought to the disk and renamed; the manifest is replaced after the last file, in
one step. Files that no manifest names are what a killed run left, and are swept by the next.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from zhike.history.rules import FORMAT

MANIFEST = "manifest.json"
LOCK = ".lock"
TRY_AGAIN_S = 0.05


class Busy(Exception):
    """Another run holds the folder."""


@dataclass(frozen=True, slots=True)
class LakeFile:
    name: str
    rows: int
    size_bytes: int
    digest: str


@dataclass(slots=True)
class Manifest:
    """``home`` is the database it was filled from, ``cursor`` the transaction id from which rows are new to it."""

    home: str = ""
    cursor: int = 0
    batch: int = 0
    exported_at: str = ""
    format: int = FORMAT
    tables: dict[str, list[LakeFile]] = field(default_factory=dict)

    def files(self, table: str) -> list[LakeFile]:
        return self.tables.get(table, [])


class Folder:
    """``path`` need not exist before something is written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Manifest:
        """Empty before the first run, and where the format is not ours."""
        try:
            stored = json.loads((self.path / MANIFEST).read_text("utf-8"))
        except FileNotFoundError:
            return Manifest()
        if stored.pop("format") != FORMAT:
            return Manifest()
        tables = {name: [LakeFile(**one) for one in files] for name, files in stored.pop("tables").items()}
        return Manifest(**stored, tables=tables)

    def place(self, file: LakeFile) -> str:
        return str(self.path / file.name)

    @contextmanager
    def locked(self, wait_s: float) -> Iterator[None]:
        """One writer at a time, over all processes of this machine. Raises Busy."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / LOCK).open("w") as handle:
            give_up = time.monotonic() + wait_s
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as busy:
                    if time.monotonic() >= give_up:
                        raise Busy from busy
                    time.sleep(TRY_AGAIN_S)
            yield

    def take_in(self, written: Path, rows: int) -> LakeFile:
        """A file that was written below this folder becomes one of the lake's: on the disk, named by its content."""
        digest = self.digest_of(written)
        name = f"{written.parent.name}/{digest[:32]}.parquet"
        file = LakeFile(name, rows, written.stat().st_size, digest)
        _to_disk(written)
        written.rename(self.path / name)
        _to_disk((self.path / name).parent)
        return file

    def write(self, manifest: Manifest) -> None:
        """The last step of a run: from here on readers see the new files; the old ones go."""
        text = json.dumps(asdict(manifest), indent=1)
        temporary = self.path / f"{MANIFEST}.new"
        temporary.write_text(text, "utf-8")
        _to_disk(temporary)
        temporary.rename(self.path / MANIFEST)
        _to_disk(self.path)
        self.sweep(manifest)

    def sweep(self, manifest: Manifest) -> int:
        """Remove what the manifest does not name; how many files."""
        named = {self.place(file) for files in manifest.tables.values() for file in files}
        removed = 0
        for path in [*self.path.glob("*/*"), *self.path.glob("*.new")]:
            if path.is_file() and str(path) not in named:
                path.unlink()
                removed += 1
        return removed

    @staticmethod
    def digest_of(path: Path) -> str:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
