"""Names: C identifiers for P4 names."""

from __future__ import annotations

import re
from pathlib import Path

from p4front.text.source import Span

_WORDS = frozenset(
    """
    auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool true false
    NULL asm typeof linux unix i386 errno assert
    """.split()  # noqa: SIM905
)
_MACRO = re.compile(r"^(_|ss_|SS_|U?INT|SIZE|PTR|SIG|WCHAR|WINT)")


def field_name(name: str) -> str:
    """The C member for a P4 field: the same name unless C or the runtime's headers use it. Different names stay so."""
    return f"{name}_" if name in _WORDS or name.endswith("_") or _MACRO.match(name) else name


def identifier(text: str) -> str:
    """`text` with everything that C does not allow in an identifier replaced."""
    return re.sub(r"\W", "_", text, flags=re.ASCII)


class Namer:
    """Gives names that are unique within one scope of C (a function, or the file)."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def local(self, name: str) -> str:
        """A local variable: ends with an underscore, so that it meets no type, function or keyword."""
        return self.fresh(identifier(name), "_")

    def fresh(self, base: str, suffix: str = "") -> str:
        """`base` + `suffix`, with a number between where that is taken."""
        count = self._taken.get(base, 0) + 1
        self._taken[base] = count
        if count == 1:
            return base + suffix
        while (numbered := f"{base}{count}") in self._taken:
            count += 1
        self._taken[base] = count
        self._taken[numbered] = 1
        return numbered + suffix


def location(span: Span) -> str:
    """File and line of something in the P4 source."""
    return f"{Path(span.file.path).name}:{span.line}"


def comment(text: str) -> str:
    """A C comment."""
    return f"/* {text.replace('*/', '')} */"


def source_comment(span: Span) -> str:
    """A C comment that says where something stands in the P4 source."""
    return comment(location(span))


def printf_text(text: str) -> str:
    """Text for the inside of a printf format in C."""
    return c_string(text).replace("%", "%%")


def c_string(text: str) -> str:
    """Text for the inside of a string literal in C."""
    out = []
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char == "?":
            out.append("\\?")
        elif char.isprintable() and char.isascii():
            out.append(char)
        else:
            out += [f"\\{byte:03o}" for byte in char.encode(errors="surrogateescape")]
    return "".join(out)
