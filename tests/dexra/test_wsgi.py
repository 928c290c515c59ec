"""The WSGI application, before Django has a request to show to any of our code."""

import io

import pytest
from django.core.signals import request_started
from django.db import close_old_connections
from django.test import RequestFactory

from dexra.wsgi import application


@pytest.fixture(autouse=True)
def _connections_left_alone():
    """Let a call touch no connection of the tests before it, as Django's test client does."""
    request_started.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)


def ask(content_type: str, body: bytes = b"", query: str = "a=%ff") -> str:
    """Return the status line of a call with that content type to where there is nothing."""
    environ = RequestFactory().post("/public/api/v1/nothing").environ
    environ |= {
        "CONTENT_TYPE": content_type, "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }  # fmt: skip
    said: list[str] = []
    b"".join(application(environ, lambda *answer: said.append(answer[0])))  # type: ignore[arg-type]
    return said[0]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=rot13",
        "application/json;charset=idna",
        'text/plain; CHARSET="base64"; x=1',
        "multipart/form-data; boundary=b; charset=zlib",
        "text/plain; charset=utf-16",
        "text/plain; charset=",
        "text/plain; charset=rot13; charset=rot13",
        "text/plain; charset=unknown",
        "text/plain; charset=utf-8",
    ],
)
def test_a_strange_charset_breaks_nothing(content_type):
    assert ask(content_type) == "404 Not Found"
