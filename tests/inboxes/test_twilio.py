"""SMS by Twilio, outwards: what is sent, and what its answers mean."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from inboxes.channels.outcomes import NOT_THERE, Deferred, Rejected, Sent, Uncertain
from inboxes.channels.sms import Sms
from tests.providers import twilio as fake
from tests.providers.words import answered, asked, file, outgoing

SMS = Sms()
SETTINGS = {"provider": "twilio", "account_sid": fake.ACCOUNT, "auth_token": fake.TOKEN, "from": fake.NUMBER}
PERSON = "+351912345678"
URL = "https://dexra.test/inbound/sms/abc"
NOW = datetime(2026, 11, 20, 20, 0, 0, tzinfo=UTC)


@pytest.fixture
def provider(settings):
    with fake.Twilio() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "twilio": running.base}
        yield running


def send(message, settings=SETTINGS):
    return SMS.judge(asked(SMS.order(message, settings)), message)


def form_of(message, settings=SETTINGS):
    form = SMS.order(message, settings).form
    assert form is not None
    return list(form)


class TestSetUp:
    def check(self, **changes):
        settings = {**SETTINGS, **changes}
        return SMS.judge_check(asked(SMS.check_order(settings)), settings).problem

    def test_an_active_account_is_fine(self, provider):
        assert self.check() is None

    def test_a_wrong_token_is_named(self, provider):
        problem = self.check(auth_token="wrong")

        assert (problem.field, problem.code) == ("settings.auth_token", "channel_auth_failed")

    def test_a_suspended_account_is_named(self, provider):
        provider.status = "suspended"

        assert self.check().code == "account_restricted"

    def test_an_outage_is_no_wrong_token(self):
        problem = SMS.judge_check(answered(503, b'{"message": "We are busy."}'), SETTINGS).problem

        assert (problem.code, problem.message) == ("provider_unavailable", "Twilio could not be asked: We are busy.")


class TestOrder:
    def test_a_text_is_a_form(self):
        order = SMS.order(outgoing(PERSON, "Olá & até"), SETTINGS)

        assert (order.method, order.path) == ("POST", f"/2010-04-01/Accounts/{fake.ACCOUNT}/Messages.json")
        assert dict(order.form or ()) == {"Body": "Olá & até", "To": PERSON, "From": fake.NUMBER}
        assert order.json is None
        assert fake.TOKEN in order.secrets
        assert order.headers["Authorization"] in order.secrets

    def test_files_are_links_one_after_the_other(self):
        message = outgoing(PERSON, "", type="media", media=[file("image"), file("image", "https://files.test/b")])

        form = form_of(message)
        assert form[-2:] == [("MediaUrl", "https://files.test/a"), ("MediaUrl", "https://files.test/b")]
        assert "Body" not in dict(form)

    def test_receipts_will_name_our_message(self):
        form = form_of(outgoing(PERSON, callback_url=URL))

        assert dict(form)["StatusCallback"] == f"{URL}?message_id=msg_abc"

    def test_a_code_is_not_delivered_when_it_is_of_no_use_any_more(self):
        assert dict(form_of(outgoing(PERSON, category="authentication")))["ValidityPeriod"] == "600"

    def test_a_service_sends_instead_of_a_number(self):
        settings = {key: value for key, value in SETTINGS.items() if key != "from"} | {"messaging_service_sid": "MG1"}

        form = form_of(outgoing(PERSON), settings)
        assert form[1:] == [("To", PERSON), ("MessagingServiceSid", "MG1")]

    def test_the_callers_own_fields_never_change_the_recipient(self):
        message = outgoing(PERSON, overrides={"SmartEncoded": "true", "To": "+15551112222"})

        assert form_of(message)[1:] == [
            ("SmartEncoded", "true"),
            ("To", PERSON),
            ("From", fake.NUMBER),
        ]
        assert [problem.field for problem in SMS.problems_of(message, SETTINGS)] == ["overrides.sms.To"]


class TestAnswers:
    def test_a_message_is_known_by_its_sid(self, provider):
        outcome = send(outgoing(PERSON))

        assert outcome == Sent(provider.messages[0]["sid"])
        assert provider.messages[0]["body"] == "Hello"

    @pytest.mark.parametrize(
        ("address", "code", "ours", "suppresses"),
        [
            (fake.INVALID, "21211", "invalid_recipient", ""),
            (fake.BLOCKED, "21610", "opted_out", "all"),
            (fake.LANDLINE, "21614", "invalid_recipient", ""),
            (fake.TRIAL, "21608", "account_restricted", ""),
        ],
    )
    def test_refusals_are_told_apart_by_their_codes(self, provider, address, code, ours, suppresses):
        outcome = send(outgoing(address))

        assert isinstance(outcome, Rejected)
        assert (outcome.provider_code, outcome.code, outcome.suppresses) == (code, ours, suppresses)
        assert not outcome.disconnects

    def test_a_wrong_token_disconnects(self, provider):
        outcome = send(outgoing(PERSON), {**SETTINGS, "auth_token": "wrong"})

        assert (outcome.code, outcome.provider_code, outcome.disconnects) == ("channel_auth_failed", "20003", True)

    @pytest.mark.parametrize(
        ("code", "ours"),
        [
            (21214, "invalid_recipient"), (21217, "invalid_recipient"), (21408, "recipient_not_reachable"),
            (21601, "invalid_for_provider"), (21602, "invalid_for_provider"), (21604, "invalid_recipient"),
            (21606, "invalid_for_provider"), (21612, "recipient_not_reachable"), (21617, "invalid_for_provider"),
            (21620, "media_refused"), (21623, "media_refused"), (21703, "account_restricted"),
            (30003, "undelivered"), (30004, "undelivered"), (30005, "invalid_recipient"),
            (30006, "recipient_not_reachable"), (30007, "undelivered"), (30034, "account_restricted"),
            (63016, "window_closed"), (63024, "invalid_recipient"), (99999, "invalid_for_provider"),
        ],
    )  # fmt: skip
    def test_every_code_has_a_meaning(self, code, ours):
        outcome = SMS.judge(answered(400, {"code": code, "message": "m", "more_info": "x"}), outgoing(PERSON))

        assert outcome == Rejected(ours, "m", str(code))

    @pytest.mark.parametrize(("status", "code"), [(401, 20003), (404, 20404), (403, 30002)])
    def test_faults_of_the_account_disconnect(self, status, code):
        assert SMS.judge(answered(status, {"code": code, "more_info": ""}), outgoing(PERSON)).disconnects

    @pytest.mark.parametrize(
        ("status", "code", "pauses"),
        [(429, 20429, "account"), (400, 21611, "account"), (429, 14107, "account"), (400, 30001, "account"),
         (400, 30022, "account"), (400, 63018, "account"), (400, 30008, ""), (400, 30410, "")],
    )  # fmt: skip
    def test_what_was_never_taken_is_tried_again(self, status, code, pauses):
        outcome = SMS.judge(answered(status, {"code": code, "message": "m"}, retry_after="3"), outgoing(PERSON))

        assert outcome == Deferred("rate_limited", "m", str(code), 3.0, pauses)

    @pytest.mark.parametrize("said", [{"code": 20500, "more_info": ""}, {"code": 21610, "more_info": ""}, b"<html>"])
    def test_a_fault_of_twilio_may_have_sent_it(self, said):
        assert isinstance(SMS.judge(answered(500, said), outgoing(PERSON)), Uncertain)

    def test_taken_without_a_word_is_taken(self):
        assert SMS.judge(answered(201, b'{"si'), outgoing(PERSON)) == Sent("")


class TestLookup:
    """A lost answer is looked up in the list of what went to the recipient."""

    MESSAGE = replace(outgoing(PERSON, "Hello"), tried_at=NOW)

    def listed(self, **changes):
        return {
            "sid": "SM1", "to": PERSON, "body": "Hello", "direction": "outbound-api", "status": "delivered",
            "date_created": format_datetime(NOW + timedelta(seconds=1)), **changes,
        }  # fmt: skip

    def judged(self, *messages):
        return SMS.judge_lookup(answered(200, {"messages": list(messages)}), self.MESSAGE)

    def test_it_finds_the_message_at_twilio(self, provider):
        send(outgoing(PERSON, "Hello"))
        message = replace(self.MESSAGE, tried_at=datetime.now(UTC) - timedelta(seconds=1))
        reply = asked(SMS.lookup_order(message, SETTINGS))

        assert SMS.judge_lookup(reply, message) == Sent(provider.messages[0]["sid"])

    def test_nothing_is_looked_up_without_knowing_since_when(self):
        assert SMS.lookup_order(outgoing(PERSON), SETTINGS) is None

    def test_it_finds_one_that_waits_in_the_queue(self, provider):
        send(outgoing(PERSON, "Hello"))
        message = replace(self.MESSAGE, tried_at=datetime.now(UTC) - timedelta(seconds=1))
        order = SMS.lookup_order(message, SETTINGS)

        assert order is not None
        assert asked(replace(order, path=f"{order.path}&DateSent%3E=2020-01-01")).document["messages"] == []
        assert isinstance(SMS.judge_lookup(asked(order), message), Sent)

    def test_one_that_never_got_there_is_missing(self, provider):
        send(outgoing("+15550001111", "Hello"))
        reply = asked(SMS.lookup_order(self.MESSAGE, SETTINGS))

        assert SMS.judge_lookup(reply, self.MESSAGE).code == NOT_THERE

    def test_none_is_missing_where_more_went_to_that_person_than_is_listed(self, provider):
        early = format_datetime(NOW - timedelta(days=1))
        provider.messages = [self.listed(date_created=early, **{"from": fake.NUMBER}) for _ in range(201)]

        assert SMS.judge_lookup(asked(SMS.lookup_order(self.MESSAGE, SETTINGS)), self.MESSAGE) == Uncertain()

    def test_the_one_that_is_alike_was_it(self):
        assert self.judged(self.listed(), self.listed(sid="SM0", body="Other")) == Sent("SM1")

    def test_one_that_failed_failed(self):
        outcome = self.judged(self.listed(status="undelivered", error_code=30005))

        assert (outcome.code, outcome.provider_code) == ("invalid_recipient", "30005")

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"date_created": format_datetime(NOW - timedelta(minutes=5))}, id="an earlier one"),
            pytest.param({"to": "+15550001111"}, id="to somebody else"),
            pytest.param({"body": "Hello!"}, id="other words"),
            pytest.param({"date_created": "soon"}, id="no date"),
        ],
    )
    def test_what_is_not_alike_tells_nothing(self, changes):
        assert self.judged(self.listed(**changes)) == Uncertain()

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"direction": "inbound"}, id="theirs"),
            pytest.param({"date_created": format_datetime(NOW - timedelta(minutes=6))}, id="long before"),
        ],
    )
    def test_what_cannot_be_it_does_not_hide_that_it_is_missing(self, changes):
        assert self.judged(self.listed(**changes)).code == NOT_THERE

    def test_another_of_ours_is_not_taken_for_it(self):
        message = replace(self.MESSAGE, others=frozenset({"SM1"}))
        reply = answered(200, {"messages": [self.listed()]})

        assert SMS.judge_lookup(reply, message).code == NOT_THERE

    def test_two_alike_tell_nothing(self):
        assert self.judged(self.listed(), self.listed(sid="SM2")) == Uncertain()

    @pytest.mark.parametrize("reply", [answered(400), answered(200, b"x"), answered(200, {"messages": [7]})])
    def test_no_list_tells_nothing(self, reply):
        assert SMS.judge_lookup(reply, self.MESSAGE) == Uncertain()

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_it_is_asked_again_of_a_twilio_that_is_away(self, status):
        assert SMS.judge_lookup(answered(status), self.MESSAGE).code == "provider_unavailable"
