"""What every channel says of itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from core import crypto
from core.errors import Problem
from inboxes.channels.capabilities import Capabilities
from inboxes.channels.incoming import Answer, Callback, Incoming, IncomingFile
from inboxes.channels.outcomes import Outcome, Uncertain
from inboxes.channels.outgoing import FolderOrder, HttpOrder, Order, Outgoing, Reply
from inboxes.channels.templates import ProviderTemplate, TemplateVerdict


@dataclass(frozen=True, slots=True)
class Setting:
    """
    One setting of a channel: what it holds and whether it may be shown again.

    ``is_needed`` ones have to be there; ``is_ours`` ones are made by us and cannot be set. ``is_account`` ones say
    which account it is, where a provider calls one place only: no two inboxes can have it.
    """

    name: str
    type: type = str
    is_secret: bool = False
    longest: int = 2048
    is_needed: bool = False
    is_ours: bool = False
    is_account: bool = False
    choices: tuple[str, ...] = ()


# What a setting of a type takes, in people's words.
WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def is_blank(value: Any) -> bool:
    """Whether a setting holds nothing that anybody could use."""
    return not (value.strip() if isinstance(value, str) else value)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a provider said of credentials: ``problem`` in plain words, or ``facts`` worth keeping in the settings."""

    problem: Problem | None = None
    facts: Mapping[str, Any] | None = None


class Channel:
    """
    A way messages travel. Knows words, never rows and never the network.

    ``settings`` arguments are an inbox's settings, decrypted. Whatever a caller has to branch on is an attribute or a
    capability: nobody outside this package asks which channel it is.
    """

    kind: ClassVar[str]
    settings: ClassVar[tuple[Setting, ...]] = ()
    capabilities: ClassVar[Capabilities] = Capabilities()
    is_carried: ClassVar[bool] = False  # by a provider, through the outbound engine; else it is there on the cable
    has_callback: ClassVar[bool] = False  # a provider calls us under /inbound/
    clients_sign: ClassVar[bool] = False  # browsers and apps prove identities with the inbox's HMAC token
    phone_is_address: ClassVar[bool] = False  # an address is a phone number; else only what the provider calls people
    is_threaded: ClassVar[bool] = False  # by a subject and the names of what came before, as mail is
    ours: ClassVar[frozenset[str]] = frozenset()  # fields of its calls that no caller may set
    signature_header: ClassVar[str] = ""  # which header proves a callback, in lower case

    # --- settings ------------------------------------------------------------------------------------------------

    def problems(self, given: Mapping[str, Any]) -> list[Problem]:
        """Return what is wrong with the settings, each named ``settings.<name>``."""
        known = {setting.name: setting for setting in self.settings if not setting.is_ours}
        ours = {setting.name for setting in self.settings} - known.keys()
        found = [
            Problem(f"settings.{name}", "read_only", f"{name} is shown, and not yours to set: leave it out.")
            if name in ours
            else Problem(f"settings.{name}", "unknown_setting",
                         f"The {self.kind} channel has no setting {name!r}; it has: {', '.join(known) or 'none'}.")
            for name in given if name not in known
        ]  # fmt: skip
        for name, value in given.items():
            setting = known.get(name)
            if setting is None or value is None:  # null clears
                continue
            if not isinstance(value, setting.type) or isinstance(value, bool) != (setting.type is bool):
                found.append(Problem(f"settings.{name}", "wrong_type", f"{name} is {WORDS[setting.type]}."))
            elif isinstance(value, str) and len(value) > setting.longest:
                found.append(
                    Problem(f"settings.{name}", "too_long", f"{name} has at most {setting.longest} characters.",
                            setting.longest, len(value))
                )  # fmt: skip
            elif setting.choices and value not in setting.choices:
                found.append(
                    Problem(f"settings.{name}", "unknown_value", f"{name} is one of: {', '.join(setting.choices)}.")
                )
        return found

    def misplaced(self, given: Mapping[str, Any], whole: Mapping[str, Any]) -> list[Problem]:
        """Return which settings that are given have no place among the whole ones: another provider's, for instance."""
        return []

    def lacking(self, stored: Mapping[str, Any]) -> list[Problem]:
        """Return what whole settings still lack, or what in them does not fit together."""
        return [
            Problem(f"settings.{setting.name}", "required", f"The {self.kind} channel needs {setting.name}.")
            for setting in self.settings
            if setting.is_needed and is_blank(stored.get(setting.name))
        ]

    def shown(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings as an answer may show them: secrets masked."""
        secret = {setting.name for setting in self.settings if setting.is_secret}
        return {
            name: crypto.masked(value) if name in secret and isinstance(value, str) else value
            for name, value in stored.items()
        }

    def is_same_account(self, settings: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
        """Whether two inboxes' settings are of one account, which calls one of them only."""
        told = [setting.name for setting in self.settings if setting.is_account]
        return any(settings.get(name) and settings[name] == others.get(name) for name in told)

    def completed(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings with what is ours to choose: the secret of a callback, for instance."""
        return dict(stored)

    # --- set-up --------------------------------------------------------------------------------------------------

    def check_order(self, settings: Mapping[str, Any]) -> Order | None:
        """Return the call that shows whether the credentials work; None where there is nobody to ask."""

    def judge_check(self, reply: Reply, settings: Mapping[str, Any]) -> Checked:
        """Return what the provider's answer to ``check_order`` says."""
        return Checked()

    def register_order(self, settings: Mapping[str, Any], callback_url: str) -> HttpOrder | None:
        """Return the call that tells the provider where to call us; None where that is done in its console."""

    def judge_register(self, reply: Reply) -> str:
        """Return why the provider refused the callback, in its words; empty when it did not."""
        return "" if 200 <= reply.status < 300 else f"HTTP {reply.status}"

    # --- out -----------------------------------------------------------------------------------------------------

    def limits(self, settings: Mapping[str, Any]) -> Capabilities:
        """Return what an inbox with these settings can do."""
        return self.capabilities

    def address(self, given: str, settings: Mapping[str, Any]) -> str | None:
        """Return an address in the channel's own words, or None where ``given`` cannot be one."""
        return given

    def problems_of(self, message: Outgoing, settings: Mapping[str, Any]) -> list[Problem]:
        """
        Return what this channel cannot say beyond what its capabilities tell, each field named as in the request:
        ``text``, ``media.url``, ``button.buttons[0].title``, ``template.variables``.
        """
        words = "The message or the inbox says this."
        wrong = [name for name in message.overrides if name in self.ours]
        return [Problem(f"overrides.{self.kind}.{name}", "not_allowed", words) for name in wrong]

    def facts_of(self, message: Outgoing) -> dict[str, Any]:
        """Return what whoever sends a message should know of it on this channel: its ``segments``, for instance."""
        return {}

    def order(self, message: Outgoing, settings: Mapping[str, Any]) -> Order:
        """Return the call that sends a message."""
        raise NotImplementedError

    def judge(self, reply: Reply, message: Outgoing) -> Outcome:
        """Return what a provider's answer means."""
        return Uncertain()

    def lookup_order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder | None:
        """Return the call that asks what became of a message whose answer was lost."""

    def judge_lookup(self, reply: Reply, message: Outgoing) -> Outcome:
        """
        Return what the answer to ``lookup_order`` means; Uncertain where it tells nothing.

        Deferred of ``NOT_THERE`` where the provider has no such message, of ``provider_unavailable`` where it could not
        be asked.
        """
        return Uncertain()

    # --- templates, where the provider keeps them ----------------------------------------------------------------

    def templates_order(self, settings: Mapping[str, Any], after: str = "") -> HttpOrder | None:
        """Return the call that lists templates, from ``after`` on; None where there are none to be listed."""

    def read_templates(self, reply: Reply) -> tuple[Sequence[ProviderTemplate], str]:
        """Return one page of templates and what to go on ``after``, empty at the end. Raises templates.Unanswered."""
        return (), ""

    def create_template_order(self, settings: Mapping[str, Any], template: ProviderTemplate) -> HttpOrder | None:
        """Return the call that hands a template in; None where the provider takes none."""

    def delete_template_order(self, settings: Mapping[str, Any], template: ProviderTemplate) -> HttpOrder | None:
        """Return the call that takes a template back; None where the provider has none."""

    def judge_template(self, reply: Reply) -> TemplateVerdict:
        """Return what the answer to ``create_template_order`` or ``delete_template_order`` means."""
        return TemplateVerdict()

    # --- in ------------------------------------------------------------------------------------------------------

    def folder(self, settings: Mapping[str, Any]) -> FolderOrder | None:
        """Return the mail folder that messages are fetched from; None where they come by themselves."""

    def greet(self, callback: Callback, settings: Mapping[str, Any]) -> Answer | None:
        """Return the answer to a provider's handshake; None for an ordinary callback."""

    def signature_of(self, callback: Callback, settings: Mapping[str, Any]) -> str:
        """Return the proof that a callback brings; empty where it brings none."""
        return callback.headers.get(self.signature_header, "")

    def recognises(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether a callback is the provider's, by its signature over the raw bytes, compared in constant time."""
        return False

    def concerns(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether a genuine callback is about this inbox's own number, page or bot, and nobody else's."""
        return True

    def answer(self, callback: Callback) -> Answer:
        """Return what the provider is answered once its callback is stored."""
        return Answer()

    def read(self, callback: Callback, settings: Mapping[str, Any]) -> Iterable[Incoming]:
        """Return what a callback says, in its order. Raises ValueError for what is no callback of the provider's."""
        return ()

    def chosen(self, choice: str, ids: Sequence[str]) -> str:
        """
        Return which of a message's button ids ``Said.choice`` stands for.

        A provider that takes short ids only is told something shorter; whoever has the message maps it back by this.
        """
        return choice

    def follow_up(self, callback: Callback, settings: Mapping[str, Any]) -> Sequence[HttpOrder]:
        """Return calls to be made once a callback was read: to stop a button's spinner, for instance; best effort."""
        return ()

    def file_order(self, file: IncomingFile, settings: Mapping[str, Any]) -> HttpOrder:
        """Return the call that fetches a file that came."""
        return HttpOrder(self.kind, "GET", url=file.reference)

    def next_file_order(self, reply: Reply, settings: Mapping[str, Any]) -> HttpOrder | None:
        """
        Return the call that follows where the answer to ``file_order`` only tells where the file is: in its body, or by
        a redirect. None: it is the file. Asked once for each file; raises ValueError for what should tell and does not.
        """
