"""Folders that other users can change are refused, and their links are not followed."""

from __future__ import annotations

import os
import resource
import signal
import stat
from pathlib import Path

import pytest

from p4front.own_files import NotOurs, create_or_open, own_folder, own_home, replacing, write_whole
from softswitch.build.cache import cached_directory
from softswitch.errors import CacheError
from state4.errors import TargetError
from state4.targets.bmv2 import program as bmv2_program
from topologies import rundir
from topologies.errors import RunFolderError

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives folders to another user")


def fill(folder: Path) -> None:
    (folder / "built").write_text("ours")


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    made = own_folder(tmp_path / "a" / "b")
    assert made.is_dir() and not stat.S_IMODE(made.stat().st_mode) & 0o022


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o1777])
def test_a_folder_that_all_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(NotOurs, match="other users may write to it"):
        own_folder(folder)


def test_so_is_one_below_it_unless_the_sticky_bit_keeps_what_is_there(tmp_path: Path) -> None:
    parent = tmp_path / "shared"
    parent.mkdir()
    parent.chmod(0o777)
    with pytest.raises(NotOurs, match="shared"):
        own_folder(parent / "cache")
    parent.chmod(0o1777)
    assert own_folder(parent / "cache").is_dir()


@as_root
def test_a_group_of_others_may_not_write_and_the_users_own_may(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o775)
    os.chown(folder, 0, NOBODY)
    with pytest.raises(NotOurs, match="other users may write to it"):
        own_folder(folder)
    os.chown(folder, 0, 0)
    assert own_folder(folder) == folder


@as_root
def test_a_folder_of_another_user_is_refused_also_behind_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    link = tmp_path / "link"
    link.symlink_to(folder)
    for path in (folder, folder / "pipelines", link, link / "pipelines"):
        with pytest.raises(NotOurs, match=f"belongs to user {NOBODY}"):
            own_folder(path)


@as_root
def test_a_link_of_another_user_is_refused_though_it_leads_to_a_folder_of_ours(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    ours = tmp_path / "ours"
    ours.mkdir()
    link = shared / "cache"
    link.symlink_to(ours)
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(NotOurs, match=f"belongs to user {NOBODY}"):
        own_folder(link)


@as_root
def test_what_another_user_put_into_the_cache_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    planted = cache / "pipelines" / "key"
    planted.mkdir(parents=True)
    (planted / "built").write_text("theirs")
    for path in (cache, cache / "pipelines", planted):
        os.chown(path, NOBODY, NOBODY)
    monkeypatch.setenv("STATE4_CACHE", str(cache))
    with pytest.raises(CacheError, match="belongs to user 65534; name another folder in STATE4_CACHE"):
        cached_directory("pipelines", "key", fill)
    with pytest.raises(TargetError, match="name another folder in STATE4_CACHE"):
        bmv2_program._require_own(bmv2_program._cache_folder())


def test_a_lock_that_is_a_link_is_not_truncated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep")
    monkeypatch.setenv("STATE4_CACHE", str(tmp_path / "cache"))
    folder = own_folder(tmp_path / "cache" / "pipelines")
    (folder / ".key.lock").symlink_to(precious)
    with pytest.raises(CacheError, match="cannot write to"):
        cached_directory("pipelines", "key", fill)
    assert precious.read_text() == "keep"


def test_a_full_disk_says_what_to_do_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device", str(folder / "half"))

    monkeypatch.setenv("STATE4_CACHE", str(tmp_path / "cache"))
    with pytest.raises(CacheError, match="No space left on device; make room there, or name another folder"):
        cached_directory("pipelines", "key", full)
    assert list((tmp_path / "cache" / "pipelines").iterdir()) == []


@as_root
def test_run_folders_of_another_user_are_neither_used_nor_cleaned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "state4"
    base.mkdir()
    os.chown(base, NOBODY, NOBODY)
    monkeypatch.setattr(rundir, "base_folder", lambda: base)
    with pytest.raises(RunFolderError, match="belongs to user"):
        rundir.RunDirectory.create()
    with pytest.raises(RunFolderError, match="nothing in it is touched"):
        list(rundir.prune())


def test_a_link_in_the_place_of_a_new_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep")
    named = tmp_path / "s1.ready"
    named.symlink_to(precious)
    with replacing(named) as part:
        part.write_text("1\n")
    assert named.read_text() == "1\n" and not named.is_symlink() and precious.read_text() == "keep"
    with pytest.raises(RuntimeError), replacing(named) as part:
        raise RuntimeError
    assert sorted(tmp_path.iterdir()) == [precious, named]


def test_a_descriptor_is_never_that_behind_a_link(tmp_path: Path) -> None:
    os.close(create_or_open(tmp_path / "new"))
    (tmp_path / "link").symlink_to(tmp_path / "new")
    with pytest.raises(OSError):
        create_or_open(tmp_path / "link")


@as_root
def test_roots_home_is_not_that_of_the_user_who_typed_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(tmp_path, NOBODY, NOBODY)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert own_home() != tmp_path


def test_a_file_is_written_whole_or_not_at_all_and_the_error_names_it(tmp_path: Path) -> None:
    named = tmp_path / "chained.config"
    write_whole(named, b"old")
    named.chmod(0o640)
    write_whole(named, b"new")
    assert named.read_bytes() == b"new" and stat.S_IMODE(named.stat().st_mode) == 0o640
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python does at its start
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OSError, match=r"File too large: .*chained.config"):
            write_whole(named, bytes(200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert named.read_bytes() == b"new" and list(tmp_path.iterdir()) == [named]


def test_a_link_or_a_pipe_given_as_output_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "file").read_text() == "new" and (tmp_path / "link").is_symlink()
    write_whole(Path("/dev/null"), b"gone")
