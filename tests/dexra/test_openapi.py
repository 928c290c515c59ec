"""``/openapi.json`` is true: what it describes is what is answered, and it describes all of it."""

import json
import os
import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from dexra import openapi
from tests.conftest import mint, open_inbox
from tests.dexra import story
from tests.servers import Server

# Say `DEXRA_WRITE_EXAMPLES=1` to write the file anew, and look at the difference before you commit it.
WRITES = bool(os.environ.get("DEXRA_WRITE_EXAMPLES"))

OPEN = ("/client/v1/sessions",)  # where nobody has a token yet
REPEATABLE = ("show_typing", "show_ai_state", "sync_templates")  # said twice, they do what they do once


def operations():
    return [
        pytest.param(method.upper(), path, operation, id=operation["operationId"])
        for path, methods in openapi.document()["paths"].items()
        for method, operation in methods.items()
    ]


def strict(schema):
    """Return a schema that refuses properties nobody described; an answer may also name ignored parameters."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "properties" in schema and "additionalProperties" not in schema else {}
    return {name: strict(inner) for name, inner in schema.items()} | closed


def check(instance, schema):
    whole = strict({"components": openapi.document()["components"], **schema})
    Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(instance)


@pytest.fixture
def told(api, live, ada, relay):
    """What really happens, told once."""
    return story.tell(api, live, relay)


class TestDocument:
    def test_is_valid_openapi_3_1(self):
        assert openapi.document()["openapi"].startswith("3.1")
        OpenAPIV31SpecValidator(openapi.document()).validate()

    def test_is_served_to_anybody_on_any_page(self, client, db, settings):
        answer = client.get("/openapi.json")

        assert answer.json() == {**openapi.document(), "servers": [{"url": settings.BASE_URL}]}
        assert answer["Access-Control-Allow-Origin"] == "*"

    def test_names_every_operation_once(self):
        names = [each.id for each in operations()]

        assert len(names) > 25
        assert len(set(names)) == len(names)

    @pytest.mark.parametrize(("method", "path", "operation"), operations())
    def test_describes_every_operation(self, method, path, operation):
        assert operation["summary"]
        assert operation["tags"][0] in openapi.TAGS
        scheme = "sessionToken" if path.startswith(openapi.CLIENTS) else "secretKey"
        assert operation.get("security") == (None if path in OPEN else [{scheme: []}])
        assert {"401", "403", "429", "503"} <= set(operation["responses"])
        takes_key = {"$ref": "#/components/parameters/IdempotencyKey"} in operation.get("parameters", [])
        repeats_anyhow = operation["operationId"] in REPEATABLE
        assert takes_key == (method == "POST" and path.startswith(openapi.SERVERS) and not repeats_anyhow)
        [success, *_] = [answer for code, answer in operation["responses"].items() if code < "300"]
        assert {"Request-Id", "X-RateLimit-Remaining", "RateLimit"} <= set(success["headers"])

    def test_holds_no_workshop_notes(self):
        text = json.dumps(openapi.document())

        assert "x-spec-enum-id" not in text
        assert "``" not in text


class TestExamples:
    def test_are_there_for_every_operation_and_every_error(self, told):
        names = {each.id for each in operations()} | {name for name, _ in openapi.ERRORS.values()}

        assert names - set(told) == set(), "Tell these in tests/dexra/story.py."
        assert set(told) - names == set()

    def test_are_what_really_happens(self, told):
        if WRITES:
            openapi.EXAMPLES.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
        kept = json.loads(openapi.EXAMPLES.read_text())

        assert story.masked(kept) == story.masked(told)

    def test_stand_beside_their_schemas(self):
        made = openapi.document()["paths"]["/v1/conversations"]["post"]

        assert made["requestBody"]["content"]["application/json"]["example"]["user_id"] == "customer-42"
        assert made["responses"]["201"]["content"]["application/json"]["example"]["object"] == "conversation"
        error = openapi.document()["components"]["responses"]["Invalid"]
        assert error["content"]["application/json"]["example"]["error"]["code"] == "invalid"

    def test_hold_no_whole_key(self):
        assert not re.search(r"dx_[sp]k_(live|test)_\w{10}", openapi.EXAMPLES.read_text())


class TestSchemas:
    def test_are_true_to_the_last_property(self, told):
        for _, _, operation in (each.values for each in operations()):
            name = operation["operationId"]
            answer = operation["responses"][str(told[name]["status"])]
            if "content" in answer:
                check(told[name]["response"], answer["content"]["application/json"]["schema"])
            else:
                assert told[name]["response"] is None
            if "request" in told[name]:
                check(told[name]["request"], operation["requestBody"]["content"]["application/json"]["schema"])

    def test_are_true_of_every_error(self, told):
        for code, (name, _) in openapi.ERRORS.items():
            assert told[name]["status"] == int(code)
            check(told[name]["response"], {"$ref": "#/components/schemas/Error"})

    def test_notice_a_property_nobody_described(self, told):
        with pytest.raises(Exception, match="surprise"):
            check({**told["get_account"]["response"], "surprise": 1}, {"$ref": "#/components/schemas/Account"})


class TestDoors:
    """Every operation, whoever wrote it, keeps strangers out."""

    def ask(self, server, method, path, **names):
        return server.send(method, re.sub(r"{(\w+)}", lambda found: names.get(found[1], "nothing"), path), {})

    @pytest.mark.parametrize(("method", "path", "operation"), operations())
    def test_ask_for_a_key(self, db, method, path, operation):
        if path not in OPEN:
            assert self.ask(Server(None), method, path).status_code == 401

    @pytest.mark.parametrize(("method", "path", "operation"), operations())
    def test_ask_for_a_scope(self, live, method, path, operation):
        if operation["operationId"] == "get_account":  # a key may always ask what it is
            return
        if path.startswith(openapi.CLIENTS):
            return
        powerless = Server(mint(live, "users:read" if operation["tags"] != ["Users"] else "events:read"))

        assert self.ask(powerless, method, path).json()["error"]["code"] == "missing_scope"

    @pytest.mark.parametrize(("method", "path", "operation"), [each for each in operations() if "{" in each.values[1]])
    def test_hide_what_belongs_to_others(self, api, stranger, globex, inbox, relay, method, path, operation):
        names = story.names(api, inbox, relay)
        if path.startswith(openapi.CLIENTS):
            names, stranger = story.names_of(story.session(inbox)), story.session(open_inbox(globex))
        hidden = {404, 410} if "event_id" in path else {404}

        answer = self.ask(stranger, method, path, **names)

        if operation["operationId"] == "upsert_user":  # a name that is nobody's here makes somebody new
            assert answer.json()["id"] != names["user_id"]
        else:
            assert answer.status_code in hidden
