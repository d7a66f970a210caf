import datetime as dt
from collections.abc import Iterator

import pytest

from tests.kernel.facts import NOON
from tests.kernel.threads import run_threads
from zhike.kernel import ratelimit
from zhike.kernel.models import RateWindow


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    forget()
    yield
    forget()


def forget() -> None:
    """As another process, which has leased nothing yet."""
    ratelimit._leases.clear()


def allowed(times: int, limit: int, *, now: dt.datetime = NOON) -> int:
    return sum(ratelimit.check("key", limit, now=now).allowed for _ in range(times))


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [1, 7, 20, 119, 600])
def test_one_process_gets_exactly_the_limit(limit: int) -> None:
    assert allowed(limit + 50, limit) == limit


@pytest.mark.django_db
def test_processes_together_never_exceed_the_limit() -> None:
    first = allowed(40, 100)
    forget()
    second = allowed(40, 100)
    forget()
    third = allowed(100, 100)
    assert (first, second) == (40, 40)
    assert first + second + third == 100


@pytest.mark.django_db
def test_unused_lease_is_the_only_loss() -> None:
    assert allowed(1, 100) == 1
    forget()
    assert allowed(100, 100) == 95


@pytest.mark.django_db
def test_next_minute_begins_afresh() -> None:
    assert allowed(10, 5) == 5
    assert allowed(10, 5, now=NOON + dt.timedelta(minutes=1)) == 5


@pytest.mark.django_db
def test_refusal_tells_when_to_come_back() -> None:
    allowed(5, 5, now=NOON)
    decision = ratelimit.check("key", 5, now=NOON + dt.timedelta(seconds=48.5))
    assert (decision.allowed, decision.remaining, decision.retry_after) == (False, 0, 12)


@pytest.mark.django_db
def test_decision_tells_what_is_left() -> None:
    assert [ratelimit.check("key", 40, now=NOON).remaining for _ in range(3)] == [39, 38, 37]


@pytest.mark.django_db
def test_clock_that_lags_behind_is_not_locked_out() -> None:
    assert allowed(1, 5, now=NOON + dt.timedelta(minutes=1)) == 1
    forget()
    assert allowed(10, 5, now=NOON) == 4


@pytest.mark.django_db
def test_keys_do_not_share_and_zero_means_never() -> None:
    assert ratelimit.check("a", 1, now=NOON).allowed
    assert ratelimit.check("b", 1, now=NOON).allowed
    assert not ratelimit.check("c", 0, now=NOON).allowed


@pytest.mark.django_db
def test_old_windows_are_pruned() -> None:
    allowed(1, 5, now=NOON - dt.timedelta(hours=2))
    ratelimit.check("other", 5, now=NOON)
    ratelimit.prune(now=NOON)
    assert RateWindow.objects.get().key == "other"


@pytest.mark.django_db(transaction=True)
def test_32_threads_share_one_limit() -> None:
    assert sum(run_threads([lambda: allowed(20, 100)] * 32)) == 100


@pytest.mark.django_db
def test_nobody_is_stopped_because_the_minute_turned_while_they_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One thread asks for more at the end of a minute; before it has it, another begins the next one."""
    ask, minute = ratelimit._lease_more, int(NOON.timestamp() // 60)

    def turned(key: str, asked: int, limit: int) -> ratelimit._Lease | None:
        more = ask(key, asked, limit)
        if asked == minute:
            ratelimit._lease_of(key, minute + 1)
        return more

    monkeypatch.setattr(ratelimit, "_lease_more", turned)
    assert ratelimit.check("key", 100, now=NOON).allowed


@pytest.mark.django_db(transaction=True)
def test_a_crowd_at_the_beginning_of_a_minute_is_let_in() -> None:
    """More at once than the parts of an allowance: they share what one of them asked for, and leave the rest to others."""
    crowd = run_threads([lambda: ratelimit.check("key", 1_000, now=NOON).allowed] * 32)
    assert crowd == [True] * 32
    assert RateWindow.objects.get(key="key").leased == 50
