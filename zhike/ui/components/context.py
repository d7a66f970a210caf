"""What every template may use: the appearance the reader chose and the name above the page; and the sentences of the scripts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import get_language, gettext

THEME_COOKIE = "zhike_theme"
THEMES = {"light": "zhike-light", "dark": "zhike-dark"}
LANGUAGES = (("zh-hans", "简体中文"), ("zh-hant", "繁體中文"), ("en", "English"))
HTML_LANGUAGES = {"zh-hans": "zh-Hans", "zh-hant": "zh-Hant"}


def appearance(request: HttpRequest) -> dict[str, Any]:
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    language = get_language() or "zh-hans"
    return {
        "theme": theme if theme in THEMES else "auto",
        "color_theme": THEMES.get(theme, ""),
        "language": language,
        "html_lang": HTML_LANGUAGES.get(language, language),
        "languages": LANGUAGES,
        "app_name": getattr(request, "app_name", "") or gettext("Zhike"),
    }


def script_sentences() -> dict[str, str]:
    """The few sentences that the scripts say, by key."""
    return {
        "offline": gettext("There is no connection. What you entered is still here; please try again."),
        "online": gettext("The connection is back."),
        "timeout": gettext("The server did not answer in time. Please try again."),
        "forbidden": gettext(
            "You may not do this, or your session has ended. Reload the page and try again."
        ),
        "missing": gettext("This is no longer here. Reload the page to see what changed."),
        "slow_down": gettext("Too many requests at once. Please wait a moment."),
        "failed": gettext("Something went wrong on our side. Nothing was changed; please try again."),
        "copied": gettext("Copied"),
        "no_file": gettext("No file chosen"),
        "more": gettext("More"),
        "less": gettext("Less"),
    }
