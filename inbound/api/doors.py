"""
``/inbound/{channel}/{inbox_identifier}``: where providers tell what happened.

A genuine callback is stored in one statement and answered at once in the provider's own way; what it says is found out
afterwards. Nobody learns here which inboxes there are: a wrong path and an unknown inbox are the same 404.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt

from core import bodies
from core.errors import NotFound
from inbound.services import greeting, storing
from inboxes import channels
from inboxes.channels.incoming import Answer, Callback
from inboxes.models import Inbox
from inboxes.queries import enter_by_identifier


@csrf_exempt
def callback(request: HttpRequest, channel: str, identifier: str) -> HttpResponse:
    """Answer a provider's handshake or callback. Raises NotFound, NotAuthenticated, NotAllowed, TooMany."""
    if request.method not in {"GET", "POST"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    inbox = _inbox(channel, identifier)
    told = _callback(request)
    answer = greeting.greet(inbox, told) if request.method == "GET" else storing.take(inbox, told)
    return _response(answer)


def _inbox(channel: str, identifier: str) -> Inbox:
    inbox = enter_by_identifier(identifier) if bodies.is_storable(identifier) else None
    if inbox is None or inbox.channel != channel or not channels.find(channel).has_callback:
        raise NotFound("No such path.")
    return inbox


def _callback(request: HttpRequest) -> Callback:
    """
    Return the request as the provider made it; behind a proxy its URL begins with the public base.

    The body is read past Django's limit for forms: ``BodyLimit`` has measured it.
    """
    query = request.META.get("QUERY_STRING", "")
    return Callback(
        method=str(request.method),
        url=settings.BASE_URL + request.path + (f"?{query}" if query else ""),
        body=request.read(),
        headers={name.lower(): value for name, value in request.headers.items()},
        query={name: str(value) for name, value in request.GET.items()},
    )


def _response(answer: Answer) -> HttpResponse:
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(answer.body, status=answer.status, content_type=answer.content_type, headers=headers)
