"""What an old token, an old name or another door opens of somebody who has proved who they are: nothing."""

import json
import time

import jwt
import pytest

from accounts.services import audit
from contacts.models import ContactSession
from events.models import LoggedEvent
from inboxes.services import inboxes
from tests.pages import error, signed


@pytest.fixture
def proved(page, inbox):
    """An anonymous page that has said something, and then proved who is in front of it; with its first opening."""
    before = page.open()
    page.send("POST", "/conversations", {"message": {"text": "Hello", "client_message_id": "c-1"}})
    old = dict(page.headers)
    after = page.knock(source_id=before["source_id"], identity=signed(inbox)).json()
    return before, old, after


class TestProofOfAnAnonymousSession:
    def test_ends_the_tokens_of_whoever_had_the_device_before(self, page, proved):
        before, old, after = proved
        page.headers.update(old)

        assert after["source_id"] == before["source_id"]
        assert error(page.get("/conversations")) == (401, "session_ended")

    def test_ends_their_place_on_the_cable(self, proved):
        before, _, after = proved
        [told] = LoggedEvent.unscoped.filter(type="session_proved")

        assert after["pubsub_token"] != before["pubsub_token"]
        assert told.context["renewed_session_ids"] == [ContactSession.unscoped.get().pk]

    def test_is_not_repeated_by_a_session_that_was_proved(self, page, inbox, proved):
        _, _, after = proved
        again = page.knock(source_id=after["source_id"], identity=signed(inbox)).json()

        assert again["pubsub_token"] == after["pubsub_token"]


class TestTheCompatibleDoor:
    @pytest.mark.parametrize("path", ["", "/conversations"])
    def test_opens_no_proved_session_by_its_name(self, client, inbox, proved, path):
        *_, after = proved
        answer = client.get(f"/public/api/v1/inboxes/{inbox.identifier}/contacts/{after['source_id']}{path}")

        assert answer.status_code == 404

    def test_makes_a_new_contact_for_who_names_it(self, client, inbox, proved):
        *_, after = proved
        answer = client.post(
            f"/public/api/v1/inboxes/{inbox.identifier}/contacts", {"source_id": after["source_id"]},
            content_type="application/json",
        ).json()  # fmt: skip

        assert answer["source_id"] != after["source_id"]
        assert answer["pubsub_token"] != after["pubsub_token"]

    def test_is_closed_to_pages_that_the_inbox_does_not_list(self, client, inbox):
        inboxes.update(inbox=inbox, fields={"settings": {"allowed_origins": ["https://shop.example"]}}, by=audit.SYSTEM)
        path = f"/public/api/v1/inboxes/{inbox.identifier}"

        assert client.get(path, headers={"Origin": "https://else.example"}).status_code == 403
        assert client.get(path, headers={"Origin": "https://shop.example"}).status_code == 200


class TestWhatWasSigned:
    @pytest.mark.parametrize("inner", ["NaN", "1e999", "[" * 900 + "]" * 900])
    def test_is_refused_where_it_could_not_be_stored(self, page, inbox, inner):
        claims = f'{{"sub": "customer-42", "exp": {int(time.time()) + 60}, "custom_attributes": {{"a": {inner}}}}}'
        token = jwt.PyJWS().encode(claims.encode(), inbox.hmac_token, "HS256")

        assert error(page.knock(identity={"token": token})) == (401, "invalid_identity_token")

    def test_never_makes_a_token_that_is_too_long(self, page, inbox):
        many = {f"key-{number}": number for number in range(1500)}
        page.open(identity=signed(inbox, custom_attributes=many))

        assert json.loads(page.get("/me").content)["verified"] is True

    @pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//else.example/x"])
    def test_shows_no_picture_that_is_none(self, page, inbox, url):
        opened = page.open(attributes={"avatar_url": url})

        assert opened["user"]["avatar_url"] == ""
        assert opened["ignored"] == [{"field": "avatar_url", "reason": "not_a_url"}]
