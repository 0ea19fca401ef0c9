"""What the sampler of the experiments reads of a bmv2."""

from __future__ import annotations

import nfs
from experiments.measure.sampler import bmv2_reader
from state4.programs import InstalledProgram, prepare_program
from tests.bmv2.thrift.bench import Bench


def test_bmv2_is_read_cell_by_cell(bench: Bench, state: InstalledProgram) -> None:
    """While another program is saved, that one's cells would come: they are no sample."""
    bench.target.install(state)
    for cell in (1, 3):
        bench.served.register("MyIngress.small").write_cell(cell, 10 * cell)
    read = bmv2_reader(bench.served.address, "MyIngress.small", [1, 3])
    assert read()[1] == [10, 30]
    bench.target.save(prepare_program(nfs.program_path("l2")))
    assert read()[1] is None
    bench.target.commit()
    assert read()[1] is None
    bench.target.install(state)
    assert read()[1] == [0, 0]
