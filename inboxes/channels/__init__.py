"""How each channel is spoken. Adding one is a module and one line in ``REGISTRY``."""

from inboxes.channels.api import Api
from inboxes.channels.base import Channel
from inboxes.channels.email import Email
from inboxes.channels.instagram import Instagram
from inboxes.channels.line import Line
from inboxes.channels.messenger import Messenger
from inboxes.channels.sms import Sms
from inboxes.channels.telegram import Telegram
from inboxes.channels.web import Web
from inboxes.channels.whatsapp import Whatsapp

CHANNELS = (
    Api(),
    Email(),
    Instagram(),
    Line(),
    Messenger(),
    Sms(),
    Telegram(),
    Web(),
    Whatsapp(),
)
REGISTRY: dict[str, Channel] = {channel.kind: channel for channel in CHANNELS}
# Where people are in front of us, by browsers and apps; on the others they are in front of a provider.
SHOWN_TO_CLIENTS = tuple(channel.kind for channel in CHANNELS if channel.clients_sign)


def find(kind: str) -> Channel:
    """Return the channel of that kind; KeyError for one this installation does not speak."""
    return REGISTRY[kind]
