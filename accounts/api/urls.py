"""The paths of accounts below ``/v1/``."""

from django.urls import path

from accounts.api import views

urlpatterns = [path("account", views.WhoAmI.as_view())]
