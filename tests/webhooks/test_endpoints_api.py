"""``/v1/webhook-endpoints``: made, looked at, changed, taken away."""

import base64
import json

import pytest
from django.db import connection
from django.db.models import Value
from django.utils import timezone

from accounts.models import AuditEntry
from tests.conftest import mint, open_inbox
from tests.servers import Server, at_once, wrong_fields
from tests.webhooks.customers import URL, make_endpoint, open_endpoint, row_of
from webhooks.models import Endpoint, Health, Secret

ALL = "/v1/webhook-endpoints"


@pytest.fixture
def made(api):
    return make_endpoint(api)


@pytest.fixture
def path(made):
    return f"{ALL}/{made['id']}"


@pytest.fixture
def tester(sandbox):
    """Acme's server with a key of the sandbox."""
    return Server(mint(sandbox))


def rows(environment, count, **fields):
    return [Endpoint.unscoped.create(environment=environment, url=f"{URL}/{place}", **fields) for place in range(count)]


class TestCreate:
    def test_makes_one_that_is_told_everything(self, api):
        made = make_endpoint(api)

        assert made["id"].startswith("whe_")
        shown = {name: made[name] for name in ("object", "url", "events", "state", "dialect", "signature", "livemode")}
        assert shown == {
            "object": "webhook_endpoint", "url": URL, "events": [], "state": "active", "dialect": "dexra",
            "signature": "v1", "livemode": True,
        }  # fmt: skip
        assert (made["disabled_reason"], made["public_key"], made["inbox_id"]) == (None, None, None)
        assert (made["max_in_flight"], made["rate_per_second"], made["captures"]) == (10, None, False)
        assert made["health"] == {
            "consecutive_failures": 0, "failing_since": None, "last_success_at": None, "last_failure_at": None,
            "last_error": None, "signing_failed_at": None, "hold_until": None, "in_flight_cap": 10,
        }  # fmt: skip

    def test_keeps_what_was_asked_for(self, api):
        asked = {
            "events": ["message_in", "endpoint_disabled"], "description": "The shop", "max_in_flight": 3,
            "rate_per_second": 0.5,
        }  # fmt: skip

        made = make_endpoint(api, **asked)

        assert {name: made[name] for name in asked} == asked
        assert made["health"]["in_flight_cap"] == 3

    def test_shows_a_secret_of_32_bytes_this_once(self, api):
        made = make_endpoint(api)

        assert made["secret"].startswith("whsec_")
        assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
        assert "secret" not in api.get(f"{ALL}/{made['id']}").json()
        assert made["secret"] not in json.dumps(api.get(ALL).json())
        assert Secret.unscoped.get(endpoint=row_of(made)).secret == made["secret"]

    def test_keeps_neither_secrets_nor_custom_headers_as_they_are_written(self, api):
        made = make_endpoint(api, custom_headers={"X-Shop-Key": "correct horse"})

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT endpoint::text, secret::text FROM webhooks_endpoint AS endpoint"
                " JOIN webhooks_secret AS secret ON secret.endpoint_id = endpoint.id"
            )
            [(endpoint, secret)] = cursor.fetchall()
        assert made["url"] in endpoint
        assert "correct horse" not in endpoint
        assert made["secret"].removeprefix("whsec_") not in secret

    def test_shows_the_public_half_of_a_key_pair_and_never_the_other(self, api):
        made = make_endpoint(api, signature="v1a")

        assert "secret" not in made
        assert len(base64.b64decode(made["public_key"].removeprefix("whpk_"))) == 32
        assert api.get(f"{ALL}/{made['id']}").json()["public_key"] == made["public_key"]
        assert api.get(ALL).json()["data"][0]["public_key"] == made["public_key"]
        assert "whsk_" not in json.dumps(made)

    def test_shows_no_public_half_when_the_key_pair_cannot_be_opened(self, api):
        make_endpoint(api, signature="v1a")
        Secret.unscoped.update(secret=Value("sealed with a key that is lost"))

        assert api.get(ALL).json()["data"][0]["public_key"] is None

    def test_masks_the_values_of_custom_headers(self, api):
        made = make_endpoint(api, custom_headers={"Authorization": "Bearer correct-horse", "X-Shop": "7"})

        assert made["custom_headers"] == {"Authorization": "••••orse", "X-Shop": "••••"}
        assert row_of(made).custom_headers["Authorization"] == "Bearer correct-horse"

    def test_takes_the_same_url_twice(self, api):
        first, second = make_endpoint(api), make_endpoint(api)

        assert first["id"] != second["id"]
        assert first["secret"] != second["secret"]

    def test_names_each_type_once(self, api):
        assert make_endpoint(api, events=["message_in", "message_in"])["events"] == ["message_in"]

    def test_is_in_the_audit_log_without_tokens(self, api):
        make_endpoint(api, url=f"{URL}?token=correct-horse", custom_headers={"X-Key": "battery"})

        entry = AuditEntry.unscoped.get(action="webhook_endpoint.created")
        assert entry.actor_type == "api"
        assert entry.changes["url"]["to"] == f"{URL}?••••"
        assert "battery" not in json.dumps(entry.changes)

    def test_answers_the_same_to_the_same_request(self, api):
        first, second = (api.post(ALL, {"url": URL}, idempotency_key="one") for _ in range(2))

        assert first.json() == second.json()
        assert second["Idempotent-Replayed"] == "true"
        assert Endpoint.unscoped.count() == 1

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({}, {"url": "required"}),
            ({"url": ""}, {"url": "required"}),
            ({"url": 5, "events": "message_in", "description": "x" * 256},
             {"url": "invalid", "events": "invalid", "description": "too_long"}),
            ({"url": "ftp://93.184.216.34/"}, {"url": "not_a_url"}),
            ({"url": "http://93.184.216.34/"}, {"url": "https_required"}),
            ({"url": "https://10.0.0.1/"}, {"url": "private_address"}),
            ({"url": "https://me:pw@93.184.216.34/"}, {"url": "credentials_in_url"}),
            ({"url": "https://93.184.216.34:22/"}, {"url": "port"}),
            ({"url": URL, "events": ["message_in", "message_sent", "endpoint_test"]},
             {"events.1": "unknown_event", "events.2": "unknown_event"}),
            ({"url": URL, "events": [5]}, {"events.0": "invalid"}),
            ({"url": URL, "events": [5, "message_in", "x" * 61, "message_sent"]},
             {"events.0": "invalid", "events.2": "too_long", "events.3": "unknown_event"}),
            ({"url": URL, "dialect": "latin", "signature": "md5"},
             {"dialect": "unknown_value", "signature": "unknown_value"}),
            ({"url": URL, "dialect": "chatwoot", "signature": "v1a"}, {"signature": "not_in_dialect"}),
            ({"url": URL, "dialect": "chatwoot", "events": ["message_in"]}, {"events.0": "unknown_event"}),
            ({"url": URL, "custom_headers": []}, {"custom_headers": "invalid"}),
            ({"url": URL, "custom_headers": {"X-A": 5, "webhook-id": "x"}},
             {"custom_headers.X-A": "invalid", "custom_headers.webhook-id": "forbidden"}),
            ({"url": "https://10.0.0.1/", "events": ["x"], "captures": True, "custom_headers": {"Host": "x"},
              "max_in_flight": "many", "description": 5},
             {"url": "private_address", "events.0": "unknown_event", "captures": "sandbox_only",
              "custom_headers.Host": "forbidden", "max_in_flight": "invalid", "description": "invalid"}),
            ({"events": ["x"], "max_in_flight": 0},
             {"url": "required", "events.0": "unknown_event", "max_in_flight": "out_of_range"}),
            ({"url": URL, "dialect": "latin", "events": ["message_created"]}, {"dialect": "unknown_value"}),
            ({"url": URL, "custom_headers": {"webhook-id": "x", "Host": "x", "X\n": "x", "X-B": "x\r\n"}},
             {"custom_headers.webhook-id": "forbidden", "custom_headers.Host": "forbidden",
              "custom_headers.X\n": "invalid_characters", "custom_headers.X-B": "invalid_characters"}),
            ({"url": URL, "max_in_flight": 0, "rate_per_second": 0.05},
             {"max_in_flight": "out_of_range", "rate_per_second": "out_of_range"}),
            ({"url": URL, "max_in_flight": 101, "rate_per_second": 1000.5},
             {"max_in_flight": "out_of_range", "rate_per_second": "out_of_range"}),
            ({"url": URL, "max_in_flight": 1.5, "rate_per_second": "5", "captures": "yes"},
             {"max_in_flight": "invalid", "rate_per_second": "invalid", "captures": "invalid"}),
            ({"url": URL, "captures": True}, {"captures": "sandbox_only"}),
            ({"url": "http://10.0.0.1/", "events": ["x"], "captures": True, "custom_headers": {"Host": "x"}},
             {"url": "private_address", "events.0": "unknown_event", "captures": "sandbox_only",
              "custom_headers.Host": "forbidden"}),
        ],
    )  # fmt: skip
    def test_names_every_wrong_field(self, api, body, wrong):
        assert wrong_fields(api.post(ALL, body)) == wrong
        assert not Endpoint.unscoped.exists()

    def test_lists_the_types_there_are(self, api):
        known = api.post(ALL, {"url": URL, "events": ["x"]}).json()["error"]["message"]
        theirs = api.post(ALL, {"url": URL, "events": ["x"], "dialect": "chatwoot"}).json()["error"]["message"]

        assert all(name in known for name in ("message_in", "user_updated", "conversation_closed", "endpoint_disabled"))
        assert "conversation_status_changed" in theirs
        assert "message_in" not in theirs

    def test_refuses_a_fifty_first(self, api, live):
        rows(live, 50)

        answer = api.post(ALL, {"url": URL})

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_endpoints")

    def test_counts_neither_deleted_ones_nor_those_of_inboxes_nor_strangers(self, api, live, globex, inbox):
        rows(live, 49)
        rows(live, 5, deleted_at=timezone.now())
        rows(globex, 50)
        Endpoint.unscoped.create(environment=live, url=URL, inbox=inbox)

        assert api.post(ALL, {"url": URL}).status_code == 201

    def test_takes_plain_http_and_captures_in_the_sandbox(self, tester):
        made = make_endpoint(tester, url="http://93.184.216.34:8080/in", captures=True)

        assert (made["livemode"], made["captures"]) == (False, True)


@pytest.mark.django_db(transaction=True)
def test_no_two_at_once_make_fifty_one(api, live):
    for row in rows(live, 49):
        Health.unscoped.create(environment=live, endpoint=row)

    answers = at_once(*[lambda: api.post(ALL, {"url": URL}).status_code] * 4)

    assert sorted(answers) == [201, 409, 409, 409]


class TestRead:
    def test_lists_and_looks_up(self, api, made, path):
        shown = {name: value for name, value in made.items() if name != "secret"}

        assert api.get(path).json() == shown
        assert api.get(ALL).json()["data"] == [shown]

    def test_pages(self, api):
        made = [make_endpoint(api)["id"] for _ in range(3)]

        first = api.get(ALL, limit=2, include="total").json()
        second = api.get(ALL, limit=2, cursor=first["next_cursor"]).json()

        assert [each["id"] for each in first["data"] + second["data"]] == made[::-1]
        assert (first["total"], second["has_more"]) == (3, False)

    def test_asks_the_database_as_often_for_many_as_for_one(self, api, django_assert_max_num_queries):
        for _ in range(5):
            make_endpoint(api, signature="v1a")

        with django_assert_max_num_queries(8):
            assert len(api.get(ALL).json()["data"]) == 5

    def test_shows_strangers_and_the_other_environment_nothing(self, stranger, tester, path):
        for other in (stranger, tester):
            assert other.get(ALL).json()["data"] == []
            for answer in (other.get(path), other.patch(path, {"state": "paused"}), other.delete(path)):
                assert answer.status_code == 404

    @pytest.mark.parametrize("name", ["whe_x", "nothing", "inb_1", "%00"])
    def test_knows_none_by_a_wrong_name(self, api, name):
        assert api.get(f"{ALL}/{name}").status_code == 404

    def test_wants_a_scope(self, live, made, path):
        reader, writer = Server(mint(live, "webhooks:read")), Server(mint(live, "webhooks:write"))

        assert reader.get(path).status_code == 200
        assert reader.patch(path, {"description": "x"}).json()["error"]["code"] == "missing_scope"
        assert reader.post(ALL, {"url": URL}).status_code == 403
        assert writer.patch(path, {"description": "x"}).status_code == 200
        assert writer.get(path).status_code == 403


class TestChange:
    def test_changes_what_is_sent_and_leaves_the_rest(self, api, path):
        api.patch(path, {"description": "The shop", "rate_per_second": 5})

        changed = api.patch(path, {"events": ["message_in"], "rate_per_second": None, "url": f"{URL}/new"}).json()

        assert (changed["description"], changed["events"]) == ("The shop", ["message_in"])
        assert (changed["rate_per_second"], changed["url"]) == (None, f"{URL}/new")
        assert api.get(path).json() == changed

    def test_merges_headers_by_name_in_any_case(self, api, path, made):
        api.patch(path, {"custom_headers": {"X-A": "one", "X-B": "two"}})

        api.patch(path, {"custom_headers": {"x-a": "three", "X-B": None, "X-None": None}})

        assert row_of(made).custom_headers == {"x-a": "three"}

    def test_cannot_change_how_bodies_are_written(self, api, path):
        changed = api.patch(path, {"dialect": "chatwoot", "signature": "v1a"}).json()

        assert (changed["dialect"], changed["signature"]) == ("dexra", "v1")
        assert changed["ignored_parameters"] == ["dialect", "signature"]

    def test_tells_the_audit_log_what_changed_and_no_secrets(self, api, path):
        api.patch(
            path, {"description": "New", "custom_headers": {"X-Key": "correct-horse"}, "url": f"{URL}?key=battery"}
        )

        changes = AuditEntry.unscoped.get(action="webhook_endpoint.updated").changes
        assert changes["description"] == {"from": "", "to": "New"}
        assert changes["custom_headers"] == {"from": [], "to": ["X-Key"]}
        assert "battery" not in json.dumps(changes)

    def test_writes_nothing_down_when_nothing_changed(self, api, path, made):
        api.patch(path, {"url": URL, "description": "", "state": "active"})

        assert not AuditEntry.unscoped.filter(action="webhook_endpoint.updated").exists()

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({"url": "https://192.168.0.1/"}, {"url": "private_address"}),
            ({"events": ["nothing"]}, {"events.0": "unknown_event"}),
            ({"state": "gone"}, {"state": "unknown_value"}),
            ({"held": "skip"}, {"held": "out_of_place"}),
            ({"state": "paused", "held": "skip"}, {"held": "out_of_place"}),
            ({"state": "active", "held": "resume"}, {"held": "out_of_place"}),
            ({"custom_headers": {"webhook-signature": "v1,x"}}, {"custom_headers.webhook-signature": "forbidden"}),
            ({"captures": True}, {"captures": "sandbox_only"}),
            ({"max_in_flight": None}, {"max_in_flight": "required"}),
            ({"url": "https://10.0.0.1/", "captures": True, "held": "skip", "rate_per_second": 0},
             {"url": "private_address", "captures": "sandbox_only", "held": "out_of_place",
              "rate_per_second": "out_of_range"}),
            ({"state": "gone", "held": "skip"}, {"state": "unknown_value"}),
        ],
    )  # fmt: skip
    def test_names_every_wrong_field_and_changes_nothing(self, api, path, body, wrong):
        before = api.get(path).json()

        assert wrong_fields(api.patch(path, body)) == wrong
        assert api.get(path).json() == before


class TestOfAnInbox:
    @pytest.fixture
    def path(self, live):
        inbox = open_inbox(live, name="Shop")
        endpoint = open_endpoint(live, dialect="chatwoot")
        Endpoint.unscoped.filter(pk=endpoint.pk).update(inbox=inbox)
        return f"{ALL}/{endpoint.public_id}"

    def test_names_its_inbox(self, api, path):
        assert api.get(path).json()["inbox_id"] == api.get("/v1/inboxes").json()["data"][0]["id"]

    def test_keeps_its_url_and_says_where_to_change_it(self, api, path):
        answer = api.patch(path, {"url": f"{URL}/new"})

        assert wrong_fields(answer) == {"url": "belongs_to_inbox"}
        assert api.get(path).json()["inbox_id"] in answer.json()["error"]["message"]
        assert "Shop" in answer.json()["error"]["message"]

    def test_is_not_deleted_here(self, api, path):
        answer = api.delete(path)

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "belongs_to_inbox")
        assert api.get(path).status_code == 200

    def test_may_be_changed_otherwise(self, api, path):
        changed = api.patch(path, {"url": URL, "state": "paused", "max_in_flight": 2}).json()

        assert (changed["state"], changed["max_in_flight"]) == ("paused", 2)


class TestDelete:
    def test_takes_it_away(self, api, path, made):
        answer = api.delete(path)

        assert answer.json() == {"id": made["id"], "object": "webhook_endpoint", "deleted": True}
        assert api.get(path).status_code == api.delete(path).status_code == 404
        assert api.get(ALL).json()["data"] == []
        assert AuditEntry.unscoped.filter(action="webhook_endpoint.deleted").count() == 1
