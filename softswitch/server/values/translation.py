"""Control-plane names for data-plane numbers: types with `@p4runtime_translation(uri, string)`
(P4Runtime specification 8.5.6).

A decimal number without leading zeros stands for itself. Any other string is assigned a number when it is first
written, from the largest of the type downwards. A string keeps its number as long as the switch runs, whatever program
it runs, so that such numbers in registers and tables keep their meaning in the next program.
"""

from __future__ import annotations

import threading
from collections.abc import Collection

from finsy.proto import p4i

from softswitch.server.errors import Code, Refused, invalid, not_found, out_of_range

MAX_NAME_BYTES = 1024


class NameTable:
    """The names of one translation. Thread-safe. `reserved`: numbers that no name gets."""

    def __init__(self, reserved: Collection[int] = ()) -> None:
        self._reserved = frozenset(reserved)
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._plain: set[int] = set()  # written as decimal numbers
        self._lock = threading.Lock()

    def decode(self, data: bytes, width: int, what: str, *, create: bool = True) -> int:
        """The number of a name, which gets one if `create`.

        Raises Refused: INVALID_ARGUMENT for what is no name, OUT_OF_RANGE, NOT_FOUND, RESOURCE_EXHAUSTED.
        """
        try:
            name = data.decode()
        except UnicodeDecodeError:
            raise invalid(f"{what}: a name must be UTF-8 text") from None
        if not name or len(data) > MAX_NAME_BYTES:
            raise invalid(f"{what}: a name has 1 to {MAX_NAME_BYTES} bytes")
        with self._lock:
            number = self._numbers.get(name)
            if number is None:
                number = self._plain_number(name, width, what)
            if number is None and not create:
                raise not_found(f"{what}: {name!r} was never written")
            if number is None:
                number = self._new_number(name, width, what)
        if number >> width:
            raise out_of_range(f"{what}: {name!r} is number {number}, which does not fit in {width} bits")
        return number

    def encode(self, number: int) -> bytes:
        with self._lock:
            return self._names.get(number, str(number)).encode()

    def _plain_number(self, name: str, width: int, what: str) -> int | None:
        if not (name.isascii() and name.isdigit()) or (name[0] == "0" and name != "0") or len(name) > width:
            return None
        number = int(name)
        if number >> width:
            raise out_of_range(f"{what}: {number} does not fit in {width} bits")
        if number in self._names:
            raise invalid(f"{what}: number {number} is called {self._names[number]!r}")
        self._plain.add(number)
        return number

    def _new_number(self, name: str, width: int, what: str) -> int:
        number = (1 << width) - 1 if not self._names else min(min(self._names) - 1, (1 << width) - 1)
        while number > 0 and (number in self._plain or number in self._reserved or number in self._names):
            number -= 1
        if number <= 0:
            raise Refused(Code.RESOURCE_EXHAUSTED, f"{what}: no number of {width} bits is free for {name!r}")
        self._numbers[name], self._names[number] = number, name
        return number


class Translations:
    """All translations of a switch: by URI, or by the type's name where the URI is empty."""

    def __init__(self, reserved: Collection[int] = ()) -> None:
        self._reserved = reserved
        self._tables: dict[str, NameTable] = {}
        self._lock = threading.Lock()

    def of(self, info: p4i.P4Info, type_name: str) -> NameTable | None:
        """The names of a new type; None unless it is translated to strings."""
        if not type_name or type_name not in info.type_info.new_types:
            return None
        translated = info.type_info.new_types[type_name].translated_type
        if translated.WhichOneof("sdn_type") != "sdn_string":
            return None
        with self._lock:
            return self._tables.setdefault(
                f"uri {translated.uri}" if translated.uri else f"type {type_name}", NameTable(self._reserved)
            )
