"""Macros: their definitions, and the expansion of one call before it is scanned again (C11 6.10.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from p4front.text.lexer import BAD, STRING
from p4front.text.pptokens import WORD, PPToken, relex

VARIABLE = "__VA_ARGS__"
RESERVED = frozenset({"defined", VARIABLE, "__VA_OPT__", "__has_include"})
"""Names that no macro may have."""

Expand = Callable[[Sequence[PPToken]], list[PPToken]]
"""Expands the macros of an argument."""


class BadDefinition(Exception):
    """A malformed #define; `token` is where."""

    def __init__(self, message: str, token: PPToken | None) -> None:
        super().__init__(message)
        self.token = token


class TooLong(Exception):
    """A token of more than MAX_TOKEN_CHARACTERS, made by `#` or `##`."""


MAX_TOKEN_CHARACTERS = 1 << 16


@dataclass(frozen=True, slots=True)
class Macro:
    """`parameters` None: called without brackets. `variadic`: the last parameter takes all further arguments."""

    name: str
    body: tuple[PPToken, ...]
    parameters: tuple[str, ...] | None = None
    variadic: bool = False


def parse_definition(line: Sequence[PPToken]) -> Macro:
    """The macro that the tokens after `#define` define. Raises BadDefinition."""
    if not line:
        raise BadDefinition("no macro name given in #define", None)
    head = line[0]
    if head.kind != WORD:
        raise BadDefinition("macro names must be identifiers", head)
    if head.text in RESERVED:
        raise BadDefinition(f"'{head.text}' cannot be a macro's name", head)
    parameters, variadic, rest = None, False, line[1:]
    if rest and rest[0].text == "(" and not rest[0].space:
        names, variadic, used = _parameters(rest)
        parameters, rest = tuple(names), rest[used:]
    body = tuple(rest)
    _check_body(body, parameters, variadic)
    return Macro(head.text, body, parameters, variadic)


def _parameters(line: Sequence[PPToken]) -> tuple[list[str], bool, int]:
    """Names in brackets, whether the last one is variadic, and how many tokens that took."""
    names: list[str] = []
    at = 1
    if at < len(line) and line[at].text == ")":
        return names, False, 2
    while at < len(line):
        token = line[at]
        if token.text == "...":
            names.append(VARIABLE)
            return names, True, _closing(line, at + 1)
        if token.kind != WORD or token.text in names or token.text in RESERVED:
            raise BadDefinition("expected a new parameter's name in the macro's parameter list", token)
        names.append(token.text)
        at += 1
        if at < len(line) and line[at].text == "...":  # GNU: a name for the variable arguments
            return names, True, _closing(line, at + 1)
        if at < len(line) and line[at].text == ")":
            return names, False, at + 1
        if at >= len(line) or line[at].text != ",":
            break
        at += 1
    raise BadDefinition("the macro's parameter list has no end", line[0])


def _closing(line: Sequence[PPToken], at: int) -> int:
    if at >= len(line) or line[at].text != ")":
        raise BadDefinition("expected ')' after '...'", line[min(at, len(line) - 1)])
    return at + 1


def _check_body(body: Sequence[PPToken], parameters: tuple[str, ...] | None, variadic: bool) -> None:
    for token in body:
        if token.text == "__VA_OPT__" and variadic:
            raise BadDefinition("__VA_OPT__ is not supported", token)
    if body and "##" in (body[0].text, body[-1].text):
        raise BadDefinition("'##' cannot be at either end of a macro's text", body[0])


def substitute(macro: Macro, arguments: Sequence[Sequence[PPToken]], expand: Expand) -> list[PPToken]:
    """The macro's text with arguments substituted and `#` and `##` applied; the variable argument may be missing.

    Raises TooLong."""
    names = macro.parameters or ()
    complete = len(arguments) == len(names)
    given = dict(zip(names, arguments if complete else [*arguments, ()], strict=True))
    expanded: dict[str, list[PPToken]] = {}
    out: list[PPToken] = []
    body, at, paste = macro.body, 0, False
    while at < len(body):
        token = body[at]
        at += 1
        if token.text == "##":
            paste = True
            continue
        if token.text == "#" and at < len(body) and body[at].text in given:
            pieces = [_stringized(given[body[at].text], token.space)]
            at += 1
        elif token.kind != WORD or token.text not in given:
            pieces = [replace(token)]
        elif paste or (at < len(body) and body[at].text == "##"):
            pieces = [replace(t) for t in given[token.text]] or [PPToken(_PLACEMARKER, "")]
            if paste and macro.variadic and token.text == names[-1] and out[-1].text == ",":
                paste = False  # GNU: `, ## rest` pastes nothing; without variable arguments it drops the comma
                if not complete:
                    out.pop()
            pieces[0].space = token.space
        else:
            if token.text not in expanded:
                expanded[token.text] = expand(given[token.text])
            pieces = [replace(t) for t in expanded[token.text]]
            if pieces:
                pieces[0].space = token.space
        out += _pasted(out.pop(), pieces) if paste else pieces
        paste = False
    return [token for token in out if token.kind != _PLACEMARKER]


_PLACEMARKER = "placemarker"
"""An empty operand of `##` (6.10.3.3)."""


def _pasted(left: PPToken, right: list[PPToken]) -> list[PPToken]:
    if right[0].kind == _PLACEMARKER:
        return [left, *right[1:]]
    if left.kind == _PLACEMARKER:
        return [replace(right[0], space=left.space), *right[1:]]
    joined = left.text + right[0].text
    _check_length(joined)
    found = relex(joined)
    if len(found) == 1 and found[0].kind != BAD:
        return [replace(found[0], space=left.space), *right[1:]]
    return [left, *right]  # not a token: both stay


def _stringized(argument: Sequence[PPToken], space: bool) -> PPToken:
    """The argument's spelling as a string (6.10.3.2)."""
    parts = []
    for number, token in enumerate(argument):
        text = token.text
        if token.kind == STRING:
            text = text.replace("\\", "\\\\").replace('"', '\\"')
        parts.append(f" {text}" if number and token.space else text)
    text = "".join(parts)
    _check_length(text)
    return PPToken(STRING, f'"{text}"', space=space)


def _check_length(text: str) -> None:
    if len(text) > MAX_TOKEN_CHARACTERS:
        raise TooLong
