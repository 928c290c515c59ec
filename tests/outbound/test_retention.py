"""Attempts are not kept for ever; what became of a message is."""

from datetime import timedelta

import pytest
from django.utils import timezone

from outbound import tasks
from outbound.models import Attempt, Dispatch
from outbound.services import retention
from tests.outbound.messaging import PHONE, open_on, text_to


@pytest.fixture
def said(api, live):
    open_on(live, "sms")
    return api.post("/v1/send-message", text_to(PHONE, "sms")).json()


@pytest.fixture
def tried(live, said):
    """Have a message been tried some days ago."""

    def have(days, n=1, state="deferred"):
        at = timezone.now() - timedelta(days=days)
        return Attempt.unscoped.create(
            environment=live, dispatch=Dispatch.unscoped.get(), n=n, state=state, started_at=at
        )

    return have


def test_old_attempts_go_and_young_ones_stay(tried):
    tried(31, 1)
    young = tried(29, 2)

    assert retention.purge() == 1

    assert list(Attempt.unscoped.all()) == [young]


def test_operators_say_how_long(tried, settings):
    settings.ATTEMPT_RETENTION_DAYS = 7
    tried(8)

    assert retention.purge() == 1


def test_more_than_fits_into_one_piece_goes_too(tried, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for n in range(5):
        tried(40, n + 1)

    assert retention.purge() == 5


def test_what_was_never_closed_stays(tried):
    tried(40, state="open")

    assert retention.purge() == 0


def test_the_message_still_says_where_it_went(api, said, tried):
    tried(40)
    before = api.get(f"/v1/messages/{said['id']}").json()

    tasks.purge()

    after = api.get(f"/v1/messages/{said['id']}").json()
    assert before["attempts"]
    assert after == {**before, "attempts": []}
    assert after["recipient_id"] == PHONE
