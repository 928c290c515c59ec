"""The paths of what is sent below ``/v1/``."""

from django.urls import path

from outbound.api import sandbox, views

urlpatterns = [
    path("send-message", views.Sending.as_view()),
    path("messages", views.Messages.as_view()),
    path("messages/<str:message_id>", views.OneMessage.as_view()),
    path("messages/<str:message_id>/cancel", views.CancelMessage.as_view()),
    path("messages/<str:message_id>/retry", views.RetryMessage.as_view()),
    path("sandbox/outbox", sandbox.Outbox.as_view()),
    path("channels", views.Channels.as_view()),
]
