"""Mail fetched from folders of a real IMAP server: each once, none lost, nothing in them changed."""

import hashlib
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.utils import timezone

from accounts.services import audit
from inbound.models import Mailbox, RawCallback
from inbound.services import mailboxes
from inboxes.channels.outgoing import Reply
from inboxes.models import Inbox
from inboxes.transport import imap
from tests.engines import until
from tests.inboxes.letters import EMAIL
from tests.ports import free_port
from tests.providers.imap import Folder, ImapServer
from tests.providers.smtp import ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def server():
    with ImapServer() as running:
        yield running


def settings_for(server, **fields):
    where = {"imap_host": "127.0.0.1", "imap_port": server.port, "imap_security": "none"}
    login = {"imap_username": "help", "imap_password": "correct-horse"}
    return {"from_address": "help@acme.test", "smtp_host": "127.0.0.1", **where, **login, **fields}


def open_mailbox(environment, server, **fields):
    inbox = Inbox.unscoped.create(
        environment=environment, channel="email", name="Mail", settings=settings_for(server, **fields)
    )
    mailboxes.follow(inbox, by=audit.SYSTEM)
    return inbox


@pytest.fixture
def inbox(live, server):
    return open_mailbox(live, server)


def letter(number):
    head = f"From: amine@example.test\r\nMessage-ID: <{number}@example.test>\r\nSubject: {number}"
    return f"{head}\r\n\r\nHello {number}".encode()


def look(inbox=None):
    """Let every folder be due, and look at it."""
    Mailbox.unscoped.update(next_check_at=timezone.now())
    return mailboxes.check_due()


def stored():
    return [bytes(row.body) for row in RawCallback.unscoped.order_by("pk")]


class TestAFolder:
    def test_is_read_from_the_day_it_was_connected(self, inbox, server):
        server.inbox.put(letter("old"))

        assert look() == 0
        server.inbox.put(letter("new"))

        assert look() == 1
        assert stored() == [letter("new")]

    def test_gives_each_mail_once_in_its_order(self, inbox, server):
        look()
        for number in range(3):
            server.inbox.put(letter(number))

        assert (look(), look()) == (3, 0)
        assert stored() == [letter(number) for number in range(3)]

    def test_is_left_as_it_was(self, inbox, server):
        look()
        server.inbox.put(letter(1))
        look()

        assert server.changes == []

    def test_hands_mails_on_as_callbacks(self, inbox, server):
        look()
        server.inbox.put(letter(1))
        look()

        row = RawCallback.unscoped.get()
        assert (row.inbox_id, row.state, row.headers) == (inbox.pk, "waiting", {"content-type": "message/rfc822"})
        assert row.digest == hashlib.sha256(letter(1)).hexdigest()
        assert row.next_attempt_at is not None

    def test_that_is_numbered_anew_loses_nothing(self, inbox, server):
        look()
        server.inbox.put(letter(1))
        look()
        server.inbox.renumber(8, first=100)
        server.inbox.put(letter(2))

        look()
        look()

        assert set(stored()) == {letter(1), letter(2)}  # the first again: it is known by its Message-ID
        assert stored()[-1] == letter(2)

    def test_of_which_a_mail_was_deleted_meanwhile_goes_on(self, inbox, server):
        look()
        server.inbox.put(letter(1))
        server.inbox.put(letter(2))
        was_there = list(server.inbox.mails)

        def take_away():
            server.inbox.mails = was_there[1:]

        server.inbox.before_fetch = take_away

        assert look() == 1
        assert stored() == [letter(2)]

    def test_with_a_mail_too_large_brings_its_head(self, inbox, server, monkeypatch):
        look()
        monkeypatch.setattr(mailboxes, "MOST_BYTES", 2000)
        server.inbox.put(letter(1) + b"x" * 5000)

        assert look() == 1
        (only,) = stored()
        assert b"Message-ID: <1@example.test>".lower() in only.lower()
        assert b"still in the mailbox" in only
        assert b"xxx" not in only

    def test_of_another_name_is_read(self, live, server):
        server.folders["Réclamations"] = server.folders["Support & Co"] = other = Folder(server.changes)
        open_mailbox(live, server, imap_folder="Support & Co")
        look()
        other.put(letter(1))
        server.inbox.put(letter(2))

        look()

        assert stored() == [letter(1)]


class TestAProcessThatDies:
    def test_between_two_mails_loses_and_doubles_nothing(self, inbox, server, monkeypatch):
        look()
        for number in range(3):
            server.inbox.put(letter(number))
        fetch = imap.Folder.mail

        def die_at_the_second(folder, uid):
            if uid == 2:
                raise KeyboardInterrupt
            return fetch(folder, uid)

        monkeypatch.setattr(imap.Folder, "mail", die_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            visit_all()
        monkeypatch.setattr(imap.Folder, "mail", fetch)

        look()

        assert stored() == [letter(number) for number in range(3)]

    def test_keeps_the_folder_until_its_lease_is_over_only(self, inbox, server):
        now = timezone.now()
        Mailbox.unscoped.update(next_check_at=now)
        assert mailboxes._claimed() is not None

        assert mailboxes._claimed() is None
        assert now < Mailbox.unscoped.get().next_check_at <= now + timedelta(minutes=3)
        assert mailboxes.VISIT_SECONDS < mailboxes.LEASE_SECONDS

    def test_and_whose_lease_is_over_stores_nothing_twice(self, inbox, server):
        look()
        server.inbox.put(letter(1))
        Mailbox.unscoped.update(next_check_at=timezone.now())
        slow = mailboxes._claimed()
        Mailbox.unscoped.update(next_check_at=timezone.now())
        quick = mailboxes._claimed()
        assert slow is not None
        assert quick is not None

        assert (mailboxes.check(quick), mailboxes.check(slow)) == (1, 0)
        assert stored() == [letter(1)]


class TestAServerThatIsAway:
    def test_is_asked_less_and_less_often(self, live):
        class Nowhere:
            port = free_port()

        open_mailbox(live, Nowhere)
        waits = []
        for _ in range(8):
            look()
            mailbox = Mailbox.unscoped.get()
            waits.append(round((mailbox.next_check_at - timezone.now()).total_seconds() / 60))

        assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
        assert (mailbox.failures, mailbox.error) == (8, "Connection refused")

    def test_and_comes_back_is_read_from_where_it_was_left(self, inbox, server):
        look()
        server.inbox.put(letter(1))
        Mailbox.unscoped.update(failures=3, error="away")

        look()

        assert stored() == [letter(1)]
        assert Mailbox.unscoped.get().failures == 0

    @pytest.mark.parametrize("banner", [b"", b"HTTP/1.1 400 Bad\r\n\r\n", b"* OK hi\r\n", b"* BYE busy\r\n"])
    def test_or_is_none_is_noted(self, live, banner):
        with ScriptedServer(lambda connection: connection.sendall(banner)) as server:
            open_mailbox(live, server)

            assert look() == 0

        assert Mailbox.unscoped.get().error

    @pytest.mark.slow
    def test_and_hangs_holds_nobody_up(self, live, server):
        with ScriptedServer(hang) as hanging:
            inbox = open_mailbox(live, hanging)
            other = open_mailbox(live, server)

            mailboxes.begin()
            until(lambda: Mailbox.unscoped.get(inbox=other).checked_at)
            until(lambda: Mailbox.unscoped.get(inbox=inbox).failures)
            until(lambda: not mailboxes._visitors)

    def test_with_another_password_is_noted_without_it(self, live, server):
        open_mailbox(live, server, imap_password="wrong-horse")

        look()

        error = Mailbox.unscoped.get().error
        assert error
        assert "horse" not in error

    def test_with_no_such_folder_is_noted(self, live, server):
        open_mailbox(live, server, imap_folder="Nowhere")

        look()

        assert Mailbox.unscoped.get().error == "There is no such folder."

    def test_on_a_private_network_is_not_called(self, live, server, settings):
        open_mailbox(live, server)
        settings.ALLOWED_PRIVATE_NETWORKS = []

        look()

        assert Mailbox.unscoped.get().error == "The address is not public."
        assert server.logins == 0


class TestFollowing:
    def test_the_sandbox_fetches_nothing(self, sandbox, server):
        open_mailbox(sandbox, server)

        assert Mailbox.unscoped.count() == 0

    def test_an_inbox_without_a_folder_has_no_mailbox(self, live, server, inbox):
        inbox.settings = {"from_address": "help@acme.test"}

        mailboxes.follow(inbox, by=audit.SYSTEM)

        assert Mailbox.unscoped.count() == 0

    def test_a_closed_inbox_is_looked_at_no_more(self, inbox):
        inbox.deleted_at = timezone.now()

        mailboxes.follow(inbox, by=audit.SYSTEM)

        assert Mailbox.unscoped.count() == 0

    def test_changed_settings_are_tried_at_once_and_lose_nothing(self, inbox, server):
        look()
        server.inbox.put(letter(1))

        mailboxes.follow(inbox, by=audit.SYSTEM)
        mailboxes.check_due()
        server.inbox.put(letter(2))
        look()

        assert stored() == [letter(1), letter(2)]


class TestACheckOfSettings:
    def test_opens_the_folder(self, server):
        assert checked(settings_for(server)).problem is None

    @pytest.mark.parametrize(
        ("fields", "named"),
        [({"imap_password": "wrong"}, "settings.imap_password"), ({"imap_folder": "Nowhere"}, "settings.imap_folder")],
    )
    def test_names_what_is_wrong(self, server, fields, named):
        assert checked(settings_for(server, **fields)).problem.field == named


def checked(settings):
    """Return what a check of a folder says."""
    folder = EMAIL.folder(settings)
    assert folder is not None
    answer = imap.check(folder, seconds=30.0)
    assert isinstance(answer, Reply)
    return EMAIL.judge_check(answer, settings)


def hang(connection):
    """Say nothing until the other side has enough of it."""
    connection.recv(1)


def visit_all():
    """Look at what is due in this very thread, as a process does that may die at it."""
    Mailbox.unscoped.update(next_check_at=timezone.now())
    while (visit := mailboxes._claimed()) is not None:
        mailboxes.check(visit)
