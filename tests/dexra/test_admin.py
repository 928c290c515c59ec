"""What operators see: everything of everybody, but no secret; and who else sees none of it."""

import re
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.models import Contact
from contacts.services import contacts
from conversations.models import Conversation, Message
from conversations.services import messages
from conversations.services.messages import Draft
from core import tenancy
from core.admin import COUNTED, CountlessPaginator, RecordAdmin
from dexra import operators, settings
from events.models import LoggedEvent
from tests.dexra import operating
from tests.dexra.operating import PASSWORD, WORDS, list_url, page_url, registered, rows_of

MODELS = [pytest.param(model, id=model._meta.label_lower) for model in registered()]
JUNK = [
    "environment__id__exact=x",
    "environment__id__exact=99999999999999999999",
    "nonsense=1",
    "p=999",
    "o=7.-1",
    "day=x",
]


@pytest.fixture
def world(acme, live):
    return operating.build(acme, live)


@pytest.fixture
def olga(world):
    """An operator's browser."""
    return operating.operator_client()[0]


def links_in(page, beginning: str) -> list[str]:
    found = re.findall(r'href="([^"]*)"', page.content.decode())
    return [link.replace("&amp;", "&") for link in found if link.startswith(beginning)]


def every_page() -> list[str]:
    places = [list_url(model) for model in registered()]
    places += [page_url(row) for model in registered() for row in rows_of(model)]
    places += [reverse("admin:index"), reverse("admin:find"), reverse("admin:password_change")]
    return places


class TestEveryPage:
    @pytest.mark.parametrize("model", MODELS)
    def test_lists_its_rows(self, olga, model):
        page = olga.get(list_url(model))

        assert page.status_code == 200
        assert page.context["cl"].result_count == len(rows_of(model)) > 0

    @pytest.mark.parametrize("model", MODELS)
    def test_shows_each_row(self, olga, model):
        for row in rows_of(model):
            page = olga.get(page_url(row))
            assert page.status_code == 200
            assert page.context["has_change_permission"] is False
            assert olga.get(page_url(row).replace("/change/", "/history/")).status_code == 200

    @pytest.mark.parametrize("model", MODELS)
    def test_answers_every_filter_it_offers(self, olga, model):
        offered = links_in(olga.get(list_url(model)), "?")

        assert offered
        for link in offered:
            assert olga.get(list_url(model) + link).status_code == 200, link

    @pytest.mark.parametrize("model", MODELS)
    @pytest.mark.parametrize("words", ["Acme", "msg_nothing", "42", "\x00'\"%", "9" * 30, "é" * 300])
    def test_searches_for_anything(self, olga, model, words):
        assert olga.get(list_url(model), {"q": words}).status_code == 200

    @pytest.mark.parametrize("model", MODELS)
    @pytest.mark.parametrize("junk", JUNK)
    def test_survives_a_junk_address(self, olga, model, junk):
        assert olga.get(f"{list_url(model)}?{junk}", follow=True).status_code == 200

    def test_leads_to_every_place_from_its_header(self, olga):
        places = olga.get(reverse("admin:index")).content.decode().partition('class="places"')[2].partition("</nav>")[0]

        found = re.findall(r'href="/admin/(\w+)/', places)
        assert {"inboxes", "outbound", "inbound", "webhooks", "conversations"} <= set(found)
        assert [olga.get(link).status_code for link in re.findall(r'href="([^"]+)"', places)] == [200] * len(found)

    def test_leads_from_each_row_to_what_hangs_on_it(self, olga, world):
        page = olga.get(page_url(world.conversation.contact))

        lists = [link for link in links_in(page, "/admin/") if "contact__id__exact" in link]
        hanging = {"contactsession", "conversation", "message", "surveyanswer", "dispatch"}
        assert {link.split("/")[3] for link in lists} == hanging
        for link in lists:
            answered = olga.get(link)
            assert answered.context["cl"].result_count >= 1
            assert "Amine" in answered.content.decode()

    def test_names_the_tenant_of_a_row_first(self, olga, world):
        page = olga.get(page_url(world.message)).content.decode()

        assert re.search(r'<p class="tenant live">\s*<a href="/admin/accounts/account/\d+/change/">Acme</a>', page)

    def test_asks_the_same_of_the_database_for_many_rows(self, olga, world, django_assert_max_num_queries):
        for word in ("one", "two", "three", "four", "five", "six"):
            with tenancy.everyone():
                session, number = world.session, world.conversation.number
                messages.receive(session=session, number=number, draft=Draft(word))

        for model in (Conversation, Message, LoggedEvent):
            with django_assert_max_num_queries(16):
                olga.get(list_url(model))


class TestSearch:
    @pytest.mark.parametrize("model", [Message, Conversation, Contact, LoggedEvent])
    def test_finds_a_row_by_its_public_id(self, olga, model):
        row = rows_of(model)[0]
        page = admin.site._registry[model]
        assert isinstance(page, RecordAdmin)
        public_id = page.name_of(row)

        shown = olga.get(list_url(model), {"q": f" {public_id} "}).context["cl"].result_list

        assert [each.pk for each in shown] == [row.pk]

    def test_finds_a_conversations_messages_by_the_conversations_id(self, olga, world):
        shown = olga.get(list_url(Message), {"q": world.conversation.public_id}).context["cl"].result_list

        assert {message.conversation_id for message in shown} == {world.conversation.pk}

    @pytest.mark.parametrize("words", ["amine@example.test", "AMINE@example.test", "ami"])
    def test_finds_a_person(self, olga, words):
        assert olga.get(list_url(Contact), {"q": words}).context["cl"].result_count == 1

    def test_leads_from_any_public_id_to_its_page(self, olga, world):
        found = olga.get(reverse("admin:find"), {"q": world.message.public_id})

        assert (found.status_code, found.url) == (302, page_url(world.message))

    def test_offers_the_lists_for_words_that_name_nothing(self, olga):
        page = olga.get(reverse("admin:find"), {"q": "<b>nobody"})

        assert f"{list_url(Contact)}?q=%3Cb%3Enobody" in links_in(page, "/admin/")
        assert "<b>nobody" not in page.content.decode()

    def test_does_not_look_for_words_in_messages(self, olga):
        assert olga.get(list_url(Message), {"q": WORDS}).context["cl"].result_count == 0


class TestWhatStrangersWrote:
    def test_is_never_a_part_of_the_page(self, olga, world):
        hostile = "<script>alert(1)</script>"
        with tenancy.everyone():
            contact = contacts.update(
                contact=world.conversation.contact, fields={"name": hostile, "custom_attributes": {"a": hostile}}
            )

        for place in (list_url(Contact), page_url(contact), page_url(world.conversation), list_url(Message)):
            shown = olga.get(place).content.decode()
            assert hostile not in shown, place
            assert "&lt;script&gt;" in shown or place == page_url(world.conversation)
        assert hostile not in olga.get(operating.operation_url(contact, "block")).content.decode()


class TestPrivacy:
    def test_shows_no_secret_on_any_page(self, olga, world):
        with tenancy.everyone():
            secrets = world.secrets
            world.inbox.refresh_from_db()

        assert all(len(secret) > 8 for secret in secrets.values())
        for place in every_page():
            shown = olga.get(place).content.decode()
            assert [name for name, secret in secrets.items() if secret in shown] == [], place

    def test_shows_what_was_said_on_pages_of_one_row_only(self, olga, world):
        lists = [list_url(model) for model in registered()] + [reverse("admin:index")]

        said = [vars(message)["text"] for message in rows_of(Message)]

        assert WORDS in olga.get(page_url(world.message)).content.decode()
        assert len(said) == 4
        for place in lists:
            shown = olga.get(place).content.decode()
            assert [text for text in said if text in shown] == [], place

    def test_lets_nothing_load_from_elsewhere_nor_be_framed(self, olga):
        for place in (reverse("admin:index"), list_url(Contact)):
            policy = olga.get(place)["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert not re.findall(r"<style|<script(?![^>]*src)|\sstyle=", olga.get(place).content.decode())


class TestAccess:
    def test_sends_a_stranger_to_the_login_from_every_page(self, world):
        places = every_page()
        places += [operating.operation_url(world.key, "revoke"), operating.operation_url(world.inbox, "close")]

        for place in places:
            answer = Client().get(place)
            assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/"), place
            assert Client().post(place).status_code == 302

    def test_does_not_let_a_member_in(self, world, ada):
        browser = Client()
        browser.force_login(ada)

        for place in every_page():
            assert browser.get(place).status_code == 302

    def test_does_not_let_an_operator_in_who_was_deactivated(self, world):
        browser, olga = operating.operator_client()
        olga.is_active = False
        olga.save()

        assert browser.get(reverse("admin:index")).status_code == 302

    def test_lets_an_operator_in_who_knows_the_password(self, world):
        operating.operator_client()
        browser = Client()

        assert browser.post("/admin/login/", {"username": "olga@dexra.test", "password": "wrong"}).status_code == 200
        assert browser.post("/admin/login/", {"username": "Olga@Dexra.test ", "password": PASSWORD}).status_code == 302
        assert browser.get("/admin/").status_code == 200

    def test_keeps_its_cookies_from_scripts_and_other_sites(self, world):
        operating.operator_client()
        browser = Client()
        browser.post("/admin/login/", {"username": "olga@dexra.test", "password": PASSWORD})

        cookie = browser.cookies["sessionid"]
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
        assert cookie["max-age"] == settings.SESSION_COOKIE_AGE <= timedelta(hours=12).total_seconds()


class TestTheWall:
    """The admin sees every tenant; nothing that is not the admin ever does."""

    def contacts_seen(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM contacts_contact")
            return int(cursor.fetchone()[0])

    def test_stands_again_when_a_page_was_shown(self, olga):
        assert olga.get(list_url(Contact)).context["cl"].result_count == 1

        assert tenancy.bound() is None
        assert self.contacts_seen() == 0

    def test_stands_again_when_a_page_was_not_found_or_refused(self, olga, world):
        for place in (f"{list_url(Contact)}999/change/", operating.operation_url(world.key, "nonsense")):
            olga.get(place)
            assert (tenancy.bound(), self.contacts_seen()) == (None, 0)

    def test_stands_before_somebody_is_known(self, world):
        tenancy.release()
        Client().get("/admin/login/")
        Client().get(list_url(Contact))

        assert (tenancy.bound(), self.contacts_seen()) == (None, 0)

    def test_is_there_for_every_other_page_of_an_operator(self, olga, world):
        olga.get("/admin/")

        for place in ("/", "/docs/", "/v1/users", "/healthz"):
            olga.get(place)
            assert (tenancy.bound(), self.contacts_seen()) == (None, 0), place

    def test_shows_two_tenants_side_by_side(self, olga, globex):
        with tenancy.everyone():
            contacts.create(environment=globex, fields={"name": "Hank"})

        page = olga.get(list_url(Contact)).content.decode()

        assert "Amine" in page
        assert "Hank" in page


class TestLargeTables:
    def test_are_counted_up_to_ten_thousand(self, world):
        paginator = CountlessPaginator(Contact.unscoped.order_by("-pk"), 50)

        with CaptureQueriesContext(connection) as asked:
            assert paginator.count == 1

        assert f"LIMIT {COUNTED + 1}" in asked[0]["sql"]
        assert "ORDER BY" not in asked[0]["sql"]

    @pytest.mark.parametrize("model", [Contact, Conversation, Message, LoggedEvent])
    def test_are_listed_without_a_join_that_would_read_all_of_them(self, olga, model):
        with CaptureQueriesContext(connection) as asked:
            olga.get(list_url(model))

        table = model._meta.db_table
        lists = [query["sql"] for query in asked if query["sql"].endswith(f'ORDER BY "{table}"."id" DESC')]
        assert len(lists) == 1
        assert "JOIN" not in lists[0].partition(f'FROM "{table}"')[2]

    def test_stop_a_page_that_takes_too_long(self, db, monkeypatch):
        browser, _ = operating.operator_client()

        with somebody_locks("contacts_contact"), monkeypatch.context() as hasty:
            hasty.setattr(operators, "PATIENCE_SECONDS", 0.2)
            page = browser.get(list_url(Contact))

        assert page.status_code == 503
        assert "took too long" in page.content.decode()
        assert tenancy.bound() is None
        assert browser.get(list_url(Contact)).status_code == 200


@contextmanager
def somebody_locks(table: str):
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        other.rollback()
