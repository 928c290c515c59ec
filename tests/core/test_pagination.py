"""Cursor pages."""

import pytest

from contacts.models import Contact
from contacts.services import contacts
from core.errors import Invalid
from core.pagination import page


@pytest.fixture
def people(live):
    """Five people."""
    return [contacts.create(environment=live, fields={"name": name}) for name in "abcde"]


def names(params: dict[str, str], live, **options) -> tuple[list[str], str]:
    found = page(Contact.of(live), params, **options)
    return [row.name for row in found.rows], found.next_cursor or ""


class TestPage:
    def test_goes_through_everything_once_newest_first(self, people, live):
        first, cursor = names({"limit": "2"}, live)
        second, cursor = names({"limit": "2", "cursor": cursor}, live)
        third, end = names({"limit": "2", "cursor": cursor}, live)

        assert first + second + third == ["e", "d", "c", "b", "a"]
        assert end == ""

    def test_is_not_disturbed_by_rows_that_come_meanwhile(self, people, live):
        _, cursor = names({"limit": "2"}, live)
        contacts.create(environment=live, fields={"name": "late"})

        assert names({"limit": "2", "cursor": cursor}, live)[0] == ["c", "b"]

    def test_goes_oldest_first_when_told(self, people, live):
        assert names({"limit": "3"}, live, oldest_first=True)[0] == ["a", "b", "c"]

    @pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "1e3", "", "٣", "9" * 400])
    def test_refuses_a_limit_it_does_not_understand(self, live, limit):
        with pytest.raises(Invalid, match="from 1 to 100"):
            names({"limit": limit}, live)

    @pytest.mark.parametrize("cursor", ["x", "Y29udGVudA", "\x00", "☃", "A" * 5000])
    def test_refuses_a_cursor_it_did_not_give_out(self, live, cursor):
        with pytest.raises(Invalid, match="cursor"):
            names({"cursor": cursor}, live)
