"""The `softswitch` command: its output, its start and end, and its error messages."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from finsy.proto import p4i, p4r, p4r_grpc
from google.protobuf import json_format, text_format

import nfs
from softswitch.__main__ import main
from softswitch.build.device_config import parse
from softswitch.build.isolated import compile_config
from softswitch.cli.logs import LogOptions, set_up_logging
from softswitch.server.rpc.listen import is_loopback
from tests.switch.controller import DEVICE, EVERYTHING, Controller

COMMAND = [sys.executable, "-m", "softswitch"]


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.p4"
    path.write_text(EVERYTHING.read_text().replace("std.egress_spec = port;", "std.egress_spec = prot;", 1))
    return path


@contextmanager
def daemon(*arguments: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    """A running daemon, ended by SIGTERM."""
    process = subprocess.Popen([*COMMAND, "run", *arguments], stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.terminate()
        process.wait(20)


# ---- run ----


def test_a_compiled_file_is_a_program(tmp_path: Path) -> None:
    config = tmp_path / "everything.json"
    assert main(["compile", str(EVERYTHING), "-o", str(config)]) == 0
    address = f"unix:{tmp_path}/s.sock"
    with daemon(str(config), "--grpc-server-addr", address), grpc.insecure_channel(address) as channel:
        wanted = p4r.GetForwardingPipelineConfigRequest(device_id=1)
        found = p4r_grpc.P4RuntimeStub(channel).GetForwardingPipelineConfig(wanted).config
    assert found.p4_device_config == config.read_bytes()
    assert found.p4info == compile_config(parse(config.read_bytes())).p4info


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"program": "x.p4", "parsers": [], "pipelines": []}', "was compiled for bmv2"),
        ('{"softswitch_config": 1}', "'files' is missing"),
        ("{", "the device config is damaged"),
    ],
)
def test_what_is_no_program_is_reported(
    content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    assert main(["run", str(file)]) == 2
    error = capsys.readouterr().err
    assert str(file) in error and message in error
    assert main(["run", str(file), "-DX=1"]) == 2
    assert "is a compiled file" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--log-file-max-size", "--log-file-max-files"])
def test_sizes_of_log_files_are_not_negative(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--no-p4", flag, "-1"]) == 2
    assert "must not be negative" in capsys.readouterr().err


def test_a_log_file_is_put_aside_when_it_is_long(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    set_up_logging(LogOptions("info", log, bmv2_style=True, max_bytes=2000, max_files=2))
    try:
        for i in range(100):
            logging.getLogger("softswitch").info("line %d", i)
    finally:
        set_up_logging(LogOptions())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.txt", "log.txt.1", "log.txt.2"]
    assert log.read_text().splitlines()[-1].endswith("line 99")


# ---- compile ----


def test_compile_writes_what_a_controller_pushes(tmp_path: Path) -> None:
    config, text, binary, as_json, source = (tmp_path / n for n in ("c", "i.txtpb", "i.bin", "i.json", "p.c"))
    program = str(nfs.program_path("chained"))
    assert main(["compile", program, "-o", str(config), "--p4info", str(text), "--emit-c", str(source)]) == 0
    assert main(["compile", program, "--p4info", str(binary)]) == 0
    assert main(["compile", program, "--p4info", str(as_json)]) == 0
    found = parse(config.read_bytes())
    assert found.main == "chained.p4" and len(found.files) > 1
    info = compile_config(found).p4info
    assert text_format.Parse(text.read_text(), p4i.P4Info()) == info
    assert p4i.P4Info.FromString(binary.read_bytes()) == info
    assert json_format.Parse(as_json.read_text(), p4i.P4Info()) == info
    assert "ss_program_main" in source.read_text()


@pytest.mark.parametrize("command", [["compile"], ["run"]])
def test_a_wrong_program_is_shown_with_its_place(
    command: list[str], bad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, str(bad)]) == 2
    error = capsys.readouterr().err.splitlines()
    line = 1 + bad.read_text().split("prot;")[0].count("\n")
    assert error[0].startswith(f"{bad}:{line}:") and "error:" in error[0]
    assert "std.egress_spec = prot;" in error[1] and "^" in error[2]


# ---- what is refused ----


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "give a program, or --no-p4"),
        (["--no-p4", "-i", "1@lo", "-i", "1@eth0"], "port 1 is given twice"),
        (["--no-p4", "--device-id", "-1"], "--device-id -1 is negative"),
        (["--no-p4", "--grpc-server-ssl"], "needs --grpc-server-cert"),
        (["--no-p4", "--grpc-server-with-client-auth"], "need --grpc-server-ssl"),
        (["--no-p4", "-i", "1@no-such-if"], "no-such-if"),
        (["--no-p4", "--grpc-server-addr", "unix:/no/such/folder/s"], "no such folder: /no/such/folder"),
        (["--no-p4", "--grpc-server-addr", "nonsense"], "can't listen on nonsense"),
        (["missing.p4"], "missing.p4"),
    ],
)
def test_errors_of_use_are_one_line_and_code_2(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "-i" in arguments and os.geteuid() != 0:
        pytest.skip("needs root")
    assert main(["run", *arguments]) == 2
    error = capsys.readouterr().err
    assert reason in error and error.count("\n") == 1


def test_arguments_that_do_not_parse(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["run", "--no-p4", "-i", "eth0"], ["run", "--cpu-port", "512"], ["fly"], []):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    assert "PORT@INTERFACE" in capsys.readouterr().err


def test_an_address_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(path))
        taken.listen()
        assert main(["run", "--no-p4", "--grpc-server-addr", f"unix:{path}"]) == 2
    assert f"can't listen on unix:{path}: address already in use" in capsys.readouterr().err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["run", "--no-p4", "--grpc-server-addr", address]) == 2
    assert f"can't listen on {address}: address already in use" in capsys.readouterr().err


def test_no_c_compiler(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert main(["compile", str(EVERYTHING)]) == 2
    error = capsys.readouterr().err
    assert "no C compiler" in error and error.count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="drops its rights, so needs some")
def test_without_root() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 65534, 65534)

        def as_nobody(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, *arguments],
                user=65534,
                group=65534,
                extra_groups=[],
                env={**os.environ, "STATE4_CACHE": folder},
                cwd=Path(__file__).parents[2],
                capture_output=True,
                text=True,
            )

        if as_nobody("-c", "import softswitch.dataplane.switch").returncode != 0:
            pytest.skip("the checkout can't be read by everybody")
        done = as_nobody("-m", "softswitch", "run", "--no-p4", "-i", "1@lo")
    assert done.returncode == 2
    assert "needs root" in done.stderr and done.stderr.count("\n") == 1


# ---- the daemon's life ----


def test_it_tells_that_it_is_ready_and_cleans_up(tmp_path: Path) -> None:
    ready, path = tmp_path / "ready", tmp_path / "s.sock"
    arguments = [
        str(EVERYTHING),
        "--grpc-server-addr",
        f"unix:{path}",
        "--ready-file",
        str(ready),
        "--",
        "--cpu-port",
        "510",
    ]
    with daemon(*arguments) as process:
        assert ready.read_text() == f"{process.pid}\n"
        with Controller(f"unix:{path}", 1) as c:
            assert c.p4info.pkg_info.name == "everything"
            assert json.loads(c.get_config().p4_device_config)["main"] == "everything.p4"
    assert process.returncode == 0
    assert not path.exists() and not ready.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_with_code_0(tmp_path: Path, number: signal.Signals) -> None:
    with daemon("--no-p4", "--device-id", "7", "--grpc-server-addr", f"unix:{tmp_path}/s") as process:
        process.send_signal(number)
        assert process.wait(20) == 0


def test_a_socket_that_a_crash_left_behind_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with daemon("--no-p4", "--grpc-server-addr", f"unix:{path}") as process:
        process.kill()
        process.wait(20)
    assert path.exists()
    with daemon("--no-p4", "--grpc-server-addr", f"unix:{path}"):
        pass
    assert not path.exists()


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    script = f"""
import subprocess, sys, time
p = subprocess.Popen([sys.executable, "-m", "softswitch", "run", "--no-p4", "--parent-death",
                      "--grpc-server-addr", "unix:{tmp_path}/s"], stdout=subprocess.PIPE)
p.stdout.readline()
print(p.pid, flush=True)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    pid = int(done.stdout)
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            break
        if state == "Z":
            break
        signal.sigtimedwait([], 0.05)
    else:
        os.kill(pid, signal.SIGKILL)
        pytest.fail("the daemon outlived its parent")


# ---- TLS ----


def certificate(folder: Path, name: str, issuer: str | None = None) -> tuple[Path, Path]:
    """A key and its certificate, self-signed or signed by an issuer made before."""
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(cert), "-subj", f"/CN={name}", "-days", "2"]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    if issuer is not None:
        command += ["-CA", str(folder / f"{issuer}.pem"), "-CAkey", str(folder / f"{issuer}.key")]
    subprocess.run(command, check=True, capture_output=True)
    return key, cert


def handshake(address: str, newest: ssl.TLSVersion, key: Path, cert: Path) -> str | None:
    """The TLS version negotiated with a client that supports no newer one and does not verify the server."""
    host, port = address.split(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(cert, key)
    context.set_ciphers("ALL:@SECLEVEL=0")  # or OpenSSL itself would refuse the old ones
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
    with socket.create_connection((host, int(port)), timeout=10) as plain, context.wrap_socket(plain) as connection:
        return connection.version()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates with openssl")
@pytest.mark.parametrize("mutual", [False, True])
def test_tls(tmp_path: Path, mutual: bool) -> None:
    authority = certificate(tmp_path, "authority")[1].read_bytes()
    server_key, server_cert = certificate(tmp_path, "server", "authority")
    client_key, client_cert = certificate(tmp_path, "client", "authority")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"localhost:{free.getsockname()[1]}"
    arguments = ["--no-p4", "--grpc-server-addr", address, "--grpc-server-ssl"]
    arguments += ["--grpc-server-cert", str(server_cert), "--grpc-server-key", str(server_key)]
    if mutual:
        arguments += ["--grpc-server-cacert", str(tmp_path / "authority.pem"), "--grpc-server-with-client-auth"]

    def version(credentials: grpc.ChannelCredentials) -> str:
        with grpc.secure_channel(address, credentials) as channel:
            stub = p4r_grpc.P4RuntimeStub(channel)
            return str(stub.Capabilities(p4r.CapabilitiesRequest(), timeout=10).p4runtime_api_version)

    stats = ["stats", address, "--json", "--grpc-ssl", "--grpc-cacert", str(tmp_path / "authority.pem")]
    ours = ["--grpc-cert", str(client_cert), "--grpc-key", str(client_key)]
    with daemon(*arguments):
        assert main([*stats, *ours]) == 0
        assert main(stats) == (2 if mutual else 0)
        assert main(["stats", address]) == 2
        known = grpc.ssl_channel_credentials(authority, client_key.read_bytes(), client_cert.read_bytes())
        assert version(known)
        assert handshake(address, ssl.TLSVersion.TLSv1_2, client_key, client_cert) == "TLSv1.2"
        with pytest.raises(OSError):  # ssl.SSLError, or the connection is closed
            handshake(address, ssl.TLSVersion.TLSv1_1, client_key, client_cert)
        if mutual:
            with pytest.raises(grpc.RpcError):
                version(grpc.ssl_channel_credentials(authority))
        else:
            assert version(grpc.ssl_channel_credentials(authority))
    assert DEVICE == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--grpc-cacert", "ca.pem"], "need --grpc-ssl"),
        (["--grpc-ssl", "--grpc-key", "our.key"], "must be given together"),
        (["--grpc-ssl", "--grpc-cacert", "/nowhere/ca.pem"], "/nowhere/ca.pem: No such file"),
        (["unix:/nowhere/s", "--grpc-ssl"], "Unix sockets do not use TLS"),
    ],
)
def test_wrong_tls_flags_of_stats(flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", *flags]) == 2
    assert message in capsys.readouterr().err


def test_a_refused_run_leaves_the_signals_to_the_caller(bad: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert main(["run", str(bad)]) == 2
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "10.0.0.1", "127.example.org", ""])
def test_what_others_may_reach(host: str) -> None:
    assert not is_loopback(host)
