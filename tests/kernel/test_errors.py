from django.utils import translation
from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Problem, TooMany


class Broken(Conflict):
    code = "broken"
    title = _("%(count)s values still need this key. Re-encrypt them first.")


def test_problem_fills_its_sentence_and_renders_rfc_9457() -> None:
    body = Broken(count=3).as_problem_json("/api/v1/receipts")
    with translation.override("en"):
        assert Broken(count=3).sentence == "3 values still need this key. Re-encrypt them first."
    assert body["status"] == 409
    assert body["type"] == "/problems/broken"
    assert body["code"] == "broken"
    assert body["instance"] == "/api/v1/receipts"
    assert "errors" not in body


def test_problem_names_fields() -> None:
    problem = Invalid(fields={"phone": [_("Parked")]})
    with translation.override("en"):
        assert problem.as_problem_json()["errors"] == {"phone": ["Parked"]}


def test_common_problems_have_their_status() -> None:
    statuses = {
        problem: problem.status for problem in (Problem, NotAllowed, NotFound, Conflict, Invalid, TooMany)
    }
    assert list(statuses.values()) == [400, 403, 404, 409, 422, 429]
    assert TooMany(retry_after=7).retry_after == 7


def test_sentence_without_params_may_hold_a_percent_sign() -> None:
    class Discount(Problem):
        title = "100% is not a discount."

    assert Discount().sentence == "100% is not a discount."


def test_problems_speak_the_readers_language() -> None:
    with translation.override("zh-hans"):
        assert NotAllowed().sentence == "您没有权限执行此操作。"
