"""Values in the reader's form, in the three languages."""

from __future__ import annotations

import datetime as dt

import pytest
from django.template import Context, Template
from django.utils import translation

from zhike.ui.components import formatting

NOON = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)


def render(source: str, **values: object) -> str:
    return Template(source).render(Context(values))


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant", "en"])
def test_numbers_are_grouped_in_every_language(language):
    with translation.override(language):
        assert formatting.grouped(1234567) == "1,234,567"
        assert formatting.yuan(123450) == "¥1,234.50"
        assert formatting.yuan(-5) == "−¥0.05"
        assert render("{{ n }}", n=1234567) == "1,234,567"
        assert render("{{ n|unlocalize }}", n=1234567) == "1234567"


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("zh-hans", ["999", "1万", "12.3万", "1.2亿", "−12.3万"]),
        ("zh-hant", ["999", "1萬", "12.3萬", "1.2億", "−12.3萬"]),
        ("en", ["999", "10K", "123.5K", "123.5M", "−123.5K"]),
    ],
)
def test_compact_counts_in_the_units_of_the_language(language, expected):
    with translation.override(language):
        assert [formatting.compact(n) for n in (999, 10000, 123456, 123456789, -123456)] == expected


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("13800138000", "138 0013 8000"),
        ("+8613800138000", "138 0013 8000"),
        ("138****8000", "138 **** 8000"),
        ("+85291234567", "+852 9123 4567"),
        ("+852 9*** *567", "+852 9*** *567"),
        ("not a phone", "not a phone"),
    ],
)
def test_phone_numbers_are_grouped(given, shown):
    assert formatting.phone(given) == shown


@pytest.mark.parametrize(
    ("ago", "chinese", "english"),
    [
        (dt.timedelta(seconds=20), "刚刚", "just now"),
        (dt.timedelta(minutes=3), "3 分钟前", "3 minutes ago"),
        (dt.timedelta(hours=1), "1 小时前", "1 hour ago"),
        (dt.timedelta(days=2), "2 天前", "2 days ago"),
        (dt.timedelta(days=-2), "2 天后", "in 2 days"),
        (dt.timedelta(hours=-5), "5 小时后", "in 5 hours"),
        (dt.timedelta(minutes=-1), "1 分钟后", "in 1 minute"),
        (dt.timedelta(days=40), "2026-10-13", "13 Oct 2026"),
    ],
)
def test_relative_time(ago, chinese, english):
    with translation.override("zh-hans"):
        assert formatting.relative(NOON - ago, NOON) == chinese
    with translation.override("en"):
        assert formatting.relative(NOON - ago, NOON) == english


def test_moments_are_shown_in_the_zone_of_the_mall():
    with translation.override("zh-hans"):
        assert formatting.moment(NOON) == "2026-11-22 12:00"
        assert formatting.day(dt.datetime(2026, 11, 22, 17, 0, tzinfo=dt.UTC)) == "2026-11-23"
        assert 'datetime="2026-11-22T04:00:00+00:00"' in render("{{ t|datetime_local }}", t=NOON)


def test_durations_are_told_as_people_tell_them():
    with translation.override("en"):
        assert formatting.duration(dt.timedelta(minutes=90)) == "1 h 30 min"
        assert formatting.duration(dt.timedelta(seconds=75)) == "1 min 15 s"
        assert formatting.duration(dt.timedelta(seconds=5)) == "5 s"


@pytest.mark.parametrize(
    "name", ["yuan", "points", "points_text", "signed", "count", "compact", "percent", "phone", "date_local"]
)
def test_nothing_is_a_dash(name):
    assert render("{{ n|" + name + " }}", n=None) == "–"


def test_zero_is_not_nothing():
    assert render("{{ n|points }} {{ n|yuan }} {{ n|percent }}", n=0) == "0 ¥0.00 0.0%"


def test_signed_points():
    assert render("{{ a|signed }} {{ b|signed }} {{ c|signed }}", a=1920, b=-320, c=0) == "+1,920 −320 0"


@pytest.mark.parametrize(
    ("name", "shown"), [("王小明", "王"), ("Anna Lee", "AL"), ("", "?"), (None, "?"), ("  ", "?")]
)
def test_initials(name, shown):
    assert render("{{ n|initial }}", n=name) == shown
