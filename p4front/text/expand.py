"""What a macro call usually gives: where `align` looks first for its tokens in the output.

The preprocessor itself has the last word, so rare cases (variable arguments, empty pastes) may be left as they are.
"""

from __future__ import annotations

import re

from p4front.text.lexer import scan

_DEEPEST = 30


def expand(tokens: list[str], macros: dict[str, str], hidden: frozenset[str] = frozenset()) -> list[str]:
    """The tokens with all macros (name -> parameters and body) replaced, except the `hidden` ones."""
    found: list[str] = []
    at = 0
    while at < len(tokens):
        name = tokens[at]
        definition = macros.get(name)
        at += 1
        if definition is None or name in hidden or len(hidden) > _DEEPEST:
            found.append(name)
            continue
        arguments: dict[str, list[str]] = {}
        body = definition
        if definition.startswith("("):
            if at >= len(tokens) or tokens[at] != "(":
                found.append(name)
                continue
            values, at = _arguments(tokens, at)
            names, _, body = definition[1:].partition(")")
            arguments = dict(zip((n.strip() for n in names.split(",")), values, strict=False))
        result = expand(_substitute(body, arguments, macros, hidden), macros, hidden | {name})
        if result and macros.get(result[-1], "").startswith("(") and tokens[at : at + 1] == ["("]:
            tokens = [result.pop(), *tokens[at:]]  # the name of a macro whose arguments come after this call
            at = 0
        found += result
    return found


def _arguments(tokens: list[str], at: int) -> tuple[list[list[str]], int]:
    """The arguments of a call whose `(` is at `at`, and the index after its `)`."""
    values: list[list[str]] = [[]]
    depth = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        depth += (token == "(") - (token == ")")
        if depth == 0:
            break
        if token == "," and depth == 1:
            values.append([])
        elif depth > 1 or token != "(":
            values[-1].append(token)
    return values, at


def _substitute(
    body: str, arguments: dict[str, list[str]], macros: dict[str, str], hidden: frozenset[str]
) -> list[str]:
    """A macro's body with its arguments put in, `#` and `##` carried out."""
    body = re.sub(r"(?<!#)#(?!#)\s*[A-Za-z_]\w*", lambda m: _quoted(m.group()[1:].strip(), arguments), body)
    parts = [[token[1] for token in scan(part)] for part in body.split("##")]
    found: list[str] = []
    for number, part in enumerate(parts):
        pieces: list[str] = []
        for i, token in enumerate(part):
            value = arguments.get(token)
            pasted = (i == 0 and number > 0) or (i == len(part) - 1 and number < len(parts) - 1)
            pieces += [token] if value is None else value if pasted else expand(value, macros, hidden)
        if number > 0 and found and pieces:
            pieces[0] = found.pop() + pieces[0]
        found += pieces
    return found


def _quoted(name: str, arguments: dict[str, list[str]]) -> str:
    return '"' + " ".join(arguments.get(name, [name])).replace('"', r"\"") + '"'
