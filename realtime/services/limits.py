"""How much one client may ask for, and how long anybody waits."""

LARGEST_FRAME_BYTES = 65_536
COMMANDS_PER_SECOND = 20.0
COMMAND_BURST = 60
MOST_WAITING_COMMANDS = 60
MOST_PROTOCOL_ERRORS = 20
SUBSCRIPTIONS_PER_SOCKET = 32
LARGEST_WHISPER_BYTES = 8_192

OUTBOX_BYTES = 512 * 1024
OUTBOX_FRAMES = 256
OUTBOX_SECONDS = 10.0
FAREWELL_SECONDS = 2.0  # for the last frames of a socket; then it is dropped without them

PING_SECONDS = 3.0
HISTORY_COMMAND_SECONDS = 5.0  # how long a restored subscription waits for the client's positions
MOST_REPLAYED = 300
PATIENCE_SECONDS = 8.0  # for a subscription; clients give up on it after 10 s
LINK_PATIENCE_SECONDS = 2.0
RESYNC_SPREAD_SECONDS = 10.0
LINGER_SECONDS = 5.0
