"""Instagram: where it differs from Messenger."""

import pytest

from inboxes.channels import limits
from inboxes.channels.incoming import Edited, Receipt, Said
from inboxes.channels.instagram import Instagram
from inboxes.channels.outcomes import Rejected, Sent
from tests.providers import graph
from tests.providers.words import answered, asked, choice, file, link, names_of, outgoing, told

INSTAGRAM = Instagram()
SETTINGS = graph.SETTINGS["instagram"]
ANA = "6254123498765432"
SILENT = {"echo_elsewhere", "elsewhere", "comment"}


@pytest.fixture
def provider(settings):
    with graph.Graph() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "instagram": running.base}
        yield running


def wrong(message):
    return {(problem.field, problem.code) for problem in limits.problems_of(INSTAGRAM, message, SETTINGS)}


def all_of(name):
    return told(INSTAGRAM, SETTINGS, "instagram", name)


def one(name):
    [incoming] = all_of(name)
    return incoming


class TestSetUp:
    def test_the_token_says_whose_it_is(self, provider):
        checked = INSTAGRAM.judge_check(asked(INSTAGRAM.check_order(SETTINGS)), SETTINGS)

        assert (checked.problem, checked.facts) == (None, {"account_name": "the.shop"})

    def test_the_token_of_another_account_is_named(self, provider):
        settings = {**SETTINGS, "page_id": "7"}
        problem = INSTAGRAM.judge_check(asked(INSTAGRAM.check_order(settings)), settings).problem

        assert (problem.field, problem.code) == ("settings.page_id", "invalid")

    def test_a_wrong_token_is_named(self, provider):
        settings = {**SETTINGS, "page_access_token": "x"}
        problem = INSTAGRAM.judge_check(asked(INSTAGRAM.check_order(settings)), settings).problem

        assert problem.field == "settings.page_access_token"


class TestOrder:
    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"text": "Hi"}, {"text": "Hi"}),
            ({"type": "media", "text": "", "media": [file("video")]},
             {"attachment": {"type": "video", "payload": {"url": "https://files.test/a"}}}),
            ({"type": "button", "text": "Well?", "buttons": [choice("Yes", "y")]},
             {"text": "Well?", "quick_replies": [{"content_type": "text", "title": "Yes", "payload": "y"}]}),
        ],
        ids=["text", "video", "replies"],
    )  # fmt: skip
    def test_says_each_kind_as_graph_takes_it(self, provider, fields, said):
        message = outgoing(ANA, **fields)

        assert INSTAGRAM.judge(asked(INSTAGRAM.order(message, SETTINGS)), message) == Sent("m_000000")
        assert provider.sent == [{"recipient": {"id": ANA}, "message": said, "id": "m_000000"}]

    @pytest.mark.parametrize(
        ("fields", "problems"),
        [
            ({"text": "é" * 500}, set()),
            ({"text": "é" * 501}, {("text", "too_long")}),
            ({"type": "button", "text": "é" * 501, "buttons": [choice("a", "a")]}, {("button.text", "too_long")}),
            ({"type": "button", "text": "x", "buttons": [link("a", "https://a.test")]},
             {("button.buttons", "unsupported_by_channel")}),
            ({"type": "media", "text": "", "media": [file("document")]}, {("media.type", "unsupported_by_channel")}),
        ],
    )  # fmt: skip
    def test_names_what_does_not_fit_before_anything_is_sent(self, fields, problems):
        assert wrong(outgoing(ANA, **fields)) == problems

    def test_knows_a_closed_window(self):
        error = {"code": 10, "error_subcode": 2534022, "message": "Outside of the window"}

        assert INSTAGRAM.judge(answered(403, {"error": error}), outgoing(ANA)) == Rejected(
            "window_closed", "Outside of the window", "2534022"
        )


@pytest.mark.parametrize("name", names_of("instagram"))
def test_every_recorded_callback_says_what_there_is_to_say(name):
    assert bool(all_of(name)) is (name not in SILENT)


class TestRead:
    def test_a_message_is_taken_back(self):
        deleted = one("deleted")

        assert isinstance(deleted, Edited)
        assert (deleted.target, deleted.deleted) == ("m_text", True)

    def test_a_message_was_seen(self):
        assert isinstance(one("seen"), Receipt)
        assert (one("seen").status, one("seen").provider_id, one("seen").watermark) == ("read", "m_ours", None)

    @pytest.mark.parametrize(
        ("name", "kind", "text"),
        [
            ("unsupported", "unsupported", ""),
            ("story_mention", "story_mention", "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1"),
            ("share", "share", "https://www.instagram.com/p/abc"),
        ],
    )
    def test_what_has_no_place_here_is_named_and_kept(self, name, kind, text):
        said = one(name)

        assert isinstance(said, Said)
        assert (said.unsupported, said.text) == (kind, text)
        assert said.raw["message"]["mid"] == said.id

    def test_an_answer_to_a_story_keeps_the_story(self):
        said = one("story_reply")

        assert (said.text, said.unsupported, said.reply_to) == ("Lovely", "", "")
        assert said.raw["message"]["reply_to"]["story"]["id"] == "1"
