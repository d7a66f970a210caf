"""Logging in: password, second factor, waiting after failures without locking anybody out, sessions."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pyotp
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher

from tests.people import NOW, PASSWORD, Crew, Malls, build_malls, hire
from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.organization import queries, rules
from zhike.organization.models import LogInAttempt, Staff, StaffSession
from zhike.organization.operations import sessions, staff

DOOR = system_viewer("console")
HOME = "10.0.0.5"
ELSEWHERE = "203.0.113.9"


@pytest.fixture(autouse=True)
def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 as in earnest, with less work to do."""
    for name, value in {"time_cost": 1, "memory_cost": 64, "parallelism": 1}.items():
        monkeypatch.setattr(Argon2PasswordHasher, name, value)


@pytest.fixture
def xu(malls: Malls) -> Viewer:
    return hire(malls, "xu", "徐收银", ("cashier", "merchant", malls.cafe), password=PASSWORD)


def log_in(
    password: str = PASSWORD,
    *,
    username: str = "xu",
    code: str | None = None,
    address: str | None = HOME,
    now: dt.datetime = NOW,
) -> sessions.LogInResult:
    return sessions.log_in(
        actor=DOOR,
        username=username,
        password=password,
        totp_code=code,
        address=address,
        agent="test",
        now=now,
    )


def fail(times: int, *, address: str = ELSEWHERE, now: dt.datetime = NOW, username: str = "xu") -> None:
    """Wrong passwords, all at the same moment."""
    for _time in range(times):
        with pytest.raises(sessions.WrongCredentials):
            log_in("wrong", address=address, now=now, username=username)


def enable_totp(viewer: Viewer, now: dt.datetime = NOW) -> pyotp.TOTP:
    setup = staff.begin_totp(actor=viewer, staff_id=viewer.id or 0, now=now)
    totp = pyotp.TOTP(setup.secret)
    staff.confirm_totp(actor=viewer, staff_id=viewer.id or 0, code=totp.at(now), now=now)
    return totp


def test_right_password_logs_in(xu: Viewer) -> None:
    result = log_in(username=" XU ")
    assert result.viewer.id == xu.id
    assert result.viewer.may("receipts.record")
    assert not result.must_change_password
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.subject_id, entry.actor) == ("staff.log_in", str(xu.id), DOOR.audit_id)
    assert Event.objects.latest("position").type == "zhike.organization.staff_logged_in"
    assert Staff.objects.get(pk=xu.id or 0).password.startswith("argon2")


@pytest.mark.parametrize(
    ("username", "password"), [("xu", "wrong"), ("nobody", PASSWORD), ("xu", ""), ("xu", "x" * 100_000)]
)
def test_wrong_credentials_all_sound_alike(xu: Viewer, username: str, password: str) -> None:
    with pytest.raises(sessions.WrongCredentials):
        log_in(password, username=username)
    entry = AuditEntry.objects.latest("id")
    assert entry.action == "staff.log_in_failed"
    assert "nobody" not in str([entry.subject_id, entry.after]), "an unknown name may be a password"
    assert not Event.objects.filter(type="zhike.organization.staff_logged_in").exists()


def test_deactivated_staff_cannot_log_in(xu: Viewer, crew: Crew) -> None:
    staff.deactivate_staff(actor=crew.wang, staff_id=xu.id or 0, reason="离职", now=NOW)
    with pytest.raises(sessions.WrongCredentials):
        log_in()


def test_failures_make_wait_longer_and_longer(xu: Viewer) -> None:
    fail(5)
    with pytest.raises(sessions.TooManyLogIns) as refused:
        log_in(address=ELSEWHERE)
    assert refused.value.retry_after == 31
    later = NOW + dt.timedelta(seconds=31)
    fail(1, now=later)
    with pytest.raises(sessions.TooManyLogIns) as refused:
        log_in(address=ELSEWHERE, now=later + dt.timedelta(seconds=31))
    assert refused.value.retry_after == 30
    result = log_in(address=ELSEWHERE, now=later + dt.timedelta(seconds=61))
    assert result.failed_logins == 6


def test_success_starts_the_count_anew(xu: Viewer) -> None:
    fail(4, address=HOME)
    log_in()
    fail(4, address=HOME)
    assert log_in().failed_logins == 4


def test_stranger_cannot_lock_the_owner_out(xu: Viewer) -> None:
    log_in()
    sessions.start_session(actor=xu, session_key="k1", address=HOME, agent="", now=NOW)
    for number in range(rules.ACCOUNT_FAILURES_MAX):
        fail(1, address=f"203.0.113.{number}")
    with pytest.raises(sessions.TooManyLogIns):
        log_in(address="198.51.100.1")  # a new address waits while the account is attacked
    assert log_in(address=HOME).viewer.id == xu.id


def test_address_that_tries_many_names_waits(xu: Viewer) -> None:
    LogInAttempt.objects.bulk_create(
        LogInAttempt(account=bytes([1, number]), address=ELSEWHERE, attempted_at=NOW)
        for number in range(rules.ADDRESS_FAILURES_MAX)
    )
    with pytest.raises(sessions.TooManyLogIns):
        log_in(address=ELSEWHERE)
    log_in(address=HOME)


@pytest.mark.django_db(transaction=True)
def test_tries_made_at_once_are_limited_like_tries_one_by_one() -> None:
    from django.db import connection

    malls = build_malls()
    hire(malls, "xu", "徐收银", password=PASSWORD)
    outcomes: list[str] = []
    start = threading.Barrier(16)

    def guess() -> None:
        start.wait()
        try:
            log_in("wrong", address=ELSEWHERE)
        except (sessions.WrongCredentials, sessions.TooManyLogIns) as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["too-many-log-ins"] * 11 + ["wrong-credentials"] * 5


def test_second_factor_is_asked_for_and_works_once(xu: Viewer) -> None:
    totp = enable_totp(xu)
    later = NOW + dt.timedelta(seconds=30)
    with pytest.raises(sessions.SecondFactorNeeded):
        log_in(now=later)
    with pytest.raises(sessions.WrongCredentials):
        log_in(code="000000", now=later)
    log_in(code=totp.at(later), now=later)
    with pytest.raises(sessions.WrongCredentials):
        log_in(code=totp.at(later), now=later)
    with pytest.raises(sessions.WrongCredentials):
        log_in(code=totp.at(NOW), now=later)  # older than the one used
    assert Event.objects.filter(type="zhike.organization.staff_logged_in").count() == 1


def test_second_factor_codes_are_throttled_too(xu: Viewer) -> None:
    totp = enable_totp(xu)
    later = NOW + dt.timedelta(minutes=2)
    for _time in range(5):
        with pytest.raises(sessions.WrongCredentials):
            log_in(code="123456" if totp.at(later) != "123456" else "654321", now=later)
    with pytest.raises(sessions.TooManyLogIns):
        log_in(code=totp.at(later), now=later)


def test_code_is_never_enough_without_the_password(xu: Viewer) -> None:
    totp = enable_totp(xu)
    later = NOW + dt.timedelta(minutes=2)
    with pytest.raises(sessions.WrongCredentials):
        log_in("wrong", code=totp.at(later), now=later)
    with pytest.raises(sessions.WrongCredentials):
        log_in("wrong", now=later)


def test_second_factor_is_ones_own_affair(xu: Viewer, crew: Crew) -> None:
    with pytest.raises(NotAllowed):
        staff.begin_totp(actor=crew.admin, staff_id=xu.id or 0, now=NOW)
    setup = staff.begin_totp(actor=xu, staff_id=xu.id or 0, now=NOW)
    assert setup.uri.startswith("otpauth://totp/Zhike:xu?secret=")
    assert setup.secret.encode() not in bytes(Staff.objects.get(pk=xu.id or 0).totp_secret or b"")
    with pytest.raises(staff.WrongTotpCode):
        staff.confirm_totp(actor=xu, staff_id=xu.id or 0, code="000000", now=NOW)
    log_in()


def test_manager_turns_off_a_lost_second_factor(xu: Viewer, crew: Crew) -> None:
    enable_totp(xu)
    with pytest.raises(staff.SecondFactorInForce):
        staff.begin_totp(actor=xu, staff_id=xu.id or 0, now=NOW)
    for stranger in (crew.qian, crew.he, crew.nobody):
        with pytest.raises(NotAllowed):
            staff.disable_totp(actor=stranger, staff_id=xu.id or 0, now=NOW)
    with pytest.raises(sessions.SecondFactorNeeded):
        log_in()
    staff.disable_totp(actor=crew.wang, staff_id=xu.id or 0, reason="手机遗失", now=NOW)
    log_in()


@pytest.mark.parametrize(
    "password",
    ["short", "xuxuxuxu", "星河城2026!!", "password123", "zhikezhike", "徐收银12345678", "x" * 129],
)
def test_weak_passwords_are_refused(xu: Viewer, password: str) -> None:
    with pytest.raises(staff.WeakPassword):
        staff.set_password(
            actor=xu, staff_id=xu.id or 0, password=password, current_password=PASSWORD, now=NOW
        )
    log_in()


def test_new_password_ends_the_other_sessions(xu: Viewer, crew: Crew) -> None:
    for key in ("here", "there"):
        sessions.start_session(actor=xu, session_key=key, address=HOME, agent="", now=NOW)
    for stranger in (crew.qian, crew.li):
        with pytest.raises(NotAllowed):
            staff.set_password(actor=stranger, staff_id=xu.id or 0, password="stolen river stones", now=NOW)
    staff.set_password(
        actor=xu,
        staff_id=xu.id or 0,
        password="another calm mountain",
        current_password=PASSWORD,
        keep_session_key="here",
        now=NOW,
    )
    assert queries.session_is_live("here", NOW)
    assert not queries.session_is_live("there", NOW)
    log_in("another calm mountain")


def test_stolen_session_changes_neither_password_nor_second_factor(xu: Viewer) -> None:
    sessions.start_session(actor=xu, session_key="k", address=HOME, agent="", now=NOW)
    enable_totp(xu)
    for wrong in (None, "", "guess"):
        with pytest.raises(sessions.WrongPassword):
            staff.set_password(
                actor=xu,
                staff_id=xu.id or 0,
                password="another calm mountain",
                current_password=wrong,
                now=NOW,
            )
    with pytest.raises(sessions.WrongPassword):
        staff.disable_totp(actor=xu, staff_id=xu.id or 0, now=NOW)
    assert queries.staff_member(xu.id or 0).has_second_factor
    assert queries.session_is_live("k", NOW)
    staff.disable_totp(actor=xu, staff_id=xu.id or 0, current_password=PASSWORD, now=NOW)
    assert not queries.staff_member(xu.id or 0).has_second_factor
    with pytest.raises(sessions.WrongPassword):
        sessions.reauthenticate(actor=xu, password="guess", now=NOW)
    with pytest.raises(sessions.TooManyLogIns):
        sessions.reauthenticate(actor=xu, password=PASSWORD, now=NOW)


def test_profile_of_level_three_wants_mixed_and_young_passwords(xu: Viewer, settings: Any) -> None:
    settings.SECURITY_PROFILE = "mlps3"

    def change(password: str) -> None:
        staff.set_password(
            actor=xu, staff_id=xu.id or 0, password=password, current_password=PASSWORD, now=NOW
        )

    with pytest.raises(staff.WeakPassword):
        change("only small letters")
    change("Mixed letters 7")
    assert not log_in("Mixed letters 7").must_change_password
    assert log_in("Mixed letters 7", now=NOW + dt.timedelta(days=91)).must_change_password


def test_session_ends_by_idling_by_age_and_by_hand(xu: Viewer) -> None:
    sessions.start_session(actor=xu, session_key="k", address=HOME, agent="Firefox", now=NOW)
    assert queries.session_is_live("k", NOW + dt.timedelta(minutes=29))
    assert not queries.session_is_live("k", NOW + dt.timedelta(minutes=31))
    moment = NOW
    for _step in range(36):
        moment += dt.timedelta(minutes=20)
        is_live = sessions.keep_session(actor=xu, session_key="k", now=moment)
        assert is_live == (moment < NOW + dt.timedelta(hours=12))
    sessions.start_session(actor=xu, session_key="k2", address=HOME, agent="", now=NOW)
    sessions.end_session(actor=xu, session_key="k2", now=NOW)
    assert not queries.session_is_live("k2", NOW)
    assert not queries.session_is_live("never", NOW)


def test_sessions_are_listed_and_revoked_by_owner_and_manager_only(xu: Viewer, crew: Crew) -> None:
    ids = [
        sessions.start_session(actor=xu, session_key=key, address=HOME, agent="Firefox", now=NOW)
        for key in ("a", "b", "c")
    ]
    listed = queries.sessions_of(xu.id or 0, NOW, "b")
    assert {(view.id, view.is_current) for view in listed} == {
        (ids[0], False),
        (ids[1], True),
        (ids[2], False),
    }
    for stranger in (crew.qian, crew.he, crew.li):
        with pytest.raises(NotFound):
            sessions.revoke_session(actor=stranger, session_id=ids[0], now=NOW)
    assert queries.session_is_live("a", NOW)
    sessions.revoke_session(actor=crew.wang, session_id=ids[0], reason="可疑登录", now=NOW)
    assert not queries.session_is_live("a", NOW)
    sessions.revoke_other_sessions(actor=xu, staff_id=xu.id or 0, keep_session_key="b", now=NOW)
    assert [view.id for view in queries.sessions_of(xu.id or 0, NOW)] == [ids[1]]


def test_nobody_keeps_the_session_of_somebody_else(xu: Viewer, crew: Crew) -> None:
    sessions.start_session(actor=xu, session_key="k", address=HOME, agent="", now=NOW)
    assert not sessions.keep_session(actor=crew.li, session_key="k", now=NOW)
    sessions.end_session(actor=crew.li, session_key="k", now=NOW)
    assert queries.session_is_live("k", NOW)
    with pytest.raises(NotAllowed):
        sessions.keep_session(actor=DOOR, session_key="k", now=NOW)


def test_deactivation_stops_the_next_request(xu: Viewer, crew: Crew) -> None:
    sessions.start_session(actor=xu, session_key="k", address=HOME, agent="", now=NOW)
    for stranger in (crew.qian, crew.li, crew.wu):
        with pytest.raises(NotAllowed):
            staff.deactivate_staff(actor=stranger, staff_id=xu.id or 0, reason="", now=NOW)
    assert queries.session_is_live("k", NOW)
    staff.deactivate_staff(actor=crew.lin, staff_id=xu.id or 0, reason="离职", now=NOW)
    assert not queries.session_is_live("k", NOW)
    with pytest.raises(NotFound):
        queries.viewer_of_staff(xu.id or 0)
    assert StaffSession.objects.get(session_key="k").revoked_at == NOW


def test_username_is_unique(crew: Crew, malls: Malls) -> None:
    crew.all()
    with pytest.raises(staff.UsernameTaken):
        staff.create_staff(
            actor=crew.wang, group_id=malls.group, username="LI", name="李二", password=None, now=NOW
        )
    with pytest.raises(NotAllowed):
        staff.create_staff(
            actor=crew.li, group_id=malls.group, username="new", name="新人", password=None, now=NOW
        )
    assert not Staff.objects.filter(username="new").exists()


def test_old_attempts_are_forgotten(xu: Viewer) -> None:
    fail(2)
    assert sessions.forget_log_in_attempts(actor=DOOR, now=NOW + dt.timedelta(hours=1)) == 0
    assert sessions.forget_log_in_attempts(actor=DOOR, now=NOW + dt.timedelta(days=2)) == 2
