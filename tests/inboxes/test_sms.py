"""SMS, whoever the provider is: settings, numbers, segments and rates."""

import pytest

from inboxes.channels.capabilities import Rate
from inboxes.channels.sms import Sms
from tests.providers import twilio, vonage
from tests.providers.words import file, outgoing

SMS = Sms()
TWILIO = {"provider": "twilio", "account_sid": twilio.ACCOUNT, "auth_token": twilio.TOKEN, "from": twilio.NUMBER}
VONAGE = {
    "provider": "vonage", "api_key": vonage.KEY, "api_secret": vonage.SECRET, "from": vonage.NUMBER,
    "signature_secret": vonage.SIGNATURE_SECRET,
}  # fmt: skip


SERVICE = "MG" + "0123456789abcdef" * 2


class TestSettings:
    @pytest.mark.parametrize("given", ["+14155550100", "72345", "ACME", "Acme Shop", "3M", "A" * 11])
    def test_texts_come_from_a_number_a_short_code_or_a_name(self, given):
        assert not SMS.lacking({**TWILIO, "from": given})

    @pytest.mark.parametrize("given", ["4155550100", "12", "A" * 12, "Acmé", "+1", "sip:x@y", " ACME", "--"])
    def test_texts_come_from_nothing_else(self, given):
        [problem] = SMS.lacking({**TWILIO, "from": given})

        assert (problem.field, problem.code) == ("settings.from", "invalid")
        assert "+14155550100" in problem.message

    @pytest.mark.parametrize(
        ("stored", "missing"),
        [
            ({}, {"provider"}),
            ({"provider": "pigeon"}, set()),  # what is wrong with it is told by problems()
            ({"provider": "twilio"}, {"account_sid", "auth_token", "from"}),
            ({"provider": "vonage"}, {"api_key", "api_secret", "from", "signature_secret"}),
            ({**TWILIO, "from": "", "messaging_service_sid": SERVICE}, set()),
            ({**TWILIO, "messaging_service_sid": SERVICE}, {"messaging_service_sid"}),
            ({**TWILIO, "from": "", "messaging_service_sid": "MG1"}, {"messaging_service_sid"}),
            ({**TWILIO, "account_sid": "AC/../x"}, {"account_sid"}),
            (
                {**TWILIO, "account_sid": "AC" + "z" * 32, "auth_token": " ", "from": "?"},
                {"account_sid", "auth_token", "from"},
            ),
            ({"account_sid": "AC1"}, {"provider", "account_sid", "auth_token", "from"}),
            ({"api_key": "k"}, {"provider", "api_secret", "from", "signature_secret"}),
            ({"from": "ACME"}, {"provider"}),
            ({**VONAGE, "api_key": " ", "from": "A name that is long"}, {"api_key", "from"}),
            ({**VONAGE, "from": "14155550100"}, set()),
            (TWILIO, set()),
            (VONAGE, set()),
        ],
    )
    def test_each_provider_needs_its_own(self, stored, missing):
        assert {problem.field.removeprefix("settings.") for problem in SMS.lacking(stored)} == missing

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"provider": "pigeon"}, "unknown_value"),
            ({"colour": "red"}, "unknown_setting"),
            ({"messages_per_second": 0}, "out_of_range"),
            ({"messages_per_second": "many"}, "wrong_type"),
            ({"messages_per_second": True}, "wrong_type"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, given, code):
        assert [problem.code for problem in SMS.problems(given)] == [code]

    @pytest.mark.parametrize(
        ("given", "whole", "wrong"),
        [
            ({"account_sid": "AC1", "api_key": "k"}, {"provider": "vonage"}, {"account_sid"}),
            ({"api_key": "k", "signature_secret": "s"}, {"provider": "twilio"}, {"api_key", "signature_secret"}),
            ({"account_sid": None, "auth_token": ""}, {"provider": "vonage"}, set()),
            ({"account_sid": "AC1"}, {"provider": "pigeon"}, set()),
            ({"account_sid": "AC1"}, {}, set()),
            (TWILIO, TWILIO, set()),
            ({**VONAGE, "messages_per_second": 5}, VONAGE, set()),
        ],
    )
    def test_what_is_another_providers_has_no_place(self, given, whole, wrong):
        assert {problem.field.removeprefix("settings.") for problem in SMS.misplaced(given, whole)} == wrong

    def test_what_was_the_provider_befores_goes_with_it(self):
        assert SMS.completed({**TWILIO, **VONAGE}) == {**VONAGE, "from": SMS.completed(VONAGE)["from"]}

    @pytest.mark.parametrize(
        ("given", "kept"), [("+1 (415) 555-0100", "+14155550100"), ("72345", "72345"), ("ACME", "ACME"), ("", None)]
    )
    def test_our_number_is_kept_as_providers_write_it(self, given, kept):
        assert SMS.completed({"provider": "twilio", **({"from": given} if given else {})}).get("from") == kept

    def test_secrets_are_masked(self):
        shown = str(SMS.shown({**TWILIO, **VONAGE}))

        for secret in (twilio.TOKEN, vonage.SECRET, vonage.SIGNATURE_SECRET):
            assert secret not in shown


class TestLimits:
    @pytest.mark.parametrize(
        ("stored", "rate"),
        [
            (TWILIO, Rate(1, 10)),
            ({**TWILIO, "from": "72345"}, Rate(100, 100)),
            ({**TWILIO, "messaging_service_sid": "MG1"}, Rate(10, 20)),
            ({**TWILIO, "messages_per_second": 40}, Rate(40, 40)),
            (VONAGE, Rate(25, 25)),
        ],
    )
    def test_a_number_is_as_fast_as_its_kind(self, stored, rate):
        assert SMS.limits(stored).account_rate == rate

    def test_files_go_with_twilio_alone(self):
        assert set(SMS.limits(TWILIO).media) == {"image", "video", "audio", "document"}
        assert not SMS.limits(VONAGE).media
        assert "media" not in SMS.limits(VONAGE).types

    def test_there_are_no_buttons(self):
        assert "button" not in SMS.limits(TWILIO).types | SMS.limits(VONAGE).types


NO_NUMBERS = ("4155552671", "0049123", "+1", "+1415555267100000000", "ana", "", "+14155552671 ext. 7", "a@b.test")


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("+1 415-555-2671", "+14155552671"),
        (" +351912345678", "+351912345678"),
        pytest.param("+551187654321", "+551187654321", id="possible, though no plan knows it"),
        *((given, None) for given in NO_NUMBERS),
    ],
)
def test_addresses_are_whole_phone_numbers(given, address):
    assert SMS.address(given, TWILIO) == address


class TestFacts:
    @pytest.mark.parametrize(
        ("text", "encoding", "segments"),
        [("Hello", "GSM-7", 1), ("Hello " * 30, "GSM-7", 2), ("Olá ☃", "UCS-2", 1), ("☃" * 200, "UCS-2", 3)],
    )
    def test_a_text_is_counted(self, text, encoding, segments):
        assert SMS.facts_of(outgoing("+1", text)) == {"encoding": encoding, "segments": segments}

    def test_one_with_files_is_not(self):
        assert SMS.facts_of(outgoing("+1", "Look", type="media", media=[file("image")])) == {}
