"""Overhead's pure parts: what the difference between two programs shows, and the verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

import nfs
from experiments.harness.sized_programs import StateProgram
from experiments.overhead import VARIANTS, added, code_size, field_bits, subjects, summarise
from p4front.text.source import SourceFile
from state4.programs import prepare_program

TEXT = """\
#include <core.p4>
/* A comment
   of two lines. */
struct some_meta_t {
    bit<1> on;      // why

    bit<32> seq;
}
"""


def test_code_is_what_is_left_without_comments_and_library() -> None:
    lines, size = code_size(SourceFile("t.p4", TEXT))
    assert lines == 4
    assert size == len("structsome_meta_t{bit<1>on;bit<32>seq;}")


def test_bits_of_fields() -> None:
    text = "struct a_t {\n bit<1> on;\n @field_list(1) bit<32> seq;\n}\nstruct b_t { bit<7> x; }"
    assert field_bits(text, "struct a_t") == 33
    assert field_bits(text, "struct b_t") == 7
    assert field_bits(text, "struct c_t") == 0


@pytest.mark.parametrize("cells", [1024, 1 << 20])
def test_one_component_gets_a_flag_and_six_numbers(cells: int) -> None:
    program, _ = StateProgram(1, cells).files()
    found = added(program, prepare_program(program))
    assert found["added_register_bits"] == 2 + 2 * 32 + 4 * 32  # flag, numbers of clones, packets that wait
    assert found["state_bits"] == cells * 64
    # 14 bytes of every clone; component, index and value of one slot in whole bytes
    assert found["header_bits"] == 8 * (14 + 1 + (2 if cells == 1024 else 3) + 8)
    waiting = 1 + 9 + 48
    assert found["metadata_bits"] == 2 + waiting + 32 + 1 + 7 + (found["header_bits"] - 8 * 14)
    assert found["lines"]["instrumented"] > found["lines"]["original"] > 50


def test_includes_are_part_of_the_code_once() -> None:
    program = nfs.program_path("chained")
    found = added(program, prepare_program(program))
    assert found["registers"] == 8
    assert 350 < found["lines"]["original"] < 500
    assert 50 < found["lines"]["instrumented"] - found["lines"]["original"] < 250


def test_every_subject_has_its_files_and_the_smallest_is_in_each_series() -> None:
    for quick in (True, False):
        found = subjects(quick)
        assert {subject.series for subject in found} == {"components", "all components", "cells", "network functions"}
        assert all(subject.program.exists() and subject.entries.exists() for subject in found)
        assert any(subject.name == "chained" for subject in found)


def test_costs_compare_within_a_round() -> None:
    times = dict(zip(VARIANTS, ([100, 200, 100], [110, 220, 110], [200, 400, 200]), strict=True))
    trial = {"strategy": "cells-small", "repeat": 1, "nanoseconds": times, "series": "cells", "state_bits": 1 << 16}
    found = summarise({"cells-small-1": trial})["cells-small"]
    assert found["cost_percent"]["flag off"]["median"] == pytest.approx(10)
    assert found["cost_percent"]["flag on"]["maximum"] == pytest.approx(100)
    assert found["nanoseconds"]["original"]["median"] == 100


def test_the_whole_run_in_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments import overhead

    few = [s for s in subjects(True) if s.name in ("state_1x1024x64", "state_1x1048576x64", "chained")]
    monkeypatch.setattr(overhead, "subjects", lambda quick, target="": few)
    assert overhead.main(["--quick", "--json", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "overhead" / "latest" / "overhead.pdf").exists()
