"""The pages for developers: they open, they load nothing from elsewhere, and what they say works."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from accounts.services.keys import SCOPES
from accounts.views import PER_MINUTE

PAGES = ["/", "/docs/", "/docs/channels/", "/docs/webhooks/", "/docs/reference/"]


class Reader(HTMLParser):
    """Collects the addresses a page names, its ids, and what a browser would run without a file."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.copies: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag in {"script", "img", "source", "iframe"} and named.get("src"):
            self.loads.append(named["src"])
        elif tag == "link":
            self.loads.append(named["href"])
        elif tag == "a":
            self.links.append(named["href"])
        if tag == "style" or (tag == "script" and not named.get("src")):
            self.inline.append(tag)
        self.inline += [name for name in named if name == "style" or name.startswith("on")]
        self.ids += [named["id"]] if "id" in named else []
        self.copies += [named["data-copies"]] if "data-copies" in named else []


def source(name: str) -> str:
    found = finders.find(name)
    assert found is not None
    return Path(found).read_text()


def read(path: str) -> Reader:
    answer = Client().get(path)
    assert answer.status_code == 200
    return Reader(answer.content.decode())


@pytest.mark.parametrize("path", PAGES)
class TestEveryPage:
    def test_is_sealed(self, path):
        policy = Client().get(path)["Content-Security-Policy"]

        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy

    def test_runs_nothing_the_seal_forbids(self, path):
        assert read(path).inline == []

    def test_loads_only_files_that_are_served_here(self, path):
        loads = read(path).loads

        assert loads
        for address in loads:
            assert address.startswith("/static/")
            assert finders.find(address.removeprefix("/static/")), address

    def test_leads_nowhere_that_is_not_there(self, path, db):
        page = read(path)
        for link in page.links:
            if link.startswith("#"):
                assert link[1:] in page.ids
            else:
                assert Client().get(link, follow=True).status_code == 200, link

    def test_is_there_without_a_database_and_leaves_no_cookie(self, path):
        assert Client().get(path).cookies == {}

    def test_copies_only_what_is_on_it(self, path):
        page = read(path)

        assert set(page.copies) <= set(page.ids)
        assert len(page.ids) == len(set(page.ids))


class TestStaticFiles:
    @pytest.mark.parametrize("name", ["dexra/docs.css", "dexra/admin.css", "dexra/reference.css"])
    def test_of_ours_fetch_nothing(self, name):
        style = source(name)

        assert "@import" not in style
        assert "url(" not in style

    def test_of_the_reference_is_told_to_ask_nobody_else(self):
        assert "validatorUrl: null" in source("dexra/reference.js")


class TestTheGuide:
    @pytest.fixture
    def text(self):
        html = Client().get("/docs/").content.decode()
        return unescape(re.sub(r"<[^>]+>", "", html))

    def test_names_the_address_of_this_installation(self, settings):
        settings.BASE_URL = "https://chat.example.test"

        html = Client().get("/docs/").content.decode()

        assert "BASE=https://chat.example.test\n" in html
        assert "wss://chat.example.test/cable" in html
        assert "127.0.0.1" not in html

    def test_tells_the_limits_that_hold(self, text):
        for plan, allowed in PER_MINUTE.items():
            assert f"{allowed} {plan}" in text

    def test_names_only_scopes_that_exist(self, text):
        assert set(re.findall(r"\b[a-z]+:(?:read|write)\b", text)) <= SCOPES

    def test_has_a_place_for_credentials_in_its_samples(self):
        html = Client().get("/docs/").content.decode()

        assert html.count('data-fill="inbox"') >= 2
        assert html.count('data-fill="key"') >= 4


class TestTheReference:
    def test_reads_the_description_this_installation_serves(self, db):
        html = Client().get("/docs/reference/").content.decode()
        [schema] = re.findall(r'data-schema="([^"]+)"', html)

        assert Client().get(schema).json()["openapi"].startswith("3.1")
