"""A real PostgreSQL and a real Redis that come as wheels and live in the data directory."""

MARK = "DEXRA_EMBEDDED"  # in the environment of every process that uses them
