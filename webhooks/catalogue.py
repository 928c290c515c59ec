"""Which names an endpoint may ask for."""

from webhooks import bodies, dialect
from webhooks.models import Endpoint


def types_of(spoken: str) -> tuple[str, ...]:
    """Return every type that a dialect tells of, as its receivers know it."""
    return dialect.TYPES if spoken == Endpoint.Dialect.CHATWOOT else bodies.TYPES
