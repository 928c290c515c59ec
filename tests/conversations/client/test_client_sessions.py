"""Opening a session at the SDK's door, going on with it, and its end."""

import datetime as dt
import time

import jwt
import pytest
from django.core.signing import Signer
from django.utils import timezone

from accounts.models import ApiKey
from accounts.services import audit, keys
from contacts.models import Contact, ContactSession
from contacts.services import contacts, sessions
from contacts.signing import tokens
from conversations.services import erasure, people
from core import crypto
from events.event import SYSTEM
from events.models import LoggedEvent
from inboxes.models import Inbox
from inboxes.services import inboxes
from tests.conftest import mint, open_inbox
from tests.pages import Page, error, signed
from tests.servers import wrong_fields

USER = {"id", "external_id", "name", "first_name", "last_name", "email", "phone_number", "avatar_url", "user_type",
        "language", "country", "city", "custom_attributes", "verified"}  # fmt: skip


def told(kind, contact):
    return LoggedEvent.unscoped.filter(type=kind, context__contact_id=contact.pk).count()


def contact_of(page):
    return ContactSession.unscoped.get(source_id=page.opened["source_id"]).contact


class TestOpening:
    def test_makes_a_new_person_of_an_anonymous_visitor(self, page, inbox, settings):
        answer = page.knock(attributes={"name": "Amine", "user_type": "premium", "custom_attributes": {"plan": "x"}})

        opened = answer.json()
        assert answer.status_code == 201
        assert set(opened) == {"object", "token", "expires_at", "source_id", "pubsub_token", "cable_url", "livemode",
                               "user", "inbox", "unread_count", "ignored", "position"}  # fmt: skip
        assert set(opened["user"]) == USER
        assert opened["user"]["name"] == "Amine"
        assert opened["user"]["user_type"] == "premium"
        assert opened["user"]["custom_attributes"] == {"plan": "x"}
        assert opened["user"]["verified"] is False
        assert opened["cable_url"] == settings.BASE_URL.replace("http", "ws") + "/cable"
        assert opened["inbox"] == {
            "id": inbox.public_id, "name": "Support", "is_open": True, "agents_online": 0, "greeting": "",
            "identity_required": False, "appearance": {},
            "limits": {"file_bytes": 40 * 2**20, "files": 15, "text_characters": 150_000},
        }  # fmt: skip
        assert opened["ignored"] == []
        assert opened["unread_count"] == 0

    def test_speaks_our_own_words_on_the_cable(self, page):
        page.open()

        assert ContactSession.unscoped.get(source_id=page.opened["source_id"]).dialect == "dexra"

    def test_goes_on_with_the_devices_session(self, page):
        first = page.open(attributes={"name": "Amine"})
        answer = page.knock(source_id=first["source_id"])

        assert answer.status_code == 200
        assert answer.json()["user"] == first["user"]
        assert answer.json()["source_id"] == first["source_id"]

    def test_takes_no_source_id_that_nobody_has(self, page):
        assert page.open(source_id="1")["source_id"] != "1"

    def test_takes_the_pages_language_where_it_says_no_other(self, page, other):
        assert page.open(locale="fr")["user"]["language"] == "fr"
        assert other.open(locale="fr", attributes={"language": "ar"})["user"]["language"] == "ar"

    def test_tells_what_of_the_pages_words_cannot_be_kept_and_opens_all_the_same(self, page):
        opened = page.open(attributes={"name": "Amine", "phone_number": "0612", "email": "nobody", "city": ""})

        assert opened["user"]["name"] == "Amine"
        assert opened["ignored"] == [
            {"field": "email", "reason": "invalid_email"}, {"field": "phone_number", "reason": "invalid_phone_number"}
        ]  # fmt: skip

    def test_shows_what_the_inbox_says_of_itself(self, live):
        inbox = open_inbox(
            live, greeting_enabled=True, greeting_message="Welcome", working_hours_enabled=True,
            working_hours=[{"day_of_week": day, "closed_all_day": True, "open_all_day": False} for day in range(7)],
            settings={"appearance": {"accent": "#123456"}},
        )  # fmt: skip
        shown = Page(inbox).open()["inbox"]

        assert (shown["greeting"], shown["is_open"]) == ("Welcome", False)
        assert shown["appearance"] == {"accent": "#123456"}

    @pytest.mark.parametrize("identifier", ["", "x" * 300, "nobody", "né", "a b"])
    def test_refuses_an_inbox_that_is_none(self, page, identifier):
        answer = page.knock(inbox=identifier or "0")

        assert error(answer) == ((422, "too_long") if len(identifier) > 255 else (404, "inbox_not_found"))

    def test_refuses_an_inbox_that_was_closed(self, page, inbox):
        inboxes.close(inbox=inbox, by=audit.SYSTEM)

        assert error(page.knock()) == (404, "inbox_not_found")

    def test_refuses_an_inbox_that_a_provider_carries(self, live):
        inbox = Inbox.unscoped.create(environment=live, channel="sms", name="SMS", settings={})

        assert error(Page(inbox).knock()) == (404, "inbox_not_found")

    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"identity": {}}, None),
            ({"identity": {"identifier": "c-1"}}, "identity.token"),
            ({"identity": {"token": "x", "identifier": "c-1"}}, "identity.token"),
            ({"identity": {"token": 7}}, "identity.token"),
            ({"identity": "c-1"}, "identity"),
            ({"attributes": {"name": 7}}, "attributes.name"),
            ({"attributes": {"custom_attributes": []}}, "attributes.custom_attributes"),
            ({"source_id": 7}, "source_id"),
            ({"source_id": "x" * 256}, "source_id"),
            ({"inbox": None}, "inbox"),
        ],
    )
    def test_names_every_wrong_field(self, page, said, field):
        answer = page.knock(**said)

        assert set(wrong_fields(answer)) == {field or "identity.token"}
        assert answer["Access-Control-Allow-Origin"] == "*"

    def test_wants_an_inbox_or_a_key(self, page):
        assert wrong_fields(page.post("/sessions", {})) == {"inbox": "required"}


class TestPublishableKeys:
    @pytest.fixture
    def publishable(self, live):
        return keys.mint(environment=live, kind=ApiKey.Kind.PUBLISHABLE, by=audit.SYSTEM)[1]

    def knock(self, page, key, **said):
        return page.post("/sessions", {"publishable_key": key, **said})

    def test_opens_the_only_web_inbox(self, page, live, publishable):
        web = inboxes.create(environment=live, channel="web", by=audit.SYSTEM, fields={"name": "Web"})

        assert self.knock(page, publishable).json()["inbox"]["id"] == web.public_id

    def test_opens_the_only_api_inbox_where_there_is_no_web_one(self, page, inbox, publishable):
        assert self.knock(page, publishable).json()["inbox"]["id"] == inbox.public_id

    def test_asks_which_where_there_are_several(self, page, live, inbox, publishable):
        open_inbox(live)

        assert wrong_fields(self.knock(page, publishable)) == {"inbox": "required"}
        assert self.knock(page, publishable, inbox=inbox.identifier).json()["inbox"]["id"] == inbox.public_id

    def test_opens_no_inbox_of_somebody_else(self, page, inbox, globex, publishable):
        theirs = open_inbox(globex)

        assert error(self.knock(page, publishable, inbox=theirs.identifier)) == (404, "inbox_not_found")

    def test_opens_nothing_once_it_was_revoked(self, page, inbox, live, publishable):
        keys.revoke(key=ApiKey.of(live).get(kind="pk"), by=audit.SYSTEM)

        assert error(self.knock(page, publishable)) == (401, "expired_key")

    def test_is_not_a_secret_key(self, page, inbox, live):
        assert error(self.knock(page, mint(live))) == (403, "wrong_key_kind")
        assert error(self.knock(page, "dx_pk_live_nonsense")) == (401, "invalid_key")

    def test_opens_nothing_else(self, page, inbox, publishable):
        page.headers["Authorization"] = f"Bearer {publishable}"

        assert error(page.get("/me")) == (401, "session_expired")


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
            ({"nbf": int(time.time()) + 600}, "future"),
            ({"iat": int(time.time()) + 600}, "future"),
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


class TestToken:
    def test_is_needed_everywhere(self, page):
        page.open()
        talk = page.begin()
        del page.headers["Authorization"]
        for method, path in [
            ("GET", "/me"), ("PATCH", "/me"), ("DELETE", "/session"), ("GET", "/conversations"),
            ("POST", "/conversations"), ("GET", f"/conversations/{talk['id']}"), ("GET", "/changes"),
            ("PATCH", f"/conversations/{talk['id']}"), ("POST", f"/conversations/{talk['id']}/read"),
            ("POST", f"/conversations/{talk['id']}/typing"), ("GET", f"/conversations/{talk['id']}/messages"),
            ("POST", f"/conversations/{talk['id']}/messages"), ("PATCH", f"/messages/{talk['messages'][0]['id']}"),
            ("POST", "/attachments"),
        ]:  # fmt: skip
            assert error(page.send(method, path, {})) == (401, "missing_token"), path

    def test_expires(self, page, settings):
        settings.CLIENT_SESSION_SECONDS = -1
        page.open()

        assert error(page.get("/me")) == (401, "session_expired")
        settings.CLIENT_SESSION_SECONDS = 60
        page.open(source_id=page.opened["source_id"])
        assert page.get("/me").status_code == 200

    @pytest.mark.parametrize(
        "spoil", [lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"), lambda token: token + "x",
                  lambda _: "dxs_", lambda _: "dxs_x.y", lambda token: token.replace("dxs_", ""), lambda _: "é",
                  lambda _: "dxs_" + "x" * 7000],
    )  # fmt: skip
    def test_cannot_be_forged(self, page, spoil):
        page.open()
        page.headers["Authorization"] = "Bearer " + spoil(page.opened["token"]).encode().decode("latin-1")

        assert error(page.get("/me")) == (401, "session_expired")

    def test_of_another_installation_is_nobodys(self, page, settings, monkeypatch):
        page.open()
        monkeypatch.setattr(tokens, "_signer", Signer(key="another", salt="contacts.session", sep="."))

        assert error(page.get("/me")) == (401, "session_expired")

    def test_ends_when_the_person_signs_out(self, page, other, inbox):
        page.open(identity=signed(inbox))
        other.open(identity=signed(inbox))
        answer = page.send("DELETE", "/session")

        assert answer.status_code == 204
        assert error(page.get("/me")) == (401, "session_ended")
        assert other.get("/me").status_code == 200
        again = page.knock(source_id=page.opened["source_id"], identity=signed(inbox)).json()
        assert again["source_id"] != page.opened["source_id"]
        assert again["user"]["id"] == page.opened["user"]["id"]

    def test_takes_the_cable_along_when_the_person_signs_out(self, page):
        page.open()
        page.send("DELETE", "/session")
        [ended] = LoggedEvent.unscoped.filter(type="session_ended")

        assert not ContactSession.unscoped.filter(pubsub_token=page.opened["pubsub_token"]).exists()
        assert ended.context["session_ids"] == [ContactSession.unscoped.get().pk]

    def test_ends_with_its_person(self, page):
        page.open()
        contact = contact_of(page)
        contact.environment = page.inbox.environment
        erasure.erase(contact=contact, by=audit.SYSTEM, actor=SYSTEM)

        assert error(page.get("/me")) == (401, "session_ended")

    def test_goes_over_with_its_person_when_records_are_merged(self, page, live):
        page.open(attributes={"name": "Amine"})
        contact = contact_of(page)
        contact.environment = live
        into = contacts.create(environment=live, fields={"name": "Amine Alaoui"})
        people.merge(source=contact, into=into)

        assert page.get("/me").json()["id"] == into.public_id

    def test_ends_with_its_inbox(self, page, inbox):
        page.open()
        inboxes.close(inbox=inbox, by=audit.SYSTEM)

        assert error(page.get("/me")) == (401, "session_ended")

    def test_shows_its_own_tenant_only(self, page, globex):
        """Signed by us, but naming a session of one tenant and the environment of another."""
        page.open()
        mine = ContactSession.unscoped.get(source_id=page.opened["source_id"])
        for environment in (globex.pk, 0, -1, 2**62):
            crossed = tokens.SessionToken(environment, mine.pk, tokens.seal(mine), int(time.time()) + 60)
            page.headers["Authorization"] = f"Bearer {tokens.write(crossed)}"
            assert error(page.get("/me")) == (401, "session_ended")


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


class TestLimits:
    def test_new_people_are_made_at_a_pace(self, page):
        statuses = [page.knock().status_code for _ in range(61)]

        assert statuses == [201] * 60 + [429]

    def test_a_session_asks_at_a_pace(self, page, monkeypatch):
        monkeypatch.setattr("conversations.api.client.door.REQUESTS_A_MINUTE", 3)
        page.open()
        answers = [page.get("/me") for _ in range(4)]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert error(answers[-1]) == (429, "rate_limited")
        assert int(answers[-1]["Retry-After"]) > 0
