"""The exception whose message is for users."""

from __future__ import annotations


class UserError(ValueError):
    """An error that the user can fix.

    The message says where, what is wrong, and what to do. Jobs log it without a stack trace. All
    other exceptions are bugs. It is a `ValueError` for the convenience of users of the library.
    """
