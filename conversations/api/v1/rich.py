"""Messages that are more than words, as the SDK and Chatwoot's clients draw them: cards, forms, articles, questions."""

from typing import Any

from rest_framework import serializers

from core import fields

QUESTIONS = {"email": "input_email", "text": "input_text", "text_area": "input_textarea"}
KINDS = {"cards", "form", "articles", "ask"}
MOST_CARDS, MOST_ACTIONS, MOST_FIELDS, MOST_OPTIONS, MOST_ARTICLES = 10, 5, 20, 50, 10


class Action(fields.Group):
    """A button of a card: one that opens a page, or one whose ``payload`` comes back as the answer."""

    type = fields.Choice(choices=["link", "postback"])
    text = fields.Speech(longest=200)
    uri = fields.WebAddress(required=False, longest=2048)
    payload = fields.Text(required=False, longest=255)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a link that leads nowhere, and an answer that says nothing."""
        wanted = "uri" if attrs["type"] == "link" else "payload"
        if wanted not in attrs:
            raise serializers.ValidationError({wanted: f"A {attrs['type']} has a {wanted}."}, code="required")
        return attrs


class Card(fields.Group):
    """A picture, a title and buttons."""

    title = fields.Speech(longest=200)
    description = fields.Text(required=False, allow_blank=True, longest=2000)
    media_url = fields.WebAddress(required=False, longest=2048)
    actions = fields.Items(child=Action(), required=False, max_length=MOST_ACTIONS)


# Declared fields may be named as a serializer's own attributes are: DRF takes them out of the class.
class Option(fields.Group):
    """One thing to choose."""

    label = fields.Speech(longest=200)  # type: ignore[assignment]
    value = fields.Text(longest=255)


class Field(fields.Group):
    """Something to fill in; ``name`` comes back beside what was entered."""

    name = fields.Text(longest=60)
    label = fields.Speech(longest=200)  # type: ignore[assignment]
    type = fields.Choice(choices=["text", "text_area", "email", "number", "tel", "url", "date", "select", "checkbox"])
    placeholder = fields.Text(required=False, allow_blank=True, longest=200)
    required = fields.Flag(required=False)  # type: ignore[assignment]
    options = fields.Items(child=Option(), required=False, min_length=1, max_length=MOST_OPTIONS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a choice without choices."""
        if attrs["type"] == "select" and "options" not in attrs:
            raise serializers.ValidationError({"options": "A select has options."}, code="required")
        return attrs


class Article(fields.Group):
    """Something to read elsewhere."""

    title = fields.Speech(longest=200)
    description = fields.Text(required=False, allow_blank=True, longest=2000)
    link = fields.WebAddress(longest=2048)


class Rich(fields.Group):
    """What is drawn below the text: one of ``cards``, ``form``, ``articles`` and ``ask``."""

    cards = fields.Items(child=Card(), required=False, min_length=1, max_length=MOST_CARDS)
    form = fields.Items(child=Field(), required=False, min_length=1, max_length=MOST_FIELDS)
    articles = fields.Items(child=Article(), required=False, min_length=1, max_length=MOST_ARTICLES)
    ask = fields.Choice(choices=list(QUESTIONS), required=False, help_text="One question: the text asks it.")
    button_label = fields.Text(required=False, longest=60, help_text="Of a form's button.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse nothing to draw, and two things at once."""
        if len(attrs.keys() & KINDS) != 1:
            raise serializers.ValidationError("It has one of cards, form, articles and ask.", code="ambiguous")
        return attrs


def drawn(rich: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the content type and attributes that clients draw."""
    if "ask" in rich:
        return QUESTIONS[rich["ask"]], {}
    [kind] = rich.keys() & KINDS
    more = {"button_label": rich["button_label"]} if "button_label" in rich else {}
    return ("article" if kind == "articles" else kind), {"items": rich[kind], **more}
