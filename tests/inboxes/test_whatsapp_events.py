"""WhatsApp, inwards: what each kind of callback says."""

from datetime import UTC, datetime

import pytest

from inboxes.channels.incoming import (
    Card,
    Consent,
    Edited,
    IncomingFile,
    Moved,
    Place,
    Reacted,
    Receipt,
    Said,
    TemplateChanged,
)
from inboxes.channels.outcomes import Rejected
from inboxes.channels.whatsapp import Whatsapp
from tests.providers import graph
from tests.providers.words import answered, asked, names_of, told

WHATSAPP = Whatsapp()
SETTINGS = graph.SETTINGS["whatsapp"]
ANA, USER_ID = "+16505551234", "US.13491208655302741918"
WRITTEN_AT = datetime(2025, 6, 8, 20, 59, 43, tzinfo=UTC)
TOLD_AT = datetime(2025, 6, 8, 20, 59, 50, tzinfo=UTC)
WANTED_AT = datetime(2025, 6, 8, 20, 59, 55, tzinfo=UTC)
# What is of no use here says nothing; everything else says something.
SILENT = {"account_update", "elsewhere", "status_warning", "template_new_event"}


def all_of(name):
    return told(WHATSAPP, SETTINGS, "whatsapp", name)


def one(name):
    [incoming] = all_of(name)
    return incoming


@pytest.mark.parametrize("name", names_of("whatsapp"))
def test_every_recorded_callback_says_what_there_is_to_say(name):
    assert bool(all_of(name)) is (name not in SILENT)


class TestMessages:
    def test_a_text(self):
        said = one("text")

        assert (said.id, said.text, said.at, said.unsupported) == ("wamid.text", "Olá! 👋", WRITTEN_AT, "")
        assert (said.sender.address, said.sender.phone_number, said.sender.name) == (ANA, ANA, "Ana Lima")
        assert said.sender.aliases == [USER_ID]

    def test_an_answer_names_what_it_answers(self):
        assert one("reply").reply_to == "wamid.OURS"

    def test_a_forwarded_message_answers_nothing(self):
        assert one("forwarded").reply_to == ""

    def test_an_advertisement_that_brought_somebody_is_kept(self):
        said = one("advertisement")

        assert (said.text, said.unsupported) == ("Is it still there?", "")
        assert said.raw["referral"]["source_type"] == "ad"

    @pytest.mark.parametrize(
        ("name", "text", "file"),
        [
            ("image", "The receipt", IncomingFile("image", "1003383421387256", "", "image/jpeg")),
            ("video", "", IncomingFile("video", "1003383421387257", "", "video/mp4")),
            ("voice", "", IncomingFile("audio", "1003383421387258", "", "audio/ogg; codecs=opus")),
            ("document", "Our offer", IncomingFile("file", "1003383421387259", "offer.pdf", "application/pdf")),
            ("sticker", "", IncomingFile("image", "1003383421387260", "", "image/webp")),
        ],
    )
    def test_a_file_comes_with_its_caption(self, name, text, file):
        said = one(name)

        assert (said.text, said.files, said.unsupported) == (text, [file], "")

    def test_a_location(self):
        assert one("location").places == [Place(37.4847, -122.1473, "Meta", "1 Hacker Way")]

    def test_contacts(self):
        assert one("contacts").cards == [
            Card("Rui Costa", ["+351 912 345 678", "+351 21 000 0000"], ["rui@example.com"]), Card("Eva", [], [])
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "choice", "text"),
        [
            ("button", "CONFIRM-42", "Confirm"),
            ("button_reply", "yes", "Yes"),
            ("list_reply", "express", "Express"),
        ],
    )
    def test_a_choice_says_what_was_chosen_of_what(self, name, choice, text):
        said = one(name)

        assert (said.choice, said.text, said.reply_to) == (choice, text, "wamid.OURS")

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("unsupported", "poll"),
            ("order", "order"),
            ("welcome", "request_welcome"),
            ("tomorrow", "hologram"),
            ("form", "nfm_reply"),
            ("system_identity", "customer_identity_changed"),
        ],
    )
    def test_what_has_no_place_here_is_named_and_kept(self, name, kind):
        said = one(name)

        assert isinstance(said, Said)
        assert (said.unsupported, said.raw["id"], said.sender.address) == (kind, f"wamid.{name}", ANA)

    def test_reactions_come_and_go(self):
        assert (one("reaction").emoji, one("reaction_removed").emoji) == ("👍", "")
        assert isinstance(one("reaction"), Reacted)
        assert one("reaction").target == "wamid.OURS"

    @pytest.mark.parametrize(
        ("name", "target", "text", "deleted"),
        [
            ("edited", "wamid.text", "Olá, again", False),
            ("edited_caption", "wamid.image", "The bill", False),
            ("deleted", "wamid.text", "", True),
        ],
    )
    def test_what_was_said_is_changed_or_taken_back(self, name, target, text, deleted):
        edited = one(name)

        assert isinstance(edited, Edited)
        assert (edited.id, edited.target, edited.text, edited.deleted) == (f"wamid.{name}", target, text, deleted)


class TestPeople:
    def test_somebody_without_a_number_is_who_whatsapp_says(self):
        sender = one("user_id_only").sender

        assert (sender.address, sender.phone_number, sender.aliases) == (USER_ID, "", [])

    def test_what_whatsapp_calls_a_number_is_an_alias_of_it(self):
        sender = one("brazil").sender

        assert (sender.address, sender.aliases) == ("+5511987654321", ["+551187654321"])

    @pytest.mark.parametrize(("name", "aliases"), [("foreign_contact", []), ("foreign_user_id", [USER_ID])])
    def test_somebody_else_who_is_told_of_is_not_the_one_who_wrote(self, name, aliases):
        sender = one(name).sender

        assert (sender.address, sender.aliases, sender.name) == (ANA, aliases, "")

    def test_whoever_is_told_of_wrote_what_names_nobody(self):
        assert (one("nobody_named").sender.address, one("nobody_named").sender.name) == (ANA, "Ana Lima")

    @pytest.mark.parametrize(
        ("name", "moves"),
        [
            ("system_number", [Moved(ANA, "+16505559999"), Moved(USER_ID, "US.999")]),
            ("system_number_old", [Moved(ANA, "+16505559999")]),
            ("system_user_id", [Moved(USER_ID, "US.999")]),
            ("user_id_update", [Moved(USER_ID, "US.999")]),
        ],
    )
    def test_move(self, name, moves):
        assert all_of(name) == moves

    @pytest.mark.parametrize(("name", "is_given"), [("preference_stop", False), ("preference_resume", True)])
    def test_want_marketing_or_not(self, name, is_given):
        assert one(name) == Consent(ANA, is_given, scope="marketing", at=WANTED_AT)


class TestStatuses:
    @pytest.mark.parametrize(
        ("name", "status"), [("sent", "sent"), ("delivered", "delivered"), ("read", "read"), ("played", "read")]
    )
    def test_bring_our_own_id_again(self, name, status):
        assert one(f"status_{name}") == Receipt(status, TOLD_AT, "wamid.OURS", "msg_abc", ANA)

    def test_of_somebody_without_a_number_name_the_user_id(self):
        assert one("status_user_id") == Receipt("delivered", TOLD_AT, "wamid.OURS", "", USER_ID)

    @pytest.mark.parametrize(
        ("name", "failure"),
        [
            ("window", Rejected("window_closed", "More than 24 hours have passed since they wrote.", "131047")),
            ("marketing", Rejected("opted_out", "They want no marketing.", "131050", suppresses="marketing")),
            ("unknown", Rejected("undelivered", "Something new.", "199999")),
            ("busy", Rejected("rate_limited", "There were too many messages.", "130429")),
            ("silent", Rejected("undelivered")),
        ],
    )  # fmt: skip
    def test_say_why_a_message_failed(self, name, failure):
        receipt = one(f"status_failed_{name}")

        assert (receipt.status, receipt.failure) == ("failed", failure)


class TestTemplates:
    @pytest.mark.parametrize(
        ("name", "status", "reason"),
        [
            ("approved", "approved", ""),
            ("rejected", "rejected", "The body ends with a variable."),
            ("disabled", "disabled", ""),
            ("paused", "paused",
             "Your template has been paused for 3 hours because it continued to have issues."),
        ],
    )  # fmt: skip
    def test_change(self, name, status, reason):
        assert one(f"template_{name}") == TemplateChanged("order_sent", "en_US", status, reason)


def test_of_a_batch_only_what_is_ours_is_read_and_a_strange_message_keeps_nothing_back():
    said = [(type(each).__name__, getattr(each, "id", "")) for each in all_of("batch")]

    assert said == [
        ("Said", "wamid.1"), ("Said", "wamid.1b"), ("Receipt", ""),
        ("Said", "wamid.3"), ("Said", "wamid.3b"), ("Receipt", ""),
    ]  # fmt: skip


class TestCallsOfTheFake:
    def test_are_recognised_and_say_what_became_of_what_was_taken(self):
        provider = graph.Graph()
        sent = {"id": "wamid.000000", "to": "16505551234", "biz_opaque_callback_data": "msg_abc"}
        callback = provider.status(sent, "failed", code=131026).read

        assert WHATSAPP.recognises(callback, SETTINGS)
        [receipt] = WHATSAPP.read(callback, SETTINGS)
        assert (receipt.message_id, receipt.failure.code) == ("msg_abc", "recipient_not_reachable")


class TestFiles:
    @pytest.fixture
    def provider(self, settings):
        with graph.Graph() as running:
            settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "whatsapp": running.base}
            yield running

    def test_are_fetched_by_their_id_with_the_token(self, provider):
        provider.files["1003383421387256"] = (b"\xff\xd8 a picture", "image/jpeg")
        [file] = one("image").files
        where = asked(WHATSAPP.file_order(file, SETTINGS))
        order = WHATSAPP.next_file_order(where, SETTINGS)

        assert asked(order).body == b"\xff\xd8 a picture"
        assert WHATSAPP.next_file_order(asked(order), SETTINGS) is None
        assert order.secrets == [graph.TOKEN]

    def test_are_fetched_from_where_they_are_when_they_have_no_id(self):
        order = WHATSAPP.file_order(IncomingFile("image", "https://lookaside.fbsbx.com/a"), SETTINGS)

        assert (order.url, order.path) == ("https://lookaside.fbsbx.com/a", "")

    @pytest.mark.parametrize("said", [{}, {"url": 7, "id": "1"}, {"id": "1"}])
    def test_are_nowhere_when_the_answer_does_not_say_where(self, said):
        with pytest.raises(ValueError, match="where the file is"):
            WHATSAPP.next_file_order(answered(200, said, content_type="application/json; charset=UTF-8"), SETTINGS)
