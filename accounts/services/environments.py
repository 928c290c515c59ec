"""Opening accounts and adding the people who work there."""

from django.db import transaction

from accounts.models import Account, Environment, Membership, User


@transaction.atomic
def open_account(*, name: str, owner: User, plan: str = Account.Plan.STARTER) -> Account:
    """Open an account with its live and its sandbox environment and make ``owner`` its owner."""
    account = Account.objects.create(name=name, plan=plan)
    for kind in Environment.Kind:
        Environment.objects.create(account=account, kind=kind)
    Membership.objects.create(account=account, user=owner, role=Membership.Role.OWNER)
    return account


def environment_of(account: Account, kind: str) -> Environment:
    """Return one of an account's two environments."""
    return account.environments.select_related("account").get(kind=kind)
