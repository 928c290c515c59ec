"""The paths of suppressions below ``/v1/``."""

from django.urls import path

from contacts.api import views

urlpatterns = [
    path("suppressions", views.Suppressions.as_view()),
    path("suppressions/<str:suppression_id>", views.OneSuppression.as_view()),
]
