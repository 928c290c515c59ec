"""Where deliveries go and what signs them: the endpoints' rows, remembered for a moment."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import structlog

from core import crypto
from core.postgres.loops import Line

REMEMBERED_SECONDS = 2.0
FORGOTTEN_SECONDS = 600.0
READ = """
SELECT endpoint.id, endpoint.url, endpoint.dialect, endpoint.signature, endpoint.custom_headers, endpoint.captures,
       coalesce((SELECT array_agg(secret.secret ORDER BY secret.id DESC) FROM webhooks_secret AS secret
                 WHERE secret.endpoint_id = endpoint.id
                   AND (secret.expires_at IS NULL OR secret.expires_at > statement_timestamp())), '{}')
FROM webhooks_endpoint AS endpoint WHERE endpoint.id = ANY(%b::bigint[])
"""

log = structlog.get_logger(__name__)
open_secret = lru_cache(maxsize=8192)(crypto.decrypt)


@dataclass(frozen=True, slots=True)
class Addressee:
    """An endpoint as deliveries need it; ``secrets`` are those that are valid now, the newest first."""

    endpoint_id: int
    url: str
    dialect: str
    signature: str
    headers: Mapping[str, str]
    captures: bool
    secrets: tuple[str, ...]


class AddressBook:
    """The addressees of late; what was changed about one is known within two seconds."""

    def __init__(self, line: Line, clock: Callable[[], float]) -> None:
        self._line = line
        self._clock = clock
        self._known: dict[int, tuple[float, Addressee]] = {}

    async def look_up(self, endpoint_ids: Collection[int]) -> Mapping[int, Addressee]:
        """Return those of the endpoints that exist and whose secrets a key of ours opens. Raises psycopg.Error."""
        now = self._clock()
        fresh = now - REMEMBERED_SECONDS
        unknown = [one for one in endpoint_ids if one not in self._known or self._known[one][0] < fresh]
        if unknown:
            await self._read(unknown, now)
        return {one: self._known[one][1] for one in endpoint_ids if one in self._known}

    async def _read(self, endpoint_ids: list[int], now: float) -> None:
        connection = await self._line.open()
        cursor = await connection.execute(READ, [endpoint_ids], binary=True)
        self._known = {one: known for one, known in self._known.items() if known[0] > now - FORGOTTEN_SECONDS}
        for endpoint_id, *columns in await cursor.fetchall():
            try:
                self._known[endpoint_id] = now, _addressee(endpoint_id, *columns)
            except ValueError:
                self._known.pop(endpoint_id, None)
                log.error("webhook_secret_not_opened", endpoint_id=endpoint_id)  # noqa: TRY400  it says all there is


def _addressee(endpoint_id: int, url: str, dialect: str, signature: str, headers: str, *rest: Any) -> Addressee:
    captures, secrets = rest
    return Addressee(
        endpoint_id=endpoint_id,
        url=url,
        dialect=dialect,
        signature=signature,
        headers=json.loads(open_secret(headers)) if headers else {},
        captures=captures,
        secrets=tuple(map(open_secret, secrets)),
    )
