"""Accounts themselves: opened for somebody, renamed, put on another plan."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.models import Account, Environment
from accounts.services import audit, environments, people
from core.errors import invalid

CHANGEABLE = frozenset({"name", "plan"})


@transaction.atomic
def open_for(*, name: str, plan: str, owner_email: str, by: audit.Who) -> tuple[Account, str]:
    """
    Open an account for a person; returns it and the password of a person who is new, else an empty text.

    Raises Invalid for a name or a plan that cannot be.
    """
    _check({"name": name, "plan": plan})
    owner, password = people.find_or_register(email=owner_email)
    account = environments.open_account(name=name, owner=owner, plan=plan)
    note(account=account, who=by, action="account.opened", changes={"owner": owner.email, "plan": plan})
    return account, password


@transaction.atomic
def change(*, account: Account, fields: Mapping[str, Any], by: audit.Who) -> Account:
    """Rename an account or put it on another plan. Raises Invalid."""
    _check(fields)
    account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    changes = {
        name: {"from": getattr(account, name), "to": value}
        for name, value in fields.items()
        if getattr(account, name) != value
    }
    for name in changes:
        setattr(account, name, fields[name])
    if changes:
        account.save(update_fields=list(changes))
        note(account=account, who=by, action="account.updated", changes=changes)
    return account


def note(*, account: Account, who: audit.Who, action: str, target: str = "", changes: dict[str, Any]) -> None:
    """Write what happened to an account as a whole into the audit log of its live environment."""
    live = environments.environment_of(account, Environment.Kind.LIVE)
    audit.record(environment=live, who=who, action=action, target=target or account.name, changes=changes)


def _check(fields: Mapping[str, Any]) -> None:
    for field in fields:
        if field not in CHANGEABLE:
            raise invalid(field, f"{field} cannot be set.", code="unknown_field")
    if "name" in fields and not 0 < len(fields["name"].strip()) <= 255:
        raise invalid("name", "A name has 1 to 255 characters.", limit=255)
    if "plan" in fields and fields["plan"] not in Account.Plan.values:
        raise invalid("plan", f"plan is one of: {', '.join(Account.Plan.values)}.")
