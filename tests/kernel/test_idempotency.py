import datetime as dt
import threading
from collections.abc import Iterator

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from tests.kernel.facts import NOON, note, seen, seen_table
from tests.kernel.threads import run_threads
from zhike.kernel import idempotency
from zhike.kernel.errors import Conflict
from zhike.kernel.idempotency import BadKey, InFlight, KeyReused, Outcome, problem_of, run_once
from zhike.kernel.models import IdempotencyRecord

pytestmark = pytest.mark.feature("B04")

SCOPE = "api:1 POST /receipts"


class Refused(Conflict):
    code = "refused"


def once(
    key: str | None = "k", *, request: bytes = b"hash", scope: str = SCOPE, status: int = 201
) -> Outcome:
    def execute() -> Outcome:
        note(0, "", status)
        return Outcome(status, {"积分": 12, "list": [1]})

    return run_once(scope=scope, key=key, request_hash=request, now=NOON, execute=execute)


@pytest.fixture
def table(transactional_db: None) -> Iterator[None]:
    with seen_table():
        yield


@pytest.mark.usefixtures("table")
class TestOneKey:
    def test_second_time_replays_the_answer(self) -> None:
        assert once() == Outcome(201, {"积分": 12, "list": [1]}, replayed=False)
        assert once() == Outcome(201, {"积分": 12, "list": [1]}, replayed=True)
        assert len(seen()) == 1

    def test_other_request_is_refused(self) -> None:
        once()
        with pytest.raises(KeyReused):
            once(request=b"other")
        assert len(seen()) == 1

    def test_scopes_do_not_share_keys(self) -> None:
        once()
        assert not once(scope="api:2 POST /receipts").replayed
        assert len(seen()) == 2

    def test_without_a_key_it_simply_runs(self) -> None:
        once(None)
        once(None)
        assert len(seen()) == 2
        assert not IdempotencyRecord.objects.exists()

    def test_refusal_stores_nothing_and_may_be_corrected(self) -> None:
        def refuse() -> Outcome:
            note(0, "", 1)
            raise Refused

        with pytest.raises(Refused):
            run_once(scope=SCOPE, key="k", request_hash=b"hash", now=NOON, execute=refuse)
        assert seen() == []
        assert not IdempotencyRecord.objects.exists()
        assert not once(request=b"corrected").replayed

    def test_second_request_is_told_to_wait_while_the_first_runs(self) -> None:
        inside, leave = threading.Event(), threading.Event()

        def slow() -> Outcome:
            inside.set()
            assert leave.wait(30)
            return Outcome(200, {})

        def first() -> str:
            return str(run_once(scope=SCOPE, key="k", request_hash=b"h", now=NOON, execute=slow).status)

        def second() -> str:
            assert inside.wait(30)
            try:
                once()
                return "ran"
            except InFlight as problem:
                return problem.code
            finally:
                leave.set()

        assert run_threads([first, second]) == ["200", "idempotency-in-flight"]
        assert seen() == []

    def test_32_threads_with_one_key_execute_once(self) -> None:
        barrier = threading.Barrier(32)

        def attempt() -> str:
            barrier.wait(30)
            try:
                return "replayed" if once().replayed else "executed"
            except InFlight:
                return "in flight"

        results = run_threads([attempt] * 32)
        assert results.count("executed") == 1
        assert len(seen()) == 1
        assert IdempotencyRecord.objects.count() == 1

    def test_32_threads_with_the_sql_functions_execute_once(self) -> None:
        barrier = threading.Barrier(32)

        def attempt() -> str:
            barrier.wait(30)
            try:
                return in_sql()
            except DatabaseError as error:
                problem = problem_of(error)
                assert problem
                return problem.code

        results = run_threads([attempt] * 32)
        assert results.count("executed") == 1
        assert len(seen()) == 1
        assert set(results) <= {"executed", "replayed", "idempotency-in-flight"}


def in_sql(request: bytes = b"hash") -> str:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT kernel_idempotency_begin(%s, 'k', %s)", [SCOPE, request])
        stored = cursor.fetchone()[0]
        if stored is not None:
            assert '"points": 5' in stored
            return "replayed"
        note(0, "", 1)
        cursor.execute(
            "SELECT kernel_idempotency_store(%s, 'k', %s, 201, '{\"points\": 5}')", [SCOPE, request]
        )
        return "executed"


@pytest.mark.usefixtures("table")
def test_sql_functions_and_python_keep_the_same_record() -> None:
    assert in_sql() == "executed"
    assert once() == Outcome(201, {"points": 5}, replayed=True)
    with pytest.raises(DatabaseError) as caught:
        in_sql(b"other")
    assert isinstance(problem_of(caught.value), KeyReused)
    assert isinstance(caught.value.__cause__, psycopg.Error)
    assert isinstance(problem_of(caught.value.__cause__), KeyReused)


def test_other_errors_are_not_ours() -> None:
    assert problem_of(ValueError()) is None
    assert problem_of(DatabaseError()) is None


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "键", "\x00", "\x7f"])
def test_keys_are_short_and_printable(key: str) -> None:
    with pytest.raises(BadKey):
        idempotency.check_key(key)
    assert idempotency.check_key("a b-C_1~") == "a b-C_1~"


@pytest.mark.django_db
def test_answers_are_forgotten_after_seven_days() -> None:
    for age_days in (6, 8):
        run_once(
            scope=SCOPE,
            key=f"k{age_days}",
            request_hash=b"",
            now=NOON - dt.timedelta(days=age_days),
            execute=lambda: Outcome(200, {}),
        )
    assert idempotency.prune(now=NOON) == 1
    assert IdempotencyRecord.objects.get().key == "k6"
