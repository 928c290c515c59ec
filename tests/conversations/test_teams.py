"""Teams: made, renamed, filled; one of each name in an environment."""

import pytest

from accounts.models import AuditEntry
from accounts.services import audit
from conversations.errors import AlreadyInTeam, TeamNameTaken
from conversations.models import Team
from conversations.services import teams
from core.errors import Invalid

OLGA = audit.Who("operator", "olga@dexra.test")


@pytest.fixture
def billing(live):
    return teams.create(environment=live, name="Billing", by=OLGA)


def entries(action: str) -> list[AuditEntry]:
    return list(AuditEntry.unscoped.filter(action=action))


class TestMaking:
    def test_leaves_an_entry(self, billing, live):
        [entry] = entries("team.created")

        assert (entry.environment_id, entry.actor, entry.target) == (live.pk, "olga@dexra.test", "Billing")

    def test_leaves_out_the_spaces_around_a_name(self, live):
        assert teams.create(environment=live, name="  Front desk ", by=OLGA).name == "Front desk"

    @pytest.mark.parametrize(("name", "code"), [("", "required"), ("  ", "required"), ("x" * 256, "too_long")])
    def test_refuses_a_name_nobody_could_use(self, live, name, code):
        with pytest.raises(Invalid) as refused:
            teams.create(environment=live, name=name, by=OLGA)

        assert [(problem.field, problem.code) for problem in refused.value.problems] == [("name", code)]

    def test_takes_the_longest_name(self, live):
        assert Team.of(live).get(pk=teams.create(environment=live, name="x" * 255, by=OLGA).pk).name == "x" * 255

    def test_refuses_a_name_twice_and_leaves_no_entry(self, billing, live):
        with pytest.raises(TeamNameTaken, match="'Billing' already"):
            teams.create(environment=live, name="Billing", by=OLGA)

        assert len(entries("team.created")) == 1

    def test_lets_the_sandbox_have_the_same_name(self, billing, sandbox):
        assert teams.create(environment=sandbox, name="Billing", by=OLGA).pk != billing.pk


class TestRenaming:
    def test_says_what_it_was(self, billing):
        teams.rename(team=billing, name="Invoices", by=OLGA)

        assert [(e.target, e.changes) for e in entries("team.renamed")] == [
            ("Invoices", {"name": {"from": "Billing", "to": "Invoices"}})
        ]

    def test_to_the_same_name_changes_nothing(self, billing):
        teams.rename(team=billing, name="Billing", by=OLGA)

        assert entries("team.renamed") == []

    def test_refuses_another_teams_name(self, billing, live):
        other = teams.create(environment=live, name="Front desk", by=OLGA)

        with pytest.raises(TeamNameTaken):
            teams.rename(team=other, name="Billing", by=OLGA)

        assert other.name == Team.of(live).get(pk=other.pk).name == "Front desk"


class TestMembers:
    def test_come_and_go_with_an_entry_each(self, billing, ada):
        member = teams.add(team=billing, agent="ADA@acme.test", by=OLGA)
        assert [each.user for each in billing.members.all()] == [ada]

        teams.remove(member=member, by=OLGA)

        assert not billing.members.exists()
        both = [*entries("team.member_added"), *entries("team.member_removed")]
        assert [(e.target, e.changes) for e in both] == [("Billing", {"agent": "ada@acme.test"})] * 2

    def test_are_there_once(self, billing, ada):
        teams.add(team=billing, agent=ada.email, by=OLGA)

        with pytest.raises(AlreadyInTeam, match=r"ada@acme\.test is in this team already"):
            teams.add(team=billing, agent=ada.public_id, by=OLGA)

    @pytest.mark.parametrize("name", ["mallory@globex.test", "nobody@acme.test", "", "agt_nobody", "a\x00b"])
    def test_work_in_the_account(self, billing, globex, name):
        with pytest.raises(Invalid) as refused:
            teams.add(team=billing, agent=name, by=OLGA)

        assert [(problem.field, problem.code) for problem in refused.value.problems] == [("agent", "unknown_agent")]
        assert not billing.members.exists()
