"""What capabilities say against a message, in which forms it can be said instead, and templates of ours."""

from dataclasses import replace

import pytest

from inboxes.channels import adapting, limits, payloads, rendering
from inboxes.channels.base import Channel
from inboxes.channels.capabilities import Buttons, Capabilities, MediaLimit
from inboxes.channels.outgoing import Media

PLAIN = Capabilities(types=frozenset({"text"}), longest_text=160)
RICH = Capabilities(
    longest_text=100, longest_caption=10,
    media={"image": MediaLimit(frozenset({"image/png"}), 1000)},
    buttons=Buttons(3, 1, longest_title=20, longest_id=8, longest_text=50, longest_header=10, longest_footer=10),
)  # fmt: skip
PICTURE = Media("image", "https://a.test/a.png", "a.png", "image/png", 500)


class Spoken(Channel):
    """A channel that can do what a test says."""

    kind = "spoken"

    def __init__(self, capabilities: Capabilities) -> None:
        self.can = capabilities

    def limits(self, settings):
        return self.can


def button(*titles, links=(), **around):
    replies = [{"title": title, "id": str(place)} for place, title in enumerate(titles)]
    pages = [{"title": title, "url": f"https://a.test/{title}"} for title in links]
    return payloads.read("button", None, {"text": "Confirm?", "buttons": [*replies, *pages], **around})


def wrong(message, capabilities=RICH):
    return {each.field: each.code for each in limits.problems(message, capabilities)}


class TestLimits:
    @pytest.mark.parametrize(
        ("text", "unit", "count"),
        [("héllo", "characters", 5), ("héllo", "bytes", 6), ("a😀", "utf16", 3), ("a😀", "characters", 2)],
    )  # fmt: skip
    def test_count_in_the_channels_own_units(self, text, unit, count):
        assert limits.length(text, unit) == count
        tight = replace(RICH, longest_text=count - 1, text_unit=unit)
        [problem] = limits.problems(payloads.read("text", text, {}), tight)
        assert (problem.code, problem.limit, problem.actual) == ("too_long", count - 1, count)

    @pytest.mark.parametrize(
        ("message", "found"),
        [
            (button("Yes", "No"), {}),
            (button("1", "2", "3", "4"), {"button.buttons": "too_many"}),
            (button("x" * 21), {"button.buttons.0.title": "too_long"}),
            (button("Yes", links=["Open"]), {"button.buttons": "unsupported_by_channel"}),
            (button(links=["Open"]), {}),
            (button("Yes", header="x" * 11, footer="y" * 9), {"button.header": "too_long"}),
            (button("Yes", footer="x" * 11), {"button.footer": "too_long"}),
        ],
    )  # fmt: skip
    def test_hold_buttons(self, message, found):
        assert wrong(message) == found

    def test_hold_ids_in_bytes_and_once(self):
        twice = payloads.read("button", "?", {"buttons": [{"title": title, "id": "ééééé"} for title in "AB"]})

        assert wrong(twice)["button.buttons.0.id"] == "duplicate"
        assert {each.code for each in limits.problems(twice, RICH)} == {"duplicate", "too_long"}

    @pytest.mark.parametrize(
        ("file", "found"),
        [
            (PICTURE, {}),
            (replace(PICTURE, kind="video"), {"media.type": "unsupported_by_channel"}),
            (replace(PICTURE, content_type="image/tiff"), {"media.url": "unsupported_media_type"}),
            (replace(PICTURE, size=1001), {"media.url": "too_large"}),
            (replace(PICTURE, size=1001, path="attachments/a"), {"media.attachment_id": "too_large"}),
            (replace(PICTURE, size=0, content_type=""), {}),
        ],
    )  # fmt: skip
    def test_hold_files(self, file, found):
        assert wrong(payloads.read("media", "", {}, [file])) == found

    def test_hold_captions_and_how_many_files_there_are(self):
        assert wrong(payloads.read("media", "x" * 11, {}, [PICTURE])) == {"media.caption": "too_long"}
        assert wrong(payloads.read("text", "", {}, [PICTURE, PICTURE])) == {"attachments": "too_many"}
        silent = replace(RICH, longest_caption=0)
        assert wrong(payloads.read("media", "Hi", {}, [PICTURE]), silent) == {"media.caption": "unsupported_by_channel"}

    def test_name_what_there_is_where_a_type_is_missing(self):
        [problem] = limits.problems(button("Yes"), PLAIN)

        assert (problem.field, problem.code) == ("message_type", "unsupported_by_channel")
        assert "it has: text" in problem.message


class TestAdapting:
    def adapted(self, message, capabilities):
        return adapting.adapted(Spoken(capabilities), message, {})

    def test_leaves_what_can_be_said(self):
        message = button("Yes")

        assert self.adapted(message, RICH) == (message, [])

    def test_numbers_answers_and_spells_links_out(self):
        message = button("Yes", "No", links=["Open"], header="Order 42", footer="Shop")

        form, [change] = self.adapted(message, PLAIN)

        assert form.text == "Order 42\n\nConfirm?\n\n1. Yes\n2. No\n\nOpen: https://a.test/Open\n\nShop"
        assert (form.type, form.buttons, change["code"], change["text"]) == ("text", (), "buttons_as_text", form.text)

    def test_keeps_buttons_where_only_the_frame_is_too_much(self):
        form, [change] = self.adapted(button("Yes", header="A long header"), RICH)

        assert (form.type, form.text, len(form.buttons)) == ("button", "A long header\n\nConfirm?", 1)
        assert change["code"] == "frame_in_text"

    def test_links_to_a_file(self):
        form, [change] = self.adapted(payloads.read("media", "The plan", {}, [PICTURE]), PLAIN)

        assert (form.text, form.media) == ("The plan\nhttps://a.test/a.png", ())
        assert change["code"] == "media_as_link"

    def test_gives_up_where_no_form_fits(self):
        message = payloads.read("button", "x" * 200, {"buttons": [{"title": "Yes", "id": "y"}]})

        assert self.adapted(message, PLAIN) == (message, [])


class TestPayloads:
    @pytest.mark.parametrize(
        "message",
        [button("Yes", links=["Open"], header="H", footer="F"), payloads.read("text", "Hello", {})],
    )
    def test_read_what_they_wrote(self, message):
        written = payloads.write(message)

        assert payloads.read(written["type"], written["text"], written["payload"]) == message

    def test_take_a_text_with_files_for_a_caption(self):
        message = payloads.read("text", "The plan", {}, [PICTURE])

        assert (message.type, message.text) == ("media", "The plan")


class TestRendering:
    PARTS = (
        {"type": "HEADER", "text": "Order {{1}}"}, {"type": "body", "text": "Hello {{ name }}, {{1}} is here."},
        {"type": "footer", "text": "Shop"},
    )  # fmt: skip

    def test_fills_every_part(self):
        assert (
            rendering.render(self.PARTS, {"1": 42, "name": "Ana"}).text == "Order 42\n\nHello Ana, 42 is here.\n\nShop"
        )

    def test_makes_buttons_of_a_template_that_has_them(self):
        buttons = {"type": "buttons", "buttons": [{"text": "Yes"}, {"text": "Go", "url": "https://a.test/{{1}}"}]}

        message = rendering.render([*self.PARTS, buttons], {"1": "42", "name": "Ana"})

        assert (message.type, message.header, message.footer) == ("button", "Order 42", "Shop")
        assert [(each.title, each.id, each.url) for each in message.buttons] == [
            ("Yes", "1", ""), ("Go", "", "https://a.test/42")
        ]  # fmt: skip

    def test_fills_nothing_twice(self):
        assert rendering.render([{"type": "body", "text": "{{a}}"}], {"a": "{{b}}", "b": "x"}).text == "{{b}}"

    def test_names_what_is_missing_and_what_is_too_much(self):
        assert rendering.names(self.PARTS) == ["1", "name"]
        assert rendering.missing(self.PARTS, {"1": "", "other": 1}) == ["1", "name"]
        assert rendering.unknown(self.PARTS, {"1": "", "other": 1}) == ["other"]
