"""The preprocessor: every token's span is its place in the text that the user wrote."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4front.text import preprocess as module
from p4front.text.builtin_includes import plain_tokens
from p4front.text.includes import read_source
from p4front.text.lexer import DIRECTIVE, END_PRAGMA, EOF, Token, scan
from p4front.text.preprocess import preprocess
from p4front.text.source import P4Error, SourceFile


def tokens(text: str, path: str = "t.p4", defines: Sequence[str] = ()) -> list[Token]:
    return [t for t in preprocess(SourceFile(path, text), defines=defines).tokens if t.kind != EOF]


def shown(found: list[Token]) -> list[tuple[str, str, bool]]:
    """Text, text at the span, whether from a macro."""
    return [(t.text, t.span.text, t.from_macro) for t in found]


def literal(*words: str) -> list[tuple[str, str, bool]]:
    return [(word, word, False) for word in words]


# A directive in these texts makes them take the way through `cc`.


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


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(P4Error, match=r"`cc`, which cannot be run .*: install one, for example `apt install gcc`"):
        preprocess(SourceFile("t.p4", "#define A\n"))
    assert len(preprocess(SourceFile("t.p4", "#include <v1model.p4>\n")).tokens) > 500  # needs none


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(P4Error, match=r"cannot read .*nothing\.p4: No such file"):
        read_source(tmp_path / "nothing.p4")
    (tmp_path / "zero.p4").write_bytes(b"a\0b")
    with pytest.raises(P4Error, match=":1:2: error: not a P4 source text"):
        read_source(tmp_path / "zero.p4")
    (tmp_path / "latin.p4").write_bytes(b"// \xe9\na\n")
    assert [t.text for t in preprocess(read_source(tmp_path / "latin.p4")).tokens] == ["a", ""]


# ---------------------------------------------------------------- both ways give the same


def as_tuples(found: list[Token]) -> list[tuple[str, str, str, int, int, bool]]:
    return [(t.kind, t.text, t.file.path, t.start, t.end, t.from_macro) for t in found]


@pytest.mark.parametrize(
    ("text", "defines"),
    [
        ("#include <core.p4>\n#include <v1model.p4>\nconst bit x = 1; // c\n", []),
        ("  #include<v1model.p4> // twice\n# include <v1model.p4>\n/* #include <x> */ a\n", []),
        ('#include "core.p4"\n@pragma a b\nc\n', []),
        ("#include <v1model.p4>\nx", ["V1MODEL_VERSION=20200408"]),
        ("", []),
        ("no directive at all", []),
    ],
)
def test_the_short_way_gives_what_cc_gives(text: str, defines: list[str]) -> None:
    source = SourceFile("t.p4", text)
    plain = plain_tokens(source, (), defines)
    assert plain is not None
    with_cc, files = module._with_cc(source, (), defines)
    assert as_tuples(plain[0]) == as_tuples(with_cc)
    assert [f.path for f in plain[1]] == [f.path for f in files]


@pytest.mark.parametrize(
    "text", ["#define A\n", "#include <psa.p4>\n", "a \\\n b", "__LINE__", "V1MODEL_METER_COLOR_RED", "#if 1\n#endif\n"]
)
def test_what_needs_cc(text: str) -> None:
    assert plain_tokens(SourceFile("t.p4", text), (), ()) is None


def test_defines_need_cc() -> None:
    assert plain_tokens(SourceFile("t.p4", "a"), (), ["A=1"]) is None


# ---------------------------------------------------------------- any mix of macros

MACROS = {
    "E": "",
    "A": "a",
    "B": "A + b",
    "G": "F",
    "F(x)": "x f",
    "P(x, y)": "x, A y (x)",
    "Q(x, y)": "x##y",
}
PIECES = (
    'a|b|A|B|E|F(a)|F(A)|G(1)|P(a, B)|P(\n 1,\n 2)|Q(A, b)|Q(1,\n2)|(|)|,|;|+|>>|8w3|"s"|\n|\n\n| /* c */ | // c\n|'
    "/* c\n c */|a \\\n b"
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES.split("|")), max_size=25))
def test_any_mix_of_macros(pieces: list[str]) -> None:
    """The tokens are those that `cc -E -P` gives, and no token claims a place where it does not stand."""
    defines = "".join(f"#define {head} {body}\n" for head, body in MACROS.items())
    text = f"{defines}{' '.join(pieces)}\n"
    command = ["cc", "-E", "-P", "-w", "-undef", "-nostdinc", "-x", "assembler-with-cpp", "-"]
    result = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    try:
        found = tokens(text)
    except P4Error:
        assert result.returncode != 0
        return
    assert result.returncode == 0
    expected = [token[1] for token in scan(result.stdout.decode()) if token[0] != DIRECTIVE]
    assert [t.text for t in found] == expected
    starts = [t.start for t in found]
    assert starts == sorted(starts)
    names = {head.split("(")[0] for head in MACROS}
    for token in found:
        if not token.from_macro:
            assert token.span.text == token.text
        elif "\\" not in text:
            assert token.span.text.split("(")[0].strip() in names


def test_a_text_by_the_name_of_a_file_is_not_that_file(tmp_path: Path) -> None:
    path = tmp_path / "same.p4"
    path.write_text("#define N 1\nconst int old = N;\n")
    assert [t.text for t in tokens("#define N 2\nconst int made = N;\n", str(path))][2:5] == ["made", "=", "2"]
    assert [t.text for t in tokens(path.read_text(), str(path))][2:5] == ["old", "=", "1"]


@pytest.mark.skipif("P4C" not in os.environ, reason="set P4C to a checkout of p4c (testdata and p4include)")
def test_p4c_samples_have_exact_spans() -> None:
    root = Path(os.environ["P4C"])
    include_dirs = [root / "p4include", root / "p4include/bmv2"]
    for path in filter(Path.is_file, (root / "testdata/p4_16_samples").rglob("*.p4")):
        source = read_source(path)
        with_cc, _ = module._with_cc(source, include_dirs, ())
        for token in with_cc:
            assert token.from_macro or token.kind == END_PRAGMA or token.span.text == token.text, str(token.span)
        plain = plain_tokens(source, include_dirs, ())
        if plain is not None:
            assert as_tuples(plain[0]) == as_tuples(with_cc), path
