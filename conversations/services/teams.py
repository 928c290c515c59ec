"""Teams: groups of agents a conversation can be given to."""

from django.db import IntegrityError, transaction

from accounts import queries
from accounts.models import Environment
from accounts.services import audit
from conversations.errors import AlreadyInTeam, TeamNameTaken, unknown_agent
from conversations.models import Team, TeamMember
from core.errors import invalid

LONGEST_NAME = 255


@transaction.atomic
def create(*, environment: Environment, name: str, by: audit.Who) -> Team:
    """Make a team of nobody. Raises Invalid, TeamNameTaken."""
    team = _named(Team(environment=environment), name)
    audit.record(environment=environment, who=by, action="team.created", target=team.name)
    return team


@transaction.atomic
def rename(*, team: Team, name: str, by: audit.Who) -> Team:
    """Give a team another name; its conversations stay with it. Raises Invalid, TeamNameTaken."""
    before = team.name
    _named(team, name)
    if team.name != before:
        changes = {"name": {"from": before, "to": team.name}}
        audit.record(environment=team.environment, who=by, action="team.renamed", target=team.name, changes=changes)
    return team


@transaction.atomic
def add(*, team: Team, agent: str, by: audit.Who) -> TeamMember:
    """Put an agent of the account into a team, by e-mail address or ``agt_`` id. Raises Invalid, AlreadyInTeam."""
    user = queries.agent(team.environment, agent)
    if user is None:
        raise unknown_agent("agent", agent)
    member, is_new = TeamMember.of(team.environment).get_or_create(
        team=team, user=user, defaults={"environment": team.environment}
    )
    if not is_new:
        raise AlreadyInTeam(user.email)
    _note(team, by, "team.member_added", user.email)
    return member


@transaction.atomic
def remove(*, member: TeamMember, by: audit.Who) -> None:
    """Take an agent out of a team; what is assigned to them stays so."""
    team, email = member.team, member.user.email
    member.delete()
    _note(team, by, "team.member_removed", email)


def _named(team: Team, name: str) -> Team:
    """Store a team under that name."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        message = f"A team's name has 1 to {LONGEST_NAME} characters."
        raise invalid("name", message, code="too_long" if name else "required", limit=LONGEST_NAME)
    if name == team.name:
        return team
    before, team.name = team.name, name
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError:
        team.name = before
        raise TeamNameTaken(name) from None
    return team


def _note(team: Team, by: audit.Who, action: str, email: str) -> None:
    audit.record(environment=team.environment, who=by, action=action, target=team.name, changes={"agent": email})
