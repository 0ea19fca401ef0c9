"""What the process that compiles a program is told, and what it says at its end. The switch, which reads and writes
these, does not load what compiles."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from softswitch.build.sandbox import Limits

Outcome = Literal["done", "refused", "expensive", "failed"]


@dataclass(frozen=True)
class Job:
    """`sanitize` as in `CompileOptions`."""

    sanitize: bool
    limits: Limits

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Job:
        content = json.loads(text)
        return Job(content["sanitize"], Limits(**content["limits"]))


@dataclass(frozen=True)
class Result:
    """`message` is for the client, `details` for the log."""

    outcome: Outcome
    message: str = ""
    details: str = ""

    def to_json(self) -> str:
        return json.dumps(asdict(self))
