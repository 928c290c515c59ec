"""docs/sdk-api.md says what is so: its calls are answered, its codes and its limits are those of the code."""

import re
import shlex
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from contacts.signing import identities
from conversations.api.client import conversations, door, sessions
from conversations.errors import MESSAGES_A_MINUTE

ROOT = Path(django_settings.BASE_DIR)
GUIDE = (ROOT / "docs" / "sdk-api.md").read_text()
SHELL = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)[0].replace("\\\n", "")
CALLS = [line for line in SHELL.splitlines() if line.startswith("curl")]
CODES = {
    code for row in re.findall(r"^\| \d{3} \| (.*?) \|", GUIDE, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)
}
SOURCES = ("accounts", "contacts", "conversations", "core", "inboxes")


def call(line, **known):
    """Make one of the guide's calls as curl would; returns the answer."""
    for name, value in known.items():
        line = line.replace(f"'${name}'", value).replace(f"${name}", value)
    words = iter(shlex.split(line.partition(" > ")[0])[2:])
    path, method, headers, body, form = "", "", {}, None, None
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                header, _, value = next(words).partition(": ")
                headers[header] = value
            case "-d":
                body = next(words)
            case "-F":
                form = {next(words).partition("=")[0]: SimpleUploadedFile("session.json", b"{}", "application/json")}
            case _:
                path = word
    if form is not None:
        return Client().post(path, form, headers=headers)
    content_type = headers.pop("Content-Type", "")
    return Client().generic(method or ("POST" if body else "GET"), path, body or "", content_type, headers=headers)


@pytest.mark.slow
def test_its_calls_are_answered_one_after_the_other(inbox):
    opened = call(CALLS[0], BASE="", INBOX=inbox.identifier)
    known = {"BASE": "", "TOKEN": opened.json()["token"], "SINCE": opened.json()["position"]}
    answers = [opened, *(call(line, **known) for line in CALLS[1:])]

    assert [answer.status_code for answer in answers] == [201, 201, 200, 200, 201, 204]
    assert opened.json()["ignored"] == []
    assert answers[3].json()["messages"][0]["text"] == "Where is my order?"


def test_its_identity_is_proof(inbox, page):
    snippet = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)[0]
    made = {"hmac_token": inbox.hmac_token}
    exec(snippet, made)  # noqa: S102  ours

    assert page.open(identity={"token": made["token"]})["user"]["external_id"] == "customer-42"


def test_every_code_is_one_that_is_answered():
    code = "".join(path.read_text() for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))

    assert len(CODES) > 15
    assert [name for name in sorted(CODES) if f'"{name}"' not in code] == []


def test_every_signed_attribute_is_told():
    told = re.findall(r"Signed as well may be `(.*?)`", GUIDE, re.DOTALL)[0]

    assert set(re.split(r",\s+", told)) == {*identities.ATTRIBUTES, "custom_attributes"}


def test_its_limits_are_ours():
    told = GUIDE.partition("Limits a minute:")[2]

    assert [int(number) for number in re.findall(r"\d+", told)] == [
        door.REQUESTS_A_MINUTE, sessions.NEW_SESSIONS_A_MINUTE, conversations.NEW_CONVERSATIONS_A_MINUTE,
        MESSAGES_A_MINUTE,
    ]  # fmt: skip
