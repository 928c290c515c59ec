"""What operators may do: each of it by a service, with its audit entry and its events; and nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, ApiKey, Membership, User
from conversations.models import Conversation
from core import crypto, tenancy
from core.operations import MOST_ROWS, OperatedAdmin
from events.models import LoggedEvent
from tests.dexra import operating
from tests.dexra.operating import (
    PASSWORD,
    entries,
    list_url,
    mark_on,
    operation_url,
    page_url,
    press,
    registered,
    rows_of,
    secret_on,
)

OPERATIONS = [
    pytest.param(model, operation, id=f"{model._meta.label_lower}: {operation.name}")
    for model, page in admin.site._registry.items()
    if isinstance(page, OperatedAdmin)
    for operation in page.operations
]


@pytest.fixture
def world(acme, live):
    return operating.build(acme, live)


@pytest.fixture
def olga(world):
    """An operator's browser."""
    return operating.operator_client()[0]


def events_of(kind: str) -> list[LoggedEvent]:
    with tenancy.everyone():
        return list(LoggedEvent.unscoped.filter(type=kind).order_by("id"))


def fresh(row):
    with tenancy.everyone():
        return type(row)._default_manager.get(pk=row.pk)


class TestNothingElse:
    @pytest.mark.parametrize("model", [pytest.param(m, id=m._meta.label_lower) for m in registered()])
    def test_can_be_added_changed_or_deleted(self, olga, model):
        page, rows = admin.site._registry[model], rows_of(model)
        assert isinstance(page, OperatedAdmin)
        request = olga.get(list_url(model)).wsgi_request

        assert not page.has_add_permission(request)
        assert not page.has_change_permission(request)
        assert not page.has_delete_permission(request)
        assert set(page.get_actions(request)) <= {operation.name for operation in page.operations}
        before = rows
        assert olga.post(page_url(rows[0]), {"name": "Changed"}).status_code == 403
        assert olga.post(f"{list_url(model)}add/", {"name": "Added"}).status_code == 403
        delete = page_url(rows[0]).replace("/change/", "/delete/")
        assert olga.post(delete, {"post": "yes"}).status_code == 403
        ticked = {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "post": "yes"}
        olga.post(list_url(model), ticked)
        assert [vars_of(row) for row in rows_of(model)] == [vars_of(row) for row in before]


def vars_of(row) -> dict[str, Any]:
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


class TestEveryOperation:
    @pytest.mark.parametrize(("model", "operation"), OPERATIONS)
    def test_explains_itself_where_it_is_offered_and_is_hidden_where_it_is_not(self, olga, model, operation):
        for row in rows_of(model):
            with tenancy.everyone():
                is_offered = operation.is_offered(row)
            url = operation_url(row, operation.name)

            assert (url in olga.get(page_url(row)).content.decode()) == is_offered
            page = olga.get(url)
            assert page.status_code == (200 if is_offered else 302)
            assert not is_offered or operation.explains.partition("'")[0] in page.content.decode()

    @pytest.mark.parametrize(("model", "operation"), OPERATIONS)
    def test_is_not_for_operators_who_may_only_look(self, world, model, operation):
        browser, _ = operating.operator_client(is_superuser=False)
        rows = rows_of(model)

        for row in rows:
            url = operation_url(row, operation.name)
            assert url not in browser.get(page_url(row)).content.decode()
            assert browser.get(url).status_code == 403
            assert press(browser, url).status_code == 403
        ticked = {"action": operation.name, "_selected_action": [row.pk for row in rows], "confirmed": "yes"}
        browser.post(list_url(model), ticked)
        assert [vars_of(row) for row in rows_of(model)] == [vars_of(row) for row in rows]

    @pytest.mark.parametrize(("model", "operation"), OPERATIONS)
    def test_takes_a_csrf_token(self, world, model, operation):
        _, person = operating.operator_client()
        forger = Client(enforce_csrf_checks=True)
        forger.force_login(person)

        assert forger.post(operation_url(rows_of(model)[0], operation.name)).status_code == 403

    def test_is_found_on_no_row_that_does_not_exist(self, olga, world):
        gone = operation_url(world.key, "revoke").replace(f"/{world.key.pk}/", "/999999/")

        assert olga.get(gone).status_code == 404
        assert olga.get(operation_url(world.key, "explode")).status_code == 404

    def test_is_kept_in_the_admins_own_history(self, olga, world):
        press(olga, operation_url(world.inbox, "rotate-hmac"))

        [entry] = LogEntry.objects.filter(user__email="olga@dexra.test")
        assert (entry.change_message, entry.object_repr) == ("Rotate the HMAC token", "Support")

    def test_notes_who_and_from_where(self, olga, world):
        press(olga, operation_url(world.inbox, "rotate-hmac"))

        [entry] = entries("inbox.hmac_rotated")
        assert (entry.environment_id, entry.target) == (world.live.pk, world.inbox.public_id)
        assert (entry.actor_type, entry.ip) == ("operator", "203.0.113.7")
        assert entry.request_id.startswith("req_")


class TestKeys:
    def test_are_shown_once_when_they_are_minted(self, olga, world):
        page = press(olga, operation_url(world.live, "mint-key"), kind="sk", name="checkout", scopes=["users:read"])

        plain = secret_on(page)
        with tenancy.everyone():
            key = ApiKey.unscoped.get(digest=crypto.digest(plain))
        assert (key.name, key.scopes, key.environment_id) == ("checkout", ["users:read"], world.live.pk)
        assert "no-store" in page["Cache-Control"]
        assert plain not in olga.get(page_url(key)).content.decode()
        assert len(entries("key.created")) == 1

    def test_are_not_minted_again_by_a_page_that_is_reloaded(self, olga, world):
        url = operation_url(world.live, "mint-key")
        form = {"once": mark_on(olga.get(url)), "kind": "sk"}

        first, again = olga.post(url, form), olga.post(url, form, follow=True)

        assert secret_on(first)
        assert "sent before" in again.content.decode()
        assert len(entries("key.created")) == 1

    def test_open_something_from_the_moment_they_are_shown(self, olga, world):
        plain = secret_on(press(olga, operation_url(world.live, "mint-key"), kind="sk"))

        assert Client().get("/v1/users", headers={"Authorization": f"Bearer {plain}"}).status_code == 200

    def test_are_refused_with_a_form_that_is_wrong(self, olga, world):
        page = press(olga, operation_url(world.live, "mint-key"), kind="master", scopes=["everything"])

        assert page.status_code == 200
        assert len(page.context["form"].errors) == 2
        assert entries("key.created") == []

    def test_overlap_when_they_are_rolled(self, olga, world):
        plain = secret_on(press(olga, operation_url(world.key, "roll"), overlap="86400"))

        key = fresh(world.key)
        assert key.replaced_by_id is not None
        assert timedelta(hours=23) < key.expires_at - timezone.now() <= timedelta(hours=24)
        for working in (plain, world.plain_key):
            assert Client().get("/v1/users", headers={"Authorization": f"Bearer {working}"}).status_code == 200
        assert len(entries("key.rolled")) == 1

    def test_open_nothing_once_they_are_revoked(self, olga, world):
        answer = press(olga, operation_url(world.key, "revoke"))

        assert (answer.status_code, answer.url) == (302, page_url(world.key))
        assert Client().get("/v1/users", headers={"Authorization": f"Bearer {world.plain_key}"}).status_code == 401
        assert len(entries("key.revoked")) == 1

    def test_are_revoked_several_at_once_after_a_question(self, olga, world):
        ticked = {"action": "revoke", "_selected_action": [key.pk for key in rows_of(ApiKey)]}

        question = olga.post(list_url(ApiKey), ticked)
        assert "cannot be undone" in question.content.decode()
        assert entries("key.revoked") == []
        olga.post(list_url(ApiKey), {**ticked, "confirmed": "yes"})

        assert not {key.pk for key in rows_of(ApiKey) if vars(key)["revoked_at"] is None}


class TestInboxes:
    def test_get_a_new_token_that_is_not_shown(self, olga, world):
        before = fresh(world.inbox).hmac_token

        page = press(olga, operation_url(world.inbox, "rotate-hmac")).url

        after = fresh(world.inbox)
        assert (after.previous_hmac_token, after.hmac_token == before) == (before, False)
        assert after.hmac_token not in olga.get(page).content.decode()

    def test_are_closed_for_good(self, olga, world):
        press(olga, operation_url(world.inbox, "close"))

        assert Client().get(f"/public/api/v1/inboxes/{world.inbox.identifier}").status_code == 404
        assert len(entries("inbox.deleted")) == 1
        assert olga.get(operation_url(world.inbox, "close")).status_code == 302


class TestPeopleOnTheOtherSide:
    def test_are_blocked_and_unblocked(self, olga, world):
        contact = world.conversation.contact

        press(olga, operation_url(contact, "block"))
        assert fresh(contact).blocked
        press(olga, operation_url(contact, "unblock"))

        assert not fresh(contact).blocked
        assert [event.data["changes"]["blocked"]["to"] for event in events_of("user_updated")] == [True, False]
        assert [e.target for e in entries("user.blocked") + entries("user.unblocked")] == [contact.public_id] * 2


class TestConversations:
    def test_are_reopened_and_closed_as_by_an_agent(self, olga, world):
        press(olga, operation_url(world.conversation, "reopen"))
        assert fresh(world.conversation).status == "open"
        press(olga, operation_url(world.conversation, "close"))

        assert fresh(world.conversation).status == "closed"
        traces = [event.data["message_text"] for event in events_of("message_note")][-2:]
        assert traces == ["Conversation was reopened by Dexra support", "Conversation was resolved by Dexra support"]
        assert len(events_of("conversation_closed")) == 2
        assert (len(entries("conversation.reopened")), len(entries("conversation.closed"))) == (1, 1)

    def test_keep_their_events_in_order(self, olga, world):
        press(olga, operation_url(world.conversation, "reopen"))

        with tenancy.everyone():
            logged = LoggedEvent.unscoped.filter(conversation_id=world.conversation.pk).order_by("id")
            sequences = list(logged.values_list("sequence", flat=True))
        assert sequences == list(range(1, len(sequences) + 1))

    def test_are_not_changed_more_than_200_at_a_time(self, olga, world):
        with tenancy.everyone():
            row = fresh(world.conversation)
            same = {name: getattr(row, name) for name in ("environment", "inbox", "contact", "session")}
            Conversation.unscoped.bulk_create(Conversation(**same, number=n) for n in range(100, 101 + MOST_ROWS))
        ticked = [c.pk for c in rows_of(Conversation)]

        page = olga.post(
            list_url(Conversation), {"action": "close", "_selected_action": ticked, "confirmed": "y"}, follow=True
        )

        assert "At most 200" in page.content.decode()
        assert entries("conversation.closed") == []


class TestAccounts:
    def test_are_opened_for_somebody_new(self, olga, world):
        url = reverse("admin:accounts_account_operate_list", args=["open"])

        page = press(olga, url, name="Initech", plan="pro", owner_email="Peter@initech.test")

        account = Account.objects.get(name="Initech")
        owner = account.memberships.get(role="owner").user
        assert (account.plan, owner.email) == ("pro", "peter@initech.test")
        assert owner.check_password(secret_on(page))
        assert set(account.environments.values_list("kind", flat=True)) == {"live", "sandbox"}
        assert [entry.changes["owner"] for entry in entries("account.opened")] == ["peter@initech.test"]

    def test_are_put_on_another_plan(self, olga, world):
        press(olga, operation_url(world.account, "change"), name="Acme", plan="enterprise")

        assert fresh(world.account).plan == "enterprise"
        assert [entry.changes for entry in entries("account.updated")] == [
            {"plan": {"from": "starter", "to": "enterprise"}}
        ]

    def test_get_a_member_who_is_known_without_a_password(self, olga, world):
        User.objects.create_user("linus@acme.test", PASSWORD)

        answer = press(olga, operation_url(world.account, "add-member"), email="LINUS@acme.test", role="admin")

        assert answer.status_code == 302
        membership = Membership.objects.get(user__email="linus@acme.test")
        assert (membership.role, membership.user.check_password(PASSWORD)) == ("admin", True)
        assert [entry.target for entry in entries("member.added")] == ["linus@acme.test"]

    def test_refuse_a_member_twice(self, olga, world):
        page = press(olga, operation_url(world.account, "add-member"), email="grace@acme.test", role="agent")

        assert "already" in page.content.decode()
        assert entries("member.added") == []

    def test_lose_a_member(self, olga, world):
        membership = Membership.objects.get(user__email="grace@acme.test")

        answer = press(olga, operation_url(membership, "remove"))

        assert answer.url == page_url(world.account)
        assert not Membership.objects.filter(pk=membership.pk).exists()
        assert [entry.changes for entry in entries("member.removed")] == [{"role": "agent"}]

    @pytest.mark.parametrize(("name", "values"), [("remove", {}), ("change-role", {"role": "agent"})])
    def test_keep_their_last_owner(self, olga, world, name, values):
        membership = Membership.objects.get(account=world.account, role="owner")

        page = press(olga, operation_url(membership, name), **values)

        assert "only owner" in page.content.decode()
        assert fresh(membership).role == "owner"

    def test_change_a_members_role(self, olga, world):
        membership = Membership.objects.get(user__email="grace@acme.test")

        press(olga, operation_url(membership, "change-role"), role="admin")

        assert fresh(membership).role == "admin"
        assert [e.changes for e in entries("member.changed")] == [{"role": {"from": "agent", "to": "admin"}}]


class TestPeople:
    def test_get_a_new_password_that_is_shown_once(self, olga, world, ada):
        at_home = Client()
        at_home.force_login(ada)

        plain = secret_on(press(olga, operation_url(ada, "renew-password")))

        assert fresh(ada).check_password(plain)
        assert fresh(ada).pubsub_token != ada.pubsub_token
        assert "_auth_user_id" not in at_home.get("/admin/login/").wsgi_request.session
        assert [entry.changes for entry in entries("person.password_renewed")] == [{}]

    def test_are_shut_out_and_let_in_again(self, olga, world, ada):
        press(olga, operation_url(ada, "deactivate"))
        assert not fresh(ada).is_active
        press(olga, operation_url(ada, "reactivate"))

        assert fresh(ada).is_active
        assert len(entries("person.updated")) == 2

    def test_become_operators_and_are_none_any_more(self, olga, world, ada):
        press(olga, operation_url(ada, "let-look"))
        assert (fresh(ada).is_staff, fresh(ada).is_superuser) == (True, False)
        press(olga, operation_url(ada, "let-operate"))
        assert fresh(ada).is_superuser
        press(olga, operation_url(ada, "shut-out"))

        assert (fresh(ada).is_staff, fresh(ada).is_superuser) == (False, False)

    def test_do_not_shut_themselves_out(self, olga, world):
        me = User.objects.get(email="olga@dexra.test")

        for name in ("deactivate", "shut-out"):
            assert "shut yourself out" in press(olga, operation_url(me, name)).content.decode()
        assert (fresh(me).is_active, fresh(me).is_superuser) == (True, True)

    def test_do_not_take_somebody_elses_address(self, olga, world, ada):
        page = press(olga, operation_url(ada, "change"), email="GRACE@acme.test", name="Ada")

        assert "Somebody else has this e-mail address" in page.content.decode()
        assert fresh(ada).email == "ada@acme.test"
