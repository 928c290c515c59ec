"""What operators see of accounts: environments, people, keys, the audit log."""

from accounts.admin import pages

__all__ = ["pages"]
