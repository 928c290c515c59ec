"""What operators may do to endpoints, deliveries and replays: by the services that customers use, and on record."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.services import audit
from core import tenancy
from core.errors import Conflict
from events.models import LoggedEvent
from tests.dexra import operating
from tests.dexra.operating import list_url, operation_url, page_url, press, rows_of, secret_on
from tests.webhooks.customers import open_endpoint
from webhooks import signing
from webhooks.models import Body, Delivery, Endpoint, Replay, Secret
from webhooks.services import canceling

FAILED: Any = {"state": "exhausted", "attempts": 10, "tries": 10, "last_error": "timeout"}


@pytest.fixture
def endpoint(live):
    return open_endpoint(live)


@pytest.fixture
def olga(endpoint):
    """An operator's browser."""
    return operating.operator_client()[0]


def queue(endpoint, *, number: int = 1, **fields) -> Delivery:
    about = {
        "environment": endpoint.environment, "event_id": number, "event_at": timezone.now(), "type": "message_in"
    }  # fmt: skip
    Body.unscoped.create(**about, dialect=endpoint.dialect, content=b'{"type":"message_in"}')
    fields = {"next_attempt_at": timezone.now(), **fields}
    return Delivery.unscoped.create(**about, endpoint=endpoint, livemode=True, **fields)


def fresh(row):
    with tenancy.everyone():
        return type(row).unscoped.get(pk=row.pk)


def newest_secret() -> Secret:
    with tenancy.everyone():
        return Secret.unscoped.latest("pk")


def actions() -> list[str]:
    with tenancy.everyone():
        entries = AuditEntry.unscoped.filter(actor="olga@dexra.test", actor_type="operator", ip="203.0.113.7")
        return list(entries.order_by("id").values_list("action", flat=True))


class TestEndpoints:
    def test_are_paused_and_resumed(self, olga, endpoint):
        waiting, old = queue(endpoint), queue(endpoint, number=2)
        Delivery.unscoped.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=4))

        assert press(olga, operation_url(endpoint, "pause")).url == page_url(endpoint)
        assert fresh(endpoint).state == "paused"
        press(olga, operation_url(endpoint, "resume"), held="")

        assert fresh(endpoint).state == "active"
        assert (fresh(waiting).state, fresh(old).state) == ("pending", "canceled")
        assert actions() == ["webhook_endpoint.updated"] * 2

    @pytest.mark.parametrize(("held", "state"), [("resume", "pending"), ("skip", "canceled")])
    def test_are_resumed_with_what_was_held_or_without(self, olga, endpoint, held, state):
        delivery = queue(endpoint)
        Delivery.unscoped.update(created_at=timezone.now() - timedelta(days=4))
        Endpoint.unscoped.update(state="disabled", disabled_reason="failing")

        press(olga, operation_url(endpoint, "resume"), held=held)

        assert fresh(delivery).state == state

    def test_are_disabled_by_hand(self, olga, endpoint):
        press(olga, operation_url(endpoint, "disable"))

        after = fresh(endpoint)
        assert (after.state, after.disabled_reason) == ("disabled", "manual")

    def test_are_paused_several_at_once(self, olga, live, endpoint):
        other = open_endpoint(live)
        ticked = {"action": "pause", "_selected_action": [endpoint.pk, other.pk], "confirmed": "yes"}

        olga.post(list_url(Endpoint), ticked)

        assert {fresh(row).state for row in (endpoint, other)} == {"paused"}

    def test_offer_nothing_once_they_are_deleted(self, olga, endpoint):
        Endpoint.unscoped.update(deleted_at=timezone.now())

        for name in ("test", "resume", "pause", "disable", "rotate-secret", "recover", "replay"):
            assert olga.get(operation_url(endpoint, name)).status_code == 302

    def test_get_a_test_event(self, olga, endpoint):
        answer = press(olga, operation_url(endpoint, "test"))

        with tenancy.everyone():
            [delivery] = Delivery.unscoped.filter(trigger="test")
            assert LoggedEvent.unscoped.filter(type="endpoint_test").count() == 1
        assert (delivery.endpoint_id, answer.url) == (endpoint.pk, page_url(delivery))
        assert actions() == ["webhook_endpoint.tested"]


class TestSecrets:
    def test_are_rotated_and_shown_once(self, olga, endpoint):
        old = newest_secret()

        shown = press(olga, operation_url(endpoint, "rotate-secret"), grace_seconds="3600")

        plain = secret_on(shown)
        newest = newest_secret()
        assert (newest.secret, "no-store" in shown["Cache-Control"]) == (plain, True)
        assert timedelta(minutes=50) < fresh(old).expires_at - timezone.now() <= timedelta(hours=1)
        assert plain not in olga.get(page_url(newest)).content.decode()
        assert actions() == ["webhook_endpoint.secret_rotated"]

    def test_of_ed25519_endpoints_show_their_public_half_only(self, olga, live):
        endpoint = open_endpoint(live, signature="v1a")

        answer = press(olga, operation_url(endpoint, "rotate-secret"), grace_seconds="0")

        newest = newest_secret()
        page = olga.get(answer.url).content.decode()
        assert signing.public_key(newest.secret) in page
        assert newest.secret not in page

    def test_are_never_more_than_five(self, olga, endpoint):
        for _ in range(4):
            press(olga, operation_url(endpoint, "rotate-secret"), grace_seconds="86400")

        refused = press(olga, operation_url(endpoint, "rotate-secret"), grace_seconds="86400")

        assert "5 valid secrets" in refused.content.decode()
        assert len(rows_of(Secret)) == 5


class TestRanges:
    @pytest.mark.parametrize("kind", ["recover", "replay"])
    def test_are_sent_again_and_can_be_stopped(self, olga, endpoint, kind):
        answer = press(olga, operation_url(endpoint, kind), hours="72")

        [replay] = rows_of(Replay)
        assert isinstance(replay, Replay)
        assert (replay.kind, replay.endpoint_id, answer.url) == (kind, endpoint.pk, page_url(replay))
        assert replay.until - replay.since == timedelta(hours=72)
        press(olga, operation_url(replay, "cancel"))
        assert fresh(replay).state == "canceled"
        assert actions() == [f"webhook_endpoint.{kind}_started", f"webhook_endpoint.{kind}_canceled"]

    def test_reach_back_as_far_as_is_allowed(self, olga, endpoint):
        press(olga, operation_url(endpoint, "recover"), hours="336")

        assert len(rows_of(Replay)) == 1

    def test_refuse_what_is_not_offered(self, olga, endpoint):
        page = press(olga, operation_url(endpoint, "recover"), hours="9000")

        assert page.context["form"].errors
        assert rows_of(Replay) == []


class TestDeliveries:
    def test_are_sent_again(self, olga, endpoint):
        delivery = queue(endpoint, **FAILED)

        press(olga, operation_url(delivery, "resend"))

        after = fresh(delivery)
        assert (after.state, after.extra, after.trigger, after.returns_to) == ("pending", 1, "manual", "exhausted")
        assert actions() == ["webhook_delivery.resent"]

    def test_are_sent_again_several_at_once(self, olga, endpoint):
        failed = [queue(endpoint, number=number, **FAILED) for number in range(3)]
        ticked = {"action": "resend", "_selected_action": [row.pk for row in failed], "confirmed": "yes"}

        olga.post(list_url(Delivery), ticked)

        assert [fresh(row).extra for row in failed] == [1, 1, 1]

    def test_are_not_sent_again_without_a_body(self, olga, endpoint):
        delivery = queue(endpoint, **FAILED)
        Body.unscoped.update(content=b"")

        assert olga.get(operation_url(delivery, "resend")).status_code == 302

        press(olga, operation_url(delivery, "resend"))
        assert (fresh(delivery).extra, actions()) == (0, [])

    def test_of_rehearsals_are_not_offered_to_be_sent_again(self, olga, endpoint):
        delivery = queue(endpoint, rehearsal="duplicate", state="delivered")

        assert olga.get(operation_url(delivery, "resend")).status_code == 302

    @pytest.mark.parametrize("state", ["pending", "quarantined"])
    def test_are_canceled_with_all_that_was_asked_for(self, olga, endpoint, state):
        delivery = queue(endpoint, state=state, extra=2, returns_to="exhausted")

        press(olga, operation_url(delivery, "cancel"))

        after = fresh(delivery)
        assert (after.state, after.extra, after.next_attempt_at) == ("canceled", 0, None)
        assert after.canceled_reason == "operator"
        assert after.finished_at is not None
        assert actions() == ["webhook_delivery.canceled"]

    @pytest.mark.parametrize("state", ["delivering", "delivered", "exhausted", "canceled"])
    def test_are_not_canceled_once_they_no_longer_wait(self, olga, endpoint, state):
        delivery = queue(endpoint, state=state)

        assert olga.get(operation_url(delivery, "cancel")).status_code == 302
        assert fresh(delivery).state == state

    def test_are_not_canceled_when_an_attempt_has_begun_meanwhile(self, endpoint):
        delivery = queue(endpoint)
        Delivery.unscoped.update(state="delivering")

        with pytest.raises(Conflict, match="under way"):
            canceling.cancel(delivery=delivery, by=audit.SYSTEM)

    def test_can_be_sent_again_from_their_timeline(self, olga, endpoint):
        delivery = queue(endpoint, **FAILED)

        page = olga.get(page_url(delivery).replace("/change/", "/timeline/"))

        assert operation_url(delivery, "resend") in page.content.decode()
