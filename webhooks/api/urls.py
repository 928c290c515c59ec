"""The paths of webhooks below ``/v1/``."""

from django.urls import path

from webhooks.api import deliveries, endpoints, replays, sandbox

ENDPOINT = "webhook-endpoints/<str:endpoint_id>"
REPLAY = f"{ENDPOINT}/replays/<str:replay_id>"

urlpatterns = [
    path("webhook-endpoints", endpoints.Endpoints.as_view()),
    path(ENDPOINT, endpoints.OneEndpoint.as_view()),
    path(f"{ENDPOINT}/rotate-secret", endpoints.RotateSecret.as_view()),
    path(f"{ENDPOINT}/test", endpoints.TestEndpoint.as_view()),
    path(f"{ENDPOINT}/recover", replays.Recover.as_view()),
    path(f"{ENDPOINT}/replay", replays.ReplayRange.as_view()),
    path(f"{ENDPOINT}/replays", replays.Replays.as_view()),
    path(REPLAY, replays.OneReplay.as_view()),
    path(f"{REPLAY}/cancel", replays.CancelReplay.as_view()),
    path("webhook-deliveries", deliveries.Deliveries.as_view()),
    path("webhook-deliveries/<str:delivery_id>", deliveries.OneDelivery.as_view()),
    path("webhook-deliveries/<str:delivery_id>/resend", deliveries.ResendDelivery.as_view()),
    path("sandbox/events/<str:event_id>/redeliver", sandbox.RedeliverEvent.as_view()),
]
