"""What WhatsApp's refusals mean: the whole table, and what is in no table."""

from dataclasses import replace

import pytest

from inboxes.channels.outcomes import FAILURES, Deferred, Rejected, Uncertain
from inboxes.channels.whatsapp import Whatsapp
from tests.providers import graph
from tests.providers.words import answered, asked, outgoing

WHATSAPP = Whatsapp()
SETTINGS, ANA = graph.SETTINGS["whatsapp"], "+16505551234"

REFUSALS = [
    ((4, 80007, 130429, 133016), Deferred("rate_limited", pauses="account")),
    ((131048,), Deferred("rate_limited", pauses="account", seconds=3600.0)),
    ((131056,), Deferred("rate_limited", pauses="recipient")),
    ((2, 131000, 131016, 131057, 133004), Deferred("provider_unavailable")),
    ((131052, 131053), Deferred("media_refused", most_attempts=3)),
    ((131026, 131030, 130497), Rejected("recipient_not_reachable")),
    ((131021, 131062), Rejected("invalid_recipient")),
    ((130472, 131049), Rejected("undelivered")),
    ((131047,), Rejected("window_closed")),
    ((131050,), Rejected("opted_out", suppresses="marketing")),
    ((100, 33, 131008, 131009, 131051, 131063, 131064, 135000, 132007, 132068, 132069),
     Rejected("invalid_for_provider")),
    ((132000, 132005, 132008, 132012), Rejected("template_parameters_mismatch")),
    ((132001,), Rejected("template_not_found")),
    ((132015, 132016), Rejected("template_unavailable")),
    ((0, 190, 3, 10, 200, 250, 299, 131005), Rejected("channel_auth_failed", disconnects=True)),
    ((131031, 131042, 131045, 368), Rejected("account_restricted", disconnects=True)),
]  # fmt: skip


def judged(status, error=None, body=None, **headers):
    return WHATSAPP.judge(answered(status, {"error": error} if error else body, **headers), outgoing(ANA))


@pytest.fixture
def provider(settings):
    with graph.Graph() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "whatsapp": running.base}
        yield running


@pytest.mark.parametrize(("code", "outcome"), [(code, outcome) for codes, outcome in REFUSALS for code in codes])
@pytest.mark.parametrize("status", [400, 500])
def test_every_code_has_one_meaning_whatever_the_status(code, outcome, status):
    expected = replace(outcome, detail="Why", provider_code=str(code))

    assert judged(status, {"code": code, "message": "M", "error_data": {"details": "Why"}}) == expected
    assert outcome.code in FAILURES


@pytest.mark.parametrize("code", [131056, 131026, 190, 131000])
def test_a_refusal_as_it_comes_over_the_wire_says_the_providers_words(provider, code):
    provider.refusals["16505551234"] = code
    outcome = WHATSAPP.judge(asked(WHATSAPP.order(outgoing(ANA), SETTINGS)), outgoing(ANA))

    assert (outcome.provider_code, outcome.detail) == (str(code), f"Refused with {code}.")


def test_a_wrong_token_disconnects(provider):
    settings = {**SETTINGS, "access_token": "expired"}
    outcome = WHATSAPP.judge(asked(WHATSAPP.order(outgoing(ANA), settings)), outgoing(ANA))

    assert (outcome.code, outcome.disconnects, outcome.provider_code) == ("channel_auth_failed", True, "190")


class TestWithoutAKnownCode:
    def test_a_4xx_is_final(self):
        outcome = judged(400, {"code": 999999, "message": "New"})

        assert outcome == Rejected("invalid_for_provider", "New", "999999")

    def test_a_5xx_may_have_been_sent(self):
        assert judged(500, {"code": 1, "message": "An unknown error"}) == Uncertain(detail="An unknown error")

    def test_a_fault_that_says_it_will_pass_was_not_sent(self):
        outcome = judged(500, {"code": 1, "message": "Later", "is_transient": True})

        assert outcome == Deferred("provider_unavailable", "Later", "1")

    @pytest.mark.parametrize("status", [500, 502, 503, 504, 529])
    @pytest.mark.parametrize("body", [None, b"<html>Bad gateway</html>", {"oops": 1}])
    def test_a_5xx_that_is_not_graphs_may_have_been_sent(self, status, body):
        assert isinstance(judged(status, body=body), Uncertain)

    def test_too_many_requests_wait_as_long_as_is_said(self):
        assert judged(429, body=b"", retry_after="17") == Deferred(
            "rate_limited", "HTTP 429", "429", 17.0, pauses="account"
        )

    def test_a_wait_that_is_said_with_a_code_is_taken(self):
        assert judged(429, {"code": 131056, "message": "M"}, retry_after="9").seconds == 9.0

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_a_redirect_is_not_followed_and_final(self, status):
        assert isinstance(judged(status, body=b""), Rejected)

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_closed_door_disconnects(self, status):
        assert judged(status, body=b"no").disconnects

    @pytest.mark.parametrize("error", ["text", [], 7, {"code": {}}, {"code": True}, {"code": "x" * 99}])
    def test_an_error_of_a_strange_shape_is_still_an_error(self, error):
        assert isinstance(judged(400, body={"error": error}), Rejected)

    def test_a_code_that_comes_as_text_counts(self):
        assert judged(400, {"code": "131047", "message": "M"}).code == "window_closed"
