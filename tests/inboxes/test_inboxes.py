"""Inboxes: opened, changed, closed; and proof of identity."""

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.services import audit
from core import crypto
from core.errors import Invalid
from inboxes import channels
from inboxes.channels.base import Channel, Setting
from inboxes.errors import SignatureMismatch
from inboxes.models import Inbox
from inboxes.queries import enter_by_identifier
from inboxes.serializers import inbox_json
from inboxes.services import inboxes


class TestCreate:
    def test_gives_the_inbox_an_identifier_and_a_signing_token(self, inbox):
        assert (len(inbox.identifier), len(inbox.hmac_token)) == (24, 32)

    def test_is_noted_in_the_audit_log(self, inbox):
        entry = AuditEntry.unscoped.get(target=inbox.public_id)

        assert (entry.action, entry.actor) == ("inbox.created", "dexra")

    @pytest.mark.parametrize(
        ("channel", "fields", "field"),
        [
            pytest.param("pigeon", {}, "channel", id="unknown channel"),
            pytest.param("api", {"settings": {"colour": "red"}}, "settings.colour", id="unknown setting"),
            pytest.param("pigeon", {"settings": {"colour": 7}}, "channel", id="settings of an unknown channel"),
            pytest.param("api", {"time_zone": "Mars/Olympus"}, "time_zone", id="unknown time zone"),
            pytest.param("api", {"time_zone": "../../etc/passwd"}, "time_zone", id="a path"),
        ],
    )
    def test_refuses_what_makes_no_sense_and_names_it(self, live, channel, fields, field):
        with pytest.raises(Invalid) as refused:
            inboxes.create(environment=live, channel=channel, by=audit.SYSTEM, fields={"name": "I", **fields})

        assert field in {problem.field for problem in refused.value.problems}


class Line(Channel):
    """A channel with settings."""

    kind = "line"
    settings = (Setting("token", is_secret=True), Setting("colour", longest=5), Setting("hosts", list))


@pytest.fixture
def line(live, monkeypatch):
    """An inbox of that channel."""
    monkeypatch.setitem(channels.REGISTRY, "line", Line())
    fields = {"name": "Support", "settings": {"token": "s3cret-token", "colour": "red"}}
    return inboxes.create(environment=live, channel="line", by=audit.SYSTEM, fields=fields)


class TestUpdate:
    def test_notes_the_change_without_the_secret_settings(self, line):
        inboxes.update(inbox=line, by=audit.SYSTEM, fields={"name": "Help", "settings": {"token": "s3cret-other"}})

        changes = AuditEntry.unscoped.get(action="inbox.updated").changes
        assert changes["name"] == {"from": "Support", "to": "Help"}
        assert "s3cret" not in str(changes)

    def test_merges_settings_key_by_key(self, line):
        inboxes.update(inbox=line, by=audit.SYSTEM, fields={"settings": {"colour": "blue"}})

        assert Inbox.unscoped.get(pk=line.pk).settings == {"token": "s3cret-token", "colour": "blue"}

    def test_takes_a_secret_that_comes_back_as_it_was_shown_for_no_new_one(self, line):
        shown = inbox_json(line, livemode=True)["settings"]

        inboxes.update(inbox=line, by=audit.SYSTEM, fields={"settings": {**shown, "colour": "blue"}})

        assert shown["token"] != "s3cret-token"
        assert Inbox.unscoped.get(pk=line.pk).settings == {"token": "s3cret-token", "colour": "blue"}

    @pytest.mark.parametrize(
        ("given", "field", "code"),
        [
            ({"token": 7}, "settings.token", "wrong_type"),
            ({"hosts": "a.test"}, "settings.hosts", "wrong_type"),
            ({"colour": "purple"}, "settings.colour", "too_long"),
            ({"size": 1}, "settings.size", "unknown_setting"),
        ],
    )
    def test_refuses_settings_the_channel_does_not_take(self, line, given, field, code):
        with pytest.raises(Invalid) as refused:
            inboxes.update(inbox=line, by=audit.SYSTEM, fields={"settings": given})

        assert [(problem.field, problem.code) for problem in refused.value.problems] == [(field, code)]


class TestCheckIdentity:
    def test_accepts_the_right_hash(self, inbox):
        proof = crypto.hmac_hex(inbox.hmac_token, "42")

        assert inboxes.check_identity(inbox, identifier="42", identifier_hash=proof)

    def test_asks_for_nothing_unless_the_inbox_insists(self, inbox):
        assert not inboxes.check_identity(inbox, identifier="42", identifier_hash="")

    @pytest.mark.parametrize(
        ("mandatory", "identifier", "proof"),
        [
            pytest.param(False, "42", "0" * 64, id="wrong hash"),
            pytest.param(False, "42", "☃", id="not even hex"),
            pytest.param(True, "42", "", id="missing hash"),
        ],
    )
    def test_refuses_a_wrong_or_missing_proof(self, inbox, mandatory, identifier, proof):
        inbox.hmac_mandatory = mandatory

        with pytest.raises(SignatureMismatch):
            inboxes.check_identity(inbox, identifier=identifier, identifier_hash=proof)

    def test_takes_no_proof_of_being_nobody(self, inbox):
        with pytest.raises(SignatureMismatch):
            inboxes.check_identity(inbox, identifier="", identifier_hash=crypto.hmac_hex(inbox.hmac_token, ""))

    def test_accepts_the_old_token_for_a_day_after_rotation(self, inbox):
        old = crypto.hmac_hex(inbox.hmac_token, "42")
        inboxes.rotate_hmac(inbox=inbox, by=audit.SYSTEM)

        assert inboxes.check_identity(inbox, identifier="42", identifier_hash=old)

        inbox.previous_hmac_token_until = timezone.now()
        with pytest.raises(SignatureMismatch):
            inboxes.check_identity(inbox, identifier="42", identifier_hash=old)


class TestEnterByIdentifier:
    def test_finds_the_inbox_with_its_environment(self, inbox, live):
        found = enter_by_identifier(inbox.identifier)

        assert found == inbox
        assert (found.environment.pk, found.environment.kind) == (live.pk, "live")

    def test_sees_nothing_of_other_tenants_afterwards(self, inbox, globex):
        enter_by_identifier(inbox.identifier)

        assert not Inbox.unscoped.exclude(environment_id=inbox.environment_id).exists()

    def test_knows_no_closed_inbox(self, inbox):
        inboxes.close(inbox=inbox, by=audit.SYSTEM)

        assert enter_by_identifier(inbox.identifier) is None


def test_the_public_json_masks_secret_settings(line):
    shown = inbox_json(line, livemode=True)

    assert shown["settings"]["colour"] == "red"
    assert "s3cret-t" not in str(shown)
    assert "hmac_token" not in shown


def test_the_public_json_masks_nothing_away_that_clients_need(inbox):
    shown = inbox_json(inbox, livemode=True)

    assert (shown["object"], shown["channel"], shown["callback_url"]) == ("inbox", "api", None)
    assert shown["hmac_token"] == inbox.hmac_token
