"""Django settings: from `Config`, so from the environment, and nothing else."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlparse

from shizhu import web
from shizhu.site.config import Config

CONFIG = Config.from_environment()
_running = CONFIG.running()  # so that every command reaches a running stack
DATABASE_URL = CONFIG.database_url or _running.get("DATABASE_URL", "")
NATS_URL = CONFIG.nats_url or _running.get("NATS_URL", "")
_database = urlparse(DATABASE_URL)
_web = Path(web.__file__).parent

SECRET_KEY = CONFIG.secrets["django"]
DEBUG = False
ALLOWED_HOSTS = ["*"]  # the address is ours to bind; links from the Host header go back to who sent it
ROOT_URLCONF = "shizhu.site.urls"
ASGI_APPLICATION = "shizhu.site.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "kernel.Person"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "pgtrigger",
    "pghistory",
    "procrastinate.contrib.django",
    "shizhu.kernel",
    "shizhu.web",
    "shizhu.engines.records",
    "shizhu.engines.maps",
    "shizhu.engines.things",
    "shizhu.engines.notices",
    "shizhu.engines.alarms",
    "shizhu.engines.cases",
    "shizhu.engines.plan",
    "shizhu.engines.boards",
]

MIDDLEWARE = [
    "shizhu.web.middleware.PolicyMiddleware",
    "shizhu.web.middleware.NulMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "shizhu.web.middleware.PersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shizhu.web.context.shell",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "shizhu.web.templatetags.shizhu"],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path.lstrip("/") or "shizhu",
        "USER": unquote(_database.username or ""),
        "PASSWORD": unquote(_database.password or ""),
        "HOST": _database.hostname or parse_qs(_database.query).get("host", [""])[0],
        "PORT": str(_database.port or 5432),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 8, "timeout": 5}, "application_name": "shizhu"},
        "TEST": {"TEMPLATE": "template0"},
    },
}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "shizhu.web.passwords.NotLikeThePerson"},
    {"NAME": "shizhu.web.passwords.LongEnough", "OPTIONS": {"min_length": CONFIG.password_length}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "shizhu.web.passwords.NotEasy"},
]
SESSION_ENGINE = "shizhu.web.sessions"
SESSION_COOKIE_AGE = 8 * 3600
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = bool(CONFIG.tls_cert)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 20_000_000

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LOCALE_PATHS = [_web / "locale"]
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

STATIC_URL = "/static/"
STATICFILES_DIRS: list[str] = []
PROCRASTINATE_ON_APP_READY = None
PGHISTORY_ADMIN_ALL_EVENTS = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"line": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["line"], "level": "INFO"},
    "loggers": {
        "procrastinate": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
    },
}
