"""Articles: in versions, found by words and by pinyin, judged by their readers."""

from __future__ import annotations

import pytest

from tests.people import NOW, Crew, Malls
from tests.service.conftest import MINUTE, SYSTEM
from zhike.customers import queries as customers
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import AuditEntry
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import Article, ArticleVersion

pytestmark = pytest.mark.feature("C188", "C176", "C196")


@pytest.fixture
def shelf(malls: Malls) -> Malls:
    service.found_knowledge(actor=SYSTEM, group_id=malls.group, now=NOW)
    return malls


def titles(viewer: object, malls: Malls, q: str) -> list[str]:
    return [one.title for one in queries.search_articles(viewer, malls.group, q, limit=3)]  # type: ignore[arg-type]


def test_it_is_found_by_words_and_by_sound(shelf: Malls, zhang_san: int) -> None:
    member = customers.viewer_of_person(zhang_san)
    assert service.found_knowledge(actor=SYSTEM, group_id=shelf.group, now=NOW) == 0
    assert titles(member, shelf, "衣服买了几天可以退")[0] == "退换货政策"
    assert titles(member, shelf, "哺乳和换尿布去哪")[0] == "母婴室在哪里"
    assert "积分怎么算" in titles(member, shelf, "jifen zenme suan")
    assert "退换货政策" in titles(member, shelf, "thhzc")
    assert titles(member, shelf, "zzzz") == []
    assert len(queries.search_articles(member, shelf.group, "", limit=100)) == Article.objects.count()


def test_versions_are_kept_and_readers_see_what_is_published(
    shelf: Malls, crew: Crew, zhang_san: int
) -> None:
    member = customers.viewer_of_person(zhang_san)
    words = {"group_id": shelf.group, "code": "stroller_deposit", "skill": "places", "now": NOW + MINUTE}
    for body in ("免押金。", "免押金。", "押金一百元。"):
        service.save_article(actor=crew.sun, title="童车押金", body=body, **words)  # type: ignore[arg-type]
    assert ArticleVersion.objects.filter(article__code="stroller_deposit").count() == 2
    with pytest.raises(NotFound):
        queries.article(member, shelf.group, "stroller_deposit")
    with pytest.raises(NotAllowed):  # agents write, those who manage publish
        service.set_article_state(
            actor=crew.sun, group_id=shelf.group, code="stroller_deposit", state="published", now=NOW
        )
    service.set_article_state(
        actor=crew.lin, group_id=shelf.group, code="stroller_deposit", state="published", now=NOW + 2 * MINUTE
    )
    assert queries.article(member, shelf.group, "stroller_deposit").body == "押金一百元。"
    assert titles(member, shelf, "童车要押金吗")[0] == "童车押金"
    assert [one.version for one in queries.article_versions(crew.sun, Article.objects.latest("id").pk)] == [
        2,
        1,
    ]
    assert AuditEntry.objects.latest("id").action == "article.published"


def test_bad_input_and_strangers(shelf: Malls, crew: Crew, zhang_san: int) -> None:
    member = customers.viewer_of_person(zhang_san)
    before = Article.objects.count()
    for bad in ({"code": "大写"}, {"title": " "}, {"skill": "飞行"}, {"body": "长" * 4_001}):
        values = {"code": "fine_code", "skill": "general", "title": "标题", "body": "内容"} | bad
        with pytest.raises(service.ArticleInvalid):
            service.save_article(actor=crew.sun, group_id=shelf.group, now=NOW, **values)  # type: ignore[arg-type]
    for stranger in (crew.he, crew.chen, crew.nobody, member):
        with pytest.raises(NotAllowed):
            service.save_article(
                actor=stranger,
                group_id=shelf.group,
                code="x_y",
                skill="general",
                title="t",
                body="b",
                now=NOW,
            )
    assert Article.objects.count() == before


def test_each_reader_has_one_voice(shelf: Malls, zhang_san: int, li_si: int) -> None:
    for person, helps in ((zhang_san, True), (zhang_san, False), (li_si, True)):
        service.rate_article(
            actor=customers.viewer_of_person(person),
            group_id=shelf.group,
            code="facility_wifi",
            is_helpful=helps,
            now=NOW,
        )
    shown = queries.article(SYSTEM, shelf.group, "facility_wifi")
    assert (shown.helped, shown.not_helped) == (1, 1)
