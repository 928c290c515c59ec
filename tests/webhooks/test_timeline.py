"""One delivery, drawn for operators: every attempt and wait, and its signature recomputed."""

import re
from datetime import timedelta

import pytest
from django.db.models import Value
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core import ids
from core.times import span
from tests.dexra import operating
from tests.dexra.operating import list_url
from webhooks import signing
from webhooks.admin import timeline
from webhooks.admin.states import ERRORS
from webhooks.models import Attempt, Body, Delivery, Endpoint, Health, Secret
from webhooks.transport import failures

SAID = '{"type":"message_in","data":{"message_text":"Bonjour, où est ma commande ?"}}'.encode()
EVENT = 4242
URL = "https://hooks.acme.test/dexra?token=in-the-query"


@pytest.fixture
def endpoint(live):
    endpoint = Endpoint.unscoped.create(
        environment=live, url=URL, custom_headers={"Authorization": "Bearer of-a-customer"}
    )
    Health.unscoped.create(environment=live, endpoint=endpoint)
    return endpoint


@pytest.fixture
def secret(endpoint):
    return give_secret(endpoint)


@pytest.fixture
def olga(endpoint):
    return operating.operator_client()[0]


def give_secret(endpoint) -> Secret:
    secret = signing.new_secret(endpoint.signature)
    return Secret.unscoped.create(environment=endpoint.environment, endpoint=endpoint, secret=secret)


def queue(endpoint, *, ago=timedelta(hours=1), said=SAID, **fields) -> Delivery:
    about = {"environment": endpoint.environment, "event_id": EVENT, "event_at": timezone.now() - ago}
    Body.unscoped.create(**about, type="message_in", dialect=endpoint.dialect, content=said)
    created = about["event_at"] + timedelta(milliseconds=20)
    fields = {"state": "pending", "type": "message_in", "livemode": True, "created_at": created, **fields}
    return Delivery.unscoped.create(**about, endpoint=endpoint, **fields)


def attempt(delivery, *, after: float, key: str = "", **fields) -> Attempt:
    sent_at = delivery.event_at + timedelta(seconds=after)
    stamp, message_id = int(sent_at.timestamp()), ids.encode("evt", EVENT)
    headers = {"webhook-id": message_id, "webhook-timestamp": str(stamp), "Authorization": "Bearer of-a-customer"}
    if key:
        headers["webhook-signature"] = signing.sign(key, message_id, stamp, SAID)
    delivery.tries += 1
    delivery.save()
    fields = {"status_code": 500, "error_class": "http_status", "request_headers": headers, "duration_ms": 42, **fields}
    return Attempt.unscoped.create(
        environment=delivery.environment, delivery_id=delivery.pk, endpoint_id=delivery.endpoint_id, event_id=EVENT,
        n=delivery.tries, trigger="auto", sent_at=sent_at, url=URL, **fields,
    )  # fmt: skip


def page(browser: Client, delivery: Delivery, query: str = "") -> str:
    place = reverse("admin:webhooks_delivery_timeline", args=[delivery.pk])
    answer = browser.get(place + query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def titles(page: str) -> list[str]:
    return re.findall(r'<li class="step [^>]*> <h3>([^<]*)</h3>', page)


class TestTheStory:
    def test_is_told_from_the_event_to_the_answer(self, olga, endpoint):
        delivery = queue(endpoint)
        attempt(delivery, after=0.05)
        attempt(delivery, after=5.1, status_code=None, error_class="timeout", duration_ms=15_000)
        attempt(delivery, after=325, status_code=200, error_class="", response_body="thank you")
        delivery.state, delivery.finished_at = "delivered", delivery.event_at + timedelta(seconds=325.04)
        delivery.save()

        shown = page(olga, delivery)

        assert titles(shown) == [
            "It happened", "Queued for this endpoint", "Attempt 1: 500", "Attempt 2: no answer", "Attempt 3: 200",
            "Delivered",
        ]  # fmt: skip
        assert re.findall(r"waited ([^<]*)<", shown) == ["20 ms", "30 ms", "5 s", "5 min 5 s"]
        assert "thank you" in shown
        assert "Its whole answer did not come in time." in shown

    def test_names_the_attempt_to_come(self, olga, endpoint):
        delivery = queue(endpoint, next_attempt_at=timezone.now() + timedelta(minutes=26, seconds=30))
        attempt(delivery, after=0.05)

        shown = page(olga, delivery)

        assert titles(shown)[-1] == "Attempt 2 is next"
        assert re.search(r"In 26 min \d+ s\.", shown)
        assert '<circle class="next"' in shown

    def test_says_since_when_one_is_due(self, olga, endpoint):
        shown = page(olga, queue(endpoint, next_attempt_at=timezone.now() - timedelta(seconds=65)))

        assert re.search(r"Due for 1 min \d+ s: it waits for a free slot\.", shown)

    def test_says_that_the_endpoint_is_left_alone_for_now(self, olga, endpoint):
        Health.unscoped.update(hold_until=timezone.now() + timedelta(minutes=10, seconds=30))

        shown = page(olga, queue(endpoint, next_attempt_at=timezone.now()))

        assert re.search(r"Nothing is sent to this endpoint for another 10 min \d+ s\.", shown)

    @pytest.mark.parametrize(
        ("state", "title"),
        [
            ("exhausted", "Given up"),
            ("quarantined", "Set aside"),
            ("canceled", "Canceled"),
            ("delivering", "Being attempted now"),
        ],
    )
    def test_names_every_ending(self, olga, endpoint, state, title):
        assert titles(page(olga, queue(endpoint, state=state)))[-1] == title

    def test_says_why_nothing_more_is_sent(self, olga, endpoint):
        shown = page(olga, queue(endpoint, state="canceled", canceled_reason="person_erased"))

        assert "The person it is about was erased. Nothing more is sent." in shown

    def test_does_not_call_an_endpoint_active_that_was_deleted(self, olga, endpoint):
        Endpoint.unscoped.update(deleted_at=timezone.now())

        shown = page(olga, queue(endpoint, state="canceled", canceled_reason="endpoint_deleted"))

        assert "dexra</a><br>deleted</dd>" in shown

    @pytest.mark.parametrize(("state", "reason"), [("paused", ""), ("disabled", "gone")])
    def test_says_why_it_is_held(self, olga, endpoint, state, reason):
        Endpoint.unscoped.update(state=state, disabled_reason=reason)

        shown = page(olga, queue(endpoint, next_attempt_at=timezone.now()))

        assert titles(shown)[-1] == "Held"
        assert f"The endpoint is {state}." in shown
        assert ("It answered 410" in shown) == (reason == "gone")

    @pytest.mark.parametrize(
        ("rehearsal", "status", "title"),
        [
            ("bad_signature", 400, "The rehearsal went well"),
            ("bad_signature", 200, "The rehearsal went wrong"),
            ("duplicate", 204, "The rehearsal went well"),
            ("duplicate", 500, "The rehearsal went wrong"),
        ],
    )
    def test_judges_a_rehearsal_by_what_it_is_for(self, olga, endpoint, rehearsal, status, title):
        delivery = queue(endpoint, state="exhausted", rehearsal=rehearsal)
        attempt(delivery, after=0.05, status_code=status)

        shown = page(olga, delivery)

        assert titles(shown)[-1] == title
        assert f'<li class="step {"ok" if title.endswith("well") else "bad"}"> <h3>Attempt 1: {status}' in shown

    def test_says_what_was_wrong_with_a_certificate(self, olga, endpoint):
        delivery = queue(endpoint)
        attempt(delivery, after=5.1, status_code=None, error_class="tls", error_detail="certificate has expired")

        assert "Its certificate, or its TLS, was not accepted. (certificate has expired)" in page(olga, delivery)

    def test_explains_every_error_there_is(self):
        classes = {value for name, value in vars(failures).items() if name.isupper() and isinstance(value, str)}
        classes = {name for name in classes if " " not in name}

        assert len(classes) > 10
        assert classes - set(ERRORS) == {failures.OUR_FAULT}  # which is never written down

    def test_says_how_many_attempts_are_not_shown(self, olga, endpoint):
        delivery = queue(endpoint, tries=3)
        attempt(delivery, after=60)

        assert "3 earlier attempts are not shown here." in page(olga, delivery)

    def test_is_a_table_too(self, olga, endpoint):
        delivery = queue(endpoint)
        attempt(delivery, after=5.1, status_code=None, error_class="dns", remote_ip="")

        row = re.search(r'<tr><th scope="row">1</th>(.*?)</tr>', page(olga, delivery))

        assert row
        assert re.findall(r"<td>([^<]*)</td>", row[1])[1:] == ["5.1 s", "5.1 s", "42 ms", "none", "dns", ""]


class TestTheDrawing:
    @pytest.mark.parametrize(
        ("seconds", "said"),
        [
            (0, "0 ms"), (0.042, "42 ms"), (5, "5 s"), (5.31, "5.3 s"), (59.99, "60 s"), (60, "1 min"),
            (312, "5 min 12 s"), (7200, "2 h"), (7380, "2 h 3 min"), (100_800, "1 d 4 h"),
        ],
    )  # fmt: skip
    def test_says_times_as_people_do(self, seconds, said):
        assert span(seconds) == said

    def test_puts_later_attempts_further_right(self, endpoint):
        delivery = queue(endpoint)
        attempts = [attempt(delivery, after=after) for after in (-1, 0.05, 5, 300, 9e6)]

        places = [float(mark.at.removesuffix("%")) for mark in timeline.draw(delivery, attempts, None).marks]

        assert places == sorted(places)
        assert (places[0], places[-1]) == (0, 100)

    def test_draws_longer_answers_longer(self, endpoint):
        delivery = queue(endpoint)
        attempts = [attempt(delivery, after=n, duration_ms=ms) for n, ms in enumerate((0, 10, 1000, 15_000, 90_000))]

        steps = timeline.draw(delivery, attempts, None).steps[2:-1]
        widths = [float(step.width.removesuffix("%")) for step in steps]

        assert widths == sorted(widths)
        assert (widths[0], widths[-1]) == (0, 100)


class TestTheSignature:
    def test_is_made_again_and_found_right(self, olga, endpoint, secret):
        delivery = queue(endpoint)
        made = attempt(delivery, after=0.05, key=secret.secret)

        shown = page(olga, delivery)

        assert "The signature is right." in shown
        assert "was sent" in shown
        assert made.request_headers["webhook-signature"] in shown
        assert f"{ids.encode('evt', EVENT)}.{made.request_headers['webhook-timestamp']}.{{&quot;type&quot;" in shown

    def test_tells_which_of_two_secrets_signed(self, olga, endpoint, secret):
        newer, delivery = give_secret(endpoint), queue(endpoint)
        attempt(delivery, after=0.05, key=secret.secret)

        marks = re.findall(r"<code>••••(\S{4})</code>.*?<strong>([^<]*)</strong>", page(olga, delivery))

        assert marks == [(newer.secret[-4:], "was not sent"), (secret.secret[-4:], "was sent")]

    def test_of_an_ed25519_endpoint_is_made_again_too(self, olga, endpoint):
        Endpoint.unscoped.update(signature="v1a")
        endpoint.refresh_from_db()
        delivery, secret = queue(endpoint), give_secret(endpoint)
        attempt(delivery, after=0.05, key=secret.secret)

        assert "The signature is right." in page(olga, delivery)

    def test_in_chatwoots_words_is_made_again_too(self, olga, endpoint, secret):
        Endpoint.unscoped.update(dialect="chatwoot")
        endpoint.refresh_from_db()
        delivery = queue(endpoint)
        signature = signing.chatwoot_signature(secret.secret, 1_785_585_600, SAID)
        headers = {"X-Chatwoot-Timestamp": "1785585600", "X-Chatwoot-Signature": signature}
        attempt(delivery, after=0.05, request_headers=headers)

        assert "The signature is right." in page(olga, delivery)

    def test_that_no_kept_secret_makes_is_called_so(self, olga, endpoint, secret):
        delivery = queue(endpoint)
        attempt(delivery, after=0.05, key=signing.new_secret())

        assert "No secret that is kept makes this signature" in page(olga, delivery)

    def test_of_a_rehearsal_is_wrong_on_purpose(self, olga, endpoint, secret):
        delivery = queue(endpoint, rehearsal="bad_signature")
        attempt(delivery, after=0.05, key=signing.new_secret())

        assert "Wrong on purpose" in page(olga, delivery)

    def test_that_is_an_hour_old_is_said_to_be_refused(self, olga, endpoint, secret):
        delivery = queue(endpoint)
        stale = str(int(timezone.now().timestamp()) - 7200)
        attempt(delivery, after=0.05, request_headers={"webhook-id": "evt_1", "webhook-timestamp": stale})

        assert "receivers have to refuse it" in page(olga, delivery)

    def test_is_that_of_the_attempt_asked_for(self, olga, endpoint, secret):
        delivery = queue(endpoint)
        first = attempt(delivery, after=0.05, key=secret.secret)
        attempt(delivery, after=5.1, key=secret.secret)

        assert "The signature of attempt 2" in page(olga, delivery)
        assert first.request_headers["webhook-signature"] in page(olga, delivery, "?attempt=1")
        assert "The signature of attempt 2" in page(olga, delivery, "?attempt=%00nonsense")

    def test_cannot_be_made_again_once_a_person_was_erased(self, olga, endpoint, secret):
        delivery = queue(endpoint, said=b"")
        attempt(delivery, after=0.05, key=secret.secret)

        shown = page(olga, delivery)

        assert "The body was erased with the person it was about, so the signature cannot be made again." in shown
        assert "0 bytes" not in shown

    def test_cannot_be_made_again_without_the_key_that_opens_the_secret(self, olga, endpoint, secret):
        delivery = queue(endpoint)
        attempt(delivery, after=0.05, key=secret.secret)
        Secret.unscoped.update(secret=Value("sealed with a key that is lost"))

        assert "No key in DEXRA_ENCRYPTION_KEY opens it." in page(olga, delivery)
        assert "No key in DEXRA_ENCRYPTION_KEY opens it." in olga.get(list_url(Secret)).content.decode()

    def test_of_what_is_too_old_says_so(self, olga, endpoint, secret):
        delivery = queue(endpoint, said=b"")
        attempt(delivery, after=0.05, key=secret.secret)
        Body.unscoped.all().delete()

        assert "The body is too old to be kept, so the signature cannot be made again." in page(olga, delivery)


class TestTheBody:
    def test_that_was_erased_is_said_to_be_and_nothing_can_be_sent_again(self, olga, endpoint):
        shown = page(olga, queue(endpoint, said=b"", state="exhausted"))

        assert shown.count("It was erased with the person it was about.") == 2
        assert "so nothing can be sent again" in shown
        assert "Send again" not in shown

    def test_that_is_there_can_be_sent_again(self, olga, endpoint):
        shown = page(olga, queue(endpoint, state="exhausted"))

        assert "Send again" in shown
        assert "nothing can be sent again" not in shown


class TestWhatItKeepsToItself:
    def test_are_secrets_and_a_customers_own_headers(self, olga, endpoint, secret):
        delivery = queue(endpoint)
        attempt(delivery, after=0.05, key=secret.secret)

        for place in ("timeline", "change"):
            shown = olga.get(reverse(f"admin:webhooks_delivery_{place}", args=[delivery.pk])).content.decode()
            for hidden in (secret.secret, "of-a-customer", "in-the-query"):
                assert hidden not in shown

    def test_is_everything_for_strangers_and_members(self, endpoint, ada):
        place = reverse("admin:webhooks_delivery_timeline", args=[queue(endpoint).pk])
        member = Client()
        member.force_login(ada)

        for browser in (Client(), member):
            answer = browser.get(place)
            assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/")

    def test_is_never_run_nor_styled_by_what_a_receiver_answered(self, olga, endpoint):
        delivery = queue(endpoint)
        attempt(delivery, after=0.05, response_body="<script>alert(1)</script><style>*{}</style>", error_class="<b>")

        shown = page(olga, delivery)

        assert not re.findall(r"<style|<script(?![^>]*src)|\sstyle=|<b>", shown)
        assert "&lt;script&gt;" in shown

    def test_is_nothing_at_all_of_a_delivery_that_is_not_there(self, olga):
        for unknown in (999_999, "nonsense"):
            assert olga.get(reverse("admin:webhooks_delivery_timeline", args=[unknown])).status_code == 404
