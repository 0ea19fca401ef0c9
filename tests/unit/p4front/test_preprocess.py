"""The preprocessor: every token's span is its place in the text that the user wrote."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4front.load import load_text
from p4front.text import expansion
from p4front.text.includes import GivenFiles, decode, read_source, search_path
from p4front.text.lexer import DIRECTIVE, END_PRAGMA, EOF, STRING, Token, scan
from p4front.text.preprocess import preprocess
from p4front.text.source import P4Error, SourceFile


def tokens(text: str, path: str = "t.p4", defines: Sequence[str] = ()) -> list[Token]:
    return [t for t in preprocess(SourceFile(path, text), defines=defines).tokens if t.kind != EOF]


def shown(found: list[Token]) -> list[tuple[str, str, bool]]:
    """Text, text at the span, whether from a macro."""
    return [(t.text, t.span.text, t.from_macro) for t in found]


def literal(*words: str) -> list[tuple[str, str, bool]]:
    return [(word, word, False) for word in words]


def test_comments_and_spaces_keep_their_places() -> None:
    text = "#define UNUSED\n/* one */  a /* two\n three */   b // four\n\n\n\tc;"
    found = tokens(text)
    assert shown(found) == literal("a", "b", "c", ";")
    assert [t.start for t in found] == [text.index(" a ") + 1, text.index("b //"), text.index("c;"), len(text) - 1]


def test_object_macro() -> None:
    assert shown(tokens("#define N 8\nbit<N> x;")) == [
        *literal("bit", "<"),
        ("8", "N", True),
        *literal(">", "x", ";"),
    ]


def test_macro_that_gives_nothing_and_macro_that_gives_itself() -> None:
    assert shown(tokens("#define NOTHING\n#define me me\nNOTHING a NOTHING me b")) == [
        *literal("a"),
        ("me", "me", True),
        *literal("b"),
    ]


def test_call_over_several_lines() -> None:
    text = "#define ADD(x, y) x + y\na = ADD(1, // one\n        2 /* two */) ;\nb"
    call = "ADD(1, // one\n        2 /* two */)"
    assert shown(tokens(text)) == [
        *literal("a", "="),
        ("1", call, True),
        ("+", call, True),
        ("2", call, True),
        *literal(";", "b"),
    ]


def test_call_with_a_long_comment_inside() -> None:
    text = "#define ADD(x, y) x + y\nADD(1, /* two\nlines */ 2) z"
    assert [t.text for t in tokens(text)] == ["1", "+", "2", "z"]
    assert shown(tokens(text))[-1] == ("z", "z", False)


def test_several_macros_on_a_line_with_equal_tokens() -> None:
    text = "#define A a\n#define AA A A\n#define CAT(x, y) x##y\n#define ID(x) x\nA a AA a ID(a) a CAT(a, b) a"
    assert shown(tokens(text)) == [
        ("a", "A", True),
        *literal("a"),
        ("a", "AA", True),
        ("a", "AA", True),
        *literal("a"),
        ("a", "ID(a)", True),
        *literal("a"),
        ("ab", "CAT(a, b)", True),
        *literal("a"),
    ]


def test_function_macro_without_brackets_stays() -> None:
    assert shown(tokens("#define F(x) x\nF = F(3);")) == [*literal("F", "="), ("3", "F(3)", True), *literal(";")]


def test_conditional_blocks_and_undef() -> None:
    text = "#define A 1\n#ifdef A\none\n#else\ntwo\n#endif\n#undef A\nA\n#if defined(A)\nthree\n#elif 1\nfour\n#endif"
    found = tokens(text)
    assert shown(found) == literal("one", "A", "four")
    assert [t.span.line for t in found] == [3, 8, 12]


def test_directives_inside_a_call() -> None:
    text = "#define F(x) x\nF(\n#ifdef NO\n1\n#else\n2\n#endif\n) z"
    assert [t.text for t in tokens(text)] == ["2", "z"]
    assert shown(tokens(text))[-1] == ("z", "z", False)


def test_continuation_lines() -> None:
    text = "#define A 1 + \\\n  2\nx = \\\n  A;\ny"
    found = tokens(text)
    assert shown(found)[:2] == literal("x", "=")
    assert shown(found)[-2:] == literal(";", "y")
    assert [t.text for t in found] == ["x", "=", "1", "+", "2", ";", "y"]


def test_string_over_several_lines() -> None:
    text = '#define M 1\n@name("two\n   // no comment\n  lines") x\n'
    assert [t.span.text for t in tokens(text)] == ["@", "name", "(", '"two\n   // no comment\n  lines"', ")", "x"]


def test_pragma_keeps_its_end() -> None:
    found = tokens("#define N 3\n@pragma size N x\ny")
    assert [t.kind for t in found][-2:] == [END_PRAGMA, "identifier"]
    assert [t.text for t in found] == ["@pragma", "size", "3", "x", "", "y"]


def test_line_directives_do_not_move_spans() -> None:
    found = tokens('a\n#line 100 "other.p4"\nb')
    assert [(str(t.span)) for t in found] == ["t.p4:1:1", "t.p4:3:1"]


def test_many_blank_lines() -> None:
    found = tokens("#define A 1\na" + "\n" * 50 + "b A")
    assert [t.span.line for t in found] == [2, 52, 52]


def test_windows_line_ends() -> None:
    assert shown(tokens("#define A 1\r\na A\r\nb\r\n")) == [*literal("a"), ("1", "A", True), *literal("b")]


def test_defines_from_outside() -> None:
    assert [t.text for t in tokens("#ifdef X\nX\n#endif\nY", defines=["X=5", "Y"])] == ["5", "1"]


# ---------------------------------------------------------------- includes


def test_included_files_have_their_own_spans(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "inner.p4").write_text("// inner\n  deep N;\n")
    (tmp_path / "outer.p4").write_text('#include "sub/inner.p4"\nouter;\n')
    main = tmp_path / "main.p4"
    main.write_text('#define N 1\n#include "outer.p4"\nmain;\n')
    result = preprocess(read_source(main))
    assert [(str(t.span).removeprefix(f"{tmp_path}/"), t.span.text) for t in result.tokens if t.kind != EOF] == [
        ("sub/inner.p4:2:3", "deep"),
        ("sub/inner.p4:2:8", "N"),
        ("sub/inner.p4:2:9", ";"),
        ("outer.p4:2:1", "outer"),
        ("outer.p4:2:6", ";"),
        ("main.p4:3:1", "main"),
        ("main.p4:3:5", ";"),
    ]
    assert [Path(f.path).name for f in result.files] == ["main.p4", "outer.p4", "inner.p4"]


def test_include_directories(tmp_path: Path) -> None:
    (tmp_path / "mine.p4").write_text("mine")
    source = SourceFile("elsewhere/t.p4", "#include <mine.p4>\n")
    assert [t.text for t in preprocess(source, [tmp_path]).tokens] == ["mine", ""]


def test_a_local_library_file_wins_for_quotes(tmp_path: Path) -> None:
    (tmp_path / "core.p4").write_text("local")
    text = '#include "core.p4"\n'
    assert [t.text for t in tokens(text, str(tmp_path / "t.p4"))] == ["local"]


def test_missing_include_is_located(tmp_path: Path) -> None:
    with pytest.raises(P4Error) as caught:
        preprocess(SourceFile("t.p4", "a\n  #include <psa.p4>\n"), [tmp_path])
    [diagnostic] = caught.value.diagnostics
    assert str(diagnostic.span) == "t.p4:2:12"
    assert diagnostic.message == (
        f"cannot find the include file 'psa.p4' (searched: the file's own directory, {tmp_path}; built in: core.p4, "
        "v1model.p4); give its directory with -I"
    )


def test_preprocessor_errors_are_located() -> None:
    with pytest.raises(P4Error) as caught:
        preprocess(SourceFile("t.p4", "#error one\n#if 1\n"))
    assert [(d.span.line if d.span else 0, d.message) for d in caught.value.diagnostics] == [
        (1, "#error one"),
        (2, "unterminated #if"),
    ]


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(P4Error, match=r"cannot read .*nothing\.p4: No such file"):
        read_source(tmp_path / "nothing.p4")
    (tmp_path / "zero.p4").write_bytes(b"a\0b")
    with pytest.raises(P4Error, match=":1:2: error: not a P4 source text"):
        read_source(tmp_path / "zero.p4")
    (tmp_path / "latin.p4").write_bytes(b"// \xe9\na\n")
    assert [t.text for t in preprocess(read_source(tmp_path / "latin.p4")).tokens] == ["a", ""]


def test_a_directive_between_the_lines_of_a_string_counts() -> None:
    found = tokens('@r("one\n#ifdef NO\ntwo\n#else\nthree\n  #endif\nfour") x')
    assert [t.text for t in found] == ["@", "r", "(", '"one\nthree\nfour"', ")", "x"]
    assert found[3].from_macro


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#if\n#endif", "#if with no expression"),
        ("#if (1\n#endif", "missing ')' in #if expression"),
        ("#if 1 / 0\n#endif", "division by zero in #if"),
        ("#if 8w3\n#endif", "'8w3' is no integer that #if knows"),
        ("#endif", "#endif without #if"),
        ("#if 1\n#else\n#else\n#endif", "#else after #else"),
        ("#define 1 2", "macro names must be identifiers"),
        ("#define F(x, x) x", "expected a new parameter's name in the macro's parameter list"),
        ("#define F(x) x\nF(1, 2)", "macro 'F' takes 1, but 2 arguments are given"),
        ("#define F(x) x\nF(1", "the call of macro 'F' has no end"),
        ("#embed <x>", "#embed is no preprocessor directive of P4"),
        ("#include_next <core.p4>", "#include_next is no preprocessor directive of P4"),
        ("#import <core.p4>", "#import is no preprocessor directive of P4"),
        ("#include", '#include wants "FILE" or <FILE>'),
    ],
)
def test_what_is_wrong_is_reported_where_it_is(text: str, message: str) -> None:
    with pytest.raises(P4Error) as caught:
        tokens(text)
    [diagnostic] = caught.value.diagnostics
    assert diagnostic.message == message
    assert diagnostic.span is not None


@pytest.mark.parametrize("text", ["1x=3", "", "=3", "F(", "defined"])
def test_a_macro_from_outside_that_is_none_is_named(text: str) -> None:
    with pytest.raises(P4Error, match=re.escape(f"-D{text}: ")):
        tokens("X", defines=["Y=1", text])


def test_a_line_that_begins_with_another_word_is_left_out_as_p4c_does() -> None:
    text = "a\n  # round it goes: don't\n#later.apply(); #define b c\nb\n"
    found = preprocess(SourceFile("t.p4", text))
    assert [t.text for t in found.tokens] == ["a", "b", ""]
    assert [(w.severity, str(w.span), w.message) for w in found.warnings] == [
        ("warning", "t.p4:2:5", "#round is no preprocessor directive: this line is left out, as p4c does"),
        ("warning", "t.p4:3:2", "#later is no preprocessor directive: this line is left out, as p4c does"),
    ]


def test_a_program_with_such_lines_has_their_warnings() -> None:
    program = load_text("# by hand\nconst bit<8> a = 256;\n")
    assert [w.message.split(":")[0] for w in program.warnings] == [
        "#by is no preprocessor directive",
        "256 does not fit bit<8>",
    ]


def test_an_error_after_many_warnings_is_reported() -> None:
    consts = "".join(f"const bit<8> c{n} = 256;\n" for n in range(200))
    with pytest.raises(P4Error, match="unknown"):
        load_text(f"{consts}const Missing d = 1;\n")


def test_a_file_that_says_once_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "one.p4").write_text("#pragma once\none\n")
    assert [t.text for t in tokens('#include "one.p4"\n#include "one.p4"\n', str(tmp_path / "t.p4"))] == ["one"]


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"#define A{i + 1} A{i} A{i}\n" for i in range(40)) + "#define A0 x\nA40\n",
        "".join(f"#define A{i + 1} A{i} A{i}\n" for i in range(40)) + "#define A0\nA40\n",
        "".join(f"#define F{i + 1}(x) F{i}(x x)\n" for i in range(40)) + "#define F0(x) x\nF40(a)\n",
        "".join(f"#define P{i + 1}(x) P{i}(x##x)\n" for i in range(40)) + "#define P0(x) x\nP40(a)\n",
        "#define F(x) x\n" + "F(" * 5000 + ")" * 5000,
        "#if " + "(" * 100_000 + ")" * 100_000 + "\n#endif\n",
        "#if " + "!" * 100_000 + "1\n#endif\n",
        '#include "self.p4"\n',
    ],
    ids=["doubling", "doubling nothing", "arguments", "pasting", "nested calls", "brackets", "prefixes", "itself"],
)
def test_no_text_takes_without_end(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a twentieth of the steps: they are counted where they are made, whatever the limit."""
    monkeypatch.setattr(expansion, "MAX_STEPS", expansion.MAX_STEPS // 20)
    files = GivenFiles({"self.p4": text})
    with pytest.raises(P4Error, match=r"more than|too deeply|too long"):
        preprocess(files.source("self.p4"), files=files)


def test_the_bound_is_far_from_programs() -> None:
    assert expansion.MAX_STEPS == 2_000_000


# ---------------------------------------------------------------- files that were sent


def given_tokens(files: dict[str, str], main: str = "main.p4", include_dirs: Sequence[str] = ()) -> list[str]:
    given = GivenFiles(files, include_dirs)
    return [t.text for t in preprocess(given.source(main), files=given).tokens if t.kind != EOF]


def test_files_that_were_sent_include_each_other() -> None:
    files = {
        "src/main.p4": '#include "part.p4"\n#include "../lib/x.p4"\n#include <y.p4>\n#define Z <y.p4>\n#include Z\n',
        "src/part.p4": "part",
        "lib/x.p4": '#include "deep/x.p4"\n',
        "lib/deep/x.p4": "x",
        "inc/y.p4": "y",
    }
    assert given_tokens(files, "src/main.p4", ["inc"]) == ["part", "x", "y", "y"]
    assert len(given_tokens({"main.p4": "#include <v1model.p4>\n"})) > 500


@pytest.mark.parametrize(
    "name",
    [
        '"{path}"',
        "<{path}>",
        '"../../../../../../../../../../{path}"',
        '"lib/../../../../../../../../../{path}"',
        "<../{path}>",
        '"./{path}"',
        '"link/{path}"',
        "MACRO",
        "OTHER",
        "NAME(core)",
    ],
)
@pytest.mark.parametrize(
    "directive",
    [
        "#include {name}",
        "  # /* c */ include {name} // c",
        "#inclu\\\nde {name}",
        '#line 1 "{path}"\n#include {name}',
        "#if __has_include({name})\nSEEN\n#endif\n#error not there",
    ],
)
def test_nothing_of_this_machine_can_be_included(tmp_path: Path, name: str, directive: str) -> None:
    secret = tmp_path / "secret.p4"
    secret.write_text("SECRET\n")
    (tmp_path / "link").symlink_to("/")
    macros = f'#define MACRO "{secret}"\n#define OTHER <{secret}>\n#define NAME(x) <{tmp_path}/secret.p4>\n'
    text = macros + directive.format(name=name.format(path=secret), path=secret) + "\n"
    with pytest.raises(P4Error) as caught:
        given_tokens({"main.p4": text, "lib/x.p4": ""}, include_dirs=["lib", "."])
    assert "SECRET" not in str(caught.value)
    assert "cannot find the include file" in str(caught.value) or "#error not there" in str(caught.value)


def test_an_include_of_a_device_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(P4Error, match="cannot find the include file '/dev/zero'"):
        tokens('#include "/dev/zero"\n', str(tmp_path / "t.p4"))


# ---------------------------------------------------------------- any mix of macros

MACROS = {
    "E": "",
    "A": "a",
    "B": "A + b",
    "G": "F",
    "F(x)": "x f",
    "P(x, y)": "x, A y (x)",
    "Q(x, y)": "x##y",
    "S(x)": "#x",
    "V(...)": "v(__VA_ARGS__)",
    "W(x, ...)": "w(x, ## __VA_ARGS__)",
    "R": "R2 r",
    "R2": "R r2",
    "f(a)": "a*g",
    "g(a)": "f(a)",
    "N()": "n",
    "Z(x)": "x ## x ## 1 S(x)",
}
PIECES = (
    'a|b|A|B|E|F(a)|F(A)|G(1)|P(a, B)|P(\n 1,\n 2)|Q(A, b)|Q(1,\n2)|(|)|,|;|+|>>|8w3|"s"|\n|\n\n| /* c */ | // c\n|'
    '/* c\n c */|a \\\n b|S(a + "x\\n" A)|S( a  /* k */ b)|V()|V(1,A)|W(1)|W(1,)|W(A,2,3)|R|R2|f(2)(9)|g|f|N()|Z(k)|Z()'
    "|Q(,)|Q(E,)|F(F(F(1)))|P(F, (A))|P(P(1,2),3)|\n#ifdef A\n|\n#else\n|\n#endif\n|\n#undef A\n|\n#define A (A)\n|"
    "\n#if defined A && (1 << 3) > 7 || Q(1,0)\n|\n#if -1 > 0u\n|\n#elif A\n|\n#if 0x10 / 3 % 2 == 1 ? 1 : 0\n"
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES.split("|")), max_size=25))
def test_any_mix_of_macros(pieces: list[str]) -> None:
    """The tokens are those of `cc -E`, and no token claims a location where it is not."""
    defines = "".join(f"#define {head} {body}\n" for head, body in MACROS.items())
    text = f"{defines}{' '.join(pieces)}\n"
    expected = cc(text, Path("t.p4"), ())
    try:
        found = tokens(text)
    except P4Error:
        assert expected is None
        return
    assert [t.text for t in found] == expected
    starts = [t.start for t in found]
    assert starts == sorted(starts)
    names = {head.split("(")[0] for head in MACROS}
    for token in found:
        if not token.from_macro:
            assert token.span.text == token.text
        elif "\\\n" not in text:
            assert token.span.text.split("(")[0].strip() in names


def test_a_text_by_the_name_of_a_file_is_not_that_file(tmp_path: Path) -> None:
    path = tmp_path / "same.p4"
    path.write_text("#define N 1\nconst int old = N;\n")
    assert [t.text for t in tokens("#define N 2\nconst int made = N;\n", str(path))][2:5] == ["made", "=", "2"]
    assert [t.text for t in tokens(path.read_text(), str(path))][2:5] == ["old", "=", "1"]


@pytest.mark.timeout(1800)
@pytest.mark.skipif("P4C" not in os.environ, reason="set P4C to a checkout of p4c (testdata and p4include)")
def test_p4c_samples_are_read_as_cc_reads_them() -> None:
    root = Path(os.environ["P4C"])
    include_dirs = [root / "p4include", root / "p4include/bmv2"]
    for path in filter(Path.is_file, (root / "testdata/p4_16_samples").rglob("*.p4")):
        source = read_source(path)
        try:
            found = [t for t in preprocess(source, include_dirs).tokens if t.kind not in (EOF, END_PRAGMA)]
        except P4Error:
            assert cc(source.text, path, include_dirs) is None, path
            continue
        for token in found:
            assert token.from_macro or token.span.text == token.text, str(token.span)
        if any(token.from_macro and token.kind == STRING and "\n" in token.text for token in found):
            continue  # a directive inside a string, which `cc` does not know as one
        for token, text in zip(found, cc(source.text, path, include_dirs) or (), strict=True):
            if "\n" not in token.text:  # in strings over several lines `cc` replaces macros and comments
                assert token.text == text, str(token.span)


def cc(text: str, path: Path, include_dirs: Sequence[Path]) -> list[str] | None:
    """The tokens from the C preprocessor; None for an error."""
    folders = [f"-I{folder}" for folder in search_path(include_dirs)]
    command = ["cc", "-E", "-P", "-w", "-undef", "-nostdinc", "-x", "assembler-with-cpp", *folders]
    command += ["-iquote", str(path.parent), "-"]
    result = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if result.returncode != 0:
        return None
    return [token[1] for token in scan(decode(result.stdout)) if token[0] not in (DIRECTIVE, END_PRAGMA)]
