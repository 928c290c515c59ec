"""
The paths of people, conversations, messages and events below ``/v1/``.

A customer's own id may have slashes in it (``path``), so the longer paths below a person come first.
"""

from django.urls import path

from conversations.api.v1 import activity, attachments, changes, conversations, events, messages, users

urlpatterns = [
    path("users", users.Users.as_view()),
    path("users/merge", users.MergeUsers.as_view()),
    path("users/<path:user_id>/export", users.ExportUser.as_view()),
    path("users/<path:user_id>/tags", users.UserTags.as_view()),
    path("users/<path:user_id>/tags/<path:tag>", users.UserTag.as_view()),
    path("users/<path:user_id>", users.OneUser.as_view()),
    path("conversations", conversations.Conversations.as_view()),
    path("conversations/<str:conversation_id>", conversations.OneConversation.as_view()),
    path("conversations/<str:conversation_id>/messages", messages.ConversationMessages.as_view()),
    path("conversations/<str:conversation_id>/typing", activity.Typing.as_view()),
    path("conversations/<str:conversation_id>/ai-state", activity.AiState.as_view()),
    path("attachments", attachments.Attachments.as_view()),
    path("events", events.Events.as_view()),
    path("events/<str:event_id>", events.OneEvent.as_view()),
    path("changes", changes.Changes.as_view()),
]
