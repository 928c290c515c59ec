"""What can go wrong with an inbox."""

from core.errors import NotAuthenticated


class SignatureMismatch(NotAuthenticated):
    """The identity hash does not match the identity."""

    code = "hmac_mismatch"

    def __init__(self) -> None:
        super().__init__("HMAC failed: Invalid Identifier Hash Provided")
