"""What goes wrong with the control plane. The agent imports it, which starts for each trial and needs no network."""

from __future__ import annotations


class ControlError(Exception):
    """The control plane could not do what was asked; its own message."""
