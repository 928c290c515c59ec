"""Opening an inbox that has a provider: it is asked whether the credentials work, and told where to call us."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.db import connection
from django.utils import timezone

from accounts.services import environments
from core import guard
from inboxes.models import Inbox, InboxHealth
from inboxes.services import connecting, registering
from outbound.models import Line
from tests.conftest import mint, open_account
from tests.engines import until
from tests.providers import telegram as fake
from tests.providers.server import answer, answer_json, held, reset
from tests.providers.smtp import ScriptedServer
from tests.servers import Server, wrong_fields
from tests.webhooks.telling import listen, told

BODY = {"name": "Bot", "channel": "telegram", "settings": {"bot_token": fake.TOKEN}}
PUBLIC = "https://chat.example.com"


@pytest.fixture
def telegram(settings):
    settings.BASE_URL = PUBLIC
    with fake.Telegram() as provider:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "telegram": provider.base}
        yield provider


@pytest.fixture
def test_api(sandbox):
    return Server(mint(sandbox))


def overdue(**changes):
    InboxHealth.unscoped.update(callback_due_at=timezone.now(), **changes)


def _post(key):
    try:
        return Server(key).post("/v1/inboxes", BODY)
    finally:
        connection.close()


def drip(connection):
    """Say a little of a record of TLS, or of a greeting, again and again, and never all of it."""
    connection.sendall(b"\x16\x03\x03\x40\x00")
    while True:
        connection.sendall(b"\x02")
        time.sleep(0.1)


def greet(connection):
    """Speak as much SMTP as a login without a password takes."""
    connection.sendall(b"220 ready\r\n")
    while said := connection.recv(1000):
        connection.sendall(b"221 bye\r\n" if said.upper().startswith(b"QUIT") else b"250 fine\r\n")


class TestCreate:
    @pytest.mark.django_db(transaction=True)
    def test_tells_the_provider_where_to_call(self, api, telegram):
        opened = api.post("/v1/inboxes", BODY).json()

        assert telegram.webhook["url"] == opened["callback_url"] == f"{PUBLIC}/inbound/telegram/{opened['identifier']}"
        assert opened["health"]["state"] == "connected"
        assert opened["health"]["callback"] == {"state": "registered", "detail": None}

    def test_masks_what_is_secret(self, api, telegram):
        opened = api.post("/v1/inboxes", BODY).json()

        assert fake.TOKEN not in str(opened)
        assert Inbox.unscoped.get().settings["bot_token"] == fake.TOKEN

    def test_says_what_is_lacking(self, api, telegram):
        answer = api.post("/v1/inboxes", {**BODY, "settings": {}})

        assert wrong_fields(answer) == {"settings.bot_token": "required"}
        assert not telegram.requests

    def test_opens_nothing_that_the_provider_refuses(self, api, telegram):
        wrong = "1234567890:AAH-a-token-that-nobody-gave-out-0123456789"

        answer = api.post("/v1/inboxes", {**BODY, "settings": {"bot_token": wrong}})

        assert set(wrong_fields(answer)) == {"settings.bot_token"}
        assert wrong not in answer.content.decode()
        assert not Inbox.unscoped.exists()

    def test_says_when_the_provider_cannot_be_asked(self, api, telegram):
        telegram.keeps_meeting(reset())

        answer = api.post("/v1/inboxes", BODY)

        assert wrong_fields(answer) == {"settings": "provider_unavailable"}
        assert not Inbox.unscoped.exists()

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_waits_for_one_provider_of_a_tenant_at_a_time(self, key, stranger_key, telegram):
        may_answer = threading.Event()
        telegram.keeps_meeting(held(may_answer, answer(502)))
        with ThreadPoolExecutor(5) as threads:
            asked = [threads.submit(_post, key) for _ in range(4)]
            until(lambda: telegram.requests)
            telegram.keeps_meeting(None)
            opened = threads.submit(_post, stranger_key).result()  # nobody waits for somebody else's provider
            until(lambda: sum(each.done() for each in asked) == 3)
            may_answer.set()
            answers = [each.result() for each in asked]

        assert opened.status_code == 201
        assert sorted(each.status_code for each in answers) == [422, 429, 429, 429]
        refused = next(each for each in answers if each.status_code == 429)
        assert refused.headers["Retry-After"] == "8"
        assert refused.json()["error"]["code"] == "check_under_way"
        assert _post(key).status_code in {201, 409}

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_leaves_threads_to_others_while_providers_do_not_answer(self, key, stranger_key, telegram):
        third = mint(environments.environment_of(open_account("Third", "eve@third.test"), "live"))
        may_answer = threading.Event()
        telegram.keeps_meeting(held(may_answer, answer(502)))
        with ThreadPoolExecutor(3) as threads:
            asked = [threads.submit(_post, one) for one in (key, stranger_key, third)]
            until(lambda: any(each.done() for each in asked))
            may_answer.set()
            answers = [each.result() for each in asked]

        assert sorted(each.status_code for each in answers) == [422, 422, 503]
        refused = next(each for each in answers if each.status_code == 503)
        assert refused.headers["Retry-After"] == "8"
        telegram.keeps_meeting(None)
        assert _post(key).status_code == 201

    @pytest.mark.slow
    def test_gives_up_a_mail_server_that_drips_even_while_it_shakes_hands(self, api, settings, monkeypatch):
        monkeypatch.setattr(connecting, "PATIENCE_SECONDS", 1.0)
        settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
        with ScriptedServer(drip) as server:
            mail = {"from_address": "help@acme.test", "smtp_host": "127.0.0.1", "smtp_port": server.port}
            began = time.monotonic()
            for security in ("tls", "none"):
                body = {"name": "Mail", "channel": "email", "settings": {**mail, "smtp_security": security}}
                assert wrong_fields(api.post("/v1/inboxes", body)) == {"settings": "provider_unavailable"}

        assert time.monotonic() - began < 30

    def test_opens_no_second_inbox_of_one_bot(self, api, telegram):
        first = api.post("/v1/inboxes", BODY).json()

        again = api.post("/v1/inboxes", {**BODY, "name": "Again"})

        assert (again.status_code, again.json()["error"]["code"]) == (409, "already_connected")
        assert first["id"] in again.json()["error"]["message"]
        api.delete(f"/v1/inboxes/{first['id']}")
        assert api.post("/v1/inboxes", BODY).status_code == 201

    def test_asks_nobody_in_the_sandbox(self, test_api, telegram):
        opened = test_api.post("/v1/inboxes", BODY).json()

        assert opened["health"]["callback"]["state"] == "registered"
        assert not telegram.requests


class TestMailServers:
    MAIL = {"from_address": "help@acme.test", "smtp_host": "127.0.0.1", "smtp_security": "none"}

    def refused(self, api, **more):
        answer = api.post("/v1/inboxes", {"name": "Mail", "channel": "email", "settings": {**self.MAIL, **more}})
        [found] = answer.json()["error"]["errors"]
        return found["field"], found["code"], found["message"]

    @pytest.fixture
    def _nothing_private(self, settings):
        settings.ALLOWED_PRIVATE_NETWORKS = []

    @pytest.mark.usefixtures("_nothing_private")
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
    def test_in_private_networks_are_named_with_the_way_out(self, api, host):
        field, code, words = self.refused(api, smtp_host=host)

        assert (field, code) == ("settings.smtp_host", "private_address")
        assert "DEXRA_ALLOWED_PRIVATE_NETWORKS" in words

    def test_for_incoming_mail_are_named_too(self, api, settings, monkeypatch):
        monkeypatch.setattr(guard, "is_blocked", lambda address: address == "127.0.0.2")
        with ScriptedServer(greet) as server:
            folder = {"imap_host": "127.0.0.2", "imap_username": "help", "imap_password": "p"}
            field, code, _ = self.refused(api, smtp_port=server.port, **folder)

        assert (field, code) == ("settings.imap_host", "private_address")

    @pytest.mark.usefixtures("_nothing_private")
    def test_do_not_tell_which_names_a_private_network_has(self, api, monkeypatch):
        def look_up(host, *_args, **_options):
            if host == "mail.inside.test":
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 0))]
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

        known, unknown = (self.refused(api, smtp_host=f"mail.{name}.test") for name in ("inside", "nowhere"))

        assert known == unknown
        assert known[:2] == ("settings.smtp_host", "no_public_address")


class TestRepeatingCredentials:
    @pytest.fixture
    def inbox(self, api, telegram):
        opened = api.post("/v1/inboxes", BODY).json()
        inbox = Inbox.unscoped.get()
        Line.unscoped.create(
            inbox=inbox, environment=inbox.environment, is_disconnected=True, consecutive_faults=5,
            pause_reason="channel_auth_failed", paused_until=timezone.now() + timedelta(minutes=15),
        )  # fmt: skip
        InboxHealth.unscoped.update(state="disconnected", code="channel_auth_failed")
        return opened

    def test_asks_at_once_and_opens_the_line(self, api, live, inbox, telegram, relay):
        shop = listen(live, events=["inbox_reconnected"])
        asked = len(telegram.requests)

        answer = api.patch(f"/v1/inboxes/{inbox['id']}", {"settings": BODY["settings"]})

        assert answer.json()["health"]["state"] == "connected"
        assert len(telegram.requests) > asked
        line = Line.unscoped.get()
        assert (line.is_disconnected, line.paused_until, line.consecutive_faults) == (False, None, 0)
        assert line.next_due_at <= timezone.now()
        relay.drain()
        assert [each["type"] for each in told(shop)] == ["inbox_reconnected"]

    def test_opens_nothing_while_the_provider_refuses(self, api, inbox, telegram):
        telegram.meets(answer_json({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401))

        refused = api.patch(f"/v1/inboxes/{inbox['id']}", {"settings": BODY["settings"]})

        assert wrong_fields(refused) == {"settings.bot_token": "channel_auth_failed"}
        assert Line.unscoped.get().is_disconnected
        assert InboxHealth.unscoped.get().state == "disconnected"


class TestUpdate:
    @pytest.fixture
    def path(self, api, telegram):
        return f"/v1/inboxes/{api.post('/v1/inboxes', BODY).json()['id']}"

    def test_keeps_what_worked_when_the_provider_refuses_the_new(self, api, path):
        answer = api.patch(path, {"settings": {"bot_token": "1234567890:AAH-a-token-that-nobody-gave-out-0123456789"}})

        assert answer.status_code == 422
        assert Inbox.unscoped.get().settings["bot_token"] == fake.TOKEN

    def test_does_not_let_go_of_what_is_needed(self, api, path):
        assert wrong_fields(api.patch(path, {"settings": {"bot_token": None}})) == {"settings.bot_token": "required"}

    def test_asks_nobody_when_only_the_name_changes(self, api, path, telegram):
        asked = len(telegram.requests)

        assert api.patch(path, {"name": "Shop bot"}).json()["name"] == "Shop bot"
        assert len(telegram.requests) == asked


class TestRegistering:
    @pytest.fixture
    def opened(self, api, telegram):
        return api.post("/v1/inboxes", BODY).json()

    def test_is_done_by_the_upkeep_where_it_was_not(self, opened, telegram):
        assert opened["health"]["callback"]["state"] == "pending"

        assert registering.register_due() == 1

        assert telegram.webhook["url"] == opened["callback_url"]

    def test_is_tried_again_after_a_refusal_and_says_why(self, api, opened, telegram):
        telegram.meets(reset())
        registering.register_due()
        refused = api.get(f"/v1/inboxes/{opened['id']}").json()["health"]["callback"]

        overdue()
        registering.register_due()

        assert refused["state"] == "failed"
        assert refused["detail"]
        assert api.get(f"/v1/inboxes/{opened['id']}").json()["health"]["callback"]["state"] == "registered"

    def test_is_not_tried_for_ever(self, opened, telegram):
        telegram.keeps_meeting(reset())
        overdue(callback_attempts=registering.MOST_ATTEMPTS)

        registering.register_due()

        assert InboxHealth.unscoped.get().callback_due_at is None

    def test_leaves_what_another_worker_is_at(self, opened, telegram):
        registering.register_due()

        assert registering.register_due() == 0
