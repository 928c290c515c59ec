"""A production process refuses to start with what is unsafe, and says which."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from dexra.processes import BASE_DIR
from dexra.production import unsafe_settings

SAFE = {
    "DEVELOPMENT_SECRET_KEY": "development",
    "SECRET_KEY": "s" * 48,
    "DEBUG": False,
    "ALLOWED_HOSTS": ["chat.example.com", ".example.org"],
    "DATABASE_URL": "postgresql://dexra_app@db/dexra",
}
ENVIRONMENT = {"REDIS_URL": "redis://redis/0", "DEXRA_ENCRYPTION_KEY": "e" * 48}


def test_finds_nothing_wrong_with_safe_settings():
    assert unsafe_settings(SimpleNamespace(**SAFE), ENVIRONMENT) == []


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("SECRET_KEY", "development", "DEXRA_SECRET_KEY"),
        ("SECRET_KEY", "short", "DEXRA_SECRET_KEY"),
        ("DEBUG", True, "DEXRA_DEBUG"),
        ("ALLOWED_HOSTS", ["*"], "DEXRA_ALLOWED_HOSTS"),
        ("ALLOWED_HOSTS", ["chat.example.com", " * "], "DEXRA_ALLOWED_HOSTS"),
        ("ALLOWED_HOSTS", [], "DEXRA_ALLOWED_HOSTS"),
        ("DATABASE_URL", "", "DATABASE_URL"),
    ],
)
def test_names_an_unsafe_setting(name, value, named):
    problems = unsafe_settings(SimpleNamespace(**SAFE | {name: value}), ENVIRONMENT)

    assert problems
    assert all(problem.startswith(named) for problem in problems)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"REDIS_URL": "redis://redis/0"}, "DEXRA_ENCRYPTION_KEY"),
        ({"DEXRA_ENCRYPTION_KEY": "e" * 48}, "REDIS_URL"),
        (ENVIRONMENT | {"DEXRA_EMBEDDED": "1"}, "the embedded servers"),
    ],
)
def test_names_what_is_missing_around_the_process(environment, named):
    (problem,) = unsafe_settings(SimpleNamespace(**SAFE), environment)

    assert problem.startswith(named)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "check"],
        ["-m", "dexra.serve", "--role", "web", "--host", "127.0.0.1", "--port", "1"],
        ["-m", "celery", "-A", "dexra", "worker", "--pool", "threads"],
        ["-m", "celery", "-A", "dexra", "beat", "--schedule", os.devnull],
    ],
    ids=lambda command: " ".join(command[:5]),
)
def test_every_process_refuses(command):
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "DEXRA_ENV": "production"},
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode != 0
    assert "DEXRA_ENV=production refuses to start" in done.stderr
    assert "DEXRA_ALLOWED_HOSTS" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "backend"), [("", "console"), ("smtp://user:word@mail.example.com:25", "smtp")], ids=["none", "smtp"]
)
def test_mail_goes_where_the_environment_says_or_into_the_log(url, backend):
    done = subprocess.run(
        [sys.executable, "-c", "from dexra import settings; print(settings.EMAIL_BACKEND)"],
        env={**os.environ, "DEXRA_ENV": "development", "EMAIL_URL": url},
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert done.stdout.strip() == f"django.core.mail.backends.{backend}.EmailBackend"
