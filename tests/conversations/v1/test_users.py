"""``/v1/users``"""

from urllib.parse import quote

import pytest

from contacts.models import Contact
from core import ids
from events.models import LoggedEvent
from tests.servers import wrong_fields


def happened(kind: str) -> list[LoggedEvent]:
    return list(LoggedEvent.unscoped.filter(type=kind).order_by("id"))


class TestUpsert:
    def test_makes_somebody_new(self, api):
        answer = api.put("/v1/users/c-1", {"first_name": "Amine", "last_name": "B", "email": "Amine@Example.test"})

        assert answer.status_code == 201
        made = answer.json()
        assert made["id"].startswith("usr_")
        assert (made["external_id"], made["name"], made["email"]) == ("c-1", "Amine B", "amine@example.test")

    def test_changes_somebody_known(self, api, amine):
        answer = api.put("/v1/users/c-1", {"last_name": "B"})

        assert answer.status_code == 200
        assert answer.json()["id"] == amine["id"]
        assert (answer.json()["first_name"], answer.json()["last_name"]) == ("Amine", "B")

    def test_keeps_the_types_of_custom_attributes(self, api):
        given = {"ltv": 7200, "rate": 0.25, "vip": True, "none": {"deep": [1, "2"]}, "text": "7200"}

        api.put("/v1/users/c-1", {"custom_attributes": given})

        assert api.get("/v1/users/c-1").json()["custom_attributes"] == given

    def test_merges_custom_attributes_and_removes_with_null(self, api):
        api.put("/v1/users/c-1", {"custom_attributes": {"a": 1, "b": {"x": 1}, "c": 3}})

        answer = api.put("/v1/users/c-1", {"custom_attributes": {"b": {"y": 2}, "c": None}})

        assert answer.json()["custom_attributes"] == {"a": 1, "b": {"x": 1, "y": 2}}

    def test_names_every_wrong_field_at_once(self, api):
        answer = api.put(
            "/v1/users/c-1",
            {"first_name": 5, "email": "not an address", "phone_number": "abc", "tags": "lead", "blocked": "yes",
             "custom_attributes": [], "country": "x" * 61},
        )  # fmt: skip

        assert wrong_fields(answer) == {
            "first_name": "invalid", "tags": "invalid", "blocked": "invalid", "custom_attributes": "invalid",
            "country": "too_long",
        }  # fmt: skip
        limits = {each["field"]: each.get("limit") for each in answer.json()["error"]["errors"]}
        assert limits["country"] == 60
        assert not Contact.unscoped.exists()

    def test_names_what_only_the_person_service_knows(self, api):
        answer = api.put("/v1/users/c-1", {"email": "not an address", "phone_number": "abc"})

        assert wrong_fields(answer) == {"email": "invalid_email", "phone_number": "invalid_phone_number"}

    def test_refuses_an_identity_of_somebody_else(self, api, amine):
        answer = api.put("/v1/users/c-2", {"email": "AMINE@example.test"})

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "already_taken")

    def test_names_parameters_that_mean_nothing(self, api):
        answer = api.put("/v1/users/c-1?dry_run=1", {"nickname": "A", "name": "Amine"})

        assert answer.json()["ignored_parameters"] == ["dry_run", "nickname"]
        assert answer["Dexra-Ignored-Parameters"] == "dry_run, nickname"

    def test_takes_an_id_that_only_looks_like_one_of_ours_as_the_customers(self, api):
        lookalike = ids.encode("usr", 987654321)

        assert api.put(f"/v1/users/{lookalike}", {"name": "Odd"}).status_code == 201
        assert api.get(f"/v1/users/{lookalike}").json()["external_id"] == lookalike

    def test_takes_ids_with_slashes_and_other_letters(self, api):
        for external_id in ("crm/42", "عميل 7", "a?b&c", "merge me"):
            quoted = quote(external_id, safe="/")
            assert api.put(f"/v1/users/{quoted}", {"name": "N"}).json()["external_id"] == external_id
            assert api.get(f"/v1/users/{quoted}").status_code == 200

    def test_refuses_ids_that_cannot_be_kept(self, api):
        assert api.put("/v1/users/a%00b", {"name": "N"}).status_code == 404
        assert wrong_fields(api.put(f"/v1/users/{'x' * 256}", {"name": "N"})) == {"external_id": "too_long"}

    def test_clears_what_is_sent_as_null(self, api, amine):
        cleared = api.put("/v1/users/c-1", {"email": None, "first_name": None, "phone_number": ""}).json()

        assert (cleared["email"], cleared["first_name"], cleared["phone_number"]) == (None, "", None)

    def test_knows_nobody_of_another_account(self, api, stranger, amine):
        answer = stranger.put("/v1/users/c-1", {"name": "Somebody"})

        assert answer.status_code == 201
        assert answer.json()["id"] != amine["id"]


class TestGet:
    def test_finds_by_our_id_and_by_the_customers(self, api, amine):
        assert api.get(f"/v1/users/{amine['id']}").json() == api.get("/v1/users/c-1").json() == amine

    @pytest.mark.parametrize("name", ["c-1", "usr_AAAAAAAAAAAA", "usr_", "%00", "%ff", "x" * 300])
    def test_knows_nobody_by_a_wrong_name(self, api, name):
        answer = api.get(f"/v1/users/{name}")

        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")

    def test_shows_nothing_to_a_stranger(self, stranger, amine):
        assert stranger.get(f"/v1/users/{amine['id']}").status_code == 404
        assert stranger.get("/v1/users/c-1").status_code == 404


class TestList:
    @pytest.fixture(autouse=True)
    def _people(self, api, amine):
        api.put("/v1/users/c-2", {"name": "Bouchra", "phone_number": "+212600000002", "tags": ["lead", "vip"]})
        api.put("/v1/users/c-3", {"name": "Chafik", "email": "chafik@example.test"})

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["c-3", "c-2", "c-1"]),
            ({"email": "Amine@EXAMPLE.test"}, ["c-1"]),
            ({"phone_number": "+212600000002"}, ["c-2"]),
            ({"external_id": "c-3"}, ["c-3"]),
            ({"tag": "lead"}, ["c-2", "c-1"]),
            ({"tag": "lead", "external_id": "c-1"}, ["c-1"]),
            ({"email": "nobody@example.test"}, []),
        ],
    )
    def test_finds_by_every_filter(self, api, query, found):
        assert [each["external_id"] for each in api.get("/v1/users", **query).json()["data"]] == found

    def test_walks_page_by_page(self, api):
        seen, cursor = [], {}
        for _ in range(3):
            page = api.get("/v1/users", limit=1, **cursor).json()
            seen += [each["external_id"] for each in page["data"]]
            cursor = {"cursor": page["next_cursor"]}

        assert seen == ["c-3", "c-2", "c-1"]
        assert (page["has_more"], page["next_cursor"]) == (False, None)

    def test_counts_all_only_when_asked(self, api):
        assert "total" not in api.get("/v1/users", limit=1).json()
        assert api.get("/v1/users", limit=1, include="total").json()["total"] == 3

    @pytest.mark.parametrize(
        ("query", "field"),
        [({"limit": "0"}, "limit"), ({"limit": "101"}, "limit"), ({"limit": "many"}, "limit"),
         ({"cursor": "!"}, "cursor"), ({"include": "everything"}, "include"), ({"email": ""}, "email"),
         ({"tag": "a\x00b"}, "tag")],
    )  # fmt: skip
    def test_refuses_wrong_parameters(self, api, query, field):
        assert list(wrong_fields(api.get("/v1/users", **query))) == [field]

    def test_shows_strangers_their_own_people_only(self, stranger):
        assert stranger.get("/v1/users").json()["data"] == []


class TestUpdate:
    def test_changes_and_tells_once_who_did_it(self, api, amine, live):
        answer = api.patch(f"/v1/users/{amine['id']}", {"first_name": "Amin", "custom_attributes": {"ltv": 6000}})

        assert answer.json()["first_name"] == "Amin"
        [event] = happened("user_updated")
        assert event.data["changes"]["custom_attributes"] == {"from": {}, "to": {"ltv": 6000}}
        assert (event.actor_type, event.actor_id) == ("api", api.get("/v1/account").json()["key"]["id"])

    def test_tells_nothing_when_nothing_changed(self, api, amine):
        api.patch("/v1/users/c-1", {"first_name": "Amine"})

        assert happened("user_updated") == []

    def test_gives_another_external_id(self, api, amine):
        assert api.patch("/v1/users/c-1", {"external_id": "c-9"}).status_code == 200
        assert api.get("/v1/users/c-9").json()["id"] == amine["id"]

    def test_refuses_a_stranger(self, stranger, amine):
        assert stranger.patch(f"/v1/users/{amine['id']}", {"name": "X"}).status_code == 404


class TestTags:
    def test_puts_tags_on_with_one_event(self, api, amine):
        answer = api.post("/v1/users/c-1/tags", {"tags": ["vip", "lead", "vip"]})

        assert (answer.status_code, answer.json()["tags"]) == (200, ["lead", "vip"])
        [event] = happened("user_updated")
        assert (event.data["tags_added"], event.data["tags_removed"]) == (["vip"], [])

    def test_takes_a_tag_off_with_one_event(self, api, amine):
        answer = api.delete("/v1/users/c-1/tags/lead")

        assert (answer.status_code, answer.json()["tags"]) == (200, [])
        assert happened("user_updated")[0].data["tags_removed"] == ["lead"]

    def test_does_not_mind_a_tag_that_is_not_there(self, api, amine):
        assert api.delete("/v1/users/c-1/tags/never").status_code == 200
        assert happened("user_updated") == []

    @pytest.mark.parametrize("body", [{}, {"tags": []}, {"tags": "vip"}, {"tags": [1]}, {"tags": ["x" * 101]}])
    def test_refuses_what_is_not_a_list_of_tags(self, api, amine, body):
        assert api.post("/v1/users/c-1/tags", body).status_code == 422

    def test_refuses_a_stranger(self, stranger, amine):
        assert stranger.post("/v1/users/c-1/tags", {"tags": ["x"]}).status_code == 404
        assert stranger.delete(f"/v1/users/{amine['id']}/tags/lead").status_code == 404


class TestMerge:
    def test_makes_one_of_two_and_forwards_the_old_id(self, api, amine):
        other = api.put("/v1/users/c-2", {"phone_number": "+212600000002"}).json()

        answer = api.post("/v1/users/merge", {"from": other["id"], "into": "c-1"})

        assert (answer.status_code, answer.json()["id"]) == (200, amine["id"])
        assert answer.json()["phone_number"] == "+212600000002"
        old = api.get(f"/v1/users/{other['id']}")
        assert (old.status_code, old.json()["error"]["code"]) == (410, "user_merged")
        assert old["Link"] == f'</v1/users/{amine["id"]}>; rel="successor-version"'

    def test_forwards_the_customers_own_old_id_too(self, api, amine):
        api.put("/v1/users/c-2")
        api.post("/v1/users/merge", {"from": "c-2", "into": "c-1"})

        for answer in (api.get("/v1/users/c-2"), api.put("/v1/users/c-2", {"name": "Again"})):
            assert (answer.status_code, answer.json()["error"]["code"]) == (410, "user_merged")
            assert answer["Link"] == f'</v1/users/{amine["id"]}>; rel="successor-version"'

    @pytest.mark.parametrize("method", ["get", "patch", "delete", "put"])
    def test_leaves_nothing_to_do_with_the_old_id(self, api, amine, method):
        other = api.put("/v1/users/c-2").json()
        api.post("/v1/users/merge", {"from": "c-2", "into": "c-1"})

        assert getattr(api, method)(f"/v1/users/{other['id']}").status_code == 410

    def test_refuses_one_person_twice(self, api, amine):
        assert wrong_fields(api.post("/v1/users/merge", {"from": "c-1", "into": amine["id"]})) == {"into": "same_user"}

    def test_refuses_people_nobody_knows(self, api, amine):
        assert wrong_fields(api.post("/v1/users/merge", {"from": "c-7", "into": "c-1"})) == {"from": "unknown_user"}
        assert wrong_fields(api.post("/v1/users/merge", {"into": 5})) == {"from": "required", "into": "invalid"}

    def test_refuses_a_strangers_people(self, stranger, amine):
        stranger.put("/v1/users/g-1", {"name": "G"})

        answer = stranger.post("/v1/users/merge", {"from": amine["id"], "into": "g-1"})

        assert wrong_fields(answer) == {"from": "unknown_user"}
