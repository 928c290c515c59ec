"""What can go wrong with an inbox."""

from core.errors import Conflict, NotAuthenticated


class SignatureMismatch(NotAuthenticated):
    """The identity hash does not match the identity."""

    code = "hmac_mismatch"

    def __init__(self) -> None:
        super().__init__("HMAC failed: Invalid Identifier Hash Provided")


class AlreadyConnected(Conflict):
    """Another inbox of the environment has this account."""

    code = "already_connected"

    def __init__(self, inbox_id: str, name: str) -> None:
        words = f"{inbox_id} ({name[:40]}) has this account already; change that inbox, or close it first."
        super().__init__(words, param="settings")
