"""Which pages may listen: those an inbox lists, where it lists any."""

import pytest

from inboxes.models import Inbox
from tests.realtime.resuming import until_kept

pytestmark = pytest.mark.slow

SHOP = "https://shop.example"
REJECTED, CONFIRMED = "reject_subscription", "confirm_subscription"


def restrict(inbox: Inbox, *origins: str) -> None:
    inbox.settings = {**inbox.settings, "allowed_origins": list(origins)}
    inbox.save(update_fields=["settings"])


def answered(stage, identifier: str, *headers: tuple[bytes, bytes]) -> str:
    client = stage.client("actioncable-v1-json", headers=list(headers))
    client.frame()
    return client.subscribe(identifier)["type"]


class TestAnInboxThatListsItsPages:
    @pytest.fixture(autouse=True)
    def restricted(self, inbox, world):
        restrict(inbox, SHOP, "https://*.shop.example")

    @pytest.mark.parametrize("origin", [SHOP, "https://eu.shop.example", "HTTPS://Shop.Example"])
    def test_lets_them_listen(self, stage, visitor, origin):
        assert answered(stage, visitor, (b"origin", origin.encode())) == CONFIRMED

    @pytest.mark.parametrize(
        "origin",
        ["https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null", "", "\xff"],
    )
    def test_rejects_others(self, stage, visitor, origin):
        assert answered(stage, visitor, (b"origin", origin.encode("latin-1"))) == REJECTED

    def test_lets_apps_and_servers_listen_which_are_no_pages(self, stage, visitor):
        assert answered(stage, visitor) == CONFIRMED

    def test_says_nothing_to_its_agents(self, stage, agent):
        assert answered(stage, agent, (b"origin", b"https://desk.acme.example")) == CONFIRMED

    def test_brings_no_subscription_back_for_another_page(self, stage, visitor):
        protocol = "actioncable-v1-ext-json"
        client = stage.client(protocol, headers=[(b"origin", SHOP.encode())])
        sid = client.frame()["sid"]
        assert client.subscribe(visitor)["type"] == CONFIRMED
        until_kept(sid, visitor)
        client.hang_up()

        thief = stage.client(protocol, sid=sid, headers=[(b"origin", b"https://evil.example")])

        assert thief.frame().get("restored_ids", []) == []


def test_an_inbox_that_lists_none_lets_every_page_listen(stage, visitor):
    assert answered(stage, visitor, (b"origin", b"https://anywhere.example")) == CONFIRMED
