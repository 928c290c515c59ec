"""What operators are asked before something happens to an endpoint."""

from django import forms

GRACES = {
    "0": "at once",
    "3600": "in an hour",
    "86400": "in a day",
    "604800": "in a week",
}
SPANS = {
    "1": "hour",
    "6": "6 hours",
    "24": "day",
    "72": "3 days",
    "168": "7 days",
    "336": "14 days",
}
HELD = {
    "": "Send what is younger than 72 hours, cancel the rest",
    "resume": "Send all of it",
    "skip": "Cancel all of it",
}


class Resume(forms.Form):
    """What becomes of what was held."""

    held = forms.TypedChoiceField(
        choices=list(HELD.items()), required=False, empty_value=None, label="What was held for it"
    )


class RotateSecret(forms.Form):
    """When the secrets end that are there now."""

    grace_seconds = forms.TypedChoiceField(
        choices=list(GRACES.items()), coerce=int, initial="86400", label="The old ones end"
    )


class Range(forms.Form):
    """How far back to go."""

    hours = forms.TypedChoiceField(choices=list(SPANS.items()), coerce=int, initial="24", label="What is of the last")
