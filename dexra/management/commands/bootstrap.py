"""``manage.py bootstrap``: an account to start with, and its first credentials."""

import json
import secrets
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from accounts.models import Account, ApiKey, Environment, User
from accounts.services import audit, environments, keys
from core import tenancy
from inboxes.models import Inbox
from inboxes.services import inboxes

FIRST_INBOXES = {Inbox.Channel.API: "API", Inbox.Channel.WEB: "Web"}


class Command(BaseCommand):
    """Create an account with its owner and inboxes where they are missing; mint new keys each time."""

    help = "Create an account with its owner, an API and a web inbox in both environments; print new credentials."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="Print one JSON object and nothing else.")
        parser.add_argument("--account", default="Demo", help="The account's name.")
        parser.add_argument("--owner-email", default="owner@example.com", help="The owner's login.")
        parser.add_argument("--operator", action="store_true", help="Let the owner use the operators' admin.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the credentials."""
        with tenancy.everyone(), transaction.atomic():
            found = bootstrap(options["account"], options["owner_email"], operator=options["operator"])
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        owner = found["owner"]
        self.stdout.write(f"Account {options['account']} (id {found['account_id']})")
        self.stdout.write(f"Owner   {owner['email']}  password {owner['password'] or '(unchanged)'}")
        for world in ("live", "sandbox"):
            self.stdout.write(f"{world:<8}" + json.dumps(found[world], indent=2))


def bootstrap(account_name: str, owner_email: str, *, operator: bool) -> dict[str, Any]:
    """Return ``{base_url, account_id, owner, live, sandbox}``; ``password`` is null when the owner existed."""
    owner, password = _owner(owner_email, operator=operator)
    account = Account.objects.filter(name=account_name, memberships__user=owner).first()
    account = account or environments.open_account(name=account_name, owner=owner)
    return {
        "base_url": settings.BASE_URL,
        "account_id": account.pk,
        "owner": {
            "email": owner.email,
            "password": password,
            "user_id": owner.pk,
            "pubsub_token": owner.pubsub_token,
        },
        "live": _credentials(environments.environment_of(account, Environment.Kind.LIVE)),
        "sandbox": _credentials(environments.environment_of(account, Environment.Kind.SANDBOX)),
    }


def _owner(email: str, *, operator: bool) -> tuple[User, str | None]:
    owner = User.objects.filter(email__iexact=email).first()
    password = None
    if owner is None:
        password = secrets.token_urlsafe(12)
        owner = User.objects.create_user(email, password, name=email.partition("@")[0].title())
    if operator and not owner.is_superuser:
        owner.is_staff = owner.is_superuser = True
        owner.save(update_fields=["is_staff", "is_superuser"])
    return owner, password


def _credentials(environment: Environment) -> dict[str, Any]:
    inbox, web = (_inbox(environment, channel, name) for channel, name in FIRST_INBOXES.items())
    _, secret = keys.mint(environment=environment, kind=ApiKey.Kind.SECRET, name="bootstrap", by=audit.SYSTEM)
    _, publishable = keys.mint(environment=environment, kind=ApiKey.Kind.PUBLISHABLE, name="bootstrap", by=audit.SYSTEM)
    return {
        "environment_id": environment.pk,
        "api_key": secret,
        "inbox_identifier": inbox.identifier,
        "hmac_token": inbox.hmac_token,
        "inbox_id": inbox.public_id,
        "publishable_key": publishable,
        "web_inbox_identifier": web.identifier,
    }


def _inbox(environment: Environment, channel: Inbox.Channel, name: str) -> Inbox:
    found = Inbox.of(environment).filter(name=name, channel=channel, deleted_at=None).first()
    return found or inboxes.create(environment=environment, channel=channel, by=audit.SYSTEM, fields={"name": name})
