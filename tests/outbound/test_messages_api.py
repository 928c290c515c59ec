"""``/v1/messages/{id}``: what became of a message; taking it back; sending it again. And ``/v1/channels``."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conversations.models import Message
from core.times import iso
from outbound.models import Attempt, Dispatch
from tests.outbound.messaging import PHONE, open_on, text_to
from tests.servers import Server, wrong_fields

SEND = "/v1/send-message"


@pytest.fixture
def sms(live):
    return open_on(live, "sms")


@pytest.fixture
def said(api, sms):
    return api.post(SEND, text_to(PHONE, "sms")).json()


def path(said, *more):
    return "/".join(["/v1/messages", said["id"], *more])


def ended(status, state, **fields):
    """Let the only message have come to an end."""
    Message.unscoped.update(status=status, **fields)
    Dispatch.unscoped.update(state=state, next_attempt_at=None, attempts=5, provider_id="SM1")


class TestLooking:
    def test_shows_every_attempt(self, api, said):
        dispatch = Dispatch.unscoped.get()
        Attempt.unscoped.create(environment=dispatch.environment, dispatch=dispatch, n=1, state="deferred",
                                code="rate_limited", detail="Slow down", provider_code="20429", status_code=429,
                                ended_at=timezone.now())  # fmt: skip

        [attempt] = api.get(path(said)).json()["attempts"]

        assert (attempt["n"], attempt["outcome"], attempt["provider_code"]) == (1, "deferred", "20429")

    def test_shows_what_the_provider_calls_it(self, api, said):
        ended("sent", "sent", provider_id="SM1")

        assert api.get(path(said)).json()["provider_message_id"] == "SM1"

    def test_shows_a_message_that_needed_no_way(self, api, conversation, session):
        words = api.post(f"/v1/conversations/{conversation.public_id}/messages", {"text": "Hi"}).json()

        shown = api.get(path(words)).json()

        assert (shown["status"], shown["attempts"], shown["recipient_id"]) == ("sent", [], session.contact.public_id)

    def test_asks_the_database_a_few_times_only(self, api, said, django_assert_max_num_queries):
        with django_assert_max_num_queries(8):
            api.get(path(said))

    def test_hides_what_is_somebody_elses(self, stranger, said):
        assert [
            stranger.get(path(said)).status_code,
            stranger.post(path(said, "cancel")).status_code,
            stranger.post(path(said, "retry")).status_code,
        ] == [404, 404, 404]

    def test_needs_a_key(self, said):
        assert Server(None).get(path(said)).status_code == 401


class TestCanceling:
    @pytest.mark.parametrize("ahead", [None, timedelta(hours=1)])
    def test_takes_back_what_has_not_left(self, api, sms, ahead):
        more = {} if ahead is None else {"send_at": iso(timezone.now() + ahead)}
        said = api.post(SEND, text_to(PHONE, "sms", **more)).json()

        answer = api.post(path(said, "cancel"))

        assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
        dispatch = Dispatch.unscoped.get()
        assert (dispatch.state, dispatch.next_attempt_at) == ("canceled", None)

    def test_takes_back_a_reply_that_nobody_has_queued_yet(self, api, said):
        Dispatch.unscoped.all().delete()

        assert api.post(path(said, "cancel")).json()["status"] == "canceled"
        assert Dispatch.unscoped.get().state == "canceled"

    @pytest.mark.parametrize(("status", "state"), [("queued", "sending"), ("sent", "sent"), ("failed", "failed")])
    def test_refuses_what_is_on_its_way_or_beyond(self, api, said, status, state):
        ended(status, state)

        answer = api.post(path(said, "cancel"))

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_cancelable")
        assert Message.unscoped.get().status == status

    def test_happens_once(self, api, said):
        api.post(path(said, "cancel"))

        assert api.post(path(said, "cancel")).status_code == 409


class TestRetrying:
    @pytest.mark.parametrize(("status", "state"), [("failed", "failed"), ("unknown", "unknown")])
    def test_begins_anew(self, api, said, status, state):
        ended(status, state, provider_id="SM1", failure={"code": "undelivered", "message": "", "provider_code": None})

        answer = api.post(path(said, "retry"))

        shown = answer.json()
        assert (answer.status_code, shown["status"], shown["failure"]) == (202, "queued", None)
        assert shown["provider_message_id"] is None
        dispatch = Dispatch.unscoped.get()
        assert (dispatch.state, dispatch.attempts, dispatch.provider_id) == ("waiting", 0, "")
        assert dispatch.next_attempt_at <= timezone.now() < dispatch.expires_at

    def test_tells_of_it(self, api, said):
        ended("failed", "failed")

        steps = api.post(path(said, "retry")).json()["timeline"]

        assert [step["status"] for step in steps][-1] == "queued"

    @pytest.mark.parametrize(("status", "state"), [("queued", "waiting"), ("sent", "sent"), ("delivered", "sent")])
    def test_refuses_what_has_not_failed(self, api, said, status, state):
        ended(status, state)

        answer = api.post(path(said, "retry"))

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_retryable")

    def test_names_the_way_out_where_the_inbox_was_closed(self, api, said, sms):
        assert api.delete(f"/v1/inboxes/{sms.public_id}").status_code == 200
        ended("failed", "failed", failure={"code": "inbox_closed", "message": "", "provider_code": None})

        answer = api.post(path(said, "retry"))

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "inbox_closed")
        assert "POST /v1/send-message with the inbox_id of an open sms inbox" in answer.json()["error"]["message"]
        assert Dispatch.unscoped.get().state == "failed"


class TestChannels:
    def test_tell_what_can_be_said_and_by_which_inbox(self, api, sms):
        shown = {each["channel"]: each for each in api.get("/v1/channels").json()["data"]}

        assert shown["sms"]["inboxes"] == [{"id": sms.public_id, "name": "Sms"}]
        assert (shown["sms"]["connected"], shown["telegram"]["connected"]) == (True, False)
        assert (shown["whatsapp"]["buttons"]["max_replies"], shown["whatsapp"]["window_hours"]) == (3, 24)

    def test_are_shown_one_by_one_too(self, api):
        assert [each["channel"] for each in api.get("/v1/channels", channel="sms").json()["data"]] == ["sms"]
        assert wrong_fields(api.get("/v1/channels", channel="fax")) == {"channel": "unknown_value"}

    def test_show_nobody_elses_inboxes(self, stranger, sms):
        assert not any(each["connected"] for each in stranger.get("/v1/channels").json()["data"])

    def test_need_a_key(self, db):
        assert Server(None).get("/v1/channels").status_code == 401

    def test_take_no_page(self, api):
        assert api.get("/v1/channels", page=2).json()["ignored_parameters"] == ["page"]
