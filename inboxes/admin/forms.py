"""What operators may change about an inbox: the settings of its channel, whose secrets go in and never come out."""

from collections.abc import Mapping
from typing import Any

from django import forms

from inboxes import channels
from inboxes.channels.base import Setting

KEPT = "Kept as it is while this is empty."
WIDE = "vTextField"  # as the admin calls it
CHANNEL, CLEARED = "channel", "cleared"


class Lines(forms.CharField):
    """A list of texts, one a line."""

    widget = forms.Textarea(attrs={"rows": 3, "class": WIDE})

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines."""
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Return what stands on each line."""
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]


class ChannelSettings(forms.Form):
    """
    One field for each setting of the channel that ``initial`` names; a secret that is not written anew stays.
    """

    def __init__(self, data: Any = None, *, initial: Mapping[str, Any]) -> None:
        super().__init__(data, initial={name: value for name, value in initial.items() if name != CHANNEL})
        known = fillable(initial[CHANNEL])
        self.fields.update({each.name: _field(each) for each in known})
        if secret := [each.name for each in known if each.is_secret]:
            self.fields[CLEARED] = forms.MultipleChoiceField(
                choices=[(name, name) for name in secret], required=False, widget=forms.CheckboxSelectMultiple,
                label="Clear", help_text="Secrets that are to be removed.",
            )  # fmt: skip


def initial_of(kind: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the form begins with: everything but secrets."""
    shown = [each.name for each in channels.find(kind).settings if not each.is_secret and not each.is_ours]
    return {CHANNEL: kind, **{name: stored[name] for name in shown if name in stored}}


def changes_of(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an update of the settings takes, of a form's values; null clears."""
    given = {each.name: values[each.name] or None for each in fillable(kind) if not each.is_secret or values[each.name]}
    return given | dict.fromkeys(values.get(CLEARED, ()))


def fillable(kind: str) -> list[Setting]:
    """Return the settings of a channel that can be filled in."""
    return [each for each in channels.find(kind).settings if not each.is_ours and each.type in {str, int, list}]


def _field(setting: Setting) -> forms.Field:
    if setting.choices:
        choices = [("", "-"), *((each, each) for each in setting.choices)]
        return forms.ChoiceField(choices=choices, required=False, label=setting.name)
    if setting.type is list:
        return Lines(required=False, label=setting.name, help_text="One a line.")
    if setting.type is int:
        return forms.IntegerField(required=False, label=setting.name)
    if setting.is_secret:
        return forms.CharField(
            max_length=setting.longest, required=False, label=setting.name, help_text=KEPT,
            widget=forms.PasswordInput(attrs={"autocomplete": "off", "class": WIDE}),
        )  # fmt: skip
    widget = forms.TextInput(attrs={"class": WIDE})
    return forms.CharField(max_length=setting.longest, required=False, label=setting.name, widget=widget)
