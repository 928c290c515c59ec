"""The sandbox's paths below ``/v1/``."""

from django.urls import path

from inbound.api import sandbox

urlpatterns = [
    path("sandbox/inbound-messages", sandbox.SimulatedMessages.as_view()),
    path("sandbox/reset", sandbox.ResetSandbox.as_view()),
]
