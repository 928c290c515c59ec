"""What operators see of webhooks: endpoints and how they do, deliveries and their attempts, replays."""

from webhooks.admin import deliveries, endpoints

__all__ = ["deliveries", "endpoints"]
