"""Statements: assignments, branches, loops, switch, and where each may stand (12)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from p4front.check.context import Context
from p4front.check.lvalues import lvalue_problem
from p4front.syntax import ast
from p4front.types.constants import ConstValue
from p4front.types.rules import is_wrong, kind_of
from p4front.types.types import (
    BOOL,
    WRONG,
    ActionEnumType,
    BitType,
    EnumType,
    ErrorType,
    IntegerType,
    IntType,
    ListType,
    NewType,
    ObjectType,
    SerEnumType,
    SetType,
    StackType,
    TupleType,
    Type,
)


class StatementChecker:
    """Checks statements in the current frame."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx
        self._dispatch: dict[type[ast.Node], Callable[..., None]] = {
            ast.BlockStatement: self._block,
            ast.EmptyStatement: lambda s: None,
            ast.Assignment: self._assignment,
            ast.CallStatement: self._call,
            ast.DirectApply: lambda s: cx.instances.direct_apply(s),
            ast.If: self._if,
            ast.Switch: self._switch,
            ast.Return: self._return,
            ast.Exit: self._exit,
            ast.Break: self._loop_exit,
            ast.Continue: self._loop_exit,
            ast.For: self._for,
            ast.ForIn: self._for_in,
        }

    def statement(self, node: ast.Node) -> None:
        """Any statement, or a declaration that stands among statements."""
        handler = self._dispatch.get(type(node))
        if handler is not None:
            handler(node)
        else:
            self.cx.declarations.local(node)

    def body(self, block: ast.BlockStatement) -> None:
        """A function's or action's body: its names may not repeat those of the parameters."""
        with self.cx.block("body"):
            for item in block.statements:
                self.statement(item)

    def _block(self, block: ast.BlockStatement) -> None:
        with self.cx.block():
            for item in block.statements:
                self.statement(item)

    # ------------------------------------------------------------ simple statements

    def _assignment(self, statement: ast.Assignment) -> None:
        cx = self.cx
        target = cx.expressions.infer(statement.target)
        if target is not WRONG:
            problem = lvalue_problem(cx, statement.target)
            if problem:
                cx.error(f"this can't be assigned to: {problem}", statement.target.span)
                target = WRONG
        if statement.op == "=":
            cx.convert.check(statement.value, target)
            return
        self._compound(statement, target)

    def _compound(self, statement: ast.Assignment, target: Type) -> None:
        """`a op= b` is `a = a op b`, with the target's own type as the result."""
        cx, op = self.cx, statement.op[:-1]
        value = cx.expressions.infer(statement.value)
        if target is WRONG or value is WRONG:
            return
        whole = ast.Binary(statement.span, op, statement.target, statement.value)
        cx.program.constants.pop(statement.target, None)
        if op in ("<<", ">>"):
            result = cx.operators.shift(whole, op, statement.target, statement.value)
        elif op in ("&&", "||"):
            result = BOOL if target == value == BOOL else WRONG
            if result is WRONG:
                cx.error(f"`{statement.op}` is not defined on {kind_of(target)} and {kind_of(value)}", statement.span)
        else:
            result = cx.operators.arithmetic(whole, op, statement.target, statement.value)
        if result is not WRONG and result != target:
            cx.error(f"cannot assign {kind_of(result)} to {kind_of(target)}", statement.span)

    def _call(self, statement: ast.CallStatement) -> None:
        cx = self.cx
        type_ = cx.expressions.raw(statement.call)
        if isinstance(type_, ObjectType):
            cx.error("this makes an object that nothing can use: give it a name", statement.span)

    def _return(self, statement: ast.Return) -> None:
        cx = self.cx
        frame = cx.frame
        if frame.kind in ("state", "parser"):
            cx.error("`return` can't be used in a parser", statement.span)
            return
        if statement.value is None:
            if frame.returns is not None:
                cx.error(f"`return` must give a value of type {kind_of(frame.returns)} here", statement.span)
            return
        if frame.returns is None:
            cx.expressions.infer(statement.value)
            what = "a function without a result" if frame.kind in ("function", "method") else f"an {frame.kind} block"
            what = "an action" if frame.kind == "action" else what
            cx.error(f"{what} can't return a value", statement.value.span)
            return
        cx.convert.check(statement.value, frame.returns, "cannot return {have} from a function that gives {want}")

    def _exit(self, statement: ast.Exit) -> None:
        frame = self.cx.frame
        if frame.kind in ("state", "parser", "function", "method"):
            where = "a parser" if frame.kind in ("state", "parser") else "a function"
            self.cx.error(f"`exit` can't be used in {where}", statement.span)

    def _loop_exit(self, statement: ast.Break | ast.Continue) -> None:
        if not self.cx.frame.loops:
            word = "break" if isinstance(statement, ast.Break) else "continue"
            self.cx.error(f"`{word}` can only be used in a loop", statement.span)

    # ------------------------------------------------------------ branches and loops

    def _if(self, statement: ast.If) -> None:
        self.cx.expressions.condition(statement.cond, "`if`")
        for branch in (statement.then, statement.otherwise):
            if branch is not None:
                with self.cx.block():
                    self.statement(branch)

    def _for(self, statement: ast.For) -> None:
        cx = self.cx
        with cx.block():
            for item in statement.init:
                self.statement(item)
            cx.expressions.condition(statement.cond, "`for`")
            for update in statement.update:
                self.statement(update)
            with cx.loop():
                self.statement(statement.body)

    def _for_in(self, statement: ast.ForIn) -> None:
        cx = self.cx
        with cx.block():
            item = self._item_type(statement.collection)
            if statement.variable is not None:
                cx.declarations.local(statement.variable)
                target = cx.program.declared.get(statement.variable, WRONG)
                at = statement.variable.span
            elif statement.target is not None:
                target = cx.expressions.infer(statement.target)
                at = statement.target.span
                problem = None if target is WRONG else lvalue_problem(cx, statement.target)
                if problem:
                    cx.error(f"this can't be the variable of a loop: {problem}", at)
            else:
                target, at = WRONG, statement.span
            self._fit_items(statement.collection, item, target, statement)
            with cx.loop():
                self.statement(statement.body)

    def _item_type(self, collection: ast.Expr) -> Type:
        """The type of what a loop goes over: the numbers of a range, the items of a list, the elements of a stack."""
        cx = self.cx
        type_ = cx.expressions.infer(collection)
        if isinstance(type_, (SetType, StackType, ListType)):
            return type_.element
        if isinstance(type_, TupleType):
            return type_.items[0] if type_.items and not isinstance(collection, ast.ListExpr) else type_
        if type_ is not WRONG:
            cx.error(f"`for ... in` goes over a range, a list or a stack, not {kind_of(type_)}", collection.span)
        return WRONG

    def _fit_items(self, collection: ast.Expr, item: Type, target: Type, statement: ast.ForIn) -> None:
        cx = self.cx
        if is_wrong(item) or is_wrong(target):
            return
        wording = "the items are {have} and the loop variable is {want}"
        if isinstance(collection, ast.Binary) and isinstance(item, IntegerType):
            fine = cx.convert.convert(collection.left, target, wording)
            if fine and cx.convert.convert(collection.right, target, wording):
                cx.set_type(collection, SetType(target))
                cx.operators.fold_set(collection)
        elif isinstance(collection, ast.ListExpr):
            converted = [cx.convert.convert(e, target, wording) for e in collection.items]
            if all(converted):
                cx.set_type(collection, ListType(target))
        elif item != target:
            message = wording.replace("{have}", kind_of(item)).replace("{want}", kind_of(target))
            cx.error(message, collection.span)

    # ------------------------------------------------------------ switch

    def _switch(self, statement: ast.Switch) -> None:
        cx = self.cx
        subject = statement.subject
        # A wider frame marks the subject: only there may `action_run` stand.
        with cx.inside(replace(cx.frame, switch_subject=subject)):
            type_ = cx.expressions.infer(subject)
        actions = isinstance(type_, ActionEnumType)
        scalar = (BitType, IntType, EnumType, SerEnumType, ErrorType, NewType, IntegerType)
        if type_ is not WRONG and not actions and not isinstance(type_, scalar) and type_ != BOOL:
            cx.error(f"a switch can't choose by a value of type {kind_of(type_)}", subject.span)
            type_ = WRONG
        seen: dict[ConstValue | ast.Node, ast.Expr] = {}
        default: ast.Expr | None = None
        for case in statement.cases:
            if default is not None:
                what = "a second `default`" if isinstance(case.label, ast.DefaultExpr) else "a label after `default`"
                cx.error(f"{what}: `default` is the last label", case.label.span, ("`default` is here", default.span))
            if isinstance(case.label, ast.DefaultExpr):
                default = case.label
            else:
                self._label(case.label, type_, seen)
            if case.body is not None:
                self._block(case.body)

    def _label(self, label: ast.Expr, type_: Type, seen: dict[ConstValue | ast.Node, ast.Expr]) -> None:
        cx = self.cx
        key: ConstValue | ast.Node | None
        if isinstance(type_, ActionEnumType):
            key = self._action_label(label, type_)
        else:
            if type_ is WRONG:
                cx.expressions.infer(label)
                return
            if not cx.convert.check(label, type_, "a label of type {have} for a switch over {want}"):
                return
            key = cx.constant(label)
            if key is None:
                cx.error("the label of a switch must be known at compile time", label.span)
        if key is None or isinstance(key, (dict, tuple)):
            return
        if key in seen:
            cx.error(f"the label `{label.span.text}` stands twice", label.span, ("the first is here", seen[key].span))
        seen.setdefault(key, label)

    def _action_label(self, label: ast.Expr, type_: ActionEnumType) -> ast.Node | None:
        """A label of a switch over `action_run`: one of the table's actions."""
        cx = self.cx
        table = type_.table
        if not isinstance(label, (ast.PathExpr, ast.TypeNameExpr)):
            cx.error("the label must be the name of an action, or `default`", label.span)
            return None
        found: ast.Node | None = None
        if isinstance(label, ast.PathExpr):
            matches = [a for a in table.actions if a.name.text == label.name.text]
            found = cx.program.refs.get(matches[0]) if matches else None
        if found is None:
            names = ", ".join(a.name.text for a in table.actions)
            cx.error(f'this is no action of the table "{table.name}"; it has {names}', label.span)
            return None
        cx.program.refs[label] = found
        cx.set_type(label, type_)
        return found

    # ------------------------------------------------------------ paths

    def always_leaves(self, node: ast.Node | None) -> bool:
        """Whether every path through the statement ends in `return` or `exit`."""
        if isinstance(node, (ast.Return, ast.Exit)):
            return True
        if isinstance(node, ast.BlockStatement):
            return any(self.always_leaves(s) for s in node.statements)
        if isinstance(node, ast.If):
            return self.always_leaves(node.then) and self.always_leaves(node.otherwise)
        if isinstance(node, ast.Switch):
            bodies = [case.body for case in node.cases if case.body is not None]
            full = any(isinstance(case.label, ast.DefaultExpr) for case in node.cases)
            return full and all(map(self.always_leaves, bodies))
        return False
