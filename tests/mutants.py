"""`make mutants`: small mistakes in State4, the claims and the statistics, and whether the tests catch them.

mutmut (pyproject.toml, `[tool.mutmut]`) makes the mistakes, one at a time, and runs the tests that come by: those of
`tests/unit` that need no root. What survives is printed as the line that was changed; `equivalent_mutants.toml` lists
those that change nothing that anybody could see, each with the reason. Results stay in `mutants/`, so a second run
only does what has changed.

Exit code: 0 when at least 90 % are noticed, 1 when fewer are, 2 when mutmut fails.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MIN_KILLED = 0.9
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.toml")
_UNNOTICED = ("survived", "no tests")
_NOTICED = ("killed", "timeout", "caught by type check", "segfault", "suspicious")


@dataclass(frozen=True)
class Change:
    """The change of a mutant: one line, or several as one, before and after, without indentation."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    status: str

    @property
    def noticed(self) -> bool:
        return self.status in _NOTICED

    @property
    def counts(self) -> bool:
        return self.status in (*_NOTICED, *_UNNOTICED)

    def change(self) -> Change:
        from mutmut.mutation.diff_apply import get_diff_for_mutant

        lines = get_diff_for_mutant(self.name, path=self.file).splitlines()
        return Change(self.file, *(_lines_of(lines, sign) for sign in "-+"))


def _lines_of(diff: Iterable[str], sign: str) -> str:
    lines = (line[1:].strip() for line in diff if line.startswith(sign) and not line.startswith(sign * 3))
    return " ".join(filter(None, lines))


def mutants(names: Sequence[str]) -> Iterator[Mutant]:
    """All mutants whose results are on disk, by file; with `names`, those that match one of these patterns."""
    from fnmatch import fnmatch

    from mutmut.mutation.data import SourceFileMutationData
    from mutmut.stats import status_by_exit_code
    from mutmut.utils.file_utils import walk_mutatable_files

    for path in sorted(walk_mutatable_files()):
        data = SourceFileMutationData(path=path)
        data.load()
        for name, code in data.exit_code_by_key.items():
            if not names or any(fnmatch(name, pattern) for pattern in names):
                yield Mutant(name, str(path), status_by_exit_code[code])


def equivalents(file: Path = EQUIVALENT) -> dict[Change, str]:
    """Changes without observable effect, each with the reason."""
    entries = tomllib.loads(file.read_text()).get("equivalent", [])
    return {Change(entry["file"], entry["old"], entry["new"]): entry["why"] for entry in entries}


def report(found: Sequence[Mutant], known: dict[Change, str]) -> float:
    """Prints the survivors and the share caught by file and in total; returns the total share."""
    survivors = [(one, one.change()) for one in found if one.counts and not one.noticed]
    real = [(one, change) for one, change in survivors if change not in known]
    equal = {one.name for one, change in survivors if change in known}
    for one, change in real:
        print(f"{one.name} ({one.status})\n  - {change.old}\n  + {change.new}")
    counted = [one for one in found if one.counts and one.name not in equal]
    for file in dict.fromkeys(one.file for one in counted):
        mine = [one.noticed for one in counted if one.file == file]
        print(f"{sum(mine) / len(mine):7.1%}  {sum(mine):5} of {len(mine):5}  {file}")
    noticed = sum(one.noticed for one in counted)
    share = noticed / len(counted) if counted else 0.0
    print(f"{share:7.1%}  {noticed:5} of {len(counted):5}  noticed, without {len(equal)} that change nothing to see")
    return share


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="PATTERN", help="only these, such as 'state4.clones.*'")
    parser.add_argument("--processes", type=int, default=2, help="mutants at a time (default: %(default)s)")
    parser.add_argument("--report", action="store_true", help="of the results that are there; runs nothing")
    options = parser.parse_args(arguments)
    if not options.report:
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(options.processes), *options.names]
        if code := subprocess.run(command).returncode:
            print(f"error: mutmut ended with code {code}", file=sys.stderr)
            return 2
    return 0 if report(list(mutants(options.names)), equivalents()) >= MIN_KILLED else 1


if __name__ == "__main__":
    sys.exit(main())
