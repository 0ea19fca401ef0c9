"""The small programs of softswitch's own tests, with the packets of those tests, on bmv2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bmv2.runs import Refused, compile_bmv2, on_bmv2, on_softswitch
from tests.bmv2.scenario import Scenario

pytestmark = [pytest.mark.bmv2, pytest.mark.timeout(600)]

FILES = (
    "codegen/test_copies",
    "codegen/test_externs",
    "codegen/test_headers",
    "codegen/test_parsers",
    "codegen/test_tables",
    "v1model/test_checksums",
    "v1model/test_hash",
    "v1model/test_messages",
    "v1model/test_metadata",
    "v1model/test_replication",
)
MAX_PACKETS = 40
DIFFERENT = {
    "test_the_target_of_an_assignment_is_evaluated_first": "p4c evaluates the target last",
    "test_an_index_computed_at_run_time": "bmv2 ends at an index outside of a stack",
    "test_an_int_takes_the_width_of_what_it_is_added_to": "p4c makes (int)x of a variable 0",
    "test_verify_and_no_match": "bmv2 knows no error.NoMatch: parsing ends without an error",
    "test_each_parser_error_reaches_ingress_and_drops_nothing": "error.NoMatch, as above",
    "test_a_parser_that_does_not_end_is_stopped": "bmv2 goes on for ever",
    "test_fields_of_an_invalid_header_are_not_hashed": "p4c copies them before: what an earlier packet left counts",
    "test_data_of_several_headers_structs_and_a_varbit": "a field of an invalid header, as above",
    "test_random": "random numbers",
    "test_bounds_of_random": "random numbers",
    "test_the_random_algorithm": "bmv2 has no hash of that name",
    "test_a_failed_assertion": "bmv2 ends",
    "test_priority_is_kept_and_changes_no_order": "bmv2 drops priorities without a queue",
    "test_a_packet_too_short_for_its_first_header_is_still_forwarded": "an empty frame is none to bmv2",
    "test_an_error_stays_whatever_is_verified_after_it": "bmv2 cannot load a slice as the checksum",
    "test_text_without_values": "bmv2 ends at braces that nothing fills",
    "test_values_of_the_moment_of_the_call_in_order": "bmv2 ends, as above",
}
"""By the beginning of a test's name; docs/limits.md says more."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What these tests did, for switches that were only sent packets."""
    file = tmp_path_factory.mktemp("scenes") / "scenes.jsonl"
    tests = [str(Path(__file__).parents[1] / "switch" / f"{name}.py") for name in FILES]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.bmv2.recorder", *tests]
    environment = {**os.environ, "STATE4_SCENES": str(file)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    scenes = [json.loads(line) for line in file.read_text().splitlines()]
    return [scene for scene in scenes if scene["packets"] and not scene["touched"]]


@pytest.mark.parametrize("name", FILES)
def test_bmv2_does_the_same(recorded: list[dict[str, Any]], name: str) -> None:
    same, found = 0, []
    for scene in recorded:
        file, test = scene["test"].split("::")
        if not file.endswith(f"test_{name}.py") or any(test.startswith(known) for known in DIFFERENT):
            continue
        packets = tuple((port, bytes.fromhex(frame), 0) for port, frame in scene["packets"][:MAX_PACKETS])
        scenario = Scenario(test, scene["program"], packets, ports=tuple(range(8)))
        try:
            compile_bmv2(scenario.source)
        except Refused:
            continue  # there is nothing to compare with
        differences = on_softswitch(scenario).differences(on_bmv2(scenario), ("softswitch", "bmv2"))
        found += [f"{test}: {difference}" for difference in differences]
        same += not differences
    assert not found, "\n".join(found[:20])
    assert same > 0
