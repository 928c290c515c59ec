"""The callback of an API inbox: saved with it, moved with it, gone with it."""

import pytest

from accounts.models import AuditEntry
from core import tenancy
from inboxes.models import Inbox
from tests.servers import Server, at_once, wrong_fields
from tests.webhooks.story import Visitor
from tests.webhooks.telling import queued
from webhooks.models import Delivery, Endpoint, Health, Secret

URL = "https://93.184.216.34/chatwoot"  # public; nothing is sent to it
OTHER = "https://93.184.216.35/chatwoot"


@pytest.fixture
def made(api):
    """The answer to opening an inbox with a callback."""
    return api.post("/v1/inboxes", {"name": "Shop", "channel": "api", "settings": {"webhook_url": URL}}).json()


@pytest.fixture
def path(made):
    """Where that inbox is."""
    return f"/v1/inboxes/{made['id']}"


def change(api, path, **settings):
    return api.patch(path, {"settings": settings})


class TestMaking:
    def test_shows_the_secret_once(self, api, made, path):
        assert made["webhook_secret"].startswith("whsec_")
        assert made["settings"] == {"webhook_url": URL}
        again = api.get(path).json()
        assert "webhook_secret" not in again
        assert "webhook_endpoint_id" not in again
        assert "webhook_secret" not in api.patch(path, {"name": "Store"}).json()

    def test_makes_an_endpoint_in_chatwoots_words(self, made):
        endpoint = Endpoint.unscoped.get()

        assert (endpoint.url, endpoint.dialect, endpoint.events, endpoint.state) == (URL, "chatwoot", [], "active")
        assert endpoint.inbox.public_id == made["id"]
        assert endpoint.public_id == made["webhook_endpoint_id"]
        assert Secret.unscoped.get().secret == made["webhook_secret"]
        assert Health.unscoped.get().environment_id == endpoint.environment_id

    def test_works_on_an_inbox_that_had_none(self, api, inbox):
        answer = change(api, f"/v1/inboxes/{inbox.public_id}", webhook_url=URL)

        assert answer.json()["webhook_secret"] == Secret.unscoped.get().secret

    def test_an_inbox_without_one_makes_none(self, api, inbox):
        api.patch(f"/v1/inboxes/{inbox.public_id}", {"name": "Store"})

        assert not Endpoint.unscoped.exists()

    def test_the_secret_stays_as_it_is_when_the_same_url_is_saved_again(self, api, made, path):
        assert "webhook_secret" not in change(api, path, webhook_url=URL).json()
        assert Secret.unscoped.get().secret == made["webhook_secret"]

    def test_is_told_what_happens_there_only(self, api, live, made, inbox, relay):
        Visitor(Inbox.of(live).get(name="Shop"), name="Amine").say("Hello")
        Visitor(inbox, name="Bouchra").say("Hello")
        relay.drain()

        assert queued(Endpoint.unscoped.get()) == ["conversation_created", "message_created"]


class TestRefusing:
    @pytest.mark.parametrize(
        "url",
        [
            pytest.param("http://93.184.216.34/x", id="not https in live"),
            pytest.param("https://10.0.0.1/x", id="private address"),
            pytest.param("https://ada:secret@93.184.216.34/x", id="userinfo"),
            pytest.param("ftp://93.184.216.34/x", id="scheme"),
            pytest.param("shop", id="no url"),
        ],
    )
    def test_a_url_that_could_not_be_called_with_the_inbox_itself(self, api, url):
        answer = api.post("/v1/inboxes", {"name": "Shop", "channel": "api", "settings": {"webhook_url": url}})

        assert set(wrong_fields(answer)) == {"settings.webhook_url"}
        assert not Inbox.unscoped.exists()
        assert not Endpoint.unscoped.exists()

    def test_keeps_what_was_there(self, api, made, path):
        answer = change(api, path, webhook_url="https://10.0.0.1/x")

        assert set(wrong_fields(answer)) == {"settings.webhook_url"}
        assert api.get(path).json()["settings"] == {"webhook_url": URL}
        assert Endpoint.unscoped.get().url == URL

    def test_names_everything_that_is_wrong_at_once(self, api):
        body = {"name": "Shop", "channel": "api", "time_zone": "Mars/Base",
                "settings": {"webhook_url": "https://10.0.0.1/x", "colour": "red"}}  # fmt: skip

        wrong = wrong_fields(api.post("/v1/inboxes", body))

        assert set(wrong) == {"settings.webhook_url", "settings.colour", "time_zone"}

    def test_what_is_no_text(self, api, inbox):
        answer = change(api, f"/v1/inboxes/{inbox.public_id}", webhook_url=7)

        assert wrong_fields(answer) == {"settings.webhook_url": "wrong_type"}
        assert answer.json()["error"]["message"] == "webhook_url is a text."

    def test_a_web_inbox(self, api):
        answer = api.post("/v1/inboxes", {"name": "Shop", "channel": "web", "settings": {"webhook_url": URL}})

        assert wrong_fields(answer) == {"settings.webhook_url": "unknown_setting"}


class TestMoving:
    def test_keeps_the_endpoint_and_its_secret(self, api, made, path):
        before = Endpoint.unscoped.get().pk

        answer = change(api, path, webhook_url=OTHER)

        assert "webhook_secret" not in answer.json()
        assert (Endpoint.unscoped.get().pk, Endpoint.unscoped.get().url) == (before, OTHER)
        assert AuditEntry.unscoped.filter(action="webhook_endpoint.updated").get().changes["url"]["to"] == OTHER

    @pytest.mark.parametrize(("reason", "state"), [("failing", "active"), ("gone", "active"), ("manual", "disabled")])
    def test_gives_what_was_given_up_another_chance(self, api, made, path, reason, state):
        Endpoint.unscoped.update(state="disabled", disabled_reason=reason)

        change(api, path, webhook_url=OTHER)

        assert Endpoint.unscoped.get().state == state


class TestRemoving:
    @pytest.mark.parametrize("nothing", [None, ""], ids=["null", "empty"])
    def test_takes_the_endpoint_away_with_what_waits_for_it(self, api, live, made, path, relay, nothing):
        Visitor(Inbox.of(live).get(), name="Amine").say("Hello")
        relay.drain()

        answer = change(api, path, webhook_url=nothing)

        assert answer.json()["settings"] == {}
        assert Endpoint.unscoped.get().deleted_at is not None
        assert set(Delivery.unscoped.values_list("state", flat=True)) == {"canceled"}

    def test_happens_when_the_inbox_is_closed(self, api, made, path):
        api.delete(path)

        assert Endpoint.unscoped.get().deleted_at is not None

    def test_leaves_room_for_a_new_one_with_a_new_secret(self, api, made, path):
        change(api, path, webhook_url=None)

        answer = change(api, path, webhook_url=URL)

        assert answer.json()["webhook_secret"] != made["webhook_secret"]
        assert Endpoint.unscoped.filter(deleted_at=None).get().inbox.public_id == made["id"]
        assert Endpoint.unscoped.count() == 2


class TestStrangers:
    def test_neither_see_nor_touch_it(self, stranger, made, path):
        assert change(stranger, path, webhook_url=OTHER).status_code == 404
        assert stranger.delete(path).status_code == 404
        assert Endpoint.unscoped.get().url == URL


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_one_inbox_gets_one_callback(self, transactional_db, key, api, inbox):
        path = f"/v1/inboxes/{inbox.public_id}"

        answers = at_once(
            *[lambda place=place: change(Server(key), path, webhook_url=f"{URL}/{place}") for place in range(4)]
        )

        assert {answer.status_code for answer in answers} == {200}
        assert sum("webhook_secret" in answer.json() for answer in answers) == 1
        with tenancy.everyone():
            assert Endpoint.unscoped.get().url == Inbox.unscoped.get().settings["webhook_url"]
