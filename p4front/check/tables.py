"""Tables: keys, actions, default action, entries, properties (14.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from p4front.check.arguments import Mismatch, match_arguments
from p4front.check.context import Context, Frame
from p4front.check.entry_priorities import needs_priorities, priority_problems
from p4front.match_kinds import LPM, MATCH_KINDS, MATCHED, MatchKind, need_priority
from p4front.program import BoundArg, CallInfo
from p4front.syntax import ast
from p4front.types import constants
from p4front.types.rules import SIZED, kind_of
from p4front.types.types import (
    BOOL,
    WRONG,
    BoolType,
    CallableType,
    EnumType,
    ErrorType,
    ObjectType,
    StringType,
    Type,
    strip,
)

_STANDARD = ("core.p4", "v1model.p4")


class TableChecker:
    """Checks table declarations."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx

    def table(self, decl: ast.TableDecl) -> None:
        cx = self.cx
        type_ = ObjectType("table", decl.name.text, (), decl)
        with cx.defining(decl), cx.inside(Frame("key", decl=decl)):
            if len(decl.keys or ()) and cx.scope.find(decl.name.text):
                self._names_itself(decl)
            keys = [(key, self._key(key)) for key in decl.keys or []]
            actions = self._actions(decl)
            self._default_action(decl, actions)
            for prop in decl.properties:
                self._property(prop)
            if decl.entries and not decl.keys:
                cx.error(f'the table "{decl.name}" has no key, so it can\'t have entries', decl.entries[0].span)
            else:
                for entry in decl.entries:
                    self._entry(decl, entry, keys, actions)
                self._repeated_keys(decl)
                for problem in priority_problems(cx.program, decl):
                    cx.error(problem.message, problem.span or decl.name.span)
        cx.declare(decl, type_)

    # ------------------------------------------------------------ keys

    def _names_itself(self, decl: ast.TableDecl) -> None:
        """A name in the key that is also the table's own means the table, not what the table hides."""
        for key in decl.keys or []:
            for node in key.expr.walk():
                if isinstance(node, ast.PathExpr) and not node.absolute and node.name.text == decl.name.text:
                    self.cx.error(f'the key of the table "{decl.name}" can\'t name the table itself', node.span)

    def _key(self, key: ast.KeyElement) -> Type:
        cx = self.cx
        found = cx.declarations.match_kind_members.get(key.match_kind.text)
        if found is None:
            known = ", ".join(cx.declarations.match_kind_members) or "none: include core.p4"
            cx.error(f'unknown match kind "{key.match_kind}" (known: {known})', key.match_kind.span)
        else:
            cx.program.refs[key.match_kind] = found
        type_ = cx.expressions.infer(key.expr)
        if type_ is WRONG:
            return WRONG
        plain = strip(type_)
        if not isinstance(plain, (*SIZED, BoolType, EnumType, ErrorType)):
            cx.error(f"a key can't have the type {kind_of(type_)}", key.expr.span)
            return WRONG
        kind = MATCH_KINDS.get(key.match_kind.text)
        if kind is not None and not kind.enums and isinstance(plain, EnumType):
            cx.error(f"a key of type {kind_of(type_)} can only be matched exactly", key.match_kind.span)
            return WRONG
        if not _simple(key.expr) and not any(a.name == "name" for a in key.annotations):
            cx.error(
                "a key that is not a plain field needs a name for the control plane: add @name(...)", key.expr.span
            )
        return type_

    # ------------------------------------------------------------ actions

    def _actions(self, decl: ast.TableDecl) -> dict[str, ast.ActionRef]:
        actions: dict[str, ast.ActionRef] = {}
        for ref in decl.actions:
            action = self._find(ref)
            if action is None:
                continue
            name = action.name.text
            if name in actions:
                self.cx.error(
                    f'the action "{name}" is listed twice', ref.span, ("the first is here", actions[name].span)
                )
                continue
            actions[name] = ref
            self._bind(ref, action, "list")
        return actions

    def _find(self, ref: ast.ActionRef) -> ast.ActionDecl | None:
        cx, name = self.cx, ref.name.text
        scope = cx.globals if ref.absolute else cx.scope
        found = scope.find(name)
        if not found:
            cx.error(f'unknown action "{name}"{scope.suggest(name, _is_action)}', ref.name.span)
            return None
        if not isinstance(found[0], ast.ActionDecl):
            cx.error(f'"{name}" is not an action', ref.name.span, ("it is declared here", found[0].name.span))
            return None
        cx.program.refs[ref] = found[0]
        return found[0]

    def _bind(self, ref: ast.ActionRef, action: ast.ActionDecl, place: str) -> bool:
        """Checks the arguments of an action reference.

        `place` "list": only the parameters with a direction are bound, the rest is the control plane's; "default" and
        "entry": all are bound, the action data by values known at compile time."""
        cx = self.cx
        type_ = cx.program.declared.get(action)
        if not isinstance(type_, CallableType):
            return False
        args = ref.args or []
        params = tuple(p for p in type_.params if p.direction) if place == "list" else type_.params
        if not cx.calls.infer_arguments(args):
            return False
        matched = match_arguments(params, args)
        if isinstance(matched, Mismatch):
            message = matched.message
            if place == "list" and len(args) > len(params):
                message = f"{message}: parameters without a direction are set by the control plane"
            cx.error(f'"{ref.name}": {message}', matched.span or ref.span, ("the action", action.name.span))
            return False
        with cx.inside(replace(cx.frame, kind="key")):
            bound = cx.calls.check_arguments(replace(type_, params=params), matched)
        if bound is None:
            return False
        if place != "list":
            for param, arg in matched:
                if arg is not None and not param.direction and not cx.is_known(arg.expr):
                    cx.error(f'the value of "{param.name}" must be known at compile time', arg.span)
                    return False
        if place == "list":
            data = [p for p in type_.params if not p.direction]
            for p in data:
                if p.type is WRONG:
                    return False
            bound += tuple(BoundArg(p.name, "", p.type, None, p.decl.default if p.decl else None) for p in data)
        cx.program.calls[ref] = CallInfo("action", ref.name.text, action, bound, (), type_.returns, callee_type=type_)
        return True

    def _default_action(self, decl: ast.TableDecl, actions: dict[str, ast.ActionRef]) -> None:
        cx = self.cx
        ref = decl.default_action
        if ref is None:
            fallback = cx.globals.find("NoAction")
            if not fallback or not isinstance(fallback[0], ast.ActionDecl) or fallback[0].params:
                cx.error(
                    f'the table "{decl.name}" has no default_action, and the action NoAction that stands for it is '
                    "not declared: include core.p4",
                    decl.name.span,
                )
            return
        self._listed(ref, actions, decl, "default")

    def _listed(
        self, ref: ast.ActionRef, actions: dict[str, ast.ActionRef], decl: ast.TableDecl, place: str
    ) -> ast.ActionRef | None:
        """Checks that the action is in the table's list and repeats the list's bound arguments; the list's item."""
        cx = self.cx
        action = self._find(ref)
        if action is None:
            return None
        listed = actions.get(action.name.text)
        if listed is None or cx.program.refs.get(listed) is not action:
            if any(a.name.text == ref.name.text for a in decl.actions) and listed is None:
                return None  # the list's own error was reported
            cx.error(f'the action "{ref.name}" is not in the list of the table "{decl.name}"', ref.span)
            return None
        if not self._bind(ref, action, place):
            return None
        mine, theirs = cx.program.calls.get(ref), cx.program.calls.get(listed)
        if mine is not None and theirs is not None:
            for arg, other in zip(mine.args, theirs.args, strict=False):
                if arg.direction and not _same_expr(arg.expr, other.expr):
                    cx.error(
                        f'the argument for "{arg.param_name}" differs from the one in the list of actions',
                        arg.expr.span if arg.expr is not None else ref.span,
                        ("the list's", other.expr.span if other.expr is not None else listed.span),
                    )
                    return None
        return listed

    # ------------------------------------------------------------ entries

    def _entry(
        self,
        decl: ast.TableDecl,
        entry: ast.TableEntry,
        keys: Sequence[tuple[ast.KeyElement, Type]],
        actions: dict[str, ast.ActionRef],
    ) -> None:
        cx = self.cx
        fine = cx.keysets.fit_all(entry.keyset, [t for _, t in keys], "this entry")
        if fine:
            self._match_kinds(entry.keyset, keys)
        listed = self._listed(entry.action, actions, decl, "entry")
        if listed is not None and any(a.name == "defaultonly" for a in listed.annotations):
            cx.error(f'the action "{entry.action.name}" is @defaultonly: no entry can use it', entry.action.span)
        if entry.priority is not None:
            value = cx.expressions.constant_int(entry.priority, "the priority of an entry")
            if value is not None and value < 0:
                cx.error(f"a priority can't be negative, as {value} is", entry.priority.span)
            if not need_priority(k.match_kind.text for k, _ in keys):
                cx.error("entries of a table with only exact and lpm keys have no priority", entry.priority.span)

    def _repeated_keys(self, decl: ast.TableDecl) -> None:
        """Of two entries with the same exact key the second is never used."""
        if needs_priorities(decl):
            return
        seen: set[str] = set()
        for entry in decl.entries:
            keyset = entry.keyset
            items = keyset.items if isinstance(keyset, (ast.KeysetTuple, ast.ListExpr)) else [keyset]
            values = [self.cx.constant(item) for item in items]
            if None in values:
                continue
            if repr(values) in seen:
                self.cx.warn("an entry before this one has the same key", keyset.span)
            seen.add(repr(values))

    def _match_kinds(self, keyset: ast.Expr, keys: Sequence[tuple[ast.KeyElement, Type]]) -> None:
        """Each match kind takes its own forms: a value, a mask, a range, `_`."""
        if isinstance(keyset, (ast.KeysetTuple, ast.ListExpr)):
            items = keyset.items
        else:
            items = [keyset] * len(keys) if isinstance(keyset, (ast.DefaultExpr, ast.DontCare)) else [keyset]
        for item, (key, type_) in zip(items, keys, strict=False):
            kind = self.cx.declarations.match_kind_members.get(key.match_kind.text)
            if kind is None or kind.span.file.path.rpartition("/")[2] not in _STANDARD:
                continue  # the program's own match kind: what it takes is not known
            problem = self._form_problem(item, key.match_kind.text, type_)
            if problem:
                self.cx.error(problem, item.span)
                return

    def _form_problem(self, item: ast.Expr, name: str, type_: Type) -> str | None:
        kind = MATCHED.get(name)
        if kind is None:
            return None
        anything = isinstance(item, (ast.DefaultExpr, ast.DontCare))
        op = item.op if isinstance(item, ast.Binary) and item.op in ("&&&", "..") else ""
        if (anything and not kind.optional_field) or (op and op not in kind.forms):
            return _forms(kind)
        if kind is LPM and op == "&&&" and isinstance(item, ast.Binary):
            mask, plain = self.cx.constant(item.right), strip(type_)
            if isinstance(mask, int) and isinstance(plain, SIZED):
                bits = constants.bits_of(mask, plain.width)
                if constants.contiguous_prefix(bits, plain.width) is None:
                    return f"the mask {bits:#x} of an lpm key is not a prefix: its ones must all be at the top"
        return None

    # ------------------------------------------------------------ other properties

    def _property(self, prop: ast.TableProperty) -> None:
        cx, name = self.cx, prop.name.text
        if name == "size":
            value = cx.expressions.infer(prop.value)
            if value is not WRONG and not isinstance(cx.constant(prop.value), int) and not cx.is_known(prop.value):
                cx.error("the size of a table must be a number known at compile time", prop.value.span)
            elif value == BOOL or isinstance(value, StringType):
                cx.error(f"the size of a table must be a number, not {value}", prop.value.span)
        elif name == "largest_priority_wins":
            if cx.expressions.infer(prop.value) not in (BOOL, WRONG):
                cx.error("`largest_priority_wins` must be true or false", prop.value.span)
        elif name == "priority_delta":
            delta = cx.expressions.constant_int(prop.value, "`priority_delta`")
            if delta is not None and delta <= 0:
                cx.error("`priority_delta` must be positive", prop.value.span)
        else:
            cx.expressions.infer(prop.value)


def _is_action(decl: ast.Declaration) -> bool:
    return isinstance(decl, ast.ActionDecl)


def _simple(expr: ast.Expr) -> bool:
    """Key expressions whose control-plane name follows from the text: paths of fields, slices, isValid()."""
    if isinstance(expr, (ast.PathExpr, ast.TypeNameExpr)):
        return True
    if isinstance(expr, ast.Member):
        return _simple(expr.base)
    if isinstance(expr, ast.Index):
        return _simple(expr.base) and _simple(expr.index)
    if isinstance(expr, ast.Slice):
        return _simple(expr.base)
    if isinstance(expr, ast.Call):
        return isinstance(expr.callee, ast.Member) and expr.callee.member.text == "isValid" and _simple(expr.callee)
    if isinstance(expr, (ast.IntLiteral, ast.BoolLiteral)):
        return True
    return isinstance(expr, ast.Binary) and expr.op == "&" and _simple(expr.left) and _simple(expr.right)


def _same_expr(left: ast.Expr | None, right: ast.Expr | None) -> bool:
    """Whether two arguments are written the same way, up to spaces."""
    if left is None or right is None:
        return left is right
    if isinstance(left, ast.StructExpr) and isinstance(right, ast.StructExpr):
        mine = {f.key.text: f.value for f in left.fields}
        theirs = {f.key.text: f.value for f in right.fields}
        return mine.keys() == theirs.keys() and all(_same_expr(mine[k], theirs[k]) for k in mine)
    return left.span.text.split() == right.span.text.split()


def _forms(kind: MatchKind) -> str:
    """What an entry of the program may have in a field of this kind."""
    article = "an" if kind.name[0] in "aeiou" or kind is LPM else "a"
    if not kind.optional_field:
        return f"{article} {kind.name} key is matched by one value only"
    written = {"&&&": "`value &&& mask`", "..": "`low .. high`"}
    forms = ", ".join([*(written[form] for form in kind.forms), "a value" if kind.forms else "one value"])
    return f"{article} {kind.name} key is matched by {forms} or `_`"
