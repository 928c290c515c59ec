"""Conversation, Message, and what hangs on them."""

from conversations.models.conversations import Conversation, ConversationCounter
from conversations.models.messages import ATTACHMENTS, UNSAID, Attachment, Message, SurveyAnswer, attachment_path
from conversations.models.teams import Team, TeamMember

__all__ = [
    "ATTACHMENTS",
    "UNSAID",
    "Attachment",
    "Conversation",
    "ConversationCounter",
    "Message",
    "SurveyAnswer",
    "Team",
    "TeamMember",
    "attachment_path",
]
