"""Headers, refusals, preferences."""

from __future__ import annotations

import json

import pytest
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import Client
from django.urls import include, path

from zhike.kernel.errors import NotAllowed, TooMany
from zhike.ui.components import views

HTMX = {"HX-Request": "true"}


def refuse(request: HttpRequest) -> HttpResponse:
    raise NotAllowed


def hurry(request: HttpRequest) -> HttpResponse:
    raise TooMany(retry_after=7)


def tell(request: HttpRequest) -> HttpResponse:
    messages.success(request, "已保存")
    return HttpResponse("<p>fragment</p>")


def send_to_login(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/console/login/?next=/console/")


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("boom")


urlpatterns = [
    path("", include("zhike.ui.components.urls")),
    path("console/refuse/", refuse),
    path("m/hurry/", hurry),
    path("tell/", tell),
    path("send/", send_to_login),
    path("fail/", fail),
]
handler404 = views.page_not_found
handler500 = views.server_error

pytestmark = pytest.mark.urls(__name__)


def test_every_answer_carries_strict_headers(client: Client):
    response = client.get("/console/_components/")
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "geolocation=()" in response.headers["Permissions-Policy"]


def test_refusal_is_a_page_with_a_way_back(client: Client):
    response = client.get("/console/refuse/")
    assert response.status_code == 403
    html = response.content.decode()
    assert "没有访问权限" in html
    assert 'href="/console/"' in html


def test_refusal_over_htmx_is_a_toast(client: Client):
    response = client.get("/console/refuse/", headers=HTMX)
    assert response.status_code == 403
    assert response.content == b""
    assert response.headers["HX-Reswap"] == "none"
    (item,) = json.loads(response.headers["HX-Trigger"])["toast"]["items"]
    assert item["tone"] == "warning"
    assert item["text"]


def test_too_many_requests_says_when_to_come_back(client: Client):
    response = client.get("/m/hurry/")
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "7"
    assert 'href="/m/"' in response.content.decode()


def test_messages_over_htmx_are_toasts(client: Client):
    response = client.get("/tell/", headers=HTMX)
    assert json.loads(response.headers["HX-Trigger"])["toast"]["items"] == [
        {"text": "已保存", "tone": "success"}
    ]


def test_log_in_redirect_over_htmx_moves_the_whole_page(client: Client):
    response = client.get("/send/", headers=HTMX)
    assert response.status_code == 200
    assert response.headers["HX-Redirect"] == "/console/login/?next=/console/"
    assert client.get("/send/").status_code == 302


def test_unknown_address(client: Client):
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "这里什么都没有" in response.content.decode()


def test_server_error_is_a_calm_page(client: Client):
    client.raise_request_exception = False
    response = client.get("/fail/")
    assert response.status_code == 500
    assert "系统出了点问题" in response.content.decode()
    assert "boom" not in response.content.decode()


def test_server_error_survives_a_broken_template(client: Client, monkeypatch: pytest.MonkeyPatch):
    def broken(*_arguments: object) -> HttpResponse:
        raise RuntimeError("no template either")

    monkeypatch.setattr(views, "problem_page", broken)
    client.raise_request_exception = False
    assert client.get("/fail/").status_code == 500


def test_missing_csrf_token_is_explained(settings):
    response = Client(enforce_csrf_checks=True).post("/preferences/theme/", {"theme": "dark"})
    assert response.status_code == 403
    assert "请刷新页面后重新提交" in response.content.decode()


@pytest.mark.parametrize(
    ("given", "kept", "attribute"), [("dark", "dark", 'data-theme="zhike-dark"'), ("pink", "auto", "")]
)
def test_theme_is_kept_in_a_cookie(client: Client, given, kept, attribute):
    response = client.post("/preferences/theme/", {"theme": given, "next": "/console/_components/"})
    assert response.headers["Location"] == "/console/_components/"
    assert response.cookies["zhike_theme"].value == kept
    html = client.get("/console/_components/").content.decode()
    assert attribute in html
    assert ("data-theme=" in html.split(">")[1]) is bool(attribute)


def test_theme_never_sends_people_elsewhere(client: Client):
    response = client.post("/preferences/theme/", {"theme": "dark", "next": "https://evil.example/"})
    assert response.headers["Location"] == "/"


def test_language_is_kept(client: Client):
    client.post("/preferences/language/", {"language": "en", "next": "/console/_components/"})
    html = client.get("/console/_components/").content.decode()
    assert '<html lang="en"' in html
    assert "Skip to content" in html
