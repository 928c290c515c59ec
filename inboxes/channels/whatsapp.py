"""WhatsApp: the Cloud API."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from core.errors import Problem
from inboxes.channels import answers, phones, whatsapp_bodies, whatsapp_events, whatsapp_templates, whatsapp_variables
from inboxes.channels.base import Checked, Setting
from inboxes.channels.capabilities import Buttons, Capabilities, MediaLimit, Rate
from inboxes.channels.graph import Change, GraphChannel, changes
from inboxes.channels.incoming import Callback, Incoming, IncomingFile, TemplateChanged
from inboxes.channels.outcomes import Sent
from inboxes.channels.outgoing import HttpOrder, Outgoing, Reply, Template
from inboxes.channels.templates import ProviderTemplate, TemplateVerdict

MEGABYTE = 1024 * 1024
OFFICE = "application/vnd.openxmlformats-officedocument."
MEDIA = {
    "image": MediaLimit(frozenset({"image/jpeg", "image/png"}), 5 * MEGABYTE),
    "video": MediaLimit(frozenset({"video/mp4", "video/3gpp"}), 16 * MEGABYTE),
    "audio": MediaLimit(
        frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/x-m4a", "audio/ogg"}), 16 * MEGABYTE
    ),
    "document": MediaLimit(
        frozenset({
            "text/plain", "application/pdf", "application/msword", "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint", f"{OFFICE}wordprocessingml.document", f"{OFFICE}spreadsheetml.sheet",
            f"{OFFICE}presentationml.presentation",
        }),
        100 * MEGABYTE,
    ),
}  # fmt: skip
TEMPLATE_NAME = re.compile(r"[a-z0-9_]{1,512}", re.ASCII)
LONGEST_BODY, LONGEST_CODE, LONGEST_SUFFIX = 1024, 15, 2000


class Whatsapp(GraphChannel):
    """A business number of the WhatsApp Cloud API."""

    kind: ClassVar[str] = "whatsapp"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("phone_number_id", is_needed=True, longest=64, is_account=True),
        Setting("waba_id", longest=64),
        Setting("access_token", is_secret=True, is_needed=True, longest=1024),
        Setting("app_secret", is_secret=True, is_needed=True, longest=128),
        Setting("verify_token", is_secret=True, is_needed=True, longest=256),
        Setting("display_phone_number", is_ours=True),
        Setting("verified_name", is_ours=True),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        longest_text=4096,
        longest_caption=1024,
        media=MEDIA,
        buttons=Buttons(3, 1, longest_title=20, longest_id=256, longest_text=1024, longest_header=60,
                        longest_footer=60),
        templates="provider",
        recipients=frozenset({"phone", "native"}),
        receipts=frozenset({"delivered", "read"}),
        has_window=True,
        echoes_id=True,
        account_rate=Rate(70, 70),
        recipient_rate=Rate(1 / 6, 5),
    )  # fmt: skip
    phone_is_address: ClassVar[bool] = True
    credential: ClassVar[str] = "access_token"
    account: ClassVar[str] = "phone_number_id"
    object_type: ClassVar[str] = "whatsapp_business_account"
    ours: ClassVar[frozenset[str]] = frozenset(
        {"messaging_product", "recipient_type", "to", "recipient", "biz_opaque_callback_data"}
    )

    # --- set-up --------------------------------------------------------------------------------------------------

    def settings_in_paths(self) -> tuple[str, ...]:
        """Return the settings that are ids of Meta's."""
        return ("phone_number_id", "waba_id")

    def check_order(self, settings: Mapping[str, Any]) -> HttpOrder:
        """Ask whose number it is."""
        path = f"{settings['phone_number_id']}?fields=display_phone_number,verified_name"
        return self.call(settings, path, method="GET")

    def checked(self, reply: Reply, settings: Mapping[str, Any]) -> Checked:
        """Keep the number and the name people see."""
        told = {name: reply.document.get(name) for name in ("display_phone_number", "verified_name")}
        return Checked(facts={name: value for name, value in told.items() if isinstance(value, str)})

    def register_order(self, settings: Mapping[str, Any], callback_url: str) -> HttpOrder:
        """Have what concerns this number told at the inbox's own URL, whatever the app's is."""
        hook = {"override_callback_uri": callback_url, "verify_token": settings["verify_token"]}
        order = self.call(settings, settings["phone_number_id"], {"webhook_configuration": hook})
        return HttpOrder(order.provider, order.method, order.path, headers=order.headers, json=order.json,
                         secrets=[*order.secrets, settings["verify_token"]])  # fmt: skip

    # --- out -----------------------------------------------------------------------------------------------------

    def address(self, given: str, settings: Mapping[str, Any]) -> str | None:
        """Return a phone number in E.164, or a user id as WhatsApp tells it."""
        given = given.strip()
        return given if whatsapp_bodies.USER_ID.fullmatch(given) else phones.e164(given)

    def problems_of(self, message: Outgoing, settings: Mapping[str, Any]) -> list[Problem]:
        """Return what only WhatsApp minds."""
        found = super().problems_of(message, settings)
        if message.text and any(media.kind == "audio" for media in message.media):
            words = "WhatsApp sends audio without words."
            found.append(Problem("media.caption", "unsupported_by_channel", words))
        titles = [button.title for button in message.buttons]
        found += [
            Problem(f"button.buttons[{place}].title", "duplicate", "Each button's title is there once.")
            for place, title in enumerate(titles)
            if titles.index(title) < place
        ]
        template = whatsapp_bodies.template_of(message)
        if template is not None and "template" not in message.overrides:
            found += _problems_of_template(template, message.address)
        return found

    def order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder:
        """Return the call that sends a message."""
        body = whatsapp_bodies.body(message)
        said = self.written(body, message)
        if said["type"] != body["type"]:  # the caller says another kind of message: a list, for instance
            del said[body["type"]]
        return self.call(settings, f"{settings['phone_number_id']}/messages", said)

    def taken(self, document: Mapping[str, Any], message: Outgoing) -> Sent:
        """Return the message's id, and what else WhatsApp calls the recipient."""
        told, people = document.get("messages"), document.get("contacts")
        first = told[0] if isinstance(told, list) and told else {}
        person = people[0] if isinstance(people, list) and people else {}
        others = (answers.within(person, name) for name in ("wa_id", "user_id"))
        aliases = dict.fromkeys(whatsapp_events.address_of(each) for each in others if isinstance(each, str) and each)
        provider_id = answers.within(first, "id")
        return Sent(
            provider_id if isinstance(provider_id, str) else "",
            tuple(each for each in aliases if each != message.address),
        )

    # --- templates -----------------------------------------------------------------------------------------------

    def templates_order(self, settings: Mapping[str, Any], after: str = "") -> HttpOrder | None:
        """List the business account's templates; without ``waba_id`` nobody knows whose."""
        account = settings.get("waba_id")
        return self.call(settings, whatsapp_templates.list_path(account, after), method="GET") if account else None

    def read_templates(self, reply: Reply) -> tuple[Sequence[ProviderTemplate], str]:
        """Return one page of templates. Raises templates.Unanswered."""
        return whatsapp_templates.read(reply)

    def create_template_order(self, settings: Mapping[str, Any], template: ProviderTemplate) -> HttpOrder | None:
        """Hand a template in."""
        account = settings.get("waba_id")
        body = whatsapp_templates.body(template)
        return self.call(settings, f"{account}/message_templates", body) if account else None

    def delete_template_order(self, settings: Mapping[str, Any], template: ProviderTemplate) -> HttpOrder | None:
        """Take a template back."""
        account = settings.get("waba_id")
        if not account:
            return None
        return self.call(settings, whatsapp_templates.delete_path(account, template), method="DELETE")

    def judge_template(self, reply: Reply) -> TemplateVerdict:
        """Return what Meta said of it."""
        return whatsapp_templates.judge(reply)

    # --- in ------------------------------------------------------------------------------------------------------

    def about(self, settings: Mapping[str, Any]) -> Callable[[Change], bool]:
        """
        What is told of a number names it; what is told of the business account comes under the account's id.

        Where the settings do not name the account, nobody can say: it is taken, and nothing is read in it.
        """
        number, account = str(settings["phone_number_id"]), str(settings.get("waba_id") or "")

        def is_ours(change: Change) -> bool:
            told = answers.within(change[1], "value", "metadata", "phone_number_id")
            return told == number if told is not None else account in {"", str(change[0].get("id"))}

        return is_ours

    def read(self, callback: Callback, settings: Mapping[str, Any]) -> Iterable[Incoming]:
        """Return what the callback says of this number. Raises ValueError for what is no callback of WhatsApp's."""
        ours = filter(self.about(settings), changes(answers.callback_of(callback.body)))
        told = answers.sound(each for _, change in ours for each in whatsapp_events.read(change))
        return told if settings.get("waba_id") else [each for each in told if not isinstance(each, TemplateChanged)]

    def file_order(self, file: IncomingFile, settings: Mapping[str, Any]) -> HttpOrder:
        """Ask where a file is, by its id; the answer's URL lives five minutes."""
        if file.reference.startswith("https://"):
            return self._file_at(file.reference, settings)
        path = f"{file.reference}?phone_number_id={settings['phone_number_id']}"
        return self.call(settings, path, method="GET")

    def next_file_order(self, reply: Reply, settings: Mapping[str, Any]) -> HttpOrder | None:
        """Fetch the file from where it is; None where the answer was the file already."""
        url = reply.document.get("url")
        if not isinstance(url, str) or "id" not in reply.document:
            if reply.headers.get("content-type", "").startswith("application/json"):
                raise ValueError("WhatsApp does not say where the file is.")
            return None
        return self._file_at(url, settings)

    def _file_at(self, url: str, settings: Mapping[str, Any]) -> HttpOrder:
        order = self.call(settings, "", method="GET")
        return HttpOrder(self.kind, "GET", url=url, headers=order.headers, secrets=order.secrets)


def _problems_of_template(template: Template, address: str) -> Iterable[Problem]:
    code = "template_parameters_mismatch"
    slots = whatsapp_variables.slots(template)
    if not TEMPLATE_NAME.fullmatch(template.name):
        yield Problem("template.name", "invalid", "WhatsApp's template names have small letters, digits and _.")
    if not template.language:
        yield Problem("template.language", "required", "Which of its languages? en_US, for instance.")
    if template.category == "authentication" and whatsapp_bodies.USER_ID.fullmatch(address):
        yield Problem("recipient_id", "invalid_recipient", "Codes are sent to phone numbers only.")
    for field in dict.fromkeys(slot.field for slot in slots if slot.is_needed and slot.is_empty):
        yield Problem(f"template.variables.{field}", code, f"{template.name} needs a value for {field}.")
    for field in whatsapp_variables.unused(template):
        yield Problem(f"template.variables.{field[:100]}", code, f"{template.name} has no variable {field[:100]}.")
    longest = {
        "body": LONGEST_CODE if template.category == "authentication" else LONGEST_BODY,
        "buttons": LONGEST_SUFFIX,
    }
    for slot in slots:
        most, actual = longest.get(slot.part, LONGEST_BODY), len(str(slot.value))
        if slot.kind == "text" and not slot.is_empty and actual > most:
            yield Problem(f"template.variables.{slot.field}", "too_long", f"At most {most} characters.", most, actual)
