"""The e-mail channel: out by SMTP or a provider's API, in from an IMAP folder or a provider's webhook."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from core.errors import Problem
from inboxes.channels.base import Channel, Checked, Setting, is_blank
from inboxes.channels.capabilities import MEDIA_KINDS, Buttons, Capabilities, MediaLimit, Rate
from inboxes.channels.incoming import Callback, Incoming
from inboxes.channels.mails import addresses, answers, hooks, providers, writing
from inboxes.channels.outcomes import Outcome
from inboxes.channels.outgoing import FolderOrder, Order, Outgoing, Reply

SECURITY = ("none", "starttls", "tls")


class Email(Channel):
    """A business's mail address."""

    kind: ClassVar[str] = "email"
    is_carried: ClassVar[bool] = True
    has_callback: ClassVar[bool] = True
    is_threaded: ClassVar[bool] = True
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("from_address", is_needed=True, longest=addresses.LONGEST),
        Setting("from_name", longest=200),
        Setting("provider", choices=(providers.SMTP, *providers.CARRIERS)),
        Setting("smtp_host", longest=255),
        Setting("smtp_port", int),
        Setting("smtp_security", choices=SECURITY),
        Setting("smtp_username", longest=320),
        Setting("smtp_password", is_secret=True),
        Setting("api_key", is_secret=True),
        Setting("api_secret", is_secret=True),
        Setting("api_url", longest=255),
        Setting("sender_domain", longest=255),
        Setting("message_stream", longest=100),
        Setting("project_id", longest=100),
        Setting("imap_host", longest=255),
        Setting("imap_port", int),
        Setting("imap_security", choices=SECURITY),
        Setting("imap_username", longest=320),
        Setting("imap_password", is_secret=True),
        Setting("imap_folder", longest=255),
        Setting("inbound_domain", longest=addresses.LONGEST),
        Setting("trusted_server", longest=255),
        Setting("inbound_secret", is_secret=True),
        Setting("webhook_signing_key", is_secret=True),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        longest_text=150_000,
        longest_caption=150_000,
        most_files=10,
        media={kind: MediaLimit(most_bytes=writing.MOST_BYTES) for kind in MEDIA_KINDS},
        buttons=Buttons(0, 10, longest_title=80, longest_text=150_000, longest_header=255, longest_footer=255),
        templates="local",
        recipients=frozenset({"email"}),
        receipts=frozenset({"failed"}),
        account_rate=Rate(10, 20),
    )

    # --- settings ------------------------------------------------------------------------------------------------

    def problems(self, given: Mapping[str, Any]) -> list[Problem]:
        """Return what is wrong with the settings; what would break a header is wrong as well."""
        found = super().problems(given)
        texts = {name: value for name, value in given.items() if isinstance(value, str) and value}
        found += [
            Problem(f"settings.{name}", "invalid_characters", f"{name} is one line, without control characters.")
            for name, text in texts.items()
            if addresses.breaks_lines(text)
        ]
        if "from_address" in texts and not addresses.canonical(texts["from_address"]):
            found.append(Problem("settings.from_address", "invalid_address", "from_address is an e-mail address."))
        if "inbound_domain" in texts and not addresses.is_domain(texts["inbound_domain"]):
            found.append(Problem("settings.inbound_domain", "invalid_domain", "inbound_domain is a domain's name."))
        if "api_url" in texts and not texts["api_url"].startswith("https://"):
            found.append(Problem("settings.api_url", "invalid_url", "api_url begins with https://."))
        found += [
            Problem(f"settings.{name}", "invalid_host", f"{name} is a server's name, or its IP address, and no more.")
            for name in ("smtp_host", "imap_host")
            if name in texts and not addresses.is_host(texts[name]) and not addresses.breaks_lines(texts[name])
        ]
        for name in ("smtp_port", "imap_port"):
            port = given.get(name)
            if isinstance(port, int) and not isinstance(port, bool) and not 0 < port < 65536:
                found.append(Problem(f"settings.{name}", "out_of_range", f"{name} is from 1 to 65535.", 65535, port))
        return found

    def lacking(self, stored: Mapping[str, Any]) -> list[Problem]:
        """Return what is missing: a server or a provider's key to send with, an account for a folder to be read."""
        carrier = providers.carrier_of(stored)
        needed = [*(carrier.needs if carrier else ["smtp_host"])]
        needed += ["imap_username", "imap_password"] if stored.get("imap_host") else []
        return super().lacking(stored) + [
            Problem(f"settings.{name}", "required", f"The email channel needs {name} with these settings.")
            for name in needed
            if is_blank(stored.get(name))
        ]

    # --- set-up --------------------------------------------------------------------------------------------------

    def check_order(self, settings: Mapping[str, Any]) -> Order | None:
        """Return the call that logs in and does nothing."""
        carrier = providers.carrier_of(settings)
        return providers.check_of(carrier, settings) if carrier else writing.check(settings)

    def judge_check(self, reply: Reply, settings: Mapping[str, Any]) -> Checked:
        """Return what the server or the provider said of the credentials."""
        return answers.judge_check(reply)

    def folder(self, settings: Mapping[str, Any]) -> FolderOrder | None:
        """Return the folder that is read."""
        return writing.folder(settings)

    # --- out -----------------------------------------------------------------------------------------------------

    def limits(self, settings: Mapping[str, Any]) -> Capabilities:
        """Return what an inbox can do: which receipts there are depends on who carries its mail."""
        carrier = providers.carrier_of(settings)
        if carrier is None or not carrier.tells:
            return self.capabilities
        return replace(self.capabilities, receipts=carrier.tells, echoes_id=carrier.has_metadata)

    def address(self, given: str, settings: Mapping[str, Any]) -> str | None:
        """Return an address in lower case."""
        return addresses.canonical(given)

    def problems_of(self, message: Outgoing, settings: Mapping[str, Any]) -> list[Problem]:
        """Return what no mail can be made of."""
        return writing.problems(message)

    def order(self, message: Outgoing, settings: Mapping[str, Any]) -> Order:
        """Return the mail."""
        return writing.order(message, settings)

    def judge(self, reply: Reply, message: Outgoing) -> Outcome:
        """Return what a server or a provider made of it."""
        return answers.judge(reply)

    # --- in ------------------------------------------------------------------------------------------------------

    def signature_of(self, callback: Callback, settings: Mapping[str, Any]) -> str:
        """Return the password a provider was given with our address, or its signature."""
        return hooks.proof_in(callback)

    def recognises(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether a callback knows the inbox's secret and, where the provider signs, is signed."""
        return hooks.recognises(callback, settings)

    def read(self, callback: Callback, settings: Mapping[str, Any]) -> Iterable[Incoming]:
        """Return what a mail, or a provider's notice, says."""
        return hooks.read(callback, settings)
