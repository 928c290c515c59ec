"""Callbacks of a sandbox's providers, who are played: they come by the door of real ones, and nothing else is known."""

import hashlib

from core.errors import NotAllowed
from inbound.models import RawCallback
from inbound.services import storing
from inboxes import channels
from inboxes.channels.incoming import Callback
from inboxes.models import Inbox


def take(inbox: Inbox, callback: Callback) -> RawCallback:
    """
    Take a callback in as the door does: recognised by its signature, stored, handled from ``received_at`` on.

    A mail of an inbox whose mails are fetched brings no proof, and is stored as those are. Raises NotAllowed for an
    inbox that is not a sandbox's, and what the door raises.
    """
    if inbox.environment.livemode:
        raise NotAllowed("Only a sandbox's providers are played.")
    if not channels.find(inbox.channel).signature_of(callback, inbox.settings):
        return storing.keep(inbox, callback, is_simulated=True)
    storing.take(inbox, callback, is_simulated=True)
    digest = hashlib.sha256(callback.body).hexdigest()
    taken: RawCallback = RawCallback.of(inbox.environment).filter(inbox=inbox, digest=digest).latest("pk")
    return taken
