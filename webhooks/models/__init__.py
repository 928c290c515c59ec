"""Endpoints of customers' servers, what is on its way to them, and every attempt to deliver it."""

from webhooks.models.deliveries import Attempt, Body, Delivery, Replay
from webhooks.models.endpoints import MOST_IN_FLIGHT, Endpoint, Health, Secret

__all__ = ["MOST_IN_FLIGHT", "Attempt", "Body", "Delivery", "Endpoint", "Health", "Replay", "Secret"]
