"""What every channel says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from core import crypto
from core.errors import Problem


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a channel: what it holds and whether it may be shown again."""

    name: str
    type: type = str
    is_secret: bool = False
    longest: int = 2048


class Channel:
    """A way messages travel. Knows words, never rows and never the network."""

    kind: ClassVar[str]
    settings: ClassVar[tuple[Setting, ...]] = ()
    has_callback: ClassVar[bool] = False  # a provider calls us under /inbound/
    clients_sign: ClassVar[bool] = False  # browsers and apps prove identities with the inbox's HMAC token

    def problems(self, given: Mapping[str, Any]) -> list[Problem]:
        """Return what is wrong with the settings, each named ``settings.<name>``."""
        known = {setting.name: setting for setting in self.settings}
        found = [
            Problem(f"settings.{name}", "unknown_setting",
                    f"The {self.kind} channel has no setting {name!r}; it has: {', '.join(known) or 'none'}.")
            for name in given if name not in known
        ]  # fmt: skip
        for name, value in given.items():
            setting = known.get(name)
            if setting is None or value is None:  # null clears
                continue
            if not isinstance(value, setting.type):
                found.append(Problem(f"settings.{name}", "wrong_type", f"{name} is a {setting.type.__name__}."))
            elif isinstance(value, str) and len(value) > setting.longest:
                found.append(
                    Problem(f"settings.{name}", "too_long", f"{name} has at most {setting.longest} characters.",
                            setting.longest)
                )  # fmt: skip
        return found

    def shown(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings as an answer may show them: secrets masked."""
        secret = {setting.name for setting in self.settings if setting.is_secret}
        return {
            name: crypto.masked(value) if name in secret and isinstance(value, str) else value
            for name, value in stored.items()
        }
