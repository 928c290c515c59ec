"""What fake providers call us with: signed as the real ones sign."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from inboxes.channels.incoming import Callback

SOON = 10.0


@dataclass(frozen=True, slots=True)
class Call:
    """A callback that is ready to be made; ``url`` is where the provider was told to call."""

    url: str
    body: bytes
    headers: Mapping[str, str]

    def made(self, *, at: str = "") -> httpx.Response:
        """Make it, at the base URL ``at`` where a test serves us elsewhere than the provider was told."""
        parts = urlsplit(self.url)
        query = f"?{parts.query}" if parts.query else ""
        where = f"{at}{parts.path}{query}" if at else self.url
        return httpx.post(where, content=self.body, headers=dict(self.headers), timeout=SOON, trust_env=False)

    @property
    def read(self) -> Callback:
        """What an adapter sees of it."""
        query = dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Callback("POST", self.url, self.body, headers, query)


def written(told: Any) -> bytes:
    """Return JSON as providers write it: compact, and not only ASCII."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
