"""Who reacts to what, and what the worker runs. Every side effect in Dexra starts on this page."""

from collections.abc import Mapping, Sequence

from django.conf import settings

from accounts import events as accounts
from contacts import events as contacts
from conversations import events as conversations
from conversations.services.staffing import Count
from dexra.engines import Engine
from dexra.metrics import MetricsServer
from events.bus import Handler
from events.event import Event
from events.relay import Relay
from inbound import handlers as inbound
from inbound.services import mailboxes, simulating
from inboxes.services.followers import Follower
from inboxes.services.postbox import Door
from inboxes.services.refusals import Gate
from outbound import events as outbound_events
from outbound import handlers as outbound
from outbound.services import lines
from realtime import handlers as realtime
from realtime.services import headcount
from realtime.services.broadcasts import HeldBroadcasts
from webhooks import events as webhook_events
from webhooks import handlers as webhooks
from webhooks.services import callbacks

SUBSCRIPTIONS: Mapping[type[Event], Sequence[Handler]] = {
    accounts.AccessWithdrawn: [realtime.cut_off],
    contacts.UserCreated: [realtime.broadcast, webhooks.fan_out],
    contacts.UserUpdated: [realtime.broadcast, webhooks.fan_out],
    contacts.UserMerged: [realtime.broadcast, webhooks.fan_out],
    contacts.UserDeleted: [
        realtime.broadcast,
        realtime.cut_off,
        inbound.forget,
        outbound.forget,
        webhooks.forget,
        webhooks.fan_out,
    ],
    contacts.SessionEnded: [realtime.cut_off],
    contacts.SessionProved: [realtime.cut_off],
    conversations.ConversationCreated: [realtime.broadcast, webhooks.fan_out],
    conversations.ConversationUpdated: [realtime.broadcast, webhooks.fan_out],
    conversations.ConversationClosed: [webhooks.fan_out],
    conversations.ConversationSeen: [realtime.broadcast],
    conversations.MessageReceived: [realtime.broadcast, webhooks.fan_out],
    conversations.MessageSent: [outbound.enqueue_carried, realtime.broadcast, webhooks.fan_out],
    conversations.MessageNoted: [realtime.broadcast, webhooks.fan_out],
    conversations.MessageStatusChanged: [
        outbound.follow_statuses,
        outbound.play_providers,
        realtime.broadcast,
        webhooks.fan_out,
    ],
    conversations.TypingChanged: [realtime.show_typing],
    conversations.AiStateChanged: [realtime.show_ai_state],
    outbound_events.InboxDisconnected: [webhooks.fan_out],
    outbound_events.InboxReconnected: [webhooks.fan_out],
    webhook_events.EndpointTest: [webhooks.fan_out],
    webhook_events.EndpointFailing: [webhooks.fan_out],
    webhook_events.EndpointRecovered: [webhooks.fan_out],
    webhook_events.EndpointDisabled: [webhooks.fan_out],
    webhook_events.DeliveryExhausted: [webhooks.fan_out],
}
# Who is asked, in the same transaction, when an inbox is opened, changed or closed.
INBOX_FOLLOWERS: Sequence[Follower] = [callbacks, lines, mailboxes]
# Who knows how many agents are there now.
HEADCOUNT: Count = headcount.agents_online
# Who takes in what providers tell where they are played: in a sandbox.
CALLBACK_DOOR: Door = simulating.take
# Who holds messages back once a provider has said, in a receipt, that it refuses an inbox altogether.
REFUSALS: Gate = lines.refused


def engines() -> list[Engine]:
    """Return what each worker runs all the time, beside its Celery tasks."""
    # Other processes send nothing: they are spared the clients, which take 7 MB and a tenth of a second to load.
    from inbound.engine import InboundEngine  # noqa: PLC0415
    from outbound.engine import OutboundEngine  # noqa: PLC0415
    from webhooks.engine import WebhookEngine  # noqa: PLC0415

    metrics = [MetricsServer(settings.WORKER_METRICS_PORT)] if settings.WORKER_METRICS_PORT else []
    return [Relay(), HeldBroadcasts(), OutboundEngine(), WebhookEngine(), InboundEngine(), *metrics]
