"""
The paths of the client API, below ``/public/api/v1/``.

A ``.json`` or a slash at the end is accepted; anything else that is not here answers 404 in JSON.
"""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, re_path

from conversations.api.public import surveys, views
from conversations.api.public.door import View, public
from core.errors import NotFound

INBOX = r"inboxes/(?P<inbox_identifier>[^/]+?)"
CONTACT = INBOX + r"/contacts/(?P<source_id>[^/]+?)"
CONVERSATION = CONTACT + r"/conversations/(?P<number>[^/]+?)"


def _nowhere(_request: HttpRequest, **_path: str) -> HttpResponse:
    raise NotFound("No such path.")


def _path(pattern: str, view: View) -> URLPattern:
    return re_path(rf"^{pattern}(?:\.json)?/?$", view)


urlpatterns = [
    _path(CONVERSATION + "/messages", views.message_list),
    _path(CONVERSATION + r"/messages/(?P<message_id>[^/]+?)", views.message),
    _path(CONVERSATION + "/toggle_typing", views.typing),
    _path(CONVERSATION + "/update_last_seen", views.last_seen),
    _path(CONVERSATION + "/toggle_status", views.status),
    _path(CONVERSATION, views.conversation),
    _path(CONTACT + "/conversations", views.conversation_list),
    _path(CONTACT, views.contact),
    _path(INBOX + "/contacts", views.contacts),
    _path(INBOX, views.inbox),
    _path(r"csat_survey/(?P<uuid>[^/]+?)", surveys.survey),
    re_path("", public(_nowhere)),
]
