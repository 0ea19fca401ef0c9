"""Matching arguments to parameters: positions, names, defaults, `@optional`; the choice between overloads (8.20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from p4front.syntax import ast
from p4front.text.source import Span
from p4front.types.types import CallableType, ParamInfo


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why arguments do not fit a parameter list; `span` None where the whole call is meant."""

    message: str
    span: Span | None = None


Matched = tuple[tuple[ParamInfo, "ast.Argument | None"], ...]
"""Each parameter in order with its argument; None where a default or an omitted @optional stands."""


def match_arguments(params: Sequence[ParamInfo], args: Sequence[ast.Argument]) -> Matched | Mismatch:
    """Pairs parameters with arguments; either all arguments are named or none is."""
    named = [a for a in args if a.name is not None]
    if named and len(named) != len(args):
        first = next(a for a in args if a.name is None)
        return Mismatch("either all arguments of a call are named or none", first.span)
    given: dict[str, ast.Argument] = {}
    if named:
        known = {p.name for p in params}
        for arg in named:
            name = arg.name.text if arg.name is not None else ""
            if name in given:
                return Mismatch(f'the argument "{name}" is given twice', arg.span)
            if name not in known:
                return Mismatch(f'there is no parameter "{name}"{_listed(params)}', arg.span)
            given[name] = arg
    else:
        if len(args) > len(params):
            return Mismatch(f"{_count(len(args))} for {len(params)} parameter{_s(len(params))}", args[len(params)].span)
        given = {p.name: a for p, a in zip(params, args, strict=False)}
    missing = [p.name for p in params if p.name not in given and not p.optional]
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        return Mismatch(f"no argument for the parameter{_s(len(missing))} {names}")
    return tuple((p, given.get(p.name)) for p in params)


def fitting(candidates: Sequence[CallableType], args: Sequence[ast.Argument]) -> list[tuple[CallableType, Matched]]:
    """The candidates whose parameters take these arguments by number and name; without defaults where some fit so."""
    found = []
    for candidate in candidates:
        matched = match_arguments(candidate.params, args)
        if not isinstance(matched, Mismatch):
            found.append((candidate, matched))
    exact = [pair for pair in found if all(arg is not None for _, arg in pair[1])]
    return exact or found


def _count(number: int) -> str:
    return f"{number} argument{_s(number)}"


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def _listed(params: Sequence[ParamInfo]) -> str:
    return f": the parameters are {', '.join(p.name for p in params)}" if params else ": there are no parameters"
