"""Which parts of p4c's test data apply here, and how each test is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SAMPLES = "testdata/p4_16_samples"
SAMPLE_OUTPUTS = "testdata/p4_16_samples_outputs"
ERRORS = "testdata/p4_16_errors"
P4_14 = "testdata/p4_14_samples"
P4_14_OUTPUTS = "testdata/p4_14_samples_outputs"

LEFT_OUT = {"extern-funcs-bmv2": "requires a C++ extern module in the switch"}

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
_ARCHITECTURES = (
    "psa",
    "pna",
    "dpdk",
    "ebpf_model",
    "ubpf_model",
    "xdp_model",
    "tofino",
    "tc/pna",
    "very_simple_model",
)


@dataclass(frozen=True)
class Case:
    """One test. `kind`: "packets" (an .stf next to a program), "accept", "refuse", "p4info", "agree"."""

    kind: str
    suite: str
    name: str
    program: Path
    expected: Path | None = None

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.suite}/{self.name}"


def cases(root: Path, kinds: tuple[str, ...], pattern: str = "") -> list[Case]:
    """All tests below a p4c checkout, in a stable order; `pattern` is a regular expression to be found in the key.

    Raises FileNotFoundError if `root` is not such a checkout.
    """
    if not (root / SAMPLES).is_dir():
        raise FileNotFoundError(f"{root} has no {SAMPLES}: give a checkout of github.com/p4lang/p4c")
    found = [case for case in _all(root) if case.kind in kinds]
    return [case for case in found if re.search(pattern, case.key)]


def _all(root: Path) -> Iterator[Case]:
    samples, outputs = root / SAMPLES, root / SAMPLE_OUTPUTS
    for stf in sorted(samples.rglob("*.stf")):
        program = stf.with_suffix(".p4")
        if program.exists() and architecture(program) == "v1model" and stf.stem not in LEFT_OUT:
            yield Case("packets", "p4_16_samples", _name(samples, stf), program, stf)
    for stf in sorted((root / P4_14).glob("*.stf")):
        program = root / P4_14_OUTPUTS / f"{stf.stem}.p4"
        if program.exists() and architecture(program) == "v1model":
            yield Case("packets", "p4_14_samples", stf.stem, program, stf)
    for program in sorted(samples.rglob("*.p4")):
        if not program.exists():  # a link to a file outside the checkout
            continue
        part_of_another = "include" in program.relative_to(samples).parts
        if architecture(program) == "v1model" and not part_of_another:
            name = _name(samples, program)
            yield Case("accept", "p4_16_samples", name, program)
            yield Case("agree", "p4_16_samples", name, program)
            info = outputs / f"{name}.p4.p4info.txtpb"
            if info.exists():
                yield Case("p4info", "p4_16_samples", name, program, info)
    for program in sorted((root / ERRORS).glob("*.p4")):
        if program.exists() and architecture(program) in ("v1model", ""):
            yield Case("refuse", "p4_16_errors", program.stem, program)


def _name(folder: Path, file: Path) -> str:
    """The file's path below the folder, without its suffix: "parser-inline/parser-inline-test1"."""
    return file.relative_to(folder).with_suffix("").as_posix()


def architecture(program: Path, _seen: frozenset[Path] = frozenset()) -> str:
    """ "v1model", another architecture's include, or "" for none; included files are searched as well."""
    text = program.read_text(encoding="utf-8", errors="replace")
    result = ""
    for bracket, name in _INCLUDE.findall(text):
        stem = name.removesuffix(".p4")
        if stem.endswith("v1model"):
            return "v1model"
        if any(stem.endswith(known) for known in _ARCHITECTURES):
            return str(stem)
        sibling = program.parent / name
        if bracket == '"' and sibling.exists() and sibling not in _seen:
            result = architecture(sibling, _seen | {program}) or result
    return result
