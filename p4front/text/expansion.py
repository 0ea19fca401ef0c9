"""Macro expansion of a stream of tokens, as the C preprocessor does it, with the place of each call.

The tokens of a file come one at a time (`Reader.next`), because a directive may stand in the middle of a macro's call.
A macro is not expanded again inside its own result; a name that met itself there stays as it is for good ("painted").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from p4front.text.macros import Macro, TooLong, substitute
from p4front.text.pptokens import END, WORD, PPToken
from p4front.text.source import Diagnostic, P4Error, SourceFile, Span

MAX_STEPS = 2_000_000
"""Limit on the tokens of a program after expansion: about ten times what the largest known programs need."""
MAX_NESTED_CALLS = 200

Built = Callable[[PPToken], PPToken]
"""Makes the token for a predefined macro such as `__LINE__`."""


@dataclass(slots=True)
class Call:
    """The text that tokens from a macro stand for: from its name to its closing bracket."""

    source: SourceFile
    start: int
    end: int


@dataclass(slots=True)
class _Context:
    """Tokens that come before the file's next ones. `base`: they are the file's own, put back."""

    tokens: Sequence[PPToken]
    macro: str | None = None
    base: bool = False
    at: int = 0


@dataclass(slots=True)
class Expander:
    """`read(in_call)` gives the file's next token after its directives; END also at the end of an included file in
    a call. `predefined` makes tokens of macros that no #define gives."""

    read: Callable[[bool], PPToken]
    predefined: dict[str, Built]
    macros: dict[str, Macro] = field(default_factory=dict)
    call: Call | None = None
    """The call that the latest token comes from; None: it is the file's own."""
    _contexts: list[_Context] = field(default_factory=list)
    _disabled: set[str] = field(default_factory=set)
    _steps: int = 0
    _depth: int = 0

    def next(self) -> PPToken:
        """The next token after expansion, or END. Raises P4Error."""
        while True:
            token = self._raw()
            if token.kind != WORD or token.painted:
                return token
            macro = self.macros.get(token.text)
            if macro is None:
                built = self.predefined.get(token.text)
                return built(token) if built is not None else token
            if token.text in self._disabled:
                return replace(token, painted=True)
            if not self._enter(macro, token):
                return token

    def expand(self, tokens: Sequence[PPToken]) -> list[PPToken]:
        """All tokens after expansion, without those that follow in the file."""
        self._contexts.append(_Context([*tokens, PPToken(END, "")]))
        found = []
        while (token := self.next()).kind != END:
            found.append(token)
        self._contexts.pop()
        return found

    def expand_line(self, tokens: Sequence[PPToken]) -> list[PPToken]:
        """The tokens of a directive, which have nothing to do with the text around it."""
        outside = self._contexts, self._disabled, self.call
        self._contexts, self._disabled, self.call = [], set(), None
        try:
            return self.expand(tokens)
        finally:
            self._contexts, self._disabled, self.call = outside

    def _raw(self, in_call: bool = False) -> PPToken:
        self._step()
        while self._contexts:
            context = self._contexts[-1]
            if context.at < len(context.tokens):
                token = context.tokens[context.at]
                if token.kind != END:
                    context.at += 1
                if context.base and not in_call:
                    self.call = None
                return token
            self._contexts.pop()
            if context.macro is not None:
                self._disabled.discard(context.macro)
        token = self.read(in_call)
        if not in_call:
            self.call = None
        return token

    def _in_file(self) -> bool:
        """Whether the latest token was the file's own."""
        return not self._contexts or self._contexts[-1].base

    def _enter(self, macro: Macro, name: PPToken) -> bool:
        """Puts a macro's text before what comes next; False if it wants brackets and none follow."""
        call, place = self.call, name.place
        if self._in_file() and call is None and place is not None:
            call = Call(place.source, place.origin(name.start), place.origin_end(name.end))
        arguments: list[list[PPToken]] = []
        if macro.parameters is not None:
            self._depth += 1
            if self._depth > MAX_NESTED_CALLS:
                raise _error("calls of macros are nested too deeply", name)
            found = self._arguments(macro, name, call)
            self._depth -= 1
            if found is None:
                return False
            arguments = found
        self.call = call
        self._depth += 1
        try:
            tokens = substitute(macro, arguments, self.expand)
        except TooLong:
            raise _error(f"macro '{macro.name}' makes a token that is too long", name) from None
        self._depth -= 1
        self.call = call
        self._step(len(tokens))
        if tokens:
            tokens[0].space = name.space
        self._contexts.append(_Context(tokens, macro.name))
        self._disabled.add(macro.name)
        return True

    def _arguments(self, macro: Macro, name: PPToken, call: Call | None) -> list[list[PPToken]] | None:
        """The arguments of a call; None if no bracket follows. `call` grows as far as they reach in the file."""
        opening = self._raw(in_call=True)
        if opening.text != "(":
            if opening.kind != END:
                self._contexts.append(_Context([opening], base=self._in_file()))
            return None
        values: list[list[PPToken]] = [[]]
        names = macro.parameters or ()
        depth = 1
        while True:
            token = self._raw(in_call=True)
            if token.kind == END:
                raise _error(f"the call of macro '{macro.name}' has no end", name)
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0:
                break
            if token.text == "," and depth == 1 and not (macro.variadic and len(values) == len(names)):
                values.append([])
            else:
                values[-1].append(token)
        if call is not None and self._in_file() and token.place is not None and token.place.source is call.source:
            call.end = token.place.origin_end(token.end)
        return _fitted(macro, values, name)

    def _step(self, count: int = 1) -> None:
        self._steps += count
        if self._steps > MAX_STEPS:
            raise P4Error(Diagnostic(f"the program has more than {MAX_STEPS:,} tokens with what its macros stand for"))


def _fitted(macro: Macro, values: list[list[PPToken]], name: PPToken) -> list[list[PPToken]]:
    """As many arguments as the macro has parameters; the variable one may be missing."""
    wanted = len(macro.parameters or ())
    if values == [[]] and wanted <= macro.variadic:
        return []
    if len(values) != wanted and not (macro.variadic and len(values) == wanted - 1):
        what = "arguments" if len(values) != 1 else "argument"
        raise _error(f"macro '{macro.name}' takes {wanted}, but {len(values)} {what} are given", name)
    return values


def _error(message: str, token: PPToken) -> P4Error:
    return P4Error(Diagnostic(message, span_of(token)))


def span_of(token: PPToken) -> Span | None:
    """Where a token stands in the user's text; None for one that a macro made."""
    place = token.place
    if place is None:
        return None
    end = place.origin_end(token.end) if token.end > token.start else place.origin(token.start)
    return Span(place.source, place.origin(token.start), end)
