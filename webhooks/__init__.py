"""Signed, retried, replayable events to customers' servers."""
