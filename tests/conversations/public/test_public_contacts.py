"""Inbox details and contact sessions over the client API."""

import pytest

from contacts.models import Contact, ContactSession
from contacts.services import contacts
from events.models import LoggedEvent
from inboxes.models import Inbox
from tests.conftest import open_inbox
from tests.conversations.public.conftest import Browser

NOT_FOUND = {"status": 404, "error": "Not Found"}


class TestInbox:
    def test_shows_its_details(self, browser, golden):
        golden("inbox", browser.get())

    def test_answers_404_for_an_unknown_identifier(self, browser):
        answer = browser.web.get("/public/api/v1/inboxes/bXKr2F2asDjztoVipLF9Lt8v")

        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)

    def test_answers_404_for_a_closed_inbox(self, browser, inbox):
        Inbox.unscoped.filter(pk=inbox.pk).update(deleted_at=inbox.created_at)

        assert browser.get().status_code == 404

    def test_answers_404_for_a_channel_that_has_no_client_api(self, browser, inbox):
        Inbox.unscoped.filter(pk=inbox.pk).update(channel="whatsapp")

        assert browser.get().status_code == 404

    @pytest.mark.parametrize("path", ["/public/api/v1/inboxes", "/public/api/v1/", "/public/api/v1/inboxes/x/y/z/"])
    def test_answers_404_in_json_where_there_is_no_path(self, db, client, path):
        answer = client.get(path)

        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)

    def test_knows_no_other_method(self, browser):
        assert browser.send("DELETE").json() == NOT_FOUND


class TestCreate:
    def test_opens_a_session_for_a_new_person(self, browser, golden):
        golden("contact_session", browser.post("/contacts", {"name": "Amine", "email": "amine@example.test"}))

    def test_needs_no_body_and_gives_the_nameless_a_name(self, browser):
        answer = browser.post("/contacts")

        assert answer.status_code == 200
        assert answer.json()["name"]

    def test_keeps_an_empty_name_that_was_given(self, browser):
        assert browser.post("/contacts", {"name": ""}).json()["name"] == ""

    def test_uses_the_source_id_it_is_given(self, browser):
        assert browser.post("/contacts", {"source_id": "device-1"}).json()["source_id"] == "device-1"

    def test_returns_a_known_session_unchanged(self, browser):
        first = browser.post("/contacts", {"source_id": "device-1", "name": "Amine"}).json()
        again = browser.post("/contacts", {"source_id": "device-1", "name": "Mallory"}).json()

        assert again == first

    def test_gives_a_known_email_another_session_of_the_same_person(self, browser, session):
        answer = browser.post("/contacts", {"email": "AMINE@example.test", "name": "Somebody"}).json()

        assert (answer["id"], answer["name"]) == (session.contact_id, "Amine")
        assert answer["source_id"] != session.source_id

    def test_stores_everything_it_is_told(self, browser):
        told = {"identifier": "u-1", "phone_number": "+212600000001", "custom_attributes": {"plan": "pro", "seats": 3}}

        made = Contact.unscoped.get(pk=browser.post("/contacts", told).json()["id"])

        assert (made.external_id, made.phone_number) == ("u-1", "+212600000001")
        assert made.custom_attributes == {"plan": "pro", "seats": 3}

    @pytest.mark.parametrize(
        ("given", "stored"),
        [("https://acme.test/a.png", "https://acme.test/a.png"), ("javascript:alert(1)", ""), ("/etc/passwd", "")],
    )
    def test_takes_an_avatar_from_the_web_only(self, browser, given, stored):
        made = Contact.unscoped.get(pk=browser.post("/contacts", {"avatar_url": given}).json()["id"])

        assert made.avatar_url == stored

    def test_truncates_a_long_name(self, browser):
        assert browser.post("/contacts", {"name": "x" * 300}).json()["name"] == "x" * 255

    def test_says_what_is_wrong_in_the_words_clients_know(self, browser):
        answer = browser.post("/contacts", {"email": "nobody", "phone_number": "0600"})

        assert answer.status_code == 422
        assert answer.json() == {
            "message": "Email Invalid email, Phone number should be in e164 format",
            "attributes": ["email", "phone_number"],
        }

    def test_refuses_an_overlong_source_id_and_identifier(self, browser):
        source = browser.post("/contacts", {"source_id": "x" * 256}).json()
        identifier = browser.post("/contacts", {"identifier": "x" * 256}).json()

        assert source == {"message": "Source is too long (maximum is 255 characters)", "attributes": ["source_id"]}
        assert identifier["message"] == "Identifier is too long (maximum is 255 characters)"

    def test_tells_the_world_once(self, browser):
        for _ in range(2):
            browser.post("/contacts", {"source_id": "device-1"})

        assert LoggedEvent.unscoped.filter(type="user_created").count() == 1


class TestShow:
    def test_shows_the_session_with_its_own_token(self, browser, me, golden):
        golden("contact_session", browser.get(me))

    def test_accepts_json_at_the_end_of_the_path_and_dots_within(self, browser):
        browser.post("/contacts", {"source_id": "amine@example.test"})

        assert browser.get("/contacts/amine@example.test.json").json()["source_id"] == "amine@example.test"

    @pytest.mark.parametrize("source_id", ["unknown", "%00", "%ED%A0%80", "a%2Fb", "..", "x" * 3000])
    def test_answers_404_for_an_unknown_session(self, browser, source_id):
        assert browser.get(f"/contacts/{source_id}").status_code == 404

    def test_answers_404_for_a_strangers_session(self, browser, globex):
        stranger = Browser(open_inbox(globex))
        theirs = stranger.post("/contacts").json()["source_id"]

        assert browser.get(f"/contacts/{theirs}").json() == NOT_FOUND

    def test_answers_404_for_a_session_of_another_inbox(self, live, me):
        assert Browser(open_inbox(live)).get(me).status_code == 404

    def test_answers_404_for_a_person_who_was_erased(self, browser, me, session):
        Contact.unscoped.filter(pk=session.contact_id).update(erased_at=session.created_at)

        assert browser.get(me).status_code == 404


class TestUpdate:
    def test_answers_with_the_raw_row(self, browser, me, golden):
        told = {
            "name": "Amine Berrada",
            "phone_number": "+212600000001",
            "custom_attributes": {"plan": "pro", "seats": 3},
        }

        golden("contact_row", browser.patch(me, told))

    def test_calls_somebody_without_email_and_phone_a_visitor(self, browser, golden):
        made = browser.post("/contacts", {"name": "Amine"}).json()

        golden("visitor_row", browser.send("PUT", f"/contacts/{made['source_id']}", {}))

    def test_ignores_blank_values_and_unknown_names(self, browser, me):
        answer = browser.patch(me, {"name": "", "email": None, "identifier": "u-1", "blocked": True}).json()

        assert (answer["name"], answer["email"]) == ("Amine", "amine@example.test")
        assert (answer["identifier"], answer["blocked"]) == (None, False)

    def test_merges_attributes_deeply_and_never_removes_one(self, browser, me):
        browser.patch(me, {"custom_attributes": {"a": {"x": 1}, "b": 2}})

        answer = browser.patch(me, {"custom_attributes": {"a": {"y": None, "z": 3}, "b": None}}).json()

        assert answer["custom_attributes"] == {"a": {"x": 1, "z": 3}, "b": 2}

    def test_drops_an_object_where_a_text_belongs_and_takes_numbers_as_text(self, browser, me):
        answer = browser.patch(me, {"name": 42, "email": {"a": 1}, "phone_number": [1]}).json()

        assert (answer["name"], answer["email"]) == ("42", "amine@example.test")

    def test_refuses_a_long_name(self, browser, me):
        answer = browser.patch(me, {"name": "x" * 256})

        assert answer.status_code == 422
        assert answer.json() == {"message": "Name is too long (maximum is 255 characters)", "attributes": ["name"]}

    def test_does_not_set_somebody_elses_email_for_an_unverified_session(self, browser, live, me, session):
        owner = contacts.create(environment=live, fields={"email": "zoe@example.test"})

        answer = browser.patch(me, {"email": "zoe@example.test", "name": "Amine B."}).json()

        assert (answer["id"], answer["email"]) == (session.contact_id, "amine@example.test")
        assert answer["name"] == "Amine B."
        assert not Contact.unscoped.get(pk=owner.pk).is_gone

    def test_answers_404_for_a_strangers_session(self, browser, globex):
        theirs = Browser(open_inbox(globex)).post("/contacts").json()["source_id"]

        assert browser.patch(f"/contacts/{theirs}", {"name": "Mallory"}).status_code == 404


def test_opens_one_session_and_makes_one_person_however_often_a_browser_asks_at_once(transactional_db, inbox, at_once):
    answers = at_once([lambda: Browser(inbox).post("/contacts", {"source_id": "device-1"}).json()["id"]] * 6)

    assert len(set(answers)) == 1
    assert (ContactSession.unscoped.count(), Contact.unscoped.count()) == (1, 1)
