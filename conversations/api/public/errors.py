"""Our errors in the client API's words."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from contacts.errors import AlreadyTaken
from conversations.errors import ConversationTooBusy, SurveyOver
from core.errors import DomainError, Gone, Invalid, Problem
from inboxes.errors import SignatureMismatch

FIELDS = {"external_id": "identifier", "text": "content", "client_message_id": "echo_id"}
LABELS = {"source_id": "Source"}  # Rails drops the "_id"


def spoken(error: DomainError) -> tuple[int, dict[str, Any]]:
    """Return the status and body that tell a client about an error."""
    status, body = error.status, generic(error.status)
    match error:
        case SignatureMismatch():
            body = {"error": error.message}
        case Gone():
            status, body = 404, generic(404)
        case Invalid():
            body = _validation(error.problems)
        case ConversationTooBusy():
            status, body = 422, {"message": error.message, "attributes": ["base"]}
        case AlreadyTaken():
            name = FIELDS.get(error.field, error.field)
            status, body = 422, {"message": f"{_label(name)} has already been taken", "attributes": [name]}
        case SurveyOver():
            status, body = 422, {"error": error.message}
        case _:
            pass
    return status, body


def generic(status: int) -> dict[str, Any]:
    """Return the body that says no more than the status does."""
    return {"status": status, "error": HTTPStatus(status).phrase}


def _validation(problems: Sequence[Problem]) -> dict[str, Any]:
    names = dict.fromkeys(_attribute(problem) for problem in problems)
    return {"message": ", ".join(map(_sentence, problems)), "attributes": list(names)}


def _sentence(problem: Problem) -> str:
    label = _label(_attribute(problem))
    match problem.code:
        case "too_long" if problem.limit:
            return f"{label} is too long (maximum is {problem.limit} characters)"
        case "invalid_email":
            return f"{label} Invalid email"
        case "invalid_phone_number":
            return f"{label} should be in e164 format"
        case "invalid_characters":
            return f"{label} must not contain a NUL character"
        case _:
            return problem.message


def _attribute(problem: Problem) -> str:
    name = problem.field.partition(".")[0]
    return FIELDS.get(name, name)


def _label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " ").capitalize())
