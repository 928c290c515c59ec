"""The paths of inboxes below ``/v1/``."""

from django.urls import path

from inboxes.api import views

urlpatterns = [
    path("inboxes", views.Inboxes.as_view()),
    path("inboxes/<str:inbox_id>", views.OneInbox.as_view()),
    path("inboxes/<str:inbox_id>/rotate-hmac", views.RotateHmac.as_view()),
]
