"""How did it go? As JSON, and as a page."""

import json
from datetime import timedelta

import pytest

from conversations.models import Conversation, Message, SurveyAnswer
from events.models import LoggedEvent
from inboxes.models import Inbox

NOT_FOUND = {"status": 404, "error": "Not Found"}


@pytest.fixture
def asked(browser, inbox, talk) -> Message:
    """The survey of a conversation that was just resolved."""
    Inbox.unscoped.filter(pk=inbox.pk).update(csat_survey_enabled=True)
    browser.post(f"{talk}/toggle_status")
    question: Message = Message.unscoped.select_related("conversation").get(content_type="input_csat")
    return question


@pytest.fixture
def survey(asked) -> str:
    """The path of the survey."""
    return f"/public/api/v1/csat_survey/{asked.conversation.uuid}"


def answer(client, path, method="PATCH", **response):
    body = {"message": {"submitted_values": {"csat_survey_response": response}}}
    return client.generic(method, path, json.dumps(body), content_type="application/json")


def make_old(asked: Message) -> None:
    Message.unscoped.filter(pk=asked.pk).update(created_at=asked.created_at - timedelta(days=14, minutes=1))


class TestJSON:
    def test_shows_the_question(self, client, survey, golden):
        golden("survey_open", client.get(survey), also="conversation_id")

    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    def test_takes_the_answer(self, client, survey, golden, method):
        done = answer(client, survey, method, rating=4, feedback_message="Quick")

        golden("survey_answered", done, also="conversation_id")

    def test_keeps_the_last_answer_only(self, client, survey):
        answer(client, survey, rating=1)
        answer(client, survey, rating="5")

        assert [each.rating for each in SurveyAnswer.unscoped.all()] == [5]

    def test_tells_that_the_message_changed(self, client, survey):
        answer(client, survey, rating=4)

        assert LoggedEvent.unscoped.filter(type="message_status").count() == 1

    @pytest.mark.parametrize("rating", [0, 6, "x", None, 4.5, True, 10**30])
    def test_refuses_a_rating_that_is_none(self, client, survey, rating):
        refused = answer(client, survey, rating=rating)

        assert (refused.status_code, refused.json()["attributes"]) == (422, ["rating"])
        assert SurveyAnswer.unscoped.count() == 0

    def test_is_over_after_fourteen_days(self, client, survey, asked):
        make_old(asked)

        refused = answer(client, survey, rating=4)

        assert refused.status_code == 422
        assert refused.json() == {"error": "You cannot update the CSAT survey after 14 days"}

    def test_is_over_for_the_message_as_well(self, browser, talk, asked):
        make_old(asked)

        refused = browser.patch(
            f"{talk}/messages/{asked.pk}", {"submitted_values": {"csat_survey_response": {"rating": 4}}}
        )

        assert refused.json() == {"error": "You cannot update the CSAT survey after 14 days"}

    def test_can_be_answered_through_the_message(self, browser, talk, asked):
        values = {"csat_survey_response": {"rating": 4, "feedback_message": "Quick", "x": 1}, "y": 2}

        done = browser.patch(f"{talk}/messages/{asked.pk}", {"submitted_values": values})

        kept = {"csat_survey_response": {"rating": 4, "feedback_message": "Quick"}}
        assert done.json()["content_attributes"]["submitted_values"] == kept
        assert SurveyAnswer.unscoped.get().feedback == "Quick"

    def test_is_not_there_for_a_conversation_without_one(self, client, conversation):
        answer = client.get(f"/public/api/v1/csat_survey/{conversation.uuid}")

        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)

    @pytest.mark.parametrize("name", ["x", "6f1c0000-0000-4000-8000-000000000000", "%00", "1" * 100])
    def test_is_not_there_for_an_unknown_name(self, db, client, name):
        assert client.get(f"/public/api/v1/csat_survey/{name}").status_code == 404


class TestPage:
    @pytest.fixture
    def page(self, asked) -> str:
        """The page's path."""
        return f"/survey/responses/{asked.conversation.uuid}"

    def test_asks_without_any_script(self, client, page):
        shown = client.get(page)

        assert shown.status_code == 200
        assert "How did it go?" in shown.content.decode()
        assert "<script" not in shown.content.decode()
        assert "default-src 'none'" in shown["Content-Security-Policy"]

    def test_takes_the_answer_and_says_thank_you(self, client, page):
        thanks = client.post(page, {"rating": "4", "feedback": "<b>Quick</b>"}, follow=True)

        assert "Thank you" in thanks.content.decode()
        assert "&lt;b&gt;Quick" in thanks.content.decode()
        assert SurveyAnswer.unscoped.get().rating == 4

    @pytest.mark.parametrize("form", [{}, {"rating": "6"}, {"rating": "x"}])
    def test_asks_again_for_what_is_no_rating(self, client, page, form):
        again = client.post(page, form)

        assert again.status_code == 422
        assert "Please choose one" in again.content.decode()

    def test_says_when_it_is_over(self, client, page, asked):
        make_old(asked)

        assert "This survey is over" in client.post(page, {"rating": "4"}).content.decode()

    @pytest.mark.parametrize("name", ["x", "6f1c0000-0000-4000-8000-000000000000"])
    def test_is_not_there_for_an_unknown_name(self, db, client, name):
        assert client.get(f"/survey/responses/{name}").status_code == 404


def test_a_survey_shows_nothing_of_its_conversation(client, survey, asked):
    shown = client.get(survey).content.decode()

    assert Conversation.unscoped.get().contact.email not in shown
