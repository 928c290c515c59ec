"""The two embedded servers of one data directory, started together."""

from dexra.embedded import MARK
from dexra.embedded.account import servers_user
from dexra.embedded.postgres import APPLICATION_ROLE, OWNER_ROLE, Postgres
from dexra.embedded.redis import Redis
from dexra.home import Home
from dexra.processes import stop_leftover
from dexra.supervisor import Supervisor, say

# After a crash PostgreSQL first replays its log; on a slow disk that takes a while.
RECOVERY_SECONDS = 120.0
REDIS_SECONDS = 60.0


def start(
    home: Home, supervisor: Supervisor, *, postgres: bool = True, redis: bool = True, durable: bool = True
) -> dict[str, str]:
    """
    Start the servers asked for and return the environment that leads to them.

    Raises BrokenData, NoAccess, OSError, Unready, Stopped.
    """
    run_as = servers_user(home.root / "postgres")
    database = Postgres(home.root / "postgres", home.sockets, home.log("postgres"), run_as, durable=durable)
    stream = Redis(home.root / "redis", home.sockets, home.log("redis"), run_as)
    servers = [server for server, wanted in ((database, postgres), (stream, redis)) if wanted]
    for server in servers:
        service = server.service
        stop_leftover(home.pid_file(service.name), service.stop_signal, service.stop_seconds)
        if not server.data.exists():
            say(f"first start: making {service.name}'s files in {server.data}")
        server.prepare()
    supervisor.start(*(server.service for server in servers))
    if redis:
        supervisor.wait_until(stream.ready, what="redis", seconds=REDIS_SECONDS)
    if postgres:
        supervisor.wait_until(database.ready, what="postgres", seconds=RECOVERY_SECONDS)
        database.ensure_roles()
    return environment(database if postgres else None, stream if redis else None)


def environment(postgres: Postgres | None, redis: Redis | None) -> dict[str, str]:
    """Return the settings by which the product finds the servers."""
    found = {MARK: "1"} if postgres or redis else {}
    if postgres:
        found["DATABASE_URL"] = postgres.url(APPLICATION_ROLE)
        found["DATABASE_OWNER_URL"] = postgres.url(OWNER_ROLE)
    if redis:
        found["REDIS_URL"] = redis.url
    return found
