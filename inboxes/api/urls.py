"""The paths of inboxes and templates below ``/v1/``."""

from django.urls import path

from inboxes.api import templates, views

urlpatterns = [
    path("inboxes", views.Inboxes.as_view()),
    path("inboxes/<str:inbox_id>", views.OneInbox.as_view()),
    path("inboxes/<str:inbox_id>/rotate-hmac", views.RotateHmac.as_view()),
    path("templates", templates.Templates.as_view()),
    path("templates/sync", templates.SyncTemplates.as_view()),
    path("templates/<str:template_id>", templates.OneTemplate.as_view()),
]
