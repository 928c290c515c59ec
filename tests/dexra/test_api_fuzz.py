"""Schemathesis reads ``/openapi.json`` and sends what it allows, and what it does not, to the real application."""

import os

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import CHECKS

from dexra import openapi
from dexra.wsgi import application
from tests.dexra import story

EXAMPLES = int(os.environ.get("DEXRA_FUZZ_EXAMPLES", "20"))
KEPT = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
        "response_headers_conformance")  # fmt: skip
OPERATIONS = [(method.upper(), path) for path, methods in openapi.document()["paths"].items() for method in methods]

REFUSALS = ["400", "401", "403", "404", "405", "409", "410", "413", "415", "422"]
CONFIG = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}})


@pytest.fixture
def known(api, inbox, relay):
    """Names of things that are there, so that requests get past the first 404."""
    return story.names(api, inbox, relay)


@pytest.fixture
def page(inbox):
    """Somebody's browser, for the SDK's door."""
    return story.session(inbox)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # its client never closes an answer
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda value: value)
def test_answers_as_described(api, known, page, settings, method, path, mode):
    settings.RATE_LIMITS = False
    asks = page if path.startswith(openapi.CLIENTS) else api
    if asks is page:
        known |= story.names_of(page)
    operation = schemathesis.openapi.from_dict(openapi.document(), config=CONFIG)[path][method]
    operation.app = operation.schema.app = application
    # Query parameters nobody knows are named in the answer, not refused; so only bodies have to be right.
    wanted = (*KEPT, "negative_data_rejection") if method in {"POST", "PUT", "PATCH"} else KEPT
    checks = [CHECKS.get_one(name) for name in wanted]

    @hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize="DEXRA_FUZZ_EXAMPLES" not in os.environ,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
    def ask(case, is_known):
        if is_known and method != "DELETE" and case.path_parameters:
            case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
        case.call_and_validate(headers=asks.headers, checks=checks)

    ask()
