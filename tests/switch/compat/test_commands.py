"""What a bmv2 user types: each flag of the original commands, and the files of `softswitch compat install`."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from finsy.proto import p4i
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

import nfs
from softswitch.__main__ import main
from softswitch.build.device_config import parse as parse_config
from softswitch.compat import p4c, simple_switch
from softswitch.compat.bmv2_config import is_described
from softswitch.compat.flags import CommandError, Flag
from softswitch.compat.install import COMMANDS, install
from tests.switch.controller import EVERYTHING

ROUTER = str(EVERYTHING)
ALL = {**p4c.FLAGS, **simple_switch.FLAGS}
FLAGS = [(command, flag) for command, flags in ALL.items() for flag in flags]


def words_of(flag: Flag, name: str) -> list[str]:
    if flag.value is None or flag.optional is not None:
        return [name]
    return [name, flag.choices[-1] if flag.choices else "2" if flag.number else "1@x" if "@" in flag.value else "x"]


def started(command: str, *words: str) -> simple_switch.Translated:
    return simple_switch.translate(command, words)


def value_after(words: tuple[str, ...], flag: str) -> str:
    return words[words.index(flag) + 1]


# ---- every flag of --help ----


@pytest.mark.parametrize(("command", "flag"), FLAGS, ids=[f"{c}{f.names[0]}" for c, f in FLAGS])
def test_each_flag_works_or_says_why_not(
    command: str, flag: Flag, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """By each of its names: accepted, with a note if it has no effect, or refused with its name and the reason."""
    assert flag.text or flag.no_effect or flag.refused
    for name in flag.names:
        words = words_of(flag, name)
        if command in p4c.FLAGS:
            given = lambda words=words: p4c._parse(command, [*words, "x.p4"]).notes  # noqa: E731
        else:
            given = lambda words=words: started(command, "--no-p4", *words).notes  # noqa: E731
        if flag.refused:
            with pytest.raises(CommandError, match="refused" if not flag.refused else None) as caught:
                given()
            assert flag.names[0] in str(caught.value) and flag.refused in str(caught.value)
        else:
            notes = [note for note in given() if flag.names[0] in note]
            assert bool(notes) == bool(flag.no_effect and not flag.silent)


@pytest.mark.parametrize("command", ALL)
def test_help_lists_all_flags(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        p4c._parse(command, ["--help"]) if command in p4c.FLAGS else started(command, "--help")
    said = capsys.readouterr().out
    assert caught.value.code == 0
    assert all(name in said for flag in ALL[command] for name in flag.names)


def test_an_unknown_flag_is_named() -> None:
    with pytest.raises(CommandError, match="unknown option --frobnicate"):
        started("simple_switch_grpc", "--no-p4", "--frobnicate")
    with pytest.raises(CommandError, match="unknown option --frobnicate"):
        p4c._parse("p4c", ["--frobnicate", "x.p4"])


# ---- simple_switch and simple_switch_grpc ----


def test_a_command_line_of_the_tutorials() -> None:
    line = (
        "-i 1@s1-eth1 -i 2@s1-eth2 --pcap /tmp --nanolog ipc:///tmp/bm-0-log.ipc --device-id 0 build/basic.json "
        "--log-console --thrift-port 9090 -- --grpc-server-addr 0.0.0.0:50051 --cpu-port 255"
    )
    done = started("simple_switch_grpc", *line.split())
    words = done.words
    assert words[0] == "build/basic.json"
    assert [words[i + 1] for i, word in enumerate(words) if word == "-i"] == ["1@s1-eth1", "2@s1-eth2"]
    assert value_after(words, "--pcap") == "/tmp"
    assert value_after(words, "--device-id") == "0"
    assert value_after(words, "--grpc-server-addr") == "0.0.0.0:50051"
    assert value_after(words, "--cpu-port") == "255"
    assert {"--qdiscs", "--trace"} <= set(words) and value_after(words, "--log-style") == "bmv2"
    assert any(note.startswith("--nanolog has no effect here") for note in done.notes)


def test_defaults_are_those_of_bmv2() -> None:
    words = started("simple_switch_grpc", "x.json").words
    assert value_after(words, "--device-id") == "0"
    assert value_after(words, "--grpc-server-addr") == "0.0.0.0:9559"
    assert value_after(words, "--drop-port") == "511"
    assert "--trace" not in words and "--log-style" not in words  # it logs only if it is told to


def test_without_p4runtime_the_switch_is_reached_by_a_socket_of_its_owner() -> None:
    done = started("simple_switch", "--thrift-port", "9191", "x.json")
    address = value_after(done.words, "--grpc-server-addr")
    assert address.startswith("unix:") and address.endswith("/thrift-9191.sock")
    assert f"P4Runtime is served at {address}" in done.notes


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        (["--pcap", "pcaps", "x.json"], "pcaps"),
        (["--pcap=pcaps", "x.json"], "pcaps"),
        (["--pcap", "--log-console", "x.json"], "."),
        (["x.json", "--pcap"], "."),
    ],
)
def test_the_folder_of_pcap_may_be_missing(words: list[str], folder: str) -> None:
    done = started("simple_switch", *words).words
    assert (done[0], value_after(done, "--pcap")) == ("x.json", folder)


def test_a_program_after_pcap_is_not_its_folder(tmp_path: Path) -> None:
    program = tmp_path / "x.json"
    program.write_text("{}")
    done = started("simple_switch", "--pcap", str(program)).words
    assert (done[0], value_after(done, "--pcap")) == (str(program), ".")


def test_thrift_is_served_as_in_bmv2() -> None:
    words = started("simple_switch_grpc", "--thrift-port", "9191", "x.json").words
    assert value_after(words, "--thrift-port") == "9191" and "--enable-swap" in words
    assert (
        "--enable-swap" not in started("simple_switch_grpc", "--thrift-port", "9191", "x", "--", "--disable-swap").words
    )
    words = started("simple_switch", "--thrift-port", "9191", "x.json").words
    assert "--enable-swap" not in words and "--enable-ports" not in words
    words = started("simple_switch", "--thrift-port", "9191", "x.json", "--", "--enable-swap", "--enable-ports").words
    assert {"--enable-swap", "--enable-ports"} <= set(words)


def test_a_port_has_the_queues_of_bmv2() -> None:
    words = started("simple_switch", "x.json").words
    assert value_after(words, "--priority-queues") == "1" and not {"--queue-rate", "--queue-depth"} & set(words)
    words = started("simple_switch_grpc", "x.json", "--queue-rate", "50", "--", "--priority-queues", "3").words
    assert value_after(words, "--priority-queues") == "3" and value_after(words, "--queue-rate") == "50"
    words = started("simple_switch_grpc", "x.json", "--queue-depth", "0", "--priority-queues", "900").words
    assert value_after(words, "--priority-queues") == "8" and value_after(words, "--queue-depth") == "0"
    with pytest.raises(CommandError, match="--priority-queues: a port has at least one queue, not 0"):
        started("simple_switch", "x.json", "--priority-queues", "0")


def test_thrifts_default_port_is_left_to_another_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(simple_switch, "DEFAULT_THRIFT_PORT", taken.getsockname()[1])
        done = started("simple_switch_grpc", "x.json")
        assert "--thrift-port" not in done.words and any("is in use" in note for note in done.notes)
    assert "--thrift-port" in started("simple_switch_grpc", "x.json").words


def test_without_thrifts_package_p4runtime_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = started("simple_switch_grpc", "--thrift-port", "9191", "x.json")
    assert "--thrift-port" not in done.words
    assert any("Thrift is not served" in note for note in done.notes)


def test_a_plain_command_line_needs_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simple_switch, "_in_use", lambda port: False)
    assert started("simple_switch_grpc", "x.json").notes == ()
    assert p4c._parse("p4c", ["x.p4"]).notes == ()


def test_a_cpu_port_is_chosen_that_the_user_has_not() -> None:
    words = started("simple_switch_grpc", "-i", "510@a", "-i", "509@b", "x.json").words
    assert value_after(words, "--cpu-port") == "508"
    words = started("simple_switch_grpc", "x.json", "--", "--drop-port", "510").words
    assert value_after(words, "--cpu-port") == "509"


@pytest.mark.parametrize("level", ["trace", "debug", "info", "warn", "error", "off"])
def test_levels_of_the_log(level: str) -> None:
    words = started("simple_switch", f"-L{level}", "--log-console", "x.json").words
    assert value_after(words, "--log-level") == level
    assert ("--trace" in words) == (level in ("trace", "debug"))


def test_a_log_file_has_bmv2s_name_and_sizes() -> None:
    words = started("simple_switch", "--log-file", "ss-log", "--log-flush", "x.json").words
    assert value_after(words, "--log-file") == "ss-log.txt"
    assert value_after(words, "--log-file-max-size") == str(5 << 20)
    assert value_after(words, "--log-file-max-files") == "3"
    words = started(
        "simple_switch", "--log-file", "a", "--log-file-max-size", "7", "--log-file-max-files", "0", "x"
    ).words
    assert (value_after(words, "--log-file-max-size"), value_after(words, "--log-file-max-files")) == ("7", "0")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no program given"),
        (["a.json", "b.json"], "two programs given"),
        (["--log-console", "--log-file", "x", "a.json"], "exclude each other"),
        (["--debugger", "a.json"], "there is no debugger"),
        (["-L", "loud", "a.json"], "loud"),
        (["--thrift-port", "many", "a.json"], "many"),
        (["-i", "v0"], "-i v0: the port number is missing: give PORT@INTERFACE, such as 0@v0"),
        (["-i", "@v0", "a.json"], "-i @v0: the port number is missing: give PORT@INTERFACE, such as 0@v0"),
        (["-i", "7", "a.json"], "-i 7: the interface is missing: give PORT@INTERFACE, such as 7@eth0"),
        (["-i", "0@", "a.json"], "-i 0@: the interface is missing: give PORT@INTERFACE, such as 0@eth0"),
        (["-i", "x@v0", "a.json"], "-i x@v0: 'x' is not a port number: give PORT@INTERFACE, such as 0@v0"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        started("simple_switch", *words)


BAD_ARGUMENTS = {
    "simple_switch": {
        "-i 600@eth0 a.json": "-i/--interface: '600@eth0': port numbers go up to 511",
        "-i 0@eth0 -i 0@eth1 a.json": "port 0 is given twice",
        "-i": "-i/--interface needs a value: PORT@INTERFACE",
        "--thrift-port 0 a.json": "--thrift-port: '0' is not a whole number from 1 to 65535",
        "--thrift-port 65536 a.json": "--thrift-port: '65536' is not a whole number from 1 to 65535",
        "--device-id -3 a.json": "--device-id: '-3' is not a whole number from 0",
        "--queue-depth 4294967296 a.json": "--queue-depth: '4294967296' is not a whole number from 0 to 2147483647",
        "--drop-port 512 a.json": "--drop-port: '512' is not a port number from 1 to 511",
        "--log-console=3 a.json": "--log-console takes no value: '3' is too much",
        "-L loud a.json": "-L/--log-level: invalid choice: 'loud' (choose from ",
        "a.json --frobnicate": "unknown option --frobnicate (--help lists all)",
        "a.json b.json": "two programs given: a.json and b.json",
    },
    "simple_switch_CLI": {
        "--thrift-port x": "--thrift-port: 'x' is not a whole number from 1 to 65535",
        "--thrift-port 99999": "--thrift-port: '99999' is not a whole number from 1 to 65535",
        "--thrift-port": "--thrift-port needs a value: PORT",
        "--pre X": "--pre: invalid choice: 'X' (choose from ",
        "table_dump t": "unknown argument table_dump (--help lists all); commands are read from standard input",
    },
    "p4c": {
        "": "no program given: name a P4 source file",
        "a.p4 b.p4": "one program is compiled at a time, not a.p4 and b.p4: give one source file",
        "-o": "needs a value: F",
        "a.p4 --maxErrorCount x": "--maxErrorCount: 'x' is not a whole number from 0",
        "a.p4 --version=3": "--version takes no value: '3' is too much",
    },
}
BAD_ARGUMENTS["simple_switch_grpc"] = {
    **BAD_ARGUMENTS["simple_switch"],
    "a.json -- --cpu-port 0": "--cpu-port: '0' is not a port number from 1 to 511",
}
BAD_ARGUMENTS["p4c-bm2-ss"] = BAD_ARGUMENTS["p4c"]
BAD_LINES = [(command, line, said) for command, lines in BAD_ARGUMENTS.items() for line, said in lines.items()]


@pytest.mark.parametrize(("command", "line", "said"), BAD_LINES)
def test_a_bad_argument_is_told_in_one_line(
    command: str, line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the usage, which is longer than a screen. Exit codes are those of the originals."""
    assert main(["compat", "exec", command, *line.split()]) == (2 if command == "simple_switch_CLI" else 1)
    error = capsys.readouterr().err
    assert error.startswith(f"{command}: ") and said in error and error.count("\n") == 1


@given(
    command=st.sampled_from(sorted(simple_switch.FLAGS)),
    flag=st.sampled_from(["-i", *(f.names[0] for f in simple_switch.FLAGS["simple_switch"] if f.number)]),
    value=st.text(st.characters(exclude_characters="0123456789", exclude_categories=["Cs"])),
)
def test_no_value_without_a_number_is_taken(command: str, flag: str, value: str) -> None:
    """All of these flags want one; whatever else they get, what is said names the flag."""
    with pytest.raises(CommandError, match=re.escape(flag)):
        started(command, *((flag, value) if flag == "-i" else (f"{flag}={value}",)), "x.json")


def test_what_simple_switch_cli_cannot_find_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["compat", "exec", "simple_switch_CLI", "--json", str(tmp_path / "none.json")]) == 1
    assert f"simple_switch_CLI: {tmp_path}/none.json: No such file" in capsys.readouterr().err
    assert main(["compat", "exec", "simple_switch_CLI", "--thrift-ip", "not an address"]) == 1
    assert "--thrift-ip not an address: there is no such host" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "words"), [("p4c", []), ("simple_switch", ["--log-console"])])
def test_a_missing_program_is_named_by_the_command(
    command: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compat", "exec", command, *words, str(tmp_path / "none.json")]) == 1
    assert f"{tmp_path}/none.json: No such file or directory" in capsys.readouterr().err


def test_a_forgotten_i_is_an_interface_and_no_p4_wins() -> None:
    done = started("simple_switch_grpc", "-i", "1@a", "2@b", "x.json", "--no-p4")
    assert [done.words[i + 1] for i, word in enumerate(done.words) if word == "-i"] == ["1@a", "2@b"]
    assert done.words[0] == "--no-p4" and "x.json" not in done.words
    assert any("2@b" in note for note in done.notes) and any("x.json is not loaded" in note for note in done.notes)


def test_tls_is_handed_on() -> None:
    line = "x.json -- --grpc-server-ssl --grpc-server-cert c.pem --grpc-server-key k.pem --grpc-server-with-client-auth"
    words = started("simple_switch_grpc", *line.split()).words
    assert {"--grpc-server-ssl", "--grpc-server-with-client-auth"} <= set(words)
    assert (value_after(words, "--grpc-server-cert"), value_after(words, "--grpc-server-key")) == ("c.pem", "k.pem")


@pytest.mark.parametrize("command", simple_switch.FLAGS)
def test_the_version(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compat", "exec", command, "--version"]) == 0
    assert "(softswitch)" in capsys.readouterr().out


# ---- p4c and p4c-bm2-ss ----


def test_the_compiler_writes_the_compiled_file_and_p4info(tmp_path: Path) -> None:
    infos = [tmp_path / f"info.{suffix}" for suffix in ("txt", "txtpb", "json", "bin")]
    config = tmp_path / "build" / "router.json"
    words = ["--p4v", "16", "--p4runtime-files", ",".join(map(str, infos)), "-o", str(config), ROUTER]
    assert main(["compat", "exec", "p4c-bm2-ss", *words]) == 0
    assert is_described(json.loads(config.read_text()))  # simple_switch_CLI learns the tables from it
    assert parse_config(config.read_bytes()).main == EVERYTHING.name
    binary = p4i.P4Info.FromString(infos[3].read_bytes())
    assert all(text_format.Parse(path.read_text(), p4i.P4Info()) == binary for path in infos[:2])
    assert json.loads(infos[2].read_text())


def test_the_driver_writes_into_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = f"-o {tmp_path / 'out'} --p4runtime-files {tmp_path}/a_p4rt.txt"
    line = f"{ROUTER} --target bmv2 --arch v1model --std p4-16 {files}"
    assert main(["compat", "exec", "p4c", *line.split()]) == 0
    assert (tmp_path / "out" / "everything.json").exists() and (tmp_path / "a_p4rt.txt").exists()
    monkeypatch.chdir(tmp_path)
    assert main(["compat", "exec", "p4c", ROUTER]) == 0
    assert (tmp_path / "everything.json").exists()


def test_the_old_flags_for_p4info(tmp_path: Path) -> None:
    words = ["--p4runtime-file", str(tmp_path / "info"), ROUTER]
    assert main(["compat", "exec", "p4c-bm2-ss", *words]) == 0
    assert p4i.P4Info.FromString((tmp_path / "info").read_bytes()).tables
    assert main(["compat", "exec", "p4c-bm2-ss", "--p4runtime-format", "text", *words]) == 0
    assert text_format.Parse((tmp_path / "info").read_text(), p4i.P4Info()).tables


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--std", "p4-14", "x.p4"], "P4_14"),
        (["--target", "dpdk", "x.p4"], "not dpdk"),
        (["--arch", "psa", "x.p4"], "psa"),
        (["x.p4", "y.p4"], "one program"),
        ([], "no program"),
        (["--p4runtime-files", "x.yaml", "x.p4"], "x.yaml"),
        (["-E", "x.p4"], "-E"),
    ],
)
@pytest.mark.parametrize("command", p4c.FLAGS)
def test_what_is_not_compiled_is_reported(
    command: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compat", "exec", command, *words]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"{command}: ") and said in error


def test_a_diagnostic_without_a_name_does_not_take_the_program(tmp_path: Path) -> None:
    given = p4c._parse("p4c", ["--Wdisable", "x.p4", "--Werror=unused"])
    assert given.words == ("x.p4",)


def test_errors_of_a_program_have_their_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.p4"
    bad.write_text(EVERYTHING.read_text().replace("std.egress_spec = port;", "std.egress_spec = prot;", 1))
    assert main(["compat", "exec", "p4c", str(bad), "-o", str(tmp_path)]) != 0
    assert f"{bad}:" in capsys.readouterr().err
    assert not (tmp_path / "bad.json").exists()


def test_includes_and_macros(tmp_path: Path) -> None:
    words = ["-I", str(tmp_path), "-DX=1", "-UY", "-o", str(tmp_path), str(nfs.program_path("chained"))]
    assert main(["compat", "exec", "p4c", *words]) == 0
    assert parse_config((tmp_path / "chained.json").read_bytes()).defines == ("X=1",)


# ---- STATE4_INSTRUMENT ----


@pytest.mark.parametrize(("wanted", "has"), [("", False), ("1", True), ("map", True)])
def test_a_program_is_instrumented_when_it_is_compiled(
    wanted: str, has: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE4_INSTRUMENT", wanted)
    info = tmp_path / "info.txtpb"
    words = ["-o", str(tmp_path), "--p4runtime-files", str(info), str(nfs.program_path("port_knocking"))]
    assert main(["compat", "exec", "p4c", *words]) == 0
    assert ("state4" in info.read_text()) == has
    config = parse_config((tmp_path / "port_knocking.json").read_bytes())
    assert ("state4" in "".join(config.files.values())) == has


def test_an_unknown_way_to_instrument_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATE4_INSTRUMENT", "yes please")
    assert main(["compat", "exec", "p4c", ROUTER]) == 1
    assert "STATE4_INSTRUMENT=yes please" in capsys.readouterr().err


# ---- installing ----


def test_commands_are_installed_run_and_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "with a space" / "bin"
    for _ in range(2):
        assert {path.name for path in install(folder)} == set(COMMANDS)
    trap = tmp_path / "json.py"
    trap.write_text("raise SystemExit('the folder that the command is typed in was searched for modules')")
    for name in COMMANDS[:-1]:
        done = subprocess.run([folder / name, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert "softswitch" in done.stdout


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_nothing_of_others_is_replaced(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = tmp_path / "simple_switch"
    if kind == "file":
        real.write_bytes(b"\x7fELF")
    elif kind == "link":
        real.symlink_to(tmp_path / "elsewhere")
    else:
        real.mkdir()
    assert main(["compat", "install", str(tmp_path)]) == 2
    assert f"{real} exists and is not ours" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["simple_switch"]


def test_simple_switch_cli_is_the_package_of_that_name() -> None:
    command = [sys.executable, "-m", "softswitch", "compat", "exec", "simple_switch_CLI", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "--thrift-port" in done.stdout
