"""What can go wrong in a conversation. The messages of the first two are part of the client API's contract."""

from collections.abc import Sequence

from core.errors import Conflict, Gone, Invalid, NotAllowed, Problem, TooLarge, TooMany, invalid

LONGEST_TEXT = 150_000
MESSAGES_A_MINUTE = 200
MOST_FILES = 15


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


class PositionGone(Gone):
    """Where a client stood is not known any more; it loads anew."""

    code = "position_gone"

    def __init__(self) -> None:
        super().__init__(
            "This position is too old, or none of ours: load the conversations anew and go on from a new session's.",
            code=self.code,
        )


class ClientMessageIdReused(Conflict):
    """The client id names another message of this conversation already."""

    code = "client_message_id_reused"

    def __init__(self) -> None:
        words = "This client_message_id was used for another message; each message needs one of its own."
        super().__init__(words, param="client_message_id")


class FileTooLarge(TooLarge):
    """A file larger than what is taken."""

    code = "file_too_large"

    def __init__(self, size: int, limit: int) -> None:
        self._problem = Problem("file", self.code, f"A file has at most {limit // 2**20} MiB.", limit, size)
        super().__init__(self._problem.message, param="file")

    @property
    def problems(self) -> Sequence[Problem]:
        """The limit, and how large the file was."""
        return (self._problem,)


class SurveyOver(Conflict):
    """The survey is older than 14 days."""

    code = "survey_over"

    def __init__(self) -> None:
        super().__init__("You cannot update the CSAT survey after 14 days")


class TeamNameTaken(Conflict):
    """The environment has a team of this name."""

    code = "already_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a team named {name!r} already.", param="name")


class AlreadyInTeam(Conflict):
    """The agent is in this team."""

    code = "already_a_member"

    def __init__(self, email: str) -> None:
        super().__init__(f"{email} is in this team already.", param="agent")


def unknown_agent(field: str, name: str) -> Invalid:
    """The error of a name that no agent of the account has."""
    return invalid(field, f"No agent of this account is called {name[:80]!r}.", code="unknown_agent")
