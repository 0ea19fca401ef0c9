"""The same Thrift calls to our server and to simple_switch: the same answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from softswitch.build.device_config import collect
from softswitch.build.program import compile_program
from softswitch.compat.bmv2_config import config_json
from state4.targets.bmv2.program import bmv2_config_of
from tests.bmv2.answers import answers
from tests.bmv2.entities import STATE
from tests.bmv2.thrift.bench import serving
from tests.state4_programs import program


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("programs") / "state.p4"
    path.write_text(program(STATE))
    return path


def ours(source: Path) -> list[str]:
    config = config_json(compile_program(source).info, collect(source))
    with serving() as served:
        return list(answers(*_parts(served.address), config))


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def test_every_call_has_an_answer_of_its_service(source: Path) -> None:
    """A result or one of the exceptions that the services declare, never one about the request itself."""
    found = ours(source)
    assert [line for line in found if "TApplicationException" in line] == []
    refused = [line for line in found if ": Invalid" in line]
    assert 20 < len(refused) < len(found) / 2


@pytest.mark.bmv2
def test_the_answers_are_those_of_simple_switch(source: Path, address: str) -> None:
    assert ours(source) == list(answers(*_parts(address), bmv2_config_of(source)))
