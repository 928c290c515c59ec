"""What operators are asked before something happens to an account."""

from django import forms

from accounts.models import Account, ApiKey, Membership
from accounts.services import keys

NEW_PEOPLE = "Somebody new gets a password, which is shown once."
OVERLAPS = {
    "0": "at once",
    "3600": "in an hour",
    "86400": "in a day",
    "604800": "in a week",
    "2592000": "in 30 days",
}


class OpenAccount(forms.Form):
    """A new account."""

    name = forms.CharField(max_length=255)
    plan = forms.ChoiceField(choices=Account.Plan.choices)
    owner_email = forms.EmailField(label="Owner's e-mail", help_text=NEW_PEOPLE)


class ChangeAccount(forms.Form):
    """An account's name and plan."""

    name = forms.CharField(max_length=255)
    plan = forms.ChoiceField(choices=Account.Plan.choices)


class AddMember(forms.Form):
    """Somebody who is to work in an account."""

    email = forms.EmailField(label="E-mail", help_text=NEW_PEOPLE)
    role = forms.ChoiceField(choices=Membership.Role.choices, initial=Membership.Role.AGENT)


class ChangeRole(forms.Form):
    """A member's role."""

    role = forms.ChoiceField(choices=Membership.Role.choices)


class MintKey(forms.Form):
    """A new key."""

    kind = forms.ChoiceField(
        choices=[
            (ApiKey.Kind.SECRET.value, "Secret, for servers"),
            (ApiKey.Kind.PUBLISHABLE.value, "Publishable, for browsers"),
        ]
    )
    name = forms.CharField(max_length=255, required=False, help_text="What it is for.")
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in sorted(keys.SCOPES)],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: the key may do everything. events:read shows people and what they wrote, too: an event "
        "holds a copy of what it is about.",
    )


class RollKey(forms.Form):
    """When the key that is replaced ends."""

    overlap = forms.TypedChoiceField(
        choices=list(OVERLAPS.items()), coerce=int, initial="86400", label="The old key ends"
    )


class ChangePerson(forms.Form):
    """Who somebody is."""

    email = forms.EmailField(label="E-mail")
    name = forms.CharField(max_length=255, required=False)
