"""A customer's server that calls the native API, and threads that do so at the same moment."""

import json
import threading
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test import Client

from core import tenancy


class Server:
    """Holds a secret key; every method returns Django's response."""

    def __init__(self, key: str | None) -> None:
        self.headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self.web = Client()

    def get(self, path: str, **query: Any) -> Any:
        """GET with query parameters."""
        return _unbound(lambda: self.web.get(path, query, headers=self.headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """POST JSON; ``idempotency_key="1"`` becomes a header."""
        return self.send("POST", path, body, **headers)

    def put(self, path: str, body: Any = None) -> Any:
        """PUT JSON."""
        return self.send("PUT", path, body)

    def patch(self, path: str, body: Any = None) -> Any:
        """PATCH JSON."""
        return self.send("PATCH", path, body)

    def delete(self, path: str) -> Any:
        """DELETE."""
        return self.send("DELETE", path)

    def send(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **headers: str
    ) -> Any:
        """Send a body as JSON, or bytes as they are."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        headers = {**self.headers, **named}
        return _unbound(lambda: self.web.generic(method, path, data, content_type=content_type, headers=headers))

    def upload(self, path: str, form: dict[str, Any], **headers: str) -> Any:
        """POST a multipart form; files are file objects."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return _unbound(lambda: self.web.post(path, form, headers={**self.headers, **named}))


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do things in threads that start together, each with a connection of its own; returns what each returned."""
    start, results = threading.Barrier(len(acts)), list[Any]([None] * len(acts))

    def run(place: int, act: Callable[[], Any]) -> None:
        try:
            start.wait(timeout=60)
            results[place] = act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def _unbound(ask: Callable[[], Any]) -> Any:
    """Ask, and let the test see every tenant again where it did before: a request binds its connection to one."""
    before = tenancy.bound()
    answer = ask()
    if before == tenancy.EVERYONE:
        tenancy.bind(tenancy.EVERYONE)
    return answer


def wrong_fields(answer: Any) -> dict[str, str]:
    """Return ``{field: code}`` of a 422."""
    assert answer.status_code == 422, answer.content
    return {problem["field"]: problem["code"] for problem in answer.json()["error"]["errors"]}
