"""Refusals: what this code generator does not take, always with the place."""

from __future__ import annotations

from p4front.text.source import Diagnostic, P4Error, Span


class Refused(P4Error):
    """A program that is right but uses something beyond a documented limit (docs/limits.md)."""


def refuse(span: Span | None, message: str) -> Refused:
    """The error to raise for the construct at `span`."""
    return Refused(Diagnostic(message, span))
