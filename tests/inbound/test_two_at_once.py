"""One person who writes from two addresses at the same moment: in one conversation."""

import pytest

from contacts.models import ContactSession
from contacts.services import addresses, contacts
from conversations.models import Conversation, Message
from core import tenancy
from inbound.services import saying
from inboxes.channels.incoming import Said, Sender
from tests.inbound.callers import open_carried
from tests.providers.words import RECEIVED_AT
from tests.servers import at_once

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 3


@pytest.fixture
def inbox(live):
    return open_carried(live, "whatsapp")


def somebody_with_two_addresses(inbox, number):
    """Return the phone number and the user id of a new person."""
    phone, user_id = f"+1650555{1000 + number}", f"US.{number}"
    person = contacts.create(environment=inbox.environment, fields={"phone_number": phone, "verified": True})
    for address in (phone, user_id):
        addresses.open_at(inbox=inbox, address=address, contact=person)
    return phone, user_id


def writes(inbox, address):
    """Return the act of somebody writing from an address."""

    def write():
        with tenancy.everyone():
            said = Said(f"wamid.{address}", Sender(address), RECEIVED_AT, text="Hello")
            return saying.receive(inbox, said, is_patient=True).outcome

    return write


def test_two_addresses_of_one_person_at_once_are_one_conversation(inbox):
    for number in range(PEOPLE):
        both = somebody_with_two_addresses(inbox, number)

        assert at_once(*[writes(inbox, address) for address in both]) == ["done", "done"]

    assert Message.unscoped.count() == 2 * PEOPLE
    assert ContactSession.unscoped.count() == 2 * PEOPLE
    assert Conversation.unscoped.count() == PEOPLE
