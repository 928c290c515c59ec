"""What can go wrong with a person's record."""

from core import ids
from core.errors import Conflict, Gone, NotAuthenticated


class AlreadyTaken(Conflict):
    """Another person has this e-mail address, phone number or external id."""

    code = "already_taken"

    def __init__(self, field: str) -> None:
        super().__init__(f"Another user already has this {field}.", param=field)
        self.field = field


class ContactGone(Gone):
    """The person was merged into another or erased."""

    def __init__(self, merged_into: int | None) -> None:
        if merged_into is None:
            super().__init__("This user was erased.", code="user_erased")
            return
        successor = ids.encode("usr", merged_into)
        super().__init__(
            f"This user was merged into {successor}.",
            code="user_merged",
            successor=f"/v1/users/{successor}",
        )


class SessionExpired(NotAuthenticated):
    """The session's token is too old, or was never one of ours; the session may go on with a new one."""

    code = "session_expired"


class SessionEnded(NotAuthenticated):
    """The session is over: signed out, its person erased, or its inbox closed."""

    code = "session_ended"


class IdentityRequired(NotAuthenticated):
    """Only who proves to be somebody gets in here."""

    code = "identity_required"


class InvalidIdentity(NotAuthenticated):
    """What should prove who somebody is does not."""

    code = "invalid_identity_token"
