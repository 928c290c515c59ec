"""What is left of people who are gone."""

import pytest
from django.utils import timezone

from contacts.models import Contact
from contacts.services import tombstones

NOW = timezone.now()
EVERYTHING = {
    "external_id": "c-1", "former_external_id": "old-1",
    "name": "Amine", "first_name": "Amine", "last_name": "B", "email": "amine@example.test",
    "phone_number": "+212600000001", "avatar_url": "https://a.test/", "user_type": "premium", "language": "fr",
    "country": "MA", "city": "Rabat", "custom_attributes": {"plan": "pro"}, "tags": ["lead"], "verified": True,
    "blocked": True, "last_seen_at": NOW, "last_activity_at": NOW,
}  # fmt: skip


@pytest.fixture
def amine(live):
    return Contact.unscoped.create(environment=live, **EVERYTHING)


def said_of(contact):
    stored = Contact.unscoped.get(pk=contact.pk)
    return {name: getattr(stored, name) for name in EVERYTHING}


def test_everything_a_record_says_of_somebody_is_known_to_be_personal():
    assert set(EVERYTHING) == set(tombstones.PERSONAL)


def test_nothing_is_left_of_somebody_erased(live, amine):
    tombstones.bury(amine)

    assert said_of(amine) == {name: getattr(Contact(), name) for name in EVERYTHING}
    assert Contact.unscoped.get(pk=amine.pk).erased_at


def test_nothing_is_left_of_somebody_merged_and_nothing_is_lost(live, amine):
    survivor = Contact.unscoped.create(environment=live)

    tombstones.absorb(amine, into=survivor)

    assert said_of(survivor) == {**EVERYTHING, "former_external_id": None}
    assert said_of(amine) == {name: getattr(Contact(), name) for name in EVERYTHING}
    gone = Contact.unscoped.get(pk=amine.pk)
    assert (gone.merged_into, gone.erased_at) == (survivor, None)
