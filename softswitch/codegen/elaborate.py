"""Elaboration: instances of parsers, controls and externs, from the declarations that make them (18.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4front.program import CallInfo, ConstValue
from p4front.syntax import ast
from p4front.types.types import ObjectType, Type, TypeVar
from softswitch.build.model import CounterInfo, ProfileInfo, RegisterInfo, cell_bytes
from softswitch.codegen.controls import controls
from softswitch.codegen.env import Constant, Env, ExternObject
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import consteval
from softswitch.codegen.names import join_name
from softswitch.codegen.parsers import parsers
from softswitch.codegen.values.layout import is_signed, scalar_width

if TYPE_CHECKING:
    from softswitch.codegen.generator import Generator

MAX_CELLS = 1 << 28
"""Most cells of one register, counter or meter array."""

MAX_BYTES = 1 << 30
"""Most bytes of one register array."""

HASHES = ("crc32", "crc32_custom", "crc16", "crc16_custom", "random", "identity", "csum16", "xor16")


def bind_constant(gen: Generator, env: Env, decl: ast.ConstantDecl) -> None:
    """A constant; one whose value is not known at compile time cannot exist (10.4)."""
    value = consteval.evaluate(gen, env, decl.value)
    if value is None:
        raise refuse(decl.value.span, "the value of a constant must be known at compile time")
    env.bind(decl, Constant(value, env.resolve(gen.program.declared[decl])))


def instantiate(gen: Generator, env: Env, decl: ast.Instantiation, prefix: str) -> object:
    """The instance that a declaration makes, named inside `prefix`."""
    name = join_name(prefix, decl.name.text, decl.annotations)
    if decl.initializer is not None:
        raise refuse(decl.initializer.span, "abstract methods are not part of v1model")
    info = gen.program.calls.get(decl)
    if info is None:
        raise refuse(decl.span, "this instance is not supported")
    return _build(gen, env, info, gen.program.declared.get(decl), name, decl)


def construct(gen: Generator, env: Env, expr: ast.Call, name: str) -> object:
    """The nameless instance that a constructor call makes; it is given a name."""
    info = gen.program.calls.get(expr)
    if info is None or info.kind != "constructor":
        raise refuse(expr.span, "a constructor call is needed here")
    return _build(gen, env, info, gen.program.types.get(expr), name, expr)


def direct_instance(gen: Generator, env: Env, statement: ast.DirectApply, prefix: str) -> object:
    """The instance of `C.apply()`, named after its type; made once per place and enclosing instance."""
    info = gen.program.calls[statement]
    decl = info.decl
    known = env.lookup(statement)
    if known is not None:
        return known
    if not isinstance(decl, (ast.ControlDecl, ast.ParserDecl)):
        raise refuse(statement.span, "only parsers and controls can be applied by their type")
    name = join_name(prefix, decl.name.text, [])
    type_args = tuple(env.resolve(t) for t in info.type_args)
    instance = _instance(gen, decl, name, type_args, {}, statement)
    env.bind(statement, instance)
    return instance


def _build(gen: Generator, env: Env, info: CallInfo, declared: Type | None, name: str, where: ast.Node) -> object:
    object_type = env.resolve(declared) if declared is not None else None
    type_args = tuple(env.resolve(t) for t in info.type_args)
    if isinstance(object_type, ObjectType):
        type_args = object_type.args or type_args
    decl = info.decl
    if isinstance(object_type, ObjectType) and isinstance(
        object_type.decl, (ast.ExternDecl, ast.ControlDecl, ast.ParserDecl)
    ):
        decl = object_type.decl
    values: dict[str, object] = {}
    for arg in info.args:
        expr = arg.expr if arg.expr is not None else arg.default
        if expr is None:
            raise refuse(where.span, f"argument {arg.param_name} is missing")
        values[arg.param_name] = _argument(gen, env, expr, f"{name}.{arg.param_name}")
    if isinstance(decl, ast.ExternDecl):
        return _extern(gen, decl, name, type_args, values, where)
    if isinstance(decl, (ast.ControlDecl, ast.ParserDecl)):
        return _instance(gen, decl, name, type_args, values, where)
    raise refuse(where.span, f"an instance of {info.name} is not supported here")


def _argument(gen: Generator, env: Env, expr: ast.Expr, name: str) -> object:
    """A constructor's argument: a constant, or another instance."""
    value = consteval.evaluate(gen, env, expr)
    if value is not None:
        return value
    if isinstance(expr, ast.PathExpr):
        decl = gen.program.refs.get(expr)
        found = env.lookup(decl) if decl is not None else None
        if found is not None:
            return found
    if isinstance(expr, ast.Call):
        return construct(gen, env, expr, name)
    raise refuse(expr.span, "an argument of a constructor must be known at compile time")


def _instance(
    gen: Generator,
    decl: ast.ControlDecl | ast.ParserDecl,
    name: str,
    type_args: tuple[Type, ...],
    values: dict[str, object],
    where: ast.Node,
) -> object:
    bound = {TypeVar(p.name.text, p): a for p, a in zip(decl.type_params, type_args, strict=False)}
    env = Env(gen.env, bound)
    controls.bind_constructor(gen, env, decl.constructor_params, values, where)
    with gen.nesting(decl, where):
        if isinstance(decl, ast.ControlDecl):
            instance: controls.ControlInstance | parsers.ParserInstance = controls.ControlInstance(gen, decl, name, env)
        else:
            instance = parsers.ParserInstance(gen, decl, name, env)
    return instance


def _extern(
    gen: Generator,
    decl: ast.ExternDecl,
    name: str,
    type_args: tuple[Type, ...],
    values: dict[str, object],
    where: ast.Node,
) -> ExternObject:
    kind = decl.name.text
    constants: dict[str, ConstValue] = {
        key: value for key, value in values.items() if isinstance(value, (int, bool, str, tuple, dict))
    }
    obj = ExternObject(kind, name, decl, -1, type_args, constants)
    if kind in ("register", "counter", "meter", "direct_counter", "direct_meter"):
        gen.claim(kind.replace("_", " "), name, where)
    elif kind in ("action_profile", "action_selector"):
        gen.claim("action profile", name, where)
    if kind == "register":
        obj.index = len(gen.registers)
        width = _cell_width(gen, type_args[0], where)
        cells = _cells(constants.get("size"), where)
        if cells * cell_bytes(width) > MAX_BYTES:
            raise refuse(where.span, f"a register takes at most {MAX_BYTES} bytes")
        signed = is_signed(type_args[0])
        leaves = tuple(scalar_width(leaf.type) or 0 for leaf in gen.layout.leaves("", type_args[0]))
        info = RegisterInfo(name, obj.index, cells, width, signed, cell_bytes(width), leaves if len(leaves) > 1 else ())
        gen.registers.append(info)
    elif kind in ("counter", "meter"):
        infos = gen.counters if kind == "counter" else gen.meters
        obj.index = len(infos)
        infos.append(CounterInfo(name, obj.index, _cells(constants.get("size"), where), kind_number(obj)))
    elif kind in ("action_profile", "action_selector"):
        obj.index = len(gen.profiles)
        size = _cells(constants.get("size"), where)
        gen.profiles.append(ProfileInfo(name, obj.index, size, kind == "action_selector"))
        gen.profile_objects.append(obj)
    elif kind not in ("direct_counter", "direct_meter", "Checksum16"):
        raise refuse(where.span, f"extern {kind} is not part of v1model")
    return obj


def _cell_width(gen: Generator, type_: Type, where: ast.Node) -> int:
    """Bits of a register's cell."""
    width = scalar_width(type_)
    if width is None:
        leaves = list(gen.layout.leaves("", type_))
        sizes = [scalar_width(leaf.type) for leaf in leaves]
        if not sizes or any(size is None for size in sizes):
            raise refuse(where.span, f"a register cannot hold values of type {type_}")
        width = sum(size for size in sizes if size is not None)
    if width == 0:
        raise refuse(where.span, "a register's cell needs at least one bit")
    gen.layout.need_limbs(width)
    return width


def _cells(size: ConstValue | None, where: ast.Node) -> int:
    if not isinstance(size, int) or not 0 <= size <= MAX_CELLS:
        raise refuse(where.span, f"the size must be a compile-time integer from 0 to {MAX_CELLS}")
    return size


def kind_number(obj: ExternObject | None) -> int:
    """CounterType or MeterType as a number: 0 packets, 1 bytes, 2 both."""
    value = obj.args.get("type") if obj is not None else None
    member = value.rsplit(".", 1)[-1] if isinstance(value, str) else "packets"
    return {"packets": 0, "bytes": 1, "packets_and_bytes": 2}.get(member, 0)


def hash_name(value: ConstValue | None) -> str:
    """The algorithm behind a HashAlgorithm constant."""
    member = value.rsplit(".", 1)[-1] if isinstance(value, str) else ""
    return member if member in HASHES else "crc16"


def hash_call(algorithm: str, data: str, length: str, more: str = "") -> str:
    """The hash of bytes as a C expression of type uint64_t. `more`: bytes that follow, as "pointer, length"."""
    if algorithm == "random":
        return "ss_random(0, UINT64_MAX)"
    name = algorithm.removesuffix("_custom")  # the custom polynomials begin as the standard ones
    if more:
        return f"((uint64_t)ss_{name}_joined({data}, {length}, {more}))"
    return f"((uint64_t)ss_{name}({data}, {length}))"
