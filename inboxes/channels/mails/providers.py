"""Who carries mail: a server by SMTP, or a provider by its API, as django-anymail speaks it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inboxes.channels.outgoing import HttpOrder

SMTP = "smtp"


@dataclass(frozen=True, slots=True)
class Carrier:
    """
    A provider with an API: its backend, and what the backend calls our settings.

    ``check`` is a call that changes nothing and shows whether the key works: URL, header, what the value begins with.
    ``keeps`` are headers that make it keep our Message-ID. ``tells`` are the receipts its webhooks bring.
    """

    backend: str
    options: Mapping[str, str]
    has_metadata: bool = True
    check: tuple[str, str, str] | None = None
    keeps: Mapping[str, str] = field(default_factory=dict)
    tells: frozenset[str] = frozenset()

    @property
    def needs(self) -> list[str]:
        """The settings without which nothing is sent."""
        return [name for name in ("api_key", "api_secret", "project_id") if name in self.options.values()]


ANYMAIL = "anymail.backends"
KEY = {"api_key": "api_key", "api_url": "api_url"}
ALL_RECEIPTS = frozenset({"delivered", "read", "failed"})
BREVO = Carrier(
    f"{ANYMAIL}.brevo.EmailBackend", KEY, check=("https://api.brevo.com/v3/account", "api-key", "")
)  # fmt: skip
CARRIERS: Mapping[str, Carrier] = {
    "postmark": Carrier(
        f"{ANYMAIL}.postmark.EmailBackend",
        {"server_token": "api_key", "message_stream": "message_stream", "api_url": "api_url"},
        check=("https://api.postmarkapp.com/server", "X-Postmark-Server-Token", ""),
        keeps={"X-PM-KeepID": "true"},
        tells=ALL_RECEIPTS,
    ),
    "mailgun": Carrier(
        f"{ANYMAIL}.mailgun.EmailBackend",
        {**KEY, "sender_domain": "sender_domain"},
        tells=ALL_RECEIPTS,
    ),
    "resend": Carrier(
        f"{ANYMAIL}.resend.EmailBackend", KEY, check=("https://api.resend.com/domains", "Authorization", "Bearer ")
    ),
    "brevo": BREVO,
    "sendinblue": BREVO,  # as Brevo was called
    "sparkpost": Carrier(
        f"{ANYMAIL}.sparkpost.EmailBackend",
        KEY,
        check=("https://api.sparkpost.com/api/v1/account", "Authorization", ""),
    ),
    "mailersend": Carrier(
        f"{ANYMAIL}.mailersend.EmailBackend", {"api_token": "api_key", "api_url": "api_url"}, has_metadata=False
    ),
    "mailjet": Carrier(f"{ANYMAIL}.mailjet.EmailBackend", {**KEY, "secret_key": "api_secret"}),
    "mailtrap": Carrier(f"{ANYMAIL}.mailtrap.EmailBackend", {"api_token": "api_key", "api_url": "api_url"}),
    "mandrill": Carrier(f"{ANYMAIL}.mandrill.EmailBackend", KEY),
    "scaleway": Carrier(
        f"{ANYMAIL}.scaleway.EmailBackend",
        {"secret_key": "api_key", "project_id": "project_id", "api_url": "api_url"},
    ),
}


def carrier_of(settings: Mapping[str, Any]) -> Carrier | None:
    """Return the provider an inbox sends with; None for SMTP."""
    return CARRIERS.get(settings.get("provider") or SMTP)


def options_of(carrier: Carrier, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the provider's backend is made with."""
    return {option: settings[name] for option, name in carrier.options.items() if settings.get(name)}


def check_of(carrier: Carrier, settings: Mapping[str, Any]) -> HttpOrder | None:
    """Return the call that shows whether the key works; none where the provider is somewhere else, or has no such."""
    if carrier.check is None or settings.get("api_url"):
        return None
    url, header, before = carrier.check
    key = str(settings.get("api_key", ""))
    return HttpOrder("email", "GET", url=url, headers={header: before + key}, secrets=[key])
