"""Writing first, while others open, merge and close at the same moment."""

import pytest

from contacts.models import Contact, ContactSession
from conversations.models import Conversation
from core import tenancy
from tests.servers import Server, at_once


@pytest.mark.django_db(transaction=True)
class TestBeginAtOnce:
    def test_opens_one_session_for_one_person(self, api, key, amine, inbox):
        begun = at_once(*[lambda: Server(key).post("/v1/conversations", {"user_id": "c-1"}).status_code] * 4)

        assert begun == [201] * 4
        with tenancy.everyone():
            assert ContactSession.unscoped.count() == 1
            assert sorted(Conversation.unscoped.values_list("number", flat=True)) == [1, 2, 3, 4]

    def test_loses_no_conversation_to_a_merge(self, api, key, amine, inbox):
        api.put("/v1/users/c-2")

        begun, merged = at_once(
            lambda: Server(key).post("/v1/conversations", {"user_id": "c-2", "text": "Hi"}).status_code,
            lambda: Server(key).post("/v1/users/merge", {"from": "c-2", "into": "c-1"}).status_code,
        )

        assert (begun in {201, 410, 422}, merged) == (True, 200)
        with tenancy.everyone():
            owners = set(Conversation.unscoped.values_list("contact", flat=True))
            assert owners <= set(Contact.unscoped.filter(merged_into=None).values_list("pk", flat=True))
