"""The door: who gets in, what is stored, what is answered, and what nobody learns."""

import pytest

from inbound.models import RawCallback
from inbound.services import reading
from inboxes.channels.incoming import Callback
from tests.inbound.callers import Caller, open_carried
from tests.inbound.whatsapp import WhatsApp
from tests.providers import graph


@pytest.fixture
def whatsapp(live):
    return WhatsApp(open_carried(live, "whatsapp"))


@pytest.fixture
def telegram(live):
    return Caller(open_carried(live, "telegram"))


class TestSignature:
    def test_a_genuine_callback_is_stored_as_it_came_and_answered_at_once(self, telegram, live):
        response = telegram.plays("text")

        kept = RawCallback.of(live).get()
        assert (response.status_code, response.content) == (200, b"")  # Telegram does what a body with a method says
        assert kept.state == "waiting"
        assert b'"text"' in bytes(kept.body)

    def test_a_missing_signature_is_told_from_a_wrong_one(self, whatsapp, live):
        body = b'{"object":"whatsapp_business_account","entry":[]}'

        missing = whatsapp.door.send("POST", whatsapp.path, body)
        wrong = whatsapp.calls(body, X_Hub_Signature_256="sha256=" + "0" * 64)

        assert (missing.status_code, wrong.status_code) == (401, 403)
        assert not RawCallback.of(live).exists()

    def test_the_signature_is_of_the_raw_bytes(self, whatsapp, live):
        change = '{"field":"messages","value":{"metadata":{"phone_number_id":"NUMBER"},"note":"caf\\u00e9 \\/ "}}'
        body = '{ "object" : "whatsapp_business_account","entry":[{"id":"1","changes":[CHANGE]}]}'

        response = whatsapp.calls(body.replace("CHANGE", change).replace("NUMBER", graph.NUMBER).encode())

        assert response.status_code == 200

    def test_another_secret_does_not_do(self, whatsapp, live):
        other = WhatsApp(open_carried(live, "whatsapp", settings_={"app_secret": "another"}))

        assert other.hears().status_code == 403

    def test_proofs_and_secrets_are_not_kept(self, telegram, live):
        mail = Caller(open_carried(live, "email"))

        telegram.plays("text")
        mail.plays("alternative")

        for kept in RawCallback.of(live):
            shown = f"{kept.url} {kept.headers} {kept.query}"
            assert telegram.inbox.settings["callback_secret"] not in shown
            assert "letter-box" not in shown

    def test_what_was_kept_reads_as_what_came(self, live, engine):
        twilio = Caller(open_carried(live, "twilio"), "twilio")
        twilio.calls(b"MessageSid=SM1&MessageStatus=delivered&To=%2B1&From=%2B14155550100&AccountSid="
                     + twilio.inbox.settings["account_sid"].encode(), query="mid=msg_a%2Fb")  # fmt: skip

        callback = reading.as_callback(RawCallback.of(live).get())

        assert isinstance(callback, Callback)
        assert callback.query == {"mid": "msg_a/b"}
        assert callback.url.endswith("?mid=msg_a%2Fb")


class TestWhoseItIs:
    def test_a_callback_about_another_tenants_number_is_refused_and_stored_nowhere(self, live, globex, engine):
        victim = open_carried(globex, "whatsapp", settings_={"phone_number_id": "999", "app_secret": "theirs"})
        mallory = WhatsApp(open_carried(live, "whatsapp"))
        mallory.inbox.settings["phone_number_id"] = victim.settings["phone_number_id"]  # signed by their own secret

        response = mallory.hears()

        assert response.status_code == 403
        assert response.json()["error"]["code"] == "other_account"
        assert not RawCallback.unscoped.exists()

    def test_a_callback_signed_for_one_inbox_does_not_get_into_anothers(self, live, globex):
        ours, theirs = open_carried(live, "telegram"), open_carried(globex, "telegram")
        caller = Caller(ours)
        caller.path = f"/inbound/telegram/{theirs.identifier}"

        assert caller.plays("text").status_code == 403
        assert not RawCallback.unscoped.exists()

    @pytest.mark.parametrize("path", ["telegram/nobody", "whatsapp/{}", "nothing/{}", "api/{}", "telegram/%00"])
    def test_unknown_inboxes_and_wrong_channels_are_the_same_404(self, telegram, path):
        telegram.path = "/inbound/" + path.format(telegram.inbox.identifier)

        response = telegram.plays("text")

        assert response.status_code == 404
        assert response.json()["error"]["message"] == "No such path."

    def test_a_closed_inbox_is_an_unknown_one(self, telegram):
        telegram.inbox.deleted_at = telegram.inbox.created_at
        telegram.inbox.save()

        assert telegram.plays("text").status_code == 404

    def test_an_inbox_without_a_provider_has_no_door(self, inbox):
        caller = Caller(inbox, "whatsapp")

        assert caller.calls({}).status_code == 404


class TestHandshake:
    def test_meta_is_answered_its_challenge(self, whatsapp):
        asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": graph.VERIFY_TOKEN}

        response = whatsapp.door.get(whatsapp.path, **asked)

        assert (response.status_code, response.content) == (200, b"1158201444")
        assert response["Content-Type"].startswith("text/plain")

    def test_with_a_wrong_token_it_is_not(self, whatsapp):
        asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "guess"}

        response = whatsapp.door.get(whatsapp.path, **asked)

        assert response.status_code == 403
        assert b"1158201444" not in response.content

    def test_where_nobody_greets_there_is_nothing_to_get(self, telegram):
        assert telegram.door.get(telegram.path).status_code == 404

    def test_other_methods_are_none(self, telegram):
        assert telegram.door.put(telegram.path, {}).status_code == 405


class TestLimits:
    def test_three_mebibytes_are_taken_and_more_are_not(self, whatsapp, live):
        about = {"phone_number_id": graph.NUMBER}
        told = {"object": "whatsapp_business_account",
                "entry": [{"id": "1", "changes": [{"field": "messages", "value": {"metadata": about}}]}]}  # fmt: skip
        fits = {**told, "padding": "x" * (3 * 1024 * 1024 - 1000)}
        too_long = {**told, "padding": "x" * (3 * 1024 * 1024)}

        assert whatsapp.calls(fits).status_code == 200
        assert whatsapp.calls(too_long).status_code == 413
        assert RawCallback.of(live).count() == 1

    def test_mails_may_bring_files_along(self, live):
        mail = Caller(open_carried(live, "email"))
        body = b"From: a@b.test\r\nSubject: x\r\nMessage-ID: <1@b.test>\r\n\r\n" + b"x" * (5 * 1024 * 1024)

        assert mail.calls(body, **{"Content-Type": "message/rfc822"}).status_code == 200

    def test_who_cannot_sign_uses_up_nobodys_calls(self, telegram, monkeypatch, long_minute):
        monkeypatch.setattr("inbound.services.storing.CALLBACKS_A_MINUTE", 2)
        for _ in range(5):
            assert telegram.plays("text", X_Telegram_Bot_Api_Secret_Token="guess").status_code == 403

        taken = [telegram.plays("text") for _ in range(3)]

        assert [each.status_code for each in taken] == [200, 200, 429]
        assert int(taken[-1]["Retry-After"]) > 0


def test_twilio_is_answered_in_its_markup(live):
    twilio = Caller(open_carried(live, "twilio"), "twilio")

    response = twilio.plays("text")

    assert (response.status_code, response.content) == (200, b"<Response/>")
    assert response["Content-Type"].startswith("text/xml")
