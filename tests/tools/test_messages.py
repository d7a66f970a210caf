"""The translation catalogues: what is extracted, what is filled in, what is complained about."""

from pathlib import Path

import polib
import pytest

from tools.catalog_extract import Message, extract_python, extract_template
from tools.messages import compile_catalogues, half_width, placeholders, run

SHOP = "shop"


def python(source: str) -> list[Message]:
    return [found.message for found in extract_python(source, Path("views.py"))]


def template(source: str) -> list[Message]:
    return [found.message for found in extract_template(source, Path("page.html"))]


def test_python_functions_are_found_under_any_name():
    source = (
        "from django.utils.translation import gettext_lazy as _t, ngettext as many\n"
        "_t('Members' ' today')\n"
        "many('%(n)s point', '%(n)s points', n)\n"
        "translation.pgettext('month', 'May')\n"
        "_('not ours')\n"
        "_t(name)\n"
    )
    assert python(source) == [
        Message("Members today"),
        Message("%(n)s point", plural="%(n)s points"),
        Message("May", context="month"),
    ]


def test_template_tags_give_what_django_looks_up():
    source = (
        "{% translate 'It\\'s 50%' %}{% translate \"May\" context 'month' as may %}{{ x|default:_('None') }}"
        "{% include 'a.html' with title=_('Title') %}{% comment %}{% translate 'Gone' %}{% endcomment %}"
        "{% blocktranslate trimmed count n=points with who=name context 'till' %}\n  {{ who }} has\n  {{ n }} point\n"
        "{% plural %}\n  {{ who }} has {{ n }} points\n{% endblocktranslate %}{% translate variable %}"
    )
    assert template(source) == [
        Message("It's 50%%"),
        Message("May", context="month"),
        Message("None"),
        Message("Title"),
        Message("%(who)s has %(n)s point", context="till", plural="%(who)s has %(n)s points"),
    ]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A package with the apps `sales` and `loyalty`."""
    package = tmp_path / SHOP
    for name in ("sales", "loyalty", "config"):
        (package / name).mkdir(parents=True)
        (package / name / "apps.py").write_text("", encoding="utf-8")
    return package


def say(package: Path, app: str, *texts: str) -> None:
    lines = ["from django.utils.translation import gettext as _", *(f"_({text!r})" for text in texts)]
    (package / app / "views.py").write_text("\n".join(lines), encoding="utf-8")


def catalogue(package: Path, app: str, language: str) -> polib.POFile:
    return polib.pofile(str(package / app / "locale" / language / "LC_MESSAGES" / "django.po"))


def texts(package: Path, app: str, language: str) -> dict[str, str]:
    return {entry.msgid: entry.msgstr for entry in catalogue(package, app, language)}


def edit(package: Path, app: str, language: str, msgid: str, msgstr: str, *, by_hand: bool = False) -> None:
    file = catalogue(package, app, language)
    entry = file.find(msgid)
    entry.msgstr = msgstr
    if by_hand:
        entry.flags.remove("opencc")
    file.save()


def test_a_new_text_is_asked_for_in_simplified_chinese_and_filled_elsewhere(shop: Path):
    say(shop, "sales", "Receipt")
    report = run(package=shop)
    assert report.problems == ["sales [zh_Hans] 'Receipt': not translated"]
    assert texts(shop, "sales", "en") == {"Receipt": "Receipt"}

    edit(shop, "sales", "zh_Hans", "Receipt", "收银小票")
    assert run(package=shop).problems == []
    assert texts(shop, "sales", "zh_Hant") == {"Receipt": "收銀小票"}
    assert run(package=shop, check=True).problems == []


def test_traditional_follows_simplified_until_a_person_writes_it(shop: Path):
    say(shop, "sales", "Receipt")
    run(package=shop, handed_in={"Receipt": "收银小票"})
    edit(shop, "sales", "zh_Hans", "Receipt", "购物小票")
    assert any("zh_Hant" in problem for problem in run(package=shop, check=True).problems)
    run(package=shop)
    assert texts(shop, "sales", "zh_Hant") == {"Receipt": "購物小票"}

    edit(shop, "sales", "zh_Hant", "Receipt", "單據", by_hand=True)
    edit(shop, "sales", "zh_Hans", "Receipt", "小票")
    run(package=shop)
    assert texts(shop, "sales", "zh_Hant") == {"Receipt": "單據"}


def test_obsolete_texts_go_and_moved_ones_keep_their_translation(shop: Path):
    say(shop, "sales", "Receipt", "Till")
    run(package=shop, handed_in={"Receipt": "小票", "Till": "收银台"})
    say(shop, "sales", "Receipt")
    say(shop, "loyalty", "Till")
    assert run(package=shop).problems == []
    assert texts(shop, "sales", "zh_Hans") == {"Receipt": "小票"}
    assert texts(shop, "loyalty", "zh_Hans") == {"Till": "收银台"}


def test_placeholders_must_match(shop: Path):
    say(shop, "sales", "%(count)s receipts")
    report = run(package=shop, handed_in={"%(count)s receipts": "%(cuont)s 张小票"})
    assert "has placeholders ['%(cuont)'], not ['%(count)']" in report.problems[0]
    assert placeholders("100%% of {name} %(n)s %d") == {"{name}", "%(n)", "%"}


def test_two_apps_must_not_translate_one_text_differently(shop: Path):
    say(shop, "sales", "Points")
    say(shop, "loyalty", "Points")
    run(package=shop, handed_in={"Points": "积分"})
    edit(shop, "sales", "zh_Hans", "Points", "点数")
    assert any("'Points' is translated differently" in problem for problem in run(package=shop).problems)


def test_a_file_that_cannot_be_read_costs_no_translation(shop: Path):
    say(shop, "sales", "Receipt")
    run(package=shop, handed_in={"Receipt": "小票"})
    (shop / "sales" / "views.py").write_text("def broken(:\n", encoding="utf-8")
    assert "cannot be read" in run(package=shop).problems[0]
    assert texts(shop, "sales", "zh_Hans") == {"Receipt": "小票"}


def test_compiling_writes_what_django_reads(shop: Path):
    say(shop, "sales", "Receipt", "Till")
    run(package=shop, handed_in={"Receipt": "小票"})
    compile_catalogues(shop)
    compiled = polib.mofile(str(shop / "sales" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.mo"))
    assert {entry.msgid: entry.msgstr for entry in compiled} == {"Receipt": "小票"}


def test_checking_writes_nothing(shop: Path):
    say(shop, "sales", "Receipt")
    assert run(package=shop, check=True).problems
    assert not (shop / "sales" / "locale").exists()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("消费积分，得 %(points)s。", ""),
        ("消费积分,得 %(points)s。", "分,"),
        ("%(name)s(%(why)s)", "("),
        ("共 1,000 字，时间 12:30 起（UTC+8）", ""),
        ("编码: %(code)s", "码:"),
        ("Excel (XLSX), CSV", ""),
    ],
)
def test_chinese_wants_full_width_punctuation(text: str, wrong: str):
    assert half_width(text) == wrong


def test_half_width_punctuation_is_complained_about(shop: Path):
    (shop / "sales" / "views.py").write_text("from django.utils.translation import gettext as _\n_('Late')\n")
    assert run(package=shop, handed_in={"Late": "晚了,请重试"}).problems == [
        "sales [zh_Hans] 'Late': has half-width punctuation at '了,'",
        "sales [zh_Hant] 'Late': has half-width punctuation at '了,'",
    ]
