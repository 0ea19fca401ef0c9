"""The table that comes of what the sampler reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.measure.sampling import samples_of


def test_samples_become_a_table_in_which_nothing_unknown_is_zero(tmp_path: Path) -> None:
    lines = [
        {"t": 10.0, "cells": None, "tx_bytes": 5, "cpu": {"data_plane": 1.0, "control_plane": 2.0}, "memory": None},
        {"t": 10.5, "cells": [1, 2], "tx_bytes": 9, "cpu": {"data_plane": 1.1, "listener": 0.2}, "memory": 7},
    ]
    file = tmp_path / "samples.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    table = samples_of(file, 10.0)
    assert table["t"].tolist() == [0.0, 0.5]
    assert table["state_bytes"].isna().tolist() == [True, False] and table["state_bytes"][1] == 3
    assert table["listener_s"].isna().tolist() == [True, False]
    assert table["control_plane_s"].isna().tolist() == [False, True]
    assert table["switch_other_s"].isna().all()
    assert table["memory_bytes"].isna().tolist() == [True, False]
    assert table["data_plane_s"].tolist() == pytest.approx([1.0, 1.1])
