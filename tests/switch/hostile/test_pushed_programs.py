"""Programs pushed by a client: compiled in a separate process, with limits, without access to the machine's files."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from softswitch.build import isolated
from softswitch.build.device_config import DeviceConfig
from softswitch.build.isolated import Compilers
from softswitch.build.sandbox import Limits
from softswitch.errors import CompilationEnded, TooExpensive
from tests.switch.controller import DEVICE, Config, Controller, Running, body, frame
from tests.switch.scene import program

SECRET = "root:x:0:0"


def push(c: Controller, config: bytes, action: int = Config.VERIFY, **call: object) -> None:
    request = Config(device_id=DEVICE, action=action)
    request.election_id.low = c.election or 0
    request.config.p4_device_config = config
    c.stub.SetForwardingPipelineConfig(request, **call)


def refusal(c: Controller, config: bytes) -> tuple[str, str]:
    """Code and message."""
    with pytest.raises(grpc.RpcError) as caught:
        push(c, config)
    return caught.value.code().name, caught.value.details()


def config(**files: str) -> bytes:
    named = {name.replace("__", "/") + ".p4": text for name, text in files.items()}
    return DeviceConfig("scene", "main.p4", named).to_bytes()


def forwards(running: Running) -> bool:
    return running.switch.inject(1, frame(0x800, body(1))) is not None


# ---- the files of the switch's machine ----


@pytest.mark.parametrize(
    "text",
    [
        '#include "/etc/passwd"',
        "#include </etc/passwd>",
        '#include "../../../../../../../../etc/passwd"',
        '#define X "/etc/passwd"\n#include X',
        '#if __has_include("/etc/passwd")\n#error there it is\n#endif',
        '#line 1 "/etc/passwd"\nnonsense',
        '#include_next "/etc/passwd"',
        '#embed "/etc/passwd"',
        '#pragma GCC dependency "/etc/passwd"\nnonsense',
        '#include "/dev/zero"',
        '#include "/proc/self/environ"',
    ],
)
def test_no_file_of_the_machine_shows(c: Controller, text: str) -> None:
    for bytes_ in (text.encode(), config(main=text, lib__other="")):
        code, message = refusal(c, bytes_)
        assert code == "INVALID_ARGUMENT"
        assert SECRET not in message
        assert "there it is" not in message
        assert "/tmp" not in message
        assert str(Path(isolated.__file__).parents[2]) not in message


def test_an_error_in_our_library_has_no_path(c: Controller) -> None:
    code, message = refusal(c, b"#define packet_in 7\n#include <v1model.p4>\n")
    assert code == "INVALID_ARGUMENT"
    assert "core.p4:" in message
    assert "/core.p4" not in message


def test_names_that_are_no_names_of_files_are_refused(c: Controller) -> None:
    good = {"softswitch_config": 1, "name": "x", "main": "m", "files": {"m": program()}}
    for bad in (
        {"files": {"/m": ""}, "main": "/m"},
        {"files": {"../m": ""}, "main": "../m"},
        {"files": {"m": "", "a\nb": ""}},
        {"files": {"m": "", "": ""}},
        {"files": {"m": "", "\ud800": ""}},
        {"files": {"m": "\ud800"}},
        {"files": {"m": 1}},
        {"files": ["m"]},
        {"include_dirs": ["/etc"]},
        {"include_dirs": [1]},
        {"include_dirs": "etc"},
        {"defines": [["a"]]},
        {"defines": ["1=2"]},
        {"main": None},
        {"main": "other"},
        {"softswitch_config": 2},
    ):
        code, message = refusal(c, json.dumps(good | bad).encode())
        assert code == "INVALID_ARGUMENT", (bad, message)
    push(c, json.dumps(good).encode())
    push(c, json.dumps(good | {"main": "ü/é.p4", "files": {"ü/é.p4": program()}}).encode())


# ---- bounds ----


def bomb(kind: str) -> bytes:
    if kind == "macros":
        return ("".join(f"#define A{i + 1} A{i} A{i}\n" for i in range(60)) + "#define A0 x;\nA60\n").encode()
    if kind == "json":
        return b'{"files":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    if kind == "size":
        return b"// " + b"x" * (63 << 20)
    if kind == "brackets":
        return program(ingress="bit<8> x = " + "(" * 50_000 + "1" + ")" * 50_000 + ";").encode()
    if kind == "number":
        return program(ingress="int x = 1 << 1000000000000; hdr.h.a = (bit<8>)(x >> 999999999999);").encode()
    if kind == "structs":
        structs = "struct s0 { bit<8> a; }\n" + "".join(f"struct s{i + 1} {{ s{i} a; s{i} b; }}\n" for i in range(60))
        return program(declarations=structs, ingress="s60 x; x.a = x.b;").encode()
    raise ValueError(kind)


@pytest.mark.parametrize("kind", ["macros", "json", "size", "brackets", "number", "structs"])
def test_what_would_take_for_ever_is_refused(running: Running, c: Controller, kind: str) -> None:
    running.device.compilers = Compilers(Limits(cpu_s=5, memory_bytes=512 << 20))
    done = threading.Event()
    found: list[str] = []

    def work() -> None:
        found.append(refusal(c, bomb(kind))[0])
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.wait(0.02):
        assert forwards(running)
    thread.join()
    assert found[0] in ("RESOURCE_EXHAUSTED", "INVALID_ARGUMENT")
    assert forwards(running)


@pytest.mark.parametrize("action", [Config.VERIFY, Config.VERIFY_AND_SAVE, Config.VERIFY_AND_COMMIT])
def test_more_state_than_a_switch_takes_is_refused(c: Controller, action: int) -> None:
    """64 registers of 1 GiB."""
    registers = "".join(f"register<bit<64>, bit<32>>(134217728) r{i};\n" for i in range(64))
    with pytest.raises(grpc.RpcError) as caught:
        push(c, program(locals=registers, ingress="bit<64> v; r0.read(v, 0);").encode(), action)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "68,719,476,736 bytes" in caught.value.details()


ENDLESS = b"#include <v1model.p4>\n" + b"const bit<8> x = 1;\n" * 300_000
"""Takes longer than any test waits."""


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Ids of the compiling processes."""
    started: list[int] = []
    popen = isolated.subprocess.Popen

    def noting(*arguments: object, **options: object) -> object:
        process = popen(*arguments, **options)  # type: ignore[call-overload]
        started.append(process.pid)
        return process

    monkeypatch.setattr(isolated.subprocess, "Popen", noting)
    yield started


def group_lives(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition: object) -> None:
    while not condition():  # type: ignore[operator]
        time.sleep(0.01)


def test_a_compilation_ends_with_its_request(c: Controller, endless: list[int]) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        push(c, ENDLESS, timeout=2)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_for(lambda: not endless or not group_lives(endless[0]))


def test_a_compilation_ends_with_the_server(running: Running, c: Controller, endless: list[int]) -> None:
    codes: list[str] = []
    thread = threading.Thread(target=lambda: codes.append(refusal(c, ENDLESS)[0]))
    thread.start()
    wait_for(lambda: endless)
    running.server.stop(0)
    thread.join()
    wait_for(lambda: not group_lives(endless[0]))
    assert codes[0] in ("ABORTED", "CANCELLED", "UNAVAILABLE")


def test_two_at_once_and_the_rest_waits_or_goes() -> None:
    compilers = Compilers(at_once=1)
    errors: list[BaseException] = []

    def one() -> None:
        try:
            compilers.compile(ENDLESS + str(threading.get_ident()).encode())
        except (CompilationEnded, TooExpensive) as error:
            errors.append(error)

    threads = [threading.Thread(target=one) for _ in range(isolated.MAX_WAITING + 3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: any(isinstance(error, TooExpensive) for error in errors))
    compilers.close()
    for thread in threads:
        thread.join()
    assert len(errors) == len(threads)
    assert sum(isinstance(error, CompilationEnded) for error in errors) >= isolated.MAX_WAITING
