"""Finding people."""

import pytest

from contacts import queries
from contacts.services import contacts
from core import ids


@pytest.fixture
def amine(live):
    return contacts.create(
        environment=live,
        fields={
            "external_id": "c-1",
            "email": "Amine@Example.test",
            "phone_number": "+212600000001",
            "tags": ["a", "b"],
        },
    )


class TestNamed:
    def test_finds_by_both_names(self, live, amine):
        assert queries.named(live, "c-1") == queries.named(live, amine.public_id) == amine

    def test_prefers_our_own_id(self, live, amine):
        contacts.create(environment=live, fields={"external_id": amine.public_id})

        assert queries.named(live, amine.public_id) == amine

    def test_takes_an_id_of_nobody_for_the_customers(self, live):
        lookalike = ids.encode("usr", 2**50)
        other = contacts.create(environment=live, fields={"external_id": lookalike})

        assert queries.named(live, lookalike) == other

    def test_finds_tombstones_too(self, live, amine):
        amine.erased_at = amine.created_at
        amine.save()

        assert queries.named(live, amine.public_id).is_gone

    @pytest.mark.parametrize("name", ["", "c-2", "usr_", "a\x00b", "\ud800"])
    def test_finds_nobody_by_a_wrong_name(self, live, amine, name):
        assert queries.named(live, name) is None

    def test_finds_nobody_of_another_tenant(self, globex, amine):
        assert queries.named(globex, "c-1") is None
        assert queries.named(globex, amine.public_id) is None


class TestPeople:
    @pytest.mark.parametrize(
        "wanted",
        [{}, {"email": " AMINE@example.test"}, {"phone_number": "+212600000001"}, {"external_id": "c-1"}, {"tag": "b"},
         {"tag": "a", "email": "amine@example.test"}],
    )  # fmt: skip
    def test_have_to_match_every_filter(self, live, amine, wanted):
        assert list(queries.people(live, **wanted)) == [amine]

    @pytest.mark.parametrize("wanted", [{"email": "x@y.test"}, {"tag": "c"}, {"tag": "a", "external_id": "c-2"}])
    def test_are_left_out_otherwise(self, live, amine, wanted):
        assert list(queries.people(live, **wanted)) == []

    def test_are_found_by_the_index_of_their_address(self, live, amine):
        """``iexact`` compares upper(email) and would read every row."""
        assert 'LOWER("contacts_contact"."email") =' in str(queries.people(live, email="a@b.test").query)

    def test_leave_tombstones_out(self, live, amine):
        amine.erased_at = amine.created_at
        amine.save()

        assert list(queries.people(live)) == []
