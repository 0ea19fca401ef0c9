"""Programs that need much stack: those that fit run in every thread that runs packets, all others are rejected."""

from __future__ import annotations

import itertools
import resource
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from p4front.text.source import P4Error
from softswitch.build.cc import build_with_stack_usage
from softswitch.build.program import STACK_FLAGS, compile_text
from softswitch.build.stack import MAX_STACK_BYTES, stack_use
from softswitch.dataplane.interface import interface
from tests.switch.controller import DEVICE, Config, Controller, Running, body, frame
from tests.switch.scene import program

FIELDS, WIDTH = 512, 2048
"""128 KiB in one value."""
FITS, TOO_DEEP = 16, 60
PASSES = 40
"""More than run before the data-plane thread goes on."""


def nested(depth: int) -> str:
    """Functions that call each other, each with a large value of its own that lives until it returns. Every packet goes
    round `PASSES` times, counted in c; the result is in b."""
    text = f"struct big {{ {' '.join(f'bit<{WIDTH}> f{i};' for i in range(FIELDS))} }}\n"
    for i in range(depth):
        inner = f"x = g{i - 1}(x);" if i else ""
        text += (
            f"big g{i}(in big a) {{ big x = a; x.f{i} = x.f{i} + 1; {inner} x.f0 = x.f0 + a.f{i + 1}; return x; }}\n"
        )
    return program(
        declarations=text,
        ingress=f"big y; y.f0 = 5; y = g{depth - 1}(y); hdr.h.b = (bit<8>)y.f0; hdr.h.c = hdr.h.c + 1;",
        egress=f"if (hdr.h.c < {PASSES}) {{ recirculate_preserving_field_list(0); }}",
    )


def test_a_program_that_just_fits_is_accepted_and_the_next_is_not() -> None:
    """The bound grows with the depth, so the last program that is accepted is near it."""
    accepted = []
    for depth in itertools.count(FITS, 4):
        try:
            compile_text(nested(depth), "nested.p4")
        except P4Error as error:
            assert f"bytes of stack, more than {MAX_STACK_BYTES}" in str(error)
            assert "nest fewer calls" in str(error)
            break
        accepted.append(depth)
    assert accepted
    in_small_threads(accepted[-1], io_threads=1)
    in_small_threads(accepted[-1], io_threads=2)


RUN = """
import sys
from softswitch.build.program import compile_text
from softswitch.dataplane.switch import Switch
from tests.switch.hostile.test_stack import PASSES, nested
depth, io_threads = map(int, sys.argv[1:])
with Switch(io_threads=io_threads) as switch:
    for port in range(4):
        switch.add_memory_port(port)
    switch.commit(switch.load(compile_text(nested(depth), "nested.p4")))
    wanted = bytes((1, 5 + depth, PASSES, 4))
    ((port, sent),) = switch.inject(0, bytes((1, 2, PASSES - 1, 4)))
    assert (port, sent) == (1, wanted), sent.hex()
    switch.submit(0, bytes((1, 2, PASSES - 1, 4)))
    assert switch.take(1) == wanted
    switch.start()
    switch.submit(0, bytes((1, 2, 0, 4)))
    while (sent := switch.take(1)) is None:
        pass
    assert sent == wanted, sent.hex()
"""


def in_small_threads(depth: int, *, io_threads: int) -> None:
    """Runs the program in a process whose threads have 512 KiB of stack, unless they are given more."""
    small = 512 << 10

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_STACK, (small, small))

    command = [sys.executable, "-c", RUN, str(depth), str(io_threads)]
    done = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stderr}"


def test_a_pushed_program_that_needs_more_is_rejected_and_the_running_one_forwards(
    running: Running, c: Controller
) -> None:
    for action in (Config.VERIFY, Config.VERIFY_AND_SAVE, Config.VERIFY_AND_COMMIT):
        request = Config(device_id=DEVICE, action=action)
        request.election_id.low = c.election or 0
        request.config.p4_device_config = nested(TOO_DEEP).encode()
        with pytest.raises(grpc.RpcError) as caught:
            c.stub.SetForwardingPipelineConfig(request)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "bytes of stack" in caught.value.details()
        assert running.switch.inject(1, frame(0x800, body(1)))


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        (
            "stacks",
            {
                "headers": "h_t[12000] s;",
                "deparser": "packet.emit(hdr.h);",
                "ingress": "headers_t x = hdr; x.s[hdr.h.a].b = 1; hdr = x;",
            },
        ),
        ("values", {"ingress": "bit<8> x = hdr.h.a;", "declarations": "struct t { bit<2048> a; }"}),
    ],
)
def test_large_copies_in_a_control_count(tmp_path: Path, what: str, parts: dict[str, str]) -> None:
    """A header stack is copied, or there is nothing large."""
    compiled = compile_text(program(**parts), f"{what}.p4")
    source = compiled.c_path
    usage = build_with_stack_usage(source, tmp_path / "x.so", flags=("-O2", "-w", *STACK_FLAGS))
    assert (stack_use(source.read_text(), usage).total > 50_000) == (what == "stacks")


def test_the_bound_is_what_threads_have() -> None:
    assert interface().constants["SS_PROGRAM_STACK"] == MAX_STACK_BYTES


SOURCE = """
static void helper(struct ss_x *x)
{
    text("helper2(", x); /* outer() */
}

static void other(struct ss_x *x)
{
}

static uint32_t inner(struct ss_x *x,
                      uint32_t y)
{
    helper(x);
    other(x);
}

static void outer(struct ss_x *x)
{
    inner(x, 1);
    other(x);
}
"""


def test_the_deepest_chain_of_calls_counts() -> None:
    use = stack_use(
        SOURCE,
        "a:b/p.c:1:1:helper.part.0\t30\tstatic\np.c:1:1:helper\t20\tstatic\np.c:9:9:inner.constprop.0\t7\tstatic\n"
        "p.c:9:9:inner.constprop.1\t5\tstatic\np.c:1:1:other\t49\tdynamic,bounded\nh.h:1:1:inlined_not\t1000\tstatic\n",
    )
    assert use.total == 30 + 20 + 7 + 1000
    assert [name for name, _ in use.frames] == ["inner", "helper", "the runtime's headers"]
