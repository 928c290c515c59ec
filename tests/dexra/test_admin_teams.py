"""Operators make teams, and fill them."""

import pytest
from django.urls import reverse

from conversations.models import Team
from core import tenancy
from tests.dexra import operating
from tests.dexra.operating import entries, operation_url, page_url, press
from tests.servers import Server


@pytest.fixture
def world(acme, live):
    return operating.build(acme, live)


@pytest.fixture
def olga(world):
    """An operator's browser."""
    return operating.operator_client()[0]


class TestTeams:
    def test_are_made_filled_and_given_a_conversation(self, olga, world):
        url = reverse("admin:conversations_team_operate_list", args=["make"])

        made = press(olga, url, environment=world.live.pk, name="Billing")
        team = team_named("Billing")
        press(olga, operation_url(team, "add-agent"), agent="grace@acme.test")

        assert made.url == page_url(team)
        assert people_in(team) == ["grace@acme.test"]
        assert [entry.environment_id for entry in entries("team.created")] == [world.live.pk]
        given = Server(world.plain_key).patch(f"/v1/conversations/{world.conversation.public_id}", {"team": "Billing"})
        assert given.json()["team"] == {"name": "Billing"}

    def test_are_renamed(self, olga, world):
        press(olga, operation_url(team_named("Front desk"), "rename"), name="Reception")

        assert team_named("Reception").pk
        assert len(entries("team.renamed")) == 1

    def test_of_one_name_are_refused_in_words(self, olga, world):
        url = reverse("admin:conversations_team_operate_list", args=["make"])

        page = press(olga, url, environment=world.live.pk, name="Front desk")

        assert "There is a team named" in page.content.decode()
        assert entries("team.created") == []

    def test_lose_an_agent(self, olga, world):
        team = team_named("Front desk")
        with tenancy.everyone():
            place = team.members.get()

        answer = press(olga, operation_url(place, "remove"))

        assert answer.url == page_url(team)
        assert people_in(team) == []


def team_named(name: str) -> Team:
    with tenancy.everyone():
        return Team.unscoped.get(name=name)


def people_in(team: Team) -> list[str]:
    with tenancy.everyone():
        return [place.user.email for place in team.members.all()]
