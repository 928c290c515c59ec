"""
The world most tests share.

Acme is a business with a live and a sandbox environment; Ada works there. Globex is somebody else, who must never
see anything of Acme's; Mallory works at Globex. Everything runs on a real PostgreSQL, as the application role, behind
the same row-level security as in production.
"""

import gc
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

from accounts.models import Account, ApiKey, Environment, User
from accounts.services import audit, environments, keys
from contacts.models import ContactSession
from contacts.services import sessions
from conversations.models import Conversation
from conversations.services import conversations
from core import redis as redis_connections
from core import tenancy, throttle
from events.relay import Relay
from inboxes.models import Inbox
from inboxes.services import inboxes
from realtime.services import broker
from tests import databases, emptying, workers
from tests.servers import Server

# Machines are shared: how long an example takes proves nothing. And the same is tried every time, unless more is
# asked for.
hypothesis.register_profile(
    "dexra",
    deadline=None,
    derandomize="DEXRA_FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis.load_profile("dexra")

ASKS_THE_DATABASE = {"db", "transactional_db"}

os.environ.setdefault("DEXRA_WEB_PROCESSES", "1")  # of servers that tests start; some ask for more
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    workers.move_in(worker)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tell the tests that ask the database from the units, which `make check` runs."""
    if item.get_closest_marker("django_db") or not ASKS_THE_DATABASE.isdisjoint(getattr(item, "fixturenames", ())):
        item.add_marker("integration")


def pytest_collection_finish() -> None:
    """Keep what was loaded out of the collector's sight: looking through it again and again is a sixth of the work."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Make a fresh database as its owner; the tests themselves connect as the application role."""
    name = settings.DATABASES["default"]["TEST"]["NAME"]
    with django_db_blocker.unblock():
        databases.make(name, _migrate)
    _use(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", emptying.empty_tables)
        yield
    with django_db_blocker.unblock():
        for alias in connections:
            connections[alias].close()


def _migrate(name: str) -> None:
    _use(name)
    call_command("migrate", database="owner", verbosity=0)
    _use(name)


def _use(name: str) -> None:
    """Have the next connections lead to a database, and end those there are."""
    for alias in connections:
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = name


@pytest.fixture(autouse=True)
def _clean_redis() -> None:
    """Start every test with an empty Redis that was never away: rate limits and streams are not carried over."""
    redis_connections.client().flushdb()
    throttle._Circuit.open_until = broker._Memory.quiet_until = 0.0


@pytest.fixture
def long_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute that does not end while a test counts requests in it."""
    monkeypatch.setattr(throttle, "WINDOW_SECONDS", 10**9)


@pytest.fixture
def _redis_away() -> Iterator[None]:
    """Lead every new connection to Redis nowhere. A thread that outlives the test finds the right one again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "REDIS_URL", "unix:///nowhere/redis.sock")
        redis_connections.client.cache_clear()
        yield
    redis_connections.client.cache_clear()


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """Hash passwords cheaply: a production hash takes longer than most tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _quick_clients(settings: Any) -> None:
    """Look for static files when one is asked for: every test client would list them all before its first request."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def anyone(db: None) -> Iterator[None]:
    """See every tenant's rows, as the engines do."""
    with tenancy.everyone():
        yield


def open_account(name: str, email: str) -> Account:
    """Open an account owned by a new person."""
    owner = User.objects.create_user(email, "correct horse battery", name=email.partition("@")[0].title())
    return environments.open_account(name=name, owner=owner)


@pytest.fixture
def acme(anyone: None) -> Account:
    """The business the tests look at."""
    return open_account("Acme", "ada@acme.test")


@pytest.fixture
def ada(acme: Account) -> User:
    """An agent, and the owner, of Acme."""
    return User.objects.get(email="ada@acme.test")


@pytest.fixture
def live(acme: Account) -> Environment:
    """Acme's live environment."""
    return environments.environment_of(acme, Environment.Kind.LIVE)


@pytest.fixture
def sandbox(acme: Account) -> Environment:
    """Acme's sandbox."""
    return environments.environment_of(acme, Environment.Kind.SANDBOX)


@pytest.fixture
def globex(anyone: None) -> Environment:
    """A stranger's live environment."""
    account = open_account("Globex", "mallory@globex.test")
    return environments.environment_of(account, Environment.Kind.LIVE)


def mint(environment: Environment, *scopes: str) -> str:
    """Return a new secret key of an environment."""
    return keys.mint(environment=environment, kind=ApiKey.Kind.SECRET, scopes=scopes, by=audit.SYSTEM)[1]


@pytest.fixture
def key(live: Environment) -> str:
    """A secret key of Acme's live environment."""
    return mint(live)


@pytest.fixture
def stranger_key(globex: Environment) -> str:
    """A secret key of somebody else."""
    return mint(globex)


@pytest.fixture
def api(key: str) -> Server:
    """Acme's server."""
    return Server(key)


@pytest.fixture
def stranger(stranger_key: str) -> Server:
    """Somebody else's server."""
    return Server(stranger_key)


def open_inbox(environment: Environment, **fields: Any) -> Inbox:
    """Open an API inbox."""
    return inboxes.create(
        environment=environment, channel=Inbox.Channel.API, by=audit.SYSTEM, fields={"name": "Support", **fields}
    )


@pytest.fixture
def inbox(live: Environment) -> Inbox:
    """Acme's API inbox."""
    return open_inbox(live)


@pytest.fixture
def session(inbox: Inbox) -> ContactSession:
    """A person's browser, unverified."""
    return sessions.open_session(inbox=inbox, fields={"name": "Amine", "email": "amine@example.test"})


@pytest.fixture
def conversation(session: ContactSession) -> Conversation:
    """A conversation with nothing said yet."""
    return conversations.start(session=session)


@pytest.fixture
def relay() -> Relay:
    """The relay, driven by hand."""
    return Relay()
