"""The parsers and controls of the package, each with the actions and digests that it has for the control plane."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from p4front.elaborate import live
from p4front.elaborate.names import type_name
from p4front.elaborate.objects import Action, Instance, Item, Table
from p4front.elaborate.scope import Scope
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import StructType, Type


@dataclass(frozen=True)
class Digest:
    """A message to the control plane, known by the name of its struct."""

    name: str
    type: Type


@dataclass(eq=False)
class Block:
    """One parser or control of the package with all that is inside. `actions`: those that tables offer or the apply
    blocks call, global ones first. `digests`: those of each action, then of the body, in order."""

    instance: Instance
    actions: list[Action] = field(default_factory=list)
    digests: list[Digest] = field(default_factory=list)
    calls_extern_functions: bool = False

    @property
    def role(self) -> str:
        """The parameter of the package that it is given for."""
        return self.instance.role

    def items(self) -> Iterator[Item]:
        """Its objects in p4c's order of declaration."""
        return self.instance.items()


class DigestNames:
    """Digests of unnamed types are numbered in the order of their calls."""

    def __init__(self) -> None:
        self._unnamed: dict[ast.Node | None, str] = {}

    def name(self, call: CallInfo, type_: Type) -> str:
        """The name of the digest that `call` sends, of a value of `type_`."""
        if isinstance(type_, StructType) and type_.decl is not None:
            return type_name(type_)
        return self._unnamed.setdefault(call.args[0].expr, f"digest_{len(self._unnamed)}")


def build_block(instance: Instance, names: DigestNames) -> Block:
    """What the control plane sees of one parser or control of the package."""
    program = instance.scope.program
    block = Block(instance)
    calls = list(_body_calls(instance))
    block.actions = _actions(instance, calls)
    called = [call for call, _ in calls]
    for action in block.actions:
        nodes = list(live.body(action.scope, action.decl))
        called += [program.calls[n] for n in nodes if n in program.calls]
        for node in nodes:
            if node in program.calls:
                block.digests += _digests(program.calls[node], action.scope, names, {action.decl})
    for call, scope in calls:
        block.digests += _digests(call, scope, names, set())
    block.calls_extern_functions = any(call.kind == "extern_function" for call in called)
    return block


def _body_calls(instance: Instance) -> Iterator[tuple[CallInfo, Scope]]:
    """The calls in the bodies of an instance and of those inside, innermost first."""
    calls = instance.scope.program.calls
    for part in instance.parts:
        if isinstance(part, Instance):
            yield from _body_calls(part)
    yield from ((calls[node], instance.scope) for node in instance.body if node in calls)


def _actions(instance: Instance, calls: list[tuple[CallInfo, Scope]]) -> list[Action]:
    """Actions in use: global ones in order of use, those of tables first, then local ones in order of declaration."""
    used: dict[Action, None] = {}
    for item in instance.items():
        if isinstance(item, Table):
            used.update(dict.fromkeys(item.actions))
    for call, scope in calls:
        action = scope.object_of(call.decl) if call.kind == "action" else None
        if isinstance(action, Action):
            used.setdefault(action)
    local = [item for item in instance.items() if isinstance(item, Action)]
    own = set(local)
    return [a for a in used if a not in own] + [a for a in local if a in used]


def _digests(call: CallInfo, scope: Scope, names: DigestNames, seen: set[ast.Node]) -> Iterator[Digest]:
    """Digests that a call sends, itself or by the functions that it calls; inside of actions also by other actions.
    `seen`: the actions and functions that were looked into for this call; each is once, since calls can double."""
    program = scope.program
    if call.kind == "extern_function" and call.name == "digest":
        type_ = scope.type(call.type_args[0])
        yield Digest(names.name(call, type_), type_)
        return
    decl = call.decl
    if decl in seen:
        return
    if isinstance(decl, ast.FunctionDecl) or (seen and isinstance(decl, ast.ActionDecl)):
        seen.add(decl)
        for node in live.body(scope, decl):
            if node in program.calls:
                yield from _digests(program.calls[node], scope, names, seen)
