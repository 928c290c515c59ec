"""Doing it again when somebody else was faster."""

import pytest

from contacts.errors import AlreadyTaken, ContactGone
from contacts.services import races


class Overtaken:
    """Something that fails a few times before it is made."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)

    def __call__(self) -> str:
        if self.failures:
            raise self.failures.pop(0)
        return "made"


def test_two_who_were_faster_in_a_row_are_joined():
    act = Overtaken(AlreadyTaken("email"), ContactGone(None))

    assert races.again(act, after=(AlreadyTaken, ContactGone)) == "made"


def test_what_is_raised_the_last_time_is_raised():
    act = Overtaken(*[AlreadyTaken(name) for name in ("email", "email", "phone_number")])

    with pytest.raises(AlreadyTaken, match="phone_number"):
        races.again(act, after=(AlreadyTaken,))


def test_another_error_is_no_race():
    act = Overtaken(ContactGone(None))

    with pytest.raises(ContactGone):
        races.again(act, after=(AlreadyTaken,))
    assert act() == "made"
