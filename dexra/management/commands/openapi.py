"""``manage.py openapi``: print the API's description, as ``/openapi.json`` serves it."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from dexra import openapi


class Command(BaseCommand):
    """Needs no database."""

    help = "Prints the API's OpenAPI document; the SDK's types are made from it."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  Django's signature
        """Print it."""
        self.stdout.write(json.dumps(openapi.document(), indent=2))
