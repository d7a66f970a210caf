"""Every address of the program."""

from __future__ import annotations

from importlib.util import find_spec

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, include, path


def _home(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/console/")


_PACKAGES = ["components", "console", "counter", "member"]
_VENDORS = ["aliyun_sms", "techtrans", "tencent_sms", "wechat_mini", "wechat_mp", "wecom"]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", _home),
    path("i18n/", include("django.conf.urls.i18n")),
    *[
        path("", include(f"zhike.ui.{name}.urls"))
        for name in ["api", *_PACKAGES]
        if find_spec(f"zhike.ui.{name}.urls")
    ],
    *[path("", include(f"zhike.integrations.{name}.webhooks")) for name in _VENDORS],
]

handler400 = "zhike.ui.components.views.bad_request"
handler403 = "zhike.ui.components.views.permission_denied"
handler404 = "zhike.ui.components.views.page_not_found"
handler500 = "zhike.ui.components.views.server_error"
