"""Macros that write registers: their calls give way to what they stand for, where State4's code has to stand between.

The call stays in the text as a comment, so that taking the additions out still gives the user's own file. Everything
else, other macros included, stays as it was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from p4front.load import load_edited
from p4front.program import Program
from p4front.syntax import ast
from p4front.text.macro_calls import MacroCall, macro_calls
from p4front.text.preprocess import preprocess
from p4front.text.source import SourceFile, Span
from state4.instrumentation.edits import InMacro, Ranges, indentation, merged, moved, splice


def expand_macros(program: Program, places: InMacro, added: Ranges) -> tuple[Program, Ranges]:
    """The program with the macro calls at these places expanded. `added`: where text was added to its main file before;
    comes back with the places in the new text.

    Raises `places` for what cannot be expanded there: a file that is included several times with other results, a
    macro that gives its own name, a program that was not loaded from a text."""
    reading = program.reading
    if reading is None:
        raise places
    main = program.files[0]
    wanted = _calls(macro_calls(main, reading.files, reading.defines), places)
    insertions: dict[SourceFile, list[tuple[int, str]]] = {}
    for call in wanted:
        insertions.setdefault(call.source, []).extend(_instead(call))
    texts = {file: splice(file.text, edits) for file, edits in insertions.items()}
    again = load_edited(program, {file: text for file, (text, _) in texts.items()})
    if _tokens(program) != _tokens(again):
        raise places
    new = texts[main][1] if main in texts else []
    return again, merged([*moved(added, new), *new])


def _calls(calls: Sequence[MacroCall], places: InMacro) -> list[MacroCall]:
    """The calls that have a part of these places, each once."""
    found: dict[tuple[SourceFile, int], MacroCall] = {}
    for call in calls:
        place = Span(call.source, call.start, call.end)
        if not any(_overlap(place, span) for span in places.spans):
            continue
        same = found.setdefault((call.source, call.start), call)
        if call.repeats or [t.text for t in same.tokens] != [t.text for t in call.tokens]:
            raise places
    if not found:
        raise places
    return list(found.values())


def _instead(call: MacroCall) -> Iterator[tuple[int, str]]:
    """Insertions that put a call's result in its place and the call itself out of the way."""
    written = call.source.text[call.start : call.end]
    text = call.text(indentation(call.source, call.start))
    if "/*" in written or "*/" in written or "#" in written:
        yield call.start, "\n#if 0\n"
        yield call.end, f"\n#endif\n{text}"
    else:
        yield call.start, "/* "
        yield call.end, f" */ {text}"


def _tokens(program: Program) -> list[str]:
    assert program.reading is not None
    found = preprocess(program.files[0], files=program.reading.files, defines=program.reading.defines)
    return [token.text for token in found.tokens]


def in_macros(program: Program, calls: Sequence[ast.Call]) -> list[Span]:
    """Places of calls that come from a macro's call, so that no text can be put behind them: the name, the end, or
    what separates their arguments. An argument as a whole may be a macro."""
    found: list[Span] = []
    for call in calls:
        statement = program.parents[call]
        end = Span(statement.span.file, statement.span.end - 1, statement.span.end, True)
        arguments = [argument.expr for argument in call.args]
        inside = [call.callee.span] if call.callee.span.from_macro else []
        if end.text != ";":
            inside.append(end)
        if arguments and arguments[-1].span.end >= call.span.end:
            inside.append(arguments[-1].span)
        for expr in arguments:
            inside += _joined(expr)
        inside += [b.span for a, b in pairwise(arguments) if a.span.end > b.span.start]
        found += inside
    return found


def _joined(expr: ast.Expr) -> Iterator[Span]:
    """Items of lists that come from one macro's call together."""
    for node in expr.walk():
        items: list[ast.Expr] = []
        if isinstance(node, ast.ListExpr):
            items = list(node.items)
        elif isinstance(node, ast.StructExpr):
            items = [item.value for item in node.fields]
        for item in items:
            if any(other is not item and _overlap(other.span, item.span) for other in items):
                yield item.span


def _overlap(one: Span, other: Span) -> bool:
    return one.file is other.file and one.start < other.end and other.start < one.end
