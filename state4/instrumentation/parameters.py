"""How the state of a clone reaches every piece of code that writes a register.

The slots live in the user metadata. Code that has that metadata as an `inout` parameter uses it; other code on the way
to a write (functions, global actions, controls that get only headers) gets the slots as one more parameter, and every
call of it one more argument. In the same way, code that means different registers in different instances gets the
component number as a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from p4front.elaborate.contexts import Context, Contexts, Edge, enclosing_control
from p4front.elaborate.live import Code
from p4front.elaborate.objects import ExternObject, Instance
from p4front.elaborate.scope import Object
from p4front.program import CallInfo, Program
from p4front.syntax import ast
from p4front.text.source import Diagnostic, P4Error, SourceFile, Span
from p4front.types.types import StructType
from state4.instrumentation.edits import Edits, code_position, editable

Key = tuple[ast.Node, ...]
"""A register as seen from a piece of code: the instances on the way to it, then its declaration."""


@dataclass
class AddedParameters:
    """Adds parameters and arguments to `edits`. `roots`: the ingress and egress controls; `metadata`: their M, None
    if nobody needs the slots."""

    program: Program
    contexts: Contexts
    numbers: dict[ExternObject, int]
    metadata: StructType | None
    edits: Edits
    prefix: str
    number_bits: int
    _slots: list[Code] = field(default_factory=list)
    _numbers: dict[tuple[Code, Key], str] = field(default_factory=dict)
    _access: dict[Code, ast.Parameter | None] = field(default_factory=dict)

    # ------------------------------------------------------------ how code names state

    def slots(self, decl: Code, node: ast.Node) -> str:
        """The expression for the slots at `node`, inside of `decl`."""
        holder = self._holder(decl)
        param = self.access(holder)
        if param is not None:
            self._check_visible(node, holder, param.name.text)
            return f"{param.name.text}.{self.prefix}"
        if holder not in self._slots:
            self._slots.append(holder)
            for edge in self._edges_to(holder):
                self.slots(edge.caller, edge.node)
        return f"{self.prefix}_m"

    def number(self, decl: Code, key: Key) -> str:
        """The expression for a component number in `decl`."""
        values = {self._value(context, key) for context in self.contexts.of(decl)}
        if len(values) == 1:
            return str(values.pop())
        owner = self._owner(decl, key)
        if (owner, key) not in self._numbers:
            self._numbers[owner, key] = f"{self.prefix}_n{len(self._numbers)}"
            for edge in self._edges_to(owner):
                self.number(edge.caller, self._translate(edge, key))
        return self._numbers[owner, key]

    def access(self, decl: Code) -> ast.Parameter | None:
        """The parameter through which `decl` reaches the pipeline's own user metadata."""
        if decl not in self._access:
            self._access[decl] = None  # no recursion in P4
            if decl in (self.contexts.roots[role].decl for role in ("ig", "eg")):
                self._access[decl] = decl.params[1]
            else:
                candidates = [
                    p for p in decl.params if p.direction == "inout" and self._is_metadata(self.program.declared.get(p))
                ]
                edges = self._edges_to(decl)
                for param in candidates:
                    if edges and all(self._passes(edge, param) for edge in edges):
                        self._access[decl] = param
                        break
        return self._access[decl]

    def _is_metadata(self, type_: object) -> bool:
        metadata = self.metadata
        return isinstance(type_, StructType) and metadata is not None and type_.decl is metadata.decl

    def _passes(self, edge: Edge, param: ast.Parameter) -> bool:
        """Whether a call hands the caller's metadata to `param`."""
        call = self.program.calls.get(edge.node)
        own = self.access(self._holder(edge.caller))
        if call is None or own is None:
            return False
        argument = next((a.expr for a in call.args if a.param_name == param.name.text), None)
        return self.program.referent(argument) is own

    def _holder(self, decl: Code) -> Code:
        """Whose parameters `decl` sees: its own, or those of the control around an action."""
        control = enclosing_control(self.program, decl) if isinstance(decl, ast.ActionDecl) else None
        return decl if control is None else control

    def _owner(self, decl: Code, key: Key) -> Code:
        return decl if key[0] in decl.params else self._holder(decl)

    def _edges_to(self, decl: Code) -> list[Edge]:
        return [edge for edge in self.contexts.edges if edge.callee is decl]

    def _value(self, context: Context, key: Key) -> int:
        found: Object | None = context.resolve(key[0])
        for step in key[1:]:
            found = found.scope.object_of(step) if isinstance(found, Instance) else None
        if not isinstance(found, ExternObject) or found not in self.numbers:
            raise P4Error(Diagnostic("cannot tell which register this is", key[-1].span))
        return self.numbers[found]

    def _translate(self, edge: Edge, key: Key) -> Key:
        """A key of the callee as the caller sees it."""
        call = self.program.calls.get(edge.node)
        if key[0] in edge.callee.params and isinstance(key[0], ast.Parameter):
            name = key[0].name.text
            argument = next((a.expr for a in call.args if a.param_name == name), None) if call is not None else None
            decl = self.program.referent(argument)
        else:
            decl = edge.node if isinstance(edge.node, ast.DirectApply) else self._object(call)
        if decl is None:
            raise P4Error(Diagnostic("cannot tell which register is meant in this call", edge.node.span))
        return (decl, *key[1:]) if key[0] in edge.callee.params else (decl, *key)

    def _object(self, call: CallInfo | None) -> ast.Node | None:
        return self.program.referent(call.object) if call is not None else None

    def _check_visible(self, node: ast.Node, holder: Code, name: str) -> None:
        """Raises P4Error if another declaration hides the metadata's name at `node`."""
        inner = node
        while inner is not holder and inner in self.program.parents:
            inner = self.program.parents[inner]
            declared: list[ast.Node] = []
            if isinstance(inner, ast.BlockStatement):
                declared = inner.statements
            elif isinstance(inner, (ast.ActionDecl, ast.FunctionDecl)) and inner is not holder:
                declared = list(inner.params)
            elif isinstance(inner, ast.For):
                declared = inner.init
            elif isinstance(inner, ast.ForIn):
                declared = [inner.variable] if inner.variable is not None else []
            elif isinstance(inner, ast.ControlDecl):
                declared = inner.locals
            for other in declared:
                if isinstance(other, ast.Declaration) and other.name.text == name:
                    message = f'"{name}" hides the metadata here, which State4\'s code needs; rename it'
                    raise P4Error(Diagnostic(message, other.name.span))

    # ------------------------------------------------------------ edits

    def apply(self) -> list[Code]:
        """Makes the edits that the expressions handed out need; returns the declarations that got parameters."""
        changed: list[Code] = []
        for decl in [*self._slots, *(owner for owner, _ in self._numbers)]:
            if decl not in changed:
                changed.append(decl)
        for decl in changed:
            keys = [key for owner, key in self._numbers if owner is decl]
            params = [f"inout {self.prefix}_meta_t {self.prefix}_m"] if decl in self._slots else []
            params += [f"in bit<{self.number_bits}> {self._numbers[decl, key]}" for key in keys]
            self._add_parameters(decl, params)
            for edge in self._unique(self._edges_to(decl)):
                self._add_arguments(edge, decl, keys)
        return changed

    def _unique(self, edges: list[Edge]) -> list[Edge]:
        return list({edge.node: edge for edge in edges}.values())

    def _add_parameters(self, decl: Code, params: list[str]) -> None:
        plain = next((p for p in decl.params if not p.direction), None)
        if isinstance(decl, ast.ActionDecl) and plain is not None:  # directionless parameters of actions come last
            self.edits.before(plain.span, ", ".join(params) + ", ")
        elif decl.params:
            self.edits.after(decl.params[-1].span, ", " + ", ".join(params))
        else:
            self._into_brackets(editable(decl.name.span).file, decl.name.span.end, params)

    def _into_brackets(self, file: SourceFile, start: int, texts: list[str]) -> None:
        self.edits.insert(file, code_position(file, start, "(") + 1, ", ".join(texts))

    def _add_arguments(self, edge: Edge, decl: Code, keys: list[Key]) -> None:
        node = edge.node
        if isinstance(node, ast.Call) and isinstance(self.program.referent(self._object_expr(node)), ast.Parameter):
            message = f"State4 has to add parameters to {decl.name.text}, but its instance is a parameter here"
            raise P4Error(Diagnostic(message, node.span, notes=(("declared here", decl.name.span),)))
        named = [(f"{self.prefix}_m", self.slots(edge.caller, node))] if decl in self._slots else []
        named += [(self._numbers[decl, key], self.number(edge.caller, self._translate(edge, key))) for key in keys]
        if isinstance(node, ast.ActionRef):
            self._action_reference(node, decl, [value for _, value in named])
            return
        assert isinstance(node, (ast.Call, ast.DirectApply))
        with_names = bool(node.args) and node.args[0].name is not None
        texts = [f"{name} = {value}" if with_names else value for name, value in named]
        plain = self._first_plain(decl)
        if isinstance(decl, ast.ActionDecl) and not with_names and plain is not None and plain < len(node.args):
            self.edits.before(node.args[plain].span, ", ".join(texts) + ", ")
        elif node.args:
            self.edits.after(node.args[-1].span, ", " + ", ".join(texts))
        else:
            self._into_brackets(editable(node.span).file, self._callee_end(node), texts)

    def _object_expr(self, node: ast.Call) -> ast.Expr | None:
        call = self.program.calls.get(node)
        return call.object if call is not None and call.kind in ("control_apply", "parser_apply") else None

    def _callee_end(self, node: ast.Call | ast.DirectApply) -> int:
        last: Span = node.callee.span if isinstance(node, ast.Call) else node.type.span
        if isinstance(node, ast.Call) and node.type_args:
            last = node.type_args[-1].span
        return last.end

    def _first_plain(self, decl: Code) -> int | None:
        return next((i for i, p in enumerate(decl.params) if not p.direction), None)

    def _action_reference(self, node: ast.ActionRef, decl: Code, values: list[str]) -> None:
        text = ", ".join(values)
        plain = self._first_plain(decl)
        if node.args is None:
            self.edits.after(node.name.span, f"({text})")
        elif plain is not None and plain < len(node.args):
            self.edits.before(node.args[plain].span, text + ", ")
        elif node.args:
            self.edits.after(node.args[-1].span, ", " + text)
        else:
            self._into_brackets(editable(node.name.span).file, node.name.span.end, values)
