"""Children are kept going, ended together, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SUPERVISED = """
import sys
from pathlib import Path
from zhike.config import supervisor as ours
from zhike.config.supervisor import Child, Supervisor
ours.RESTART_PAUSE_S = 0.05
folder = Path(sys.argv[1])
child = [sys.executable, "-c", {child!r}, str(folder)]
guarded = []
supervisor = Supervisor([Child("child", child)], guard=lambda: (folder / "guarded").touch())
sys.exit(supervisor.run(lambda: (folder / "announced").touch()))
"""
STAYS = """
import os, subprocess, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
note = folder / f"{os.getpid()}.started"
note.with_suffix(".being-written").write_text(str(grandchild.pid))
note.with_suffix(".being-written").rename(note)
time.sleep(600)
"""
FAILS = "import sys; sys.exit(3)"


@contextmanager
def supervised(folder: Path, child: str) -> Iterator[subprocess.Popen[bytes]]:
    program = SUPERVISED.format(child=child)
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited for {what} in vain")
        time.sleep(0.02)


def started(folder: Path) -> list[int]:
    """Process ids of the children that were ever started, the oldest first."""
    files = sorted(folder.glob("*.started"), key=lambda path: path.stat().st_mtime_ns)
    return [int(path.stem) for path in files]


def grandchild(folder: Path, child: int) -> int:
    return int((folder / f"{child}.started").read_text())


def is_alive(pid: int) -> bool:
    """Whether it runs; one that has ended but was not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_child_is_started_again_and_its_own_children_are_ended(tmp_path: Path) -> None:
    with supervised(tmp_path, STAYS) as process:
        wait_for(lambda: started(tmp_path), "the child")
        first = started(tmp_path)[0]
        wait_for(lambda: (tmp_path / f"{first}.started").read_text(), "its child")
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: len(started(tmp_path)) == 2, "the second child")
        assert not is_alive(grandchild(tmp_path, first))
        assert (tmp_path / "announced").exists()
        wait_for(lambda: (tmp_path / "guarded").exists(), "the guard")
        assert process.poll() is None


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_all_end_when_told_to(tmp_path: Path, how: signal.Signals) -> None:
    with supervised(tmp_path, STAYS) as process:
        wait_for(lambda: started(tmp_path), "the child")
        child = started(tmp_path)[0]
        wait_for(lambda: (tmp_path / f"{child}.started").read_text(), "its child")
        process.send_signal(how)
        assert process.wait(30) == 0
        assert not is_alive(child)
        assert not is_alive(grandchild(tmp_path, child))


@pytest.mark.skipif(
    sys.platform != "linux", reason="the kernel tells children of their parent's death on Linux"
)
def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with supervised(tmp_path, STAYS) as process:
        wait_for(lambda: started(tmp_path), "the child")
        child = started(tmp_path)[0]
        process.kill()
        wait_for(lambda: not is_alive(child), "the end of the child")
        os.kill(grandchild(tmp_path, child), signal.SIGKILL)


def test_a_child_that_never_starts_ends_all_with_a_failure(tmp_path: Path) -> None:
    with supervised(tmp_path, FAILS) as process:
        assert process.wait(60) == 1
        assert process.stderr is not None
        assert b"child ended again (3); giving up." in process.stderr.read()
