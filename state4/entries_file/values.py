"""Readable values to integers: numbers, addresses, prefixes, masks and ranges.

A single value is a number, a string of one ("0x1f", "0b101", "12"), a MAC address (48-bit fields), an IPv4 or IPv6
address (32 and 128 bits), or a word of the file's [names]. In a match: "VALUE/LENGTH" for lpm and ternary, "VALUE &&&
MASK" for ternary, "LOW..HIGH" for range, and "*" for anything.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from p4front.match_kinds import MatchKind, Operand

_MAC = re.compile(r"^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$")
_DIGITS = re.compile(r"^(0[xX][0-9a-fA-F_]+|0[bB][01_]+|[0-9][0-9_]*)$")

Names = Mapping[str, int | str]


class BadValue(ValueError):
    """A value that can't be read or does not fit; the message says why."""


def read_value(value: object, width: int, names: Names) -> int:
    """The integer of one value that fits `width` bits. Raises BadValue."""
    if isinstance(value, str) and value in names:
        value = names[value]
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadValue(f"{value!r} is no number or address")
    number = value if isinstance(value, int) else _read_text(value.strip(), width)
    if number < 0:
        raise BadValue(f"{value} is negative")
    if number >> width:
        raise BadValue(f"{value} does not fit {width} bit{'s' if width != 1 else ''}")
    return number


def _read_text(text: str, width: int) -> int:
    if _DIGITS.match(text):
        return int(text, 0) if text[:2].lower() in ("0x", "0b") else int(text)
    if _MAC.match(text):
        return _address(text, int(text.replace(":", ""), 16), 48, width)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise BadValue(f"'{text}' is neither a number, an address nor a name in [names]") from None
    return _address(text, int(address), address.max_prefixlen, width)


def _address(text: str, number: int, bits: int, width: int) -> int:
    if bits != width:
        raise BadValue(f"'{text}' is an address of {bits} bits, the field has {width}")
    return number


def read_match(value: object, kind: MatchKind, width: int, names: Names) -> tuple[int, int] | None:
    """(value, operand) as Match has them, or None for anything. Raises BadValue, also for another kind's syntax."""
    if isinstance(value, str) and value in names:
        value = names[value]
    if isinstance(value, str):
        text = value.strip()
        if text == "*":
            if not kind.optional_field:
                raise BadValue("'*' in an exact field: state its value")
            return None
        if "&&&" in text:
            if kind.operand is not Operand.MASK:
                raise BadValue(f"'{text}' is a value with a mask, the field is {kind.name}")
            left, right = text.split("&&&", 1)
            return _masked(text, read_value(left.strip(), width, names), read_value(right.strip(), width, names), kind)
        if ".." in text:
            if kind.operand is not Operand.HIGH:
                raise BadValue(f"'{text}' is a range, the field is {kind.name}")
            left, right = text.split("..", 1)
            low, high = read_value(left.strip(), width, names), read_value(right.strip(), width, names)
            if low > high:
                raise BadValue(f"the range '{text}' is empty")
            return None if (low, high) == kind.anything(width) else (low, high)
        if "/" in text:
            if kind.operand not in (Operand.PREFIX, Operand.MASK):
                raise BadValue(f"'{text}' is a prefix, the field is {kind.name}")
            left, right = text.split("/", 1)
            length = read_value(right.strip(), 16, {})
            if length > width:
                raise BadValue(f"the prefix of '{text}' is longer than the {width} bits of the field")
            mask = ((1 << length) - 1) << (width - length)
            return _masked(text, read_value(left.strip(), width, names), mask, kind, length)
    number = read_value(value, width, names)
    return number, kind.single(number, width)


def _masked(text: str, value: int, mask: int, kind: MatchKind, length: int = 0) -> tuple[int, int] | None:
    if value & ~mask:
        raise BadValue(f"'{text}' has bits set that its mask leaves out")
    if not mask:
        return None
    return value, length if kind.operand is Operand.PREFIX else mask
