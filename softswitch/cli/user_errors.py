"""Errors of the user's input or machine, and the line that reports them."""

from __future__ import annotations

from p4front.interpreter import no_such_character
from p4front.text.source import P4Error
from softswitch.errors import SwitchError

USER_ERRORS = (P4Error, SwitchError, OSError, UnicodeEncodeError)


def error_line(error: P4Error | SwitchError | OSError | UnicodeEncodeError, command: str) -> str:
    """A line of the command; an error in a program has its own form, with the place."""
    if isinstance(error, P4Error):
        return str(error)
    if isinstance(error, UnicodeEncodeError):
        return f"{command}: {no_such_character(error)}"
    if isinstance(error, OSError) and error.filename:
        return f"{command}: {error.filename}: {error.strerror}"
    return f"{command}: {error}"
