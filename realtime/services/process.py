"""The hub of this process: started by the server's lifespan, or by the first socket where there is none."""

import asyncio
from weakref import WeakKeyDictionary

from realtime.services.hub import Hub

_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """Return the hub of the running event loop, started if need be."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub()
        found.start()
    return found


def is_draining() -> bool:
    """Whether this process is sending its clients off, and is not to get new ones."""
    found = _hubs.get(asyncio.get_running_loop())
    return found is not None and found.is_draining


async def drain(seconds: float) -> None:
    """Send all clients off within ``seconds``."""
    found = _hubs.get(asyncio.get_running_loop())
    if found is not None:
        await found.drain(seconds)


async def stop() -> None:
    """Stop the hub of the running event loop, if there is one."""
    found = _hubs.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.stop()
