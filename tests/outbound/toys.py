"""A provider that exists nowhere, and the channel that speaks to it: the engine under test needs no real one."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from inboxes.channels.base import Channel, Setting
from inboxes.channels.capabilities import Capabilities, Rate
from inboxes.channels.outcomes import NOT_THERE, Deferred, Outcome, Rejected, Sent, Uncertain
from inboxes.channels.outgoing import HttpOrder, Outgoing, Reply
from tests.providers.server import Act, Provider, Request, answer_json

QUICK = Rate(10_000, 10_000)
REFUSALS = {
    401: Rejected("channel_auth_failed", "bad token", "401", disconnects=True),
    410: Rejected("opted_out", "they left", "410", suppresses="all"),
}


class ToyProvider(Provider):
    """
    Takes messages and remembers them by our id; a key that it knows is not sent again.

    ``delay`` is how long it thinks, in seconds.
    """

    def __init__(self, *, delay: float = 0.0) -> None:
        super().__init__()
        self.delay = delay
        self.taken: list[dict[str, Any]] = []  # what reached people, in that order
        self._keys: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def reply(self, request: Request) -> Act:
        """Take a message, or tell what became of one."""
        if request.method == "GET":
            found = [each for each in self.taken if f"id={each['id']}" in request.path]
            return answer_json({"id": found[0]["provider_id"]} if found else {"missing": True}, delay=self.delay)
        sent = request.json
        if sent["key"] not in self._keys or not sent["folds"]:
            self._keys[sent["key"]] = f"p-{next(self._numbers)}"
            self.taken.append({**sent, "provider_id": self._keys[sent["key"]]})
        return answer_json({"id": self._keys[sent["key"]]}, delay=self.delay)

    @property
    def texts(self) -> list[str]:
        """What reached people, in that order."""
        return [each["text"] for each in self.taken]


class Toy(Channel):
    """Speaks to it; the tests say what it can do."""

    kind: ClassVar[str] = "toy"
    settings: ClassVar[tuple[Setting, ...]] = (Setting("token", is_secret=True),)
    is_carried: ClassVar[bool] = True

    def __init__(self, **can: Any) -> None:
        usual = Capabilities(
            recipients=frozenset({"native"}), receipts=frozenset({"delivered", "read"}),
            account_rate=QUICK, recipient_rate=QUICK,
        )  # fmt: skip
        self.can = replace(usual, **can)

    def limits(self, settings: Mapping[str, Any]) -> Capabilities:
        return self.can

    def order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder:
        if message.text == "cannot be said":
            raise ValueError(message.text)
        body = {
            "id": message.id, "to": message.address, "text": message.text, "key": str(message.retry_key),
            "folds": self.can.is_idempotent, "files": [file.url for file in message.media],
        }  # fmt: skip
        return HttpOrder("toy", path="/send", json=body, seconds=float(settings.get("seconds", 5.0)))

    def judge(self, reply: Reply, message: Outgoing) -> Outcome:
        said = reply.document
        if reply.status == 200:
            return Sent(said.get("id", ""), said.get("aliases", ()))
        if reply.status in REFUSALS:
            return REFUSALS[reply.status]
        if reply.status == 429:
            return Deferred("rate_limited", "slow down", "429", reply.retry_after, said.get("pauses", "account"))
        if said.get("moved"):
            return Deferred("moved", seconds=0, address=said["moved"], counts=False)
        if reply.status >= 500:
            busy = Deferred("provider_unavailable", "busy", "503")
            return busy if said.get("transient") else Uncertain(detail=f"HTTP {reply.status}")
        return Rejected("invalid_recipient", "no such number", str(said.get("code", reply.status)))

    def lookup_order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder:
        return HttpOrder("toy", "GET", path=f"/messages?id={message.id}")

    def judge_lookup(self, reply: Reply, message: Outgoing) -> Outcome:
        said = reply.document
        if said.get("id"):
            return Sent(said["id"])
        return Deferred(NOT_THERE, "The provider does not have it.") if said.get("missing") else Uncertain()
