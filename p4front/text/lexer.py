"""Tokens of P4_16 (specification 1.2.5, section 6.4): one compiled expression, run over a whole file or a line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from p4front.text.source import SourceFile, Span

IDENT, INT, STRING, EOF, BAD, DIRECTIVE = "identifier", "integer", "string", "end of file", "bad", "directive"
PRAGMA, END_PRAGMA = "@pragma", "end of the pragma's line"
SHIFT_START = ">>"
"""Kind of a `>` directly followed by another `>`: the first half of a right shift, or the end of a type argument."""

KEYWORDS = frozenset(
    [
        "abstract",
        "action",
        "actions",
        "apply",
        "bit",
        "bool",
        "break",
        "const",
        "continue",
        "control",
        "default",
        "else",
        "entries",
        "enum",
        "error",
        "exit",
        "extern",
        "false",
        "for",
        "header",
        "header_union",
        "if",
        "in",
        "inout",
        "int",
        "key",
        "list",
        "match_kind",
        "out",
        "package",
        "parser",
        "priority",
        "return",
        "select",
        "state",
        "string",
        "struct",
        "switch",
        "table",
        "this",
        "transition",
        "true",
        "tuple",
        "type",
        "typedef",
        "value_set",
        "varbit",
        "void",
        "_",
    ]
)

NAME_KINDS = frozenset([IDENT, "actions", "apply", "entries", "key", "list", "priority", "state", "type"])
"""Kinds of token that may name something: the grammar lets some keywords be names too."""

ASSIGN_OPS = frozenset(["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "|+|=", "|-|="])

OPERATORS = [
    "|+|=",
    "|-|=",
    "|+|",
    "|-|",
    "<<=",
    ">>=",
    "&&&",
    "...",
    "{#}",
    "..",
    "<<",
    "&&",
    "||",
    "==",
    "!=",
    ">=",
    "<=",
    "++",
    "+=",
    "-=",
    "*=",
    "/=",
    "%=",
    "&=",
    "|=",
    "^=",
    "+:",
    ">>=",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "|",
    "&",
    "^",
    "~",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "!",
    ":",
    ",",
    "?",
    ".",
    "=",
    ";",
]

_TOKEN = re.compile(
    r"""
      (?P<skip>    [ \t\r\n\f\v\ufeff]+ | //(?:\\\r?\n|[^\n])* | /\*[\s\S]*?\*/ | \\\r?\n )
    | (?P<open>    /\*[\s\S]* )
    | (?P<ident>   [A-Za-z_][A-Za-z0-9_]* )
    | (?P<shift>   >(?=>(?!=)) )
    | (?P<op>      OPERATORS )
    | (?P<int>     (?:[0-9]+[ws])?0[xX][0-9a-fA-F_]+ | (?:[0-9]+[ws])?0[dD][0-9_]+
                 | (?:[0-9]+[ws])?0[oO][0-7_]+ | (?:[0-9]+[ws])?0[bB][01_]+ | [0-9]+[ws][0-9_]+ | [0-9][0-9_]* )
    | (?P<string>  "(?:\\[\s\S]|[^"\\])*" )
    | (?P<hash>    \#(?:/\*[\s\S]*?\*/|\\\r?\n|[^\n])* )
    | (?P<pragma>  @pragma\b )
    | (?P<at>      @ )
    | (?P<bad>     "[^\n]* | . )
    """.replace("OPERATORS", "|".join(re.escape(op) for op in OPERATORS)),
    re.VERBOSE,
)

_KIND = {"int": INT, "string": STRING, "shift": SHIFT_START, "pragma": PRAGMA, "at": "@", "open": BAD, "bad": BAD}

RawToken = tuple[str, str, int, int]
"""kind, text, start, end"""


def scan(text: str) -> list[RawToken]:
    """Every token of a text. Preprocessor directives come as one token each, of kind DIRECTIVE; text that is not a P4
    token comes with kind BAD. The end of a `@pragma`'s line is marked by an empty END_PRAGMA token."""
    tokens: list[RawToken] = []
    add = tokens.append
    pragma_end = -1
    for match in _TOKEN.finditer(text):
        group = match.lastgroup
        if group == "skip":
            continue
        start, end = match.span()
        if pragma_end >= 0:
            if pragma_end < start:
                add((END_PRAGMA, "", pragma_end, pragma_end))
                pragma_end = -1
            elif pragma_end < end:  # inside a string
                pragma_end = _line_end(text, end)
        found = match.group()
        if group == "ident":
            add((found if found in KEYWORDS else IDENT, found, start, end))
        elif group == "op":
            add((found, found, start, end))
        elif group == "hash":
            if tokens and "\n" not in text[tokens[-1][3] : start]:
                add((BAD, "#", start, start + 1))
            else:
                add((DIRECTIVE, found, start, end))
        else:
            add((_KIND[group or "bad"], found, start, end))
            if group == "pragma":
                pragma_end = _line_end(text, end)
    if pragma_end >= 0:
        add((END_PRAGMA, "", pragma_end, pragma_end))
    return tokens


def _line_end(text: str, offset: int) -> int:
    newline = text.find("\n", offset)
    return newline if newline >= 0 else len(text)


def integer(text: str) -> tuple[int, int | None, bool, int]:
    """Value, width (None: arbitrary precision), signed, and base of an integer token; raises ValueError if it has no
    digits."""
    width: int | None = None
    signed = False
    match = re.match(r"([0-9]+)([ws])", text)
    if match:
        width, signed, text = int(match.group(1)), match.group(2) == "s", text[match.end() :]
    base = {"0x": 16, "0d": 10, "0o": 8, "0b": 2}.get(text[:2].lower(), 0)
    digits = (text[2:] if base else text).replace("_", "")
    return int(digits, base or 10), width, signed, base or 10


@dataclass(eq=False, slots=True)
class Token:
    """One token with its place in the user's text. `kind` is the text itself for keywords and operators."""

    kind: str
    text: str
    file: SourceFile
    start: int
    end: int
    from_macro: bool = False

    @property
    def span(self) -> Span:
        return Span(self.file, self.start, self.end, self.from_macro)

    def describe(self) -> str:
        """How a message names this token."""
        if self.kind in (EOF, END_PRAGMA):
            return f"the {self.kind}"
        if self.kind in (IDENT, INT, STRING, BAD):
            return f"'{self.text}'" if len(self.text) <= 40 else f"'{self.text[:37]}...'"
        return f"'{self.text}'" if self.text not in KEYWORDS else f"keyword '{self.text}'"
