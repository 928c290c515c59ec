"""The pages for developers: what this is, how to begin, the reference. Everything they load comes from here."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.services import idempotency
from accounts.views import PER_MINUTE
from conversations.api.public import door
from conversations.errors import MESSAGES_A_MINUTE
from core import pagination
from dexra import documents
from dexra.sealing import seal


def home(request: HttpRequest) -> HttpResponse:
    """Say what this is and where to go."""
    return _page(request, "home", {"base_url": settings.BASE_URL})


def guide(request: HttpRequest) -> HttpResponse:
    """Lead to a first message in a minute, then explain what every request has in common."""
    facts = {
        "base_url": settings.BASE_URL,
        "cable_url": settings.BASE_URL.replace("http", "ws", 1) + "/cable",
        "plans": [(plan.value, allowed) for plan, allowed in PER_MINUTE.items()],
        "messages_a_minute": MESSAGES_A_MINUTE,
        "contacts_a_minute": door.NEW_CONTACTS_A_MINUTE,
        "requests_a_minute": door.REQUESTS_A_MINUTE,
        "default_page": pagination.DEFAULT_PAGE,
        "largest_page": pagination.LARGEST_PAGE,
        "longest_key": idempotency.LONGEST_KEY,
        "kept_hours": int(idempotency.KEPT_FOR.total_seconds() // 3600),
    }
    return _page(request, "guide", facts)


def webhooks(request: HttpRequest) -> HttpResponse:
    """Show how to receive webhooks."""
    return _page(request, "document", {"document": documents.read("webhooks")}, page="webhooks")


def channels(request: HttpRequest) -> HttpResponse:
    """Show what each channel needs and can do, and the sandbox."""
    return _page(request, "document", {"document": documents.read("channels")}, page="channels")


def reference(request: HttpRequest) -> HttpResponse:
    """Show ``/openapi.json`` with a form to try every request."""
    return _page(request, "reference", {})


def _page(request: HttpRequest, name: str, facts: dict[str, Any], *, page: str = "") -> HttpResponse:
    response = render(request, f"docs/{name}.html", {"page": page or name, "demo": settings.DEMO, **facts})
    response.headers["Cache-Control"] = "no-cache"
    return seal(response)
