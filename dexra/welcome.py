"""What a person sees once everything runs."""

import json
from typing import Any

RULE = "-" * 78

PLACES = """\
{rule}
Dexra is ready at {url}                        (Ctrl-C stops it)

  admin        {url}/admin/
  API docs     {url}/docs/
  demo         {url}/demo/
  logs         {logs}
{login}{rule}"""

TOUR = """
Paste this: a customer writes, an agent answers.

  BASE={url}/public/api/v1/inboxes/{inbox}
  KEY={key}
  SOURCE=$(curl -s $BASE/contacts -H 'Content-Type: application/json' -d '{{"name": "Sara"}}' |
    sed -E 's/.*"source_id": ?"([^"]+)".*/\\1/')
  NUMBER=$(curl -s -X POST $BASE/contacts/$SOURCE/conversations |
    sed -E 's/^\\{{"id": ?([0-9]+).*/\\1/')
  curl -s $BASE/contacts/$SOURCE/conversations/$NUMBER/messages \\
    -H 'Content-Type: application/json' -d '{{"content": "Hello, is anybody there?"}}'; echo
  CONVERSATION=$(curl -s "{url}/v1/conversations?limit=1" -H "Authorization: Bearer $KEY" |
    grep -oE 'conv_[A-Za-z0-9]+' | head -n 1)
  curl -s {url}/v1/conversations/$CONVERSATION/messages -H "Authorization: Bearer $KEY" \\
    -H 'Content-Type: application/json' -d '{{"text": "Yes, how can we help?"}}'; echo

Watch it happen on the cable from another terminal: paste the second line once it says "connected".

  .venv/bin/python -m websockets {socket}/cable
  {subscribe}
"""


def text(url: str, logs: str, demo: dict[str, Any] | None) -> str:
    """Return the lines to print; ``demo`` is what ``bootstrap`` said, None when this installation has none."""
    login = f"\n  log in as    {_login(demo)}\n{_sandbox(demo)}" if demo else ""
    places = PLACES.format(rule=RULE, url=url, logs=logs, login=login)
    return places + (_tour(url, demo) if demo else "")


def _login(demo: dict[str, Any]) -> str:
    owner = demo["owner"]
    password = owner["password"] or "(yours; python manage.py changepassword makes a new one)"
    return f"{owner['email']}  {password}"


def _sandbox(demo: dict[str, Any]) -> str:
    """Return the line with the key that tries every channel and contacts nobody."""
    return f"  sandbox key  {demo['sandbox']['api_key']}\n"


def _tour(url: str, demo: dict[str, Any]) -> str:
    live = demo["live"]
    identifier = {
        "channel": "RoomChannel",
        "pubsub_token": demo["owner"]["pubsub_token"],
        "account_id": live["environment_id"],
        "user_id": demo["owner"]["user_id"],
    }
    return TOUR.format(
        url=url,
        socket=url.replace("http", "ws", 1),
        inbox=live["inbox_identifier"],
        key=live["api_key"],
        subscribe=json.dumps({"command": "subscribe", "identifier": json.dumps(identifier)}),
    )
