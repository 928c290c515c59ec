"""What a production process refuses to start with."""

import os
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from dexra import embedded

SHORTEST_SECRET = 32


def refuse_unsafe() -> None:
    """
    Check a production process; elsewhere do nothing. Called once by every process, from ``AppConfig.ready``.

    Raises ImproperlyConfigured that names everything wrong at once.
    """
    if not settings.IS_PRODUCTION:
        return
    problems = unsafe_settings(settings, os.environ)
    if problems:
        raise ImproperlyConfigured(
            "DEXRA_ENV=production refuses to start:\n" + "\n".join(f"- {problem}" for problem in problems)
        )


def unsafe_settings(found: Any, environment: Mapping[str, str]) -> list[str]:
    """Return what is unsafe about Django settings, a sentence each."""
    own_key = environment.get("DEXRA_ENCRYPTION_KEY", "")
    doubts = {
        "DEXRA_SECRET_KEY is the development default: set a random value of your own.": (
            found.SECRET_KEY == found.DEVELOPMENT_SECRET_KEY
        ),
        f"DEXRA_SECRET_KEY is shorter than {SHORTEST_SECRET} characters.": len(found.SECRET_KEY) < SHORTEST_SECRET,
        "DEXRA_ENCRYPTION_KEY is not set: secrets at rest need a random key of their own.": not own_key,
        "DEXRA_DEBUG is on: it shows code and settings to strangers.": found.DEBUG,
        "DEXRA_ALLOWED_HOSTS is a wildcard: name the hosts you serve.": (
            not found.ALLOWED_HOSTS or any(host.strip() in {"*", ".", ""} for host in found.ALLOWED_HOSTS)
        ),
        "DATABASE_URL is not set: production takes a PostgreSQL of your own.": not found.DATABASE_URL,
        "REDIS_URL is not set: production takes a Redis of your own.": "REDIS_URL" not in environment,
        "the embedded servers are for one machine and one person: set DATABASE_URL and REDIS_URL.": (
            bool(environment.get(embedded.MARK))
        ),
    }
    return [sentence for sentence, is_unsafe in doubts.items() if is_unsafe]
