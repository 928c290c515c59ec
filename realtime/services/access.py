"""Withdrawn access: sockets that are open are ended, and what was kept for their return is forgotten."""

from events.event import Event
from realtime.services import broker


def cut_off(event: Event) -> None:
    """
    End the sockets of the agent, of the erased person or of the session that an event is about.

    An agent may come back and prove what is still theirs, and so may whoever has a session's new token; sessions of
    somebody who was erased, or who signed out, are gone for good, and with them what their streams still held.
    Raises redis.RedisError.
    """
    if user_id := event.context.get("user_id"):
        broker.disconnect(f"user:{user_id}", reason="remote", reconnect=True)
    for session_id in event.context.get("renewed_session_ids", ()):
        broker.disconnect(f"contact-session:{session_id}", reason="remote", reconnect=True)
    for session_id in event.context.get("session_ids", ()):
        broker.disconnect(f"contact-session:{session_id}", reason="unauthorized", reconnect=False)
        broker.forget(f"s:{session_id}")
