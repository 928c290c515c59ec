"""Where providers call us."""

from django.urls import path

from inbound.api import doors

urlpatterns = [path("<str:channel>/<str:identifier>", doors.callback, name="callback")]
