"""What operators see of what comes in: callbacks, files that are still to be got, and mail folders."""

from inbound.admin import pages

__all__ = ["pages"]
