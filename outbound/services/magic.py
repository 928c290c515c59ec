"""Recipients of the sandbox that force an outcome; everybody else there gets what is sent to them."""

PHONES = "+1500555000"
OUTCOMES = {
    1: "invalid",
    2: "failed",
    3: "undelivered",
    4: "opted_out",
    5: "throttled",
    6: "read",
    7: "unknown",
    8: "window_closed",
    9: "duplicate",
}
PREFIX = "sandbox_"


def outcome_of(address: str, *, livemode: bool = False) -> str:
    """
    Return what an address forces: its last digit as a phone number, its name elsewhere; empty for any other.

    In live none forces anything.
    """
    if livemode:
        return ""
    if address.startswith(PHONES) and len(address) == len(PHONES) + 1 and address[-1].isdecimal():
        return OUTCOMES.get(int(address[-1]), "")
    name = address.lower().removesuffix("@example.com")
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) and name[len(PREFIX) :] in OUTCOMES.values() else ""
