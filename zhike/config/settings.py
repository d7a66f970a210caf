"""Django settings: one database, three languages, strict headers. The surroundings are read in ``environment``."""

from __future__ import annotations

import json
import os
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from zhike.config import environment

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = environment.home()
PRODUCTION = environment.is_production()
DEBUG = os.environ.get("ZHIKE_DEBUG", "") == "1" and not PRODUCTION
SECRET_KEY = environment.secret_key()
ALLOWED_HOSTS = os.environ.get("ZHIKE_HOSTS", "127.0.0.1,localhost,[::1],testserver").split(",")
CSRF_TRUSTED_ORIGINS = (
    [f"https://{host}" for host in ALLOWED_HOSTS if host not in ("*",)] if PRODUCTION else []
)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "procrastinate.contrib.django",
    "zhike.kernel",
    "zhike.organization",
    "zhike.customers",
    "zhike.privacy",
    "zhike.messaging",
    "zhike.collection",
    "zhike.webhooks",
    "zhike.sales",
    "zhike.loyalty",
    "zhike.offers",
    "zhike.rewards",
    "zhike.risk",
    "zhike.insight",
    "zhike.history",
    "zhike.engagement",
    "zhike.service",
    "zhike.clienteling",
    "zhike.webforms",
    "zhike.marketing",
    "zhike.intake",
    "zhike.rights",
    "zhike.ui.components",
    "zhike.ui.api",
    "zhike.ui.console",
    "zhike.ui.counter",
    "zhike.ui.member",
    "zhike.simulator",
    "zhike.config",
]

MIDDLEWARE = [
    "zhike.ui.components.middleware.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "zhike.ui.components.middleware.ProblemMiddleware",
]
# Tills call thousands of times a minute and need none of the page machinery; see config/wsgi.py.
API_MIDDLEWARE = ["zhike.ui.components.middleware.SecurityHeadersMiddleware"]

ROOT_URLCONF = "zhike.config.urls"
WSGI_APPLICATION = "zhike.config.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "zhike.ui.components.context.appearance",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.l10n",
                "django.templatetags.static",
                "zhike.ui.components.templatetags.zhike",
            ],
        },
    }
]

DATABASES = {"default": environment.database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "organization.Staff"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "/console/login/"
LOGIN_REDIRECT_URL = "/console/"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_HTTPONLY = False
CSRF_FAILURE_VIEW = "zhike.ui.components.views.csrf_failure"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
UPLOAD_DIR = HOME / "uploads"
HISTORY_DIR = environment.history_dir()
# Connectors may watch folders below this one and nowhere else.
INBOX_DIR = environment.inbox()
SOURCE_SOCKETS = os.environ.get("ZHIKE_SOURCE_SOCKETS") == "1"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [
    ("zh-hans", _("Simplified Chinese")),
    ("zh-hant", _("Traditional Chinese")),
    ("en", _("English")),
]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
FORMAT_MODULE_PATH = ["zhike.config.formats"]
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_IMMUTABLE_FILE_TEST = r"/build/[a-z]+-[\w-]{8}\.(css|js)$"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": UPLOAD_DIR},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# The gallery of components: for developers and for the tests that look at it.
GALLERY = DEBUG or os.environ.get("ZHIKE_ENV") == "test"
DEMO = os.environ.get("ZHIKE_DEMO", "") == "1" and not PRODUCTION
DEMO_LOG_INS = json.loads(os.environ.get("ZHIKE_DEMO_LOG_INS") or "[]") if DEMO else []

# Private networks that webhooks may go to; without one only public addresses, by TLS.
WEBHOOK_NETWORKS = [one for one in os.environ.get("ZHIKE_WEBHOOK_NETWORKS", "").split(",") if one]
# Private networks in which mail servers may be that conversations go through; without one only public addresses.
MAIL_NETWORKS = [one for one in os.environ.get("ZHIKE_MAIL_NETWORKS", "").split(",") if one]

# Whether the counter proves a new member's phone by a code: never, optional (the cashier decides) or required.
COUNTER_ENROLMENT_CODE = environment.one_of(
    "ZHIKE_ENROLMENT_CODE", "optional", ("never", "optional", "required")
)
# How strict log-ins are; see organization.rules.PROFILES.
SECURITY_PROFILE = environment.one_of("ZHIKE_SECURITY_PROFILE", "modern", ("modern", "mlps3"))
# For how many days nobody is asked again after a refusal.
CONSENT_PAUSE_DAYS = environment.whole_number("ZHIKE_CONSENT_PAUSE_DAYS", 180)

# The kernel finds what stands above it by these names.
EVENT_CONSUMERS = "zhike.config.consumers.consumers"
ENCRYPTED_COLUMNS = "zhike.config.encrypted.columns"
MESSAGE_GATEWAYS = "zhike.config.vendors.gateways"
SERVICE_VOICES = "zhike.config.vendors.voices"
DEMO_PHONE = "zhike.config.vendors.demo_phone"
# Where members and vendors reach us from outside, for links in messages and addresses of callbacks.
PUBLIC_URL = os.environ.get("ZHIKE_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
# Where the live stream of chats is: "/live/" behind a proxy, ":8001" on another port, "" for none (pages ask by themselves).
LIVE_URL = os.environ.get("ZHIKE_LIVE_URL", "")
# Labelled reviews of the operator's own (CSV: label, review) to learn the feeling of comments from, besides our own words.
REVIEWS_FILE = os.environ.get("ZHIKE_REVIEWS", "")
PROCRASTINATE_IMPORT_PATHS = [
    "zhike.kernel.jobs",
    "zhike.organization.jobs",
    "zhike.messaging.jobs",
    "zhike.collection.jobs",
    "zhike.webhooks.jobs",
    "zhike.loyalty.jobs",
    "zhike.offers.jobs",
    "zhike.rewards.jobs",
    "zhike.risk.jobs",
    "zhike.engagement.jobs",
    "zhike.insight.jobs",
    "zhike.history.jobs",
    "zhike.service.jobs",
    "zhike.clienteling.jobs",
    "zhike.marketing.jobs",
    "zhike.intake.jobs",
    "zhike.rights.jobs",
]

LOG_LEVEL = environment.one_of(
    "ZHIKE_LOG_LEVEL", "WARNING", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
}
