"""
``/u/{token}``: the way out of newsletters, one click as in RFC 8058.

Only POST unsubscribes, without a cookie or a question: the button of a mail program is no browser. GET shows a button
and changes nothing, for scanners follow every link in a mail.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.models import Environment
from contacts.models import Suppression
from contacts.services import consent
from contacts.signing import unsubscribing
from contacts.signing.unsubscribing import WayOut
from core import tenancy, throttle
from core.errors import TooMany

PAGES_A_MINUTE = 60
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


@csrf_exempt  # the token is the credential; no cookie is looked at
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Show the button, or do what it asks for: twice is as good as once."""
    _count(request)
    way_out = unsubscribing.way_out(token)
    environment = _environment(way_out)
    if way_out is None or environment is None:
        raise Http404
    is_done = request.method == "POST"
    if is_done:
        _suppress(environment, way_out)
    facts = {"sender": environment.account.name, "address": way_out.address, "is_done": is_done}
    page = render(request, "inbound/unsubscribe.html", facts)
    for name, value in PAGE_HEADERS.items():
        page[name] = value
    return page


def _count(request: HttpRequest) -> None:
    client_ip = getattr(request, "client_ip", "")
    verdict = throttle.count([throttle.Limit(f"unsubscribe:{client_ip}", PAGES_A_MINUTE)])
    if verdict is not None and verdict.exceeded:
        raise TooMany("Too many requests; try again in a minute.", retry_after=verdict.reset_after)


def _environment(way_out: WayOut | None) -> Environment | None:
    if way_out is None:
        return None
    return Environment.objects.select_related("account").filter(pk=way_out.environment_id).first()


def _suppress(environment: Environment, way_out: WayOut) -> None:
    with tenancy.one(environment.pk):
        consent.suppress(
            environment=environment, channel=way_out.channel, address=way_out.address,
            reason=Suppression.Reason.UNSUBSCRIBED, scope=Suppression.Scope.MARKETING,
        )  # fmt: skip
