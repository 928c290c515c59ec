"""Phone numbers as addresses."""

import re

import phonenumbers

OTHERWISE = (
    (r"(\+55\d\d)9([6-9]\d{7})", r"\1\2"),
    (r"(\+55\d\d)([6-9]\d{7})", r"\g<1>9\2"),
    (r"\+549(\d{10})", r"+54\1"),
    (r"\+54([1-8]\d{9})", r"+549\1"),
    (r"\+521(\d{10})", r"+52\1"),
    (r"\+52([2-9]\d{9})", r"+521\1"),
)
# What else a text message may come from: a short code, or a name of the networks' alphabet.
SHORT_CODE, NAME = re.compile(r"[0-9]{3,8}"), re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+_-]{1,11}")
SENDERS = (
    "from is a number in E.164 form (+14155550100), a short code (72345), "
    "or a name of at most 11 letters and digits with a letter among them (ACME)."
)


def e164(given: str) -> str | None:
    """
    Return a number that begins with + in E.164, or None where it cannot be one.

    Possible numbers are taken, not only valid ones: what is known of numbering plans is always a little old. So are
    those that were possible once and that networks still write (``variants``).
    """
    given = given.strip()
    if not given.startswith("+"):
        return None
    try:
        number = phonenumbers.parse(given, None)
    except phonenumbers.NumberParseException:
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    is_possible = phonenumbers.is_possible_number(number) or bool(variants(written))
    return written if is_possible and not number.extension else None


def is_sender(given: str) -> bool:
    """Whether text messages may come from this: a number in E.164, a short code or a name."""
    return bool(e164(given) or SHORT_CODE.fullmatch(given) or (given.strip() == given and NAME.fullmatch(given)))


def from_provider(told: str) -> str:
    """Return what a provider calls a number, with the + it leaves out; short codes and names stay as they are."""
    return e164(told if told.startswith("+") else f"+{told}") or told


def variants(number: str) -> list[str]:
    """
    Return the other ways a number in E.164 is written by networks that disagree with what people dial.

    Brazil's ninth digit, Argentina's 9 and Mexico's 1 for mobile phones. They are for looking somebody up: what is
    sent goes to the number as it was given.
    """
    return [re.sub(pattern, instead, number) for pattern, instead in OTHERWISE if re.fullmatch(pattern, number)]
