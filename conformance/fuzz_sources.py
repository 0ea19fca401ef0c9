"""`python -m conformance.fuzz_sources`: mutated P4 programs must be compiled, or rejected with a located error.

A traceback, an error of the C compiler, or more than ten seconds for one program is a failure. Every mutant depends
only on its number, so a failure can be reproduced with `--first N --count 1`.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from rich.progress import track

from conformance.isolate import Result, run_isolated
from p4front.load import load_program
from p4front.text.source import P4Error
from softswitch.build.program import syntax_check
from softswitch.codegen import generate

_TOKEN = re.compile(r"\s+|//[^\n]*|/\*.*?\*/|\w+|[^\w\s]", re.S)
_BATCH = 20
LIMIT_S = 10


def main(argv: list[str] | None = None) -> int:
    """Exit code 0: no mutant failed; 1: some did (printed); 2: no sources."""
    parser = argparse.ArgumentParser(prog="python -m conformance.fuzz_sources", description=__doc__)
    parser.add_argument("sources", nargs="*", type=Path, help="P4 files or folders (default: nfs and tests)")
    parser.add_argument("--count", type=int, default=10_000, help="number of mutants (default %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(argv)
    files = find_sources(options.sources or [Path("nfs"), Path("tests")])
    if not files:
        print("fuzz_sources: no P4 files found", file=sys.stderr)
        return 2
    last = options.first + options.count
    batches = [range(n, min(n + _BATCH, last)) for n in range(options.first, last, _BATCH)]
    failures = 0
    runs = run_isolated(batches, lambda batch: _run_batch(batch, files), jobs=options.jobs, timeout_s=_BATCH * LIMIT_S)
    for batch, result in track(runs, total=len(batches), description="mutants", transient=True):
        if result.status != "passed":
            failures += 1
            print(f"mutants {batch.start}-{batch.stop - 1}: {result.detail}")
    print(f"{options.count} mutants of {len(files)} files: {failures} batches with failures")
    return 1 if failures else 0


def find_sources(paths: Sequence[Path]) -> list[Path]:
    """The given P4 files, and those below the given folders, sorted."""
    found: set[Path] = set()
    for path in paths:
        found.update(path.rglob("*.p4") if path.is_dir() else [path])
    return sorted(found)


def mutate(text: str, rng: random.Random) -> str:
    """One to four random edits of the token sequence (or, rarely, of raw characters)."""
    tokens = _TOKEN.findall(text)
    for _ in range(rng.randint(1, 4)):
        _MUTATIONS[rng.randrange(len(_MUTATIONS))](tokens, rng)
    return "".join(tokens)


def _pick(tokens: list[str], rng: random.Random) -> int:
    solid = [i for i, token in enumerate(tokens) if not token.isspace() and not token.startswith(("//", "/*"))]
    return rng.choice(solid or [0])


def _delete(tokens: list[str], rng: random.Random) -> None:
    del tokens[_pick(tokens, rng)]


def _duplicate(tokens: list[str], rng: random.Random) -> None:
    at = _pick(tokens, rng)
    tokens.insert(at, tokens[at] + " ")


def _swap(tokens: list[str], rng: random.Random) -> None:
    a, b = _pick(tokens, rng), _pick(tokens, rng)
    tokens[a], tokens[b] = tokens[b], tokens[a]


def _replace(tokens: list[str], rng: random.Random) -> None:
    tokens[_pick(tokens, rng)] = tokens[_pick(tokens, rng)]


def _number(tokens: list[str], rng: random.Random) -> None:
    values = ["0", "1", "8w255", "-1", "1024", "0xFFFFFFFFFFFFFFFFFF", "1w3", "4s7", "0b12", "99999999999999999999999"]
    numbers = [i for i, token in enumerate(tokens) if token[:1].isdigit()]
    if numbers:
        tokens[rng.choice(numbers)] = rng.choice(values)


def _remove_span(tokens: list[str], rng: random.Random) -> None:
    start = _pick(tokens, rng)
    del tokens[start : start + rng.randint(2, 40)]


def _insert(tokens: list[str], rng: random.Random) -> None:
    words = [
        *"{}()<>[];,:.=@#$\\\"'\0é",
        *(["==", "if", "else", "table", "apply", "bit", "int", "header", "return", "exit", "switch", "in", "out", "_"]),
    ]
    tokens.insert(_pick(tokens, rng), " " + rng.choice(words) + " ")


def _truncate(tokens: list[str], rng: random.Random) -> None:
    del tokens[_pick(tokens, rng) :]
    tokens.append(" ")


def _types(tokens: list[str], rng: random.Random) -> None:
    places = [i for i, token in enumerate(tokens) if token in ("bit", "int", "varbit", "bool")]
    if places:
        tokens[rng.choice(places)] = rng.choice(["bit", "int", "varbit", "bool", "error", "tuple", "void", "string"])


_MUTATIONS: list[Callable[[list[str], random.Random], None]] = [
    _delete,
    _duplicate,
    _swap,
    _replace,
    _replace,
    _number,
    _number,
    _remove_span,
    _insert,
    _insert,
    _types,
    _truncate,
]


def _run_batch(batch: range, files: list[Path]) -> Result:
    problems = []
    signal.signal(signal.SIGALRM, _too_long)
    with tempfile.TemporaryDirectory() as folder:
        for seed in batch:
            rng = random.Random(seed)
            source = rng.choice(files)
            # Next to the original, so that its own includes are found.
            mutant = Path(folder) / f"m{seed}.p4"
            mutant.write_text(mutate(source.read_text(), rng), errors="replace")
            signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
            try:
                program = load_program(mutant, include_dirs=[source.parent])
                if program.main is not None:
                    syntax_check(generate(program))
            except P4Error as error:
                if not any(d.span is not None for d in error.diagnostics):
                    problems.append(f"{seed} ({source}): error without a location: {error}")
            except subprocess.CalledProcessError as error:
                problems.append(f"{seed} ({source}): C compiler: {error.stderr[:1500]}")
            except BaseException:
                problems.append(f"{seed} ({source}): {traceback.format_exc(limit=-5)}")
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    return Result("failed", "\n".join(problems)) if problems else Result("passed")


def _too_long(signum: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"more than {LIMIT_S} s")


if __name__ == "__main__":
    sys.exit(main())
