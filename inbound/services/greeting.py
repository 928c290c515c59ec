"""Handshakes: a provider tries an address before it calls there."""

from core.errors import NotFound
from inboxes import channels
from inboxes.channels.incoming import Answer, Callback
from inboxes.models import Inbox


def greet(inbox: Inbox, callback: Callback) -> Answer:
    """Return the answer to a handshake. Raises NotFound for what is none."""
    answer = channels.find(inbox.channel).greet(callback, inbox.settings)
    if answer is None:
        raise NotFound("No such path.")
    return answer
