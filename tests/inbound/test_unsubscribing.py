"""The way out of newsletters: a page that changes nothing, and a click that does."""

import pytest

from contacts.models import Suppression
from contacts.signing import unsubscribing
from core import crypto, logs, tenancy

AMINE = "amine@example.test"


@pytest.fixture
def path(live):
    """Amine's way out of Acme's newsletters."""
    return "/u/" + unsubscribing.unsubscribe_url(live.pk, "email", AMINE).rpartition("/u/")[2]


def suppressed():
    with tenancy.everyone():  # a request leaves the connection to nobody
        return list(Suppression.unscoped.values_list("environment_id", "channel", "address", "scope", "reason"))


def test_following_the_link_changes_nothing(client, path):
    page = client.get(path)

    assert page.status_code == 200
    assert b'<form method="post">' in page.content
    assert AMINE.encode() in page.content
    assert b"Acme" in page.content
    assert suppressed() == []


@pytest.mark.parametrize("body", [{"List-Unsubscribe": "One-Click"}, {}])
def test_a_click_unsubscribes_without_cookies(client, path, live, body):
    client.handler.enforce_csrf_checks = True

    page = client.post(path, body)

    assert page.status_code == 200
    assert b"You are unsubscribed" in page.content
    assert suppressed() == [(live.pk, "email", AMINE, "marketing", "unsubscribed")]


def test_a_second_click_is_as_good(client, path):
    assert [client.post(path).status_code for _ in range(2)] == [200, 200]
    assert len(suppressed()) == 1


@pytest.mark.parametrize("token", ["", "x", "é", "gAAAAABm" * 20, "a" * 5000])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_address_made_up_leads_nowhere(client, live, token, method):
    assert getattr(client, method)(f"/u/{token}").status_code == 404
    assert suppressed() == []


@pytest.mark.parametrize("secret", ["anything", '{"a": 1}', '["another", 1, "email", "a@b.test"]', "[1,2]", "1"])
def test_another_secret_of_ours_is_no_way_out(client, live, secret):
    assert client.post(f"/u/{crypto.encrypt(secret)}").status_code == 404


def test_an_environment_that_is_gone_has_no_newsletters(client, live):
    path = "/u/" + unsubscribing.unsubscribe_url(live.pk + 10_000, "email", AMINE).rpartition("/u/")[2]

    assert client.post(path).status_code == 404


def test_the_address_says_nothing_to_others(path):
    assert AMINE not in path
    assert logs.loggable_path(path) == "/u/…"


def test_the_page_is_kept_by_nobody_and_loads_nothing(client, path):
    page = client.get(path)

    assert page["Cache-Control"] == "no-store"
    assert page["Content-Security-Policy"].startswith("default-src 'none'")
    assert client.put(path).status_code == 405
