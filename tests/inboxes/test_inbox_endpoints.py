"""``/v1/inboxes``"""

import pytest

from accounts.models import AuditEntry
from conversations.models import Conversation
from core import crypto
from inboxes.models import Inbox
from inboxes.services import health, inboxes
from tests.conftest import mint
from tests.outbound.messaging import SETTINGS
from tests.servers import Server, wrong_fields


@pytest.fixture
def path(inbox):
    return f"/v1/inboxes/{inbox.public_id}"


class TestCreate:
    def test_opens_an_inbox(self, api):
        answer = api.post("/v1/inboxes", {"name": "Shop", "channel": "api"})

        assert answer.status_code == 201
        opened = answer.json()
        assert opened["id"].startswith("inb_")
        assert (opened["name"], opened["channel"], opened["livemode"]) == ("Shop", "api", True)
        assert (len(opened["identifier"]), len(opened["hmac_token"])) == (24, 32)
        assert (opened["settings"], opened["callback_url"]) == ({}, None)

    def test_is_in_the_audit_log(self, api):
        api.post("/v1/inboxes", {"name": "Shop", "channel": "api"})

        assert AuditEntry.unscoped.get(action="inbox.created").actor_type == "api"

    def test_serves_clients_at_once(self, api):
        opened = api.post("/v1/inboxes", {"name": "Shop", "channel": "api"}).json()

        answer = Server(None).post(f"/public/api/v1/inboxes/{opened['identifier']}/contacts", {"name": "Amine"})

        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({}, {"name": "required", "channel": "required"}),
            ({"name": "", "channel": "pigeon"}, {"name": "required", "channel": "unknown_value"}),
            ({"name": 5, "channel": "api", "settings": [], "hmac_mandatory": "yes"},
             {"name": "invalid", "settings": "invalid", "hmac_mandatory": "invalid"}),
            ({"name": "x" * 256, "channel": "api"}, {"name": "too_long"}),
            ({"name": "x", "channel": "api", "settings": {"nonsense": 1}}, {"settings.nonsense": "unknown_setting"}),
            ({"name": "x", "channel": "web", "settings": {"webhook_url": "https://shop.example"}},
             {"settings.webhook_url": "unknown_setting"}),
            ({"name": "x", "channel": "web", "settings": {"allowed_origins": "https://shop.example"}},
             {"settings.allowed_origins": "wrong_type"}),
            ({"name": "x", "channel": "api", "settings": {"allowed_origins": ["https://shop.example", "shop.example"]}},
             {"settings.allowed_origins.1": "invalid_origin"}),
            ({"name": "x", "channel": "whatsapp", "settings": {"phone_number_id": "1"}},
             {f"settings.{name}": "required" for name in ("access_token", "app_secret", "verify_token")}),
            ({"name": 5, "channel": "sms", "time_zone": "Mars/Base",
              "settings": {"colour": "red", "account_sid": 5, "messages_per_second": 0}},
             {"name": "invalid", "time_zone": "unknown_time_zone", "settings.colour": "unknown_setting",
              "settings.account_sid": "wrong_type", "settings.messages_per_second": "out_of_range",
              "settings.provider": "required"}),
            ({"name": "x", "channel": "email", "settings": {
                "colour": "red", "from_address": "nobody", "smtp_port": 0, "imap_port": True, "smtp_security": "loud",
                "imap_host": "imap.acme.test"}},
             {"settings.colour": "unknown_setting", "settings.from_address": "invalid_address",
              "settings.smtp_port": "out_of_range", "settings.imap_port": "wrong_type",
              "settings.smtp_security": "unknown_value", "settings.smtp_host": "required",
              "settings.imap_username": "required", "settings.imap_password": "required"}),
            ({"name": "x", "channel": 5, "settings": {"colour": "red"}}, {"channel": "unknown_value"}),
            ({"name": "x", "channel": "api", "time_zone": "Mars/Base"}, {"time_zone": "unknown_time_zone"}),
            ({"name": "x", "channel": "api", "time_zone": "../../etc/passwd"}, {"time_zone": "unknown_time_zone"}),
            ({"name": "x", "channel": "api", "working_hours": [{}]}, {"working_hours.0.day_of_week": "required"}),
            ({"name": "x", "channel": "api", "working_hours": [{"day_of_week": 7, "open_hour": "9"}]},
             {"working_hours.0.day_of_week": "out_of_range", "working_hours.0.open_hour": "invalid"}),
            ({"name": "x", "channel": "api", "working_hours": [{"day_of_week": 1}, {"day_of_week": 1}]},
             {"working_hours": "duplicate"}),
        ],
    )  # fmt: skip
    def test_names_every_wrong_field(self, api, body, wrong):
        assert wrong_fields(api.post("/v1/inboxes", body)) == wrong
        assert not Inbox.unscoped.exists()


class TestRead:
    def test_lists_and_looks_up(self, api, inbox, path):
        [listed] = api.get("/v1/inboxes").json()["data"]

        assert listed["id"] == inbox.public_id
        assert api.get(path).json() == listed

    def test_asks_the_database_as_often_for_three_as_for_one(self, api, live, django_assert_max_num_queries):
        for name in ("One", "Two", "Three"):
            health.begin(Inbox.unscoped.create(environment=live, channel="telegram", name=name))
        api.get("/v1/inboxes")  # the first request notes when the key was used

        with django_assert_max_num_queries(3):
            listed = api.get("/v1/inboxes").json()["data"]

        assert [each["health"]["state"] for each in listed] == ["connected"] * 3

    def test_shows_strangers_nothing(self, stranger, path):
        assert stranger.get("/v1/inboxes").json()["data"] == []
        assert stranger.get(path).status_code == 404

    @pytest.mark.parametrize("name", ["inb_x", "nothing", "usr_1", "%00"])
    def test_knows_no_inbox_by_a_wrong_name(self, api, name):
        assert api.get(f"/v1/inboxes/{name}").status_code == 404


class TestUpdate:
    def test_changes_what_is_sent_and_leaves_the_rest(self, api, path):
        api.patch(path, {"csat_survey_enabled": True})

        changed = api.patch(path, {"name": "New", "greeting_enabled": True, "greeting_message": "Hi"}).json()

        assert (changed["name"], changed["greeting_message"]) == ("New", "Hi")
        assert changed["csat_survey_enabled"] is True

    def test_fills_in_a_day_that_is_only_half_said(self, api, path):
        changed = api.patch(path, {"working_hours": [{"day_of_week": 1, "open_all_day": True}]}).json()

        assert changed["working_hours"] == [
            {"day_of_week": 1, "closed_all_day": False, "open_all_day": True, "open_hour": None, "open_minutes": None,
             "close_hour": None, "close_minutes": None}
        ]  # fmt: skip

    def test_answers_people_by_the_hours_that_were_set(self, api, path, session, inbox):
        closed = [{"day_of_week": day, "closed_all_day": True} for day in range(7)]
        api.patch(path, {"working_hours": closed, "working_hours_enabled": True, "out_of_office_message": "Closed"})

        browser = Server(None)
        root = f"/public/api/v1/inboxes/{inbox.identifier}/contacts/{session.source_id}/conversations"
        number = browser.post(root, {}).json()["id"]
        browser.post(f"{root}/{number}/messages", {"content": "Anybody?"})

        talk = Conversation.unscoped.get(number=number)
        assert [each.text for each in talk.messages.order_by("id")] == ["Anybody?", "Closed"]

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [({"name": None}, {"name": "required"}), ({"time_zone": ""}, {"time_zone": "required"}),
         ({"settings": {"x": 1}, "name": 1}, {"name": "invalid", "settings.x": "unknown_setting"}),
         ({"settings": {"x": 1}}, {"settings.x": "unknown_setting"})],
    )  # fmt: skip
    def test_names_every_wrong_field(self, api, path, body, wrong):
        assert wrong_fields(api.patch(path, body)) == wrong

    def test_cannot_change_the_channel(self, api, path):
        answer = api.patch(path, {"channel": "web"})

        assert (answer.json()["channel"], answer.json()["ignored_parameters"]) == ("api", ["channel"])

    def test_refuses_a_stranger(self, stranger, path):
        assert stranger.patch(path, {"name": "Mine"}).status_code == 404


class TestSettings:
    VONAGE = {"provider": "vonage", "api_key": "key", "api_secret": "s" * 16, "from": "+14155550100",
              "signature_secret": "t" * 32}  # fmt: skip
    TWILIO = {"provider": "twilio", "account_sid": "AC" + "1" * 32, "auth_token": "u" * 32, "from": "+14155550100"}

    @pytest.fixture
    def api(self, sandbox):
        """Somebody in the sandbox, where no provider is asked."""
        return Server(mint(sandbox))

    def opened(self, api, channel, settings):
        """Open an inbox, and return its path."""
        opened = api.post("/v1/inboxes", {"name": "x", "channel": channel, "settings": settings}).json()
        return f"/v1/inboxes/{opened['id']}"

    def known(self, api, channel, settings, **told):
        """Open an inbox whose provider has told something of itself, and return its path."""
        path = self.opened(api, channel, settings)
        row = Inbox.unscoped.get()
        row.settings |= told
        row.save()
        return path

    def test_of_another_provider_are_refused_and_both_are_named(self, api):
        asked = {"name": "x", "channel": "sms", "settings": {**self.VONAGE, "account_sid": "AC" + "1" * 32}}

        answer = api.post("/v1/inboxes", asked)

        assert wrong_fields(answer) == {"settings.account_sid": "other_provider"}
        assert "a setting of twilio, and this inbox is with vonage" in answer.json()["error"]["errors"][0]["message"]
        assert not Inbox.unscoped.exists()

    @pytest.mark.parametrize("provider", [[], {"a": 1}, ["vonage"], 5])
    def test_of_no_provider_at_all_belong_to_nobody(self, api, provider):
        asked = {"name": "x", "channel": "sms", "settings": {**self.VONAGE, "provider": provider}}

        assert wrong_fields(api.post("/v1/inboxes", asked))["settings.provider"] == "wrong_type"

    def test_of_another_provider_are_refused_when_they_are_changed(self, api):
        path = self.opened(api, "sms", self.VONAGE)

        answer = api.patch(path, {"settings": {"auth_token": "u" * 32}})

        assert wrong_fields(answer) == {"settings.auth_token": "other_provider"}

    def test_of_the_provider_before_go_with_it(self, api):
        path = self.opened(api, "sms", self.TWILIO)

        changed = api.patch(path, {"settings": {**api.get(path).json()["settings"], **self.VONAGE}})

        assert (changed.status_code, set(changed.json()["settings"])) == (200, set(self.VONAGE))

    def test_name_a_server_that_there_can_be_in_the_sandbox_too(self, api):
        settings = {"from_address": "shop@acme.test", "smtp_host": "a b"}

        answer = api.post("/v1/inboxes", {"name": "x", "channel": "email", "settings": settings})

        assert wrong_fields(answer) == {"settings.smtp_host": "invalid_host"}

    @pytest.mark.parametrize(
        ("channel", "name"),
        [("whatsapp", "display_phone_number"), ("line", "bot_name"), ("messenger", "account_name")],
    )
    def test_that_are_only_shown_may_come_back_as_they_are(self, api, channel, name):
        path = self.known(api, channel, SETTINGS[channel], **{name: "+1 415 555 0100"})
        shown = api.get(path).json()["settings"]

        changed = api.patch(path, {"settings": shown, "name": "New"})

        assert (changed.status_code, changed.json()["name"], changed.json()["settings"]) == (200, "New", shown)

    @pytest.mark.parametrize("value", ["+1 415 555 0199", None, ""])
    def test_that_are_only_shown_cannot_be_changed(self, api, value):
        path = self.known(api, "whatsapp", SETTINGS["whatsapp"], display_phone_number="+1 415 555 0100")

        answer = api.patch(path, {"settings": {"display_phone_number": value}})

        assert wrong_fields(answer) == {"settings.display_phone_number": "read_only"}
        assert Inbox.unscoped.get().settings["display_phone_number"] == "+1 415 555 0100"

    def test_that_are_only_shown_cannot_be_set(self, api):
        settings = {**SETTINGS["line"], "bot_name": "Shop"}

        answer = api.post("/v1/inboxes", {"name": "x", "channel": "line", "settings": settings})

        assert wrong_fields(answer) == {"settings.bot_name": "read_only"}

    def test_that_nobody_knows_are_refused_however_empty(self, api):
        path = self.opened(api, "sms", self.VONAGE)

        assert wrong_fields(api.patch(path, {"settings": {"colour": None}})) == {"settings.colour": "unknown_setting"}


class TestDelete:
    def test_closes_it(self, api, inbox, path):
        answer = api.delete(path)

        assert answer.json() == {"id": inbox.public_id, "object": "inbox", "deleted": True}
        assert api.get(path).status_code == 404
        assert api.delete(path).status_code == 404
        assert api.get("/v1/inboxes").json()["data"] == []

    def test_keeps_what_was_said(self, api, path, conversation):
        api.delete(path)

        assert api.get(f"/v1/conversations/{conversation.public_id}").status_code == 200

    def test_refuses_a_stranger(self, stranger, path):
        assert stranger.delete(path).status_code == 404


class TestRotateHmac:
    def test_gives_a_new_token_and_takes_the_old_one_for_a_day(self, api, inbox, path):
        old = inbox.hmac_token

        answer = api.post(f"{path}/rotate-hmac")

        inbox.refresh_from_db()
        assert (answer.status_code, answer.json()["hmac_token"]) == (200, inbox.hmac_token)
        assert inbox.hmac_token != old
        assert inboxes.check_identity(inbox, identifier="c-1", identifier_hash=_hash(old))
        assert AuditEntry.unscoped.filter(action="inbox.hmac_rotated").count() == 1

    def test_rotates_once_for_one_idempotency_key(self, api, path):
        tokens = [api.post(f"{path}/rotate-hmac", idempotency_key="k").json()["hmac_token"] for _ in range(2)]

        assert tokens[0] == tokens[1]

    def test_refuses_a_stranger(self, stranger, path):
        assert stranger.post(f"{path}/rotate-hmac").status_code == 404


def _hash(token: str) -> str:
    return crypto.hmac_hex(token, "c-1")
