"""Rows from hand-written SQL are the rows the ORM would give."""

import pytest
from django.db import connection

from accounts.models import Environment, User
from contacts.models import Contact, ContactSession
from conversations.models import Conversation, Message
from conversations.services import messages
from core.rows import Shape
from inboxes.models import Inbox


def loaded(model, pk, **options):
    shape = Shape(model, "it", **options)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {shape.columns} FROM {model._meta.db_table} AS it WHERE id = %s", [pk])
        return shape.build(cursor.fetchone())


def columns(row):
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


@pytest.fixture
def message(session, conversation):
    return messages.receive(session=session, number=conversation.number, draft=messages.Draft("Hello"))


class TestShape:
    @pytest.mark.parametrize("model", [Environment, User, Inbox, Contact, ContactSession, Conversation, Message])
    def test_builds_what_the_orm_builds(self, model, message):
        expected = model._base_manager.order_by("id").last()

        row = loaded(model, expected.pk)

        assert columns(row) == columns(expected)
        assert (row._state.adding, row._state.db) == (False, "default")
        assert row == expected

    def test_shares_nothing_between_rows_whose_json_is_empty(self, message):
        one, other = loaded(Message, message.pk), loaded(Message, message.pk)
        one.metadata["mine"] = True
        one.payload["mine"] = True

        assert (other.metadata, other.payload) == ({}, {})

    def test_loads_a_column_that_was_left_out_when_it_is_asked_for(self, ada):
        row = loaded(User, ada.pk, only=("id", "name"))

        assert row.get_deferred_fields() >= {"email"}
        assert row.email == "ada@acme.test"

    def test_builds_rows_that_save_their_changes(self, session):
        row = loaded(Contact, session.contact_id)
        row.name = "Renamed"
        row.save()

        assert Contact.unscoped.get(pk=session.contact_id).name == "Renamed"
