"""What can go wrong in a conversation. The messages of the first two are part of the client API's contract."""

from core.errors import Conflict, Invalid, NotAllowed, Problem, TooMany

LONGEST_TEXT = 150_000
MESSAGES_A_MINUTE = 200


class TextTooLong(Invalid):
    """More than 150,000 characters."""

    def __init__(self, field: str = "text") -> None:
        super().__init__(
            Problem(
                field,
                "too_long",
                f"Content is too long (maximum is {LONGEST_TEXT} characters)",
                LONGEST_TEXT,
            )
        )


class ConversationTooBusy(TooMany):
    """More than 200 messages in this conversation within a minute."""

    code = "too_many_messages"

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many messages", retry_after=retry_after, param="base")


class ContactBlocked(NotAllowed):
    """The person is blocked; nothing is sent to them."""

    code = "user_blocked"


class SurveyOver(Conflict):
    """The survey is older than 14 days."""

    code = "survey_over"

    def __init__(self) -> None:
        super().__init__("You cannot update the CSAT survey after 14 days")
