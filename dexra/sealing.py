"""The policy of every page for people: it loads from here and nowhere else, and nobody frames it."""

from django.http import HttpResponse

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def seal(response: HttpResponse) -> HttpResponse:
    """Put the policy on a page."""
    response.headers.setdefault("Content-Security-Policy", POLICY)
    return response
