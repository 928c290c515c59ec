"""Who may see and do what: HMAC pairs, and what they are not good for."""

import pytest

from accounts.services import audit
from contacts.models import Contact, ContactSession
from contacts.services import addresses, contacts, sessions
from conversations.models import Conversation
from conversations.services import conversations, messages
from conversations.services.messages import Draft
from core import redis as redis_connections
from events.models import LoggedEvent
from inboxes.models import Inbox
from inboxes.services import inboxes
from tests.conftest import open_inbox
from tests.conversations.public.conftest import Browser, signed

REFUSED = {"error": "HMAC failed: Invalid Identifier Hash Provided"}
TOKEN = "wKp3Zr8tQx1Vn5Ls7Yd2Hf9B"
VECTORS = [
    ("user-42", "753c82f05c3d4402ef738891c1c7ce185a4e3329a412466df1f33e08f4b549d1"),
    (42, "6108c6d64a632a7e46eda4cb00877b1dfed01274474989c6430f567f3a336d06"),
    ("42", "6108c6d64a632a7e46eda4cb00877b1dfed01274474989c6430f567f3a336d06"),
]


@pytest.fixture
def strict(inbox: Inbox) -> Inbox:
    """Acme's inbox, insisting on proof."""
    inbox.hmac_mandatory = True
    inbox.save()
    return inbox


def open_talk(browser: Browser, source_id: str, *texts: str) -> str:
    """Begin a conversation, say something, return the conversation's path."""
    number = browser.post(f"/contacts/{source_id}/conversations").json()["id"]
    path = f"/contacts/{source_id}/conversations/{number}"
    for text in texts:
        assert browser.post(f"{path}/messages", {"content": text}).status_code == 200
    return path


def everything_said(browser: Browser, source_id: str) -> list[str]:
    listed = browser.get(f"/contacts/{source_id}/conversations").json()
    return [said["content"] for talk in listed for said in talk["messages"]]


class TestPair:
    @pytest.mark.parametrize(("identifier", "identifier_hash"), VECTORS)
    def test_of_the_published_vectors_is_accepted(self, browser, inbox, me, session, identifier, identifier_hash):
        inbox.hmac_token = TOKEN
        inbox.save()

        answer = browser.get(me, identifier=identifier, identifier_hash=identifier_hash)

        assert answer.status_code == 200
        assert ContactSession.unscoped.get(pk=session.pk).verified

    @pytest.mark.parametrize(
        "said",
        [
            pytest.param({"identifier": "user-42", "identifier_hash": "0" * 64}, id="wrong"),
            pytest.param({"identifier": "user-42", "identifier_hash": "ü"}, id="not hex"),
            pytest.param({"identifier_hash": "0" * 64}, id="of nobody"),
        ],
    )
    @pytest.mark.parametrize("method", ["create", "show", "update"])
    def test_that_is_wrong_is_refused_and_changes_nothing(self, browser, inbox, me, session, said, method):
        answer = {
            "create": lambda: browser.post("/contacts", said),
            "show": lambda: browser.get(me, **said),
            "update": lambda: browser.patch(me, {**said, "name": "Mallory"}),
        }[method]()

        assert (answer.status_code, answer.json()) == (401, REFUSED)
        assert ContactSession.unscoped.count() == 1
        assert Contact.unscoped.get(pk=session.contact_id).name == "Amine"

    def test_of_the_empty_identifier_proves_nothing(self, browser, inbox):
        assert browser.post("/contacts", signed(inbox, "")).status_code == 401

    def test_of_the_token_before_is_accepted_for_a_day_after_rotation(self, browser, inbox, me):
        pair = signed(inbox, "user-42")
        inboxes.rotate_hmac(inbox=inbox, by=audit.SYSTEM)

        assert browser.get(me, **pair).status_code == 200

    def test_verifies_on_create_too(self, browser, inbox):
        made = browser.post("/contacts", {**signed(inbox, "user-42"), "name": "Amine"}).json()

        session = ContactSession.unscoped.select_related("contact").get(source_id=made["source_id"])
        assert session.verified
        assert (session.contact.external_id, session.contact.verified) == ("user-42", True)

    def test_verifies_a_known_session_that_is_created_again(self, browser, inbox, session):
        browser.post("/contacts", {"source_id": session.source_id, **signed(inbox, "user-42")})

        assert ContactSession.unscoped.get(pk=session.pk).verified

    def test_unlocks_what_was_said_elsewhere(self, browser, inbox):
        pair = signed(inbox, "user-42")
        phone, laptop = (browser.post("/contacts", pair).json()["source_id"] for _ in range(2))
        elsewhere = open_talk(browser, phone, "From my phone")

        assert everything_said(browser, laptop) == ["From my phone"]
        number = elsewhere.rpartition("/")[2]
        answer = browser.post(f"/contacts/{laptop}/conversations/{number}/messages", {"content": "And my laptop"})
        assert answer.status_code == 200

    def test_of_a_person_known_by_the_server_finds_that_person(self, browser, inbox, live):
        known, _ = contacts.upsert(environment=live, external_id="user-42", fields={"name": "Amine"})

        assert browser.post("/contacts", signed(inbox, "user-42")).json()["id"] == known.pk


class TestStolenPair:
    def test_opens_nobody_elses_session(self, browser, inbox):
        victim = browser.post("/contacts", signed(inbox, "victim")).json()["source_id"]
        stolen = signed(inbox, "mallory")

        for answer in (
            browser.get(f"/contacts/{victim}", **stolen),
            browser.patch(f"/contacts/{victim}", stolen),
            browser.post("/contacts", {"source_id": victim, **stolen}),
        ):
            assert (answer.status_code, answer.json()) == (401, REFUSED)

    def test_opens_no_session_of_a_person_with_another_identifier_that_was_never_proved(self, browser, inbox):
        claimed = browser.post("/contacts", {"identifier": "victim"}).json()["source_id"]

        assert browser.get(f"/contacts/{claimed}", **signed(inbox, "mallory")).status_code == 401

    def test_of_another_inbox_does_not_count_here(self, browser, live, me):
        assert browser.get(me, **signed(open_inbox(live), "user-42")).status_code == 401


class TestTakeover:
    """Mallory, who can prove to be herself, tries to read what somebody else said."""

    @pytest.fixture
    def victim(self, browser) -> str:
        """Somebody who never logged in and left an e-mail address."""
        source_id: str = browser.post("/contacts", {"email": "zoe@example.test", "name": "Zoé"}).json()["source_id"]
        open_talk(browser, source_id, "My secret")
        return source_id

    def test_by_claiming_an_email_and_then_proving_to_be_herself(self, browser, inbox, victim):
        mine = browser.post("/contacts", {"email": "zoe@example.test"}).json()["source_id"]

        answer = browser.get(f"/contacts/{mine}", **signed(inbox, "mallory"))

        assert answer.status_code == 200
        assert answer.json()["email"] is None
        assert everything_said(browser, mine) == []
        assert everything_said(browser, victim) == ["My secret"]

    def test_by_proving_to_be_herself_with_the_victims_email(self, browser, inbox, victim):
        mine = browser.post("/contacts", {**signed(inbox, "mallory"), "email": "zoe@example.test"}).json()

        assert mine["email"] is None
        assert everything_said(browser, mine["source_id"]) == []

    def test_by_proving_to_be_herself_with_the_email_of_somebody_known_by_an_identifier(self, browser, inbox):
        zoe = browser.post("/contacts", {**signed(inbox, "zoe"), "email": "zoe@example.test"}).json()["source_id"]
        open_talk(browser, zoe, "My secret")

        browser.post("/contacts", {"source_id": "mine", **signed(inbox, "mallory"), "email": "zoe@example.test"})

        assert everything_said(browser, "mine") == []

    def test_by_taking_the_email_of_somebody_known_by_an_identifier(self, browser, inbox):
        zoe = browser.post("/contacts", {**signed(inbox, "zoe"), "email": "zoe@example.test"}).json()["source_id"]
        open_talk(browser, zoe, "My secret")
        mine = browser.post("/contacts", signed(inbox, "mallory")).json()

        answer = browser.patch(f"/contacts/{mine['source_id']}", {"email": "zoe@example.test"}).json()

        assert (answer["id"], answer["email"]) == (mine["id"], None)
        assert everything_said(browser, mine["source_id"]) == []

    def test_by_taking_a_phone_number_that_a_provider_vouches_for(self, browser, inbox, live):
        whatsapp = open_inbox(live)
        fields = {"phone_number": "+212600000001"}
        theirs = sessions.open_session(inbox=whatsapp, source_id="212600000001", fields=fields)
        talk = conversations.start(session=theirs)
        messages.receive(session=theirs, number=talk.number, draft=Draft("My secret"))
        Inbox.unscoped.filter(pk=whatsapp.pk).update(channel="whatsapp")
        mine = browser.post("/contacts", signed(inbox, "mallory")).json()

        answer = browser.patch(f"/contacts/{mine['source_id']}", {"phone_number": "+212600000001"}).json()

        assert (answer["id"], answer["phone_number"]) == (mine["id"], None)
        assert everything_said(browser, mine["source_id"]) == []

    def test_from_an_unverified_session(self, browser, victim):
        mine = browser.post("/contacts", {"name": "Mallory"}).json()

        answer = browser.patch(f"/contacts/{mine['source_id']}", {"email": "zoe@example.test"}).json()

        assert (answer["id"], answer["email"]) == (mine["id"], None)
        assert everything_said(browser, mine["source_id"]) == []

    def test_by_changing_a_proved_person_from_a_session_that_proved_nothing(self, browser, session, me):
        Contact.unscoped.filter(pk=session.contact_id).update(verified=True, external_id="user-42")

        browser.patch(me, {"email": "mallory@example.test", "name": "Mallory"})

        kept = Contact.unscoped.get(pk=session.contact_id)
        assert (kept.email, kept.name) == ("amine@example.test", "Amine")


class TestMerge:
    def test_joins_an_anonymous_browser_to_the_person_it_proves_to_be(self, browser, inbox):
        known = browser.post("/contacts", signed(inbox, "user-42")).json()
        visitor = browser.post("/contacts", {"phone_number": "+212600000001"}).json()
        open_talk(browser, visitor["source_id"], "Before I logged in")

        answer = browser.get(f"/contacts/{visitor['source_id']}", **signed(inbox, "user-42")).json()

        assert (answer["id"], answer["phone_number"]) == (known["id"], "+212600000001")
        assert everything_said(browser, known["source_id"]) == ["Before I logged in"]
        [merged] = LoggedEvent.unscoped.filter(type="user_merged")
        assert merged.data["merged_user_id"] == Contact.unscoped.get(pk=visitor["id"]).public_id

    def test_joins_a_verified_session_to_a_record_nobody_ever_wrote_from(self, browser, inbox):
        lead = contacts.create(environment=inbox.environment, fields={"email": "amine@example.test"})
        mine = browser.post("/contacts", signed(inbox, "user-42")).json()

        answer = browser.patch(
            f"/contacts/{mine['source_id']}", {"email": "amine@example.test", "name": "Amine"}
        ).json()

        assert (answer["id"], answer["identifier"]) == (lead.pk, "user-42")
        assert answer["name"] == "Amine"
        assert browser.get(f"/contacts/{mine['source_id']}").json()["id"] == lead.pk

    def test_shows_nobody_the_conversations_of_a_visitor_whose_email_they_claim(self, browser, inbox):
        visitor = browser.post("/contacts", {"email": "sara@example.test"}).json()
        open_talk(browser, visitor["source_id"], "For your eyes only")
        mine = browser.post("/contacts", signed(inbox, "mallory")).json()

        answer = browser.patch(f"/contacts/{mine['source_id']}", {"email": "sara@example.test"}).json()

        assert (answer["id"], answer["email"]) == (mine["id"], None)
        assert everything_said(browser, mine["source_id"]) == []

    def test_moves_a_session_alone_when_its_record_is_shared(self, browser, inbox, session, me):
        other = browser.post("/contacts", {"email": "amine@example.test"}).json()["source_id"]
        open_talk(browser, other, "Mine")

        answer = browser.get(f"/contacts/{other}", **signed(inbox, "user-42")).json()

        assert answer["id"] != session.contact_id
        assert everything_said(browser, other) == ["Mine"]
        assert browser.get(me).json()["id"] == session.contact_id

    def test_is_done_once_when_a_browser_asks_twice_at_once(self, transactional_db, inbox, at_once):
        browser = Browser(inbox)
        known = browser.post("/contacts", signed(inbox, "user-42")).json()["id"]
        visitor = browser.post("/contacts").json()["source_id"]

        answers = at_once([lambda: Browser(inbox).get(f"/contacts/{visitor}", **signed(inbox, "user-42"))] * 4)

        assert [(answer.status_code, answer.json()["id"]) for answer in answers] == [(200, known)] * 4
        assert LoggedEvent.unscoped.filter(type="user_merged").count() == 1

    def test_loses_nothing_that_is_said_meanwhile(self, transactional_db, inbox, at_once):
        browser = Browser(inbox)
        known = browser.post("/contacts", signed(inbox, "user-42")).json()
        visitor = browser.post("/contacts").json()["source_id"]
        path = open_talk(browser, visitor, "first")
        log_in = [lambda: Browser(inbox).get(f"/contacts/{visitor}", **signed(inbox, "user-42"))]
        write = [lambda: Browser(inbox).post(f"{path}/messages", {"content": "more"})] * 3
        begin = [lambda: Browser(inbox).post(f"/contacts/{visitor}/conversations")]

        answers = at_once(log_in + write + begin)

        assert {answer.status_code for answer in answers} == {200}
        assert Conversation.unscoped.exclude(contact_id=known["id"]).count() == 0
        assert sorted(everything_said(browser, known["source_id"])) == ["first", "more", "more", "more"]


class TestTokens:
    def test_are_shown_to_their_own_session_alone(self, browser, inbox):
        pair = signed(inbox, "user-42")
        phone, laptop = (browser.post("/contacts", pair).json() for _ in range(2))
        path = open_talk(browser, phone["source_id"], "Hello")
        mine = f"/contacts/{laptop['source_id']}"
        seen = f"{mine}/conversations/{path.rpartition('/')[2]}"

        answers = [browser.get(mine, **pair), browser.get(f"{mine}/conversations"), browser.get(seen),
                   browser.get(f"{seen}/messages"), browser.patch(mine, {"name": "Amine", **pair})]  # fmt: skip

        told = b"".join(answer.content for answer in answers).decode()
        assert phone["pubsub_token"] not in told
        assert phone["source_id"] not in told
        assert told.count(laptop["pubsub_token"]) == 1


class TestMandatoryProof:
    def test_is_announced(self, browser, strict):
        assert browser.get().json()["identity_validation_enabled"] is True

    def test_is_asked_for_on_every_contact_call(self, browser, strict, me):
        for answer in (browser.post("/contacts"), browser.get(me), browser.patch(me, {"name": "Mallory"})):
            assert (answer.status_code, answer.json()) == (401, REFUSED)

    def test_closes_conversations_to_a_bare_source_id(self, browser, strict, me, talk):
        said = {"content": "Hello"}
        for answer in (
            browser.get(f"{me}/conversations"), browser.post(f"{me}/conversations"), browser.get(talk),
            browser.post(f"{talk}/toggle_status"), browser.post(f"{talk}/toggle_typing", {"typing_status": "on"}),
            browser.post(f"{talk}/update_last_seen"), browser.get(f"{talk}/messages"),
            browser.post(f"{talk}/messages", said), browser.patch(f"{talk}/messages/1", {}),
        ):  # fmt: skip
            assert (answer.status_code, answer.json()) == (401, REFUSED)
        assert Conversation.unscoped.get().last_message_id is None

    def test_once_given_opens_them(self, browser, strict, me, talk):
        browser.get(me, **signed(strict, "user-42"))

        assert browser.post(f"{talk}/messages", {"content": "Hello"}).status_code == 200


class TestWhatAProviderCarries:
    """A signed external id proves neither the phone nor the mailbox that the same record has."""

    @pytest.fixture
    def carried(self, inbox, live):
        """A conversation by SMS with somebody who has proved an external id in a browser."""
        browsing = sessions.open_session(inbox=inbox, fields={"external_id": "user-42"}, verified=True)
        sms = Inbox.unscoped.create(environment=live, channel="sms", name="Texts", settings={"from": "+15005550006"})
        reached = addresses.open_at(inbox=sms, address="+212600000001", contact=browsing.contact)
        assert (reached.verified, reached.contact_id) == (True, browsing.contact_id)
        reached.inbox = sms
        talk = conversations.start(session=reached)
        return browsing, talk

    def test_is_listed_to_no_browser(self, browser, carried):
        browsing, talk = carried
        at = f"/contacts/{browsing.source_id}/conversations"

        assert browser.get(at).json() == []
        for path in ("", "/messages"):
            assert browser.get(f"{at}/{talk.number}{path}").status_code == 404

    def test_is_neither_answered_nor_changed_from_a_browser(self, browser, carried):
        browsing, talk = carried
        at = f"/contacts/{browsing.source_id}/conversations/{talk.number}"

        for path, said in (
            ("/messages", {"content": "It is me"}), ("/toggle_status", None), ("/update_last_seen", None),
            ("/toggle_typing", {"typing_status": "on"}),
        ):  # fmt: skip
            assert browser.post(f"{at}{path}", said).status_code == 404
        talk.refresh_from_db()
        assert (talk.status, talk.last_message_id) == ("open", None)

    def test_is_shown_on_no_stream_but_the_agents(self, relay, live, carried):
        browsing, talk = carried
        relay.drain()

        streams = {key.decode() for key in redis_connections.client().keys("*")}
        assert any(f"a:{live.pk}" in stream for stream in streams)
        assert not [stream for stream in streams if f"s:{browsing.pk}" in stream or f"s:{talk.session_id}" in stream]
