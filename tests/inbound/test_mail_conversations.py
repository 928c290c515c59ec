"""Mail in both directions: sent by the real engine to a real server, answered through the real door."""

from ipaddress import ip_network

import pytest

from contacts.models import Suppression
from conversations.models import Conversation, Message
from core import tenancy
from inbound.models import RawCallback
from outbound.services import carrying
from tests.inbound.callers import Caller, open_carried
from tests.outbound.working import at_work, now, say, settled
from tests.providers.smtp import MailServer

pytestmark = pytest.mark.django_db(transaction=True)

AMINE = "amine@example.test"


@pytest.fixture
def server(settings):
    settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    with MailServer() as running:
        yield running


@pytest.fixture
def inbox(live, server):
    where = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none"}
    return open_carried(live, "email", settings_={**where, "from_name": "Acme", "inbound_domain": "in.acme.test"})


@pytest.fixture
def post(inbox, engine):
    """Let a mail come, and be handled."""

    def come(text, *, sender=AMINE, name="1", **headers):
        lines = [f"From: {sender}", f"Message-ID: <{name}@example.test>"]
        lines += [f"{header.replace('_', '-')}: {value}" for header, value in headers.items()]
        answer = Caller(inbox).calls("\r\n".join([*lines, "", text]).encode(), Content_Type="message/rfc822")
        assert answer.status_code == 200
        engine.drain()

    return come


def send(inbox, **options):
    """Send a mail and return it as the server took it."""
    with at_work():
        (dispatch,) = settled([say(inbox, AMINE, "Shall we send it again?", **options)])
    return dispatch.message


def talks():
    return list(Conversation.unscoped.order_by("pk"))


def inbound():
    return [(message.conversation.number, message.text) for message in
            Message.unscoped.filter(direction="inbound").select_related("conversation").order_by("pk")]  # fmt: skip


class TestAnAnswer:
    def test_goes_on_in_its_conversation_by_the_mail_it_names(self, inbox, server, post):
        message = send(inbox, mail={"subject": "Order 42"})
        (taken,) = server.taken

        post("Yes please.", Subject="Re: Order 42", In_Reply_To=taken.mail["Message-ID"])

        assert inbound() == [(message.conversation.number, "Yes please.")]
        assert len(talks()) == 1

    def test_goes_on_by_the_address_it_was_sent_to(self, inbox, server, post):
        send(inbox, mail={"subject": "Order 42"})

        post("Yes please.", To=server.taken[0].mail["Reply-To"])

        assert len(talks()) == 1

    def test_of_somebody_else_with_the_same_subject_is_another_conversation(self, inbox, server, post):
        send(inbox, mail={"subject": "Order 42"})

        post("Me too!", sender="mallory@example.test", Subject="Re: Order 42")

        assert len(talks()) == 2

    def test_that_names_a_mail_without_its_seal_is_another_conversation(self, inbox, server, post):
        message = send(inbox, mail={"subject": "Order 42"})

        post(
            "Let me in", sender="mallory@example.test", In_Reply_To=f"<{message.public_id}.aaaaaaaaaaaaaaaa@acme.test>"
        )

        assert len(talks()) == 2

    def test_does_not_reach_another_tenants_conversation(self, inbox, server, engine, globex):
        send(inbox, mail={"subject": "Order 42"})
        others = open_carried(globex, "email")
        raw = f"From: {AMINE}\r\nMessage-ID: <x@y.test>\r\nIn-Reply-To: {server.taken[0].mail['Message-ID']}\r\n\r\nHi"

        Caller(others).calls(raw.encode(), Content_Type="message/rfc822")
        engine.drain()

        assert [talk.environment_id for talk in talks()] == [inbox.environment_id, globex.pk]

    def test_comes_once_however_often_it_is_told(self, inbox, post):
        post("Hello", Subject="Question")
        post("Hello", Subject="Question")

        assert len(inbound()) == 1
        assert RawCallback.unscoped.count() == 2


class TestOurAnswer:
    def test_is_threaded_under_what_it_answers(self, inbox, server, post):
        post("Where is it?", Subject="Order 42", name="first")
        post("Hello?", Subject="Re: Order 42", name="second", References="<first@example.test>")
        talk = talks()[0]

        with at_work():
            settled([say(inbox, AMINE, "On its way.")])

        got = server.taken[0].mail
        assert len(talks()) == 1
        assert talk.subject == "Order 42"
        assert got["Subject"] == "Re: Order 42"
        assert got["In-Reply-To"] == "<second@example.test>"
        assert got["References"] == "<first@example.test> <second@example.test>"

    def test_to_nobody_who_wrote_is_no_answer(self, inbox, server):
        send(inbox, mail={"subject": "News"})
        send(inbox, mail={"subject": "News"})

        assert [taken.mail["Subject"] for taken in server.taken] == ["News", "News"]
        assert server.taken[1].mail["References"] is None

    def test_on_something_else_begins_a_thread(self, inbox, server, post):
        post("Where is it?", Subject="Order 42")

        send(inbox, mail={"subject": "Your invoice"})

        assert server.taken[0].mail["Subject"] == "Your invoice"
        assert server.taken[0].mail["In-Reply-To"] is None


class TestMachines:
    def test_begin_no_conversation(self, inbox, post):
        post("I am away", name="a", Auto_Submitted="auto-replied")
        post("News!", name="b", List_Id="<news.example.test>")
        post("Bounced", name="c", sender="mailer-daemon@example.test", Return_Path="<>")

        assert talks() == []
        assert RawCallback.unscoped.filter(state="done").count() == 3

    def test_are_shown_where_they_answer_and_get_no_answer(self, inbox, server, post):
        inbox.greeting_enabled, inbox.greeting_message = True, "Hello!"
        inbox.save()
        send(inbox, mail={"subject": "Order 42"})

        post("I am away", In_Reply_To=server.taken[0].mail["Message-ID"], Auto_Submitted="auto-replied")

        assert [text for _, text in inbound()] == ["I am away"]
        assert Message.unscoped.filter(direction="outbound").count() == 1

    def test_that_greet_say_that_they_are(self, inbox, server, post):
        inbox.greeting_enabled, inbox.greeting_message = True, "Hello!"
        inbox.save()

        post("Question", Subject="Question")
        greeting = Message.unscoped.get(direction="outbound")
        carrying.enqueue_missing([greeting.pk])
        with at_work():
            settled([greeting.dispatch])

        assert server.taken[0].mail["Auto-Submitted"] == "auto-replied"


class TestABounce:
    def bounce(self, taken, post, *, recipient=AMINE):
        report = (
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
            "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
            f"Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
            "\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
            f"Message-ID: {taken.mail['Message-ID']}\r\n\r\n--b--\r\n"
        )
        head, _, body = report.partition("\r\n\r\n")
        post(body, sender="mailer-daemon@example.test", Content_Type=head.partition(": ")[2])

    def test_fails_the_message_and_is_the_last_mail_to_that_address(self, inbox, server, post):
        dispatch = send(inbox, mail={"subject": "Order 42"}).dispatch

        self.bounce(server.taken[0], post)

        message = now(dispatch).message
        assert message.status == "failed"
        assert message.failure is not None
        assert message.failure["code"] == "invalid_recipient"
        suppressed = Suppression.unscoped.get()
        assert (suppressed.channel, suppressed.address, suppressed.reason) == ("email", AMINE, "bounced")

    def test_made_up_by_somebody_who_got_a_mail_silences_nobody_else(self, inbox, server, post):
        other = now(say(inbox, "nadia@example.test", "Hello")).message
        send(inbox, mail={"subject": "Order 42"})
        (taken,) = [each for each in server.taken if each.mail["To"] == AMINE]

        self.bounce(taken, post, recipient="nadia@example.test")

        assert not Suppression.unscoped.exists()
        other.refresh_from_db()
        assert other.status == "sent"

    def test_of_a_mail_from_another_inbox_silences_nobody(self, live, inbox, server, post):
        where = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none"}
        send(open_carried(live, "email", settings_={**where, "from_address": "other@acme.test"}))

        self.bounce(server.taken[0], post)

        assert not Suppression.unscoped.exists()


class TestAdvertisements:
    def test_carry_a_way_out_that_one_click_takes(self, inbox, server, client):
        send(inbox, category="marketing", mail={"subject": "Sale"})
        url = server.taken[0].mail["List-Unsubscribe"].strip("<>")
        assert server.taken[0].mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

        answer = client.post("/u/" + url.rpartition("/u/")[2], {"List-Unsubscribe": "One-Click"})

        assert answer.status_code == 200
        with tenancy.everyone():  # a request leaves the connection to nobody
            suppressed = Suppression.unscoped.get()
        assert (suppressed.address, suppressed.scope, suppressed.reason) == (AMINE, "marketing", "unsubscribed")
