"""Operators find deliveries by their state, lane, endpoint, event and ids, and get from each to the others."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.services import contacts
from core import ids, tenancy
from events.models import LoggedEvent
from tests.dexra import operating
from tests.dexra.operating import list_url, page_url
from webhooks.models import Attempt, Body, Delivery, Endpoint, Health

EVENT = 77


@pytest.fixture
def olga(live):
    """An operator's browser."""
    return operating.operator_client()[0]


def make_endpoint(environment, **fields) -> Endpoint:
    health = {name: fields.pop(name) for name in ("told_stage", "hold_until", "in_flight_cap") if name in fields}
    endpoint = Endpoint.unscoped.create(environment=environment, url="https://hooks.acme.test/?token=secret", **fields)
    Health.unscoped.create(environment=environment, endpoint=endpoint, **health)
    return endpoint


def queue(endpoint, *, event: int = EVENT, **fields) -> Delivery:
    now = timezone.now()
    fields = {"livemode": endpoint.environment.livemode, "next_attempt_at": now, "type": "message_in", **fields}
    return Delivery.unscoped.create(
        environment=endpoint.environment, endpoint=endpoint, event_id=event, event_at=now, **fields
    )


def listed(browser, model, query: str) -> set[int]:
    answer = browser.get(f"{list_url(model)}?{query}")
    assert answer.status_code == 200
    return {row.pk for row in answer.context["cl"].result_list}


class TestDeliveries:
    def test_are_found_by_the_state_people_see(self, olga, live):
        told, paused = make_endpoint(live), make_endpoint(live, state="paused")
        resting = make_endpoint(live, hold_until=timezone.now() + timedelta(hours=1))
        long_ago: Any = {"next_attempt_at": timezone.now() - timedelta(minutes=1)}
        new, late = queue(told), queue(told, event=78, **long_ago)
        held, left_alone = queue(paused, **long_ago), queue(resting, **long_ago)
        failed, delivered = queue(told, event=79, state="exhausted"), queue(told, event=80, state="delivered")

        found = {state: listed(olga, Delivery, f"state={state}") for state in ("pending", "late", "held")}

        assert found == {"pending": {new.pk, late.pk, left_alone.pk}, "late": {late.pk}, "held": {held.pk}}
        assert listed(olga, Delivery, "state=exhausted") == {failed.pk}
        assert listed(olga, Delivery, "state=delivered") == {delivered.pk}

    def test_are_shown_in_the_state_people_see(self, olga, live):
        queue(make_endpoint(live, state="disabled"))

        assert re.search(r'field-standing">held<', olga.get(list_url(Delivery)).content.decode())

    def test_are_found_by_their_lane(self, olga, live, sandbox):
        first, retry = queue(make_endpoint(live)), queue(make_endpoint(live), tries=2)
        rehearsed = queue(make_endpoint(sandbox), tries=1)

        lanes = {lane: listed(olga, Delivery, f"lane={lane}") for lane in ("first", "retry", "sandbox")}

        assert lanes == {"first": {first.pk}, "retry": {retry.pk}, "sandbox": {rehearsed.pk}}

    def test_are_found_by_type_in_either_dialect_and_by_error(self, olga, live):
        endpoint = make_endpoint(live)
        ours = queue(endpoint, last_error="timeout")
        theirs = queue(endpoint, type="message_created", last_error="dns")

        assert listed(olga, Delivery, "type=message_in") == {ours.pk}
        assert listed(olga, Delivery, "type=message_created&last_error=dns") == {theirs.pk}

    def test_are_found_by_every_id_they_have_to_do_with(self, olga, live):
        endpoint = make_endpoint(live)
        delivery = queue(endpoint, conversation_id=5)
        queue(make_endpoint(live), event=78, conversation_id=6)

        for public_id in (delivery.public_id, endpoint.public_id, ids.encode("evt", EVENT), ids.encode("conv", 5)):
            assert listed(olga, Delivery, f"q={public_id}") == {delivery.pk}

    def test_do_not_show_what_follows_a_url(self, olga, live):
        queue(make_endpoint(live))

        for model in (Delivery, Endpoint, Health):
            assert "token=secret" not in olga.get(list_url(model)).content.decode()


class TestEndpoints:
    def test_are_found_by_whether_they_fail(self, olga, live):
        well, failing = make_endpoint(live), make_endpoint(live, told_stage=1)
        make_endpoint(live, state="disabled", told_stage=3)

        assert listed(olga, Endpoint, "state=failing") == {failing.pk}
        assert listed(olga, Endpoint, "state=active") == {well.pk, failing.pk}

    def test_that_were_deleted_say_so(self, olga, live):
        deleted = make_endpoint(live)
        Endpoint.unscoped.filter(pk=deleted.pk).update(deleted_at=timezone.now())

        assert re.search(r'field-standing">Deleted<', olga.get(list_url(Endpoint)).content.decode())
        assert listed(olga, Endpoint, "state=deleted") == {deleted.pk}
        assert listed(olga, Endpoint, "state=active") == set()

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"state": "disabled", "disabled_reason": "gone"}, "Disabled: it answered 410"),
            ({"state": "disabled", "disabled_reason": "failing"}, "Disabled: it failed for days"),
            ({"state": "paused"}, "Paused"),
        ],
    )
    def test_say_why_they_are_disabled_beside_their_id(self, olga, live, fields, said):
        Endpoint.unscoped.filter(pk=make_endpoint(live).pk).update(**fields)

        shown = olga.get(list_url(Endpoint)).content.decode()

        assert re.search(rf'</th><td class="field-standing">{said}<', shown)

    @pytest.mark.parametrize(
        ("captures", "said"), [(True, "Yes: requests are signed and shown, but not sent"), (False, "No")]
    )
    def test_say_in_words_whether_they_capture(self, olga, live, captures, said):
        endpoint = make_endpoint(live)
        Endpoint.unscoped.update(captures=captures)

        shown = olga.get(page_url(endpoint)).content.decode()

        assert f">{said}</div>" in shown
        assert "icon-no" not in shown

    def test_are_found_by_how_many_they_take_at_a_time(self, olga, live):
        slowed, resting = make_endpoint(live, in_flight_cap=2), timezone.now() + timedelta(hours=1)
        held = make_endpoint(live, hold_until=resting)

        assert listed(olga, Health, "state=slowed") == {slowed.pk}
        assert listed(olga, Health, "state=held") == {held.pk}


class TestHealth:
    def test_leads_from_an_endpoints_id_to_how_it_does(self, olga, live):
        endpoint = make_endpoint(live)
        Health.unscoped.update(consecutive_failures=7, last_error="dns")

        shown = olga.get(list_url(Health)).content.decode()

        assert re.search(rf'<a href="{page_url(endpoint.health)}[^"]*">{endpoint.public_id}</a>', shown)
        assert 'field-failures">7<' in shown


class TestTheWay:
    """From an event to its deliveries, their attempts, their body and back."""

    def follow(self, olga, page: str, label: str) -> set[int]:
        found = re.search(rf'href="([^"]*)">{label}</a>', olga.get(page).content.decode())
        assert found is not None, label
        answer = olga.get(found[1].replace("&amp;", "&"))
        return {row.pk for row in answer.context["cl"].result_list}

    def test_leads_from_an_event_to_what_was_made_of_it(self, olga, live):
        with tenancy.everyone():
            contacts.create(environment=live, fields={"name": "Amine"})
            event = LoggedEvent.unscoped.latest("id")
            delivery = queue(make_endpoint(live), event=event.pk)
            queue(delivery.endpoint, event=event.pk + 1)
            body = Body.unscoped.create(
                environment=live, event_id=event.pk, event_at=event.occurred_at, dialect="dexra", type="user_created",
                content=b"{}",
            )  # fmt: skip

        assert self.follow(olga, page_url(event), "Webhook deliveries") == {delivery.pk}
        assert self.follow(olga, page_url(event), "Webhook bodies") == {body.pk}

    def test_leads_from_an_endpoint_to_its_deliveries_and_attempts(self, olga, live):
        delivery = queue(make_endpoint(live))
        queue(make_endpoint(live))
        attempt = Attempt.unscoped.create(
            environment=live, delivery_id=delivery.pk, endpoint_id=delivery.endpoint_id, event_id=EVENT, n=1,
            trigger="auto", sent_at=timezone.now(), duration_ms=1, url="https://hooks.acme.test/", status_code=503,
        )  # fmt: skip

        assert self.follow(olga, page_url(delivery.endpoint), "Webhook deliveries") == {delivery.pk}
        assert self.follow(olga, page_url(delivery.endpoint), "Webhook attempts") == {attempt.pk}
        assert self.follow(olga, page_url(delivery), "Webhook attempts") == {attempt.pk}
        assert listed(olga, Attempt, "answer=5xx") == {attempt.pk}
        assert listed(olga, Attempt, "answer=none") == set()

    @pytest.mark.parametrize("kind", ["delivery", "endpoint"])
    def test_leads_from_an_id_pasted_anywhere_to_its_page(self, olga, live, kind):
        delivery = queue(make_endpoint(live))
        row = delivery if kind == "delivery" else delivery.endpoint

        found = olga.get(reverse("admin:find"), {"q": row.public_id})

        assert (found.status_code, found.url) == (302, page_url(row))
