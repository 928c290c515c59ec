"""Whom a name means: a phone number, an e-mail address, an id of ours, of the customer's or of the channel's."""

import pytest

from contacts.services import addresses, contacts
from core.errors import Invalid
from outbound.services import recipients
from tests.outbound.messaging import PHONE, open_on, text_to, wrote
from tests.servers import wrong_fields

SEND = "/v1/send-message"


@pytest.fixture
def amine(api):
    return api.put("/v1/users/c-1", {"phone_number": PHONE, "email": "amine@example.test"}).json()


class TestOnThePhone:
    @pytest.mark.parametrize("name", [PHONE, "+212 600-000 001", "c-1", "usr", "amine@example.test"])
    def test_everything_leads_to_the_same_number(self, api, live, amine, name):
        open_on(live, "sms")

        said = api.post(SEND, text_to(amine["id"] if name == "usr" else name, "sms")).json()

        assert said["user_id"] == amine["id"]
        assert api.get(f"/v1/messages/{said['id']}").json()["recipient_id"] == PHONE

    @pytest.mark.parametrize(
        ("number", "words"),
        [
            ("+1", "too short"), ("+999999999999", "no country"), ("0600000001", "no country code with a +"),
            ("+21260000000100000", "too long"), ("+()", "too short"),
        ],
    )  # fmt: skip
    def test_a_wrong_number_says_what_is_wrong(self, api, live, number, words):
        open_on(live, "sms")

        answer = api.post(SEND, text_to(number, "sms"))

        assert wrong_fields(answer) == {"recipient_id": "invalid_recipient"}
        assert words in answer.json()["error"]["message"]

    def test_an_unusual_number_is_tried_with_a_warning(self, api, live):
        open_on(live, "sms")

        said = api.post(SEND, text_to("+551187654321", "sms")).json()

        assert said["warnings"][0]["code"] == "unusual_number"

    def test_a_person_without_a_number_is_not_reachable(self, api, live):
        open_on(live, "sms")
        api.put("/v1/users/c-2", {"email": "b@example.test"})

        answer = api.post(SEND, text_to("c-2", "sms"))

        assert wrong_fields(answer) == {"recipient_id": "recipient_not_reachable"}
        assert "they can be reached by: e-mail" in answer.json()["error"]["message"]

    @pytest.mark.parametrize(
        ("written", "dialled"),
        [("+5215599887766", "+525599887766"), ("+551187654321", "+5511987654321"), ("+5491112345678", "+541112345678")],
    )
    def test_somebody_whose_network_writes_it_otherwise_is_the_same_person(self, api, live, written, dialled):
        session = wrote(open_on(live, "whatsapp"), written)

        said = api.post(SEND, text_to(dialled, "whatsapp")).json()

        assert said["user_id"] == session.contact.public_id
        assert api.get(f"/v1/messages/{said['id']}").json()["recipient_id"] == dialled

    def test_somebody_called_by_their_number_is_reached_there(self, api, live):
        open_on(live, "sms")
        named = api.put(f"/v1/users/{PHONE}", {"name": "Amine"}).json()

        assert api.post(SEND, text_to(PHONE, "sms")).json()["user_id"] == named["id"]


class TestOnAnIdChannel:
    def test_an_id_of_the_channels_is_enough(self, api, live):
        open_on(live, "telegram")

        assert api.post(SEND, text_to("4242", "telegram")).status_code == 202

    def test_a_person_is_reached_where_they_wrote_from(self, api, live, amine):
        inbox = open_on(live, "telegram")
        contact = contacts.find_by_identity(live, {"external_id": "c-1"})
        contact.environment = live
        addresses.open_at(inbox=inbox, address="777", contact=contact)

        said = api.post(SEND, text_to("c-1", "telegram")).json()

        assert api.get(f"/v1/messages/{said['id']}").json()["recipient_id"] == "777"

    def test_a_person_who_never_wrote_is_not_reachable(self, api, live, amine):
        open_on(live, "telegram")

        assert wrong_fields(api.post(SEND, text_to("c-1", "telegram"))) == {"recipient_id": "recipient_not_reachable"}

    def test_a_name_that_may_be_two_people_says_so(self, api, live):
        inbox = open_on(live, "telegram")
        addresses.open_at(inbox=inbox, address="42")
        api.put("/v1/users/42", {"name": "Their own number 42"})

        answer = api.post(SEND, text_to("42", "telegram"))

        assert wrong_fields(answer) == {"recipient_id": "ambiguous_recipient"}
        assert "usr_" in answer.json()["error"]["message"]


class TestStrangers:
    def test_are_nobody_here(self, api, stranger, live, amine):
        open_on(live, "sms")
        theirs = stranger.put("/v1/users/x-1", {"phone_number": "+212600000007"}).json()

        assert wrong_fields(api.post(SEND, text_to(theirs["id"], "sms"))) == {"recipient_id": "recipient_not_reachable"}

    def test_somebody_merged_says_who_they_are_now(self, api, live, amine):
        open_on(live, "sms")
        gone = api.put("/v1/users/c-9", {"name": "Amine again"}).json()
        api.post("/v1/users/merge", {"from": "c-9", "into": "c-1"})

        answer = api.post(SEND, text_to(gone["id"], "sms"))

        assert (answer.status_code, amine["id"] in answer["Link"]) == (410, True)


@pytest.mark.parametrize("text", ["+", "+1 (", "++", "+abc", "00212600000001", "\u0661\u0662\u0663\u0664\u0665\u0666"])
def test_nothing_that_looks_like_a_number_breaks_it(live, text):
    inbox = open_on(live, "sms")
    inbox.environment = live

    with pytest.raises(Invalid):
        recipients.find(inbox, text)
