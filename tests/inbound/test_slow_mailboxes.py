"""Mail servers that take their time: they hold up nobody but their own tenant, and are told of in its inboxes."""

import threading
import time
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.utils import timezone

from accounts.services import audit
from inbound.models import Mailbox
from inbound.services import mailboxes
from inbound.tasks import check_mailboxes
from inboxes.models import Inbox, InboxHealth
from tests.engines import until
from tests.inbound.test_mailboxes import letter, look, settings_for, stored
from tests.ports import free_port
from tests.providers.imap import ImapServer
from tests.providers.smtp import ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 24
GREETING = b"* OK [CAPABILITY IMAP4rev1 AUTH=LOGIN] slow"


class Dripping:
    """A mail server that says a letter of its greeting at a time; counts who listens."""

    def __init__(self):
        self.listening = self.most = 0
        self.over = False
        self._lock = threading.Lock()

    def __call__(self, connection):
        threading.Thread(target=self._drip, args=[connection.dup()], daemon=True).start()

    def _drip(self, connection):
        with self._lock:
            self.listening += 1
            self.most = max(self.most, self.listening)
        try:
            with suppress(OSError):
                while not self.over:
                    connection.sendall(GREETING[:1])
                    time.sleep(0.05)
        finally:
            with self._lock:
                self.listening -= 1
            connection.close()


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def server():
    with ImapServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _alone(anyone):
    yield
    Mailbox.unscoped.update(next_check_at=timezone.now() + timedelta(days=1))
    until(lambda: not mailboxes._visitors)


def open_mailbox(environment, server, **fields):
    inbox = Inbox.unscoped.create(
        environment=environment, channel="email", name="Mail", settings=settings_for(server, **fields)
    )
    InboxHealth.unscoped.create(inbox=inbox, environment=environment)
    mailboxes.follow(inbox, by=audit.SYSTEM)
    return inbox


@pytest.mark.slow
class TestATenantWithManyServersThatDrip:
    @pytest.fixture
    def dripping(self, live):
        drip = Dripping()
        with ScriptedServer(drip) as slow:
            for _ in range(MANY):
                open_mailbox(live, slow)
            yield drip
            drip.over = True

    def test_keeps_no_other_tenant_waiting(self, globex, dripping, server):
        check_mailboxes()
        until(lambda: dripping.listening)
        others = open_mailbox(globex, server)

        check_mailboxes()
        until(lambda: Mailbox.unscoped.get(inbox=others).checked_at)

        assert dripping.listening  # while its own servers still drip
        assert dripping.most <= mailboxes.OF_A_TENANT

    def test_holds_no_task(self, dripping):
        began = time.monotonic()
        for _ in range(5):
            check_mailboxes()

        assert time.monotonic() - began < mailboxes.VISIT_SECONDS
        until(lambda: dripping.listening)
        assert len(mailboxes._visitors) <= mailboxes.AT_A_TIME

    def test_ends_each_visit_before_its_lease_does(self, dripping, monkeypatch):
        assert mailboxes.VISIT_SECONDS < mailboxes.LEASE_SECONDS
        monkeypatch.setattr(mailboxes, "VISIT_SECONDS", 3.0)

        check_mailboxes()

        # By the leases: a server still listens for a moment after we have left, while the next one is visited.
        under_way = Mailbox.unscoped.filter(leased_until__gt=timezone.now())
        until(lambda: Mailbox.unscoped.filter(failures=1).count() >= mailboxes.OF_A_TENANT)
        assert under_way.count() <= mailboxes.OF_A_TENANT


def test_two_workers_together_make_no_more_visits_of_a_tenant(live, globex, server):
    for environment in (live, live, live, globex):
        open_mailbox(environment, server)

    claimed = [mailboxes._claimed() for _ in range(4)]

    tenants = [visit.mailbox.environment_id for visit in claimed if visit is not None]
    assert tenants.count(live.pk) == mailboxes.OF_A_TENANT
    assert tenants.count(globex.pk) == 1
    assert None in claimed


def test_a_real_server_that_is_slow_at_a_mail_loses_nothing(live, server, monkeypatch):
    open_mailbox(live, server)
    look()
    for number in range(3):
        server.inbox.put(letter(number))
    monkeypatch.setattr(mailboxes, "LAST_MAIL_SECONDS", 0.0)
    Mailbox.unscoped.update(next_check_at=timezone.now())
    visit = mailboxes._claimed()
    assert visit is not None
    assert mailboxes.check(visit) == 0  # its time was up before the first mail
    assert Mailbox.unscoped.get().next_check_at <= timezone.now()  # it goes on at once

    monkeypatch.undo()
    look()

    assert stored() == [letter(number) for number in range(3)]


class TestHealth:
    def of(self, api, inbox):
        return api.get(f"/v1/inboxes/{inbox.public_id}").json()["health"]["mailbox"]

    def test_tells_that_a_folder_is_read(self, api, live, server):
        inbox = open_mailbox(live, server)
        assert self.of(api, inbox)["state"] == "pending"

        look()

        told = self.of(api, inbox)
        assert (told["state"], told["code"], told["advice"], told["failing_since"]) == ("connected", None, None, None)
        assert told["last_read_at"] is not None

    @pytest.mark.parametrize(
        ("fields", "code", "param"),
        [
            ({"imap_password": "wrong-horse"}, "channel_auth_failed", "settings.imap_password"),
            ({"imap_folder": "Nowhere"}, "invalid_settings", "settings.imap_folder"),
        ],
    )
    def test_says_what_to_do_about_a_folder_that_cannot_be_read(self, api, live, server, fields, code, param):
        inbox = open_mailbox(live, server, **fields)
        look()

        told = self.of(api, inbox)
        assert (told["state"], told["code"], told["param"]) == ("failing", code, param)
        assert param in told["advice"]
        assert told["detail"]
        assert "horse" not in str(told)

    def test_remembers_when_all_was_well_and_since_when_it_is_not_and_recovers(self, api, live, server):
        inbox = open_mailbox(live, server)
        look()
        well = self.of(api, inbox)["last_read_at"]
        Inbox.unscoped.filter(pk=inbox.pk).update(settings=settings_for(server, imap_port=free_port()))
        look()
        first = self.of(api, inbox)
        look()
        again = self.of(api, inbox)
        assert (first["state"], first["code"], first["last_read_at"]) == ("failing", "provider_unavailable", well)
        assert again["failing_since"] == first["failing_since"]

        Inbox.unscoped.filter(pk=inbox.pk).update(settings=settings_for(server))
        look()

        told = self.of(api, inbox)
        assert (told["state"], told["detail"], told["failing_since"]) == ("connected", None, None)
        assert told["last_read_at"] > well

    def test_begins_anew_with_other_settings(self, api, live, server):
        inbox = open_mailbox(live, server, imap_password="wrong-horse")
        look()

        mailboxes.follow(inbox, by=audit.SYSTEM)

        assert self.of(api, inbox)["state"] == "pending"

    def test_says_nothing_of_an_inbox_without_a_folder(self, api, live, server):
        inbox = open_mailbox(live, server, imap_host="")

        assert self.of(api, inbox) is None
