"""Who works in an account, and as what. Every account keeps an owner."""

from django.db import transaction

from accounts.errors import AlreadyMember, LastOwner
from accounts.events import withdraw_access
from accounts.models import Account, Membership
from accounts.services import accounts, audit, people
from core.errors import invalid


@transaction.atomic
def add(*, account: Account, email: str, role: str, by: audit.Who) -> tuple[Membership, str]:
    """
    Let a person work in an account; returns their place and the password of a person who is new, else an empty text.

    Raises Invalid, AlreadyMember.
    """
    _check(role)
    _hold(account)
    user, password = people.find_or_register(email=email)
    membership, is_new = Membership.objects.get_or_create(account=account, user=user, defaults={"role": role})
    if not is_new:
        raise AlreadyMember(user.email)
    accounts.note(account=account, who=by, action="member.added", target=user.email, changes={"role": role})
    return membership, password


@transaction.atomic
def change_role(*, membership: Membership, role: str, by: audit.Who) -> Membership:
    """Give a member another role. Raises Invalid, LastOwner."""
    _check(role)
    account, before = _hold(membership.account), membership.role
    if before == role:
        return membership
    _keep_an_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    changes = {"role": {"from": before, "to": role}}
    accounts.note(account=account, who=by, action="member.changed", target=membership.user.email, changes=changes)
    return membership


@transaction.atomic
def remove(*, membership: Membership, by: audit.Who) -> None:
    """End a person's work in an account; the person stays. Raises LastOwner."""
    account = _hold(membership.account)
    _keep_an_owner(membership)
    user, role = membership.user, membership.role
    membership.delete()
    accounts.note(account=account, who=by, action="member.removed", target=user.email, changes={"role": role})
    withdraw_access(user, account)


def _hold(account: Account) -> Account:
    """Lock the account, so that its last two owners cannot both leave at once."""
    return Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def _keep_an_owner(membership: Membership) -> None:
    owners = Membership.objects.filter(account_id=membership.account_id, role=Membership.Role.OWNER)
    if not owners.exclude(pk=membership.pk).exists():
        raise LastOwner


def _check(role: str) -> None:
    if role not in Membership.Role.values:
        raise invalid("role", f"role is one of: {', '.join(Membership.Role.values)}.")
