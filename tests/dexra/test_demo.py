"""``/demo/``: a page with the chat on it, under a policy that trusts nothing but itself."""

import re
import time
from html import unescape

import jwt
import pytest
from django.test import Client

from accounts.models import Account
from accounts.services import audit, environments
from dexra.management.commands.bootstrap import bootstrap
from dexra.product import DEMO_ACCOUNT, DEMO_OWNER
from inboxes.models import Inbox
from inboxes.services import inboxes


@pytest.fixture
def inbox(anyone) -> Inbox:
    """The inbox of the account that `make run` makes."""
    found = bootstrap(DEMO_ACCOUNT, DEMO_OWNER, operator=False)
    return Inbox.unscoped.get(identifier=found["live"]["web_inbox_identifier"])


def shown(query: str = "", **headers: str) -> tuple[str, str]:
    """Return the page and its policy."""
    answer = Client().get(f"/demo/{query}", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode(), answer["Content-Security-Policy"]


def rules(policy: str) -> dict[str, list[str]]:
    return {name: values.split() for name, _, values in (each.partition(" ") for each in policy.split("; "))}


class TestThePage:
    def test_names_the_demo_inbox_in_one_tag(self, inbox):
        html, _ = shown()

        [tag] = re.findall(r'<script src="/sdk/loader.js"[^>]*>', html)
        assert 'id="sbinit"' in tag
        assert f'data-inbox="{inbox.identifier}"' in tag
        assert inbox.hmac_token not in html

    def test_trusts_only_scripts_of_its_own_and_those_with_its_nonce(self, inbox):
        html, policy = shown()
        [nonce] = set(re.findall(r'nonce="([^"]+)"', html))

        assert "unsafe" not in policy
        assert rules(policy)["script-src"] == ["'self'", f"'nonce-{nonce}'"]
        assert rules(policy)["style-src"] == ["'self'", f"'nonce-{nonce}'"]
        assert rules(policy)["default-src"] == rules(policy)["frame-ancestors"] == ["'none'"]

    def test_has_no_script_or_style_that_its_policy_forbids(self, inbox):
        html, _ = shown()

        for tag in re.findall(r"<(?:script|style)[^>]*>", html):
            assert "nonce=" in tag or 'src="/static/' in tag, tag
        assert not re.search(r"<[^>]+\s(?:style|on\w+)=", html)

    def test_has_another_nonce_each_time_and_is_not_kept(self, inbox):
        assert shown()[1] != shown()[1]
        assert Client().get("/demo/")["Cache-Control"] == "no-store"

    def test_lets_the_chat_reach_its_server_and_show_what_is_uploaded(self, inbox, settings):
        settings.BASE_URL = "https://chat.example.test"

        allowed = rules(shown(host="localhost")[1])

        assert {"'self'", "https://chat.example.test", "wss://chat.example.test", "ws://localhost"} == set(
            allowed["connect-src"]
        )
        assert {"blob:", "data:", "https://chat.example.test"} <= set(allowed["img-src"])

    def test_runs_the_seeds_snippet(self, inbox):
        html = unescape(shown()[0])

        for words in ('addEventListener("SBInit"', "new SBUser(", 'subscription_expiry: "2026-12-31"', "user.update()"):
            assert words in html

    @pytest.mark.parametrize(
        ("query", "locale", "theme"),
        [("", "en", "auto"), ("?locale=ar&theme=dark", "ar", "dark"), ('?locale="><b>&theme=neon', "en", "auto")],
    )
    def test_takes_its_looks_from_the_address_and_nothing_else(self, inbox, query, locale, theme):
        html, _ = shown(query)

        assert f'data-locale="{locale}"' in html
        assert f'theme: "{theme}"' in html
        assert "<b>&" not in html

    def test_draws_the_chat_inline_or_behind_a_button(self, inbox):
        assert "<dexra-chat" not in shown()[0]
        html, _ = shown("?view=inline")
        assert f'inbox="{inbox.identifier}"' in html
        assert "hideLauncher: true" in html

    def test_says_what_is_missing_without_an_inbox(self, db):
        html, _ = shown()

        assert "manage.py bootstrap" in html
        assert "loader.js" not in re.findall(r"<script[^>]*>", html)[0]


class TestSigningIn:
    @pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
    def test_answers_with_a_token_that_the_inbox_believes(self, inbox):
        answer = Client().get("/demo/token/")

        said = jwt.decode(answer.json()["token"], inbox.hmac_token, algorithms=["HS256"])
        assert said["sub"] == "demo-customer"
        assert 0 < said["exp"] - time.time() <= 3600
        assert answer["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in answer

    def test_there_is_no_token_without_an_inbox(self, db):
        assert Client().get("/demo/token/").status_code == 404

    def test_only_reading_is_possible(self, inbox):
        assert Client().post("/demo/token/").status_code == 405


class TestWhereItIsNotWanted:
    @pytest.fixture(autouse=True)
    def off(self, settings):
        settings.DEMO = False

    @pytest.mark.parametrize("path", ["/demo/", "/demo/token/"])
    def test_there_is_none(self, inbox, path):
        assert Client().get(path).status_code == 404

    def test_nobody_is_sent_there(self):
        for path in ("/", "/docs/"):
            assert "/demo/" not in Client().get(path).content.decode()


class TestWhichInbox:
    def test_in_production_is_never_guessed(self, inbox, settings):
        settings.IS_PRODUCTION = True

        assert inbox.identifier not in shown()[0]
        assert Client().get("/demo/token/").status_code == 404

    def test_is_the_one_an_operator_names(self, inbox, live, settings):
        own = inboxes.create(environment=live, channel=Inbox.Channel.WEB, by=audit.SYSTEM, fields={"name": "Showcase"})
        settings.DEMO_INBOX = own.identifier

        assert own.identifier in shown()[0]

    def test_is_no_inbox_of_another_kind(self, live, settings):
        own = inboxes.create(environment=live, channel=Inbox.Channel.API, by=audit.SYSTEM, fields={"name": "Web"})
        settings.DEMO_INBOX = own.identifier

        assert own.identifier not in shown()[0]


class TestTheFirstInboxes:
    def test_are_one_for_programs_and_one_for_pages_in_each_world(self, inbox):
        account = Account.objects.get(name=DEMO_ACCOUNT)
        for kind in ("live", "sandbox"):
            environment = environments.environment_of(account, kind)
            found = Inbox.of(environment).values_list("name", "channel").order_by("name")
            assert list(found) == [("API", "api"), ("Web", "web")]

    def test_are_made_once(self, inbox):
        again = bootstrap(DEMO_ACCOUNT, DEMO_OWNER, operator=False)

        assert again["live"]["web_inbox_identifier"] == inbox.identifier
        assert Inbox.unscoped.count() == 4
