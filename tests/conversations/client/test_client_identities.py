"""Proof of who is in front of a page: tokens that a business signed, and identifiers with their hash."""

import datetime as dt
import time

import jwt
import pytest
from django.utils import timezone

from accounts.services import audit
from contacts.services import contacts, sessions
from core import crypto
from inboxes.services import inboxes
from tests.conftest import open_inbox
from tests.pages import Page, contact_of, error, signed, told


class TestIdentityToken:
    def test_verifies_who_it_is_and_keeps_what_was_signed(self, page, inbox):
        opened = page.open(identity=signed(inbox, email="amine@shop.example", custom_attributes={"plan": "gold"}),
                           attributes={"email": "evil@shop.example", "city": "Fès",
                                       "custom_attributes": {"plan": "x", "seats": 2}})  # fmt: skip

        assert opened["user"]["verified"] is True
        assert opened["user"]["external_id"] == "c-1"
        assert opened["user"]["email"] == "amine@shop.example"
        assert opened["user"]["city"] == "Fès"
        assert opened["user"]["custom_attributes"] == {"plan": "gold", "seats": 2}
        assert opened["ignored"] == [
            {"field": "email", "reason": "signed"}, {"field": "custom_attributes.plan", "reason": "signed"}
        ]  # fmt: skip

    def test_tells_of_a_new_person_once(self, page, inbox):
        page.open(identity=signed(inbox, name="Amine", email="amine@shop.example"), attributes={"city": "Fès"})
        contact = contact_of(page)

        assert (told("user_created", contact), told("user_updated", contact)) == (1, 0)

    def test_finds_the_person_again_from_another_device(self, page, other, inbox):
        first = page.open(identity=signed(inbox))
        second = other.open(identity=signed(inbox))

        assert first["user"]["id"] == second["user"]["id"]
        assert first["source_id"] != second["source_id"]

    def test_gives_what_an_anonymous_visitor_said_to_who_they_prove_to_be(self, page, inbox):
        opened = page.open()
        talk = page.begin()
        verified = page.open(source_id=opened["source_id"], identity=signed(inbox))

        assert verified["source_id"] == opened["source_id"]
        assert [each["id"] for each in page.get("/conversations").json()["data"]] == [talk["id"]]

    def test_resumes_no_verified_session_without_proof(self, page, other, inbox):
        opened = page.open(identity=signed(inbox))

        assert error(other.knock(source_id=opened["source_id"])) == (401, "identity_required")
        assert other.knock(source_id=opened["source_id"], identity=signed(inbox)).status_code == 200

    def test_opens_a_session_of_their_own_for_somebody_else_at_the_same_device(self, page, inbox):
        first = page.open(identity=signed(inbox))
        page.begin()
        second = page.open(source_id=first["source_id"], identity=signed(inbox, sub="c-2"))

        assert second["source_id"] != first["source_id"]
        assert second["user"]["external_id"] == "c-2"
        assert page.get("/conversations").json()["data"] == []

    def test_can_be_the_old_one_while_the_key_is_rotated(self, page, inbox):
        old = signed(inbox)
        inboxes.rotate_hmac(inbox=inbox, by=audit.SYSTEM)

        assert page.knock(identity=old).status_code == 201
        assert page.knock(identity=signed(inbox)).status_code == 201
        inbox.previous_hmac_token_until = timezone.now() - dt.timedelta(seconds=1)
        inbox.save()
        assert error(page.knock(identity=old)) == (401, "invalid_identity_token")

    def test_is_taken_again_within_its_life(self, page, inbox):
        proof = signed(inbox)

        assert page.open(identity=proof)["user"]["id"] == page.open(identity=proof)["user"]["id"]

    @pytest.mark.parametrize(
        ("claims", "reason"),
        [
            ({"exp": int(time.time()) - 120}, "expired"),
            ({"exp": None}, "no exp"),
            ({"exp": int(time.time()) + 8 * 86400}, "7 days"),
            ({"exp": "soon"}, "not a JWT"),
            ({"sub": None}, "no sub"),
            ({"sub": ""}, "sub is"),
            ({"sub": "  "}, "sub is"),
            ({"sub": "x" * 256}, "sub is"),
            ({"sub": 7}, "sub is not"),
            ({"sub": "a\x00b"}, "NUL"),
            ({"nbf": int(time.time()) + 86400}, "future"),
            ({"iat": int(time.time()) + 86400}, "future"),
            ({"email": 7}, "email is not"),
            ({"custom_attributes": "x"}, "custom_attributes is not"),
            ({"key": "another key of thirty-two letters"}, "signature"),
            ({"alg": "HS512", "key": "k" * 64}, "HS256"),
        ],
    )
    def test_is_refused_with_the_reason(self, page, inbox, claims, reason):
        if isinstance(claims.get("sub"), int):
            token = {"token": jwt.api_jws.encode(b'{"sub": 7, "exp": 99999999999}', inbox.hmac_token)}
        else:
            token = signed(inbox, **claims)
        answer = page.knock(identity=token)

        assert error(answer) == (401, "invalid_identity_token")
        assert reason in answer.json()["error"]["message"]
        assert answer.json()["error"]["param"] == "identity.token"
        assert "hmac_token" in answer.json()["error"]["message"]

    def test_cannot_be_unsigned(self, page, inbox):
        token = jwt.encode({"sub": "c-1", "exp": int(time.time()) + 60}, "", algorithm="none")

        assert "HS256" in page.knock(identity={"token": token}).json()["error"]["message"]

    def test_cannot_be_signed_with_a_private_key(self, page, inbox):
        rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        token = jwt.encode({"sub": "c-1", "exp": int(time.time()) + 60}, private, algorithm="RS256")

        assert "HS256" in page.knock(identity={"token": token}).json()["error"]["message"]

    @pytest.mark.parametrize("token", ["x", "a.b.c", "...", "é", "e30.e30.e30"])
    def test_cannot_be_nonsense(self, page, token):
        assert error(page.knock(identity={"token": token})) == (401, "invalid_identity_token")

    def test_may_be_a_minute_late(self, page, inbox):
        assert page.knock(identity=signed(inbox, exp=int(time.time()) - 30)).status_code == 201
        assert page.knock(identity=signed(inbox, iat=int(time.time()) + 30)).status_code == 201

    def test_opens_no_other_inbox(self, live, inbox):
        assert error(Page(open_inbox(live)).knock(identity=signed(inbox))) == (401, "invalid_identity_token")

    def test_takes_over_a_record_that_nobody_ever_wrote_from_by_its_signed_address(self, page, inbox, live):
        known = contacts.create(environment=live, fields={"email": "amine@shop.example", "city": "Fès"})
        opened = page.open()
        verified = page.open(source_id=opened["source_id"], identity=signed(inbox, email="amine@shop.example"))

        assert verified["user"]["id"] == known.public_id
        assert verified["user"]["city"] == "Fès"


class TestIdentifierHash:
    def pair(self, inbox, name="c-1"):
        return {"identifier": name, "identifier_hash": crypto.hmac_hex(inbox.hmac_token, name)}

    def test_verifies_who_it_is(self, page, inbox):
        opened = page.open(identity=self.pair(inbox))

        assert (opened["user"]["external_id"], opened["user"]["verified"]) == ("c-1", True)

    def test_counts_for_its_own_identifier_only(self, page, inbox):
        answer = page.knock(identity={**self.pair(inbox), "identifier": "c-2"})

        assert error(answer) == (401, "invalid_identity_token")
        assert answer.json()["error"]["param"] == "identity.identifier_hash"


class TestAnInboxThatInsists:
    @pytest.fixture
    def strict(self, live):
        return open_inbox(live, hmac_mandatory=True)

    def test_opens_for_nobody_without_proof(self, strict):
        assert error(Page(strict).knock()) == (401, "identity_required")
        session = sessions.open_session(inbox=strict, fields={})
        assert error(Page(strict).knock(source_id=session.source_id)) == (401, "identity_required")

    def test_opens_with_proof(self, strict):
        assert Page(strict).open(identity=signed(strict))["inbox"]["identity_required"] is True

    def test_ends_what_was_open_without_proof_when_it_comes_to_insist(self, page, inbox):
        page.open()
        inbox.hmac_mandatory = True
        inbox.save()

        assert error(page.get("/me")) == (401, "identity_required")
