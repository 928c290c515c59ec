"""What a page says of its person at the SDK's door, and who may say nothing."""

import pytest

from contacts.models import Contact
from contacts.services import contacts
from tests.pages import contact_of, error, signed, told
from tests.servers import wrong_fields


class TestMe:
    def test_shows_the_person(self, page):
        page.open(attributes={"name": "Amine"})

        assert page.get("/me").json() == page.opened["user"]

    def test_changes_what_the_page_says_and_tells_of_it_once(self, page):
        page.open()
        said = {"name": "Amine", "email": "Amine@Shop.example", "phone_number": "+212 600 000 001", "city": "",
                "custom_attributes": {"plan": "gold", "gone": None}}  # fmt: skip
        answer = page.patch("/me", said)

        assert answer.status_code == 200
        assert answer.json()["email"] == "amine@shop.example"
        assert answer.json()["phone_number"] == "+212600000001"
        assert answer.json()["custom_attributes"] == {"plan": "gold"}
        assert answer.json()["ignored"] == []
        assert told("user_updated", contact_of(page)) == 1
        assert page.patch("/me", said).json() == answer.json()
        assert told("user_updated", contact_of(page)) == 1

    def test_adds_and_changes_custom_attributes_and_removes_none(self, page):
        page.open(attributes={"custom_attributes": {"a": 1, "b": 2}})

        shown = page.patch("/me", {"custom_attributes": {"a": None, "b": 3}}).json()
        assert shown["custom_attributes"] == {"a": 1, "b": 3}

    def test_keeps_what_was_signed(self, page, inbox):
        page.open(identity=signed(inbox, email="amine@shop.example", custom_attributes={"plan": "gold"}))
        said = {"email": "evil@shop.example", "custom_attributes": {"plan": "x"}, "city": "Fès"}
        answer = page.patch("/me", said).json()

        assert answer["email"] == "amine@shop.example"
        assert answer["custom_attributes"] == {"plan": "gold"}
        assert answer["city"] == "Fès"
        assert [each["field"] for each in answer["ignored"]] == ["email", "custom_attributes.plan"]

    def test_takes_nobodys_address_and_merges_nobody(self, page, other, inbox, live):
        known = contacts.create(environment=live, fields={"email": "amine@shop.example"})
        page.open(identity=signed(inbox))
        other.open(attributes={"email": "amine@shop.example"})
        taken = [{"field": "email", "reason": "taken"}]

        assert other.opened["ignored"] == taken
        assert other.opened["user"]["email"] is None
        assert page.patch("/me", {"email": "amine@shop.example"}).json()["ignored"] == taken
        known.refresh_from_db()
        assert not known.is_gone
        assert Contact.unscoped.count() == 3

    def test_never_makes_anybody_verified_or_an_agent(self, page):
        page.open()
        answer = page.patch("/me", {"verified": True, "external_id": "c-1", "user_type": "admin", "blocked": False})

        assert answer.json()["verified"] is False
        assert answer.json()["external_id"] is None
        assert answer.json()["user_type"] == "admin"  # a label, which opens nothing
        assert answer.json()["ignored_parameters"] == ["blocked", "external_id", "verified"]

    @pytest.mark.parametrize(
        ("said", "wrong"),
        [
            ({"email": "nobody"}, {"email": "invalid_email"}),
            ({"phone_number": "12"}, {"phone_number": "invalid_phone_number"}),
            ({"avatar_url": "javascript:alert(1)"}, {"avatar_url": "not_a_url"}),
            ({"name": "x" * 256}, {"name": "too_long"}),
            ({"custom_attributes": {"k" * 101: 1}}, {"custom_attributes." + "k" * 100: "invalid_key"}),
            ({"custom_attributes": {"k": "x" * 70_000}}, {"custom_attributes": "too_large"}),
            ({"name": 7, "city": []}, {"name": "invalid", "city": "invalid"}),
        ],
    )
    def test_names_every_wrong_field(self, page, said, wrong):
        page.open()

        assert wrong_fields(page.patch("/me", said)) == wrong


class TestABlockedPerson:
    def test_reads_and_writes_nothing(self, page):
        page.open()
        talk = page.begin()
        Contact.unscoped.update(blocked=True)

        assert page.get("/conversations").json()["data"][0]["id"] == talk["id"]
        assert page.get(f"/conversations/{talk['id']}/messages").status_code == 200
        assert page.get("/me").status_code == 200
        for method, path in [("POST", "/conversations"), ("PATCH", "/me"), ("POST", "/attachments"),
                             ("POST", f"/conversations/{talk['id']}/messages"),
                             ("PATCH", f"/conversations/{talk['id']}"),
                             ("POST", f"/conversations/{talk['id']}/typing")]:  # fmt: skip
            assert error(page.send(method, path, {})) == (403, "user_blocked"), path

    def test_may_still_open_a_session_that_changes_nothing_and_sign_out(self, page):
        page.open(attributes={"name": "Amine"})
        Contact.unscoped.update(blocked=True)
        opened = page.open(source_id=page.opened["source_id"], attributes={"name": "Other"})

        assert opened["user"]["name"] == "Amine"
        assert opened["ignored"] == [{"field": "name", "reason": "blocked"}]
        assert page.send("DELETE", "/session").status_code == 204
