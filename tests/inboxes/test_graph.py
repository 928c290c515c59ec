"""Meta's door: the handshake, signatures over raw bytes, and whose account a callback is about."""

import json

import pytest

from inboxes.channels.graph import merged
from inboxes.channels.incoming import Callback
from inboxes.channels.instagram import Instagram
from inboxes.channels.messenger import Messenger
from inboxes.channels.whatsapp import Whatsapp
from tests.providers import graph
from tests.providers.words import called, recorded

CHANNELS = [(channel, graph.SETTINGS[channel.kind]) for channel in (Whatsapp(), Messenger(), Instagram())]
every_channel = pytest.mark.parametrize(("channel", "stored"), CHANNELS, ids=[each.kind for each, _ in CHANNELS])


def greeting(**query):
    told = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": graph.VERIFY_TOKEN}
    return Callback("GET", "https://dexra.test/x", b"", {}, {**told, **{f"hub.{k}": v for k, v in query.items()}})


@every_channel
class TestGreeting:
    def test_gives_the_challenge_back_as_plain_text(self, channel, stored):
        answer = channel.greet(greeting(), stored)

        assert (answer.status, answer.body, answer.content_type) == (200, b"1158201444", "text/plain")

    @pytest.mark.parametrize(
        "query", [{"verify_token": "wrong"}, {"verify_token": ""}, {"mode": "unsubscribe"}, {"challenge": "x" * 513}]
    )
    def test_is_refused_to_others(self, channel, stored, query):
        assert channel.greet(greeting(**query), stored).status == 403

    def test_is_refused_where_no_token_was_agreed_on(self, channel, stored):
        assert channel.greet(greeting(verify_token=""), {**stored, "verify_token": ""}).status == 403

    def test_is_refused_to_a_look_from_a_browser(self, channel, stored):
        assert channel.greet(Callback("GET", "https://dexra.test/x", b"", {}, {}), stored).status == 403

    def test_is_no_callback(self, channel, stored):
        assert channel.greet(called(b"{}"), stored) is None


@every_channel
class TestSignature:
    def test_is_over_the_bytes_as_they_came(self, channel, stored):
        call = graph.Graph().signed({"text": "Olá 👋 https://a.b"})
        again = json.dumps(json.loads(call.body)).encode()

        assert b"\\/" in call.body
        assert channel.recognises(call.read, stored)
        assert not channel.recognises(called(again, headers=call.read.headers), stored)

    @pytest.mark.parametrize(
        "header",
        ["", "sha256=", "sha256=" + "0" * 64, "sha1=abc", "ünïcode", "sha256=\udcff"],
    )
    def test_must_be_right(self, channel, stored, header):
        assert not channel.recognises(called(b"{}", headers={"x-hub-signature-256": header}), stored)

    def test_of_another_app_is_wrong(self, channel, stored):
        assert not channel.recognises(graph.Graph().signed({}, secret="another").read, stored)

    def test_is_missing_without_its_header(self, channel, stored):
        assert channel.signature_of(called(b"{}"), stored) == ""

    def test_of_nothing_is_nobodys(self, channel, stored):
        assert not channel.recognises(graph.Graph().signed({}, secret="").read, {**stored, "app_secret": ""})


class TestWhose:
    @every_channel
    def test_an_own_account_concerns_the_inbox(self, channel, stored):
        assert channel.concerns(called(recorded(channel.kind, "text")), stored)

    @every_channel
    def test_another_account_does_not(self, channel, stored):
        elsewhere = called(recorded(channel.kind, "elsewhere"))

        assert not channel.concerns(elsewhere, stored)
        assert list(channel.read(elsewhere, stored)) == []

    @every_channel
    @pytest.mark.parametrize(
        "body", [b"", b"{}", b"[]", b"null", b"7", b"\xff", b'{"entry":[1,{"changes":[2]}]}', b"[" * 99999]
    )
    def test_what_is_about_nobody_concerns_nobody(self, channel, stored, body):
        assert not channel.concerns(called(body), stored)

    @every_channel
    def test_another_of_metas_products_does_not(self, channel, stored):
        told = {**json.loads(recorded(channel.kind, "text")), "object": "permissions"}

        assert not channel.concerns(called(json.dumps(told).encode()), stored)

    def test_a_batch_for_several_numbers_concerns_each_of_them(self):
        channel, stored = CHANNELS[0]

        assert channel.concerns(called(recorded("whatsapp", "batch")), stored)
        assert channel.concerns(called(recorded("whatsapp", "batch")), {**stored, "phone_number_id": "999"})
        assert not channel.concerns(called(recorded("whatsapp", "batch")), {**stored, "phone_number_id": "998"})

    def test_templates_concern_the_business_account_that_the_settings_name(self):
        channel, stored = CHANNELS[0]
        told = called(recorded("whatsapp", "template_approved"))

        assert channel.concerns(told, stored)
        assert not channel.concerns(told, {**stored, "waba_id": "1"})

    def test_templates_of_nobody_knows_which_account_are_taken_and_not_believed(self):
        channel, stored = CHANNELS[0]
        told, alone = called(recorded("whatsapp", "template_approved")), {**stored, "waba_id": ""}

        assert channel.concerns(told, alone)
        assert list(channel.read(told, alone)) == []

    @pytest.mark.parametrize(("kind", "name"), [("messenger", "feed"), ("instagram", "comment")])
    def test_what_else_is_told_of_an_own_page_is_taken(self, kind, name):
        [(channel, stored)] = [each for each in CHANNELS if each[0].kind == kind]

        assert channel.concerns(called(recorded(kind, name)), stored)

    @every_channel
    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"[" * 99999])
    def test_what_is_no_json_object_is_refused(self, channel, stored, body):
        with pytest.raises(ValueError, match=r".+"):
            channel.read(called(body), stored)


@pytest.mark.parametrize(
    ("said", "over", "both"),
    [
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
    ],
)
def test_a_callers_fields_are_laid_over_ours(said, over, both):
    assert merged(said, over) == both
