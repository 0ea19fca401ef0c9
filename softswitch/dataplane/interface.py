"""The C interface, read from its headers: constants, structs and functions as ctypes wants them.

`runtime/include/api.h` is the one description of it. It is restricted to a few simple forms; a declaration of any other
form is an error, so that nothing is silently ignored. A test has the C compiler check what was read.

- `#define NAME 11u`, or names and numbers with `+`; `enum { A, B = 3, ... }`
- `typedef struct name { uint32_t a, b; uint64_t c[NAME]; const type *d; } name;`
- `int name(ss_table *table, const uint64_t *row);`
"""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Iterator, Mapping
from ctypes import Structure, c_bool, c_char_p, c_int, c_int64, c_uint8, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softswitch.build.cc import INTERFACE_DIR

HEADERS = ("api.h", "pipeline.h", "hashes.h")
"""Where constants are read from; structs and functions are those of the first."""
CType = type[Any]
SCALARS: dict[str, CType] = {
    "bool": c_bool,
    "int": c_int,
    "uint8_t": c_uint8,
    "uint32_t": c_uint32,
    "uint64_t": c_uint64,
    "int64_t": c_int64,
}
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_DEFINE = re.compile(r"^#define (SS_\w+) (.+)$", re.MULTILINE)
_ENUM = re.compile(r"\benum (\w+) \{(.*?)\}", re.DOTALL)
_STRUCT = re.compile(r"\btypedef struct (\w+) \{(.*?)\} \1;", re.DOTALL)
_FORWARD = re.compile(r"\btypedef struct (\w+) \1;")
_FUNCTION = re.compile(r"([\w ]+?[ *]+)(ss_\w+)\(([^()]*)\);")
_FIELD = re.compile(r"^((?:const )?\w+) (.+)$", re.DOTALL)
_NAME = re.compile(r"^([*\s]*(?:const \*)?)(\w+)(?:\[(\w+)\])?$")
_LIMITS = {"UINT32_MAX": 0xFFFFFFFF, "UINT64_MAX": 0xFFFFFFFFFFFFFFFF}


class InterfaceError(Exception):
    """A header of the runtime has a declaration of a form that is not read."""


@dataclass(frozen=True)
class Function:
    """`result` is None for void. `declared`: the types as they stand in the header, the result's first."""

    result: CType | None
    arguments: tuple[CType, ...]
    declared: tuple[str, ...]


@dataclass(frozen=True)
class Interface:
    """Everything by its name in C. `enums`: the names of each enumeration in order."""

    constants: Mapping[str, int]
    enums: Mapping[str, tuple[str, ...]]
    structs: Mapping[str, type[Structure]]
    functions: Mapping[str, Function]

    def packing(self, name: str) -> struct.Struct:
        """A struct of numbers in the form that the struct module reads."""
        letters: dict[object, str] = {c_uint8: "B", c_uint32: "I", c_uint64: "Q"}
        return struct.Struct("<" + "".join(letters[field[1]] for field in self.structs[name]._fields_))


@functools.lru_cache
def interface() -> Interface:
    """The interface of the runtime that this version of Python's side belongs to."""
    return read_interface([INTERFACE_DIR / name for name in HEADERS])


def read_interface(headers: list[Path]) -> Interface:
    """Reads headers; the first has the structs and functions. Raises InterfaceError."""
    texts = [_COMMENT.sub("", header.read_text()) for header in headers]
    constants: dict[str, int] = {}
    enums: dict[str, tuple[str, ...]] = {}
    for text in texts:
        for name, body in _ENUM.findall(text):
            enums[name] = tuple(_enumerate(body, constants))
        for name, value in _DEFINE.findall(text):
            if "(" not in name:
                constants[name] = _value(value, constants)
    structs: dict[str, type[Structure]] = {}
    for name, body in _STRUCT.findall(texts[0]):
        structs[name] = type(name, (Structure,), {"_fields_": list(_fields(body, constants))})
    rest = _STRUCT.sub("", _ENUM.sub("", texts[0]))
    return Interface(constants, enums, structs, dict(_functions(rest)))


def _value(text: str, known: Mapping[str, int]) -> int:
    total = 0
    for term in text.strip("() ").split("+"):
        word = term.strip()
        number = re.fullmatch(r"(0x[0-9a-fA-F]+|\d+)u?(?:ll)?", word)
        if number:
            total += int(number[1], 0)
        elif word in known or word in _LIMITS:
            total += known[word] if word in known else _LIMITS[word]
        else:
            raise InterfaceError(f"a constant is defined as {text!r}")
    return total


def _enumerate(body: str, constants: dict[str, int]) -> Iterator[str]:
    next_value = 0
    for item in body.split(","):
        name, has_value, value = (part.strip() for part in item.partition("="))
        if not name:
            continue
        if has_value:
            next_value = -_value(value[1:], constants) if value.startswith("-") else _value(value, constants)
        constants[name] = next_value
        next_value += 1
        yield name


def _fields(body: str, constants: Mapping[str, int]) -> Iterator[tuple[str, CType]]:
    for declaration in filter(None, (part.strip() for part in body.split(";"))):
        found = _FIELD.match(declaration)
        if not found:
            raise InterfaceError(f"a field is declared as {declaration!r}")
        for part in found[2].split(","):
            name = _NAME.match(part.strip())
            if not name:
                raise InterfaceError(f"a field is declared as {declaration!r}")
            kind = _type(f"{found[1]} {name[1]}", declaration)
            yield name[2], kind * _value(name[3], constants) if name[3] else kind


def _functions(text: str) -> Iterator[tuple[str, Function]]:
    for result, name, arguments in _FUNCTION.findall(text):
        types = [] if arguments.strip() == "void" else [_without_name(part) for part in arguments.split(",")]
        returned = result.strip()
        kind = None if returned == "void" else c_char_p if returned == "const char *" else _type(returned, name)
        yield name, Function(kind, tuple(_type(part, name) for part in types), (returned, *types))
    left = [line for line in _FORWARD.sub("", _FUNCTION.sub("", text)).splitlines() if line.strip(" ;")]
    unread = [line for line in left if not line.startswith("#")]
    if unread:
        raise InterfaceError(f"a declaration is not read: {unread[0]!r}")


def _without_name(argument: str) -> str:
    """`const uint64_t *row` to `const uint64_t *`."""
    return re.sub(r"\w+$", "", argument.strip()).strip()


def _type(text: str, where: str) -> CType:
    """Every pointer is an address (c_void_p), so that numpy, array, bytes and ctypes memory all do."""
    if "*" in text:
        return c_void_p
    kind = SCALARS.get(text.replace("const ", "").strip())
    if kind is None:
        raise InterfaceError(f"{where}: type {text!r} is not known")
    return kind


def fields_of(kind: type[Structure]) -> tuple[str, ...]:
    return tuple(field[0] for field in kind._fields_)
