"""Mails as they come, of many shapes: who wrote, what they said, and what it answers."""
# ruff: noqa: RUF001  people write in many alphabets

import base64
import time
from datetime import UTC, datetime

import pytest

from inboxes.channels.incoming import Consent, Receipt
from inboxes.channels.mails import markup, threads
from tests.inboxes.letters import MESSAGE_ID, OURS, posted, read, said
from tests.providers.words import RECEIVED_AT, names_of

MAILS = [name for name in names_of("email") if not name.startswith(("postmark", "mailgun"))]


class TestWhoWroteWhat:
    def test_an_ordinary_mail(self):
        mail = said("alternative")

        assert (mail.id, mail.at) == ("<CAF=abc123@mail.example.test>", datetime(2026, 11, 3, 9, 12, 1, tzinfo=UTC))
        assert (mail.sender.address, mail.sender.name) == ("amine@example.test", "Amine Idrissi")
        assert mail.text == "Bonjour,\n\nma commande n° 42 n’est pas arrivée.\n\nAmine"
        assert mail.mail["subject"] == "Commande n° 42 n’est pas arrivée"
        assert mail.mail["html"].startswith("<div>Bonjour,<br><br>ma commande n°")
        assert mail.mail["to"] == ["Acme Support <help@acme.test>"]
        assert mail.mail["cc"] == ['"Lina, the other one" <lina@example.test>']
        assert not mail.mail["is_automatic"]
        assert not mail.mail["is_bulk"]

    def test_bytes_beyond_ascii_without_a_word_on_their_code(self):
        mail = said("latin1_8bit")

        assert (mail.sender.name, mail.text) == ("André Lefèvre", "Déjà payé, 20 €.")
        assert mail.mail["subject"] == "Réclamation"

    def test_a_body_in_base64(self):
        mail = said("base64_body")

        assert (mail.text, mail.mail["subject"]) == ("أين طلبي؟", "سؤال")

    def test_an_encoded_letter_split_between_two_words(self):
        assert said("attachments_rfc2231").mail["subject"] == "Rechnung für November"

    def test_an_answer_goes_where_it_is_asked_for(self):
        mail = said("contact_form")

        assert (mail.sender.address, mail.sender.name) == ("sara@example.test", "Sara")

    def test_a_list_is_nobody_to_answer(self):
        assert said("newsletter").sender.address == "news@list.example.test"

    def test_a_mail_without_a_sender_is_none(self):
        with pytest.raises(ValueError, match="sender"):
            posted(b"Subject: Hello\r\n\r\nHello")

    def test_a_mail_without_headers_is_known_again_by_what_it_says(self):
        once, again = said("no_headers"), said("no_headers")

        assert (once.id, once.at, once.text) == (again.id, RECEIVED_AT, "Just this.")
        assert once.id.startswith("sha256:")

    def test_a_mail_from_the_future_came_when_it_came(self):
        (mail,) = posted(b"From: a@example.test\r\nDate: Tue, 3 Nov 2099 10:12:01 +0000\r\n\r\nHello")

        assert mail.at == RECEIVED_AT

    def test_a_mail_that_was_cut_off_says_what_there_is(self):
        mail = said("broken_boundary")

        assert (mail.text, mail.at) == ("The rest is miss", RECEIVED_AT)

    def test_a_control_character_is_left_out(self):
        (mail,) = posted(b"From: a@example.test\r\nSubject: a\x00b\r\n\r\none\x00two\x07")

        assert (mail.text, mail.mail["subject"]) == ("onetwo", "ab")


class TestQuotes:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("answer_gmail", "Yes, please send it again."),
            ("answer_outlook", "Très bien, merci.\n\nLina"),
        ],
    )
    def test_are_not_shown_and_not_lost(self, name, text):
        mail = said(name)

        assert mail.text == text
        assert "Shall we send it again?" in mail.mail["text"]

    def test_that_are_answered_line_by_line_are_shown(self):
        assert said("interleaved").text.endswith("> Which colour?\nBlue.")

    @pytest.mark.parametrize(
        "introduction",
        [
            "Le mar. 3 nov. 2026 à 10:30, Acme <help@acme.test> a écrit :",
            "Am 03.11.26 um 10:30 schrieb Acme:",
            "El mar, 3 nov 2026 a las 10:30, Acme (<help@acme.test>) escribió:",
            "Il giorno mar 3 nov 2026 alle ore 10:30 Acme ha scritto:",
            "-----Original Message-----",
            "-----Ursprüngliche Nachricht-----",
            "From: Acme <help@acme.test>\nSent: Tuesday, November 3, 2026 10:30 AM",
            "Von: Acme <help@acme.test>\nGesendet: Dienstag, 3. November 2026 10:30",
            "3 ноября 2026 г., 10:30, Acme пишет:",
        ],
    )
    def test_begin_in_many_languages(self, introduction):
        body = f"Merci!\n\n{introduction}\n\n> Shall we?\n".encode()

        (mail,) = posted(b"From: a@example.test\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + body)

        assert mail.text == "Merci!"

    def test_alone_are_shown(self):
        (mail,) = posted(b"From: a@example.test\r\n\r\n> only\r\n> this\r\n")

        assert mail.text == "> only\n> this"

    def test_of_html_alone_are_recognised(self):
        html = b"<p>Yes.</p><p>On Tue, 3 Nov 2026 Acme wrote:</p><blockquote><p>Shall we?</p></blockquote>"

        (mail,) = posted(b"From: a@example.test\r\nContent-Type: text/html\r\n\r\n" + html)

        assert mail.text == "Yes."
        assert mail.mail["text"].endswith("> Shall we?")


class TestHtml:
    def test_keeps_nothing_that_runs_or_deceives(self):
        html = said("hostile").mail["html"]

        for word in ("script", "onerror", "onload", "data:", "<iframe", "<form", "<input", "<object", "<svg", "style",
                     "<meta", "<base", "secret title"):  # fmt: skip
            assert word not in html, word
        assert '<a href="https://ok.test/" rel="noopener noreferrer nofollow">fine</a>' in html

    def test_is_plain_where_there_is_no_text(self):
        assert said("hostile").text.startswith("Hello")

    def test_shows_pictures_that_came_along(self):
        mail = said("related_inline")

        assert mail.mail["html"] == '<p>It looks like this: <img src="cid:photo@1" alt="the box"></p>'
        assert mail.mail["inline"] == {"photo@1": "box.png"}
        assert [(file.kind, file.filename, file.content[:4]) for file in mail.files] == [
            ("image", "box.png", b"\x89PNG")
        ]

    @pytest.mark.parametrize(
        "bomb",
        [
            pytest.param("<div>" * 100_000, id="deep"),
            pytest.param("".join(f"<b id={n}>" for n in range(250)) + "<p>x" * 10_000, id="growing"),
            pytest.param("<p>" * 170_000, id="wide"),
        ],
    )
    def test_that_is_there_to_keep_us_busy_does_not(self, bomb):
        began = time.thread_time()

        markup.harmless(f"before {bomb}")

        assert time.thread_time() - began < 3


class TestFiles:
    def test_have_the_names_they_were_given_and_never_a_path(self):
        files = said("attachments_rfc2231").files

        assert [file.filename for file in files] == ["Rechnung für November.pdf", "فاتورة.txt", "passwd"]
        assert [file.content for file in files] == [b"%PDF-1.4 not much", b"text", b"root"]
        assert files[0].content_type == "application/pdf"

    def test_of_outlook_stay_as_they_are(self):
        (file,) = said("winmail").files

        assert (file.filename, file.content_type) == ("winmail.dat", "application/ms-tnef")

    def test_can_be_mails(self):
        mail = said("forwarded_mail")

        assert mail.text == "Please see attached."
        assert [(file.filename, b"Half price." in file.content) for file in mail.files] == [("Offer.eml", True)]

    @pytest.mark.slow
    def test_of_ten_megabytes_come_whole(self):
        content = bytes(range(256)) * 40_960
        encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
        head = b"From: a@example.test\r\nContent-Type: application/zip; name=big.zip\r\n"
        began = time.thread_time()

        (mail,) = posted(head + b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded)

        assert mail.files[0].content == content
        assert time.thread_time() - began < 10


class TestThreads:
    @pytest.mark.parametrize("name", ["answer_gmail", "answer_outlook", "out_of_office"])
    def test_are_found_by_our_own_message_ids(self, name):
        mail = said(name).mail

        assert mail["our_message_ids"] == [OURS]
        assert mail["references"][-1] == MESSAGE_ID

    def test_are_found_by_the_address_where_a_mailer_drops_the_references(self):
        address = threads.reply_address(OURS, "in.acme.test")

        (mail,) = posted(f"From: a@example.test\r\nTo: {address.upper()}\r\n\r\nHello".encode())

        assert mail.mail["our_message_ids"] == [OURS]

    def test_are_not_entered_with_a_seal_made_up(self):
        forged = MESSAGE_ID.replace(".", ".a", 1).replace("@", "", 1)
        raw = f"From: m@example.test\r\nTo: reply+16.aaaaaaaaaaaaaaaa@in.acme.test\r\nIn-Reply-To: {forged}\r\n\r\nHi"

        (mail,) = posted(raw.encode())

        assert mail.mail["our_message_ids"] == []

    def test_are_not_entered_by_the_address_of_another_domain(self):
        address = threads.reply_address(OURS, "elsewhere.test")

        (mail,) = posted(f"From: a@example.test\r\nTo: {address}\r\n\r\nHello".encode())

        assert mail.mail["our_message_ids"] == []

    def test_of_the_mail_that_is_answered_come_first(self):
        other = threads.message_id("msg_" + OURS[4:], "acme.test")
        raw = f"From: a@example.test\r\nReferences: <x@y> {other}\r\nIn-Reply-To: <z@y>\r\n\r\nHello"

        (mail,) = posted(raw.encode())

        assert mail.mail["references"] == ["<x@y>", MESSAGE_ID, "<z@y>"]

    def test_a_mail_of_ours_that_came_back_says_nothing(self):
        assert read("own_mail") == []


class TestMachines:
    @pytest.mark.parametrize(
        ("name", "is_automatic", "is_bulk"),
        [("alternative", False, False), ("out_of_office", True, False), ("newsletter", True, True),
         ("bounce_forged", True, True), ("contact_form", False, False)],
    )  # fmt: skip
    def test_are_recognised(self, name, is_automatic, is_bulk):
        mail = said(name).mail

        assert (mail["is_automatic"], mail["is_bulk"]) == (is_automatic, is_bulk)

    @pytest.mark.parametrize(
        ("header", "is_bulk"),
        [
            ("Auto-Submitted: auto-generated", False),
            ("X-Autoreply: yes", False),
            ("Precedence: bulk", True),
            ("Precedence: auto_reply", True),
            ("Return-Path: <>", True),
            ("X-Failed-Recipients: somebody@example.test", False),
        ],
    )
    def test_say_so_in_many_ways(self, header, is_bulk):
        (mail,) = posted(f"From: a@example.test\r\n{header}\r\n\r\nHello".encode())

        assert (mail.mail["is_automatic"], mail.mail["is_bulk"]) == (True, is_bulk)

    @pytest.mark.parametrize(
        "header", ["Auto-Submitted: no", "Precedence: first-class", "Return-Path: <a@example.test>"]
    )
    def test_are_not_seen_where_there_are_none(self, header):
        (mail,) = posted(f"From: a@example.test\r\n{header}\r\n\r\nHello".encode())

        assert (mail.mail["is_automatic"], mail.mail["is_bulk"]) == (False, False)

    @pytest.mark.parametrize("sender", ["help@acme.test", "anything@in.acme.test", "MAILER-DAEMON@example.test"])
    def test_are_ourselves_and_servers(self, sender):
        (mail,) = posted(f"From: {sender}\r\n\r\nHello".encode())

        assert (mail.mail["is_automatic"], mail.mail["is_bulk"]) == (True, True)


class TestReports:
    @pytest.mark.parametrize(
        ("name", "code", "provider_code", "suppresses"),
        [
            ("bounce_unknown_user", "invalid_recipient", "5.1.1", "all"),
            ("bounce_vague", "invalid_recipient", "5.1.1", "all"),
            ("bounce_whole_mail", "invalid_recipient", "5.1.1", "all"),
            ("bounce_exim", "invalid_recipient", "5.1.1", "all"),
            ("bounce_full", "undelivered", "5.2.2", ""),
        ],
    )
    def test_tell_that_a_mail_of_ours_failed(self, name, code, provider_code, suppresses):
        (receipt,) = read(name)

        assert isinstance(receipt, Receipt)
        assert (receipt.status, receipt.message_id, receipt.address) == ("failed", OURS, "amine@example.test")
        assert receipt.failure is not None
        assert (receipt.failure.code, receipt.failure.provider_code) == (code, provider_code)
        assert receipt.failure.suppresses == suppresses

    def test_of_a_delay_change_nothing_and_begin_nothing(self):
        assert [said.mail["is_bulk"] for said in read("bounce_delayed")] == [True]

    @pytest.mark.parametrize(("name", "status"), [("bounce_delivered", "delivered"), ("reading_receipt", "read")])
    def test_tell_that_it_arrived(self, name, status):
        (receipt,) = read(name)

        assert (receipt.status, receipt.message_id, receipt.failure) == (status, OURS, None)

    def test_of_a_copy_are_not_reports_of_the_mail(self):
        assert not [each for each in read("bounce_copy") if isinstance(each, Receipt)]

    def test_that_are_made_up_suppress_nobody(self):
        assert not [each for each in read("bounce_forged") if isinstance(each, Receipt | Consent)]


@pytest.mark.parametrize("name", MAILS)
def test_every_recorded_mail_says_something_or_is_known_to_say_nothing(name):
    told = read(name)

    assert told or name == "own_mail"
