"""People who log in: agents of accounts, and the operators of this installation."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts.errors import EmailTaken
from accounts.events import withdraw_access
from accounts.models import Account, Environment, User
from accounts.services import audit
from core import ids
from core.errors import Conflict, invalid

PASSWORD_BYTES = 15
CHANGEABLE = frozenset({"email", "name", "is_active", "is_staff", "is_superuser"})


def find_or_register(*, email: str) -> tuple[User, str]:
    """Return the person with this address, and the password they were given if they are new. Raises Invalid."""
    address = _tidy(email)
    known = User.objects.filter(email__iexact=address).first()
    if known is not None:
        return known, ""
    password = _new_password()
    return User.objects.create_user(address, password, name=address.partition("@")[0].title()), password


@transaction.atomic
def change(*, user: User, fields: Mapping[str, Any], by: audit.Who) -> User:
    """
    Change who somebody is to this installation: address, name, whether they may log in, whether they operate it.

    Every account they work in is told through its audit log. Raises Invalid, EmailTaken, and Conflict for operators
    who would shut themselves out.
    """
    if unknown := sorted(set(fields) - CHANGEABLE):
        raise invalid(unknown[0], f"{unknown[0]} cannot be set.", code="unknown_field")
    values = dict(fields)
    if "email" in values:
        values["email"] = _tidy(values["email"])
    if user == by.user and any(values.get(name) is False for name in ("is_active", "is_staff", "is_superuser")):
        raise Conflict("You would shut yourself out; let another operator do it.")
    changes = {
        name: {"from": getattr(user, name), "to": value}
        for name, value in values.items()
        if getattr(user, name) != value
    }
    for name in changes:
        setattr(user, name, values[name])
    try:
        with transaction.atomic():
            user.save(update_fields=list(changes))
    except IntegrityError:
        raise EmailTaken from None
    if changes:
        _tell_accounts(user, by, "person.updated", changes)
    if "is_active" in changes and not user.is_active:
        _withdraw_everywhere(user)
    return user


@transaction.atomic
def renew_password(*, user: User, by: audit.Who) -> str:
    """
    Give somebody a new random password and return it.

    Wherever they are logged in, they are out; their token for the cable opens nothing any more.
    """
    password = _new_password()
    user.set_password(password)
    user.pubsub_token = ids.new_token()
    user.save(update_fields=["password", "pubsub_token"])
    _tell_accounts(user, by, "person.password_renewed", {})
    _withdraw_everywhere(user)
    return password


def _withdraw_everywhere(user: User) -> None:
    for account in Account.objects.filter(memberships__user=user):
        withdraw_access(user, account)


def _tell_accounts(user: User, by: audit.Who, action: str, changes: dict[str, Any]) -> None:
    lived_in = Environment.objects.filter(account__memberships__user=user, kind=Environment.Kind.LIVE)
    for environment in lived_in:
        audit.record(environment=environment, who=by, action=action, target=user.email, changes=changes)


def _new_password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)


def _tidy(email: str) -> str:
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise invalid("email", "This is not an e-mail address.") from None
    return address
