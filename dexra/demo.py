"""``/demo/``: a page as a business would write it, with the chat on it; and a token for whoever signs in there."""

import secrets
import time
from collections.abc import Callable, Iterable
from functools import wraps
from urllib.parse import urlsplit

import jwt
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Environment
from contacts.signing import identities
from core import tenancy
from dexra.product import DEMO_ACCOUNT
from inboxes.models import Inbox

INBOX_NAME = "Web"
TOKEN_SECONDS = 3600
LOCALES = {"en": "English", "fr": "Français", "ar": "العربية"}
THEMES = ("auto", "light", "dark")
PERSON = {"sub": "demo-customer", "first_name": "Amine", "email": "amine@example.ma", "user_type": "premium"}

View = Callable[[HttpRequest], HttpResponse]


def _while_on(view: View) -> View:
    """Answer 404 where no demo is wanted, as if there were no such page."""

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        if not settings.DEMO:
            raise Http404
        response = view(request)
        response.headers["Cache-Control"] = "no-store"
        return response

    return require_safe(answer)


@_while_on
def page(request: HttpRequest) -> HttpResponse:
    """Show the chat on a page of a business, with the snippet that put it there."""
    inbox, nonce = demo_inbox(), secrets.token_urlsafe(16)
    facts = {
        "inbox": inbox, "nonce": nonce, "base_url": settings.BASE_URL, "locales": LOCALES, "themes": THEMES,
        "locale": _chosen(request, "locale", LOCALES), "theme": _chosen(request, "theme", THEMES),
        "is_inline": request.GET.get("view") == "inline", "page": "demo", "demo": True,
    }  # fmt: skip
    response = render(request, "demo/page.html", facts)
    response.headers["Content-Security-Policy"] = policy(request, nonce)
    return response


@_while_on
def token(_request: HttpRequest) -> HttpResponse:
    """Answer with what a business's own server would say to a page of somebody who is signed in there."""
    inbox = demo_inbox()
    if inbox is None:
        raise Http404
    now = int(time.time())
    claims = {**PERSON, "iat": now, "exp": now + TOKEN_SECONDS}
    return JsonResponse({"token": jwt.encode(claims, inbox.hmac_token, algorithm=identities.ALGORITHM)})


def demo_inbox() -> Inbox | None:
    """
    Return the inbox that the demo talks to; None when there is none.

    The one an operator named, or that of the account which ``make run`` has made.
    """
    with tenancy.everyone():
        known = Inbox.unscoped.filter(channel=Inbox.Channel.WEB, deleted_at=None)
        if settings.DEMO_INBOX or settings.IS_PRODUCTION:  # an account of a customer may be called anything
            return known.filter(identifier=settings.DEMO_INBOX).first()
        account = {"environment__account__name": DEMO_ACCOUNT, "environment__kind": Environment.Kind.LIVE}
        return known.filter(name=INBOX_NAME, **account).order_by("pk").first()


def policy(request: HttpRequest, nonce: str) -> str:
    """Return a policy that lets the page do what the chat needs and nothing more."""
    base = urlsplit(settings.BASE_URL)
    ours = f"{base.scheme}://{base.netloc}"
    # Older browsers do not take 'self' for a socket.
    scheme = "wss" if request.is_secure() else "ws"
    sockets = " ".join(sorted({f"{scheme}://{request.get_host()}", ours.replace("http", "ws", 1)}))
    allowed = {
        "default-src": "'none'",
        "script-src": f"'self' 'nonce-{nonce}'",
        "style-src": f"'self' 'nonce-{nonce}'",
        "connect-src": f"'self' {ours} {sockets}",
        "img-src": f"'self' {ours} blob: data:",
        "media-src": f"'self' {ours} blob:",
        "font-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def _chosen(request: HttpRequest, name: str, among: Iterable[str]) -> str:
    """Return which of some the address asks for; the first unless it names one."""
    asked = request.GET.get(name)
    known = list(among)
    return asked if asked in known else known[0]
