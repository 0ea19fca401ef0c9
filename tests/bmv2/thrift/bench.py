"""A bmv2 of our own with a target that controls it."""

from __future__ import annotations

from dataclasses import dataclass

from state4.targets.bmv2.target import Bmv2Target
from tests.bmv2.thrift.fake_bmv2 import FakeBmv2


@dataclass
class Bench:
    fake: FakeBmv2
    target: Bmv2Target
