"""Files for --map: what can be written in them, how mistakes are reported, and how cells and entries are converted."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from finsy.proto import p4i, p4r
from hypothesis import given
from hypothesis import strategies as st

from p4front.load import load_text
from p4front.p4info import build_p4info
from state4.errors import BadMap, PlanRefused
from state4.plan.carried import Carried
from state4.plan.compare import make_plan
from state4.plan.conversion import Conversion, limits
from state4.plan.state_map import ActionChange, StateMap, TableChange, load_map, parse_map
from state4.plan.translator import Translator
from state4.values import RegisterSpec
from tests.state4_programs import program

FULL = """
[names]
"MyIngress.flows" = "MyIngress.streams"

[[register]]
old = "MyIngress.a"
scale = "1/8"
overflow = "saturate"
first = 2
count = 4
stride = 3
offset = 5
initial = 9

[[table]]
old = "MyIngress.t"
new = "MyIngress.u"
keys = { "x" = "y" }
drop_keys = ["z"]
add_keys = { "v" = 5, "w" = "*" }

[[action]]
old = "MyIngress.set"
params = { p = "port" }
drop_params = ["q"]
add_params = { class = 3 }

[[action]]
old = "MyIngress.gone"
drop = true
"""


def test_everything_that_can_be_written() -> None:
    found = parse_map(FULL, "my.map")
    assert found.names == {"MyIngress.flows": "MyIngress.streams", "MyIngress.t": "MyIngress.u"}
    assert found.registers == {"MyIngress.a": Conversion(Fraction(1, 8), True, 2, 4, 3, 5, 9)}
    assert found.tables == {"MyIngress.t": TableChange({"x": "y"}, ("z",), {"v": 5, "w": None})}
    assert found.actions["MyIngress.set"] == ActionChange({"p": "port"}, ("q",), {"class": 3})
    assert found.actions["MyIngress.gone"].left_behind
    assert found.place("MyIngress.t") == "my.map:15: table 1 (MyIngress.t)"


def test_json_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "map.json").write_text(json.dumps({"register": [{"old": "a", "new": "b", "scale": 2}]}))
    found = load_map(tmp_path / "map.json")
    assert (found.names, found.registers["a"].scale) == ({"a": "b"}, 2)
    (tmp_path / "names.json").write_text('{"a": "b"}')
    assert load_map(tmp_path / "names.json").names == {"a": "b"}
    assert parse_map('a = "b"\n', "f").names == {"a": "b"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[names\n", r"^f: not a TOML file: .*line 1"),
        ("[[registers]]\n", "^f: 'registers' is not a known key; known are action, names, register, table"),
        ("[register]\nold = 'a'\n", r"^f: register: write \[\[register\]\]"),
        ("\n[[register]]\nnew = 'a'\n", "^f:2: register 1: old = .* is missing"),
        ("[[register]]\nold = 'a'\nwide = 1\n", r"^f:1: register 1 \(a\): 'wide' is not a known key"),
        ("[[register]]\nold = 'a'\n[[register]]\nold = 'a'\n", r"^f:3: register 2 \(a\): listed twice"),
        ("[[register]]\nold = 'a'\noverflow = 'wrap'\n", r"^f:1: register 1 \(a\): overflow is"),
        ("[[register]]\nold = 'a'\nscale = 'x'\n", "scale is a number, or a fraction"),
        ("[[register]]\nold = 'a'\nscale = 0\n", "scale must be above 0"),
        ("[[register]]\nold = 'a'\nscale = '1/0'\n", r"^f:1: register 1 \(a\): "),
        ("[[register]]\nold = 'a'\nstride = 0\n", "stride must be a whole number from 1 on"),
        ("[[table]]\nold = 'a'\nadd_keys = { x = 'y' }\n", r"add_keys: x is a number, or \"\*\""),
        ("[[table]]\nold = 'a'\ndrop_keys = 'x'\n", "drop_keys must be a list of names, not 'x'"),
        ("[[action]]\nold = 'a'\nadd_params = { x = -1 }\n", "add_params: x must be a number from 0 on, not -1"),
        ("[[action]]\nold = 'a'\ndrop = 1\n", "drop must be true or false, not 1"),
        ("[names]\na = 'b'\n[[table]]\nold = 'a'\nnew = 'c'\n", "new is 'c', but .names. has 'b'; give one of them"),
        ("[[table]]\nold = 'a'\nnew = 1\n", "new must be a name, not 1"),
    ],
)
def test_mistakes_have_a_place(text: str, message: str) -> None:
    with pytest.raises(BadMap, match=message):
        parse_map(text, "f")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadMap, match="No such file"):
        load_map(tmp_path / "none.toml")
    (tmp_path / "bad.json").write_text('{"a": \n 1,}')
    with pytest.raises(BadMap, match=r"bad\.json:2:\d+: not a JSON file"):
        load_map(tmp_path / "bad.json")


# ---------------------------------------------------------------- registers


def spec(cells: int, width: int, signed: bool = False) -> RegisterSpec:
    return RegisterSpec("r", cells, width, signed)


specs = st.builds(spec, st.integers(1, 20), st.integers(1, 100), st.booleans())
conversions = st.builds(
    Conversion,
    st.builds(Fraction, st.integers(1, 1 << 20), st.integers(1, 1000)),
    st.booleans(),
    st.integers(0, 5),
    st.none() | st.integers(1, 10),
    st.integers(1, 4),
    st.integers(0, 10),
    st.just(0),
)


def converted(number: int, conversion: Conversion, new: RegisterSpec) -> int:
    number = number * conversion.scale.numerator // conversion.scale.denominator
    low, high = limits(new)
    if conversion.saturate:
        return min(max(number, low), high)
    return (number - low) % (1 << new.width) + low


@given(specs, specs, conversions, st.data())
def test_every_cell_is_where_it_belongs(
    old: RegisterSpec, new: RegisterSpec, conversion: Conversion, data: st.DataObject
) -> None:
    numbers = data.draw(st.lists(st.integers(*limits(old)), min_size=old.cells, max_size=old.cells))
    wanted = [0] * new.cells
    for index in range(conversion.first, min(old.cells, conversion.first + (conversion.count or old.cells))):
        place = conversion.stride * (index - conversion.first) + conversion.offset
        if place < new.cells:
            wanted[place] = converted(numbers[index], conversion, new)
    found = conversion.contents(old.from_integers(numbers), old, new)
    assert new.integers(found) == wanted


@given(specs, specs, conversions, st.data())
def test_an_update_is_converted_as_the_bulk_is(
    old: RegisterSpec, new: RegisterSpec, conversion: Conversion, data: st.DataObject
) -> None:
    """Reading, updating and converting is the same as converting, then updating."""
    item = Carried(old, new, conversion)
    cells = st.lists(st.integers(*limits(old)), min_size=old.cells, max_size=old.cells)
    values = old.from_integers(data.draw(cells))
    indices = np.array(sorted(data.draw(st.sets(st.integers(0, old.cells - 1)))), np.uint64)
    fresh = old.from_integers(data.draw(cells))[indices.astype(np.intp)]
    found = item.contents(values)
    places, written = item.cells(indices, fresh)
    found[places.astype(np.intp)] = written
    values[indices.astype(np.intp)] = fresh
    assert np.array_equal(found, item.contents(values))


@given(specs, specs, conversions, st.data())
def test_what_loses_nothing_can_be_distinguished(
    old: RegisterSpec, new: RegisterSpec, conversion: Conversion, data: st.DataObject
) -> None:
    if conversion.loses(old, new):
        return
    cells = st.lists(st.integers(*limits(old)), min_size=old.cells, max_size=old.cells)
    one, other = (old.from_integers(data.draw(cells)) for _ in range(2))
    same = np.array_equal(conversion.contents(one, old, new), conversion.contents(other, old, new))
    assert same == np.array_equal(one, other)


@pytest.mark.parametrize(
    ("old", "new", "conversion", "loss"),
    [
        (spec(4, 8), spec(4, 8), Conversion(), ""),
        (spec(4, 8), spec(4, 4), Conversion(saturate=True), "values outside 0 to 15"),
        (spec(4, 8), spec(4, 4), Conversion(Fraction(1, 16)), "what rounding loses"),
        (spec(4, 8), spec(4, 9), Conversion(Fraction(2)), ""),
        (spec(4, 8), spec(4, 8), Conversion(Fraction(2)), "values outside 0 to 255"),
        (spec(4, 8), spec(6, 8), Conversion(offset=2), ""),
        (spec(4, 8), spec(6, 8), Conversion(stride=2), "1 of 4 cells"),
        (spec(4, 8), spec(4, 8), Conversion(first=1), "1 of 4 cells"),
        (spec(4, 8, True), spec(4, 8), Conversion(), "values outside 0 to 255"),
    ],
)
def test_what_a_conversion_loses(old: RegisterSpec, new: RegisterSpec, conversion: Conversion, loss: str) -> None:
    found = conversion.loses(old, new)
    assert found.startswith(loss)
    assert bool(found) == bool(loss)


# ---------------------------------------------------------------- programs

PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
OLD_BODY = """
    register<bit<16>>(8) a;
    action set(bit<9> port, bit<4> queue) { standard_metadata.egress_spec = port; }
    action other() { }
    table t {
        key = { hdr.request.op: exact @name("op"); hdr.request.cell: ternary @name("cell"); }
        actions = { set; other; NoAction; }
    }
"""
NEW_BODY = """
    register<bit<8>>(16) b;
    action forward(bit<9> out_port, bit<3> class) { standard_metadata.egress_spec = out_port; }
    table u {
        key = {
            hdr.request.op: exact @name("kind");
            hdr.request.amount: exact @name("amount");
            hdr.request.value: lpm @name("value");
        }
        actions = { forward; NoAction; }
    }
"""
MAP = """
[[register]]
old = "MyIngress.a"
new = "MyIngress.b"
scale = "1/256"
offset = 8

[[table]]
old = "MyIngress.t"
new = "MyIngress.u"
keys = { op = "kind" }
drop_keys = ["cell"]
add_keys = { amount = 7, value = "*" }

[[action]]
old = "MyIngress.set"
new = "MyIngress.forward"
params = { port = "out_port" }
drop_params = ["queue"]
add_params = { class = 5 }

[[action]]
old = "MyIngress.other"
drop = true
"""


def p4info(body: str, apply: str) -> p4i.P4Info:
    text = program(f"control MyIngress({PARAMS}) {{ {body} apply {{ {apply} }} }}\n")
    return build_p4info(load_text(text, Path("test.p4")))


OLD = p4info(OLD_BODY, "t.apply(); a.write(1, 2);")
NEW = p4info(NEW_BODY, "u.apply(); b.write(1, 2);")


def entry(op: int, cell: int, priority: int, action: str, **params: int) -> p4r.Entity:
    table = OLD.tables[0]
    found = next(a for a in OLD.actions if a.preamble.name.endswith(action))
    result = p4r.TableEntry(table_id=table.preamble.id, priority=priority)
    result.match.add(field_id=1).exact.value = bytes([op])
    ternary = result.match.add(field_id=2).ternary
    ternary.value, ternary.mask = bytes([cell]), b"\xff"
    result.action.action.action_id = found.preamble.id
    for param in found.params:
        result.action.action.params.add(param_id=param.id, value=bytes([params[param.name]]))
    return p4r.Entity(table_entry=result)


def test_entries_are_converted() -> None:
    translation = Translator(OLD, NEW, parse_map(MAP, "f")).translate(
        [
            entry(1, 2, 10, "set", port=3, queue=1),
            entry(1, 3, 20, "set", port=4, queue=1),
            entry(2, 3, 20, "set", port=5, queue=1),
            entry(3, 3, 20, "other"),
        ]
    )
    table, action = NEW.tables[0], next(a for a in NEW.actions if a.preamble.name.endswith("forward"))
    found = [update.entity.table_entry for update in translation.updates]
    assert [e.table_id for e in found] == [table.preamble.id] * 2
    assert all(e.priority == 0 for e in found)  # exact and lpm keys have none
    keys = [{table.match_fields[m.field_id - 1].name: m.exact.value for m in e.match} for e in found]
    assert {(k["kind"], k["amount"]) for k in keys} == {(b"\x01", b"\x07"), (b"\x02", b"\x07")}
    assert all(k.keys() == {"kind", "amount"} for k in keys)  # the lpm key is left open
    params = [{action.params[p.param_id - 1].name: p.value for p in e.action.action.params} for e in found]
    assert sorted(p["out_port"] for p in params) == [b"\x04", b"\x05"]  # of equals the one with the highest priority
    assert all(p["class"] == b"\x05" and p.keys() == {"out_port", "class"} for p in params)
    assert len(translation.left) == 2


def test_the_plan_says_what_is_converted_and_lost() -> None:
    plan = make_plan(OLD, NEW, state_map=parse_map(MAP, "f"))
    (register,) = plan.registers
    assert register.changes == (
        "renamed to MyIngress.b",
        "8 -> 16 cells",
        "16 -> 8 bits",
        "values times 1/256, rounded down",
        "cell i -> i + 8 for i from 0 to 7",
    )
    assert plan.tables == ("MyIngress.t",)
    assert plan.converted_tables == plan.tables
    (words,) = (component.why for component in plan.components if component.name == "MyIngress.t")
    for part in ("key field op -> kind", "key field cell goes", "amount = 7", "value = any", "port -> out_port"):
        assert part in words
    assert plan.losses == (
        "MyIngress.a loses what rounding loses after a multiplication by 1/256",
        "table MyIngress.t loses its key field cell",
        "table MyIngress.t loses parameter queue of action MyIngress.set",
        "table MyIngress.t loses its entries with action MyIngress.other",
    )
    with pytest.raises(PlanRefused, match="--allow-loss"):
        plan.check()
    assert make_plan(OLD, NEW).losses  # without the map nothing fits


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"MyIngress.b"', '"MyIngress.c"', "f:2: register 1 .*the new program has no component MyIngress.c"),
        ('old = "MyIngress.a"', 'old = "MyIngress.aa"', "the running program has no .* MyIngress.aa; did you mean"),
        ('op = "kind"', 'opp = "kind"', "table MyIngress.t has no key field opp; did you mean op"),
        ('op = "kind"', 'op = "sort"', "table MyIngress.u has no key field sort"),
        ("amount = 7", 'amount = "*"', "key field amount is exact"),
        ("amount = 7", "amount = 70000000000000", "does not fit the .* bits of key field amount"),
        ("class = 5", "class = 8", "8 does not fit the 3 bits of parameter class"),
        ('"queue"', '"queues"', "action MyIngress.set has no parameter queues"),
        ("offset = 8", "initial = 256", "initial must be 0 to 255, not 256"),
        ("offset = 8", "first = 8", "first is 8, but MyIngress.a has 8 cells"),
    ],
)
def test_a_map_that_does_not_fit_the_programs(old: str, new: str, message: str) -> None:
    assert MAP.count(old) == 1
    with pytest.raises(BadMap, match=message):
        make_plan(OLD, NEW, state_map=parse_map(MAP.replace(old, new), "f"))


def test_what_the_map_does_not_mention_still_has_to_fit() -> None:
    for left_out in ('drop_keys = ["cell"]', 'drop_params = ["queue"]', "add_params = { class = 5 }"):
        plan = make_plan(OLD, NEW, state_map=parse_map(MAP.replace(left_out, ""), "f"))
        assert plan.tables == ()


def test_an_empty_conversion_is_none() -> None:
    (register,) = make_plan(OLD, OLD, state_map=StateMap(registers={"MyIngress.a": Conversion()})).registers
    assert register.conversion is None


def test_the_example_of_the_documentation() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "state_maps.md"
    (example,) = re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)
    found = parse_map(example, "docs")
    assert found.registers["MyIngress.byte_reg"] == Conversion(Fraction(1, 1024), saturate=True, offset=16, count=1024)
    assert found.registers["MyIngress.flows"] == Conversion(members={"bytes": "octets"})
    assert found.tables.keys() == {"MyIngress.routes"}
    assert found.actions.keys() == {"MyIngress.set", "MyIngress.police"}
