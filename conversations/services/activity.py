"""What somebody on the business's side is doing at this moment: told to those who are there, and kept nowhere."""

from accounts.models import User
from conversations import events
from conversations.models import Conversation
from events import bus
from events.event import Actor


def typed(*, conversation: Conversation, agent: User | None, is_on: bool, actor: Actor) -> None:
    """An agent, or the business's own program, started or stopped typing."""
    context: dict[str, object] = {"agent_id": agent.pk if agent is not None else None, "is_on": is_on}
    _announce(events.TypingChanged, conversation, context, actor)


def assistant_is(*, conversation: Conversation, state: str, text: str, actor: Actor) -> None:
    """An assistant is at ``state`` of its answer; ``text`` is all that it has written so far."""
    _announce(events.AiStateChanged, conversation, {"state": state, "text": text}, actor)


def _announce(
    kind: type[events.TypingChanged | events.AiStateChanged],
    conversation: Conversation,
    context: dict[str, object],
    actor: Actor,
) -> None:
    bus.announce(
        kind(
            environment_id=conversation.environment_id,
            livemode=conversation.environment.livemode,
            actor=actor,
            conversation_id=conversation.pk,
            context=context,
        )
    )
