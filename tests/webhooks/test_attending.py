"""What an endpoint's failures lead to, for it and for its people."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Membership, User
from events.models import LoggedEvent
from tests.conftest import open_account
from tests.webhooks.working import health_of, open_endpoint, queue
from webhooks import tasks
from webhooks.models import Delivery, Endpoint, Health
from webhooks.services import attending, letters
from webhooks.services.reports import HealthNow
from webhooks.services.settling import Settled


@pytest.fixture
def endpoint(live):
    return open_endpoint(live, "https://example.test/hooks?token=hunter2")


def fails(endpoint, *, days=0.0, consecutive=1, **more):
    now = timezone.now()
    Health.unscoped.filter(pk=endpoint.pk).update(
        consecutive_failures=consecutive, failing_since=now - timedelta(days=days), last_failure_at=now,
        last_error="http_status", **more,
    )  # fmt: skip


def succeeds(endpoint, ago=timedelta(hours=1)):
    Health.unscoped.filter(pk=endpoint.pk).update(
        consecutive_failures=0, failing_since=None, last_failure_at=timezone.now() - ago,
        last_success_at=timezone.now(), last_error="",
    )  # fmt: skip


def told():
    kinds = ("endpoint_failing", "endpoint_recovered", "endpoint_disabled", "delivery_exhausted")
    return [event.type for event in LoggedEvent.unscoped.filter(type__in=kinds).order_by("id")]


class TestLookAfter:
    def test_publishes_once_that_an_endpoint_fails(self, endpoint):
        fails(endpoint, consecutive=4)

        attending.look_after(endpoint.pk)
        attending.look_after(endpoint.pk)

        assert told() == ["endpoint_failing"]
        event = LoggedEvent.unscoped.get(type="endpoint_failing")
        assert event.environment_id == endpoint.environment_id
        assert event.data["endpoint_id"] == endpoint.public_id
        assert event.data["consecutive_failures"] == 4
        assert event.context == {"endpoint_id": endpoint.pk}

    def test_publishes_once_that_it_is_well_again(self, endpoint):
        fails(endpoint, consecutive=4)
        attending.look_after(endpoint.pk)
        succeeds(endpoint)

        attending.look_after(endpoint.pk)
        attending.look_after(endpoint.pk)

        assert told() == ["endpoint_failing", "endpoint_recovered"]

    def test_says_of_one_that_fails_by_turns_once_in_ten_minutes_that_it_does(self, endpoint):
        for _ in range(3):
            fails(endpoint, consecutive=4)
            attending.look_after(endpoint.pk)
            succeeds(endpoint)
            attending.look_after(endpoint.pk)
        assert told() == ["endpoint_failing", "endpoint_recovered"]

        fails(endpoint, consecutive=4)
        Health.unscoped.update(told_failing_at=timezone.now() - timedelta(minutes=11))
        tasks.look_after_endpoints()

        assert told() == ["endpoint_failing", "endpoint_recovered", "endpoint_failing"]

    def test_says_nothing_about_one_or_two_failures(self, endpoint):
        fails(endpoint, consecutive=2)

        attending.look_after(endpoint.pk)

        assert told() == []

    def test_disables_what_failed_for_five_days_and_keeps_what_waits(self, endpoint):
        waiting = queue(endpoint)[0]
        fails(endpoint, days=5.01)

        attending.look_after(endpoint.pk)

        row = Endpoint.unscoped.get(pk=endpoint.pk)
        assert (row.state, row.disabled_reason) == ("disabled", "failing")
        assert Delivery.unscoped.get(pk=waiting.pk).state == "pending"
        assert health_of(endpoint).next_due_at is None
        assert told() == ["endpoint_disabled"]
        assert LoggedEvent.unscoped.get(type="endpoint_disabled").data["reason"] == "failing"

    def test_does_not_disable_what_failed_for_less(self, endpoint):
        fails(endpoint, days=4.9, consecutive=300)

        attending.look_after(endpoint.pk)

        assert Endpoint.unscoped.get(pk=endpoint.pk).state == "active"

    def test_treats_the_sandbox_alike(self, sandbox):
        endpoint = open_endpoint(sandbox)
        fails(endpoint, days=6)

        attending.look_after(endpoint.pk)

        assert Endpoint.unscoped.get(pk=endpoint.pk).state == "disabled"

    def test_disables_what_is_gone_and_cancels_what_waits(self, endpoint, live):
        waiting, other = queue(endpoint, 3), queue(open_endpoint(live))[0]

        attending.look_after(endpoint.pk, is_gone=True)

        assert {row.state for row in Delivery.unscoped.filter(endpoint=endpoint)} == {"canceled"}
        assert len(waiting) == 3
        assert Delivery.unscoped.get(pk=other.pk).state == "pending"
        assert told() == ["endpoint_disabled"]

    @pytest.mark.parametrize("state", ["paused", "disabled"])
    def test_leaves_alone_what_somebody_switched_off(self, live, state):
        endpoint = open_endpoint(live, state=state)
        fails(endpoint, days=9, consecutive=99)

        attending.look_after(endpoint.pk)

        assert Endpoint.unscoped.get(pk=endpoint.pk).state == state
        assert told() == []


class TestAttend:
    def test_does_what_a_settlement_asks_for(self, live):
        gone, failing = open_endpoint(live), open_endpoint(live)
        fails(failing, consecutive=5)
        exhausted = queue(failing, state="exhausted", tries=10, last_status=500)[0]

        attending.attend(
            Settled(gone={gone.pk}, exhausted={exhausted.pk}, healths=[HealthNow(failing.pk, 5, 0, 1.0, is_wide=True)])
        )

        assert sorted(told()) == ["delivery_exhausted", "endpoint_disabled", "endpoint_failing"]
        event = LoggedEvent.unscoped.get(type="delivery_exhausted")
        assert event.data["delivery_id"] == exhausted.public_id
        assert (event.data["attempts"], event.data["status_code"]) == (10, 500)

    def test_tells_of_exhausted_deliveries_once_an_hour_for_each_endpoint(self, live):
        endpoint, other = open_endpoint(live), open_endpoint(live)
        exhausted = [*queue(endpoint, 3, state="exhausted"), *queue(other, 1, state="exhausted")]

        attending.tell_exhausted([delivery.pk for delivery in exhausted])
        attending.tell_exhausted([delivery.pk for delivery in exhausted])
        assert told() == ["delivery_exhausted"] * 2

        Health.unscoped.update(told_exhausted_at=timezone.now() - timedelta(minutes=61))
        attending.tell_exhausted([exhausted[0].pk])
        assert told() == ["delivery_exhausted"] * 3


class TestLookAfterAll:
    def test_does_what_a_process_that_died_did_not(self, live):
        failing, dead, well = open_endpoint(live), open_endpoint(live), open_endpoint(live)
        recovered = open_endpoint(live)
        fails(failing, consecutive=4)
        fails(dead, days=5.5)
        fails(well, consecutive=1)
        succeeds(recovered)
        Health.unscoped.filter(pk=recovered.pk).update(told_stage=1)

        attending.look_after_all()

        assert sorted(told()) == ["endpoint_disabled", "endpoint_failing", "endpoint_recovered"]


class TestLetters:
    @pytest.fixture
    def staff(self, acme):
        """Bob is an admin of Acme, Carol an agent, Dan an admin who left; Mallory owns another account."""
        for name, role, is_active in (("bob", "admin", True), ("carol", "agent", True), ("dan", "admin", False)):
            person = User.objects.create_user(f"{name}@acme.test", is_active=is_active)
            Membership.objects.create(account=acme, user=person, role=role)
        open_account("Globex", "mallory@globex.test")

    def look(self, endpoint):
        mail.outbox.clear()
        attending.look_after(endpoint.pk)
        letters.write()
        return [letter.subject for letter in mail.outbox]

    def test_go_to_owners_and_admins_and_carry_no_credentials(self, endpoint, staff):
        fails(endpoint, consecutive=4)

        self.look(endpoint)

        (letter,) = mail.outbox
        assert letter.to == ["ada@acme.test", "bob@acme.test"]
        assert endpoint.public_id in letter.body
        assert "https://example.test/hooks" in letter.body
        assert "hunter2" not in letter.body

    def test_are_written_at_the_start_on_day_three_and_when_it_is_disabled(self, endpoint):
        subjects = []
        for days in (0.6, 0.9, 3.1, 3.5, 5.1, 5.2):
            fails(endpoint, days=days)
            subjects.append(self.look(endpoint))

        assert [len(each) for each in subjects] == [1, 0, 1, 0, 1, 0]
        assert subjects[0] == ["Your webhook endpoint is failing"]
        assert subjects[2] == ["Your webhook endpoint has been failing for three days"]
        assert subjects[4] == ["Your webhook endpoint was disabled"]

    def test_say_once_that_it_is_well_again(self, endpoint):
        fails(endpoint, consecutive=4)
        self.look(endpoint)
        succeeds(endpoint)

        assert self.look(endpoint) == ["Your webhook endpoint is well again"]
        assert self.look(endpoint) == []

    def test_do_not_follow_every_step_of_one_that_fails_by_turns(self, endpoint):
        fails(endpoint, consecutive=4)
        assert len(self.look(endpoint)) == 1

        for _ in range(5):
            succeeds(endpoint, ago=timedelta(minutes=2))
            assert self.look(endpoint) == []
            fails(endpoint, consecutive=4)
            assert self.look(endpoint) == []

    def test_say_nothing_about_one_that_was_resumed_by_hand(self, endpoint):
        fails(endpoint, days=5.1)
        self.look(endpoint)
        Endpoint.unscoped.update(state="active", disabled_reason="")
        Health.unscoped.update(told_stage=0, consecutive_failures=0, failing_since=None, last_failure_at=None)

        assert self.look(endpoint) == []
        fails(endpoint, consecutive=4)
        assert self.look(endpoint) == ["Your webhook endpoint is failing"]

    def test_that_could_not_be_sent_are_sent_later(self, endpoint, settings):
        fails(endpoint, consecutive=4)
        attending.look_after(endpoint.pk)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

        assert letters.write() == 0
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        assert letters.write() == 1

    def test_are_written_by_the_task_that_looks_after_endpoints(self, endpoint):
        fails(endpoint, consecutive=4)

        tasks.look_after_endpoints()
        tasks.look_after_endpoints()

        assert len(mail.outbox) == 1
        assert told() == ["endpoint_failing"]
