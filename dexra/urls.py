"""Every path of the product."""

from django.contrib import admin
from django.urls import include, path

from conversations.api import files
from conversations.api.public import surveys
from dexra import demo, docs, health, metrics, openapi
from dexra.sdk import views as sdk
from inbound.api import unsubscribing

urlpatterns = [
    path("", docs.home, name="home"),
    path("docs/", docs.guide, name="docs"),
    path("docs/channels/", docs.channels, name="channels"),
    path("docs/webhooks/", docs.webhooks, name="webhooks"),
    path("docs/reference/", docs.reference, name="reference"),
    path("demo/", demo.page, name="demo"),
    path("demo/token/", demo.token, name="demo-token"),
    path("sdk/loader.js", sdk.loader, name="sdk-loader"),
    path("sdk/v1/dexra.js", sdk.loader),
    path("sdk/manifest.json", sdk.manifest),
    path("sdk/files/<str:name>", sdk.file),
    path("sdk/<str:number>/dexra.js", sdk.version),
    path("public/api/v1/", include("conversations.api.public.urls")),
    path("survey/responses/<str:uuid>", surveys.survey_page),
    path("files/<str:token>", files.attachment),
    path("inbound/", include("inbound.api.urls")),
    path("u/<str:token>", unsubscribing.unsubscribe),
    path("openapi.json", openapi.serve),
    path("client/v1/", include("conversations.api.client.urls")),
    path("v1/", include("accounts.api.urls")),
    path("v1/", include("inboxes.api.urls")),
    path("v1/", include("contacts.api.urls")),
    path("v1/", include("conversations.api.v1.urls")),
    path("v1/", include("outbound.api.urls")),
    path("v1/", include("inbound.api.sandbox_urls")),
    path("v1/", include("webhooks.api.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
]

handler400 = "dexra.failures.bad_request"
handler404 = "dexra.failures.not_found"
handler500 = "dexra.failures.server_error"
