"""``/v1/webhook-endpoints/{id}/rotate-secret``"""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from tests.servers import wrong_fields
from tests.webhooks.customers import make_endpoint
from webhooks.models import Secret

ALL = "/v1/webhook-endpoints"


@pytest.fixture
def made(api):
    return make_endpoint(api)


@pytest.fixture
def path(made):
    return f"{ALL}/{made['id']}/rotate-secret"


def lives():
    """Return for how many hours each secret is still valid, oldest first; None: for ever."""
    now = timezone.now()
    found = [secret.expires_at for secret in Secret.unscoped.order_by("id")]
    return [None if end is None else round((end - now) / timedelta(hours=1)) for end in found]


class TestRotate:
    def test_answers_with_a_new_secret_and_keeps_the_old_for_a_day(self, api, made, path):
        answer = api.post(path)

        assert answer.status_code == 200
        assert answer.json()["secret"].startswith("whsec_")
        assert answer.json()["secret"] != made["secret"]
        assert lives() == [24, None]

    @pytest.mark.parametrize(("grace", "left"), [(7200, 2), (604_800, 168)])
    def test_keeps_the_old_as_long_as_asked(self, api, path, grace, left):
        api.post(path, {"grace_seconds": grace})

        assert lives() == [left, None]

    def test_without_grace_stops_every_old_one_at_once(self, api, path):
        api.post(path)
        api.post(path, {"grace_seconds": 0})

        now = timezone.now()
        assert [s.expires_at is None or s.expires_at > now for s in Secret.unscoped.order_by("id")] == [
            False, False, True
        ]  # fmt: skip

    def test_lets_no_old_one_live_longer_than_it_would_have(self, api, path):
        api.post(path, {"grace_seconds": 3600})
        api.post(path, {"grace_seconds": 604_800})

        assert lives() == [1, 168, None]

    def test_refuses_a_sixth_and_says_until_when(self, api, path):
        for _ in range(4):
            assert api.post(path).status_code == 200

        answer = api.post(path)

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_secrets")
        assert "expires at 20" in answer.json()["error"]["message"]
        assert Secret.unscoped.count() == 5

    def test_takes_a_sixth_once_one_has_expired_or_all_old_ones_stop(self, api, path):
        for _ in range(4):
            api.post(path)
        Secret.unscoped.filter(pk=Secret.unscoped.earliest("id").pk).update(expires_at=timezone.now())

        assert api.post(path).status_code == 200
        assert api.post(path, {"grace_seconds": 0}).status_code == 200

    def test_changes_the_public_key_of_a_key_pair(self, api):
        made = make_endpoint(api, signature="v1a")

        rotated = api.post(f"{ALL}/{made['id']}/rotate-secret").json()

        assert rotated["public_key"] != made["public_key"]
        assert "secret" not in rotated

    def test_is_in_the_audit_log_without_the_secret(self, api, path):
        secret = api.post(path).json()["secret"]

        entry = AuditEntry.unscoped.get(action="webhook_endpoint.secret_rotated")
        assert secret not in str(entry.changes)

    @pytest.mark.parametrize(
        ("grace", "code"), [(-1, "out_of_range"), (604_801, "out_of_range"), ("1", "invalid"), (None, "required")]
    )
    def test_names_a_wrong_grace(self, api, path, grace, code):
        assert wrong_fields(api.post(path, {"grace_seconds": grace})) == {"grace_seconds": code}

    def test_gives_strangers_nothing(self, stranger, path):
        assert stranger.post(path).status_code == 404
        assert Secret.unscoped.count() == 1
