"""Command-line arguments that name ports and interfaces."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from softswitch.cli.arguments import MAX_INTERFACE_NAME, MAX_PORT, port_interface
from softswitch.dataplane.interface import interface


def test_a_port_and_its_interface() -> None:
    assert port_interface("511@fifteen-letters") == (511, "fifteen-letters")
    assert interface().constants["SS_MAX_PORT"] == MAX_PORT
    assert len("fifteen-letters") == MAX_INTERFACE_NAME


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("600@s1-eth1", "up to 511"),
        ("1@sixteen-letters-", "at most 15"),
        ("s1-eth1", "PORT@INTERFACE"),
        ("1@", "PORT@"),
    ],
)
def test_what_is_none(text: str, says: str) -> None:
    with pytest.raises(ArgumentTypeError, match=says):
        port_interface(text)
