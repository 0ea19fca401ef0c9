"""docs/thrift.md says of every call whether it is carried out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from bm_runtime.simple_pre_lag import SimplePreLAG
from bm_runtime.standard import Standard
from sswitch_runtime import SimpleSwitch

from tests.doc_examples import ROOT


@pytest.mark.parametrize("service", [Standard, SimplePreLAG, SimpleSwitch], ids=lambda module: module.__name__)
def test_every_call_of_a_service_is_in_the_table(service: Any) -> None:
    text = (ROOT / "docs" / "thrift.md").read_text()
    table = text.partition("## Every call")[2].partition("\n## ")[0]
    listed = re.findall(r"`(\w+)`", table)
    assert len(listed) == len(set(listed))
    calls = {name for name in vars(service.Iface) if not name.startswith("_")}
    assert calls - set(listed) == set()
