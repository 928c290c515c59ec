"""``/v1/templates``: ours, and those that a provider has."""

import pytest

from inboxes.models import Template
from tests.conftest import mint, open_inbox
from tests.outbound.messaging import open_on, template
from tests.servers import Server, wrong_fields

PATH = "/v1/templates"
ORDER = {"name": "order", "language": "en", "category": "utility", "text": "Order {{1}} for {{name}}."}


@pytest.fixture
def whatsapp(live):
    return open_on(live, "whatsapp")


class TestMaking:
    def test_one_of_ours_is_there_at_once(self, api):
        answer = api.post(PATH, ORDER)

        made = answer.json()
        assert (answer.status_code, made["status"], made["inbox_id"]) == (201, "approved", None)
        assert (made["variables"], made["components"]) == (["1", "name"], [{"type": "body", "text": ORDER["text"]}])
        assert api.get(f"{PATH}/{made['id']}").json() == made

    def test_one_for_a_provider_waits_for_it(self, api, whatsapp):
        made = api.post(PATH, {**ORDER, "inbox_id": whatsapp.public_id}).json()

        assert (made["status"], made["inbox_id"]) == ("pending", whatsapp.public_id)

    def test_one_in_the_sandbox_asks_nobody(self, sandbox):
        inbox = open_on(sandbox, "whatsapp")

        made = Server(mint(sandbox)).post(PATH, {**ORDER, "inbox_id": inbox.public_id}).json()

        assert made["status"] == "approved"

    def test_a_name_is_there_once_in_a_language(self, api):
        api.post(PATH, ORDER)

        assert api.post(PATH, ORDER).json()["error"]["code"] == "already_taken"
        assert api.post(PATH, {**ORDER, "language": "fr"}).status_code == 201

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({}, {"name": "required", "language": "required", "category": "required"}),
            ({**ORDER, "name": "no way"}, {"name": "invalid"}),
            ({**ORDER, "category": "fun"}, {"category": "unknown_value"}),
            ({**ORDER, "text": "x" * 10_001}, {"text": "too_long"}),
            ({**ORDER, "components": [{"type": "body", "text": "x"}]}, {"components": "ambiguous"}),
            ({**ORDER, "text": None}, {"text": "required"}),
            ({**ORDER, "inbox_id": "inb_nothing"}, {"inbox_id": "unknown_inbox"}),
        ],
    )  # fmt: skip
    def test_names_what_is_wrong(self, api, body, wrong):
        assert wrong_fields(api.post(PATH, body)) == wrong

    @pytest.mark.parametrize(
        ("components", "wrong"),
        [
            ([{"type": "header", "text": "H"}], {"components": "required"}),
            ([{"type": "body"}], {"components.0.text": "required"}),
            ([{"type": "body", "text": "x"}, {"type": "song"}], {"components.1.type": "unknown_value"}),
            ([{"type": "body", "text": "x"}, {"type": "buttons", "buttons": [{}]}],
             {"components.1.buttons.0.text": "required"}),
            ([{"type": "body", "text": "x"}, {"type": "buttons", "buttons": 5}], {"components.1.buttons": "required"}),
            (["body"], {"components.0": "invalid"}),
        ],
    )  # fmt: skip
    def test_names_what_is_wrong_with_its_parts(self, api, components, wrong):
        body = {"name": "order", "language": "en", "category": "utility", "components": components}

        assert wrong_fields(api.post(PATH, body)) == wrong

    def test_a_part_is_there_once(self, api):
        body = {
            "name": "order",
            "language": "en",
            "category": "utility",
            "components": [{"type": "body", "text": "x"}] * 2,
        }

        assert "duplicate" in wrong_fields(api.post(PATH, body)).values()

    def test_a_channel_without_templates_takes_none(self, api, live):
        inbox = open_inbox(live)

        assert wrong_fields(api.post(PATH, {**ORDER, "inbox_id": inbox.public_id})) == {
            "inbox_id": "unsupported_by_channel"
        }


class TestLooking:
    def test_lists_by_what_is_asked(self, api, live, whatsapp):
        template(live, "a")
        template(live, "b", whatsapp, status="paused")

        names = [
            [each["name"] for each in api.get(PATH, **query).json()["data"]]
            for query in ({}, {"inbox_id": whatsapp.public_id}, {"status": "approved"}, {"name": "a", "language": "fr"})
        ]

        assert names == [["b", "a"], ["b"], ["a"], []]

    def test_refuses_an_unknown_inbox(self, api):
        assert wrong_fields(api.get(PATH, inbox_id="inb_x")) == {"inbox_id": "unknown_inbox"}

    def test_hides_what_is_somebody_elses(self, stranger, live):
        path = f"{PATH}/{template(live).public_id}"

        assert [stranger.get(path).status_code, stranger.delete(path).status_code] == [404, 404]
        assert stranger.get(PATH).json()["data"] == []

    def test_needs_a_key(self, db):
        assert [Server(None).get(PATH).status_code, Server(None).post(PATH, ORDER).status_code] == [401, 401]


def test_deletes_one_of_ours(api, live):
    path = f"{PATH}/{template(live).public_id}"

    assert api.delete(path).json()["deleted"] is True
    assert not Template.unscoped.exists()
    assert api.delete(path).status_code == 404
