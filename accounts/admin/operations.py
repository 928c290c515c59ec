"""What operators may do to accounts, the people in them and their keys."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import forms
from accounts.admin.who import operator
from accounts.models import Account, ApiKey, Environment, Membership, User
from accounts.services import accounts, keys, members, people
from core.operations import Operation, Outcome

Values = dict[str, Any]


def _open(request: HttpRequest, _row: None, values: Values) -> Outcome:
    account, password = accounts.open_for(**values, by=operator(request))
    return Outcome(_said(f"{account} was opened.", values["owner_email"], password), secret=password, row=account)


def _change(request: HttpRequest, account: Account, values: Values) -> Outcome:
    accounts.change(account=account, fields=values, by=operator(request))
    return Outcome("The account was changed.")


def _add_member(request: HttpRequest, account: Account, values: Values) -> Outcome:
    membership, password = members.add(account=account, **values, by=operator(request))
    said = _said(f"{membership.user} is a member of {account} now.", membership.user.email, password)
    return Outcome(said, secret=password, row=membership)


def _change_role(request: HttpRequest, membership: Membership, values: Values) -> Outcome:
    members.change_role(membership=membership, role=values["role"], by=operator(request))
    return Outcome("The role was changed.")


def _remove(request: HttpRequest, membership: Membership, _values: Values) -> Outcome:
    account, person = membership.account, membership.user
    members.remove(membership=membership, by=operator(request))
    return Outcome(f"{person} no longer works in {account}.", row=account)


def _mint(request: HttpRequest, environment: Environment, values: Values) -> Outcome:
    key, plain = keys.mint(environment=environment, **values, by=operator(request))
    return Outcome(f"The new key of {environment}:", secret=plain, row=key)


def _roll(request: HttpRequest, key: ApiKey, values: Values) -> Outcome:
    overlap = timedelta(seconds=values["overlap"])
    replacement, plain = keys.roll(key=key, overlap=overlap, by=operator(request))
    return Outcome(f"The key that replaces {key.hint}:", secret=plain, row=replacement)


def _revoke(request: HttpRequest, key: ApiKey, _values: Values) -> Outcome:
    keys.revoke(key=key, by=operator(request))
    return Outcome(f"{key.hint} opens nothing any more.")


def _change_person(request: HttpRequest, person: User, values: Values) -> Outcome:
    people.change(user=person, fields=values, by=operator(request))
    return Outcome("The person was changed.")


def _renew_password(request: HttpRequest, person: User, _values: Values) -> Outcome:
    password = people.renew_password(user=person, by=operator(request))
    return Outcome(f"The new password of {person}:", secret=password)


def _setting(said: str, **fields: bool) -> Callable[[HttpRequest, User, Values], Outcome]:
    """Return the act that sets these flags of a person."""

    def act(request: HttpRequest, person: User, _values: Values) -> Outcome:
        people.change(user=person, fields=fields, by=operator(request))
        return Outcome(f"{person} {said}.")

    return act


def _said(sentence: str, email: str, password: str) -> str:
    return f"{sentence} {email} is new here and logs in with this password:" if password else sentence


def _is_open(key: ApiKey) -> bool:
    return key.is_valid_at(timezone.now())


ON_ACCOUNTS = (
    Operation(
        "open", "Open an account", _open, form=forms.OpenAccount,
        explains="The account gets a live environment and a sandbox, and this owner.",
    ),
)  # fmt: skip
ON_ACCOUNT = (
    Operation(
        "add-member", "Add a member", _add_member, form=forms.AddMember,
        explains="They see both environments of the account, with what their role allows.",
    ),
    Operation(
        "change", "Change name or plan", _change, form=forms.ChangeAccount,
        initial=lambda account: {"name": account.name, "plan": account.plan},
        explains="The plan sets how many requests a minute each of the account's keys may make; it holds at once.",
    ),
)  # fmt: skip
ON_ENVIRONMENT = (
    Operation(
        "mint-key", "Mint a key", _mint, form=forms.MintKey,
        explains="The key is shown once, on the next page. Hand it over by a way that is safe for passwords.",
    ),
)  # fmt: skip
ON_MEMBERSHIP = (
    Operation(
        "change-role", "Change role", _change_role, form=forms.ChangeRole,
        initial=lambda membership: {"role": membership.role},
        explains="Agents answer, admins set up, owners also hold the account. An account keeps at least one owner.",
    ),
    Operation(
        "remove", "Remove from the account", _remove, is_grave=True,
        explains="They no longer see anything of the account. What they wrote stays, and so does their login.",
    ),
)  # fmt: skip
ON_KEY = (
    Operation(
        "roll", "Roll", _roll, form=forms.RollKey,
        is_offered=lambda key: _is_open(key) and key.replaced_by_id is None,
        explains="A new key takes this one's place; both work until the old one ends. The new one is shown once.",
    ),
    Operation(
        "revoke", "Revoke", _revoke, is_offered=_is_open, is_grave=True, for_many=True,
        explains="Every request made with it is refused from now on. This cannot be undone.",
    ),
)  # fmt: skip
ON_PERSON = (
    Operation(
        "change", "Change name or e-mail", _change_person, form=forms.ChangePerson,
        initial=lambda person: {"email": person.email, "name": person.name},
        explains="They log in with the new address from now on.",
    ),
    Operation(
        "renew-password", "Give a new password", _renew_password,
        explains="The old one ends at once and they are logged out everywhere. The new one is shown once.",
    ),
    Operation(
        "deactivate", "Deactivate", _setting("can no longer log in", is_active=False), is_grave=True,
        is_offered=lambda person: person.is_active,
        explains="They are logged out and cannot log in again, here or in any account.",
    ),
    Operation(
        "reactivate", "Reactivate", _setting("can log in again", is_active=True),
        is_offered=lambda person: not person.is_active, explains="They can log in again.",
    ),
    Operation(
        "let-look", "Let them look at everything", _setting("may use the admin, to look", is_staff=True),
        is_offered=lambda person: not person.is_staff, is_grave=True,
        explains="They may use this admin and see every account, messages included. They change nothing.",
    ),
    Operation(
        "let-operate", "Make an operator",
        _setting("is an operator now", is_staff=True, is_superuser=True),
        is_offered=lambda person: not (person.is_staff and person.is_superuser), is_grave=True,
        explains="They see every account and may do everything that can be done in this admin.",
    ),
    Operation(
        "shut-out", "Withdraw the admin",
        _setting("no longer uses the admin", is_staff=False, is_superuser=False),
        is_offered=lambda person: person.is_staff or person.is_superuser,
        explains="They no longer see this admin. Their own accounts stay as they are.",
    ),
)  # fmt: skip
