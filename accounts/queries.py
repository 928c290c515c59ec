"""Finding the people who work in an account, and whose rows are whose."""

from accounts.models import Environment, User
from core import bodies, ids
from core.rows import Shape

# What every row of a tenant needs to know of it; statements that find a tenant begin with these columns.
ENVIRONMENT = Shape(Environment, "environment", only=("id", "kind", "account_id"))


def agent(environment: Environment, name: str) -> User | None:
    """Return the member of the environment's account that an ``agt_`` id or an e-mail address names."""
    if not bodies.is_storable(name):
        return None
    members = User.objects.filter(memberships__account_id=environment.account_id)
    row = ids.decode("agt", name)
    return members.filter(pk=row).first() if row is not None else members.filter(email=name.strip().lower()).first()
