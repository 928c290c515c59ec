"""
Settings, all of them from the environment.

Every name an operator may set is listed, with its default, in ``.env.example``.
"""

import os
import sys
import warnings
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import environ
import structlog
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from core import logs

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
env.read_env(BASE_DIR / ".env")
DATA_DIR = Path(env.str("DEXRA_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
if not {"DATABASE_URL", "REDIS_URL"} & env.ENVIRON.keys():
    env.read_env(DATA_DIR / "environment")  # of a running `make run`: so that manage.py finds its servers

# --- which kind of place this is -------------------------------------------------------------

DEXRA_ENV: str = env.str("DEXRA_ENV", default="development")
IS_PRODUCTION = DEXRA_ENV == "production"
DEVELOPMENT_SECRET_KEY = "development-only-secret-key-never-used-in-production"  # noqa: S105  refused by dexra.production
SECRET_KEY: str = env.str("DEXRA_SECRET_KEY", default=DEVELOPMENT_SECRET_KEY)
# The first key seals, every key opens: rotate by putting a new one in front.
ENCRYPTION_KEYS: list[str] = env.list("DEXRA_ENCRYPTION_KEY", default=[SECRET_KEY])
DEBUG: bool = env.bool("DEXRA_DEBUG", default=False)
ALLOWED_HOSTS: list[str] = env.list("DEXRA_ALLOWED_HOSTS", default=["*"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("DEXRA_TRUSTED_ORIGINS", default=[])
BASE_URL: str = env.str("DEXRA_BASE_URL", default=f"http://127.0.0.1:{env.int('PORT', default=8000)}")
if env.bool("DEXRA_BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CLIENT_IP_HEADER: str = env.str("DEXRA_CLIENT_IP_HEADER", default="")

# --- the rooms -------------------------------------------------------------------------------

INSTALLED_APPS = [
    # Drives `manage.py runserver`; every other process is spared its Twisted.
    *(["daphne"] if "runserver" in sys.argv else []),
    "dexra.apps.OperatorsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_prometheus",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "core",
    "events",
    "accounts",
    "inboxes",
    "contacts",
    "conversations",
    "realtime",
    "webhooks",
    "outbound",
    "inbound",
    "dexra",
]
MIDDLEWARE = [
    "dexra.middleware.RequestScope",
    "dexra.middleware.FailureGuard",
    "dexra.middleware.BodyLimit",
    "dexra.middleware.StraightToApis",  # past all that follow
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "dexra.urls"
ASGI_APPLICATION = "dexra.asgi.application"
WSGI_APPLICATION = "dexra.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "dexra" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- PostgreSQL ------------------------------------------------------------------------------

DATABASE_URL: str = env.str("DATABASE_URL", default="")
DATABASE_OWNER_URL: str = env.str("DATABASE_OWNER_URL", default="")
APPLICATION_ROLE = "dexra_app"
# Behind a pooler that shares sessions between transactions (pgbouncer), 0 switches prepared statements off.
PREPARE_AFTER: int | None = env.int("DEXRA_PREPARE_AFTER", default=3) or None
# How long a statement may take where people wait for it; workers and commands, for which nobody waits, give it more.
DATABASE_SECONDS: float = env.float("DEXRA_DATABASE_SECONDS", default=5.0) * (1 if "DEXRA_ROLE" in os.environ else 12)
# A connection that nobody is at the other end of any more is noticed within half a minute, from either end.
KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}


def _limits(seconds: float) -> str:
    """Return how long the server works at a statement, waits inside a transaction, and believes in a silent client."""
    milliseconds = round(seconds * 1000)
    limits = {"statement_timeout": milliseconds, "idle_in_transaction_session_timeout": milliseconds}
    network = {name if name.startswith("tcp") else f"tcp_{name}": value for name, value in KEEPALIVE.items()}
    return " ".join(f"-c {name}={value}" for name, value in {**limits, **network}.items())


def _database(url: str, *, role: str = "", seconds: float = 0.0) -> dict[str, Any]:
    """
    Return Django's settings for a libpq URL; ``role`` is taken on as each session starts.

    A statement gets so many ``seconds``, 0 for ever; a second later the server counts as gone.
    """
    info = conninfo_to_dict(url)
    options: dict[str, Any] = {
        key: value for key, value in info.items() if key not in {"dbname", "user", "password", "host", "port"}
    }
    options = {"connect_timeout": 3, **KEEPALIVE, **options}
    # What is said again and again is planned once for each connection; it halves the database's share of a message.
    options |= {"server_side_binding": True, "prepare_threshold": PREPARE_AFTER}
    said = str(options.pop("options", ""))
    startup = [_limits(seconds) if seconds else "", said, f"-c role={role}" if role else ""]
    if any(startup):
        options["options"] = " ".join(filter(None, startup))
    return {
        "ENGINE": "core.postgres",
        "ANSWER_SECONDS": seconds + 1 if seconds else None,
        "NAME": info.get("dbname", "dexra"),
        "USER": info.get("user", ""),
        "PASSWORD": info.get("password", ""),
        "HOST": info.get("host", ""),
        "PORT": str(info.get("port", "")),
        "CONN_MAX_AGE": None,
        "OPTIONS": options,
        "TEST": {"NAME": env.str("DEXRA_TEST_DATABASE", default="dexra_test")},
    }


# Two logins, or one whose sessions take on the application role: either way the running product
# obeys row-level security. Only `migrate --database owner` uses the owner's connection.
DATABASES = {
    "default": _database(DATABASE_URL, role="" if DATABASE_OWNER_URL else APPLICATION_ROLE, seconds=DATABASE_SECONDS),
    "owner": _database(DATABASE_OWNER_URL or DATABASE_URL) | {"TEST": {"MIRROR": "default"}},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis, Celery, the cable ----------------------------------------------------------------

REDIS_URL: str = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)  # kombu's name for the same socket
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "dexra"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_timeout": None}
CABLE_DRAIN_SECONDS: float = env.float("DEXRA_CABLE_DRAIN_SECONDS", default=5.0)
# How long a session token of the SDK lasts, in seconds; the SDK fetches a new one by itself.
CLIENT_SESSION_SECONDS: int = env.int("DEXRA_CLIENT_SESSION_SECONDS", default=3600)
RATE_LIMITS: bool = env.str("DEXRA_RATE_LIMITS", default="on").lower() != "off"
CABLE_SOCKETS_PER_IDENTITY: int = env.int("DEXRA_CABLE_SOCKETS_PER_IDENTITY", default=50 if RATE_LIMITS else 1_000_000)

# --- limits ----------------------------------------------------------------------------------

MAX_BODY_BYTES = 1024 * 1024
MAX_ATTACHMENT_BYTES = 40 * 1024 * 1024
# Of what providers call us with, below these paths; the first that fits counts. Mails bring their files along.
MAX_CALLBACK_BYTES = {"/inbound/email/": 40 * 1024 * 1024, "/inbound/": 3 * 1024 * 1024}
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
FILE_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 30
EVENT_RETENTION_DAYS: int = env.int("DEXRA_EVENT_RETENTION_DAYS", default=30)
HTTP_THREADS: int = env.int("DEXRA_HTTP_THREADS", default=4)

# --- what we send to customers' servers ------------------------------------------------------


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text.strip())
    except ValueError as wrong:
        raise ImproperlyConfigured(f"DEXRA_ALLOWED_PRIVATE_NETWORKS takes networks like 10.0.0.0/8: {wrong}.") from None


def _seconds(text: str) -> float:
    if not text.strip().replace(".", "", 1).isdecimal():
        raise ImproperlyConfigured("A schedule is seconds, separated by commas: 0,5,300,1800.")
    return float(text)


ALLOWED_PRIVATE_NETWORKS = [_network(text) for text in env.list("DEXRA_ALLOWED_PRIVATE_NETWORKS", default=[])]
WEBHOOK_PROXY: str = env.str("DEXRA_WEBHOOK_PROXY", default="")
if WEBHOOK_PROXY and not WEBHOOK_PROXY.startswith(("http://", "https://")):
    raise ImproperlyConfigured("DEXRA_WEBHOOK_PROXY is the URL of an HTTP proxy: http://proxy.internal:4750.")
# Seconds before each attempt, instead of the live schedule.
WEBHOOK_SCHEDULE = [_seconds(text) for text in env.list("DEXRA_WEBHOOK_SCHEDULE", default=[])]
WEBHOOK_SLOTS: int = env.int("DEXRA_WEBHOOK_SLOTS", default=500)
WEBHOOK_DRAIN_SECONDS: float = env.float("DEXRA_WEBHOOK_DRAIN_SECONDS", default=20.0)
BODY_RETENTION_DAYS: int = env.int("DEXRA_BODY_RETENTION_DAYS", default=30)
ATTEMPT_RETENTION_DAYS: int = env.int("DEXRA_ATTEMPT_RETENTION_DAYS", default=30)
CALLBACK_RETENTION_DAYS: int = env.int("DEXRA_CALLBACK_RETENTION_DAYS", default=30)

# --- what is sent through providers of channels ----------------------------------------------

# Where each provider is when nobody says otherwise; what they hand out as URLs on these hosts follows the setting, too.
PROVIDER_HOMES = {
    "whatsapp": "https://graph.facebook.com",
    "telegram": "https://api.telegram.org",
    "twilio": "https://api.twilio.com",
    "vonage": "https://api.nexmo.com",
    "messenger": "https://graph.facebook.com",
    "instagram": "https://graph.instagram.com",
    "line": "https://api.line.me",
    "line_data": "https://api-data.line.me",
}
PROVIDER_BASES: dict[str, str] = {
    "whatsapp": env.str("DEXRA_PROVIDER_BASE_WHATSAPP", default=PROVIDER_HOMES["whatsapp"]),
    "telegram": env.str("DEXRA_PROVIDER_BASE_TELEGRAM", default=PROVIDER_HOMES["telegram"]),
    "twilio": env.str("DEXRA_PROVIDER_BASE_TWILIO", default=PROVIDER_HOMES["twilio"]),
    "vonage": env.str("DEXRA_PROVIDER_BASE_VONAGE", default=PROVIDER_HOMES["vonage"]),
    "messenger": env.str("DEXRA_PROVIDER_BASE_MESSENGER", default=PROVIDER_HOMES["messenger"]),
    "instagram": env.str("DEXRA_PROVIDER_BASE_INSTAGRAM", default=PROVIDER_HOMES["instagram"]),
    "line": env.str("DEXRA_PROVIDER_BASE_LINE", default=PROVIDER_HOMES["line"]),
    "line_data": env.str("DEXRA_PROVIDER_BASE_LINE", default=PROVIDER_HOMES["line_data"]),
}
GRAPH_VERSION: str = env.str("DEXRA_WHATSAPP_GRAPH_VERSION", default="v23.0")
# Seconds to wait before each further attempt, instead of random ones that double.
OUTBOUND_SCHEDULE = [_seconds(text) for text in env.list("DEXRA_OUTBOUND_SCHEDULE", default=[])]
OUTBOUND_SLOTS: int = env.int("DEXRA_OUTBOUND_SLOTS", default=200)
OUTBOUND_DRAIN_SECONDS: float = env.float("DEXRA_OUTBOUND_DRAIN_SECONDS", default=20.0)

# --- e-mail to people ------------------------------------------------------------------------

_nowhere = "dummymail://" if IS_PRODUCTION else "consolemail://"
vars().update(env.email_url_config(env.str("EMAIL_URL", default="") or _nowhere))
DEFAULT_FROM_EMAIL: str = env.str("DEXRA_EMAIL_FROM", default="Dexra <noreply@localhost>")
EMAIL_TIMEOUT = 10

# --- for operators ---------------------------------------------------------------------------

METRICS_TOKEN: str = env.str("DEXRA_METRICS_TOKEN", default="")
WORKER_METRICS_PORT: int = env.int("DEXRA_WORKER_METRICS_PORT", default=0)

# --- the demo page ---------------------------------------------------------------------------

DEMO: bool = env.str("DEXRA_DEMO", default="off" if IS_PRODUCTION else "on").lower() == "on"
DEMO_INBOX: str = env.str("DEXRA_DEMO_INBOX", default="")

# --- people ----------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "/admin/"
SESSION_ENGINE = "dexra.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_PRODUCTION
SESSION_COOKIE_AGE = 12 * 3600
SECURE_HSTS_SECONDS = 31_536_000 if IS_PRODUCTION else 0

# --- files -----------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True
warnings.filterwarnings("ignore", message="No directory at", module="django")  # nothing is collected in development
SDK_BUILD_DIR = BASE_DIR / "sdk_js" / "build"
MEDIA_ROOT = DATA_DIR / "media"
ATTACHMENTS_BUCKET: str = env.str("DEXRA_S3_BUCKET", default="")
STORAGES: dict[str, dict[str, Any]] = {
    "default": (
        {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": ATTACHMENTS_BUCKET,
                "endpoint_url": env.str("DEXRA_S3_ENDPOINT", default="") or None,
                "region_name": env.str("DEXRA_S3_REGION", default="") or None,
                "querystring_expire": 300,
            },
        }
        if ATTACHMENTS_BUCKET
        else {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    ),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# --- words and times -------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "dexra.formats"

# --- the native API --------------------------------------------------------------------------

API_VERSION = "2026-11-20"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.BearerKey"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "dexra.openapi.Schema",
    "EXCEPTION_HANDLER": "accounts.views.answer_error",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Dexra API",
    "VERSION": API_VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PREPROCESSING_HOOKS": ["dexra.openapi.only_native"],
    "POSTPROCESSING_HOOKS": ["dexra.openapi.complete"],
}

# --- logs: one JSON object a line, never a message's body ------------------------------------

LOG_LEVEL: str = env.str("DEXRA_LOG_LEVEL", default="INFO")
LOGGING = logs.logging_settings(level=LOG_LEVEL)
structlog.configure(**logs.structlog_settings())
