"""The directives of a file: conditional blocks, includes, definitions; and the file's tokens between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from p4front.text.conditions import BadCondition, holds
from p4front.text.expansion import Expander, span_of
from p4front.text.includes import IncludeFiles
from p4front.text.lexer import STRING
from p4front.text.macros import BadDefinition, parse_definition
from p4front.text.pptokens import END, NEWLINE, NUMBER, PART, WORD, PPLexer, PPToken, Spliced
from p4front.text.source import Reporter, SourceFile, Span

MAX_INCLUDES = 200
"""Files that include each other."""
_HEADER = re.compile(r'[ \t]*(<[^>\n]+>|"[^"\n]+")')
_SKIPPED = ("ident", "sccs", "pragma", "warning", "line")
_NOT_OURS = ("embed", "import", "include_next")
"""Directives of other preprocessors that bring in text."""
_CONDITIONALS = ("if", "ifdef", "ifndef", "elif", "elifdef", "elifndef", "else", "endif")


@dataclass(slots=True)
class _Block:
    """An open `#if`. `taken`: one of its branches was; `live`: the branch that we are in; `last`: #else was seen."""

    name: str
    place: Span | None
    outer_live: bool
    live: bool
    taken: bool
    last: bool = False


@dataclass(slots=True)
class _Frame:
    """A file that is being read."""

    source: SourceFile
    lexer: PPLexer
    blocks: list[_Block] = field(default_factory=list)
    line_start: bool = True


class Reader:
    """The tokens of a program's files one after the other, macros not yet expanded. `used`: every file so far."""

    def __init__(self, main: SourceFile, files: IncludeFiles, reporter: Reporter) -> None:
        self._files = files
        self._reporter = reporter
        self._once: set[SourceFile] = set()
        self._counter = 0
        self.used = [main]
        self._frames: list[_Frame] = []
        self._push(main)
        built = {"__LINE__": self._line, "__FILE__": self._file, "__COUNTER__": self._count}
        self.expander = Expander(self.next, {**built, "__INCLUDE_LEVEL__": self._level})

    def define(self, text: str) -> None:
        """`NAME` or `NAME=value`, as for `cc -D`."""
        name, _, value = text.partition("=")
        source = SourceFile("<command line>", f"{name} {value if '=' in text else '1'}")
        try:
            macro = parse_definition(self._rest_of_line(PPLexer(Spliced(source))))
        except BadDefinition as error:
            self._error(f"-D{text}: {error}", None)
            return
        self.expander.macros[macro.name] = macro

    def next(self, in_call: bool) -> PPToken:
        """The next token. END: of the program; of an included file only `in_call`, as no call may go beyond it."""
        while True:
            frame = self._frames[-1]
            token = frame.lexer.next()
            if token.kind == NEWLINE:
                frame.line_start = True
            elif token.kind == END:
                if in_call or len(self._frames) == 1:
                    return token
                self._pop()
            elif token.text == "#" and frame.line_start:
                self._directive(frame, token)
            else:
                frame.line_start = False
                return token if token.kind != PART else self._string(frame, token)

    def _string(self, frame: _Frame, part: PPToken) -> PPToken:
        """A string over several lines; directives between them take effect as everywhere."""
        lexer, text, closed = frame.lexer, part.text + "\n", False
        while not closed and lexer.directive_follows():
            self._directive(frame, part)
            more, closed = lexer.string_goes_on()
            text += more if closed else f"{more}\n"
        frame.line_start = False
        if not closed or self._frames[-1] is not frame:
            self._error("this string has no end", part)
            self._reporter.raise_if_errors()
        return PPToken(STRING, text, part.place, part.start, lexer.at, part.space)

    def finish(self) -> None:
        """Reports what is open at the end of the program."""
        while self._frames:
            self._pop()

    def _push(self, source: SourceFile) -> None:
        self._frames.append(_Frame(source, PPLexer(Spliced(source))))

    def _pop(self) -> None:
        for block in self._frames.pop().blocks:
            self._reporter.error(f"unterminated #{block.name}", block.place)

    # ---- directives ----

    def _directive(self, frame: _Frame, hash_token: PPToken) -> None:
        lexer = frame.lexer
        name = lexer.next(in_line=True)
        if name.kind in (NEWLINE, END):
            return
        if name.text in _CONDITIONALS:
            self._conditional(frame, name, self._rest_of_line(lexer))
            while frame.blocks and not frame.blocks[-1].live:
                if not lexer.skip_to_directive():
                    break
                name = lexer.next(in_line=True)
                if name.text in _CONDITIONALS:
                    self._conditional(frame, name, self._rest_of_line(lexer))
                elif name.kind != NEWLINE:
                    self._rest_of_line(lexer)
            return
        if name.text == "include":
            self._include(frame, name)
            return
        line = self._rest_of_line(lexer)
        if name.text == "define":
            self._define(line, name)
        elif name.text == "undef":
            if line and line[0].kind == WORD:
                self.expander.macros.pop(line[0].text, None)
            else:
                self._error("#undef wants a macro's name", name)
        elif name.text == "error":
            self._error(_spelled([name, *line], hash_token), name)
        elif name.text == "pragma" and line and line[0].text == "once":
            self._once.add(frame.source)
        elif name.text in _NOT_OURS:
            self._error(f"#{name.text} is no preprocessor directive of P4", name)
        elif name.text not in _SKIPPED and name.kind != NUMBER:  # spans are places in the text as it is
            message = f"#{name.text} is no preprocessor directive: this line is left out, as p4c does"
            self._reporter.warning(message, span_of(name))

    def _rest_of_line(self, lexer: PPLexer) -> list[PPToken]:
        found = []
        while (token := lexer.next(in_line=True)).kind not in (NEWLINE, END):
            found.append(token)
        return found

    def _conditional(self, frame: _Frame, name: PPToken, line: list[PPToken]) -> None:
        blocks, word = frame.blocks, name.text
        if word in ("if", "ifdef", "ifndef"):
            live = not blocks or blocks[-1].live
            holds_now = live and self._holds(word, name, line)
            blocks.append(_Block(word, span_of(name), live, holds_now, holds_now))
        elif not blocks:
            self._error(f"#{word} without #if", name)
        elif word == "endif":
            blocks.pop()
        else:
            block = blocks[-1]
            if block.last:
                self._error(f"#{word} after #else", name)
            block.name, block.last = (word, True) if word == "else" else (block.name, block.last)
            block.live = block.outer_live and not block.taken and (word == "else" or self._holds(word[2:], name, line))
            block.taken = block.taken or block.live

    def _holds(self, word: str, name: PPToken, line: list[PPToken]) -> bool:
        """Of `if`, `ifdef` or `ifndef`."""
        if word != "if":
            if not line or line[0].kind != WORD:
                self._error(f"#{name.text} wants a macro's name", name)
                return False
            return self._is_defined(line[0].text) == (word == "ifdef")
        try:
            return holds(self.expander.expand_line(self._with_queries(line)))
        except BadCondition as error:
            self._error(str(error), error.token or name, name)
            return False

    def _is_defined(self, name: str) -> bool:
        return name in self.expander.macros or name in self.expander.predefined or name == "__has_include"

    def _with_queries(self, line: Sequence[PPToken]) -> list[PPToken]:
        """The line with `defined X` and `__has_include(...)` answered."""
        found: list[PPToken] = []
        at = 0
        while at < len(line):
            token = line[at]
            if token.text == "defined":
                bracket = at + 1 < len(line) and line[at + 1].text == "("
                name = line[at + 1 + bracket] if at + 1 + bracket < len(line) else None
                if name is None or name.kind != WORD:
                    raise BadCondition("'defined' wants a macro's name", token)
                if bracket and [t.text for t in line[at + 3 : at + 4]] != [")"]:
                    raise BadCondition("missing ')' after 'defined'", token)
                found.append(_number(token, self._is_defined(name.text)))
                at += 4 if bracket else 2
            elif token.text == "__has_include":
                answer, at = self._has_include(line, at)
                found.append(_number(token, answer))
            else:
                found.append(token)
                at += 1
        return found

    def _has_include(self, line: Sequence[PPToken], at: int) -> tuple[bool, int]:
        """The answer, and the index after the closing bracket."""
        depth, end = 0, None
        for i in range(at + 1, len(line)):
            depth += (line[i].text == "(") - (line[i].text == ")")
            if depth == 0:
                end = i
                break
        if at + 1 >= len(line) or line[at + 1].text != "(" or end is None:
            raise BadCondition("__has_include wants a file in brackets", line[at])
        inside = line[at + 2 : end]
        if inside and inside[0].kind != STRING and inside[0].text != "<":
            inside = self.expander.expand_line(inside)
        header = _header_of(inside)
        if header is None:
            raise BadCondition('__has_include wants "FILE" or <FILE>', line[at])
        return self._found(*header) is not None, end + 1

    # ---- includes and definitions ----

    def _include(self, frame: _Frame, name: PPToken) -> None:
        lexer = frame.lexer
        literal = _HEADER.match(lexer.place.text, lexer.at)
        if literal is not None:
            lexer.at = literal.end()
            word = literal.group(1)
            header: tuple[str, bool] | None = (word[1:-1], word[0] == '"')
            place = PPToken(STRING, word, lexer.place, literal.start(1), literal.end())
            self._rest_of_line(lexer)
        else:
            line = self._rest_of_line(lexer)
            header = _header_of(self.expander.expand_line(line))
            place = line[0] if line else name
        frame.line_start = True
        if header is None:
            self._error('#include wants "FILE" or <FILE>', place)
            return
        source = self._found(*header)
        if source is None:
            self._error(f"cannot find the include file '{header[0]}' {self._files.searched()}", place)
        elif len(self._frames) >= MAX_INCLUDES:
            self._error(f"more than {MAX_INCLUDES} files include each other", place)
            self._reporter.raise_if_errors()
        elif source not in self._once:
            if source not in self.used:
                self.used.append(source)
            self._push(source)

    def _found(self, header: str, quoted: bool) -> SourceFile | None:
        return self._files.find(header, self._frames[-1].source, quoted=quoted)

    def _define(self, line: list[PPToken], name: PPToken) -> None:
        try:
            macro = parse_definition(line)
        except BadDefinition as error:
            self._error(str(error), error.token or name)
            return
        self.expander.macros[macro.name] = macro

    # ---- predefined macros ----

    def _line(self, token: PPToken) -> PPToken:
        lexer = self._frames[-1].lexer
        line, _ = lexer.place.source.line_col(lexer.place.origin(max(lexer.at - 1, 0)))
        return PPToken(NUMBER, str(line), token.place, token.start, token.end, token.space)

    def _file(self, token: PPToken) -> PPToken:
        text = self._frames[-1].source.path.replace("\\", "\\\\").replace('"', '\\"')
        return PPToken(STRING, f'"{text}"', token.place, token.start, token.end, token.space)

    def _count(self, token: PPToken) -> PPToken:
        self._counter += 1
        return PPToken(NUMBER, str(self._counter - 1), token.place, token.start, token.end, token.space)

    def _level(self, token: PPToken) -> PPToken:
        return PPToken(NUMBER, str(len(self._frames) - 1), token.place, token.start, token.end, token.space)

    def _error(self, message: str, token: PPToken | None, otherwise: PPToken | None = None) -> None:
        span = span_of(token) if token is not None else None
        if span is None and otherwise is not None:
            span = span_of(otherwise)
        self._reporter.error(message, span)


def _number(at: PPToken, value: bool) -> PPToken:
    return PPToken(NUMBER, str(int(value)), at.place, at.start, at.end, at.space)


def _header_of(tokens: Sequence[PPToken]) -> tuple[str, bool] | None:
    """Name, and whether in quotes, of what the macros in an #include give."""
    if tokens and tokens[0].kind == STRING:
        return tokens[0].text[1:-1], True
    if len(tokens) > 2 and tokens[0].text == "<":
        closing = next((i for i, token in enumerate(tokens) if token.text == ">"), 0)
        if closing > 1:
            return "".join(f" {t.text}" if t.space and i else t.text for i, t in enumerate(tokens[1:closing])), False
    return None


def _spelled(line: Sequence[PPToken], start: PPToken) -> str:
    """A directive as it was written."""
    last = line[-1]
    if start.place is None:
        return " ".join(token.text for token in line)
    return " ".join(start.place.text[start.start : last.end].split())
