"""The wire: which URLs and addresses are allowed, and the client that sends."""
