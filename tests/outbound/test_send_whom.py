"""Templates and consent: what may be said to whom."""

from datetime import timedelta

import pytest

from contacts.models import Suppression
from outbound.models import Dispatch
from tests.conftest import mint
from tests.outbound.messaging import PHONE, SEND, open_on, problem, template, text_to, wrote
from tests.servers import Server, wrong_fields


@pytest.fixture
def sms(live):
    return open_on(live, "sms")


@pytest.fixture
def whatsapp(live):
    return open_on(live, "whatsapp")


class TestTemplates:
    def send(self, api, channel="whatsapp", **said):
        named = {"name": "order", "language": "en", "variables": {"1": "42"}, **said}
        return api.post(SEND, {"recipient_id": PHONE, "channel": channel, "message_type": "template",
                               "template": named})  # fmt: skip

    def test_of_a_provider_need_no_window_and_hurry(self, api, live, whatsapp):
        template(live, inbox=whatsapp)

        said = self.send(api).json()

        assert (said["status"], said["category"], said["text"]) == ("queued", "utility", "Order 42 is on its way.")
        assert Dispatch.unscoped.get().lane == Dispatch.Lane.URGENT

    def test_that_are_unknown_are_refused_with_those_there_are(self, api, live, whatsapp):
        template(live, inbox=whatsapp)

        answer = self.send(api, name="ordre")

        assert wrong_fields(answer) == {"template.name": "template_not_found"}
        assert "order (en)" in problem(answer, "template.name")["message"]

    def test_whose_variables_are_missing_are_refused(self, api, live, whatsapp):
        template(live, inbox=whatsapp)

        wrong = wrong_fields(self.send(api, variables={"2": "x"}))

        assert set(wrong.values()) == {"template_parameters_mismatch"}

    def test_that_a_provider_has_paused_are_refused(self, api, live, whatsapp):
        template(live, inbox=whatsapp, status="paused")

        assert wrong_fields(self.send(api)) == {"template.name": "template_unavailable"}

    def test_of_a_provider_that_was_never_asked_are_passed_on(self, api, whatsapp):
        said = self.send(api).json()

        assert said["warnings"][0]["code"] == "template_not_checked"

    def test_of_ours_are_rendered(self, api, live, sms):
        template(live, text="Hello {{name}}, order {{1}} is here.")

        said = self.send(api, "sms", variables={"1": "42", "name": "Ana"}).json()

        assert said["text"] == "Hello Ana, order 42 is here."
        assert Dispatch.unscoped.get().adapted["text"] == said["text"]

    def test_of_ours_take_a_list(self, api, live, sms):
        template(live)

        assert self.send(api, "sms", variables=["42"]).json()["text"] == "Order 42 is on its way."

    def test_of_ours_name_what_is_missing_and_what_is_too_much(self, api, live, sms):
        template(live)

        assert wrong_fields(self.send(api, "sms", variables={"name": "Ana"})) == {
            "template.variables.1": "template_parameters_mismatch",
            "template.variables.name": "template_parameters_mismatch",
        }

    def test_need_no_language_where_there_is_one(self, api, live, sms):
        template(live)
        body = {"recipient_id": PHONE, "channel": "sms", "message_type": "template",
                "template": {"name": "order", "variables": ["42"]}}  # fmt: skip

        assert api.post(SEND, body).json()["payload"]["language"] == "en"
        template(live, language="fr")
        assert wrong_fields(api.post(SEND, body)) == {"template.language": "required"}


class TestConsent:
    def test_keeps_a_closed_window_closed_and_names_a_way(self, api, live, whatsapp):
        template(live, inbox=whatsapp)
        wrote(whatsapp, PHONE, timedelta(hours=24, minutes=1))

        answer = api.post(SEND, text_to(PHONE, "whatsapp"))

        assert wrong_fields(answer) == {"recipient_id": "window_closed"}
        assert "order (en)" in problem(answer, "recipient_id")["message"]

    def test_lets_a_message_through_an_open_window(self, api, whatsapp):
        wrote(whatsapp, PHONE, timedelta(hours=23))

        assert api.post(SEND, text_to(PHONE, "whatsapp")).status_code == 202

    def test_does_not_ask_for_a_window_in_the_sandbox(self, sandbox):
        open_on(sandbox, "whatsapp")

        said = Server(mint(sandbox)).post(SEND, text_to(PHONE, "whatsapp")).json()

        assert (said["status"], said["warnings"][0]["code"]) == ("queued", "window_closed")

    def test_refuses_whoever_opted_out(self, api, live, sms):
        Suppression.unscoped.create(environment=live, channel="sms", address=PHONE, reason="stop_word")

        assert wrong_fields(api.post(SEND, text_to(PHONE, "sms"))) == {"recipient_id": "opted_out"}

    def test_refuses_only_marketing_where_only_that_is_unwanted(self, api, live, sms):
        Suppression.unscoped.create(
            environment=live, channel="sms", address=PHONE, reason="unsubscribed", scope="marketing"
        )

        assert api.post(SEND, text_to(PHONE, "sms")).status_code == 202
        answer = api.post(SEND, text_to(PHONE, "sms", category="marketing"))
        assert wrong_fields(answer) == {"recipient_id": "opted_out"}

    def test_refuses_a_blocked_person(self, api, sms):
        api.put("/v1/users/c-1", {"phone_number": PHONE, "blocked": True})

        assert wrong_fields(api.post(SEND, text_to("c-1", "sms"))) == {"recipient_id": "blocked"}

    @pytest.mark.parametrize(
        ("digit", "code"), [(1, "invalid_recipient"), (4, "opted_out"), (8, "window_closed")]
    )  # fmt: skip
    def test_is_rehearsed_in_the_sandbox(self, sandbox, digit, code):
        open_on(sandbox, "sms")

        answer = Server(mint(sandbox)).post(SEND, text_to(f"+1500555000{digit}", "sms"))

        assert wrong_fields(answer) == {"recipient_id": code}

    @pytest.mark.parametrize("channel", ["telegram", "line", "messenger", "email"])
    def test_is_rehearsed_by_name_where_there_are_no_numbers(self, sandbox, channel):
        open_on(sandbox, channel)
        api, at = Server(mint(sandbox)), "@example.com" if channel == "email" else ""
        subject = {"email": {"subject": "Hi"}} if at else {}

        for name, code in (("sandbox_opted_out", 422), ("sandbox_invalid", 422), ("sandbox_failed", 202)):
            assert api.post(SEND, text_to(name + at, channel, **subject)).status_code == code

    def test_is_rehearsed_in_the_sandbox_only(self, api, live):
        open_on(live, "telegram")

        assert wrong_fields(api.post(SEND, text_to("sandbox_failed", "telegram"))) == {
            "recipient_id": "recipient_not_reachable"
        }
