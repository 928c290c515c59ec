"""What can go wrong with an account and the people in it."""

from core.errors import Conflict


class LastOwner(Conflict):
    """The account would be left without an owner."""

    code = "last_owner"

    def __init__(self) -> None:
        super().__init__("This is the account's only owner; make somebody else an owner first.")


class AlreadyMember(Conflict):
    """The person works in this account already."""

    code = "already_a_member"

    def __init__(self, email: str) -> None:
        super().__init__(f"{email} is a member of this account already.", param="email")


class EmailTaken(Conflict):
    """Somebody else logs in with this address."""

    code = "already_taken"

    def __init__(self) -> None:
        super().__init__("Somebody else has this e-mail address.", param="email")
