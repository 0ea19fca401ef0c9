"""P4Info in a file, in one of the three forms that tools read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from finsy.proto import p4i
from google.protobuf import json_format, text_format

from p4front.own_files import write_whole

Format = Literal["text", "json", "binary"]

_HEAD = "# proto-file: p4/config/v1/p4info.proto\n# proto-message: p4.config.v1.P4Info\n\n"


def write_p4info(path: Path, p4info: p4i.P4Info, form: Format | None = None) -> None:
    """`form` None: by the file's name, .bin binary, .json JSON, else text. Raises OSError."""
    if form is None:
        form = "binary" if path.suffix == ".bin" else "json" if path.suffix == ".json" else "text"
    if form == "binary":
        write_whole(path, p4info.SerializeToString(deterministic=True))
    elif form == "json":
        write_whole(path, (json_format.MessageToJson(p4info) + "\n").encode())
    else:
        write_whole(path, (_HEAD + text_format.MessageToString(p4info)).encode())
