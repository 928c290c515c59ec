"""``/v1/suppressions``: addresses that nothing is sent to."""

import pytest

from accounts.models import AuditEntry
from tests.outbound.messaging import PHONE
from tests.servers import Server, wrong_fields

PATH = "/v1/suppressions"


class TestAdding:
    def test_writes_the_address_as_the_channel_does(self, api):
        answer = api.post(PATH, {"channel": "sms", "address": "+212 600-000-001", "detail": "They called us"})

        made = answer.json()
        assert (answer.status_code, made["address"], made["scope"], made["reason"]) == (201, PHONE, "all", "operator")
        assert AuditEntry.unscoped.get(action="suppression.added").target == made["id"]

    def test_is_there_once(self, api):
        first, again = (api.post(PATH, {"channel": "sms", "address": PHONE}).json() for _ in range(2))

        assert first["id"] == again["id"]

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({}, {"channel": "required", "address": "required"}),
            ({"channel": "fax", "address": "1"}, {"channel": "unknown_channel"}),
            ({"channel": "sms", "address": "0600"}, {"address": "invalid_recipient"}),
            ({"channel": "sms", "address": PHONE, "scope": "some"}, {"scope": "unknown_value"}),
            ({"channel": "sms", "address": PHONE, "detail": "x" * 256}, {"detail": "too_long"}),
            ({"channel": "sms", "address": "+1\x00"}, {"address": "invalid_characters"}),
        ],
    )
    def test_names_what_is_wrong(self, api, body, wrong):
        assert wrong_fields(api.post(PATH, body)) == wrong


class TestListing:
    def test_finds_by_channel_and_address(self, api):
        for channel, address in (("sms", PHONE), ("email", "A@b.test")):
            api.post(PATH, {"channel": channel, "address": address})

        assert [each["channel"] for each in api.get(PATH).json()["data"]] == ["email", "sms"]
        assert [each["address"] for each in api.get(PATH, channel="email").json()["data"]] == ["a@b.test"]
        assert api.get(PATH, address="+1").json()["data"] == []

    def test_shows_nobody_elses(self, api, stranger):
        made = api.post(PATH, {"channel": "sms", "address": PHONE}).json()

        assert stranger.get(PATH).json()["data"] == []
        assert stranger.delete(f"{PATH}/{made['id']}").status_code == 404

    def test_needs_a_key(self, db):
        answers = [Server(None).get(PATH), Server(None).post(PATH, {}), Server(None).delete(f"{PATH}/sup_x")]

        assert [each.status_code for each in answers] == [401, 401, 401]


def test_removing_lets_them_be_written_to(api):
    made = api.post(PATH, {"channel": "sms", "address": PHONE}).json()

    assert api.delete(f"{PATH}/{made['id']}").json() == {"id": made["id"], "object": "suppression", "deleted": True}
    assert api.get(PATH).json()["data"] == []
    assert api.delete(f"{PATH}/{made['id']}").status_code == 404
