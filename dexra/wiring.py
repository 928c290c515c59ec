"""Who reacts to what, and what the worker runs. Every side effect in Dexra starts on this page."""

from collections.abc import Mapping, Sequence

from django.conf import settings

from accounts import events as accounts
from contacts import events as contacts
from conversations import events as conversations
from dexra.engines import Engine
from dexra.metrics import MetricsServer
from events.bus import Handler
from events.event import Event
from events.relay import Relay
from realtime import handlers as realtime
from realtime.services.broadcasts import HeldBroadcasts

SUBSCRIPTIONS: Mapping[type[Event], Sequence[Handler]] = {
    accounts.AccessWithdrawn: [realtime.cut_off],
    contacts.UserCreated: [realtime.broadcast],
    contacts.UserUpdated: [realtime.broadcast],
    contacts.UserMerged: [realtime.broadcast],
    contacts.UserDeleted: [realtime.broadcast, realtime.cut_off],
    conversations.ConversationCreated: [realtime.broadcast],
    conversations.ConversationUpdated: [realtime.broadcast],
    conversations.ConversationClosed: [],
    conversations.ConversationSeen: [realtime.broadcast],
    conversations.MessageReceived: [realtime.broadcast],
    conversations.MessageSent: [realtime.broadcast],
    conversations.MessageNoted: [realtime.broadcast],
    conversations.MessageStatusChanged: [realtime.broadcast],
    conversations.TypingChanged: [realtime.show_typing],
}


def engines() -> list[Engine]:
    """Return what each worker runs all the time, beside its Celery tasks."""
    metrics = [MetricsServer(settings.WORKER_METRICS_PORT)] if settings.WORKER_METRICS_PORT else []
    return [Relay(), HeldBroadcasts(), *metrics]
