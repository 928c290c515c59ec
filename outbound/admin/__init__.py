"""What operators see of the way to providers: messages, attempts, and the queues they stand in."""

from outbound.admin import dispatches, lines

__all__ = ["dispatches", "lines"]
