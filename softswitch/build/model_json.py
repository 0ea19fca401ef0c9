"""`PipelineInfo` to JSON and back: its format next to a compiled pipeline in the cache."""

from __future__ import annotations

import json
import typing
from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypeVar

from softswitch.model import PipelineInfo

T = TypeVar("T")


def to_json(info: PipelineInfo) -> str:
    return json.dumps(asdict(info), indent=1)


def from_json(text: str) -> PipelineInfo:
    """Raises ValueError or KeyError for text that `to_json` did not make."""
    return _build(PipelineInfo, json.loads(text))


def _build(kind: type[T], value: dict[str, Any]) -> T:
    hints = typing.get_type_hints(kind)
    return kind(**{f.name: _value(hints[f.name], value[f.name]) for f in fields(kind)})  # type: ignore[arg-type]


def _value(hint: Any, value: Any) -> Any:
    if is_dataclass(hint):
        return _build(typing.cast(type, hint), value)
    if typing.get_origin(hint) is tuple:
        args = typing.get_args(hint)
        items = [args[0]] * len(value) if len(args) == 2 and args[1] is Ellipsis else list(args)
        return tuple(_value(item, part) for item, part in zip(items, value, strict=True))
    return value
