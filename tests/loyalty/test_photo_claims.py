"""Photographed receipts: given at once when the till knows them, else by staff; one paper gives its points once."""

from __future__ import annotations

import datetime as dt
import io
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from PIL import Image

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.loyalty.photos import photograph
from tests.rewards.conftest import new_member
from zhike.customers.queries import viewer_of_person
from zhike.kernel import uploads
from zhike.kernel.access import Grant, Viewer
from zhike.kernel.errors import NotAllowed, NotFound, Problem
from zhike.kernel.models import AuditEntry, Event
from zhike.kernel.pictures import PictureUnreadable, clean_picture, difference
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import PhotoClaim
from zhike.loyalty.rules import photo_claims as rules
from zhike.messaging.models import OutboundMessage
from zhike.sales.models import Receipt

pytestmark = [pytest.mark.django_db, pytest.mark.feature("B07")]
Person = loyalty.EnrolledMember
DAY = dt.timedelta(days=1)


def staff(who: int, mall_id: int, *permissions: str) -> Viewer:
    return Viewer("staff", who, "李", (Grant(frozenset(permissions), "mall", frozenset({mall_id})),))


@pytest.fixture(autouse=True)
def uploads_here(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOAD_DIR = tmp_path
    return tmp_path


@pytest.fixture
def li(town: Town) -> Person:
    return new_member(town, "13800138001", "李四", 0)


@pytest.fixture
def clerk(town: Town) -> Viewer:
    return staff(1, town.mall_id, "photo_claims.review", "receipts.record", "receipts.claim")


@pytest.fixture
def head(town: Town) -> Viewer:
    return staff(
        2, town.mall_id, "photo_claims.review", "photo_claims.approve", "receipts.record", "receipts.claim"
    )


def paper(town: Town, number: str = "A100", fen: int = 12_800, **changes: Any) -> loyalty.PaperReceipt:
    given = {
        "merchant_id": town.shop,
        "number": number,
        "business_date": NOW.date(),
        "net_fen": fen,
        **changes,
    }
    return loyalty.PaperReceipt(**given)


def hand_in(
    member: Person, sheet: loyalty.PaperReceipt, picture: int | bytes = 1, now: dt.datetime = NOW, **more: Any
) -> loyalty.PhotoOutcome:
    content = photograph(picture) if isinstance(picture, int) else picture
    return loyalty.hand_in_photo(
        actor=viewer_of_person(member.person_id), member_id=member.member_id, picture=content, paper=sheet, now=now, **more
    )  # fmt: skip


def sell(town: Town, number: str, fen: int = 12_800, **more: Any) -> UUID:
    receipt = town.receipt(fen, number=number, **more)
    return loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW).receipt_id


def codes(claim_id: UUID) -> set[str]:
    return {one["code"] for one in PhotoClaim.objects.get(id=claim_id).suspicions}


def balance(member: Person) -> int:
    return queries.member_file(SYSTEM, member.member_id, NOW).balance


# --- pictures -------------------------------------------------------------------------------------------------------


def test_a_picture_is_drawn_anew_without_what_was_hidden_in_it() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Secret Camera", 6
    raw = photograph(3, exif=exif)
    assert b"Secret Camera" in raw
    clean = clean_picture(raw)
    assert b"Secret Camera" not in clean.content
    opened = Image.open(io.BytesIO(clean.content))
    assert (opened.format, opened.size, dict(opened.getexif())) == ("JPEG", (640, 480), {})
    large = clean_picture(photograph(3, size=(3000, 4000)))
    assert (large.width, large.height) == (1500, 2000)
    copied = clean_picture(photograph(3, "WEBP", quality=40))
    smaller = clean_picture(photograph(3, "PNG", size=(300, 400)))
    plain = clean_picture(photograph(3)).fingerprint
    assert difference(plain, copied.fingerprint) <= rules.SAME_PICTURE_BITS
    assert difference(plain, smaller.fingerprint) <= 2 * rules.SAME_PICTURE_BITS
    assert difference(plain, clean_picture(photograph(4)).fingerprint) > 60


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        b"GIF89a" + b"0" * 200,
        b"%PDF-1.7",
        photograph(1)[:900],
        photograph(1, size=(100, 640)),
    ],
)
def test_what_is_no_picture_is_refused_by_its_bytes(content: bytes, town: Town, zhang: Person) -> None:
    with pytest.raises(PictureUnreadable):
        clean_picture(content)
    with pytest.raises(loyalty.PictureUnusable):
        hand_in(zhang, paper(town), content)
    assert not PhotoClaim.objects.exists()


# --- at once ----------------------------------------------------------------------------------------------------------


def test_what_the_till_sent_is_given_at_once(
    town: Town, base_rule: int, zhang: Person, li: Person, uploads_here: Path
) -> None:
    receipt_id = sell(town, "A100")
    outcome = hand_in(zhang, paper(town))
    assert (outcome.state, outcome.receipt_id, outcome.points) == ("given", receipt_id, 128)
    assert Receipt.objects.count() == 1
    row = PhotoClaim.objects.get()
    assert (row.suspicions, row.decided_by) == ([], "")
    assert uploads.upload(row.path) is not None
    with pytest.raises(loyalty.AlreadyYours):
        hand_in(zhang, paper(town), 2)
    with pytest.raises(loyalty.AlreadyClaimed):
        hand_in(li, paper(town), 2)
    assert len(list(uploads_here.rglob("*/*"))) == 1, "refused pictures are not kept"
    assert Event.objects.filter(type="zhike.loyalty.photo_claim_handed_in").count() == 1
    assert queries.verify_ledger().is_clean


def test_a_receipt_that_came_back_or_is_too_old_is_refused(town: Town, base_rule: int, zhang: Person) -> None:
    days = queries.member_file(SYSTEM, zhang.member_id, NOW).programme.claim_window_days
    with pytest.raises(loyalty.ClaimWindowClosed):
        hand_in(zhang, paper(town), now=NOW + DAY * (days + 1))
    for wrong in ({"net_fen": 0}, {"number": " "}, {"number": "A\x00"}, {"till": "1" * 41}):
        with pytest.raises(loyalty.PhotoDetailsUnusable):
            hand_in(zhang, paper(town, **wrong))
    with pytest.raises(NotFound):
        hand_in(zhang, paper(town, merchant_id=987_654))
    assert not PhotoClaim.objects.exists()


# --- by staff -------------------------------------------------------------------------------------------------------


def test_staff_give_what_no_till_knows_and_the_member_is_told(
    town: Town, base_rule: int, zhang: Person, clerk: Viewer
) -> None:
    outcome = hand_in(zhang, paper(town, bought_at=dt.time(11, 20)))
    assert (outcome.state, outcome.points, balance(zhang)) == ("waiting", 0, 0)
    assert [one.id for one in queries.photo_claims(clerk).items] == [outcome.claim_id]
    assert queries.photo_of_claim(clerk, outcome.claim_id)[:3] == b"\xff\xd8\xff"
    with pytest.raises(loyalty.HandedInBefore):
        hand_in(zhang, paper(town), 2)
    long_ago = NOW - DAY * (queries.member_file(SYSTEM, zhang.member_id, NOW).programme.claim_window_days + 1)
    late = paper(town, business_date=long_ago.date())
    with pytest.raises(loyalty.ClaimWindowClosed):
        loyalty.approve_photo(actor=clerk, claim_id=outcome.claim_id, paper=late, now=NOW)
    corrected = paper(town, number="A101", fen=10_000, till="02")
    given = loyalty.approve_photo(actor=clerk, claim_id=outcome.claim_id, paper=corrected, now=NOW + DAY)
    assert (given.state, given.points, balance(zhang)) == ("given", 100, 100)
    receipt = Receipt.objects.get()
    assert (receipt.source, receipt.number, receipt.till, receipt.net_fen) == ("photo", "A101", "02", 10_000)
    assert (receipt.business_date, receipt.person_id) == (NOW.date(), zhang.person_id)
    row = PhotoClaim.objects.get()
    assert row.corrections == {"number": "A100", "net_fen": 12_800, "till": "", "bought_at": "11:20:00"}
    assert queries.explain_award(receipt.pk).points == 100
    told = OutboundMessage.objects.get()
    assert (told.person_id, told.template) == (zhang.person_id, "photo_claim_given")
    assert AuditEntry.objects.filter(action="photo_claim.given").count() == 1
    with pytest.raises(loyalty.PhotoClaimDecidedBefore):
        loyalty.approve_photo(actor=clerk, claim_id=outcome.claim_id, now=NOW)
    with pytest.raises(loyalty.PhotoClaimDecidedBefore):
        loyalty.refuse_photo(actor=clerk, claim_id=outcome.claim_id, reason="altered", now=NOW)
    assert queries.verify_ledger().is_clean


def test_the_tills_own_record_of_a_given_paper_gives_nothing_more(
    town: Town, base_rule: int, zhang: Person, li: Person, clerk: Viewer
) -> None:
    outcome = hand_in(zhang, paper(town))
    loyalty.approve_photo(actor=clerk, claim_id=outcome.claim_id, now=NOW)
    late = sell(town, "A100", till="07")
    claim = partial(
        loyalty.claim_receipt, merchant_id=town.shop, number="A100", business_date=NOW.date(), net_fen=12_800, now=NOW
    )  # fmt: skip
    for member in (zhang, li):
        viewer = viewer_of_person(member.person_id)
        with pytest.raises(loyalty.AlreadyClaimed):
            claim(actor=viewer, member_id=member.member_id)
        with pytest.raises((loyalty.AlreadyYours, loyalty.AlreadyClaimed)):
            loyalty.scan_receipt(
                actor=viewer, member_id=member.member_id, code=queries.receipt_code(late), now=NOW
            )
        with pytest.raises((loyalty.AlreadyYours, loyalty.AlreadyClaimed)):
            hand_in(member, paper(town), 2)
    assert (balance(zhang), balance(li)) == (128, 0)


@pytest.mark.parametrize("till", ["", "07"])
def test_a_purchase_that_the_till_sends_later_with_its_buyer_earns_once(
    town: Town, base_rule: int, zhang: Person, clerk: Viewer, till: str
) -> None:
    """A shop that sends its receipts at night: the member showed their code, and handed in the paper as well."""
    outcome = hand_in(zhang, paper(town, till=till))
    loyalty.approve_photo(actor=clerk, claim_id=outcome.claim_id, now=NOW)
    kept = hand_in(zhang, paper(town, "A101", 5_000), 2)
    loyalty.approve_photo(actor=clerk, claim_id=kept.claim_id, now=NOW)
    sell(town, "A100", person_id=zhang.person_id)
    assert balance(zhang) == 2 * 128 + 50
    for _ in range(2):
        loyalty.match_photos(actor=SYSTEM, now=NOW + DAY)
        assert balance(zhang) == 128 + 50
    back = Receipt.objects.get(kind="return")
    assert (back.original_id, back.net_fen) == (
        PhotoClaim.objects.get(id=outcome.claim_id).receipt_id,
        12_800,
    )


def test_a_paper_whose_till_was_misread_gives_nothing_more(
    town: Town, base_rule: int, zhang: Person, li: Person, clerk: Viewer
) -> None:
    """The till's own record comes later under its true name, with the same number and amount."""
    outcome = hand_in(zhang, paper(town, till="07"))
    assert loyalty.approve_photo(actor=clerk, claim_id=outcome.claim_id, now=NOW).points == 128
    receipt_id = sell(town, "A100", till="01")
    for member in (zhang, li):
        actor = viewer_of_person(member.person_id)
        code = queries.receipt_code(receipt_id)
        with pytest.raises((loyalty.AlreadyYours, loyalty.AlreadyClaimed)):
            loyalty.scan_receipt(actor=actor, member_id=member.member_id, code=code, now=NOW)
        with pytest.raises((loyalty.AlreadyYours, loyalty.AlreadyClaimed)):
            hand_in(member, paper(town, till="01"), 2)
    assert (balance(zhang), balance(li)) == (128, 0)
    other = sell(town, "A100", 9_900, till="02")
    claim = {"merchant_id": town.shop, "number": "A100", "business_date": NOW.date(), "net_fen": 9_900}
    actor = viewer_of_person(li.person_id)
    given = loyalty.claim_receipt(actor=actor, member_id=li.member_id, till="02", now=NOW, **claim)
    assert given.receipt_id == other, "another till, another amount: another purchase"


def test_a_receipt_that_the_till_sends_later_is_given_by_itself(
    town: Town, base_rule: int, zhang: Person, li: Person
) -> None:
    first = hand_in(zhang, paper(town))
    other = hand_in(zhang, paper(town, "B1", 5_000), 2)
    copied = hand_in(li, paper(town, "C1", 6_000), 1)
    assert loyalty.match_photos(actor=SYSTEM, now=NOW) == 0
    late = [sell(town, "A100"), sell(town, "B1", 4_900), sell(town, "C1", 6_000)]
    assert loyalty.match_photos(actor=SYSTEM, now=NOW + DAY) == 1
    row = PhotoClaim.objects.get(id=first.claim_id)
    assert (row.state, row.receipt_id, row.points) == ("given", late[0], 128)
    left = PhotoClaim.objects.filter(state="waiting")
    assert {one.pk for one in left} == {other.claim_id, copied.claim_id}, (
        "another amount, or a copied picture"
    )


def test_above_the_limit_two_people_look(
    town: Town, base_rule: int, zhang: Person, clerk: Viewer, head: Viewer
) -> None:
    sheet = paper(town, fen=300_000)
    claim_id = hand_in(zhang, sheet).claim_id
    assert loyalty.approve_photo(actor=clerk, claim_id=claim_id, now=NOW).state == "second"
    assert not queries.photo_claim(clerk, claim_id).may_decide
    assert queries.photo_claim(head, claim_id).may_decide
    with pytest.raises(loyalty.OwnReview):
        loyalty.approve_photo(actor=clerk, claim_id=claim_id, now=NOW)
    other = staff(3, town.mall_id, "photo_claims.review", "receipts.record")
    with pytest.raises(loyalty.SecondReviewNeeded):
        loyalty.approve_photo(actor=other, claim_id=claim_id, now=NOW)
    assert balance(zhang) == 0
    assert loyalty.approve_photo(actor=head, claim_id=claim_id, now=NOW).points == 3_000
    row = PhotoClaim.objects.get()
    assert row.first_by == clerk.audit_id
    assert row.decided_by == head.audit_id


def test_refused_with_a_reason(town: Town, base_rule: int, zhang: Person, clerk: Viewer) -> None:
    claim_id = hand_in(zhang, paper(town)).claim_id
    with pytest.raises(loyalty.RefusalUnknown):
        loyalty.refuse_photo(actor=clerk, claim_id=claim_id, reason="mood", now=NOW)
    with pytest.raises(loyalty.ReasonMissing):
        loyalty.refuse_photo(actor=clerk, claim_id=claim_id, reason="other", now=NOW)
    loyalty.refuse_photo(actor=clerk, claim_id=claim_id, reason="altered", note="日期被涂改", now=NOW)
    own = queries.own_photo_claim(viewer_of_person(zhang.person_id), claim_id)
    assert (own.state, own.reason, own.note, own.points) == ("refused", "altered", "日期被涂改", 0)
    assert OutboundMessage.objects.count() == 1
    told = Event.objects.get(type="zhike.loyalty.photo_claim_decided").data
    assert (told["approved"], told["reason"], told["receipt_id"]) == (False, "altered", "")
    assert hand_in(zhang, paper(town), 5).state == "waiting", "a better picture may follow"


def test_strangers_see_and_decide_nothing(town: Town, base_rule: int, zhang: Person, li: Person) -> None:
    claim_id = hand_in(zhang, paper(town)).claim_id
    far = staff(4, town.other_mall_id, "photo_claims.review", "receipts.record")
    till = staff(5, town.mall_id, "receipts.claim")
    stranger = viewer_of_person(li.person_id)
    assert queries.photo_claims(far).items == []
    for viewer in (far, stranger):
        with pytest.raises(NotFound):
            queries.photo_of_claim(viewer, claim_id)
    with pytest.raises(NotFound):
        queries.own_photo_claim(stranger, claim_id)
    for act in (
        partial(loyalty.approve_photo, actor=far),
        partial(loyalty.refuse_photo, actor=far, reason="altered"),
        partial(loyalty.withdraw_photo, actor=stranger),
    ):
        with pytest.raises(loyalty.PhotoClaimNotFound):
            act(claim_id=claim_id, now=NOW)
    with pytest.raises(NotAllowed):
        queries.photo_claims(till)
    with pytest.raises(NotAllowed):
        loyalty.approve_photo(actor=till, claim_id=claim_id, now=NOW)
    with pytest.raises(NotAllowed):
        loyalty.hand_in_photo(
            actor=stranger, member_id=zhang.member_id, picture=photograph(), paper=paper(town), now=NOW
        )
    with pytest.raises(loyalty.PhotoClaimNotFound):
        loyalty.refuse_photo(actor=SYSTEM, claim_id=uuid4(), reason="altered", now=NOW)
    assert PhotoClaim.objects.get().state == "waiting"


def test_taken_back_by_the_member(town: Town, base_rule: int, zhang: Person, clerk: Viewer) -> None:
    claim_id = hand_in(zhang, paper(town)).claim_id
    loyalty.withdraw_photo(actor=viewer_of_person(zhang.person_id), claim_id=claim_id, now=NOW)
    with pytest.raises(NotFound):
        queries.photo_of_claim(clerk, claim_id)
    assert hand_in(zhang, paper(town)).state == "waiting"


# --- what speaks against it ------------------------------------------------------------------------------------------


def test_suspicions_are_told_with_what_they_point_to(
    town: Town, base_rule: int, zhang: Person, li: Person, clerk: Viewer
) -> None:
    first = hand_in(li, paper(town))
    copied = hand_in(zhang, paper(town), photograph(1, "PNG"))
    assert codes(copied.claim_id) == {"picture", "paper"}
    file = queries.photo_claim(clerk, copied.claim_id)
    assert file.claim.is_grave
    assert [one.claim.id for one in file.like] == [first.claim_id]
    sell(town, "Z9", 7_700, person_id=li.person_id)
    assert codes(hand_in(zhang, paper(town, "Q1", 7_700), 2).claim_id) == {"other_receipt", "till_silent"}
    sell(town, "Q2", 9_900)
    differs = hand_in(zhang, paper(town, "Q2", 9_000), 3)
    assert codes(differs.claim_id) == {"till_amount"}
    with pytest.raises(loyalty.TillSaysOtherwise):
        loyalty.approve_photo(actor=clerk, claim_id=differs.claim_id, now=NOW)
    reading = {"number": {"value": "8888", "certainty": 97}, "net_fen": {"value": "6100", "certainty": 60}}
    assert "reading" in codes(hand_in(zhang, paper(town, "Q4", 6_000), 4, reading=reading).claim_id)


def test_a_copied_picture_is_not_given_at_once(town: Town, base_rule: int, zhang: Person, li: Person) -> None:
    hand_in(li, paper(town))
    sell(town, "A200")
    assert hand_in(zhang, paper(town, "A200"), photograph(1, quality=30)).state == "waiting"


def test_a_day_has_its_limit_and_the_programme_may_take_none(
    town: Town, base_rule: int, zhang: Person
) -> None:
    change = partial(loyalty.update_program, actor=SYSTEM, program_id=town.program_id, now=NOW)
    change(changes={"photo_claims_day": 2})
    for number in ("N1", "N2"):
        hand_in(zhang, paper(town, number), int(number[1]))
    with pytest.raises(loyalty.TooManyPhotos):
        hand_in(zhang, paper(town, "N3"), 3)
    assert hand_in(zhang, paper(town, "N3"), 3, now=NOW + DAY).state == "waiting"
    change(changes={"photo_claims_day": 0})
    with pytest.raises(loyalty.PhotoClaimsOff):
        hand_in(zhang, paper(town, "N4"), 4)
    for wrong in ({"photo_claims_day": -1}, {"photo_claim_second_fen": -1}):
        with pytest.raises(Problem):
            change(changes=wrong)


def test_what_a_reader_saw_clearly_is_compared() -> None:
    reading = {"number": {"value": "A1", "certainty": 95}, "net_fen": {"value": "100", "certainty": 89}}
    assert rules.misread(reading, {"number": "A2", "net_fen": "200"}) == ["number"]
    assert rules.misread(reading, {"number": "A1", "business_date": "2026-06-10"}) == []


def test_files_are_below_the_uploads(town: Town, base_rule: int, zhang: Person) -> None:
    hand_in(zhang, paper(town))
    path = Path(settings.UPLOAD_DIR) / PhotoClaim.objects.get().path
    assert path.is_file()
    assert path.parent.name == "receipts"


@pytest.mark.django_db(transaction=True)
def test_one_paper_gives_once_under_32_threads(town: Town, base_rule: int, zhang: Person, li: Person) -> None:
    """Two members with one receipt of the till, sixteen times each, and two reviewers of one claim of a third paper."""
    sell(town, "A100")
    waiting = hand_in(zhang, paper(town, "W1"), 9).claim_id

    def act(number: int) -> str:
        try:
            if number < 4:
                return "review " + loyalty.approve_photo(actor=SYSTEM, claim_id=waiting, now=NOW).state
            return hand_in((zhang, li)[number % 2], paper(town), 1_000 + number).state
        except Problem as problem:
            return problem.code

    ended = Counter(run_threads([partial(act, number) for number in range(32)]))
    assert ended["given"] == 1, ended
    assert ended["review given"] == 1, ended
    assert balance(zhang) + balance(li) == 256
    assert queries.verify_ledger().is_clean
