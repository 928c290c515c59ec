"""What operators see of inboxes' providers, and may do about them."""

import pytest
from django.urls import reverse

from contacts.models import Suppression
from contacts.services import consent
from conversations.models import Message
from core import tenancy
from inbound.models import Fetch, Mailbox, RawCallback
from inboxes.models import Inbox, InboxHealth
from outbound.models import Attempt, Dispatch, Line
from tests.dexra import operating
from tests.dexra.operating import WORDS, entries, list_url, operation_url, page_url, press, rows_of
from tests.providers import telegram as fake
from tests.providers.server import reset

PUBLIC = "https://chat.example.com"


@pytest.fixture
def world(acme, live):
    return operating.build(acme, live)


@pytest.fixture
def olga(world):
    """An operator's browser."""
    return operating.operator_client()[0]


@pytest.fixture
def telegram(settings):
    settings.BASE_URL = PUBLIC
    with fake.Telegram() as provider:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "telegram": provider.base}
        yield provider


@pytest.fixture
def bot(world):
    """A bot whose provider can be asked."""
    with tenancy.everyone():
        inbox = Inbox.unscoped.get(name="Helper")
        inbox.settings = {"bot_token": fake.TOKEN, "callback_secret": "what-telegram-was-told"}
        inbox.save()
        return inbox


def fresh(row):
    with tenancy.everyone():
        return type(row)._default_manager.get(pk=row.pk)


def only(model):
    [row] = rows_of(model)
    return row


class TestInboxes:
    def test_show_how_they_get_on_with_their_provider(self, olga, bot):
        page = olga.get(page_url(bot)).content.decode()

        assert "disconnected" in page
        assert "channel_auth_failed: Unauthorized" in page
        assert "failed (bad webhook)" in page
        assert f"/inbound/telegram/{bot.identifier}" in page

    def test_are_found_when_they_are_disconnected(self, olga, bot):
        found = olga.get(list_url(Inbox), {"state": "disconnected"}).context["cl"].result_list

        assert [each.pk for each in found] == [bot.pk]

    def test_have_their_callback_registered_again(self, olga, bot, telegram):
        press(olga, operation_url(bot, "register"))

        assert telegram.webhook["url"] == f"{PUBLIC}/inbound/telegram/{bot.identifier}"
        with tenancy.everyone():
            assert InboxHealth.unscoped.get(pk=bot.pk).callback_state == "registered"
        assert [entry.target for entry in entries("inbox.registered")] == [bot.public_id]

    def test_say_why_the_provider_was_not_told(self, olga, bot, telegram):
        telegram.keeps_meeting(reset())

        page = olga.get(press(olga, operation_url(bot, "register")).url).content.decode()

        assert "The provider was not told" in page

    def test_have_their_credentials_checked(self, olga, bot, telegram):
        page = olga.get(press(olga, operation_url(bot, "check")).url).content.decode()

        assert "The provider takes the credentials." in page
        assert len(entries("inbox.checked")) == 1

    def test_say_what_the_provider_has_against_them(self, olga, bot, telegram):
        with tenancy.everyone():
            bot.settings = {**bot.settings, "bot_token": "1:AAH-a-token-that-nobody-gave-out-0123456789"}
            bot.save()

        page = press(olga, operation_url(bot, "check"))

        assert page.status_code == 200
        assert "Telegram refuses the token" in page.content.decode()


class TestSettings:
    def test_are_changed_by_a_form(self, olga, bot, telegram):
        other = fake.TOKEN

        press(olga, operation_url(bot, "change-settings"), bot_token=other)

        assert fresh(bot).settings["bot_token"] == other

    def test_hold_a_list_by_its_lines(self, olga, world):
        with tenancy.everyone():
            web = Inbox.unscoped.create(environment=world.live, name="Pages", channel="web")
        change = operation_url(web, "change-settings")

        press(olga, change, allowed_origins="https://shop.example\r\n\r\n https://*.shop.example")

        assert fresh(web).settings == {"allowed_origins": ["https://shop.example", "https://*.shop.example"]}
        assert "https://*.shop.example</textarea>" in olga.get(change).content.decode()
        assert "no path" in press(olga, change, allowed_origins="https://shop.example/chat").content.decode()
        press(olga, change, allowed_origins="")
        assert fresh(web).settings == {}

    def test_never_show_a_secret(self, olga, bot):
        page = olga.get(operation_url(bot, "change-settings")).content.decode()

        assert fake.TOKEN not in page
        assert 'type="password"' in page
        assert "callback_secret" not in page  # it is ours to choose

    def test_keep_a_secret_that_is_not_written_anew(self, olga, world):
        with tenancy.everyone():
            mail = Inbox.unscoped.create(
                environment=world.live, name="Mail", channel="line",
                settings={"channel_access_token": "kept-as-it-is", "channel_secret": "this-one-too"},
            )  # fmt: skip

        press(olga, operation_url(mail, "change-settings"))

        assert fresh(mail).settings["channel_access_token"] == "kept-as-it-is"
        assert entries("inbox.updated") == []

    def test_say_what_the_provider_refuses_and_keep_what_worked(self, olga, bot, telegram):
        wrong = "1:AAH-a-token-that-nobody-gave-out-0123456789"

        page = press(olga, operation_url(bot, "change-settings"), bot_token=wrong)

        assert "Telegram refuses the token" in page.content.decode()
        assert wrong not in page.content.decode()
        assert fresh(bot).settings["bot_token"] == fake.TOKEN

    def test_do_not_lose_what_is_needed(self, olga, bot, telegram):
        page = press(olga, operation_url(bot, "change-settings"), cleared=["bot_token"])

        assert page.status_code == 200
        assert fresh(bot).settings["bot_token"] == fake.TOKEN

    def test_leave_no_secret_in_the_audit_log(self, olga, bot, telegram):
        press(olga, operation_url(bot, "change-settings"), bot_token=fake.TOKEN, cleared=[])

        assert fake.TOKEN not in str([entry.changes for entry in entries("inbox.updated")])


class TestSuppressions:
    def test_are_entered_by_hand(self, olga, world):
        url = reverse("admin:contacts_suppression_operate_list", args=["add"])

        press(
            olga, url, environment=world.live.pk, channel="sms", address="+212 600 000 001", scope="all", detail="asked"
        )

        with tenancy.everyone():
            found = consent.suppression_of(world.live, "sms", "+212600000001")
        assert found is not None
        assert (found.reason, found.detail) == ("operator", "asked")
        assert [entry.target for entry in entries("suppression.added")] == [found.public_id]

    @pytest.mark.parametrize("wrong", [{"address": "nobody"}, {"environment": 0}, {"channel": "pigeon"}])
    def test_are_refused_when_they_make_no_sense(self, olga, world, wrong):
        url = reverse("admin:contacts_suppression_operate_list", args=["add"])
        values = {"environment": world.live.pk, "channel": "sms", "address": "+212600000001", "scope": "all", **wrong}

        assert press(olga, url, **values).status_code == 200
        assert len(rows_of(Suppression)) == 1

    def test_are_lifted(self, olga, world):
        press(olga, operation_url(only(Suppression), "lift"))

        assert rows_of(Suppression) == []
        assert len(entries("suppression.removed")) == 1


class TestDispatches:
    def test_tell_their_story(self, olga, world):
        dispatch = only(Dispatch)
        with tenancy.everyone():
            Attempt.unscoped.update(detail="<b>Mailbox full", provider_code="5.2.2", status_code=400)

        page = olga.get(reverse("admin:outbound_dispatch_timeline", args=[dispatch.pk])).content.decode()

        assert "Attempt 1: refused, HTTP 400" in page
        assert "undelivered (5.2.2)" in page
        assert "<b>Mailbox" not in page
        assert world.message.public_id in page

    def test_show_what_a_sandbox_would_have_sent(self, olga, world):
        with tenancy.everyone():
            Attempt.unscoped.update(request={"url": "https://api.example.com/send", "body": "<script>"})

        page = olga.get(reverse("admin:outbound_dispatch_timeline", args=[only(Dispatch).pk])).content.decode()

        assert "https://api.example.com/send" in page
        assert "<script>&quot;" not in page

    def test_are_not_told_of_when_they_are_not_there(self, olga, world):
        assert olga.get(reverse("admin:outbound_dispatch_timeline", args=[999999])).status_code == 404

    def test_are_sent_anew(self, olga, world):
        with tenancy.everyone():
            Message.unscoped.filter(pk=world.message.pk).update(status="failed", direction="outbound")

        press(olga, operation_url(only(Dispatch), "retry"))

        assert fresh(only(Dispatch)).state == "waiting"
        assert [entry.target for entry in entries("message.retried")] == [world.message.public_id]

    def test_are_taken_back(self, olga, world):
        with tenancy.everyone():
            Message.unscoped.filter(pk=world.message.pk).update(status="queued", direction="outbound")
            Dispatch.unscoped.update(state="waiting")

        press(olga, operation_url(only(Dispatch), "cancel"))

        assert fresh(only(Dispatch)).state == "canceled"
        assert len(entries("message.canceled")) == 1

    def test_are_found_by_whom_they_are_for(self, olga, world):
        assert olga.get(list_url(Dispatch), {"q": "4242"}).context["cl"].result_count == 1
        assert olga.get(list_url(Dispatch), {"q": world.message.public_id}).context["cl"].result_count == 1


class TestLines:
    def test_are_tried_at_once(self, olga, world):
        press(olga, operation_url(only(Line), "nudge"))

        line = fresh(only(Line))
        assert (line.paused_until, line.is_disconnected) == (None, True)
        assert line.next_due_at is not None
        assert len(entries("outbound_line.nudged")) == 1


class TestCallbacks:
    def test_show_their_bodies_to_those_who_may_act(self, olga, world):
        with tenancy.everyone():
            RawCallback.unscoped.update(body=b"<script>alert(1)</script>\xff")

        page = olga.get(page_url(only(RawCallback))).content.decode()

        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page

    def test_show_them_to_nobody_else(self, world):
        browser, _ = operating.operator_client(is_superuser=False)

        page = browser.get(page_url(only(RawCallback)))

        assert page.status_code == 200
        assert WORDS not in page.content.decode()

    def test_are_handled_again(self, olga, world):
        press(olga, operation_url(only(RawCallback), "handle-again"))

        callback = fresh(only(RawCallback))
        assert (callback.state, callback.attempts, callback.error) == ("waiting", 0, "")
        assert [entry.target for entry in entries("callback.handled_again")] == [callback.public_id]


class TestFilesAndFolders:
    def test_are_asked_for_again(self, olga, world):
        press(olga, operation_url(only(Fetch), "fetch-again"))

        assert fresh(only(Fetch)).state == "waiting"
        assert len(entries("file.fetched_again")) == 1

    def test_are_looked_into_at_once(self, olga, world):
        before = only(Mailbox).next_check_at

        press(olga, operation_url(only(Mailbox), "look-now"))

        assert fresh(only(Mailbox)).next_check_at > before
        assert len(entries("mailbox.looked_into")) == 1
