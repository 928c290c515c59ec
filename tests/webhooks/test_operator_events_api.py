"""What happens to endpoints is in ``GET /v1/events``, like everything else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.times import iso
from dexra import openapi
from events import log
from events.models import LoggedEvent
from tests.webhooks.customers import open_endpoint
from webhooks import events

KINDS = [
    events.EndpointFailing, events.EndpointRecovered, events.EndpointDisabled, events.DeliveryExhausted,
    events.EndpointTest,
]  # fmt: skip


@pytest.fixture
def endpoint(live):
    return open_endpoint(live)


@pytest.fixture
def happened(endpoint):
    log.publish(*[events.about(endpoint, kind) for kind in KINDS])
    return [kind.type for kind in KINDS]


def types(api, **query):
    return [each["type"] for each in api.get("/v1/events", **query).json()["data"]]


class TestOperatorEvents:
    def test_are_listed_newest_first(self, api, endpoint, happened):
        assert types(api) == happened[::-1]
        assert api.get("/v1/events").json()["data"][0]["data"]["endpoint_id"] == endpoint.public_id

    def test_are_found_by_type(self, api, happened):
        assert types(api, types="endpoint_disabled,delivery_exhausted") == ["delivery_exhausted", "endpoint_disabled"]

    def test_are_found_by_time(self, api, happened):
        LoggedEvent.unscoped.filter(type="endpoint_failing").update(occurred_at=timezone.now() - timedelta(hours=2))
        an_hour_ago = iso(timezone.now() - timedelta(hours=1))

        assert "endpoint_failing" not in types(api, since=an_hour_ago)
        assert len(types(api, since=an_hour_ago)) == len(KINDS) - 1

    def test_are_nobody_elses(self, stranger, happened):
        assert types(stranger) == []

    def test_are_described(self):
        described = openapi.document()["components"]["schemas"]["Event"]["properties"]["type"]["enum"]

        assert {kind.type for kind in KINDS} <= set(described)
