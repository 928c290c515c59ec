"""Phone numbers as addresses."""

import phonenumbers


def e164(given: str) -> str | None:
    """
    Return a number that begins with + in E.164, or None where it cannot be one.

    Possible numbers are taken, not only valid ones: what is known of numbering plans is always a little old.
    """
    given = given.strip()
    if not given.startswith("+"):
        return None
    try:
        number = phonenumbers.parse(given, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number) or number.extension:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def from_provider(told: str) -> str:
    """Return what a provider calls a number, with the + it leaves out; short codes and names stay as they are."""
    return e164(told if told.startswith("+") else f"+{told}") or told
