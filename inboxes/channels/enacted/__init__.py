"""
What providers do, enacted: callbacks of their real shape, signed as they sign, and answers in their own words.

The sandbox plays them instead of calling anybody. An adapter cannot tell these from its provider's: each is recognised,
is about its inbox, and reads as what was meant. Knows words only, as the adapters do.
"""

from collections.abc import Mapping
from typing import Any

from inboxes.channels.enacted.actor import Actor
from inboxes.channels.enacted.line import LineActor
from inboxes.channels.enacted.mails import MailActor
from inboxes.channels.enacted.pages import InstagramActor, MessengerActor
from inboxes.channels.enacted.telegram import TelegramActor
from inboxes.channels.enacted.twilio import TwilioActor
from inboxes.channels.enacted.vonage import VonageActor
from inboxes.channels.enacted.whatsapp import WhatsappActor

ACTORS: Mapping[tuple[str, str], Actor] = {
    ("email", ""): MailActor(),
    ("instagram", ""): InstagramActor(),
    ("line", ""): LineActor(),
    ("messenger", ""): MessengerActor(),
    ("sms", "twilio"): TwilioActor(),
    ("sms", "vonage"): VonageActor(),
    ("telegram", ""): TelegramActor(),
    ("whatsapp", ""): WhatsappActor(),
}


def actor_for(kind: str, settings: Mapping[str, Any]) -> Actor | None:
    """Return who plays the provider of an inbox of that channel; None where no provider carries its messages."""
    return ACTORS.get((kind, str(settings.get("provider") or ""))) or ACTORS.get((kind, ""))
