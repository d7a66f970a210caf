import io
import time
from typing import Any

import pytest

from zhike.kernel.progress import Progress, track


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock that progress looks at: a list of one number."""
    moment = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    return moment


def test_short_work_is_silent(seconds: list[float]) -> None:
    stream = io.StringIO()
    with Progress("Reading", 3, stream=stream) as bar:
        bar.advance(3)
        seconds[0] += 1
    assert stream.getvalue() == ""


def test_long_work_prints_a_line_now_and_then(seconds: list[float]) -> None:
    stream = io.StringIO()
    with Progress("Reading", 2000, stream=stream) as bar:
        for _ in range(10):
            seconds[0] += 1
            bar.advance(100)
    assert stream.getvalue().splitlines() == [
        "Reading: 200 / 2,000 (100/s)",
        "Reading: 700 / 2,000 (100/s)",
        "Reading: 1,000 / 2,000 (100/s)",
    ]


def test_terminal_gets_a_bar(seconds: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with Progress("Reading", 10, stream=stream) as bar:
        seconds[0] += 3
        bar.advance(4)
        bar.advance(6)
    assert "Reading" in stream.getvalue()
    assert "10/10" in stream.getvalue()


def test_track_passes_everything_through(capsys: pytest.CaptureFixture[str], seconds: list[float]) -> None:
    def slow() -> Any:
        for number in range(3):
            seconds[0] += 3
            yield number

    assert list(track(slow(), "Counting", total=3)) == [0, 1, 2]
    assert "Counting: 3 / 3" in capsys.readouterr().err
