"""What one message does to its conversation, told as events in the order it happened."""

from typing import Any

from conversations import events
from conversations.models import Conversation, Message
from conversations.services import timeline
from events.event import Actor


class Story:
    """What happens around one message of a locked conversation."""

    def __init__(self, conversation: Conversation, actor: Actor) -> None:
        self.conversation = conversation
        self.actor = actor
        self.moved: list[str] = []  # marks that the public JSON does not show, but agents' screens do
        self._changes: dict[str, Any] = {}

    def reopen(self) -> None:
        """Open a closed or snoozed conversation."""
        before = self.conversation.status
        if before in {Conversation.Status.CLOSED, Conversation.Status.SNOOZED}:
            self.conversation.status, self.conversation.snoozed_until = (
                Conversation.Status.OPEN,
                None,
            )
            self._changes["status"] = {"from": before, "to": Conversation.Status.OPEN}

    def answered(self, message: Message) -> None:
        """Mark that the business spoke: nobody waits any more, and an agent who writes has looked."""
        conversation = self.conversation
        if message.source == Message.Source.AGENT:
            if conversation.first_reply_at is None:
                conversation.first_reply_at = message.created_at
                self.moved.append("first_reply_at")
            conversation.unread_count = 0
            conversation.agent_last_seen_at = message.created_at
        if conversation.waiting_since is not None:
            conversation.waiting_since = None
            self.moved.append("waiting_since")
        timeline.show_as_last(conversation, message)

    def tell(
        self, message: Message, kind: type[events.MessageEvent], *, client_message_id: str | None
    ) -> list[events.ConversationEvent]:
        """Return the events: what changed on the conversation, then the message itself."""
        happened = []
        if self._changes:
            changed = {"changes": self._changes}
            happened.append(events.about(self.conversation, events.ConversationUpdated, actor=self.actor, data=changed))
        context = {"moved": self.moved, "client_message_id": client_message_id}
        message.sequence = self.conversation.sequence + 1
        happened.append(
            events.about_message(message, self.conversation, kind, actor=self.actor,
                                 context={key: value for key, value in context.items() if value})
        )  # fmt: skip
        return happened
