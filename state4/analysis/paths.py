"""The longest path: how many state updates one packet can make in one pass, and what else it does on that path.

Each piece of code is summarised by the ways in which it can end (next, return, exit, break, continue), each with
whether the packet has asked for a clone by then and the largest number of updates. Sequences add up, a branch counts as
its longer side, a table as the longest of its actions, and a loop as its body, as often as its bounds say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from p4front.elaborate import live
from p4front.elaborate.contexts import Context
from p4front.elaborate.evaluate import evaluate
from p4front.elaborate.objects import Action, Table
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.text.source import Diagnostic, P4Error

MAX_UPDATES = 126
"""The most updates of one pass that a clone can hold (its count has 7 bits)."""


@dataclass(frozen=True, slots=True)
class Path:
    """The longest of all paths that end alike. `updates` and `clones` are the calls on it, in order."""

    updates: tuple[ast.Call, ...] = ()
    clones: tuple[ast.Call, ...] = ()

    def then(self, other: Path) -> Path:
        return Path(self.updates + other.updates, (self.clones + other.clones)[:1])


Paths = dict[tuple[str, bool], Path]
"""By (how it ends, whether it clones): "next" "return" "exit" "break" "continue"."""

NEXT: Paths = {("next", False): Path()}


def join(parts: Iterable[Paths]) -> Paths:
    """One of the parts happens."""
    result: Paths = {}
    for part in parts:
        for key, path in part.items():
            if key not in result or len(path.updates) > len(result[key].updates):
                result[key] = path
    return result


def sequence(first: Paths, second: Paths) -> Paths:
    """Both happen, unless the first does not reach its end."""
    result = {key: path for key, path in first.items() if key[0] != "next"}
    for (end, cloned), path in first.items():
        if end == "next":
            step = {(e, cloned or c): path.then(p) for (e, c), p in second.items()}
            result = join([result, step])
    return result


def rename(paths: Paths, names: dict[str, str]) -> Paths:
    """Ends under other names: at the end of a function, "return" goes on."""
    return join({(names.get(end, end), cloned): path} for (end, cloned), path in paths.items())


@dataclass
class PathAnalysis:
    """Paths through the code of a program. `is_update` says which method calls count, `is_clone` which calls clone."""

    is_update: Callable[[CallInfo], bool]
    is_clone: Callable[[CallInfo], bool]
    _known: dict[Context, Paths] = field(default_factory=dict)

    def of(self, context: Context) -> Paths:
        """Paths through a control's locals and apply block, an action's or a function's body."""
        if context not in self._known:
            self._known[context] = _Body(self, context).paths()
        return self._known[context]


@dataclass
class _Body:
    """The body of one piece of code, in the context in which it runs."""

    analysis: PathAnalysis
    context: Context

    def paths(self) -> Paths:
        decl = self.context.decl
        if isinstance(decl, ast.ControlDecl):
            paths = self._all([*(d for d in decl.locals if isinstance(d, ast.VariableDecl)), decl.apply_])
        elif isinstance(decl, (ast.ActionDecl, ast.FunctionDecl)):
            paths = self.statement(decl.body)
        else:
            paths = NEXT
        return rename(paths, {"return": "next"})

    def _all(self, nodes: Iterable[ast.Node | None]) -> Paths:
        paths = NEXT
        for node in nodes:
            if node is not None:
                paths = sequence(paths, self.statement(node))
        return paths

    # ------------------------------------------------------------ statements

    def statement(self, node: ast.Node) -> Paths:
        if isinstance(node, ast.Expr):
            return self.expression(node)
        if isinstance(node, ast.BlockStatement):
            return self._all(live.running(self.context, node.statements))
        if isinstance(node, ast.If):
            return self._if(node)
        if isinstance(node, ast.Switch):
            return self._switch(node)
        if isinstance(node, ast.Return):
            return sequence(self._all([node.value]), {("return", False): Path()})
        if isinstance(node, ast.Exit):
            return {("exit", False): Path()}
        if isinstance(node, ast.Break):
            return {("break", False): Path()}
        if isinstance(node, ast.Continue):
            return {("continue", False): Path()}
        if isinstance(node, ast.For):
            start = self._all(node.init)
            body = sequence(self.expression(node.cond), rename(self.statement(node.body), {"continue": "next"}))
            around = sequence(body, self._all(node.update))
            return sequence(start, self._loop(node, around, lambda: _trips(self.context, node)))
        if isinstance(node, ast.ForIn):
            body = rename(self.statement(node.body), {"continue": "next"})
            return self._loop(node, body, lambda: _items(self.context, node))
        if isinstance(node, ast.DirectApply):
            paths = self._all(a.expr for a in node.args)
            call = self.context.program.calls.get(node)
            return sequence(paths, self._call(node, call)) if call is not None else paths
        if isinstance(node, (ast.VariableDecl, ast.ConstantDecl)):
            return self._all([node.init if isinstance(node, ast.VariableDecl) else node.value])
        return self._all(node.children())

    def _if(self, node: ast.If | ast.Ternary) -> Paths:
        parts = []
        then, otherwise = live.branches(self.context, node)
        if then:
            parts.append(self.statement(node.then))
        if otherwise:
            parts.append(self.statement(node.otherwise) if node.otherwise is not None else NEXT)
        return sequence(self.expression(node.cond), join(parts))

    def _switch(self, node: ast.Switch) -> Paths:
        """A switch on `table.apply().action_run` pairs each action with the case that follows it."""
        subject = node.subject
        cases = self._cases(node)
        if (
            isinstance(subject, ast.Member)
            and subject.member.text == "action_run"
            and isinstance(subject.base, ast.Call)
            and (table := self._table(subject.base)) is not None
        ):
            default = next((body for label, body in cases if isinstance(label, ast.DefaultExpr)), None)
            branches = []
            for action in table.actions:
                named = next((body for label, body in cases if self._labels(label, action.decl)), default)
                branches.append(sequence(self._action(action), self._all([named])))
            return sequence(self._all(a.expr for a in subject.base.args), join(branches))
        skipped = [] if any(isinstance(label, ast.DefaultExpr) for label, _ in cases) else [NEXT]
        return sequence(self.expression(subject), join([*skipped, *(self._all([body]) for _, body in cases)]))

    def _cases(self, node: ast.Switch) -> list[tuple[ast.Expr, ast.BlockStatement | None]]:
        """Each label with the block that it runs (its own, or the next one below)."""
        found: list[tuple[ast.Expr, ast.BlockStatement | None]] = []
        body: ast.BlockStatement | None = None
        for case in reversed(node.cases):
            body = case.body if case.body is not None else body
            found.append((case.label, body))
        return found[::-1]

    def _labels(self, label: ast.Expr, action: ast.ActionDecl) -> bool:
        refs = self.context.program.refs
        if label in refs:
            return refs[label] is action
        return isinstance(label, ast.PathExpr) and label.name.text == action.name.text

    def _loop(self, node: ast.Node, body: Paths, trips: Callable[[], int | None]) -> Paths:
        """`body` as often as the bounds say. A loop without updates and clones may run any number of times."""
        quiet = all(not path.updates and not path.clones for path in body.values())
        count = 1 if quiet else trips()
        if count is None:
            first = next(path for path in body.values() if path.updates or path.clones)
            raise P4Error(
                Diagnostic(
                    "cannot tell how often this loop runs, so neither how many state updates one packet makes; "
                    "give it constant bounds",
                    node.span,
                    notes=(("it updates state or clones here", (first.updates + first.clones)[0].span),),
                )
            )
        paths: Paths = NEXT
        for _ in range(min(count, MAX_UPDATES + 1)):
            step = sequence(paths, body)
            paths = join([paths, step])
        return rename(paths, {"break": "next"})

    # ------------------------------------------------------------ expressions

    def expression(self, expr: ast.Expr) -> Paths:
        if isinstance(expr, ast.Binary) and expr.op in ("&&", "||"):
            return sequence(self.expression(expr.left), join([NEXT, self.expression(expr.right)]))
        if isinstance(expr, ast.Ternary):
            return self._if(expr)
        calls = self.context.program.calls
        if isinstance(expr, ast.Call):
            paths = self._all([expr.callee, *(a.expr for a in expr.args)])
            return sequence(paths, self._call(expr, calls[expr])) if expr in calls else paths
        return self._all(expr.children())

    def _table(self, call: ast.Call) -> Table | None:
        info = self.context.program.calls.get(call)
        found = self.context.named(info.object) if info is not None and info.kind == "table_apply" else None
        return found if isinstance(found, Table) else None

    def _call(self, node: ast.Node, call: CallInfo) -> Paths:
        if isinstance(node, ast.Call) and self.analysis.is_update(call):
            return {("next", False): Path(updates=(node,))}
        if isinstance(node, ast.Call) and self.analysis.is_clone(call):
            return {("next", True): Path(clones=(node,))}
        if isinstance(node, ast.Call) and (table := self._table(node)) is not None:
            return join(self._action(action) for action in table.actions) or NEXT
        callee = self.context.callees.get(node)
        return self.analysis.of(callee) if callee is not None else NEXT

    def _action(self, action: Action) -> Paths:
        """Paths through an action that a table runs; NoAction, which no place names, does nothing."""
        callees = (c for c in self.context.callees.values() if c.decl is action.decl)
        callee = next(callees, None)
        return self.analysis.of(callee) if callee is not None else NEXT


def _constant(context: Context, expr: ast.Expr) -> int | None:
    value = evaluate(context, expr)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _items(context: Context, node: ast.ForIn) -> int | None:
    """Length of what `for (x in ...)` goes over."""
    collection = node.collection
    if isinstance(collection, ast.Binary) and collection.op == "..":
        low, high = _constant(context, collection.left), _constant(context, collection.right)
        return None if low is None or high is None else max(0, high - low + 1)
    if isinstance(collection, ast.ListExpr):
        return len(collection.items)
    size = getattr(context.program.types.get(collection), "size", None)
    return size if isinstance(size, int) else None


def _trips(context: Context, node: ast.For) -> int | None:
    """Rounds of `for (T i = a; i < b; i = i + c)`; None if it does not have that form, or the body changes `i`."""
    if len(node.init) != 1 or len(node.update) != 1 or not isinstance(node.init[0], ast.VariableDecl):
        return None
    variable, step = node.init[0], node.update[0]
    if variable.init is None or not isinstance(step, ast.Assignment) or not isinstance(node.cond, ast.Binary):
        return None
    refs = context.program.refs
    start, bound = _constant(context, variable.init), _constant(context, node.cond.right)
    if refs.get(node.cond.left) is not variable or refs.get(step.target) is not variable:
        return None
    for inner in node.body.walk():
        if isinstance(inner, ast.PathExpr) and refs.get(inner) is variable and _may_change(context, inner):
            return None
    change = _step(context, step, variable)
    if start is None or bound is None or not change:
        return None
    compare = {"<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__, "!=": int.__ne__}
    if node.cond.op not in compare:
        return None
    value, rounds = start, 0
    while compare[node.cond.op](value, bound) is True and rounds <= MAX_UPDATES:
        value, rounds = value + change, rounds + 1
    return rounds


def _step(context: Context, step: ast.Assignment, variable: ast.Node) -> int | None:
    if step.op in ("+=", "-="):
        amount = _constant(context, step.value)
        return None if amount is None else amount if step.op == "+=" else -amount
    value = step.value
    if step.op == "=" and isinstance(value, ast.Binary) and value.op in ("+", "-"):
        amount = _constant(context, value.right)
        if context.program.refs.get(value.left) is variable and amount is not None:
            return amount if value.op == "+" else -amount
    return None


def _may_change(context: Context, use: ast.Node) -> bool:
    """Whether a use of a variable is the target of an assignment or an out or inout argument."""
    parent = context.program.parents.get(use)
    while isinstance(parent, (ast.Slice, ast.Member, ast.Index)):
        use, parent = parent, context.program.parents.get(parent)
    if isinstance(parent, ast.Assignment):
        return parent.target is use
    if isinstance(parent, ast.Argument):
        call = context.program.calls.get(context.program.parents.get(parent, parent))
        return call is None or any(a.expr is use and a.direction in ("out", "inout") for a in call.args)
    return False
