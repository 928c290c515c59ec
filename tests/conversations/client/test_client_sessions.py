"""Opening a session at the SDK's door, going on with it, and its end."""

import time

import pytest
from django.core.signing import Signer

from accounts.models import ApiKey
from accounts.services import audit, keys
from contacts.models import ContactSession
from contacts.services import contacts
from contacts.signing import tokens
from conversations.services import erasure, people
from events.event import SYSTEM
from events.models import LoggedEvent
from inboxes.models import Inbox
from inboxes.services import inboxes
from tests.conftest import mint, open_inbox
from tests.pages import Page, contact_of, error, signed
from tests.servers import wrong_fields

USER = {"id", "external_id", "name", "first_name", "last_name", "email", "phone_number", "avatar_url", "user_type",
        "language", "country", "city", "custom_attributes", "verified"}  # fmt: skip


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

    @pytest.mark.parametrize("proof", [False, True])
    def test_signs_out_late(self, page, inbox, settings, proof):
        settings.CLIENT_SESSION_SECONDS = -1
        page.open(**({"identity": signed(inbox)} if proof else {}))
        page.begin()

        assert page.send("DELETE", "/session").status_code == 204
        assert not ContactSession.unscoped.filter(source_id=page.opened["source_id"]).exists()
        assert error(page.send("DELETE", "/session")) == (401, "session_ended")

    def test_signs_nobody_out_when_it_is_forged(self, page):
        page.open()
        page.headers["Authorization"] = f"Bearer {page.opened['token']}x"

        assert error(page.send("DELETE", "/session")) == (401, "session_expired")
        assert ContactSession.unscoped.filter(source_id=page.opened["source_id"]).exists()

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


@pytest.mark.usefixtures("long_minute")
class TestLimits:
    @pytest.mark.slow
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
