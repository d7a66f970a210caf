"""The tags: what they promise to readers, machines and the content security policy."""

from __future__ import annotations

import re
from types import SimpleNamespace

import lucide
import pytest
from django.template import RequestContext, Template, TemplateSyntaxError
from django.test import Client, RequestFactory

FRAMES = ["/console/_components/", "/counter/_components/", "/m/_components/", "/console/_components/login/"]


def render(source: str, query: str = "", **values: object) -> str:
    request = RequestFactory().get(f"/somewhere/?{query}")
    return Template(source).render(RequestContext(request, values))


@pytest.mark.parametrize("address", FRAMES)
def test_frames_render_without_anything_inline(client: Client, address):
    page = client.get(address)
    html = page.content.decode()
    assert page.status_code == 200
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", html)
    assert all(
        'src="' in tag or 'type="application/json"' in tag for tag in re.findall(r"<script[^>]*>", html)
    )
    assert html.count("<h1") == 1
    assert '<html lang="zh-Hans"' in html


def test_gallery_is_closed_in_production(client: Client, settings):
    settings.GALLERY = False
    assert client.get(FRAMES[0]).status_code == 404


def test_values_are_escaped_everywhere():
    evil = "<script>alert(1)</script>"
    sources = [
        "{% kpi evil evil url=evil note=evil %}",
        "{% badge evil %}{% tier_badge evil evil %}{% person evil evil url=evil %}{% copy_button evil %}",
        "{% card evil note=evil %}{{ evil }}{% endcard %}",
        "{% page_header evil subtitle=evil back_url=evil %}{% endpage_header %}",
        "{% modal 'm' title=evil %}{{ evil }}{% endmodal %}",
        "{% chart 'c' data label=evil %}{% endchart %}",
        "{% timeline evil %}{% timeline_item evil url=evil %}{{ evil }}{% endtimeline_item %}{% endtimeline %}",
        "{% confirm_button evil url=evil question=evil %}{% masked evil reveal_url=evil label=evil %}",
        "{% icon 'gem' 20 evil evil %}{% qr evil label=evil css_class=evil %}",
        "{% filter_bar target=evil search=evil placeholder=evil %}{% endfilter_bar %}",
        "{% explanation evil %}{{ evil }}{% endexplanation %}{% notice evil title=evil %}{{ evil }}{% endnotice %}",
    ]
    for source in sources:
        assert "<script>alert" not in render(source, evil=evil, data={"kind": evil}), source


def test_pager_keeps_the_query_and_replaces_the_cursor():
    page = SimpleNamespace(next_cursor="n1", previous_cursor=None)
    html = render("{% pager page %}", "q=王&cursor=old", page=page)
    assert "cursor=n1" in html
    assert "old" not in html
    assert "q=%E7%8E%8B" in html
    assert 'rel="prev"' not in html


def test_pager_of_one_page_is_empty():
    page = SimpleNamespace(next_cursor=None, previous_cursor=None)
    assert render("{% pager page %}", page=page).strip() == ""


def test_icon_without_label_is_hidden_from_screen_readers():
    assert 'aria-hidden="true"' in render("{% icon 'gem' %}")
    assert 'aria-label="宝石"' in render("{% icon 'gem' label='宝石' %}")


def test_unknown_icon_is_an_error():
    with pytest.raises(lucide.IconDoesNotExist):
        render("{% icon 'no-such-icon' %}")


def test_tier_colour_must_be_a_colour():
    assert 'fill="#c9982b"' in render("{% tier_badge 'Gold' '#c9982b' %}")
    assert "url(" not in render("{% tier_badge 'Gold' 'url(#x)' %}")


def test_qr_is_one_inline_svg_with_a_label():
    html = render("{% qr 'ZK1.x' label='会员码' %}")
    assert html.startswith("<svg")
    assert 'aria-label="会员码"' in html
    assert "style" not in html


def test_progress_is_written_for_machines():
    assert 'value="12345.5" max="100000"' in render("{% progress_bar 12345.5 100000 label='x' %}")


def test_block_without_its_end_is_refused():
    with pytest.raises(TemplateSyntaxError):
        render("{% card 'x' %}")


def test_field_ties_label_help_and_error_together(client: Client):
    html = client.get(FRAMES[0]).content.decode()
    control = re.search(r'<input[^>]*name="phone"[^>]*>', html)
    assert control
    assert 'aria-invalid="true"' in control[0]
    assert 'aria-describedby="id_phone_helptext id_phone_error"' in control[0]
    assert 'id="id_phone_helptext"' in html
    assert 'id="id_phone_error"' in html


def test_revealed_value_is_announced():
    html = render("{% include 'components/revealed.html' %}", value="13800138000")
    assert 'data-announce="13800138000"' in html
