"""The PostgreSQL that comes along: as root and as a plain user, longer-lived than who started it, true to its version."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from zhike.kernel import embedded_postgres as pg

STRANGER = "nobody"
START = """
import os, pathlib, sys
from zhike.kernel import embedded_postgres as pg
place = pg.ensure_running(pathlib.Path(sys.argv[1]), shared_buffers="16MB", fsync="off")
print(pg.postmaster_pid(place), place.user, flush=True)
sys.stdin.read()
"""
STOP = """
import pathlib, sys
from zhike.kernel import embedded_postgres as pg
print(pg.stop(pathlib.Path(sys.argv[1])), pg.stop(pathlib.Path(sys.argv[1])))
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that everybody can walk to, so that data and binaries stay where they are."""
    folder = Path(tempfile.mkdtemp(prefix="zhike-home-"))
    folder.chmod(0o755)
    yield folder
    pg.stop(folder)
    shutil.rmtree(folder)


def run(program: str, home: Path, user: str | None, python: str = sys.executable) -> subprocess.Popen[str]:
    paths = [Path(pg.__file__).parents[2], Path(psycopg.__file__).parents[1]]
    return subprocess.Popen(
        [python, "-c", program, str(home)],
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, paths))},
    )


def python_of(user: str | None) -> str | None:
    """A Python that can start the server as that user: ours may live below a home that is closed to others."""
    for python in (sys.executable, "/usr/bin/python3") if user else (sys.executable,):
        try:
            probe = run("import embedded_postgres, zhike.kernel.embedded_postgres", Path("/"), user, python)
        except OSError:
            continue
        probe.communicate()
        if probe.returncode == 0:
            return python
    return None


@pytest.mark.parametrize("user", [None, STRANGER])
def test_it_outlives_who_started_it_and_is_stopped_by_who_comes_next(home: Path, user: str | None) -> None:
    if user and os.geteuid() != 0:
        pytest.skip("only root can act as somebody else; what is left is a plain user already")
    python = python_of(user)
    if python is None:
        pytest.skip(f"{user} can use no Python here")
    if user:
        os.chown(home, pwd.getpwnam(user).pw_uid, -1)

    first = run(START, home, user, python)
    assert first.stdout is not None
    pid, runs_as = first.stdout.readline().split()
    assert runs_as == ("None" if user or os.geteuid() != 0 else pg.SYSTEM_USER)
    first.send_signal(signal.SIGKILL)
    first.wait()

    second = run(START, home, user, python)
    assert second.communicate(input="")[0].split()[0] == pid, "the same server, not another one"
    socket = home / "run"
    url = pg.Place(home / "postgres", socket, home, None).url("postgres")
    with psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    third = run(STOP, home, user, python)
    assert third.communicate()[0].split() == ["True", "False"]


def test_data_of_another_major_version_are_left_alone_and_it_says_what_to_do(home: Path) -> None:
    data = pg.locate(home).data
    data.mkdir()
    (data / "PG_VERSION").write_text("13\n")
    with pytest.raises(
        pg.PostgresError, match=r"made by PostgreSQL 13, this Zhike brings \d+\..*zhike db dump"
    ):
        pg.ensure_running(home)
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_pid_file_of_a_dead_server_does_not_count(home: Path) -> None:
    place = pg.locate(home)
    place.data.mkdir()
    gone = subprocess.Popen(["true"])
    gone.wait()
    (place.data / "postmaster.pid").write_text(f"{gone.pid}\n")
    assert not pg.is_running(place)
    assert pg.stop(home) is False
