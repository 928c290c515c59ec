"""Replies on channels that a provider carries: what their inbox cannot say is refused before it is queued."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings

from accounts.models import Environment
from contacts.services import consent
from conversations.models import Attachment, Conversation, Message
from conversations.services import links, uploads
from conversations.services.attachments import StoredFile
from conversations.services.messages import Draft
from core.errors import Invalid, Problem, invalid
from inboxes import channels
from inboxes.channels import limits, payloads, rendering
from inboxes.channels.outgoing import Mail, Media, Outgoing, Template
from inboxes.services import templates

KINDS = {Attachment.Type.IMAGE: "image", Attachment.Type.VIDEO: "video", Attachment.Type.AUDIO: "audio"}


def file_of(environment: Environment, media: Mapping[str, Any]) -> StoredFile:
    """Return the file that a ``media`` object names: somewhere on the web, or uploaded before. Raises Invalid."""
    if "url" in media and "attachment_id" in media:
        raise invalid("media", "Media has a url or an attachment_id, not both.", code="ambiguous")
    if "attachment_id" in media:
        file = uploads.file_of(environment, "media.attachment_id", media["attachment_id"], media["type"])
        return replace(file, filename=media.get("filename") or file.filename)
    if "url" not in media:
        raise invalid("media.url", "Media has a url or an attachment_id.", code="required")
    if found := links.problems_of_url("media.url", media["url"], livemode=environment.livemode):
        raise Invalid(*found)
    kind = Attachment.Type.FILE if media["type"] == "document" else media["type"]
    return StoredFile("", media.get("filename", ""), "", 0, external_url=media["url"], type=kind)


def media_of(file: StoredFile) -> Media:
    """Return a file as a channel is told of it."""
    kind = KINDS.get(Attachment.Type(file.type), "document") if file.type else "document"
    url = file.external_url or f"{settings.BASE_URL}/files/{file.token}"
    return Media(kind, url, file.filename, file.content_type, file.size, file.path)


def checked(conversation: Conversation, draft: Draft) -> Draft:
    """
    Return a reply that the conversation's channel can carry, with the text of its template.

    Raises Invalid, naming everything its channel cannot say, and whoever may not be written to now. What is on the
    cable is not asked.
    """
    inbox = conversation.inbox
    channel = channels.find(inbox.channel)
    if not channel.is_carried:
        return draft
    if draft.content_type != "text":
        words = f"{channel.kind} cannot show this: send media, a button or a template, or the text alone."
        raise invalid("rich", words, code="unsupported")
    said = payloads.read(draft.type, draft.text, draft.payload, [media_of(file) for file in draft.files])
    # It goes on in its thread, whose mails and subject are looked up when it is sent.
    thread = Mail(subject=conversation.subject, references=(conversation.public_id,))
    said = replace(said, address=conversation.session.source_id, mail=thread)
    if said.template is not None:
        said, draft = _templated(conversation, said, draft)
    problems = limits.problems_of(channel, said, inbox.settings)
    problems += _consent(conversation, said)
    if problems:
        raise Invalid(*problems)
    return draft


def _templated(conversation: Conversation, said: Outgoing, draft: Draft) -> tuple[Outgoing, Draft]:
    inbox, asked = conversation.inbox, draft.payload
    row = templates.find(conversation.environment, inbox, str(asked.get("name")), str(asked.get("language") or ""))
    variables = templates.variables_of(asked.get("variables") or {})
    rendered = rendering.render(row.components, variables)
    draft = replace(draft, text=draft.text or rendered.text, payload={**asked, "variables": variables})
    if row.inbox_id is None:
        if wrong := templates.variable_problems(row, variables):
            raise Invalid(*wrong)
        return replace(rendered, address=said.address), draft
    template = Template(row.name, row.language, row.category, variables, row.components)
    return replace(said, template=template), draft


def _consent(conversation: Conversation, said: Outgoing) -> list[Problem]:
    refusal = consent.refusal(
        conversation.session, address=said.address, category=said.category,
        capabilities=channels.find(conversation.inbox.channel).limits(conversation.inbox.settings),
        is_template=said.type == Message.Type.TEMPLATE,
    )  # fmt: skip
    # A blocked person is refused by ``messages.send``, whatever the channel.
    return (
        []
        if refusal is None or refusal.code == "blocked"
        else [Problem("conversation_id", refusal.code, refusal.message)]
    )
