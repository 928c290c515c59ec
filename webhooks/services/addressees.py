"""Where deliveries go and what signs them."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import structlog

from core import crypto
from core.postgres.loops import Line

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


async def look_up(line: Line, endpoint_ids: Collection[int]) -> Mapping[int, Addressee]:
    """
    Return those of the endpoints that exist and whose secrets a key of ours opens, as they are now: what was changed
    before a delivery was claimed holds for it. Raises psycopg.Error.
    """
    connection = await line.open()
    cursor = await connection.execute(READ, [list(endpoint_ids)], binary=True)
    found: dict[int, Addressee] = {}
    for endpoint_id, *columns in await cursor.fetchall():
        try:
            found[endpoint_id] = _addressee(endpoint_id, *columns)
        except ValueError:
            log.error("webhook_secret_not_opened", endpoint_id=endpoint_id)  # noqa: TRY400  it says all there is
    return found


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
