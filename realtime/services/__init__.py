"""The engine behind the cable: publishing, the hub of one process, its sockets."""
