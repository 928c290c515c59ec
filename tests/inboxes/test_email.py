"""E-mail, outwards: settings, addresses, and the mails that messages become."""

import uuid

import pytest

from core import ids
from inboxes.channels.mails import providers, threads
from inboxes.channels.outcomes import Deferred, Rejected, Sent, Uncertain
from inboxes.channels.outgoing import Button, HttpOrder, Mail, MailOrder, Media, Outgoing, Reply
from tests.inboxes.letters import EMAIL, MESSAGE_ID, OURS, SETTINGS


def message(**fields):
    return Outgoing(
        **{
            "id": OURS,
            "retry_key": uuid.UUID(int=1),
            "address": "amine@example.test",
            "type": "text",
            "text": "Hello",
            "mail": Mail(subject="Order 42"),
            **fields,
        }
    )


def order(said=None, **settings):
    made = EMAIL.order(said or message(), {**SETTINGS, **settings})
    assert isinstance(made, MailOrder)
    return made


def headers(given):
    return {"overrides": {"headers": given}}


def fields_of(problems):
    return [(problem.field, problem.code) for problem in problems]


class TestSettings:
    def test_of_a_server_are_enough(self):
        assert EMAIL.problems(SETTINGS) == []
        assert EMAIL.lacking(SETTINGS) == []

    @pytest.mark.parametrize(
        ("given", "field", "code"),
        [
            ({"from_address": "help"}, "settings.from_address", "invalid_address"),
            ({"from_name": "Acme\r\nBcc: x@y.test"}, "settings.from_name", "invalid_characters"),
            ({"smtp_password": "a\nb"}, "settings.smtp_password", "invalid_characters"),
            ({"smtp_port": 0}, "settings.smtp_port", "out_of_range"),
            ({"smtp_port": "587"}, "settings.smtp_port", "wrong_type"),
            ({"smtp_security": "ssl"}, "settings.smtp_security", "unknown_value"),
            ({"provider": "pigeon"}, "settings.provider", "unknown_value"),
            ({"inbound_domain": "not a domain"}, "settings.inbound_domain", "invalid_domain"),
            ({"smtp_host": "a b"}, "settings.smtp_host", "invalid_host"),
            ({"smtp_host": "https://mail.test/"}, "settings.smtp_host", "invalid_host"),
            ({"imap_host": "mail.test:993"}, "settings.imap_host", "invalid_host"),
            ({"imap_host": "mail\n.test"}, "settings.imap_host", "invalid_characters"),
            ({"api_url": "http://mail.test"}, "settings.api_url", "invalid_url"),
            ({"smtp_sekurity": "tls"}, "settings.smtp_sekurity", "unknown_setting"),
        ],
    )
    def test_that_are_wrong_are_named(self, given, field, code):
        assert fields_of(EMAIL.problems(given)) == [(field, code)]

    @pytest.mark.parametrize(
        "host", ["mail.acme.test", "mail.acme.test.", "mailpit", "mail_1", "127.0.0.1", "::1", "[::1]", "bücher.test"]
    )
    def test_name_any_server_there_can_be(self, host):
        assert EMAIL.problems({"smtp_host": host, "imap_host": host}) == []

    @pytest.mark.parametrize(
        ("stored", "lacking"),
        [
            ({}, ["from_address", "smtp_host"]),
            ({"from_address": "a@b.test", "provider": "postmark"}, ["api_key"]),
            ({"from_address": "a@b.test", "provider": "mailjet", "api_key": "k"}, ["api_secret"]),
            ({**SETTINGS, "imap_host": "imap.acme.test"}, ["imap_username", "imap_password"]),
        ],
    )
    def test_that_are_missing_are_named(self, stored, lacking):
        assert [problem.field for problem in EMAIL.lacking(stored)] == [f"settings.{name}" for name in lacking]

    def test_that_are_secret_are_not_shown(self):
        shown = EMAIL.shown({**SETTINGS, "smtp_password": "p" * 20, "imap_password": "q" * 20, "api_key": "k" * 20})

        assert not {"p" * 20, "q" * 20, "k" * 20, SETTINGS["inbound_secret"]} & set(shown.values())


class TestAnAddress:
    @pytest.mark.parametrize(
        ("given", "address"),
        [
            (" Amine@Example.TEST ", "amine@example.test"),
            ("o'neil+tag@sub.example.test", "o'neil+tag@sub.example.test"),
            ("info@müller.test", "info@xn--mller-kva.test"),
        ],
    )
    def test_is_written_one_way(self, given, address):
        assert EMAIL.address(given, SETTINGS) == address

    @pytest.mark.parametrize(
        "given",
        [
            "",
            "a",
            "a@b",
            "@b.test",
            "a@",
            "a b@c.test",
            "a@b.test\r\nBcc: c@d.test",
            "a@b..test",
            ".a@b.test",
            "a@[1.2.3.4]",
            "é@b.test",
            f"{'a' * 65}@b.test",
            f"a@{'b' * 250}.test",
            "a@b.test,c@d.test",
            "<a@b.test>",
            "a@-b.test",
        ],
    )
    def test_that_is_none_is_refused(self, given):
        assert EMAIL.address(given, SETTINGS) is None


class TestAMail:
    def test_has_a_name_of_ours_that_stays(self):
        assert order().headers["Message-ID"] == order().headers["Message-ID"] == MESSAGE_ID
        assert MESSAGE_ID.startswith(f"<{OURS}.")
        assert MESSAGE_ID.endswith("@acme.test>")

    def test_that_begins_a_thread_names_no_other(self):
        made = order()

        assert made.subject == "Order 42"
        assert (
            not {"In-Reply-To", "References", "Auto-Submitted", "Precedence", "List-Unsubscribe"} & made.headers.keys()
        )

    def test_that_answers_names_what_it_answers(self):
        references = ["<1@a.test>", "<2@a.test>"]

        made = order(message(reply_to="<2@a.test>", mail=Mail(subject="Order 42", references=references)))

        assert made.subject == "Re: Order 42"
        assert made.headers["In-Reply-To"] == "<2@a.test>"
        assert made.headers["References"] == "<1@a.test> <2@a.test>"

    @pytest.mark.parametrize("subject", ["Re: Order 42", "RE: Order 42", "AW: Order 42", "Re[2]: Order 42"])
    def test_that_answers_an_answer_says_so_once(self, subject):
        assert order(message(mail=Mail(subject=subject, references=["<1@a.test>"]))).subject == subject

    def test_of_a_long_thread_names_its_first_and_its_latest(self):
        references = [f"<{number}@a.test>" for number in range(100)]

        named = order(message(mail=Mail(subject="x", references=references))).headers["References"].split()

        assert (named[0], named[-1], len(named)) == ("<0@a.test>", "<99@a.test>", threads.MOST_REFERENCES)

    def test_does_not_name_what_no_mail_is_called(self):
        made = order(message(reply_to="22c74902-a0c1-4511", mail=Mail(subject="x", references=["a b", "<x>"])))

        assert "References" not in made.headers

    def test_is_answered_at_an_address_that_names_it(self):
        (address,) = order().reply_to

        assert threads.answered_by([address.partition("<")[2].rstrip(">")], "in.acme.test") == [OURS]

    def test_is_answered_where_it_was_asked_for(self):
        assert order(message(mail=Mail(subject="x", reply_to="sales@acme.test"))).reply_to == ("sales@acme.test",)

    def test_without_a_domain_of_ours_is_answered_at_its_sender(self):
        assert order(inbound_domain="").reply_to == ()

    @pytest.mark.parametrize(
        ("fields", "header"),
        [
            ({"mail": Mail(subject="x", is_automatic=True)}, "auto-generated"),
            ({"mail": Mail(subject="x", is_automatic=True, references=["<1@a.test>"])}, "auto-replied"),
            ({"category": "authentication"}, "auto-generated"),
            ({"category": "utility"}, "auto-generated"),
            ({"category": "transactional"}, None),
        ],
    )
    def test_that_nobody_wrote_says_so(self, fields, header):
        assert order(message(**fields)).headers.get("Auto-Submitted") == header

    def test_that_advertises_can_be_left_with_one_click(self):
        made = order(message(category="marketing", mail=Mail(subject="x", unsubscribe_url="https://dexra.test/u/abc")))

        assert made.headers["List-Unsubscribe"] == "<https://dexra.test/u/abc>"
        assert made.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_links_what_it_does_not_carry(self):
        files = [Media("image", "https://cdn.test/a.png?x=1&y=2", "a.png")]

        made = order(message(media=files))

        assert made.attachments == []
        assert "a.png: https://cdn.test/a.png?x=1&y=2" in made.text
        assert 'href="https://cdn.test/a.png?x=1&amp;y=2"' in made.html

    def test_escapes_what_people_wrote(self):
        made = order(
            message(type="button", text="<b>1 & 2</b>\nthree", buttons=[Button('"Go"', url="https://a.test/")])
        )

        assert "&lt;b&gt;1 &amp; 2&lt;/b&gt;<br>\nthree" in made.html
        assert "<b>" not in made.html

    def test_with_large_files_is_given_more_time_but_not_for_ever(self):
        def seconds(size):
            return order(message(media=[Media("document", "", "a", "", size, "path")])).seconds

        assert seconds(0) < seconds(10_000_000) < seconds(10**12) == 60.0


class TestWhatNoMailCanBeMadeOf:
    @pytest.mark.parametrize(
        ("fields", "found"),
        [
            ({"mail": Mail()}, [("email.subject", "required")]),
            ({"mail": Mail(subject="a\r\nBcc: x@y.test")}, [("email.subject", "invalid_characters")]),
            ({"mail": Mail(subject="a\u2028b")}, [("email.subject", "invalid_characters")]),
            ({"mail": Mail(subject="a" * 901)}, [("email.subject", "too_long")]),
            ({"mail": Mail(subject="a", cc=("b@c.test", "d"))}, [("email.cc[1]", "invalid_address")]),
            ({"mail": Mail(subject="a", bcc=("b@c.test\nX: y",))}, [("email.bcc[0]", "invalid_address")]),
            ({"mail": Mail(subject="a", reply_to="x\r\ny@z.test")}, [("email.reply_to", "invalid_address")]),
            (headers({"X-A": "b\r\nBcc: c@d.test"}), [("overrides.email.headers.X-A", "invalid_characters")]),
            (headers({"Bcc": "c@d.test"}), [("overrides.email.headers.Bcc", "unknown_header")]),
            (headers({"X-A:\r\nBcc": "c"}), [("overrides.email.headers.X-A:\r\nBcc", "unknown_header")]),
            (headers("x"), [("overrides.email.headers", "wrong_type")]),
        ],
    )
    def test_is_named(self, fields, found):
        assert fields_of(EMAIL.problems_of(message(**fields), SETTINGS)) == found

    def test_files_that_are_too_much_together(self):
        files = [Media("document", "", name, "", 10 * 1024 * 1024, "path") for name in "ab"]

        assert fields_of(EMAIL.problems_of(message(media=files), SETTINGS)) == [("attachments", "too_large")]
        assert EMAIL.problems_of(message(media=files[:1]), SETTINGS) == []

    def test_is_all_told_at_once(self):
        said = message(mail=Mail(cc=("x",), reply_to="y"), overrides={"headers": {"From": "z"}})

        assert len(EMAIL.problems_of(said, SETTINGS)) == 4

    def test_is_nothing_where_all_is_well(self):
        said = message(mail=Mail(subject="x", cc=("b@c.test",)), overrides={"headers": {"X-Campaign": "nine"}})

        assert EMAIL.problems_of(said, SETTINGS) == []
        assert order(said).headers["X-Campaign"] == "nine"

    def test_a_subject_is_not_asked_for_in_a_thread(self):
        assert EMAIL.problems_of(message(mail=Mail(references=["<1@a.test>"])), SETTINGS) == []


class TestAProvider:
    @pytest.mark.parametrize("name", providers.CARRIERS)
    def test_is_given_the_key(self, name):
        settings = {"provider": name, "api_key": "k", "api_secret": "s", "project_id": "p", "message_stream": "m"}

        made = order(**settings)

        assert made.backend.endswith(".EmailBackend")
        assert "k" in made.options.values()
        assert not {"host", "password"} & made.options.keys()

    def test_that_echoes_says_so(self):
        limits = EMAIL.limits({**SETTINGS, "provider": "postmark"})

        assert limits.echoes_id
        assert limits.receipts == {"delivered", "read", "failed"}
        assert not EMAIL.limits(SETTINGS).echoes_id

    def test_is_asked_whether_the_key_works(self):
        asked = EMAIL.check_order({**SETTINGS, "provider": "resend", "api_key": "re_secret"})

        assert isinstance(asked, HttpOrder)
        assert (asked.method, asked.url) == ("GET", "https://api.resend.com/domains")
        assert asked.headers == {"Authorization": "Bearer re_secret"}
        assert asked.secrets == ["re_secret"]

    @pytest.mark.parametrize(
        ("status", "problem"),
        [(200, None), (401, "channel_auth_failed"), (403, "channel_auth_failed"), (500, "provider_unavailable")],
    )
    def test_says_whether_the_key_works(self, status, problem):
        checked = EMAIL.judge_check(Reply(status, b'{"message": "no"}'), {})

        assert (checked.problem and checked.problem.code) == problem

    @pytest.mark.parametrize(
        ("status", "headers", "outcome"),
        [
            (200, {"x-message-id": "22c7"}, Sent("22c7")),
            (200, {"x-message-id": "<a@mg.acme.test>"}, Sent("<a@mg.acme.test>")),
            (200, {}, Sent("")),
            (200, {"x-recipient-status": "rejected"}, Rejected("recipient_not_reachable", "no", "rejected")),
            (200, {"x-recipient-status": "invalid"}, Rejected("invalid_recipient", "no", "invalid")),
            (401, {}, Rejected("channel_auth_failed", "no", "401", disconnects=True)),
            (422, {}, Rejected("invalid_for_provider", "no", "422")),
            (413, {}, Rejected("media_refused", "no", "413")),
            (302, {}, Rejected("invalid_for_provider", "no", "302")),
            (429, {"retry-after": "7"}, Deferred("rate_limited", "no", "429", seconds=7.0, pauses="account")),
            (502, {}, Uncertain("no_answer", "no")),
        ],
    )
    def test_is_understood(self, status, headers, outcome):
        assert EMAIL.judge(Reply(status, b'{"Message": "no"}', {"x-via": "api", **headers}), message()) == outcome


class TestTheSeal:
    def test_is_another_for_every_message(self):
        other = ids.encode("msg", 43)

        assert threads.ours_in([threads.message_id(other, "acme.test")]) == [other]
        assert threads.message_id(other, "x")[-18:] != threads.message_id(OURS, "x")[-18:]

    def test_is_known_after_the_keys_were_changed(self, settings):
        settings.ENCRYPTION_KEYS = ["a new one", *settings.ENCRYPTION_KEYS]

        assert threads.ours_in([MESSAGE_ID]) == [OURS]
        assert threads.message_id(OURS, "acme.test") != MESSAGE_ID

    def test_is_not_another_installations(self, settings):
        settings.ENCRYPTION_KEYS = ["somebody else's"]

        assert threads.ours_in([MESSAGE_ID]) == []
