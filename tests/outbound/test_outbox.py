"""``GET /v1/sandbox/outbox``: what would have been sent, as the provider would have got it."""

import pytest

from outbound.models import Attempt
from tests.conftest import mint
from tests.inbound.callers import PROVIDERS, open_carried
from tests.outbound.working import at_work, say, settled
from tests.servers import Server, wrong_fields

OUTBOX = "/v1/sandbox/outbox"


@pytest.fixture
def test_api(sandbox):
    return Server(mint(sandbox))


@pytest.fixture
def entry(sandbox):
    """Have something be in the outbox, without an engine; returns its attempt."""

    def put(provider="telegram", address="42", **request):
        dispatch = say(open_carried(sandbox, provider), address)
        shown = {"method": "POST", "url": "https://api.example.com/send", "headers": {}, "body": "{}", **request}
        return Attempt.unscoped.create(environment=sandbox, dispatch=dispatch, n=1, state="sent", request=shown)

    return put


class TestEntries:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_show_the_exact_request_and_no_secret(self, test_api, sandbox, provider):
        inbox = open_carried(sandbox, provider)
        address = {"telegram": "42", "line": "U" + "0" * 32, "email": "amine@example.test"}.get(
            provider, "+212600000001"
        )
        with at_work():
            settled([say(inbox, address, "Hello there", mail={"subject": "Hi"})])

        [shown] = test_api.get(OUTBOX).json()["data"]

        assert "Hello" in shown["request"]["body"]
        assert shown["request"]["url"]
        assert (shown["channel"], shown["recipient_id"], shown["outcome"]["state"]) == (inbox.channel, address, "sent")
        secret = [value for name, value in inbox.settings.items() if name.endswith(("token", "secret", "password"))]
        assert not [each for each in secret if each in str(shown)]

    def test_are_listed_newest_first_and_page_by_page(self, test_api, entry):
        first, second = entry(address="1"), entry(address="2")

        page = test_api.get(f"{OUTBOX}?limit=1").json()
        rest = test_api.get(f"{OUTBOX}?limit=1&cursor={page['next_cursor']}").json()

        assert [each["recipient_id"] for each in page["data"] + rest["data"]] == ["2", "1"]
        assert first.pk < second.pk

    @pytest.mark.parametrize("name", ["channel", "recipient_id", "message_id", "inbox_id"])
    def test_are_found_by_what_they_are_about(self, test_api, entry, name):
        entry("telegram", "1")
        wanted = entry("line", "U" + "0" * 32)
        [shown] = [each for each in test_api.get(OUTBOX).json()["data"] if each["recipient_id"] != "1"]

        [found] = test_api.get(f"{OUTBOX}?{name}={shown[name]}").json()["data"]

        assert found == shown
        assert found["message_id"] == wanted.dispatch.message.public_id

    def test_leave_out_what_never_left(self, test_api, entry, sandbox):
        Attempt.unscoped.filter(pk=entry().pk).update(request=None)

        assert test_api.get(OUTBOX).json()["data"] == []

    def test_are_none_for_an_id_that_is_nobody_s(self, test_api, entry):
        entry()

        assert test_api.get(f"{OUTBOX}?message_id=msg_nothing").json()["data"] == []


class TestDoor:
    def test_is_not_there_with_a_live_key(self, api):
        assert api.get(OUTBOX).status_code == 404

    def test_is_closed_without_a_key(self, db):
        assert Server(None).get(OUTBOX).status_code == 401

    def test_shows_strangers_nothing(self, entry, sandbox, globex):
        entry()
        elsewhere = type(sandbox).objects.get(account=globex.account, kind="sandbox")

        assert Server(mint(elsewhere)).get(OUTBOX).json()["data"] == []

    def test_names_a_wrong_filter(self, test_api):
        assert wrong_fields(test_api.get(f"{OUTBOX}?channel=pigeon")) == {"channel": "unknown_value"}
