"""Templates in step with the provider that approves them, on a fake of Meta's Graph API."""

from ipaddress import ip_network

import pytest

from core import tenancy
from inboxes.models import Template
from inboxes.services import syncing
from tests.conftest import mint
from tests.outbound.messaging import open_on, template
from tests.providers.graph import SETTINGS, Graph
from tests.servers import Server, wrong_fields

SYNC = "/v1/templates/sync"
BODY = [{"type": "BODY", "text": "Order {{1}}", "example": {"body_text": [["42"]]}}]


@pytest.fixture
def graph(settings):
    settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    with Graph() as provider:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "whatsapp": provider.base}
        yield provider


@pytest.fixture
def whatsapp(live, graph):
    return open_on(live, "whatsapp", settings=SETTINGS["whatsapp"])


def have(graph, *names, status="APPROVED"):
    for place, name in enumerate(names):
        graph.templates[name, "en"] = {
            "name": name, "language": "en", "category": "UTILITY", "components": BODY, "status": status,
            "id": str(1000 + place),
        }  # fmt: skip


def kept():
    return sorted(Template.unscoped.values_list("name", "status"))


def sync(api, inbox):
    return api.post(SYNC, {"inbox_id": inbox.public_id})


class TestWhichInbox:
    def test_may_be_left_out_where_there_is_one(self, api, live, graph, whatsapp):
        open_on(live, "sms")
        have(graph, "order")

        said = api.post(SYNC, {}).json()

        assert (said["inbox_id"], said["added"]) == (whatsapp.public_id, 1)

    def test_is_asked_for_where_there_are_several(self, api, live, whatsapp):
        other = open_on(live, "whatsapp", name="Second")

        answer = api.post(SYNC, {})

        assert wrong_fields(answer) == {"inbox_id": "ambiguous_inbox"}
        assert whatsapp.public_id in answer.json()["error"]["message"]
        assert other.public_id in answer.json()["error"]["message"]

    def test_is_none_where_no_provider_has_templates(self, api, live, globex):
        open_on(live, "sms")
        open_on(globex, "whatsapp")

        assert wrong_fields(api.post(SYNC, {})) == {"inbox_id": "channel_not_configured"}

    def test_that_was_closed_does_not_count(self, api, graph, whatsapp):
        api.delete(f"/v1/inboxes/{whatsapp.public_id}")

        assert wrong_fields(api.post(SYNC, {})) == {"inbox_id": "channel_not_configured"}


class TestTakingOver:
    def test_adds_changes_and_removes(self, api, graph, whatsapp):
        have(graph, "order", "offer")
        first = sync(api, whatsapp).json()
        assert (first["added"], kept()) == (2, [("offer", "approved"), ("order", "approved")])

        have(graph, "order", status="PAUSED")
        del graph.templates["offer", "en"]
        again = sync(api, whatsapp).json()

        assert (again["added"], again["changed"], again["removed"]) == (0, 1, 1)
        assert kept() == [("order", "paused")]

    def test_reads_every_page(self, api, graph, whatsapp):
        have(graph, *(f"t{number}" for number in range(120)))

        assert sync(api, whatsapp).json()["added"] == 120

    def test_changes_nothing_where_nothing_changed(self, api, graph, whatsapp):
        have(graph, "order")
        sync(api, whatsapp)

        assert sync(api, whatsapp).json()["changed"] == 0

    def test_leaves_ours_and_other_inboxes_alone(self, api, live, graph, whatsapp):
        template(live, "mine")
        template(live, "theirs", open_on(live, "whatsapp", name="Other"))

        sync(api, whatsapp)

        assert kept() == [("mine", "approved"), ("theirs", "approved")]

    def test_happens_by_itself(self, graph, whatsapp):
        have(graph, "order")

        assert (syncing.sync_due(), kept()) == (1, [("order", "approved")])

    @pytest.mark.django_db(transaction=True)
    def test_happens_when_an_inbox_is_opened(self, api, graph):
        have(graph, "order")
        body = {"name": "Shop", "channel": "whatsapp", "settings": SETTINGS["whatsapp"]}

        opened = api.post("/v1/inboxes", body)

        assert opened.status_code == 201, opened.content
        with tenancy.everyone():
            assert kept() == [("order", "approved")]

    def test_says_that_the_provider_refuses(self, api, graph, whatsapp):
        graph.token = "another"

        answer = sync(api, whatsapp)

        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "provider_unavailable")
        assert syncing.sync_due() == 1

    def test_says_that_the_provider_is_away(self, api, live, settings):
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "whatsapp": "http://127.0.0.1:1"}
        settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]

        assert sync(api, open_on(live, "whatsapp")).status_code == 503

    def test_asks_nobody_in_the_sandbox(self, sandbox, graph):
        inbox = open_on(sandbox, "whatsapp", settings=SETTINGS["whatsapp"])
        template(sandbox, "order", inbox)

        assert sync(Server(mint(sandbox)), inbox).json()["removed"] == 0
        assert (graph.requests, kept()) == ([], [("order", "approved")])

    @pytest.mark.parametrize("channel", ["sms", "api"])
    def test_is_for_channels_that_have_templates(self, api, live, channel):
        assert wrong_fields(sync(api, open_on(live, channel))) == {"inbox_id": "unsupported_by_channel"}

    def test_is_for_ones_own_inboxes(self, stranger, whatsapp):
        assert wrong_fields(sync(stranger, whatsapp)) == {"inbox_id": "unknown_inbox"}

    def test_needs_a_key(self, db):
        assert Server(None).post(SYNC, {}).status_code == 401


class TestHandingIn:
    def make(self, api, inbox, name="order"):
        return api.post("/v1/templates", {"name": name, "language": "en", "category": "utility",
                                          "components": BODY, "inbox_id": inbox.public_id}).json()  # fmt: skip

    def test_tells_the_provider_once(self, api, graph, whatsapp):
        self.make(api, whatsapp)

        assert [syncing.hand_in_due(), syncing.hand_in_due()] == [1, 0]
        assert graph.templates["order", "en"]["category"] == "UTILITY"
        made = Template.unscoped.get()
        assert (made.status, bool(made.external_id)) == ("pending", True)

    def test_keeps_what_waits_through_a_sync(self, api, graph, whatsapp):
        self.make(api, whatsapp)

        sync(api, whatsapp)

        assert kept() == [("order", "pending")]

    def test_notes_a_refusal(self, api, graph, whatsapp):
        have(graph, "order")
        self.make(api, whatsapp)

        syncing.hand_in_due()

        made = Template.unscoped.get()
        assert (made.status, bool(made.reason)) == ("rejected", True)

    def test_tries_again_where_nobody_answered(self, api, graph, whatsapp, settings):
        self.make(api, whatsapp)
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "whatsapp": "http://127.0.0.1:1"}

        assert [syncing.hand_in_due(), syncing.hand_in_due()] == [1, 1]
        assert kept() == [("order", "pending")]


class TestTakingBack:
    def test_deletes_it_at_the_provider_first(self, api, graph, whatsapp):
        have(graph, "order")
        sync(api, whatsapp)

        assert api.delete(f"/v1/templates/{Template.unscoped.get().public_id}").status_code == 200
        assert (graph.templates, kept()) == ({}, [])

    def test_keeps_what_the_provider_keeps(self, api, graph, whatsapp):
        made = template(whatsapp.environment, "order", whatsapp)

        answer = api.delete(f"/v1/templates/{made.public_id}")

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "refused_by_provider")
        assert kept() == [("order", "approved")]
