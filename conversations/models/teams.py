"""Groups of agents."""

from django.db import models
from django.utils import timezone

from accounts.models import TenantModel, User


class Team(TenantModel):
    """A group of agents a conversation can be given to."""

    name = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="one_team_per_name")]

    def __str__(self) -> str:
        return self.name


class TeamMember(TenantModel):
    """One agent's place in a team."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_place_per_agent_and_team")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"
