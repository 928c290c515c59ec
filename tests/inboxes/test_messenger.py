"""Messenger: settings, what is sent, what its answers mean, and what its callbacks say."""

from datetime import UTC, datetime

import pytest

from inboxes.channels import limits
from inboxes.channels.incoming import Edited, IncomingFile, Place, Reacted, Receipt, Said
from inboxes.channels.messenger import Messenger
from inboxes.channels.outcomes import Deferred, Rejected, Sent, Uncertain
from tests.providers import graph
from tests.providers.words import answered, asked, choice, file, link, names_of, outgoing, told

MESSENGER = Messenger()
SETTINGS = graph.SETTINGS["messenger"]
ANA = "6254123498765432"
WRITTEN_AT = datetime(2025, 6, 8, 20, 59, 43, 250_000, tzinfo=UTC)
UNTIL = datetime(2025, 6, 8, 20, 59, 50, tzinfo=UTC)
CDN = "https://scontent.xx.fbcdn.net/v/"
SILENT = {"echo_elsewhere", "handover", "elsewhere", "feed"}


@pytest.fixture
def provider(settings):
    with graph.Graph() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "messenger": running.base}
        yield running


def send(message):
    return MESSENGER.judge(asked(MESSENGER.order(message, SETTINGS)), message)


def wrong(message):
    return {(problem.field, problem.code) for problem in limits.problems_of(MESSENGER, message, SETTINGS)}


def all_of(name):
    return told(MESSENGER, SETTINGS, "messenger", name)


def one(name):
    [incoming] = all_of(name)
    return incoming


class TestSetUp:
    def test_the_page_says_what_it_is_called(self, provider):
        checked = MESSENGER.judge_check(asked(MESSENGER.check_order(SETTINGS)), SETTINGS)

        assert (checked.problem, checked.facts) == (None, {"account_name": "The Shop"})

    @pytest.mark.parametrize(
        ("changed", "field"),
        [({"page_access_token": "x"}, "settings.page_access_token"), ({"page_id": "7"}, "settings.page_id")],
    )
    def test_what_meta_refuses_is_named(self, provider, changed, field):
        settings = {**SETTINGS, **changed}

        assert MESSENGER.judge_check(asked(MESSENGER.check_order(settings)), settings).problem.field == field

    def test_where_it_calls_is_entered_in_its_console(self):
        assert MESSENGER.register_order(SETTINGS, "https://dexra.test/x") is None

    @pytest.mark.parametrize(
        ("given", "address"), [(ANA, ANA), (f" {ANA} ", ANA), ("+1650", None), ("ana", None), ("", None)]
    )
    def test_people_are_numbers(self, given, address):
        assert MESSENGER.address(given, SETTINGS) == address


class TestOrder:
    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"text": "Hi"}, {"text": "Hi"}),
            ({"type": "media", "text": "", "media": [file("document")]},
             {"attachment": {"type": "file", "payload": {"url": "https://files.test/a"}}}),
            ({"type": "media", "text": "", "media": [file("image")]},
             {"attachment": {"type": "image", "payload": {"url": "https://files.test/a"}}}),
            ({"type": "button", "text": "Well?", "buttons": [choice("Yes", "y")]},
             {"text": "Well?", "quick_replies": [{"content_type": "text", "title": "Yes", "payload": "y"}]}),
            ({"type": "button", "text": "Look", "buttons": [link("Open", "https://shop.test"), choice("No", "n")]},
             {"attachment": {"type": "template", "payload": {"template_type": "button", "text": "Look", "buttons": [
                 {"type": "web_url", "title": "Open", "url": "https://shop.test"},
                 {"type": "postback", "title": "No", "payload": "n"}]}}}),
        ],
        ids=["text", "document", "image", "replies", "links"],
    )  # fmt: skip
    def test_says_each_kind_as_graph_takes_it(self, provider, fields, said):
        outcome = send(outgoing(ANA, **fields))

        assert outcome == Sent("m_000000")
        [taken] = provider.sent
        assert (taken["recipient"], taken["messaging_type"]) == ({"id": ANA}, "RESPONSE")
        assert taken["message"] == {**said, "metadata": "msg_abc"}

    def test_lets_the_caller_tag_a_message_but_not_change_whom_it_goes_to(self, provider):
        tag = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
        send(outgoing(ANA, overrides={**tag, "recipient": {"id": "1"}, "message": {"metadata": "other"}}))

        assert provider.sent[0]["tag"] == "HUMAN_AGENT"
        assert (provider.sent[0]["recipient"], provider.sent[0]["message"]["metadata"]) == ({"id": ANA}, "msg_abc")
        assert wrong(outgoing(ANA, overrides={"recipient": {}})) == {("overrides.messenger.recipient", "not_allowed")}

    @pytest.mark.parametrize("strange", [None, "text", 7])
    def test_leaves_it_to_meta_to_refuse_what_is_no_message(self, strange):
        assert MESSENGER.order(outgoing(ANA, overrides={"message": strange}), SETTINGS).json["message"] == strange

    @pytest.mark.parametrize(
        ("fields", "problems"),
        [
            ({"text": "x" * 2001}, {("text", "too_long")}),
            ({"type": "media", "text": "c", "media": [file("image")]}, {("media.caption", "unsupported_by_channel")}),
            ({"type": "media", "text": "", "media": [file("video", size=25 * 1024 * 1024 + 1)]},
             {("media.url", "too_large")}),
            ({"type": "button", "buttons": [choice(str(n), str(n)) for n in range(13)]}, set()),
            ({"type": "button", "buttons": [choice(str(n), str(n)) for n in range(14)]},
             {("button.buttons", "too_many")}),
            ({"type": "button", "buttons": [link("a", "https://a.test"), *(choice(str(n), str(n)) for n in range(3))]},
             {("button.buttons", "too_many")}),
            ({"type": "button", "text": "x" * 641, "buttons": [link("a", "https://a.test")]},
             {("button.text", "too_long")}),
            ({"type": "button", "text": "x", "header": "h", "buttons": [choice("a", "a")]},
             {("button.header", "unsupported_by_channel")}),
        ],
    )  # fmt: skip
    def test_names_what_does_not_fit_before_anything_is_sent(self, fields, problems):
        assert wrong(outgoing(ANA, **fields)) == problems


class TestJudge:
    @pytest.mark.parametrize(
        ("code", "subcode", "outcome"),
        [
            (10, 2018278, Rejected("window_closed", "M", "2018278")),
            (10, 2534022, Rejected("window_closed", "M", "2534022")),
            (10, None, Rejected("channel_auth_failed", "M", "10", disconnects=True)),
            (190, 463, Rejected("channel_auth_failed", "M", "190", disconnects=True)),
            (200, 1545041, Rejected("recipient_not_reachable", "M", "1545041")),
            (230, None, Rejected("channel_auth_failed", "M", "230", disconnects=True)),
            (551, 1545041, Rejected("recipient_not_reachable", "M", "1545041")),
            (551, None, Rejected("recipient_not_reachable", "M", "551")),
            (100, 2018001, Rejected("invalid_recipient", "M", "2018001")),
            (100, None, Rejected("invalid_for_provider", "M", "100")),
            (100, 2018047, Deferred("media_refused", "M", "2018047", most_attempts=3)),
            (4, None, Deferred("rate_limited", "M", "4", pauses="account")),
            (32, None, Deferred("rate_limited", "M", "32", pauses="account")),
            (613, None, Deferred("rate_limited", "M", "613", pauses="account")),
            (1200, None, Deferred("provider_unavailable", "M", "1200")),
            (368, None, Rejected("account_restricted", "M", "368", disconnects=True)),
        ],
    )
    def test_knows_what_a_code_means_and_what_its_subcode_makes_of_it(self, code, subcode, outcome):
        error = {"code": code, "message": "M", **({"error_subcode": subcode} if subcode else {})}

        assert MESSENGER.judge(answered(400, {"error": error}), outgoing(ANA)) == outcome

    def test_does_not_know_what_became_of_a_message_when_meta_breaks_down(self):
        assert isinstance(MESSENGER.judge(answered(503, b"<html>"), outgoing(ANA)), Uncertain)

    @pytest.mark.parametrize("said", [b"", {}, {"message_id": 7}])
    def test_counts_as_sent_what_was_taken_under_no_id(self, said):
        assert MESSENGER.judge(answered(200, said), outgoing(ANA)) == Sent("")

    def test_takes_metas_word_over_the_wire(self, provider):
        provider.refusals[ANA] = 551

        assert send(outgoing(ANA)).code == "recipient_not_reachable"


@pytest.mark.parametrize("name", names_of("messenger"))
def test_every_recorded_callback_says_what_there_is_to_say(name):
    assert bool(all_of(name)) is (name not in SILENT)


class TestMessages:
    def test_a_text(self):
        said = one("text")

        assert (said.id, said.sender.address, said.text, said.at) == ("m_text", ANA, "Olá! 👋", WRITTEN_AT)
        assert (said.unsupported, said.files, said.choice) == ("", [], "")

    def test_an_answer_names_what_it_answers(self):
        assert one("reply").reply_to == "m_ours"

    @pytest.mark.parametrize(
        ("name", "files"),
        [
            ("image", [IncomingFile("image", f"{CDN}a.jpg"), IncomingFile("image", f"{CDN}b.jpg")]),
            ("video", [IncomingFile("video", f"{CDN}a.mp4")]),
            ("audio", [IncomingFile("audio", f"{CDN}a.mp4")]),
            ("file", [IncomingFile("file", f"{CDN}a.pdf")]),
            ("sticker", [IncomingFile("image", f"{CDN}like.png")]),
        ],
    )
    def test_files_are_where_meta_says(self, name, files):
        assert (one(name).files, one(name).unsupported) == (files, "")

    def test_a_file_is_fetched_without_the_token(self):
        order = MESSENGER.file_order(one("image").files[0], SETTINGS)

        assert (order.url, order.headers) == (f"{CDN}a.jpg", {})

    def test_a_location(self):
        assert one("location").places == [Place(37.4847, -122.1473, "Pinned")]

    @pytest.mark.parametrize(
        ("name", "text"),
        [("link", "See https://example.com/a"), ("shared", "A page\nhttps://example.com/b")],
    )
    def test_a_link_is_said_once(self, name, text):
        assert (one(name).text, one(name).unsupported) == (text, "")

    @pytest.mark.parametrize(
        ("name", "choice", "text"), [("quick_reply", "yes", "Yes"), ("postback", "TALK", "Talk to us")]
    )
    def test_a_choice_says_what_was_chosen(self, name, choice, text):
        assert (one(name).choice, one(name).text) == (choice, text)

    def test_an_advertisement_that_brought_somebody_is_kept(self):
        assert one("advertisement").raw["referral"]["ad_id"] == "6045246247433"

    @pytest.mark.parametrize("kind", ["referral", "optin"])
    def test_what_has_no_place_here_is_named_and_kept(self, kind):
        said = one(kind)

        assert isinstance(said, Said)
        assert (said.unsupported, said.sender.address) == (kind, ANA)
        assert said.raw[kind]
        assert said.id == one(kind).id != ""

    def test_reactions_come_and_go(self):
        assert isinstance(one("reaction"), Reacted)
        assert (one("reaction").target, one("reaction").emoji, one("reaction_removed").emoji) == ("m_ours", "❤", "")

    def test_an_edit_names_what_was_said_before(self):
        assert one("edited") == Edited("m_text:edit:1", "m_text", one("text").sender, WRITTEN_AT, "Olá, again")


class TestReceipts:
    def test_name_each_message_and_all_before(self):
        assert all_of("delivered") == [
            Receipt("delivered", UNTIL, "m_1", address=ANA),
            Receipt("delivered", UNTIL, "m_2", address=ANA),
            Receipt("delivered", UNTIL, address=ANA, watermark=UNTIL),
        ]

    def test_name_only_until_when(self):
        assert one("delivered_until") == Receipt("delivered", UNTIL, address=ANA, watermark=UNTIL)
        assert one("read").status == "read"
        assert one("read").watermark == datetime(2025, 6, 8, 20, 59, 55, tzinfo=UTC)

    def test_of_what_we_sent_bring_our_own_id_again(self):
        assert one("echo") == Receipt("sent", WRITTEN_AT, "m_ours", "msg_abc", ANA)

    def test_are_not_taken_from_what_another_tool_sent(self):
        assert all_of("echo_elsewhere") == []


def test_an_event_of_the_fake_is_recognised():
    event = {
        "sender": {"id": ANA},
        "recipient": {"id": graph.PAGE},
        "timestamp": 1,
        "message": {"mid": "m", "text": "a"},
    }
    callback = graph.Graph().event(event).read

    assert MESSENGER.recognises(callback, SETTINGS)
    assert MESSENGER.concerns(callback, SETTINGS)
    assert [said.text for said in MESSENGER.read(callback, SETTINGS)] == ["a"]
