"""What operators see of inboxes, how they get on with their providers, and their templates."""

from inboxes.admin import inboxes, templates

__all__ = ["inboxes", "templates"]
