"""The engine at work: what a customer's server gets, and what becomes of it."""

import time
from collections import Counter
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from events import dispatching
from events.models import LoggedEvent
from tests.engines import until
from tests.webhooks.receivers import Receiver, answer, endless, gone, hang, hang_up, reset, slow_down
from tests.webhooks.working import at_work, attempts, health_of, look, open_endpoint, queue, settled
from webhooks import signing
from webhooks.models import Attempt, Body, Delivery, Endpoint, Health, Secret
from webhooks.services import dispatching as webhook_dispatching

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_machine(settings):
    settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    settings.WEBHOOK_DRAIN_SECONDS = 2.0


@pytest.fixture
def quick(settings):
    """Attempts a moment apart."""
    settings.WEBHOOK_SCHEDULE = [0, 0.05, 0.05]


@pytest.fixture
def endpoint(live, receiver):
    return open_endpoint(live, receiver.url)


def secrets_of(endpoint):
    return [row.secret for row in Secret.unscoped.filter(endpoint=endpoint).order_by("-id")]


def hinted(endpoint):
    look(endpoint)
    return True


def verify(request, secret):
    return Webhook(secret).verify(request.body, dict(request.headers))


class TestDelivery:
    def test_arrives_once_signed_and_is_written_down(self, endpoint, receiver):
        with at_work():
            delivery = settled(queue(endpoint))[0]

        (request,) = receiver.requests
        assert verify(request, secrets_of(endpoint)[0]) == {"n": delivery.event_id}
        assert request.headers["content-type"] == "application/json"
        assert request.headers["user-agent"] == "Dexra-Webhooks/1"
        assert request.headers["webhook-id"].startswith("evt_")
        assert request.headers["dexra-attempt"] == "1"
        assert "dexra-env" not in request.headers
        (attempt,) = attempts(delivery)
        assert (attempt.status_code, attempt.url, attempt.remote_ip) == (200, endpoint.url, "127.0.0.1")
        assert attempt.request_headers["webhook-signature"] == request.headers["webhook-signature"]

    def test_leaves_at_once_when_hinted(self, endpoint, receiver, monkeypatch):
        for module in (dispatching, webhook_dispatching):
            monkeypatch.setattr(module, "POLL_SECONDS", 3600.0)

        with at_work():
            queue(endpoint)
            until(lambda: hinted(endpoint) and receiver.requests)  # the engine listens

            settled(queue(endpoint))

    def test_is_attempted_again_with_the_same_id_and_a_new_signature(self, endpoint, receiver, quick):
        receiver.script(answer(500), answer(404, b"who?"), answer())

        with at_work():
            delivery = settled(queue(endpoint))[0]

        requests = receiver.requests
        assert [request.headers["dexra-attempt"] for request in requests] == ["1", "2", "3"]
        assert len({request.headers["webhook-id"] for request in requests}) == 1
        assert all(verify(request, secrets_of(endpoint)[0]) for request in requests)
        assert [(one.n, one.status_code, one.response_body) for one in attempts(delivery)] == [
            (1, 500, ""), (2, 404, "who?"), (3, 200, "")
        ]  # fmt: skip
        assert health_of(endpoint).consecutive_failures == 0

    def test_is_given_up_when_the_schedule_is_spent(self, endpoint, receiver, quick):
        receiver.script(answer(500))

        with at_work():
            delivery = settled(queue(endpoint), "exhausted")[0]

        assert len(receiver.requests) == delivery.attempts == 3

    def test_is_signed_with_every_valid_secret_the_newest_first(self, endpoint, receiver):
        old = secrets_of(endpoint)[0]
        Secret.unscoped.update(expires_at=timezone.now() + timedelta(hours=1))
        new = Secret.unscoped.create(
            environment=endpoint.environment, endpoint=endpoint, secret=signing.new_secret()
        ).secret
        Secret.unscoped.create(
            environment=endpoint.environment, endpoint=endpoint, secret=signing.new_secret(),
            expires_at=timezone.now() - timedelta(seconds=1),
        )  # fmt: skip

        with at_work():
            settled(queue(endpoint))

        (request,) = receiver.requests
        assert len(request.headers["webhook-signature"].split()) == 2
        assert verify(request, old)
        assert verify(request, new)
        first = request.headers["webhook-signature"].split()[0]
        moment = int(request.headers["webhook-timestamp"])
        assert first == signing.sign(new, request.headers["webhook-id"], moment, request.body)

    def test_is_signed_with_a_new_secret_at_once(self, endpoint, receiver):
        with at_work():
            settled(queue(endpoint))
            Secret.unscoped.all().delete()
            secret = signing.new_secret()
            Secret.unscoped.create(environment=endpoint.environment, endpoint=endpoint, secret=secret)
            settled(queue(endpoint))

        assert verify(receiver.requests[-1], secret)

    def test_carries_the_customers_own_headers_and_shows_them_to_nobody(self, live, receiver):
        endpoint = open_endpoint(
            live, receiver.url, custom_headers={"X-Token": "hunter2", "Webhook-Id": "forged", "User-Agent": "me"}
        )

        with at_work():
            delivery = settled(queue(endpoint))[0]

        (request,) = receiver.requests
        assert request.headers["x-token"] == "hunter2"
        assert request.headers["webhook-id"].startswith("evt_")
        assert request.headers["user-agent"] == "Dexra-Webhooks/1"
        assert "hunter2" not in str(attempts(delivery)[0].request_headers)

    def test_in_chatwoots_dialect_is_signed_as_chatwoot_does(self, live, receiver):
        endpoint = open_endpoint(live, receiver.url, dialect="chatwoot")

        with at_work():
            settled(queue(endpoint))

        (request,) = receiver.requests
        moment = int(request.headers["x-chatwoot-timestamp"])
        signature = signing.chatwoot_signature(secrets_of(endpoint)[0], moment, request.body)
        assert request.headers["x-chatwoot-signature"] == signature
        assert len(request.headers["x-chatwoot-delivery"]) == 36
        assert "webhook-id" not in request.headers

    def test_in_chatwoots_dialect_keeps_its_id_over_attempts(self, live, receiver, quick):
        receiver.script(answer(500), answer())

        with at_work():
            settled(queue(open_endpoint(live, receiver.url, dialect="chatwoot")))

        assert len({request.headers["x-chatwoot-delivery"] for request in receiver.requests}) == 1

    def test_of_the_sandbox_says_so(self, sandbox, receiver):
        with at_work():
            settled(queue(open_endpoint(sandbox, receiver.url)))

        assert receiver.requests[0].headers["dexra-env"] == "sandbox"

    def test_is_signed_and_shown_but_not_sent_where_an_endpoint_captures(self, sandbox, receiver):
        endpoint = open_endpoint(sandbox, receiver.url, captures=True)

        with at_work():
            delivery = settled(queue(endpoint))[0]

        assert receiver.requests == []
        (attempt,) = attempts(delivery)
        assert (attempt.status_code, attempt.error_class) == (None, "captured")
        assert attempt.request_headers["webhook-signature"].startswith("v1,")

    def test_of_an_erased_person_is_not_made(self, endpoint, receiver):
        delivery = queue(endpoint, next_attempt_at=timezone.now() + timedelta(hours=1))[0]
        Body.unscoped.update(content=b"")
        Delivery.unscoped.update(next_attempt_at=timezone.now())
        Health.unscoped.update(next_due_at=timezone.now())

        with at_work():
            [ended] = settled([delivery], "canceled")

        assert receiver.requests == []
        assert attempts(delivery) == []
        assert ended.canceled_reason == "person_erased"

    def test_goes_back_unharmed_when_its_secret_cannot_be_opened(self, live, receiver):
        broken, well = open_endpoint(live, receiver.url), open_endpoint(live, receiver.url)
        Secret.unscoped.filter(endpoint=broken).update(secret="")
        Endpoint.unscoped.filter(pk=broken.pk).update(custom_headers={"a": "b"})

        with at_work():
            held, fine = queue(broken)[0], queue(well)[0]
            settled([fine])
            until(lambda: Health.unscoped.filter(endpoint=broken, signing_failed_at__isnull=False).exists())

        assert attempts(held) == []
        row = Delivery.unscoped.get(pk=held.pk)
        assert (row.state, row.claims, row.attempts) == ("pending", 0, 0)
        healths = {each.endpoint_id: each for each in Health.unscoped.all()}
        assert (healths[broken.pk].consecutive_failures, healths[broken.pk].last_failure_at) == (0, None)
        assert healths[well.pk].signing_failed_at is None

    def test_survives_headers_no_server_would_send(self, endpoint, receiver):
        receiver.script(answer(200, "naïve \x00 ☃".encode() + b"\xff", headers={"X-Odd": "a\x80b"}))

        with at_work():
            delivery = settled(queue(endpoint))[0]

        assert attempts(delivery)[0].response_body.startswith("naïve")


class TestRehearsals:
    def rehearse(self, sandbox, receiver, kind):
        with at_work():
            settled(queue(open_endpoint(sandbox, receiver.url), rehearsal=kind, trigger="rehearsal"))
        return receiver.requests[0]

    def test_of_a_bad_signature_are_refused_by_whoever_looks(self, sandbox, receiver):
        request = self.rehearse(sandbox, receiver, "bad_signature")

        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            verify(request, Secret.unscoped.get().secret)

    def test_of_a_stale_timestamp_are_signed_well_an_hour_ago(self, sandbox, receiver):
        request = self.rehearse(sandbox, receiver, "stale_timestamp")
        moment = int(request.headers["webhook-timestamp"])

        assert 3590 < time.time() - moment < 3700
        signature = signing.sign(Secret.unscoped.get().secret, request.headers["webhook-id"], moment, request.body)
        assert request.headers["webhook-signature"] == signature

    def test_are_made_once_and_say_nothing_about_the_endpoint(self, sandbox, receiver):
        receiver.script(answer(500))
        endpoint = open_endpoint(sandbox, receiver.url)

        with at_work():
            settled(queue(endpoint, 5, rehearsal="bad_signature", trigger="rehearsal"), "exhausted")

        assert len(receiver.requests) == 5
        assert health_of(endpoint).consecutive_failures == 0

    def test_events_are_tested_once(self, endpoint, receiver):
        receiver.script(answer(500))

        with at_work():
            settled(queue(endpoint, type="endpoint_test", trigger="test"), "exhausted")

        assert len(receiver.requests) == 1
        assert health_of(endpoint).consecutive_failures == 0


class TestEndpoints:
    def test_that_are_gone_are_disabled_within_seconds_and_told_of(self, endpoint, receiver):
        waiting = queue(endpoint, 3, next_attempt_at=timezone.now() + timedelta(hours=1))
        receiver.script(gone())

        with at_work():
            settled(queue(endpoint), "canceled")
            until(lambda: LoggedEvent.unscoped.filter(type="endpoint_disabled").exists())

        row = Endpoint.unscoped.get(pk=endpoint.pk)
        assert (row.state, row.disabled_reason) == ("disabled", "gone")
        assert {one.canceled_reason for one in settled(waiting, "canceled")} == {"endpoint_gone"}
        event = LoggedEvent.unscoped.get(type="endpoint_disabled")
        assert event.data["endpoint"]["disabled_reason"] == "gone"
        assert (event.data["consecutive_failures"], event.data["last_error"]) == (1, "http_status")
        health = Health.unscoped.get(endpoint=endpoint)
        assert (health.consecutive_failures, health.last_error) == (1, "http_status")
        assert health.last_failure_at is not None

    def test_that_fail_four_times_in_a_row_are_told_of_and_when_they_are_well(self, endpoint, receiver, quick):
        receiver.script(*[answer(500)] * 4, answer())

        with at_work():
            settled(queue(endpoint, 2))
            until(lambda: LoggedEvent.unscoped.filter(type="endpoint_recovered").exists())

        assert LoggedEvent.unscoped.filter(type="endpoint_failing").count() == 1

    @pytest.mark.slow
    def test_whose_deliveries_are_given_up_are_told_of_once_an_hour(self, endpoint, receiver, quick):
        receiver.script(answer(500))

        with at_work():
            settled(queue(endpoint, 5), "exhausted")
            until(lambda: LoggedEvent.unscoped.filter(type="delivery_exhausted").exists())
            settled(queue(endpoint, 2), "exhausted")
            time.sleep(0.5)

        assert LoggedEvent.unscoped.filter(type="delivery_exhausted").count() == 1

    @pytest.mark.slow
    def test_that_ask_for_a_pause_get_it(self, endpoint, receiver, quick):
        receiver.script(slow_down("2"), answer())

        with at_work():
            first = queue(endpoint)
            receiver.wait_for(1)
            until(lambda: health_of(endpoint).hold_until)
            second = queue(endpoint)
            settled([*first, *second])

        moments = [request.at for request in receiver.requests]
        assert len(moments) == 3
        assert 1.7 < moments[1] - moments[0] < 30  # and not the five minutes of a schedule
        assert health_of(endpoint).consecutive_failures == 0

    @pytest.mark.slow
    def test_are_sent_no_more_at_a_time_than_they_take(self, live, receiver):
        receiver.script(hang())
        endpoint = open_endpoint(live, receiver.url, max_in_flight=3)

        with at_work():
            queue(endpoint, 20)
            receiver.wait_for(3)
            time.sleep(1)
            assert len(receiver.requests) == 3
            receiver.script(answer())

    @pytest.mark.slow
    def test_are_told_no_faster_than_they_wish(self, live, receiver):
        endpoint = open_endpoint(live, receiver.url, rate_per_second=10)

        with at_work():
            settled(queue(endpoint, 20))

        moments = sorted(Attempt.unscoped.values_list("sent_at", flat=True))
        assert moments[-1] - moments[0] > timedelta(seconds=1.5)

    @pytest.mark.slow
    def test_get_what_waited_once_they_are_resumed(self, live, receiver):
        endpoint = open_endpoint(live, receiver.url, state="paused")

        with at_work():
            deliveries = queue(endpoint, 3)
            time.sleep(0.6)
            assert receiver.requests == []
            Endpoint.unscoped.update(state="active")
            Health.unscoped.update(next_due_at=timezone.now())
            settled(deliveries)

    @pytest.mark.slow
    def test_that_hang_hold_up_nobody_else(self, live, receiver):
        with Receiver(hang()) as hanging:
            stuck = open_endpoint(live, hanging.url)
            others = [open_endpoint(live, receiver.url) for _ in range(4)]
            with at_work():
                queue(stuck, 50)
                hanging.wait_for(5)
                for endpoint in others:
                    queue(endpoint, 25)
                receiver.wait_for(100)
                assert not Attempt.unscoped.filter(endpoint_id=stuck.pk).exists()  # every one of them hangs still

            assert len(hanging.requests) == 10

    @pytest.mark.parametrize(("act", "made"), [(reset, 2), (hang_up, 2), (endless, 1)])
    def test_that_misbehave_cost_one_attempt(self, endpoint, receiver, quick, act, made):
        receiver.script(act(), answer())

        with at_work():
            delivery = settled(queue(endpoint))[0]

        assert (delivery.attempts, delivery.tries) == (made, made)
        assert health_of(endpoint).consecutive_failures == 0


@pytest.mark.slow
class TestManyDeliveries:
    def test_all_arrive_once_at_all_endpoints(self, live, receiver):
        endpoints = [open_endpoint(live, receiver.at(f"/{number}")) for number in range(5)]
        deliveries = [delivery for endpoint in endpoints for delivery in queue(endpoint, 100)]

        with at_work():
            settled(deliveries, seconds=30)

        counts = Counter((request.path, request.headers["webhook-id"]) for request in receiver.requests)
        assert len(counts) == 500
        assert set(counts.values()) == {1}
        assert Attempt.unscoped.count() == 500

    def test_are_made_once_by_two_engines_at_work(self, live, receiver):
        receiver.script(answer(delay=0.02))
        endpoints = [open_endpoint(live, receiver.at(f"/{number}")) for number in range(4)]
        deliveries = [delivery for endpoint in endpoints for delivery in queue(endpoint, 60)]

        with at_work(), at_work():
            settled(deliveries, seconds=30)

        counts = Counter(request.headers["webhook-id"] for request in receiver.requests)
        assert len(counts) == 240
        assert set(counts.values()) == {1}

    def test_are_begun_in_the_order_they_were_due(self, live, receiver):
        endpoint = open_endpoint(live, receiver.url, max_in_flight=1)
        deliveries = queue(endpoint, 30)

        with at_work():
            settled(deliveries)

        arrived = [request.json["n"] for request in receiver.requests]
        assert arrived == [delivery.event_id for delivery in deliveries]
