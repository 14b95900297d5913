"""The exception whose message is for users."""

from __future__ import annotations


class UserError(ValueError):
    """Something that the user can fix.

    The message says where, what is wrong, and what to do. A job logs it without a stack trace; all
    other exceptions are bugs.
    """
