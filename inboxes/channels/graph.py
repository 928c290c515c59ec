"""Meta's Graph API: what its channels have in common."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from django.conf import settings as installation

from core import crypto
from core.errors import Problem
from inboxes.channels import graph_refusals
from inboxes.channels.answers import by_status, within
from inboxes.channels.base import Channel, Checked
from inboxes.channels.incoming import Answer, Callback
from inboxes.channels.outcomes import Outcome, Rejected, Sent
from inboxes.channels.outgoing import HttpOrder, Outgoing, Reply

LONGEST_CHALLENGE = 512


class GraphChannel(Channel):
    """A channel of Meta's. ``credential`` and ``account`` name the settings with the token and with our own id."""

    credential: ClassVar[str]
    account: ClassVar[str]
    object_type: ClassVar[str]  # what callbacks are about

    is_carried: ClassVar[bool] = True
    has_callback: ClassVar[bool] = True
    signature_header: ClassVar[str] = "x-hub-signature-256"

    # --- settings and set-up -------------------------------------------------------------------------------------

    def problems(self, given: Mapping[str, Any]) -> list[Problem]:
        """Return what is wrong with the settings."""
        found = super().problems(given)
        for name in self.settings_in_paths():
            value = given.get(name)
            if isinstance(value, str) and value and not (value.isascii() and value.isdigit()):
                words = f"{name} is a number, as Meta's console shows it."
                found.append(Problem(f"settings.{name}", "invalid", words))
        return found

    def settings_in_paths(self) -> tuple[str, ...]:
        """Return the settings that are ids of Meta's."""
        return (self.account,)

    def judge_check(self, reply: Reply, settings: Mapping[str, Any]) -> Checked:
        """Return why Meta does not take the token, or the id; else what it tells of the account."""
        error = graph_refusals.error_of(reply.document)
        if not error and reply.status not in {401, 403}:
            return self.checked(reply, settings) if reply.status < 500 else _not_asked(f"HTTP {reply.status}")
        words = graph_refusals.words_of(error) or f"HTTP {reply.status}"
        known = graph_refusals.refusal(error)
        if reply.status in {401, 403} or (isinstance(known, Rejected) and known.disconnects):
            words = f"Meta refuses the token: {words}"
            return Checked(Problem(f"settings.{self.credential}", "channel_auth_failed", words))
        if isinstance(known, Rejected):
            words = f"Meta does not know this id, or not for this token: {words}"
            return Checked(Problem(f"settings.{self.account}", "invalid", words))
        return _not_asked(words)

    def checked(self, reply: Reply, settings: Mapping[str, Any]) -> Checked:
        """Return what is worth keeping of an account that was found."""
        return Checked()

    def judge_register(self, reply: Reply) -> str:
        """Return why Meta refused the callback."""
        error = graph_refusals.error_of(reply.document)
        return graph_refusals.words_of(error) or super().judge_register(reply)

    # --- out -----------------------------------------------------------------------------------------------------

    def call(
        self, settings: Mapping[str, Any], path: str, said: Mapping[str, Any] | None = None, method: str = "POST"
    ) -> HttpOrder:
        """Return a call of Graph; ``path`` begins after the version."""
        token = str(settings[self.credential])
        headers = {"Authorization": f"Bearer {token}"}
        whole = f"/{installation.GRAPH_VERSION}/{path}"
        return HttpOrder(self.kind, method, whole, headers=headers, json=said, secrets=[token])

    def written(self, body: Mapping[str, Any], message: Outgoing) -> dict[str, Any]:
        """Return a message's body with the caller's own fields merged over it, all but those that are ours."""
        allowed = {name: value for name, value in message.overrides.items() if name not in self.ours}
        return merged(body, allowed)

    def judge(self, reply: Reply, message: Outgoing) -> Outcome:
        """Return what Graph's answer to a message means."""
        error = graph_refusals.error_of(reply.document)
        if not error and 200 <= reply.status < 300:
            return self.taken(reply.document, message)
        known = graph_refusals.refusal(error, reply.retry_after)
        if known is not None:
            return known
        words, code = graph_refusals.words_of(error), graph_refusals.code_of(error)
        provider_code = "" if code is None else str(code)
        if reply.status in {401, 403}:
            detail = words or f"HTTP {reply.status}"
            return Rejected("channel_auth_failed", detail, provider_code or str(reply.status), disconnects=True)
        return by_status(reply, words, provider_code)

    def taken(self, document: Mapping[str, Any], message: Outgoing) -> Sent:
        """Return under which id a message was taken."""
        told = document.get("message_id")
        return Sent(told if isinstance(told, str) else "")

    # --- in ------------------------------------------------------------------------------------------------------

    def greet(self, callback: Callback, settings: Mapping[str, Any]) -> Answer | None:
        """Return the challenge to whoever knows the verify token."""
        if callback.method != "GET":
            return None
        wanted, told = str(settings.get("verify_token") or ""), callback.query.get("hub.verify_token", "")
        challenge = callback.query.get("hub.challenge", "")
        is_meant = callback.query.get("hub.mode") == "subscribe" and len(challenge) <= LONGEST_CHALLENGE
        if not (is_meant and wanted and _same(wanted, told)):
            return Answer(b"The verify token is another one.", status=403)
        return Answer(challenge.encode(errors="replace"))

    def recognises(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether the raw bytes were signed with the app's secret."""
        secret = str(settings.get("app_secret") or "")
        if not secret:
            return False
        return _same(signature(secret, callback.body), self.signature_of(callback, settings))

    def concerns(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether anything in a callback is about this inbox's own account: many may come in one."""
        try:
            document = json.loads(callback.body)
        except (ValueError, RecursionError):
            return False
        is_ours = self.about(settings)
        return within(document, "object") == self.object_type and any(map(is_ours, changes(document)))

    def about(self, settings: Mapping[str, Any]) -> Callable[["Change"], bool]:
        """Return what tells whether a change is about this inbox's own account."""
        raise NotImplementedError


Change = tuple[Mapping[str, Any], Mapping[str, Any]]  # an entry of a callback, and one thing in it


def changes(document: Any) -> Iterator[Change]:
    """Return everything that a callback tells, each with the entry it came in."""
    entries = within(document, "entry")
    for entry in entries if isinstance(entries, list) else ():
        for name in ("changes", "messaging"):
            told = within(entry, name)
            for each in told if isinstance(told, list) else ():
                if isinstance(each, dict):
                    yield entry, each


def signature(secret: str, body: bytes) -> str:
    """Return how Meta signs these bytes."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def merged(said: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return JSON with other JSON laid over it; objects are merged, all else is replaced."""
    both = {
        name: merged(said[name], value) if isinstance(value, dict) and isinstance(said.get(name), dict) else value
        for name, value in over.items()
    }
    return {**said, **both}


def _same(one: str, other: str) -> bool:
    return crypto.same(one.encode(errors="replace").decode(), other.encode(errors="replace").decode())


def _not_asked(words: str) -> Checked:
    return Checked(Problem("settings", "provider_unavailable", f"Meta could not be asked whether these work: {words}"))
