"""SMS: what every provider of it has in common, and which one an inbox is with."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from core.errors import Problem
from inboxes.channels import phones, segments
from inboxes.channels.base import Channel, Checked, Setting
from inboxes.channels.capabilities import Capabilities, Rate
from inboxes.channels.incoming import Answer, Callback, Incoming, IncomingFile
from inboxes.channels.outcomes import Outcome
from inboxes.channels.outgoing import HttpOrder, Outgoing, Reply
from inboxes.channels.twilio import Twilio
from inboxes.channels.vonage import Vonage

PROVIDERS: Mapping[str, Channel] = {"twilio": Twilio(), "vonage": Vonage()}
LONGEST_SHORT_CODE = 6
SHORT_CODE_RATE, SERVICE_RATE = Rate(100, 100), Rate(10, 20)


def _settings() -> tuple[Setting, ...]:
    """Return the settings of all providers; each name means the same with each."""
    own = {setting.name: setting for provider in PROVIDERS.values() for setting in provider.settings}
    choice = Setting("provider", is_needed=True, choices=tuple(PROVIDERS))
    return (choice, *own.values(), Setting("messages_per_second", int))


class Sms(Channel):
    """A number that sends and gets text messages, with one of several providers."""

    kind: ClassVar[str] = "sms"
    settings: ClassVar[tuple[Setting, ...]] = _settings()
    capabilities: ClassVar[Capabilities] = Twilio.capabilities
    is_carried: ClassVar[bool] = True
    has_callback: ClassVar[bool] = True
    phone_is_address: ClassVar[bool] = True

    # --- settings and set-up -------------------------------------------------------------------------------------

    def problems(self, given: Mapping[str, Any]) -> list[Problem]:
        """Return what is wrong with the settings."""
        found, rate = super().problems(given), given.get("messages_per_second")
        if isinstance(rate, int) and not isinstance(rate, bool) and not 1 <= rate <= 1000:
            words = "messages_per_second is from 1 to 1000."
            found.append(Problem("settings.messages_per_second", "out_of_range", words, 1000, rate))
        return found

    def misplaced(self, given: Mapping[str, Any], whole: Mapping[str, Any]) -> list[Problem]:
        """Return the settings that only a provider has with whom the inbox is not."""
        with_whom = whole.get("provider")
        return [
            Problem(f"settings.{name}", "other_provider",
                    f"{name} is a setting of {other}, and this inbox is with {with_whom}: leave it out.")
            for other, provider in PROVIDERS.items()
            for name in sorted(_own(provider) & set(given))
            if with_whom in PROVIDERS and other != with_whom and given[name] not in (None, "")
        ]  # fmt: skip

    def lacking(self, stored: Mapping[str, Any]) -> list[Problem]:
        """Return what the inbox's provider needs and is not there; where none is named, of the one it looks like."""
        if stored.get("provider") in PROVIDERS:
            return _with(stored).lacking(stored)
        alike = [provider for provider in PROVIDERS.values() if _own(provider) & set(stored)]
        return super().lacking(stored) + (alike[0].lacking(stored) if len(alike) == 1 else [])

    def completed(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return the settings with the number as providers write it; short codes and names stay as they are.

        What belonged to the provider before goes with it.
        """
        kept = {name: value for name, value in stored.items() if name not in _own_of_others(stored)}
        number = str(kept.get("from") or "")
        return {**kept, "from": phones.e164(number) or number} if number else kept

    def check_order(self, settings: Mapping[str, Any]) -> HttpOrder | None:
        """Ask the provider whether it knows the account."""
        order = _with(settings).check_order(settings)
        return order if isinstance(order, HttpOrder) else None

    def judge_check(self, reply: Reply, settings: Mapping[str, Any]) -> Checked:
        """Return what the provider says of the account."""
        return _with(settings).judge_check(reply, settings)

    # --- out -----------------------------------------------------------------------------------------------------

    def limits(self, settings: Mapping[str, Any]) -> Capabilities:
        """
        Return what the provider can do, at the rate of the number.

        A long number sends a message a second, a service with several ten, a short code a hundred; an account that may
        do more says so in ``messages_per_second``.
        """
        capabilities, rate = _with(settings).capabilities, settings.get("messages_per_second")
        if rate:
            return replace(capabilities, account_rate=Rate(rate, rate))
        if settings.get("messaging_service_sid"):
            return replace(capabilities, account_rate=SERVICE_RATE)
        number = str(settings.get("from") or "")
        is_short = number.isdecimal() and len(number) <= LONGEST_SHORT_CODE
        return replace(capabilities, account_rate=SHORT_CODE_RATE) if is_short else capabilities

    def address(self, given: str, settings: Mapping[str, Any]) -> str | None:
        """Return a number in E.164; what has no + is none, as nobody says of which country it is."""
        return phones.e164(given)

    def problems_of(self, message: Outgoing, settings: Mapping[str, Any]) -> list[Problem]:
        """Return what the provider cannot say."""
        return _with(settings).problems_of(message, settings)

    def facts_of(self, message: Outgoing) -> dict[str, Any]:
        """Return ``{encoding, segments}``: a text is paid for by the segment; one with files is not made of any."""
        if message.media or not message.text:
            return {}
        travels = segments.of(message.text)
        return {"encoding": travels.encoding, "segments": travels.count}

    def order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder:
        """Return the call that sends a message."""
        order = _with(settings).order(message, settings)
        assert isinstance(order, HttpOrder)
        return order

    def judge(self, reply: Reply, message: Outgoing) -> Outcome:
        """Return what the answer means. Answers show whose they are; what nobody wrote means the same of all."""
        return PROVIDERS["vonage" if _is_of_vonage(reply) else "twilio"].judge(reply, message)

    def lookup_order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder | None:
        """Return the call that asks what became of a message."""
        return _with(settings).lookup_order(message, settings)

    def judge_lookup(self, reply: Reply, message: Outgoing) -> Outcome:
        """Return what became of it; Twilio alone can be asked."""
        return PROVIDERS["twilio"].judge_lookup(reply, message)

    # --- in ------------------------------------------------------------------------------------------------------

    def signature_of(self, callback: Callback, settings: Mapping[str, Any]) -> str:
        """Return the proof that a callback brings."""
        return _with(settings).signature_of(callback, settings)

    def recognises(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether a callback is the provider's."""
        return _with(settings).recognises(callback, settings)

    def concerns(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether a callback is about this inbox's number."""
        return _with(settings).concerns(callback, settings)

    def answer(self, callback: Callback) -> Answer:
        """Return Twilio's empty answer to Twilio, and no words to anybody else."""
        is_of_twilio = Twilio.signature_header in callback.headers
        return PROVIDERS["twilio" if is_of_twilio else "vonage"].answer(callback)

    def read(self, callback: Callback, settings: Mapping[str, Any]) -> Iterable[Incoming]:
        """Return what a callback says. Raises ValueError."""
        return _with(settings).read(callback, settings)

    def file_order(self, file: IncomingFile, settings: Mapping[str, Any]) -> HttpOrder:
        """Return the call that fetches a file."""
        return _with(settings).file_order(file, settings)


def _own(provider: Channel) -> set[str]:
    """Return the settings that no other provider has."""
    others = {each.name for other in PROVIDERS.values() if other is not provider for each in other.settings}
    return {setting.name for setting in provider.settings} - others


def _own_of_others(settings: Mapping[str, Any]) -> set[str]:
    return {name for provider in PROVIDERS.values() if provider is not _with(settings) for name in _own(provider)}


def _with(settings: Mapping[str, Any]) -> Channel:
    return PROVIDERS[settings.get("provider", "twilio")]


def _is_of_vonage(reply: Reply) -> bool:
    said = reply.body
    return b'"message_uuid"' in said or (b'"title"' in said and b'"more_info"' not in said)
