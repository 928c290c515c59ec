"""An address somebody wrote by hand: it guesses no secret, and it breaks no page."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import Account, IdempotencyKey, User
from contacts.models import Contact, ContactSession
from conversations.models import Conversation, Message
from events.models import LoggedEvent
from inboxes.models import Inbox
from tests.dexra import operating
from tests.dexra.operating import WORDS, list_url, registered

SECRETS = [
    (User, "pubsub_token__startswith", lambda _: User.objects.first().pubsub_token[:4]),
    (User, "password__startswith", lambda _: "argon2"),
    (User, "password__contains", lambda _: "$"),
    (ContactSession, "pubsub_token", lambda world: world.session.pubsub_token),
    (ContactSession, "source_id", lambda world: world.session.source_id),
    (ContactSession, "source_id__gte", lambda _: "0"),
    (Conversation, "session__source_id__startswith", lambda world: world.session.source_id[:4]),
    (Inbox, "hmac_token__startswith", lambda world: world.inbox.hmac_token[:4]),
    (IdempotencyKey, "body__icontains", lambda _: "the-answer"),
    (Message, "text__icontains", lambda _: WORDS[:9]),
    (LoggedEvent, "data__message__text__icontains", lambda _: WORDS[:9]),
]
NONSENSE = [
    (User, "name__regex=("),
    (Account, "created_at__year=999999999"),
    (Account, "created_at__year=99999999999999999999"),
    (Account, "created_at__year=9999"),
    (Account, "created_at__year=0&created_at__month=13"),
    (Account, "created_at__month=13"),
    (Account, "created_at__year=x"),
    (Account, "plan__exact=%00"),
    (Account, "plan=%00"),
    (Conversation, "status=%00"),
    (Conversation, "status__exact=%00"),
    (Contact, "blocked__exact=maybe"),
    (LoggedEvent, "conversation_id=%00"),
    (LoggedEvent, "conversation_id=99999999999999999999"),
]


@pytest.fixture
def world(acme, live):
    return operating.build(acme, live)


@pytest.fixture
def viewer(world):
    """The browser of an operator who may only look."""
    return operating.operator_client(is_superuser=False)[0]


class TestSecrets:
    @pytest.mark.parametrize(("model", "lookup", "guess"), SECRETS)
    def test_are_not_guessed_by_asking_for_their_beginnings(self, viewer, world, model, lookup, guess):
        right = viewer.get(list_url(model), {lookup: guess(world)})
        wrong = viewer.get(list_url(model), {lookup: "zzzz-wrong"})

        assert [(each.status_code, each["Location"]) for each in (right, wrong)] == [
            (302, f"{list_url(model)}?e=1")
        ] * 2

    def test_are_in_no_lookup_that_a_list_allows(self, viewer, rf):
        request = rf.get("/")
        endings = ("__startswith", "__regex", "__gte", "__contains")

        lookups = [
            (page, f.name + e) for m, page in admin.site._registry.items() for f in m._meta.fields for e in endings
        ]

        assert len(lookups) > 100
        assert [lookup for page, lookup in lookups if page.lookup_allowed(lookup, "x", request)] == []


class TestNonsense:
    @pytest.mark.parametrize(("model", "question"), NONSENSE)
    def test_leads_to_the_whole_list(self, viewer, model, question):
        page = viewer.get(f"{list_url(model)}?{question}", follow=True)

        assert page.status_code == 200
        assert page.context["cl"].model is model

    @pytest.mark.parametrize("model", [pytest.param(model, id=model._meta.label_lower) for model in registered()])
    def test_is_not_followed_for_ever(self, viewer, model):
        answer = viewer.get(f"{list_url(model)}?e=1&nonsense=%00")

        assert (answer.status_code, answer["Location"]) == (302, f"{list_url(model)}?e=1")
        assert viewer.get(answer["Location"]).status_code == 200

    @pytest.mark.parametrize("row", ["%00", "x", "99999999999999999999", "_00"])
    def test_names_no_row(self, viewer, row):
        assert viewer.get(f"{list_url(User)}{row}/change/", follow=True).status_code in {200, 404}

    def test_does_not_keep_the_calendar_from_leading_to_a_month(self, viewer, world):
        born = world.account.created_at

        page = viewer.get(list_url(Account), {"created_at__year": born.year, "created_at__month": born.month})

        assert (page.status_code, page.context["cl"].result_count) == (200, 1)


class TestACookieNobodyWrote:
    @pytest.mark.parametrize("cookie", [r'"\000aaaaaaaaaaa"', "a" * 50, "A" * 32, "' OR 1=1 --------", "é" * 12, "..."])
    @pytest.mark.parametrize("place", ["admin:index", "admin:login"])
    def test_is_no_session(self, world, cookie, place):
        answer = Client().get(reverse(place), headers={"Cookie": f"sessionid={cookie}"})

        assert answer.status_code == (200 if place == "admin:login" else 302)
