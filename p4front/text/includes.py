"""Where the text of an `#include` comes from: folders of this machine, or the files that a program was sent with."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from p4front.text.source import Diagnostic, P4Error, SourceFile, Span

LIBRARY = Path(__file__).resolve().parents[1] / "include"
"""Our own core.p4 and v1model.p4; always searched first."""

LIBRARY_VERSION = "20180101"
"""V1MODEL_VERSION where nothing else is said."""

LIBRARY_FILES = ("core.p4", "v1model.p4")


def decode(data: bytes) -> str:
    """Source bytes as text. P4 wants UTF-8; older programs have Latin-1 in their comments, so that is read too."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_source(path: Path | str) -> SourceFile:
    """Reads one file. Raises P4Error if it cannot be read or is no text."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise P4Error(Diagnostic(f"cannot read {path}: {error.strerror or error}")) from error
    source = SourceFile(str(path), decode(data))
    check_text(source)
    return source


def check_text(source: SourceFile) -> None:
    """Raises P4Error for a zero byte."""
    zero = source.text.find("\0")
    if zero >= 0:
        place = Span(source, zero, zero + 1)
        raise P4Error(Diagnostic("not a P4 source text: there is a zero byte here", place))


def search_path(include_dirs: Sequence[Path]) -> list[Path]:
    """Every directory that an `#include <...>` is looked for in, in order."""
    return [LIBRARY, *include_dirs]


class IncludeFiles(Protocol):
    """What the preprocessor may include."""

    def find(self, name: str, including: SourceFile, *, quoted: bool) -> SourceFile | None:
        """The file that `including` means by `"name"` or `<name>`; the same object each time. Raises P4Error if it is
        there but cannot be read."""
        ...

    def searched(self) -> str:
        """For a message: where `find` looks, and what to do."""
        ...


class FolderFiles:
    """Files of this machine: in the including file's folder (for quotes), our library, `include_dirs`."""

    def __init__(self, include_dirs: Sequence[Path] = ()) -> None:
        self._include_dirs = tuple(include_dirs)
        self._found: dict[str, SourceFile] = {}
        self.absolute: dict[str, SourceFile] = {}
        """What was included by an absolute path, by that path as it is written."""

    def find(self, name: str, including: SourceFile, *, quoted: bool) -> SourceFile | None:
        found = self._search(name, including, quoted=quoted)
        if found is not None and posixpath.isabs(name):
            self.absolute[name] = found
        return found

    def _search(self, name: str, including: SourceFile, *, quoted: bool) -> SourceFile | None:
        folders = [posixpath.dirname(including.path)] if quoted else []
        for folder in [*folders, *map(str, search_path(self._include_dirs))]:
            path = posixpath.join(folder, name)
            if path not in self._found:
                if not Path(path).is_file():
                    continue
                self._found[path] = read_source(path)
            return self._found[path]
        return None

    def searched(self) -> str:
        places = ", ".join(["the file's own directory", *map(str, self._include_dirs)])
        return f"(searched: {places}; built in: {', '.join(LIBRARY_FILES)}); give its directory with -I"


class GivenFiles:
    """Files that came with a program, by relative path with `/`, and our library: no other file of this machine.

    A path is only a name here and is never opened, so an absolute path, one with too many `..` and a symbolic link find
    nothing. `include_dirs` are folders of `files`; `absolute` names the file that an absolute path stands for."""

    def __init__(
        self, files: Mapping[str, str], include_dirs: Sequence[str] = (), absolute: Mapping[str, str] | None = None
    ) -> None:
        self._texts = {posixpath.normpath(name): text for name, text in files.items()}
        self._absolute = dict(absolute or {})
        self._include_dirs = tuple(posixpath.normpath(folder) for folder in include_dirs)
        self._found: dict[str, SourceFile] = {}

    def source(self, name: str) -> SourceFile:
        """One of the files by its name. Raises KeyError, or P4Error if it is no text."""
        path = posixpath.normpath(name)
        if path not in self._found:
            source = SourceFile(path, self._texts[path])
            check_text(source)
            self._found[path] = source
        return self._found[path]

    def find(self, name: str, including: SourceFile, *, quoted: bool) -> SourceFile | None:
        if name in self._absolute:
            return self.source(self._absolute[name])
        if quoted and including.path in self._found:
            path = posixpath.normpath(posixpath.join(posixpath.dirname(including.path), name))
            if path in self._texts:
                return self.source(path)
        if name in LIBRARY_FILES:
            path = str(LIBRARY / name)
            if path not in self._found:
                self._found[path] = read_source(path)
            return self._found[path]
        for folder in self._include_dirs:
            path = posixpath.normpath(posixpath.join(folder, name))
            if path in self._texts:
                return self.source(path)
        return None

    def searched(self) -> str:
        return f"(the program was sent with its files; built in: {', '.join(LIBRARY_FILES)}); send it, too"


class EditedFiles:
    """Files with another text in place of some."""

    def __init__(self, files: IncludeFiles, edited: Mapping[SourceFile, SourceFile]) -> None:
        self._files = files
        self._edited = edited

    def find(self, name: str, including: SourceFile, *, quoted: bool) -> SourceFile | None:
        found = self._files.find(name, including, quoted=quoted)
        return self._edited.get(found, found) if found is not None else None

    def searched(self) -> str:
        return self._files.searched()
