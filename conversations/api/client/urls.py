"""The paths of the SDK's door below ``/client/v1/``."""

from django.urls import path

from conversations.api.client import conversations, messages, sessions

urlpatterns = [
    path("sessions", sessions.Sessions.as_view()),
    path("session", sessions.MySession.as_view()),
    path("me", sessions.Me.as_view()),
    path("changes", conversations.Changes.as_view()),
    path("attachments", messages.ClientAttachments.as_view()),
    path("messages/<str:message_id>", messages.ClientMessage.as_view()),
    path("conversations", conversations.ClientConversations.as_view()),
    path("conversations/<str:conversation_id>", conversations.ClientConversation.as_view()),
    path("conversations/<str:conversation_id>/messages", messages.ClientMessages.as_view()),
    path("conversations/<str:conversation_id>/read", conversations.ReadConversation.as_view()),
    path("conversations/<str:conversation_id>/typing", conversations.TypeInConversation.as_view()),
]
