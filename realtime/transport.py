"""
How a publication travels through Redis: the keys, the script that makes it durable, the envelope around it.

A stream is a log of its latest publications, numbered without gaps from 1 within an *epoch*. The epoch changes
whenever that promise is broken (Redis lost or rewound its data), so a position is always (epoch, offset).
"""

from dataclasses import dataclass
from hashlib import sha1

PREFIX = "dexra:cable"
KEPT_PUBLICATIONS = 100  # Redis trims whole nodes, so up to twice as many may stay
KEPT_SECONDS = 300
KEPT_TOP_SECONDS = 24 * 3600  # a position outlives the log: "nothing was missed" can still be said
SEEN_SECONDS = 600

CONTROL_STREAM = "control"  # instructions to every process of the cable
BORN_KEY = f"{PREFIX}:born"  # when this Redis was first used: what is older may have been in another one

NO_EPOCH = "-"

# KEYS: log, top, seen.
# ARGV: channel, payload, now in ms, a new epoch, the epoch and offset this publisher saw last, and the limits
# (publications, seconds of the log, of the top, of the key).
PUBLISH_SCRIPT = """
if redis.call('EXISTS', KEYS[3]) == 1 then return false end
local found = redis.call('HMGET', KEYS[2], 'epoch', 'offset')
local epoch, top = found[1], tonumber(found[2] or 0)
local rewound = epoch and epoch == ARGV[5] and top < tonumber(ARGV[6])
if not epoch or rewound then
  local born = '0'
  if ARGV[5] ~= '-' then born = ARGV[3] end
  epoch, top = ARGV[4], 0
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[2], 'epoch', epoch, 'born', born)
end
local offset = string.format('%d', top + 1)
redis.call('HSET', KEYS[2], 'offset', offset, 'at', ARGV[3])
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[7], offset .. '-0', 'p', ARGV[2], 't', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[8])
redis.call('EXPIRE', KEYS[2], ARGV[9])
redis.call('SET', KEYS[3], '1', 'EX', ARGV[10])
redis.call('PUBLISH', ARGV[1], epoch .. ' ' .. offset .. ' ' .. ARGV[3] .. '\\n' .. ARGV[2])
return {epoch, offset}
"""
PUBLISH_SHA = sha1(PUBLISH_SCRIPT.encode()).hexdigest()  # noqa: S324  Redis names scripts this way

# KEYS: log, top. ARGV: the epoch and offset that were seen, a new epoch, now in ms, seconds of the top.
# Somebody saw more than the stream now holds, so its numbers would come again with other contents.
ROTATE_SCRIPT = """
local found = redis.call('HMGET', KEYS[2], 'epoch', 'offset')
if found[1] == ARGV[1] and tonumber(found[2] or 0) < tonumber(ARGV[2]) then
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[2], 'epoch', ARGV[3], 'offset', '0', 'born', ARGV[4])
  redis.call('EXPIRE', KEYS[2], ARGV[5])
end
return redis.call('HMGET', KEYS[2], 'epoch', 'offset')
"""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a stream: everything up to and including ``offset`` of ``epoch``."""

    epoch: str
    offset: int


NOWHERE = Position(NO_EPOCH, 0)  # a stream nobody has published to yet


@dataclass(frozen=True, slots=True)
class Envelope:
    """
    What is sent through pub/sub.

    A transient one has the epoch ``-`` and no offset. ``skip`` names a stream, or ``@`` and a socket, whose
    subscribers must not get it. ``kind`` is "message", "whisper" or "presence".
    """

    epoch: str
    offset: int
    published_at: int  # unix milliseconds
    payload: bytes
    kind: str = "message"
    skip: str = ""

    @property
    def is_transient(self) -> bool:
        """Whether it is not kept and has no place in the stream."""
        return self.epoch == NO_EPOCH


def seal(payload: bytes, *, now_ms: int, kind: str = "message", skip: str = "") -> bytes:
    """Return the envelope of a transient publication; a durable one is sealed by the script."""
    return f"{NO_EPOCH} 0 {now_ms} {kind} {skip}\n".encode() + payload


def unseal(sealed: bytes) -> Envelope:
    """Return what ``seal`` or the script wrote. Raises ValueError."""
    head, _, payload = sealed.partition(b"\n")
    epoch, offset, published_at, *rest = head.decode().split(" ")
    kind, skip = rest if rest else ("message", "")
    return Envelope(epoch, int(offset), int(published_at), payload, kind, skip)


def channel(stream: str) -> str:
    """Return the pub/sub channel of a stream."""
    return f"{PREFIX}:{{{stream}}}"


def log_key(stream: str) -> str:
    """Return the key of a stream's log; the braces keep a stream's keys on one node of a cluster."""
    return f"{PREFIX}:{{{stream}}}:log"


def top_key(stream: str) -> str:
    """Return the key of a stream's epoch, its last offset, and when that was."""
    return f"{PREFIX}:{{{stream}}}:top"


def seen_key(stream: str, key: str) -> str:
    """Return the key that remembers one publication."""
    return f"{PREFIX}:{{{stream}}}:seen:{key}"


def presence_channel(environment_id: int) -> str:
    """Return the channel on which processes tell each other that somebody came or went."""
    return f"{PREFIX}:presence:{environment_id}"


def presence_key(environment_id: int, of: str) -> str:
    """Return the key of the "users", "contacts" or users' "availability" that are present."""
    return f"{PREFIX}:{{presence:{environment_id}}}:{of}"
